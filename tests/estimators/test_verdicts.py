"""Every status of a fit is reached, and its message has the remedy."""

import autograd.numpy as anp
import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

import natfit
from natfit import NaturalMLE, Status
from natfit.distributions import Positive, Real, from_log_prob

RNG = np.random.default_rng(0)


def underdispersed():
    return natfit.fit("negative_binomial", [3.0, 4, 4, 5, 4, 3])


def light_tails():
    return natfit.fit("student_t", np.linspace(-1.0, 1.0, 50))


def users_bound():
    return natfit.fit("gamma", RNG.gamma(5.0, size=200), bounds={"shape": (0.5, 2.0)})


def tied():
    return natfit.fit("student_t", np.r_[np.zeros(70), np.arange(1.0, 31.0)])


def tied_maxima():
    return natfit.fit("gev", np.array([0.0, 0.0, 0.0, 0.0, 1.0]))


def redundant():
    """A density of two locations that depends only on their sum."""
    family = from_log_prob(
        lambda y, a, b: -0.5 * (y - a - b) ** 2 - 0.5 * anp.log(2.0 * np.pi),
        {"a": Real(), "b": Real()},
        support="real",
    )
    return natfit.fit(family, RNG.normal(size=50), metric="observed")


def few_steps():
    return NaturalMLE("gamma", max_iter=1).fit(RNG.gamma(2.0, size=(50, 1)))


def overflowing():
    """A density that is NaN as soon as its scale has changed."""
    family = from_log_prob(
        lambda y, scale: anp.where(scale == 2.0, -y / scale - anp.log(scale), np.nan),
        {"scale": Positive()},
        support="positive",
    )
    return natfit.fit(family, RNG.exponential(9.0, 50), start_params={"scale": 2.0})


#: Status to fits that end so and the words that their messages hold.
VERDICTS = {
    underdispersed: ("boundary", r"n -> inf \(the Poisson distribution\)"),
    light_tails: ("boundary", r"df -> inf \(the normal distribution\)"),
    users_bound: ("boundary", "shape -> 2"),
    tied: ("unbounded", "70 % of the rows equal 0"),
    tied_maxima: ("unbounded", "80 % of the rows equal 0"),
    redundant: ("singular", "do not determine a, b"),
    few_steps: ("max_iter", "max_iter=1 was reached"),
    overflowing: ("no_descent", "no step along the direction lowers"),
}


@pytest.mark.parametrize("case", VERDICTS, ids=lambda case: case.__name__)
def test_what_is_no_optimum_warns_and_names_the_remedy(case):
    status, words = VERDICTS[case]
    with np.errstate(all="ignore"), pytest.warns(ConvergenceWarning, match=words):
        model = case()
    assert model.status_ == status
    assert not model.status_.good
    assert model.message_.startswith(f"{model.status_}: ")
    assert model.message_.endswith(model.status_.remedy)


def test_a_good_end_has_nothing_to_do():
    model = natfit.fit("gamma", RNG.gamma(2.0, size=50))
    assert model.status_ is Status.CONVERGED
    assert model.status_.remedy == "nothing to do"

"""How fits end at kinks, saddles and limits, and far from the optimum."""

import autograd.numpy as anp
import numpy as np
import pytest
from estimator_data import quiet

import natfit
from natfit import NaturalMLE
from natfit.distributions import Positive, Real, Unit, from_log_prob


def test_a_probability_of_one_half_is_no_trap():
    geometric = from_log_prob(
        lambda y, p: anp.log(p) + y * anp.log1p(-p), {"p": Unit()}, support="counts"
    )
    x = np.random.default_rng(2).geometric(0.2, size=(500, 1)) - 1.0
    model = NaturalMLE(geometric, start_params={"p": 0.5}).fit(x)
    assert model.status_ == "converged"
    assert float(model.params_["p"][0]) == pytest.approx(1.0 / (1.0 + x.mean()), rel=1e-6)


@pytest.mark.slow
def test_a_density_with_a_kink_is_accepted():
    laplace = from_log_prob(
        lambda y, loc, scale: -anp.abs(y - loc) / scale - anp.log(2 * scale),
        {"loc": Real(), "scale": Positive()},
        support="real",
    )
    x = np.random.default_rng(4).laplace(3, 2, size=(501, 1))
    with quiet():
        model = NaturalMLE(laplace).fit(x)
    # No gradient vanishes at a kink: the optimum is found, but the fit cannot say so.
    assert float(model.params_["loc"][0]) == pytest.approx(np.median(x), abs=1e-2)
    assert float(model.params_["scale"][0]) == pytest.approx(
        np.abs(x - np.median(x)).mean(), rel=1e-3
    )


def test_rounding_is_no_excuse_far_from_the_optimum():
    X = np.random.default_rng(0).normal(size=(200, 3))
    start = {"loc": np.full(3, 1e3), "covariance": 1e-6 * np.eye(3)}
    with quiet():
        model = NaturalMLE("multivariate_normal", metric="empirical", start_params=start).fit(X)
    assert not model.status_.good
    with quiet():
        result = natfit.minimize(lambda x: 1e14 + anp.sum(x**2), [3.0, 1.0], jac=lambda x: -2.0 * x)
    assert not result.success


def test_a_saddle_is_no_success():
    with quiet():
        result = natfit.minimize(
            lambda x: x[0] ** 2 - x[1] ** 2 + x[1] ** 4, [1.0, 1e-9], metric="observed"
        )
    # The minima are at +-sqrt(1 / 2): beyond the saddle, success means one of them.
    assert not result.success or abs(abs(result.x[1]) - np.sqrt(0.5)) < 1e-6


def test_bounds_are_named_as_they_were_given():
    limited = from_log_prob(
        lambda y, rate: anp.log(rate) - rate * y, {"rate": Positive(low=0.5, high=2.0)}
    )
    x = np.random.default_rng(6).exponential(0.01, size=(100, 1))
    with quiet():
        model = NaturalMLE(limited, metric="observed").fit(x)
    assert model.status_ == "boundary"
    assert "rate -> 2" in model.message_

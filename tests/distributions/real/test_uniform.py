"""The uniform distribution: its case, and ends that are order statistics."""

import numpy as np
import pytest
from scipy import stats

import natfit
from natfit.distributions import Uniform
from tests.cases import Case, continuous
from tests.fits import fitted

CASE = Case(
    data=np.random.default_rng(0).uniform(-2.0, 5.0, 200),
    optimum=lambda y: [y.min(), y.max()],
    family=Uniform(),
    draws=continuous(
        stats.uniform,
        lambda x, low, high: stats.uniform.logpdf(x, low, high - low),
        lambda rng, n: rng.uniform(size=n),
        scales={"low": 1, "high": 1},
        moved=True,
    ),
)


def test_both_ends_are_order_statistics_and_the_fit_says_so():
    model = fitted("uniform", CASE.data)
    assert model.status_ == "boundary"
    assert "simpler family" not in model.message_
    assert model.params_["low"] == CASE.data.min()
    assert model.params_["high"] == CASE.data.max()
    assert "the smallest row" in model.message_ and "the largest row" in model.message_


def test_a_known_end_is_fixed():
    model = fitted("uniform", CASE.data, fixed={"low": -2.0})
    assert model.params_["low"] == -2.0
    assert model.params_["high"] == CASE.data.max()


def test_a_prior_may_keep_an_end_away_from_the_rows():
    """The mode of the posterior, by a grid."""
    prior = {"high": stats.norm(9.0, 0.05)}
    model = natfit.NaturalMLE("uniform", fixed={"low": -2.0}, prior=prior).fit(CASE.data[:, None])
    high = np.linspace(8.0, 9.0, 1_000_001)
    best = high[np.argmax(stats.norm.logpdf(high, 9.0, 0.05) - 200 * np.log(high + 2.0))]
    assert model.status_ == "converged"
    assert model.params_["high"][0] == pytest.approx(best, abs=2e-6)

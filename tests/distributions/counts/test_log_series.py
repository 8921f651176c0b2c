"""The logarithmic series: the equation of its mean, mpmath, the negative binomial without zeros."""

import mpmath
import numpy as np
import pytest
from scipy import optimize, stats

from natfit.distributions import LogSeries
from tests.cases import Case, counts
from tests.fits import fitted, log_uniform, native, total


def mle(y):
    """The root of the mean, in the logit, by scipy's root finder."""
    mean = y.mean()

    def gap(logit):
        return np.exp(logit) / np.logaddexp(0.0, logit) - mean

    return [1.0 / (1.0 + np.exp(-optimize.brentq(gap, -30.0, 30.0, xtol=1e-14)))]


def draw(rng, n):
    y = rng.logseries(1.0 - log_uniform(rng, 1e-4, 0.9), n).astype(float)
    y[0] += y.max() < 2.0
    return y


def search(x):
    return [{"prob": mle(x)[0]}]


CASE = Case(
    data=np.random.default_rng(1).logseries(0.8, 200).astype(float),
    optimum=mle,
    draws=counts(draw, lambda x, prob: stats.logser.logpmf(x, prob), search),
)


@pytest.mark.parametrize("logit", [-9.0, 0.0, 5.0, 14.0, 25.0])
def test_moments_and_tails_against_mpmath(logit):
    family, eta = LogSeries(), np.array([logit])
    with mpmath.workdps(40):
        p = 1 / (1 + mpmath.exp(-mpmath.mpf(logit)))
        rest = -mpmath.log(1 - p)
        mean = float(p / (1 - p) / rest)
        fisher = float(p / rest * (1 - p / rest))
        scale = max(1.0, float(1 / (1 - p)))
        y = np.unique(np.floor(np.array([1.0, 0.01, 0.3, 1.0, 9.0]) * [1.0, *[scale] * 4]) + 1.0)
        above = [
            float(mpmath.log(mpmath.betainc(int(v) + 1, mpmath.mpf("1e-30"), 0, p) / rest))
            for v in y
        ]
    rule = family.expectation(eta)
    assert rule.weight @ rule.y == pytest.approx(mean, rel=1e-9)
    assert family.fisher(eta[None])[0, 0, 0] == pytest.approx(fisher, rel=1e-11)
    np.testing.assert_allclose(family.log_sf(y, eta[None]), above, rtol=1e-9, atol=1e-10)


def test_abundances_of_a_long_tail():
    y = np.floor(np.exp(np.linspace(0.0, np.log(1_500_635.5), 71)))
    model = fitted("log_series", y)
    assert model.status_ == "converged"
    assert native(model)["prob"] == pytest.approx(mle(y)[0], rel=1e-12)
    assert total(model, y) == pytest.approx(stats.logser(mle(y)[0]).logpmf(y).sum(), abs=1e-7)
    # The negative binomial without zeros, with a small n, is next to it.
    prob, n = mle(y)[0], 1e-7
    near = stats.nbinom(n, 1.0 - prob).logpmf(y) - np.log(-np.expm1(n * np.log1p(-prob)))
    assert near.sum() == pytest.approx(total(model, y), abs=1e-3)


def test_all_ones_end_at_the_boundary():
    model = fitted("log_series", np.ones(30))
    assert model.status_ == "boundary"
    assert "all counts are 1" in model.message_

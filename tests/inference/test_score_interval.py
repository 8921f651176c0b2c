"""Score intervals against Wilson's interval and other closed forms."""

import numpy as np
import pytest
from scipy import stats

import natfit
from natfit.inference.score_interval import score_interval
from tests.fits import fitted

RNG = np.random.default_rng(0)
Z = stats.norm.ppf(0.975)


def estimate(family, y, **options):
    y = np.asarray(y, dtype=float)
    return fitted(family, y, **options)._estimates(y[:, None])[0]


def interval(own, k, level=0.95):
    slope = np.eye(len(own.theta))[k]
    return score_interval(own, lambda theta: theta[k], lambda theta: slope, level)


@pytest.mark.parametrize(("successes", "n"), [(7, 20), (1, 30), (49, 50)])
def test_wilson(successes, n):
    found = interval(estimate("bernoulli", np.arange(n) < successes), 0)
    want = stats.binomtest(successes, n).proportion_ci(method="wilson")
    ends = 1.0 / (1.0 + np.exp(-np.array([found.low, found.high])))
    assert tuple(ends) == pytest.approx((want.low, want.high), abs=1e-8)
    assert found.reached_low and found.reached_high


def test_poisson_mean():
    # (ybar - m)^2 n / m = z^2, a quadratic in m.
    y = RNG.poisson(3.0, 12).astype(float)
    found = interval(estimate("poisson", y), 0)
    b, c = y.mean() + 0.5 * Z**2 / 12, y.mean() ** 2
    want = b + np.array([-1.0, 1.0]) * np.sqrt(b**2 - c)
    assert (found.low, found.high) == pytest.approx(np.log(want), abs=1e-8)


def test_normal_mean_with_an_unknown_scale():
    # The expected information at the restricted scale: n (ybar - m)^2 / (s^2 + (ybar - m)^2) = z^2.
    y = RNG.normal(3.0, 2.0, 25)
    found = interval(estimate("normal", y), 0)
    half = y.std() * Z / np.sqrt(25 - Z**2)
    assert (found.low, found.high) == pytest.approx((y.mean() - half, y.mean() + half), abs=1e-6)


def test_censored_rows_have_the_observed_information():
    # d events in a total time s: (d - r s)^2 / (r s) = z^2.
    times, seen = RNG.exponential(2.0, 30), RNG.random(30) < 0.6
    rows = natfit.Censored.right(times, seen)
    found = interval(natfit.fit("exponential", rows)._estimates(rows)[0], 0)
    d, s = seen.sum(), times.sum()
    want = d + 0.5 * Z**2 + np.array([-1.0, 1.0]) * Z * np.sqrt(d + 0.25 * Z**2)
    assert (found.low, found.high) == pytest.approx(np.log(want / s), abs=1e-7)


def test_a_statistic_that_never_gets_large_enough():
    # With three rows the statistic of the mean is below n = 3 for any mean, and z^2 is larger.
    found = interval(estimate("normal", [1.0, 2.0, 4.0]), 0, 0.95)
    assert (found.low, found.high) == (-np.inf, np.inf)
    assert not (found.reached_low or found.reached_high)


def test_known_parameters_and_refusals():
    own = estimate("gamma", RNG.gamma(2.0, 1.0, 20), fixed={"shape": 2.0})
    assert interval(own, 0).low == interval(own, 0).high == own.theta[0]
    with pytest.raises(ValueError, match="level must be"):
        interval(own, 1, 95.0)

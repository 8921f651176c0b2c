"""Probabilities of intervals and their derivatives, against scipy's distribution functions."""

import numpy as np
import pytest
from scipy import special, stats

from natfit.distributions import (
    Bernoulli,
    Exponential,
    Gamma,
    Normal,
    Poisson,
    StudentT,
    Truncated,
)
from natfit.distributions.contract.intervals import moments

INF = np.inf
CASES = [
    (Normal(), [1.0, 0.3], [(-INF, 0.2), (0, 2), (2, INF), (3, 4), (3, 3.1), (-2, -1.5)]),
    (Normal(), [1.0, 0.3], [(0.9, 1.1), (-5, 1.01), (0.99, 50), (1.0, 1.0 + 1e-7)]),
    (Gamma(), [0.5, 1.0], [(0, 0.2), (1, 3), (4, INF), (4, 4.5), (1e-5, 0.1), (3, 20)]),
    (Gamma(), [-4.6, 1.0], [(0, 0.2), (1e-5, 1), (0.1, 20), (4, INF)]),
    (Gamma(), [9.2, 1.0], [(0, 2.6e4), (2.7e4, 2.8e4), (2.8e4, INF)]),
    (Exponential(), [0.4], [(1, 2), (3, INF), (0, 0.1)]),
    (Poisson(), [1.2], [(0, 1), (2, 4), (3, INF), (7, 9), (5, INF), (3, 3)]),
    (StudentT(), [1.0, 0.2, 0.3], [(-INF, -1), (1, 3), (4, INF), (4, 6), (-300, 1.1)]),
    (Bernoulli(), [0.3], [(0, 0), (1, 1), (0, 1)]),
    (Truncated("gamma", 1.0, 8.0), [0.5, 1.0], [(1, 2), (2, 8), (7, 7.5), (1.5, 6)]),
]


def log_mass(family, eta, low, high):
    """Log P(low <= Y <= high) by scipy; from the nearer tail."""
    inner = family.inner if isinstance(family, Truncated) else family
    frozen = inner.counterpart(eta)
    low = low - 1 if family.support.integer else low
    upper = frozen.sf(low) < 0.5
    mass = frozen.sf(low) - frozen.sf(high) if upper else frozen.cdf(high) - frozen.cdf(low)
    if inner is not family:
        mass /= frozen.cdf(family.high) - frozen.cdf(family.low)
    return np.log(mass)


def differences(fun, eta, h):
    """Gradient and negative Hessian, by central differences of fourth and second order."""
    unit = np.eye(len(eta)) * h
    grad = np.array(
        [(8 * (fun(eta + u) - fun(eta - u)) - fun(eta + 2 * u) + fun(eta - 2 * u)) for u in unit]
    )
    cross = [
        [fun(eta + u + v) - fun(eta + u - v) - fun(eta - u + v) + fun(eta - u - v) for u in unit]
        for v in unit
    ]
    return grad / (12 * h), -np.array(cross) / (4 * h * h)


@pytest.mark.parametrize("case", range(len(CASES)))
def test_mass_score_and_curvature(case):
    family, eta, intervals = CASES[case]
    # Shape 1e4 bends a hundred times faster.
    h = 1e-4 if eta[0] > 9 else 1e-3
    eta = np.array(eta)
    low, high = np.array(intervals, dtype=float).T
    found = moments(family, low, high, eta[None])
    for i, ends in enumerate(intervals):
        want = log_mass(family, eta, *ends)
        assert found.log_mass[i] == pytest.approx(want, rel=1e-7, abs=2e-9)
        if ends[1] - ends[0] < 1e-6:
            continue  # scipy's difference has no digits left to differentiate
        grad, hess = differences(lambda e, ends=ends: log_mass(family, e, *ends), eta, h)
        size = np.abs(grad).max() + 1e-2
        np.testing.assert_allclose(found.score[i], grad, atol=2e-6 * size)
        size = np.abs(hess).max() + 1e-2
        np.testing.assert_allclose(found.observed[i], hess, atol=5e-5 * size)


def test_rows_of_their_own_eta_equal_one_at_a_time():
    rng = np.random.default_rng(0)
    eta = rng.normal(size=(1200, 2)) * 0.3
    low = rng.gamma(1.0, 1.0, 1200)
    high = np.where(rng.random(1200) < 0.5, INF, low + rng.gamma(1.0, 1.0, 1200))
    found = moments(Gamma(), low, high, eta, outer=True)
    for i in (0, 511, 512, 1199):
        alone = moments(Gamma(), low[i : i + 1], high[i : i + 1], eta[i : i + 1], outer=True)
        for name in ("log_mass", "score", "gap", "outer", "observed"):
            np.testing.assert_allclose(getattr(found, name)[i], getattr(alone, name)[0], rtol=1e-8)


def test_a_narrow_interval_tends_to_the_density():
    eta = np.array([[0.3, -1.0]])
    y, width = np.array([0.7]), 1e-6
    found = moments(Normal(), y, y + width, eta)
    middle = y + 0.5 * width
    assert found.log_mass[0] - np.log(width) == pytest.approx(Normal().log_prob(middle, eta)[0])
    np.testing.assert_allclose(found.score, Normal().score(middle, eta), rtol=1e-9)
    np.testing.assert_allclose(found.observed, Normal().observed(middle, eta), rtol=1e-7)


def test_far_tails_keep_their_digits():
    """At 38 scales and beyond the probability is no double; its logarithm is."""
    found = moments(Normal(), np.array([50.0, 1e5]), np.array([INF, 1e5 + 1]), np.zeros((1, 2)))
    want = stats.norm.logsf([50.0, 1e5])
    np.testing.assert_allclose(found.log_mass, want, rtol=1e-12)
    # Mills: E[Y | Y > a] = a + 1 / a - 2 / a^3 + ...
    assert found.score[0, 0] == pytest.approx(50 + 1 / 50 - 2 / 50**3, rel=1e-8)
    assert np.isfinite(found.observed).all()


def test_mass_that_no_double_reaches_is_counted():
    """8e-4 of this gamma's mass lies below the least double; F(y) = (y / scale)^a / Gamma(a + 1)."""
    a, y = 0.01, 1e-40
    found = moments(Gamma(), np.array([0.0]), np.array([y]), np.array([[np.log(a), 0.0]]))
    slope = a * (np.log(y) - special.psi(a + 1.0))
    assert found.log_mass[0] == pytest.approx(a * np.log(y) - special.gammaln(a + 1.0), rel=1e-12)
    np.testing.assert_allclose(found.score[0], [slope, -a], rtol=1e-9)
    bend = slope - a * a * special.polygamma(1, a + 1.0)
    np.testing.assert_allclose(found.observed[0], [[-bend, a], [a, 0.0]], rtol=1e-7, atol=1e-9)

"""Rows that are exact or open on one side, each with an eta of its own, by closed forms."""

import numpy as np
import pytest

from natfit.distributions.wrappers._windowed import WindowedFamily
from natfit.distributions.wrappers.censored import CensoredFamily
from natfit.numerics.special import log1mexp
from tests.distributions.test_row_costs import rows_of
from tests.suites import families

NAMES = {name: f for name, f in families().items() if f._open_rows is not None}

#: Eighth-order central differences, of a function at -4, ..., 4 steps.
FIRST = np.array([3.0, -32.0, 168.0, -672.0, 0.0, 672.0, -168.0, 32.0, -3.0]) / 840.0
STEP = 0.02


def slopes(function, eta):
    """Derivatives of a function (n, ...) of rows eta (n, K) in each row's own eta, (n, ..., K)."""
    found = []
    for k in range(eta.shape[1]):
        unit = np.zeros_like(eta)
        unit[:, k] = STEP
        values = [function(eta + i * unit) for i in range(-4, 5)]
        found.append(np.tensordot(FIRST, np.stack(values), 1) / STEP)
    return np.stack(found, axis=-1)


def ends_of(family, n=240):
    """Rows (n, 2): exact, open above, open below and closed ones in turn, and their eta."""
    y, eta = rows_of(family, n)
    rng, kind = np.random.default_rng(0), np.arange(n) % 4
    lower, upper = y.copy(), y.copy()
    upper[kind == 1], lower[kind == 2] = np.inf, -np.inf
    wide = y * np.exp(rng.random(n)) if family.support.low == 0.0 else y + 0.5 + rng.random(n)
    upper[kind == 3] = wide[kind == 3] + 0.3
    return np.stack([lower, upper], axis=1), eta, kind


def test_the_families_of_accelerated_failure_times_have_closed_forms():
    assert {f"{name}()" for name in ("Weibull", "Lognormal", "LogLogistic", "Exponential")} <= set(
        NAMES
    )


@pytest.mark.parametrize("name", NAMES)
def test_open_rows(name):
    family = NAMES[name]
    censored = CensoredFamily(family)
    y, eta, kind = ends_of(family)
    value, score = censored.log_prob_and_score(y, eta)
    lower, upper = y.T
    want = family.log_prob(np.where(kind == 0, lower, 1.0), eta)
    want = np.where(kind == 1, family.log_sf(lower, eta), want)
    want = np.where(kind == 2, family.log_cdf(upper, eta), want)
    near = family.log_sf(lower, eta)
    inside = near + log1mexp(np.minimum(family.log_sf(upper, eta) - near, 0.0))
    want = np.where(kind == 3, inside, want)
    np.testing.assert_allclose(value, want, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(censored.log_prob(y, eta), value, rtol=1e-13)
    slope = slopes(lambda e: censored.log_prob(y, e), eta)
    np.testing.assert_allclose(score, slope, rtol=1e-8, atol=1e-8)
    observed = -slopes(lambda e: censored.score(y, e), eta)
    np.testing.assert_allclose(censored.observed(y, eta), observed, rtol=1e-7, atol=1e-7)
    entries = censored.observed_curvature(y, eta)
    np.testing.assert_allclose(entries.dense(len(y)), observed, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_rows_without_information_add_nothing(name):
    family = NAMES[name]
    censored = CensoredFamily(family)
    _, eta = rows_of(family, 2)
    y = np.array([[family.support.low, np.inf], [-np.inf, np.inf]])
    value, score = censored.log_prob_and_score(y, eta)
    np.testing.assert_allclose(value, 0.0, atol=1e-100)
    np.testing.assert_allclose(score, 0.0, atol=1e-100)
    np.testing.assert_allclose(censored.observed(y, eta), 0.0, atol=1e-100)


@pytest.mark.parametrize("name", NAMES)
def test_delayed_entry(name):
    """A row that is seen from an age on: log p less log P(Y > age), from scipy's tails."""
    family = NAMES[name]
    windowed = WindowedFamily(family)
    y, eta = rows_of(family, 200)
    low = y - 0.5 * np.abs(y)
    low[::5], end = -np.inf, np.where(np.arange(200) % 3, y, np.inf)
    rows = np.stack([y, end, low, np.full(200, np.inf)], axis=1)
    value, score = windowed.log_prob_and_score(rows, eta)
    own = np.where(end == y, family.log_prob(y, eta), family.log_sf(y, eta))
    np.testing.assert_allclose(value, own - family.log_sf(low, eta), rtol=1e-10, atol=1e-10)
    slope = slopes(lambda e: windowed.log_prob(rows, e), eta)
    np.testing.assert_allclose(score, slope, rtol=1e-8, atol=1e-8)
    observed = -slopes(lambda e: windowed.score(rows, e), eta)
    np.testing.assert_allclose(windowed.observed(rows, eta), observed, rtol=1e-7, atol=1e-7)
    entries = windowed.observed_curvature(rows, eta)
    np.testing.assert_allclose(entries.dense(len(y)), observed, rtol=1e-7, atol=1e-7)


def test_a_hazard_below_a_small_end_keeps_its_digits():
    """Of log(1 - exp(-w)) the second derivative in log w is -w / 2 - ... near w = 0."""
    from natfit.distributions.forms.standard import below_hazard

    w = np.array([1e-12, 1e-6, 9.9e-3, 1.01e-2, 1.0, 50.0])
    _, first, second = below_hazard(w)
    h = 1e-3
    np.testing.assert_allclose(first, w / np.expm1(w), rtol=1e-13)
    up, down = below_hazard(w * np.exp(h))[1], below_hazard(w * np.exp(-h))[1]
    np.testing.assert_allclose(second, (up - down) / (2.0 * h), rtol=1e-3, atol=1e-13)
    np.testing.assert_allclose(second[:2], -0.5 * w[:2], rtol=1e-6)

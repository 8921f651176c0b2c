"""Pareto smoothing against scipy's distribution, its fit, and integrals that are known."""

import numpy as np
import pytest
from scipy import stats

from natfit.inference.pareto_smoothing import generalized_pareto, smoothed


@pytest.mark.parametrize("k", [-0.3, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("n", [300, 3_000])
def test_shape_and_scale_of_quantiles(k, n):
    x = stats.genpareto(k, scale=2.0).ppf((np.arange(n) + 0.5) / n)
    shape, scale = generalized_pareto(x)
    # Without the ten observations that draw the shape towards one half.
    assert ((n + 10) * shape - 5) / n == pytest.approx(k, abs=8 / n**0.9)
    assert scale == pytest.approx(2.0, rel=0.02)


def test_shape_is_near_scipys_fit():
    x = np.sort(stats.genpareto(0.4, scale=3.0).rvs(400, random_state=0))
    shape, scale = generalized_pareto(x)
    want, _, unit = stats.genpareto.fit(x, floc=0.0)
    assert shape == pytest.approx(want, abs=0.05)
    assert scale == pytest.approx(unit, rel=0.05)


def test_a_power_is_found():
    """u^-k has the tail of shape k exactly."""
    u = (np.arange(4_000) + 0.5) / 4_000
    for k in (0.3, 0.6, 0.9):
        assert smoothed(-k * np.log(u)).k_hat == pytest.approx(k, abs=0.05)


def test_only_the_tail_moves_and_none_beyond_the_largest():
    r = np.random.default_rng(0).standard_normal(1_000)
    found = smoothed(r)
    size = int(np.ceil(3 * np.sqrt(1_000)))
    order = np.argsort(r)
    np.testing.assert_array_equal(found.log_ratio[order[:-size]], r[order[:-size]])
    assert np.all(np.diff(found.log_ratio[order[-size:]]) >= 0)
    assert found.log_ratio.max() <= r.max()


def test_the_mean_ratio_is_the_integral():
    """Draws of N(0, 1) for the density 3 N(0.2, 0.9^2), whose integral is 3."""
    z = np.random.default_rng(1).standard_normal(20_000)
    r = np.log(3.0) + stats.norm(0.2, 0.9).logpdf(z) - stats.norm.logpdf(z)
    assert smoothed(r).log_mean == pytest.approx(np.log(3.0), abs=0.01)


def test_equal_ratios_are_exact():
    found = smoothed(np.full(100, -700.0))
    assert found.k_hat == -np.inf
    assert found.log_mean == pytest.approx(-700.0)


def test_outside_the_support_the_ratio_is_zero():
    r = np.where(np.arange(1_000) % 2 == 0, -np.inf, 0.1 * np.sin(np.arange(1_000)))
    found = smoothed(r)
    assert np.isfinite(found.k_hat)
    assert found.log_mean == pytest.approx(np.log(0.5), abs=0.01)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_refusals(bad):
    r = np.zeros(100)
    r[3] = bad
    with pytest.raises(ValueError, match="numbers or -inf"):
        smoothed(r)
    with pytest.raises(ValueError, match="numbers or -inf"):
        smoothed(np.full(100, -np.inf))
    with pytest.raises(ValueError, match="at least 25 draws"):
        smoothed(np.zeros(24))

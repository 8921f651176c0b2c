"""Double-exponential rules against closed forms."""

import numpy as np
import pytest
from scipy import special

from natfit.numerics.quadrature import between, on_half_line, on_interval, on_line, outwards

T = np.linspace(-4.2, 4.2, 321)
STEP = T[1] - T[0]


def total(nodes, f):
    y, slope = nodes
    with np.errstate(all="ignore"):
        values = f(y) * slope
    return np.where(np.isfinite(values), values, 0.0).sum(axis=-1) * STEP


def test_an_interval_with_a_pole_at_its_end():
    assert total(on_interval(0.0, 2.0, T), lambda y: y**-0.5) == pytest.approx(2.0 * 2.0**0.5)
    assert total(on_interval(-1.0, 3.0, T), np.exp) == pytest.approx(np.e**3 - np.e**-1, rel=1e-12)


def test_a_half_line_and_a_line():
    assert total(on_half_line(1.0, 0.0, 1.0, T), lambda y: np.exp(1.0 - y)) == pytest.approx(1.0)
    heavy = total(on_line(3.0, 2.0, T), lambda y: 1.0 / (np.pi * (1.0 + (y - 3.0) ** 2)))
    assert heavy == pytest.approx(1.0, rel=1e-10)


@pytest.mark.parametrize("side", [1, -1])
def test_tails_from_their_ends(side):
    end = np.array([0.0, 1.5])
    found = total(
        outwards(side * end, side * np.inf, side, np.ones(2), T),
        lambda y: np.exp(-0.5 * y * y) / np.sqrt(2.0 * np.pi),
    )
    np.testing.assert_allclose(found, special.ndtr(-end), rtol=1e-10)


def test_tails_to_a_finite_end():
    found = total(
        outwards(np.array([0.5, 0.1]), 0.0, -1, np.array([0.3, 0.05]), T), lambda y: y**-0.7
    )
    np.testing.assert_allclose(found, np.array([0.5, 0.1]) ** 0.3 / 0.3, rtol=1e-9)


def test_narrow_intervals_keep_their_digits():
    lower = np.array([0.0, 1e6])
    upper = lower + np.array([1.0, 1e-6])
    np.testing.assert_allclose(
        total(between(lower, upper, T), np.ones_like), upper - lower, rtol=1e-9
    )

"""Quantiles, locations and scales for starts."""

import numpy as np
import pytest

from natfit.distributions.contract.start import location_scale, median, quantile


def test_quantiles_count_weights():
    y = np.array([3.0, 1.0, 2.0, 10.0])
    assert median(y, None) == 2.0
    assert median(y, np.array([1.0, 1.0, 1.0, 7.0])) == 10.0
    assert quantile(np.arange(1.0, 101.0), None, 0.25) == 25.0
    repeated = np.repeat(y, [2, 1, 3, 1])
    assert median(y, np.array([2.0, 1.0, 3.0, 1.0])) == median(repeated, None)


def test_location_scale_of_a_normal_and_of_ties():
    y = np.random.default_rng(0).normal(3.0, 2.0, 20_000)
    centre, spread = location_scale(y, None)
    assert (centre, spread) == pytest.approx((3.0, 2.0), abs=0.05)
    _, spread = location_scale(np.array([1.0] * 8 + [5.0, 9.0]), None)
    assert spread > 0
    _, spread = location_scale(np.full(4, 7.0), None)
    assert spread > 0

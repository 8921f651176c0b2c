"""The package's quadrature against closed forms; supports."""

import numpy as np
import pytest
from scipy import special

from natfit.distributions import Gamma, Normal, Poisson, StudentT, Support
from natfit.distributions.contract.start import location_scale, median, quantile
from natfit.distributions.contract.support import BINARY, COUNTS, POSITIVE, UNIT


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("loc", [0.0, -3.0, 40.0])
def test_normal_moments(loc, scale):
    family = Normal()
    rule = family.expectation(family.eta(loc=loc, scale=scale))
    assert rule.weight.sum() == pytest.approx(1.0, abs=1e-12)
    assert rule.weight @ (rule.y - loc) == pytest.approx(0.0, abs=1e-7 * scale)
    assert rule.weight @ (rule.y - loc) ** 2 == pytest.approx(scale**2, rel=1e-6)


@pytest.mark.parametrize("shape", [0.05, 1.0, 300.0, 1e5])
def test_gamma_moments(shape):
    family = Gamma()
    rule = family.expectation(family.eta(shape=shape, scale=2.0))
    assert rule.weight @ rule.y == pytest.approx(2.0 * shape, rel=1e-7)
    want = special.psi(shape) + np.log(2.0)
    assert rule.weight @ np.log(rule.y) == pytest.approx(want, rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("df", [0.3, 1.0, 30.0])
def test_heavy_tails(df):
    family = StudentT()
    rule = family.expectation(family.eta(loc=5.0, scale=0.1, df=df))
    # Against the mean over scipy quantiles.
    from scipy.stats import t

    z = (rule.y - 5.0) / 0.1
    smooth = rule.weight @ (1.0 / (1.0 + z**2))
    grid = np.linspace(0.0, 1.0, 200_002)[1:-1]
    assert smooth == pytest.approx(np.mean(1.0 / (1.0 + t(df).ppf(grid) ** 2)), abs=1e-5)


def test_enumeration_reaches_large_rates():
    family = Poisson()
    for rate in (1e-8, 3.0, 5e4):
        rule = family.expectation(family.eta(rate=rate))
        assert rule.weight @ rule.y == pytest.approx(rate, rel=1e-9)


def test_supports_describe_themselves():
    assert Support().describe() == "finite numbers"
    assert POSITIVE.describe() == "finite numbers > 0"
    assert COUNTS.describe() == "whole numbers >= 0"
    assert BINARY.describe() == "whole numbers with 0 <= y <= 1"
    assert UNIT.describe() == "finite numbers with 0 < y < 1"
    assert COUNTS.contains(np.array([0.0, 1.5, -1.0, 2.0])).tolist() == [True, False, False, True]


def test_support_names_the_row_across_chunks():
    y = np.ones(40_000)
    y[33_333] = -2.0
    with pytest.raises(ValueError, match=r"got -2.0 at row 33333"):
        POSITIVE.check(y, "Gamma")
    table = np.ones((10, 2))
    table[7, 1] = 0.0
    with pytest.raises(ValueError, match="row 7"):
        POSITIVE.check(table, "Gamma")


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

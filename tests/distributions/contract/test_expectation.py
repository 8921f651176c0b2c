"""Expectations by quadrature and enumeration against closed forms."""

import numpy as np
import pytest
from scipy import special

from natfit.distributions import Gamma, Normal, Poisson, StudentT


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

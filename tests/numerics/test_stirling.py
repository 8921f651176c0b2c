"""Remainders of Stirling's series against mpmath."""

import mpmath
import numpy as np
import pytest
from scipy import special

from natfit.numerics.stirling import balance, correction, curvature, slope, trigamma


@pytest.mark.parametrize("x", [1e-3, 0.4, 3.0, 15.99, 16.0, 40.0, 1e4])
def test_stirling_terms_against_mpmath(x):
    with mpmath.workdps(60):
        v = mpmath.mpf(x)
        c = mpmath.loggamma(v) - (v - 0.5) * mpmath.log(v) + v - mpmath.log(2 * mpmath.pi) / 2
        e = mpmath.psi(0, v) - mpmath.log(v) + 1 / (2 * v)
        d = mpmath.psi(1, v) - 1 / v - 1 / (2 * v**2)
        wanted = [float(t) for t in (c, v**2 * e, v**3 * d, v**4 * (2 * e + v * d))]
    found = [float(f(np.array([x]))[0]) for f in (correction, slope, curvature, balance)]
    np.testing.assert_allclose(found[:3], wanted[:3], rtol=1e-11, atol=1e-13)
    # Its cancellation, x^4 1e-16, is far below y^2 / 2, to which it is added.
    assert found[3] == pytest.approx(wanted[3], abs=3e-11)


def test_trigamma_against_scipy():
    x = np.concatenate([np.logspace(-8, 12, 2_001), np.linspace(0.1, 30.0, 2_001)])
    np.testing.assert_allclose(trigamma(x), special.polygamma(1, x), rtol=4e-15)

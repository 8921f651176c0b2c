"""Tails of the skew normal, against mpmath and against quadrature of the score."""

import mpmath
import numpy as np
import pytest

from natfit.distributions import SkewNormal
from natfit.distributions.contract.ends import from_ends
from natfit.distributions.contract.intervals import tail_means
from natfit.distributions.real._skew_tails import log_cdf


@pytest.mark.parametrize(
    ("shape", "z"),
    [
        *[(3.0, z) for z in (-12.0, -6.0, -1.5, -0.4, 0.0, 0.7, 5.0)],
        *[(-3.0, z) for z in (-6.0, -1.5, 0.4, 2.0)],
        *[(40.0, z) for z in (-0.5, -0.02, 0.0, 0.01, 1.0)],
    ],
)
def test_log_cdf_against_mpmath(shape, z):
    with mpmath.workdps(30):
        a, end = mpmath.mpf(shape), mpmath.mpf(z)

        def density(t):
            return 2 * mpmath.npdf(t) * mpmath.ncdf(a * t)

        if z < 0:
            # In widths of the tail, so that every part of the integral is smooth.
            width = 1 / (1 - end * (1 + a * a if a > 0 else 1))
            cuts = [0, *(mpmath.mpf(2) ** k for k in range(-1, 10))]
            total = mpmath.quad(lambda t: density(end - t * width) * width, cuts)
        else:
            below = mpmath.atan(1 / a) / mpmath.pi + (1 if a < 0 else 0)
            total = below + mpmath.quad(density, mpmath.linspace(0, end, 9))
        want = float(mpmath.log(total))
    assert log_cdf(z, shape) == pytest.approx(want, rel=1e-12, abs=1e-13)


def test_the_half_normal_has_no_lower_tail():
    got = log_cdf(np.array([-30.0, -1.0, 1.0]), np.array([1e9]))
    assert got[0] < got[1] < -1e17
    assert got[2] == pytest.approx(np.log(0.6826894921370859), rel=1e-12)


@pytest.mark.parametrize("eta", [[0.3, 0.2, 0.7], [0.0, 0.5, -1.1], [0.1, 0.0, 0.05]])
def test_derivatives_of_tails_are_means_of_the_score(eta):
    family, eta = SkewNormal(), np.array(eta)[None]
    y = np.array([-1.5, -0.5, 0.2, 1.0, 2.0])
    for upper in (True, False):
        side, infinite = np.full(5, upper), np.full(5, np.inf)
        ends = (y, infinite) if upper else (-infinite, y)
        log_tail, score, second, _ = from_ends(family, *ends, eta)
        mean, gap = tail_means(family, y, side, log_tail, eta)
        np.testing.assert_allclose(score.T, mean, rtol=1e-7, atol=1e-8)
        np.testing.assert_allclose(np.moveaxis(second, -1, 0), -gap, rtol=1e-5, atol=1e-5)

"""Bessel polynomials and their derivatives, against the recurrence in many digits."""

import mpmath
import numpy as np
import pytest

from natfit.numerics.bessel import log_bessel_polynomial


def polynomial(y, t):
    """Q_y(t) by its recurrence."""
    before, now = mpmath.mpf(1), mpmath.mpf(1)
    for k in range(1, y):
        before, now = now, before + (2 * k - 1) * t * now
    return now


@pytest.mark.parametrize("t", [1e-12, 1e-6, 1e-2, 0.3, 10.0, 1e6])
def test_bessel_polynomials_and_derivatives(t):
    orders = np.array([0, 1, 2, 5, 20, 63, 64, 65, 300, 2_000])
    found = log_bessel_polynomial(orders.astype(float), np.array([t]))
    each = log_bessel_polynomial(orders.astype(float), np.full(len(orders), t))
    np.testing.assert_allclose(found, each, rtol=1e-14)
    with mpmath.workdps(90):
        at, h = mpmath.mpf(t), mpmath.mpf(t) * mpmath.mpf(10) ** -25
        for i, y in enumerate(orders.tolist()):
            down, here, up = (mpmath.log(polynomial(y, at + k * h)) for k in (-1, 0, 1))
            assert found[0][i] == pytest.approx(float(here), rel=1e-12, abs=1e-15)
            assert found[1][i] == pytest.approx(float((up - down) / (2 * h)), rel=1e-11)
            second = float((up - 2 * here + down) / h**2)
            assert found[2][i] == pytest.approx(second, rel=1e-8, abs=1e-20)

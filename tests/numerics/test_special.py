"""Special functions against mpmath, and their derivatives."""

import mpmath
import numpy as np
import pytest

from natfit.numerics.special import (
    log1mexp,
    student_constant,
    student_curvature,
    student_slope,
)


@pytest.mark.parametrize("df", [0.05, 0.5, 3.0, 15.0, 17.0, 1e3, 1e6, 1e10])
def test_special_functions_against_mpmath(df):
    with mpmath.workdps(60):
        v = mpmath.mpf(df)
        constant = mpmath.loggamma((v + 1) / 2) - mpmath.loggamma(v / 2) - mpmath.log(v / 2) / 2
        slope = mpmath.psi(0, (v + 1) / 2) - mpmath.psi(0, v / 2) - 1 / v
        derivative = mpmath.psi(1, (v + 1) / 2) / 2 - mpmath.psi(1, v / 2) / 2 + 1 / v**2
        curvature = -derivative - 1 / v**3
    assert float(student_constant(df)) == pytest.approx(float(constant), rel=1e-13)
    assert float(student_slope(df)) == pytest.approx(float(slope), rel=1e-13)
    assert float(student_curvature(df)) == pytest.approx(float(curvature), rel=1e-11)


def test_special_functions_vanish_where_their_terms_overflow():
    df = np.array([1.0, 1e60, 1e120, 1e200])
    with np.errstate(over="ignore"):
        slope, curvature = student_slope(df), student_curvature(df)
    assert slope[0] == student_slope(1.0) and curvature[0] == student_curvature(1.0)
    np.testing.assert_allclose(slope[1:], 0.0, atol=1e-100)
    np.testing.assert_allclose(curvature[1:], 0.0, atol=1e-100)


def test_special_functions_are_differentiable():
    from natfit.numerics import autodiff
    from natfit.testing._core import gradient

    for fun in (student_constant, student_slope):
        for df in (0.4, 5.0, 60.0):
            _, grad = autodiff.value_and_grad(lambda x, f=fun: f(x[0]), [df])
            want = gradient(lambda x, f=fun: f(x[0]), np.array([df]))
            assert grad[0] == pytest.approx(want[0], rel=1e-8)


def test_log_of_one_minus_an_exponential():
    x = np.array([-1e-300, -1e-12, -0.1, -0.69, -0.7, -5.0, -40.0, -700.0, -1e5])
    with mpmath.workdps(350):
        want = [float(mpmath.log(-mpmath.expm1(mpmath.mpf(v)))) for v in x]
    np.testing.assert_allclose(log1mexp(x), want, rtol=1e-15)
    np.testing.assert_array_equal(log1mexp([0.0, -np.inf]), [-np.inf, 0.0])

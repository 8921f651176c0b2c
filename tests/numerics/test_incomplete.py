"""Derivatives of incomplete gamma and beta functions in their parameters, against mpmath.

mpmath computes the functions with 60 digits and more, and central differences of them. Errors are
relative to the derivative, or to what it is a standard deviation of the score away from zero.
"""

import mpmath
import numpy as np
import pytest
from scipy import special

from natfit.numerics.incomplete import beta_slopes, gamma_slopes, student_slopes
from natfit.numerics.tails import log_betainc

STEP = mpmath.mpf(10) ** -12


def slopes(function, density):
    """First and second derivative of a function of a logarithm at 0, over the density."""
    below, at, above = function(-STEP), function(0), function(STEP)
    first, second = (above - below) / (2 * STEP), (above - 2 * at + below) / STEP**2
    return float(first / density), float(second / density)


def gamma_exact(a, x):
    a, x = mpmath.mpf(a), mpmath.mpf(x)
    ends, sign = ((x, mpmath.inf), 1) if x > a else ((0, x), -1)
    density = mpmath.exp((a - 1) * mpmath.log(x) - x - mpmath.loggamma(a))
    tail = lambda h: sign * mpmath.gammainc(a * mpmath.exp(h), *ends, regularized=True)  # noqa: E731
    return slopes(tail, density)


@pytest.mark.parametrize("a", [1e-3, 0.3, 1.0, 7.0, 19.9, 20.1, 200.0, 1500.0])
def test_gamma_derivatives(a):
    share = np.array([1e-300, 1e-12, 0.03, 0.45, 0.97, 1.0, 1.02, 1.7, 5.0, 60.0])
    x = np.append(a * share, [1e-3, 1.0, 700.0])
    x = x[np.abs(x - a) < 80.0 * np.sqrt(a) + 700.0]
    first, second = gamma_slopes(a, x)
    with mpmath.workdps(70):
        wanted = np.array([gamma_exact(a, v) for v in x])
    np.testing.assert_allclose(first, wanted[:, 0], rtol=1e-11)
    np.testing.assert_allclose(second, wanted[:, 1], rtol=1e-10, atol=1e-10 * a)


def beta_exact(a, b, x, left):
    a, b, x, left = (mpmath.mpf(v) for v in (a, b, x, left))
    low = x * (a + b) < a

    def tail(i, j):
        p, q = a * mpmath.exp(i), b * mpmath.exp(j)
        if low:
            return -mpmath.betainc(p, q, 0, x, regularized=True)
        return mpmath.betainc(q, p, 0, left, regularized=True)

    density = mpmath.exp((a - 1) * mpmath.log(x) + (b - 1) * mpmath.log(left))
    density /= mpmath.beta(a, b)
    in_a, aa = slopes(lambda h: tail(h, 0), density)
    in_b, bb = slopes(lambda h: tail(0, h), density)
    both = slopes(lambda h: tail(h, h), density)[1]
    return in_a, in_b, aa, 0.5 * (both - aa - bb), bb


CASES = [
    *((0.3, 0.2, x) for x in (1e-30, 0.02, 0.5, 0.93)),
    *((2.0, 3.0, x) for x in (1e-9, 0.3, 0.4, 0.8, 1 - 1e-12)),
    *((1e-3, 4.0, x) for x in (1e-200, 0.01, 0.6)),
    *((9.0, 0.01, x) for x in (0.2, 0.9, 0.9999)),
    *((30.0, 40.0, x) for x in (0.01, 0.35, 0.43, 0.9)),
    *((150.0, 0.4, x) for x in (0.7, 0.985, 0.999)),
]


@pytest.mark.parametrize(("a", "b", "x"), CASES)
def test_beta_derivatives(a, b, x):
    found = np.concatenate(beta_slopes([a], [b], x, 1.0 - x))[:, 0]
    with mpmath.workdps(60):
        wanted = np.array(beta_exact(a, b, x, 1.0 - x))
    unit = 1e-10 * np.abs(wanted).max()
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=unit)
    # Of 1 - x the derivatives are minus the same, with the two parameters in each other's place.
    again = np.concatenate([part[::-1] for part in beta_slopes([b], [a], 1.0 - x, x)])[:, 0]
    np.testing.assert_allclose(-again, found, rtol=1e-9, atol=unit)


def student_exact(df, z):
    df, z = mpmath.mpf(df), mpmath.mpf(z)
    density = mpmath.gamma((df + 1) / 2) / mpmath.gamma(df / 2) / mpmath.sqrt(mpmath.pi * df)
    density *= (1 + z * z / df) ** (-(df + 1) / 2)

    def tail(h):
        n, half = df * mpmath.exp(h), mpmath.mpf(1) / 2
        if z > 1:
            return mpmath.betainc(n / 2, half, 0, n / (n + z * z), regularized=True) / 2
        return -mpmath.betainc(half, n / 2, 0, z * z / (n + z * z), regularized=True) / 2

    return slopes(tail, density)


@pytest.mark.parametrize("df", [0.05, 0.7, 3.0, 9.9, 10.1, 300.0, 1e5])
def test_student_derivatives(df):
    z = np.array([1e-8, 0.01, 0.6, 1.3, 4.0, 30.0, 1e6])
    z = z[z < 1e3 if df > 1e3 else slice(None)]
    first, second = student_slopes(df, z)
    with mpmath.workdps(60):
        wanted = np.array([student_exact(df, v) for v in z])
    np.testing.assert_allclose(first, wanted[:, 0], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(second, wanted[:, 1], rtol=1e-10, atol=1e-11)
    mirrored = student_slopes(df, -z)
    np.testing.assert_allclose(mirrored, [-first, -second], rtol=0.0)


def test_many_rows_are_computed_as_each_alone():
    rng = np.random.default_rng(0)
    a, b = np.exp(rng.uniform(-4.0, 6.0, (2, 5_000)))
    x, left = special.expit(rng.uniform(-8.0, 8.0, 5_000)), 0.0
    left = 1.0 - x
    cases = (
        (gamma_slopes, (a, rng.gamma(a) + 1e-300)),
        (beta_slopes, (a, b, x, left)),
        (student_slopes, (a, rng.standard_t(a))),
    )
    for function, arguments in cases:
        together = np.concatenate([np.atleast_2d(v) for v in function(*arguments)])
        some = range(0, 5_000, 250)
        alone = [
            np.concatenate([np.atleast_2d(v) for v in function(*(u[i : i + 1] for u in arguments))])
            for i in some
        ]
        np.testing.assert_allclose(together[:, some], np.concatenate(alone, axis=1), rtol=1e-9)


def test_logarithms_of_beta_tails():
    for a, b, x in CASES + [
        (2.0, 3.0, 1e-200),
        (900.0, 700.0, 0.2),
        (40.0, 0.2, 1e-30),
        (5.0, 5.0, 0.0),
    ]:
        with mpmath.workdps(400):
            low = mpmath.betainc(a, b, 0, x, regularized=True)
            wanted = [float(mpmath.log(v)) if v else -np.inf for v in (low, 1 - low)]
        found = [log_betainc(a, b, x, 1.0 - x, upper) for upper in (False, True)]
        np.testing.assert_allclose(found, wanted, rtol=1e-12)

"""Special functions that scipy lacks or loses digits in, differentiable by autograd.

The constant of the Student-t density is a difference of log-gammas that approach each other as df
grows. At df = 1e8 the Fisher information of df is of order 1e-16, and the textbook difference has
no correct digit of it. The functions here compute the differences themselves: by an asymptotic
series in 1 / df for df >= 16, and below that by recurrences whose terms all have one sign.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from autograd.extend import defvjp, primitive

#: (4^k - 1) B_2k / k, k = 1 ... 12, B the Bernoulli numbers: psi((v+1)/2) - psi(v/2) - 1/v is
#: the sum of these over v^2k. At v = 16 the first term left out is 4e-19 of a sum of 2e-3.
_SERIES = np.array(
    [
        0.5,
        -0.25,
        0.5,
        -2.125,
        15.5,
        -172.75,
        2730.5,
        -58098.0625,
        1601145.5,
        -55482645.25,
        2361058260.5,
        -121047960103.375,
    ]
)
_ORDER = np.arange(1, len(_SERIES) + 1)
_CONSTANT = -0.5 * _SERIES / (2 * _ORDER - 1)
_CURVATURE = (2 * _ORDER * _SERIES)[1:]

#: From here on the series is exact to rounding.
_FROM = 16.0


def _ladder(df: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Return the values df, df + 2, ... passed on the way up to the series, and its start."""
    steps = int(_FROM) // 2 if np.any(df < _FROM) else 0
    return [df + 2.0 * k for k in range(steps)], df + 2.0 * steps


def _polynomial(coefficients: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Horner's rule, lowest order first."""
    total = np.full_like(x, coefficients[-1])
    for c in coefficients[-2::-1]:
        total = total * x + c
    return total


@primitive
def student_constant(df: Any) -> Any:
    """Log Gamma((df + 1) / 2) - log Gamma(df / 2) - log(df / 2) / 2, elementwise, < 0.

    The log-density of Student's t at z is this constant minus ``log(2 pi) / 2`` minus
    ``(df + 1) / 2 log(1 + z^2 / df)``. The constant tends to zero as -1 / (4 df).

    Returns
    -------
    ndarray
        In nats, of the shape of df.
    """
    df = np.asarray(df, dtype=np.float64)
    rungs, top = _ladder(df)
    total = _polynomial(_CONSTANT, top**-2.0) / top
    # Each rung multiplies Gamma's ratio squared by 1 + 1 / (v (v + 2)); one log for all.
    product: np.ndarray | float = 0.0
    for v in rungs:
        factor = 1.0 / (v * (v + 2.0))
        product = product + factor + product * factor
    return total - 0.5 * np.log1p(product)


@primitive
def student_slope(df: Any) -> Any:
    """psi((df + 1) / 2) - psi(df / 2) - 1 / df, > 0: twice the derivative of the constant."""
    df = np.asarray(df, dtype=np.float64)
    rungs, top = _ladder(df)
    x = top**-2.0
    total = x * _polynomial(_SERIES, x)
    for v in reversed(rungs):
        total = total + 2.0 / (v * (v + 1.0) * (v + 2.0))
    return total


def student_curvature(df: Any) -> Any:
    """Return -d student_slope / d df - 1 / df^3, elementwise, < 0.

    The leading term 1 / df^3 is left out because it cancels in the Fisher information.

    Returns
    -------
    ndarray
        Of the shape of df.
    """
    df = np.asarray(df, dtype=np.float64)
    rungs, top = _ladder(df)
    x = top**-2.0
    total = x * x * _polynomial(_CURVATURE, x) / top
    for v in reversed(rungs):
        w = v * (v + 2.0)
        total = total - (10.0 + 8.0 / w) / (w * w * (w + 1.0))
    return total


@primitive
def student_slope_derivative(df: Any) -> Any:
    """Return the derivative of :func:`student_slope` in df, elementwise, < 0."""
    df = np.asarray(df, dtype=np.float64)
    return -(df**-3.0) - student_curvature(df)


defvjp(student_constant, lambda ans, df: lambda g: 0.5 * g * student_slope(df))
defvjp(student_slope, lambda ans, df: lambda g: g * student_slope_derivative(df))


def log1mexp(x: Any) -> np.ndarray:
    """log(1 - e^x) of x <= 0, elementwise, to full accuracy at both ends."""
    x = np.asarray(x, dtype=np.float64)
    with np.errstate(all="ignore"):
        return np.where(x > -0.6931471805599453, np.log(-np.expm1(x)), np.log1p(-np.exp(x)))


def log_double_tail(t: Any) -> np.ndarray:
    """log(1 - exp(-exp(-t))), elementwise, also where exp(-t) is below the range of doubles."""
    t = np.asarray(t, dtype=np.float64)
    with np.errstate(all="ignore"):
        rest = np.exp(-t)
        return np.where(t > 30.0, -t - 0.5 * rest, log1mexp(-rest))

"""Logarithms of modified Bessel functions, and their derivatives.

Of large orders, up to 64 a recurrence of positive terms is used, from there on the uniform
asymptotic expansions of Debye (DLMF 10.41), whose first term left out is below 1e-13 there.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from autograd.extend import defvjp, primitive
from scipy import special

from natfit.numerics.jets import Jet

#: Logarithms of Bessel functions below this are computed by the power series.
_TINY = -600.0

#: Orders below this are computed by the recurrence.
_FEW = 64

#: Terms of Debye's expansions beyond the first.
_TERMS = 6

#: Argument from which on the derivative of I1 / I0 is an asymptotic series, exact to 1e-11.
_LARGE = 3e3


def _debye() -> list[np.polynomial.Polynomial]:
    """Debye's polynomials u_k(p), DLMF 10.41.9."""
    p = np.polynomial.Polynomial([0.0, 1.0])
    found = [np.polynomial.Polynomial([1.0])]
    for _ in range(_TERMS):
        u = found[-1]
        found.append(
            0.5 * p**2 * (1.0 - p**2) * u.deriv() + 0.125 * ((1.0 - 5.0 * p**2) * u).integ()
        )
    return found


_U = _debye()


def log_bessel_polynomial(y: Any, t: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """log Q_y(t), K_(y-1/2)(z) = sqrt(pi / (2 z)) exp(-z) Q_y(1 / z), and its derivatives in t.

    Q_0 = Q_1 = 1, ``Q_(y+1) = Q_(y-1) + (2 y - 1) t Q_y``.

    Parameters
    ----------
    y : ndarray
        At least zero; whole numbers below 64.
    t : ndarray
        Positive.

    Returns
    -------
    value, first, second : ndarray
        Elementwise.
    """
    y, t = np.asarray(y, dtype=np.float64), np.asarray(t, dtype=np.float64)
    shape = np.broadcast_shapes(y.shape, t.shape)
    y, each = np.broadcast_to(y, shape), np.broadcast_to(t, shape)
    few = y < _FEW
    out = np.empty((3, *shape))
    if few.any():
        count = np.maximum(y[few], 0.0).astype(np.intp)
        if t.size == 1:
            out[:, few] = _shared(float(t.reshape(1)[0]))[:, count]
        else:
            table = _recurrence(each[few], int(count.max()), np.log1p)
            out[:, few] = np.array(table)[:, count, np.arange(len(count))]
    if not few.all():
        out[:, ~few] = _expansion(y[~few] - 0.5, each[~few])
    return out[0], out[1], out[2]


@functools.lru_cache(maxsize=64)
def _shared(t: float) -> np.ndarray:
    """The orders below 64 at one t, (3, 64): the loop over plain numbers is ten times faster."""
    out = _recurrence(t, _FEW - 1, math.log1p)
    return np.array(out)


def _recurrence(t: Any, most: int, log1p: Callable) -> tuple[list, list, list]:
    """Lists of log Q, its first and its second derivative at t, of all orders up to ``most``."""
    # With r_y = Q_(y+1) / Q_y = 1 + y t + t^2 D_y, where D is the derivative of log Q,
    # D_(y+1) = (y^2 - D_y (1 - y t)) / r_y: nothing is lost as t tends to zero.
    log, first, second = [0.0 * t], [0.0 * t], [0.0 * t]
    for y in range(most):
        d, e = first[y], second[y]
        more = y * t + t * t * d
        slope = y * y - 2.0 * d - t * t * d * d
        log.append(log[y] + log1p(more))
        first.append((y * y - d * (1.0 - y * t)) / (1.0 + more))
        second.append((y * d - e * (1.0 - y * t) - first[y + 1] * slope) / (1.0 + more))
    return log, first, second


def _expansion(order: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Debye's expansion, (3, m), order - 1/2 in place of y; x = order t is what it runs in."""
    x = order * t
    s = np.sqrt(1.0 + x * x)
    p = x / s
    total, first, second = (sum(_at(u, p, d, order) for u in enumerate(_U)) for d in (0, 1, 2))
    # Derivatives in x: dp / dx = 1 / s^3.
    slope = first / s**3
    bend = second / s**6 - 3.0 * x / s**5 * first
    log = order * (np.arcsinh(x) - x / (1.0 + s)) - 0.25 * np.log1p(x * x) + np.log(total)
    d = order / (1.0 + s) - 0.5 * x / s**2 + slope / total
    e = -order * x / (s * (1.0 + s) ** 2) - 0.5 * (1.0 - x * x) / s**4
    e = e + bend / total - (slope / total) ** 2
    return np.stack([log, d * order, e * order**2])


def _at(term: tuple, p: np.ndarray, derivative: int, order: np.ndarray) -> np.ndarray:
    k, u = term
    return (
        (-1.0) ** k * u.deriv(derivative)(p) / order**k
        if derivative
        else ((-1.0) ** k * u(p) / order**k)
    )


def log_scaled_bessel(order: Any, x: Any) -> np.ndarray:
    """log(exp(-x) I_order(x)) of the modified Bessel function, elementwise.

    Parameters
    ----------
    order : ndarray
        At least zero.
    x : ndarray
        Positive.

    Returns
    -------
    ndarray
        At most zero.
    """
    order, x = np.broadcast_arrays(np.asarray(order, dtype=np.float64), x)
    few = np.minimum(order, _FEW)
    with np.errstate(divide="ignore"):
        out = np.array(np.log(special.ive(few, x)))
    low = (out < _TINY) & (x > 0.0) & (x < 1.0)
    if low.any():
        # Where it underflows, x is below 0.01, and two terms of its power series are enough.
        v, at = few[low], x[low]
        q = 0.25 * at * at / (v + 1.0)
        series = np.log1p(q + 0.5 * q * q * (v + 1.0) / (v + 2.0))
        out[low] = v * np.log(0.5 * at) - special.gammaln(v + 1.0) - at + series
    many = order > _FEW
    if many.any():
        v, at = order[many], x[many]
        s = np.hypot(v, at)
        total = sum(u(v / s) / v**k for k, u in enumerate(_U))
        # s - x without a difference.
        value = v * v / (s + at) - v * np.arcsinh(v / at) - 0.5 * np.log(2.0 * np.pi * s)
        out[many] = value + np.log(total)
    return out


@primitive
def _log_i0e_of(z: Any) -> Any:
    return np.log(special.i0e(z))


@primitive
def _ratio(z: Any) -> Any:
    """I1(z) / I0(z) of z >= 0, differentiable."""
    return special.i1e(z) / special.i0e(z)


def _ratio_slope(z: Any, ratio: Any) -> Any:
    """Derivative of I1 / I0: 1 - r / z - r^2, 1/2 at zero; far out its asymptotic series."""
    safe = np.clip(z, 1e-8, _LARGE)
    near = np.where(z < 1e-4, 0.5, 1.0 - ratio / safe - ratio**2)
    v = 1.0 / np.maximum(z, _LARGE)
    return np.where(z < _LARGE, near, v * v * (0.5 + v * (0.25 + v * (0.375 + v * 25.0 / 32.0))))


defvjp(_ratio, lambda ans, z: lambda g: g * _ratio_slope(z, ans))
defvjp(_log_i0e_of, lambda ans, z: lambda g: g * (_ratio(z) - 1.0))


def log_i0e(z: Any) -> Any:
    """log(exp(-z) I0(z)) of z >= 0, differentiable, also of jets."""
    if not isinstance(z, Jet):
        return _log_i0e_of(z)
    ratio = _ratio(z.value)
    return z.chain(_log_i0e_of(z.value), ratio - 1.0, _ratio_slope(z.value, ratio))

"""Logarithms of tail probabilities that stay finite where the probability itself underflows."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

#: Probabilities below this are recomputed in logarithms: doubles have lost digits there.
_TINY = 1e-290

#: Terms of the continued fraction, which gains more than one digit per term far out in a tail.
_TERMS = 80


def log_gammainc(shape: Any, x: Any, log_x: Any = None) -> np.ndarray:
    """Log of the regularised lower incomplete gamma function P(shape, x), elementwise.

    Where P underflows, its logarithm is that of ``x^a e^-x / Gamma(a + 1) 1F1(1; a + 1; x)``
    (DLMF 8.5.1), a = shape.

    Parameters
    ----------
    shape, x : array-like
        The arguments of P.
    log_x : array-like, optional
        The logarithm of x, where x itself may underflow, as a square does.

    Returns
    -------
    ndarray
        At most 0.
    """
    shape, x = np.broadcast_arrays(np.asarray(shape, dtype=float), x)
    with np.errstate(divide="ignore"):
        out = np.array(np.log(special.gammainc(shape, x)))
    with np.errstate(divide="ignore"):
        log_x = np.log(x) if log_x is None else np.broadcast_to(log_x, x.shape)
    # A small shape has no small P where x has lost its digits, or is zero.
    low = ((out < np.log(_TINY)) | (x < _TINY)) & (log_x > -np.inf)
    if low.any():
        a, z = shape[low], x[low]
        series = np.log(special.hyp1f1(1.0, a + 1.0, z))
        out[low] = a * log_x[low] - z - special.gammaln(a + 1.0) + series
    return out


def log_gammaincc(shape: Any, x: Any) -> np.ndarray:
    """Log of the regularised upper incomplete gamma function Q(shape, x), elementwise.

    Where Q underflows, Legendre's continued fraction (DLMF 8.9.2) is used.

    Returns
    -------
    ndarray
        At most 0.
    """
    shape, x = np.broadcast_arrays(np.asarray(shape, dtype=float), x)
    with np.errstate(divide="ignore"):
        out = np.array(np.log(special.gammaincc(shape, x)))
    low = (out < np.log(_TINY)) & (x < np.inf)
    if low.any():
        a, z = shape[low], x[low]
        fraction = np.zeros_like(z)
        for k in range(_TERMS, 0, -1):
            fraction = k * (a - k) / (z - a + 2.0 * k + 1.0 + fraction)
        out[low] = special.xlogy(a, z) - z - special.gammaln(a) - np.log(z - a + 1.0 + fraction)
    return out


def log_betainc(a: Any, b: Any, x: Any, left: Any, upper: bool = False) -> np.ndarray:
    """Log of the probability that a beta variable is at most x, or above it, elementwise.

    Each row costs one incomplete beta function, and another one where that is above one half. Where
    it underflows, the logarithm is that of ``x^a (1 - x)^b / (a B(a, b)) 2F1(a + b, 1; a + 1; x)``
    (DLMF 8.17.8).

    Parameters
    ----------
    a, b : array-like
        Positive.
    x, left : array-like
        In [0, 1], and 1 - x to full precision.
    upper : bool, default=False
        Whether the probability above x is wanted.

    Returns
    -------
    ndarray
        At most 0.
    """
    a, b, x, left = np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in (a, b, x, left)))
    value = np.asarray(_beta_tail(a, b, x, left, upper))
    large = value > 0.5
    with np.errstate(divide="ignore"):
        out = np.asarray(np.log(value))
        if large.any():
            rest = _beta_tail(a[large], b[large], x[large], left[large], not upper)
            out[large] = np.log1p(-rest)
        low = (value < _TINY) & ((left if upper else x) > 0.0)
        if low.any():
            p, q, t, rest = (v[low] for v in ((b, a, left, x) if upper else (a, b, x, left)))
            series = np.log(special.hyp2f1(p + q, 1.0, p + 1.0, t))
            whole = np.log(p) + special.betaln(p, q)
            out[low] = p * np.log(t) + q * np.log(rest) - whole + series
    return out


def _beta_tail(a: Any, b: Any, x: Any, left: Any, upper: bool) -> np.ndarray:
    """The probability itself, from the smaller one of x and 1 - x."""
    first, second = (special.betaincc, special.betainc)[:: 1 if upper else -1]
    out, near = np.empty(x.shape), x <= left
    out[near] = first(a[near], b[near], x[near])
    out[~near] = second(b[~near], a[~near], left[~near])
    return out


def log_stdtr(df: Any, z: Any) -> np.ndarray:
    """Log of the distribution function of Student's t at z, elementwise, for df up to infinity.

    Where it underflows, the first term of its asymptotic expansion is used: the density times
    ``(df + z^2) / (df |z|)``.

    Returns
    -------
    ndarray
        At most 0.
    """
    df, z = np.broadcast_arrays(np.asarray(df, dtype=float), z)
    with np.errstate(divide="ignore"):
        # From df = 1e8 on the normal is as exact as doubles are in the body.
        out = np.array(np.where(df > 1e8, special.log_ndtr(z), np.log(special.stdtr(df, z))))
    low = (out < np.log(_TINY)) & (z > -np.inf) & (df <= 1e8)
    if low.any():
        v, t = df[low], z[low]
        constant = special.gammaln(0.5 * (v + 1.0)) - special.gammaln(0.5 * v)
        # The square of z may overflow; its logarithm does not.
        log_t, far = np.log(-t), v / t / t
        log_u = 2.0 * log_t - np.log(v) + np.log1p(far)
        density = constant - 0.5 * np.log(np.pi * v) - 0.5 * (v + 1.0) * log_u
        out[low] = density + log_t - np.log(v) + np.log1p(far)
    return out

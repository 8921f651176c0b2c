"""Quantiles of univariate families: the inverse of both tails, for many probabilities at once.

A bisection runs over the doubles themselves, in their order, and not over an interval of the line:
it ends after at most 64 halvings at two neighbouring doubles, wherever the probability lies and
whatever its unit. It needs no bracket, no scale and no derivative, and takes ends of the support,
jumps and flat parts of the distribution function as they are. Most quantiles do not need it: they
begin at a guess, from scipy's formula or from a table of the function, which Newton's steps on the
logarithm of the tail improve.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

#: The bits of a double but its sign.
_BITS = np.int64(0x7FFFFFFFFFFFFFFF)

#: Most halvings: there are fewer than 2^64 doubles.
_HALVINGS = 64

#: Beyond this size every double is a whole number.
_WHOLE = 2.0**53


def order_of(y: np.ndarray) -> np.ndarray:
    """Return the place of each double in their order, as whole numbers; zero is at 0."""
    bits = np.ascontiguousarray(y, dtype=np.float64).view(np.int64)
    return np.where(bits < 0, -(bits & _BITS), bits)


def double_at(place: np.ndarray) -> np.ndarray:
    """Return the double at each place of their order: the inverse of :func:`order_of`."""
    place = np.asarray(place, dtype=np.int64)
    bits = np.where(place < 0, -place, place)
    return np.where(place < 0, -1.0, 1.0) * bits.view(np.float64)


def smallest(
    reached: Callable[[np.ndarray], np.ndarray],
    low: np.ndarray,
    high: np.ndarray,
    integer: bool = False,
) -> np.ndarray:
    """Return the smallest double at which a condition holds that stays true above it.

    Parameters
    ----------
    reached : callable
        ``reached(y) -> (n,)`` of bool, for y (n,).
    low, high : ndarray of shape (n,)
        Where it does not hold, and where it does; neither is asked.
    integer : bool
        Whether only whole numbers are of interest.

    Returns
    -------
    ndarray of shape (n,)
    """
    below, above = order_of(low), order_of(high)
    for _ in range(_HALVINGS):
        # Half of each, since the sum of two places may exceed the largest whole number.
        middle = (below >> 1) + (above >> 1) + (below & above & 1)
        y = double_at(middle)
        if integer:
            y = np.where(np.abs(y) < _WHOLE, np.floor(y), y)
            middle = order_of(y)
        open_ = (middle > below) & (middle < above)
        if integer:
            # The floor of a point between two whole numbers may be the lower one.
            up = ~open_ & (above > below) & (double_at(below) + 1.0 < double_at(above))
            y = np.where(up, double_at(below) + 1.0, y)
            middle, open_ = order_of(y), open_ | up
        if not open_.any():
            break
        right = reached(y)
        above = np.where(open_ & right, middle, above)
        below = np.where(open_ & ~right, middle, below)
    return double_at(above)


def quantile(family: Any, eta: np.ndarray, p: np.ndarray, upper: bool = False) -> np.ndarray:
    """Return the smallest y with P(Y <= y) >= p, or with P(Y > y) <= p where ``upper``.

    Parameters
    ----------
    family : Distribution
        A univariate family with a distribution function.
    eta : ndarray of shape (1, K) or (n, K)
        Its parameters, of all probabilities or of each.
    p : ndarray of shape (n,)
        Probabilities in [0, 1].
    upper : bool
        Whether they are those of the upper tail.

    Returns
    -------
    ndarray of shape (n,)
        In the unit of y.
    """
    low, high = (np.broadcast_to(end, p.shape).astype(float) for end in family.support_at(eta))
    integer = family.support is not None and family.support.integer
    if integer:
        # At one below the smallest whole number no probability is reached.
        low = low - 1.0
    first, last = (high, low) if upper else (low, high)
    out = np.where(p == 0.0, first, last)
    inside = np.flatnonzero((p > 0.0) & (p < 1.0))
    if len(inside):
        own = eta if len(eta) == 1 else eta[inside]
        least = np.maximum(low[inside], -np.finfo(float).max)
        most = np.minimum(high[inside], np.finfo(float).max)
        reached = _reached(family, own, p[inside], upper)
        out[inside] = smallest(reached, least, most, integer)
    return out


def _reached(family: Any, eta: np.ndarray, p: np.ndarray, upper: bool) -> Callable:
    """Return the condition of a quantile, in logarithms, which know both tails."""
    log_p = np.log(p)
    with np.errstate(all="ignore"):
        log_q = np.log1p(-p)

    def reached(y: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            if upper:
                return family.log_sf(y, eta) <= log_p
            below, above = family.log_cdf(y, eta), family.log_sf(y, eta)
        return np.where(p < 0.5, below >= log_p, above <= log_q)

    return reached

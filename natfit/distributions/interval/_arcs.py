"""Probabilities of arcs of the circle under the von Mises density, in logarithms.

The density at a distance t from its mode is ``exp(-2 kappa sin^2(t / 2))`` over a constant. An arc
that holds neither the mode nor the point opposite is an integral of a function that falls from
its nearer end: a double-exponential rule from that end on loses no digits, however far out it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from natfit.numerics.quadrature import outwards

_LOG_2PI = 1.8378770664093453

#: Points of the rule: its error is 1e-13 for any kappa.
_T = np.linspace(-3.9, 3.4, 121)


def arc(low: Any, high: Any, kappa: Any, cosine: Any, slope: Any) -> np.ndarray:
    """Logarithm of the probability of distances between low and high on one side of the mode.

    Parameters
    ----------
    low, high : ndarray of shape (n,)
        Distances, 0 <= low <= high <= pi.
    kappa : ndarray of shape (n,) or (1,)
        The concentration.
    cosine, slope : ndarray of shape (n,) or (1,)
        The mean cosine A and its derivative in kappa.

    Returns
    -------
    ndarray of shape (3, n)
        The logarithm, and the means of c - A and of (c - A)^2 - A' over the arc, c = cos(t).
    """
    low, high, kappa, cosine, slope = np.broadcast_arrays(low, high, kappa, cosine, slope)
    width = 1.0 / np.sqrt(kappa + 1.0)
    fall = kappa * np.sin(low)
    width = np.minimum(width, 1.0 / np.maximum(fall, 1e-300))
    empty = ~(high > low)
    t, step = outwards(low, np.where(empty, low + 1.0, high), 1, width, _T)
    # 2 sin^2(t / 2) - 2 sin^2(low / 2), without the cancellation of nearby values.
    rise = 2.0 * np.sin(0.5 * (t + low[:, None])) * np.sin(0.5 * (t - low[:, None]))
    weight = np.exp(-kappa[:, None] * rise) * step * (_T[1] - _T[0])
    total = weight.sum(axis=1)
    gap = np.cos(t) - cosine[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        first = (weight * gap).sum(axis=1) / total
        second = (weight * (gap * gap - slope[:, None])).sum(axis=1) / total
        top = -2.0 * kappa * np.sin(0.5 * low) ** 2 - _LOG_2PI - np.log(special.i0e(kappa))
        log = np.where(empty, -np.inf, top + np.log(total))
    return np.stack([log, first, second])


def tails(y: Any, loc: Any, kappa: Any, cosine: Any, slope: Any) -> tuple[np.ndarray, np.ndarray]:
    """P(-pi <= Y <= y) and P(y <= Y <= pi), as :func:`arc` gives them, (3, n) each."""
    one = all(np.size(given) == 1 for given in (loc, kappa, cosine, slope))
    y, loc, *rest = np.broadcast_arrays(y, loc, kappa, cosine, slope)
    # For a mode below zero the circle is mirrored, which exchanges the tails.
    flip = loc < 0
    y, loc = np.where(flip, -y, y), np.abs(loc)
    back, gap = np.pi - loc, np.abs(y - loc)
    opposite, past = y <= -back, y > loc
    far = np.maximum(y + 2.0 * np.pi - loc, back)
    zero, pi = np.zeros_like(y), np.full_like(y, np.pi)
    lower, upper = np.empty((2, 3, len(y)))

    def of(rows: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        return arc(low[rows], high[rows], *(each[rows] for each in rest))

    # Each tail is one arc, or two on both sides of the mode or of the point opposite.
    upper[:, past] = of(past, np.minimum(gap, back), back)
    lower[:, past] = _rest(upper[:, past])
    lower[:, opposite] = of(opposite, back, np.minimum(far, pi))
    upper[:, opposite] = _rest(lower[:, opposite])
    middle = np.flatnonzero(~(past | opposite))
    if len(middle):
        # Two of the four arcs are the same for all rows of one mode.
        same = middle[:1] if one else middle
        lower[:, middle] = _joined(of(same, back, pi), of(middle, np.minimum(gap, pi), pi))
        upper[:, middle] = _joined(of(same, zero, back), of(middle, zero, np.minimum(gap, pi)))
    return np.where(flip, upper, lower), np.where(flip, lower, upper)


def _joined(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """The union of two arcs."""
    log = np.logaddexp(one[0], two[0])
    share = np.exp(two[0] - log)
    share = np.where(np.isfinite(share), share, 0.0)
    # An arc without probability has no means.
    means = [
        np.where(share == 0.0, a, np.where(share == 1.0, b, a + share * (b - a)))
        for a, b in zip(one[1:], two[1:], strict=True)
    ]
    return np.stack([log, *means])


def _rest(part: np.ndarray) -> np.ndarray:
    """The complement: over the whole circle both means are zero."""
    log = np.log1p(-np.minimum(np.exp(part[0]), 1.0))
    ratio = -np.exp(part[0] - log)
    return np.stack([log, part[1] * ratio, part[2] * ratio])

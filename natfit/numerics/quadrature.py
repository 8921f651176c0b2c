"""Double-exponential rules: substitutions after which the trapezoidal rule converges exponentially.

Each function takes the points t of a trapezoidal rule and returns the nodes y(t) and the
derivatives dy/dt. The integral of f over y is ``step * sum(f(y) * slope)``, where ``step`` is the
distance between the points. The integrand may be infinite at an end, or have a tail of any
algebraic or faster decay (Takahasi and Mori, 1974).
"""

from __future__ import annotations

from typing import Any

import numpy as np


def on_interval(low: float, high: float, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return nodes (M,) of a finite interval, and their derivatives: the tanh-sinh rule."""
    with np.errstate(over="ignore"):
        span = high - low
        inner = np.pi * np.sinh(t)
        e = np.exp(-np.abs(inner))
        unit = np.where(inner > 0, 1 / (1 + e), e / (1 + e))
        return low + span * unit, span * np.pi * np.cosh(t) * e / (1 + e) ** 2


def on_half_line(
    low: float, centre: float, width: float, t: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Give the rule on the half-line from ``low`` to infinity.

    Parameters
    ----------
    low : float
        The finite end.
    centre, width : float
        Where the mass lies, and over which length, in the logarithm of the distance from ``low``.
    t : ndarray of shape (M,)
        Points of the trapezoidal rule.

    Returns
    -------
    nodes, slopes : ndarray of shape (M,)
    """
    with np.errstate(over="ignore"):
        inner = 0.5 * np.pi * np.sinh(t)
        gap = np.exp(centre + width * inner)
        return low + gap, gap * width * (0.5 * np.pi * np.cosh(t))


def on_line(centre: float, width: float, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return nodes (M,) of the whole line about ``centre``, and their derivatives."""
    with np.errstate(over="ignore"):
        inner = 0.5 * np.pi * np.sinh(t)
        slope = 0.5 * np.pi * np.cosh(t)
        return centre + width * np.sinh(inner), width * np.cosh(inner) * slope


def outwards(
    end: np.ndarray, limit: Any, side: int, width: np.ndarray, t: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Give the rule on tails from ``end`` on to ``limit``.

    Towards a finite limit the rule runs in the logarithm of the distance from it.

    Parameters
    ----------
    end : ndarray of shape (m,)
        Where each tail begins.
    limit : float or ndarray of shape (m,)
        Where the tails end; may be infinite.
    side : {1, -1}
        1 for tails above ``end``, -1 for those below.
    width : ndarray of shape (m,)
        The length over which each decays.
    t : ndarray of shape (M,)
        Points of the trapezoidal rule.

    Returns
    -------
    nodes, slopes : ndarray of shape (m, M)
    """
    limit = np.broadcast_to(np.asarray(limit, dtype=float), end.shape)[:, None]
    finite = np.isfinite(limit)
    gap = np.where(finite, np.abs(limit - end[:, None]), 1.0)
    step = width[:, None] / gap * np.exp(0.5 * np.pi * np.sinh(t))
    slope = step * 0.5 * np.pi * np.cosh(t)
    if not finite.any():
        return end[:, None] + side * step, slope
    left = gap * np.exp(-step)
    y = np.where(finite, np.where(finite, limit, 0.0) - side * left, end[:, None] + side * step)
    return y, np.where(finite, slope * left, slope)


def between(lower: np.ndarray, upper: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the tanh-sinh rule on finite intervals.

    Nodes are placed from the nearer end, so that narrow intervals keep their digits.

    Parameters
    ----------
    lower, upper : ndarray of shape (m,)
        Ends of the intervals.
    t : ndarray of shape (M,)
        Points of the trapezoidal rule.

    Returns
    -------
    nodes, slopes : ndarray of shape (m, M)
    """
    span = (upper - lower)[:, None]
    inner = np.pi * np.sinh(t)
    e = np.exp(-np.abs(inner))
    near = span * (e / (1.0 + e))
    y = np.where(inner > 0, upper[:, None] - near, lower[:, None] + near)
    return y, span * np.pi * np.cosh(t) * e / (1.0 + e) ** 2

"""Robust statistics of a few rows, which starts are made from."""

from __future__ import annotations

import numpy as np

#: Maximum number of rows for a start that is made anew once all rows have been seen.
MANY = 100_000

#: Values are alike up to this many units in the last place.
_ALIKE = 16

#: Median absolute deviation to standard deviation, for a normal: 1 / Phi^-1(3/4).
MAD_TO_SD = 1.482602218505602


def quantile(y: np.ndarray, weight: np.ndarray | None, q: float) -> float:
    """Weighted quantile of y (n,): the smallest value with at least q of the weight below."""
    if weight is None:
        at = min(max(int(np.ceil(q * len(y))) - 1, 0), len(y) - 1)
        return float(np.partition(y, at)[at])
    order = np.argsort(y, kind="stable")
    mass = np.cumsum(weight[order])
    mass = mass / mass[-1]
    return float(y[order[min(int(np.searchsorted(mass, q)), len(y) - 1)]])


def median(y: np.ndarray, weight: np.ndarray | None) -> float:
    """Weighted median of y (n,), in the unit of y."""
    return quantile(y, weight, 0.5)


def mean(y: np.ndarray, weight: np.ndarray | None) -> float:
    """Weighted mean of y (n,), in the unit of y."""
    return float(np.average(y, weights=weight))


def location_scale(y: np.ndarray, weight: np.ndarray | None) -> tuple[float, float]:
    """Median and scaled median absolute deviation.

    Where more than half of the rows are equal up to rounding, the spread is that of the other rows.
    Where all are, it is what they differ by, or the size of the median, or one, so that a start
    exists.

    Returns
    -------
    centre, spread : float
        In the unit of y; the spread is positive.
    """
    centre = median(y, weight)
    gap = np.abs(y - centre)
    spread = MAD_TO_SD * median(gap, weight)
    if spread > _ALIKE * np.spacing(abs(centre)):
        return centre, spread
    for least in (_ALIKE * np.spacing(abs(centre)), 0.0):
        other = gap > least
        if other.any():
            part = None if weight is None else weight[other]
            return centre, MAD_TO_SD * median(gap[other], part)
    return centre, abs(centre) or 1.0

"""The distribution of censored rows without a family, and rows imputed from it for starts.

The estimate is Turnbull's (1976), which is Kaplan and Meier's (1958) for rows that are exact or
right-censored. Its probability lies on the *innermost* intervals, those that begin where a row
begins, end where a row ends, and have no such end inside. A row is a range of neighbouring
innermost intervals, so that one step of the self-consistent iteration is two cumulative sums.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import ndtri

from natfit.distributions.contract.support import REAL, Support

#: Steps of the iteration, and the change of every probability at which it ends: a start needs no
#: more.
_STEPS, _CHANGE = 500, 1e-7

#: Probability levels, within an innermost interval and within a tail, of the values that stand
#: for it.
_INSIDE = np.array([1.0, 3.0, 5.0]) / 6.0
_BEYOND = (np.arange(8.0) + 0.5) / 8.0

#: Ends of rows are one end if they differ by less than this many units in the last place.
_ONE_END = 16

#: Order of the ends at one value: rows are closed at exact values and above, open below.
_CLOSED, _END, _OPEN = 0, 1, 2


def turnbull(
    lower: Any,
    upper: Any,
    weight: np.ndarray | None = None,
    window: tuple[np.ndarray, np.ndarray] | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Estimate the distribution of rows of which intervals (lower, upper] are known.

    Parameters
    ----------
    lower, upper : ndarray of shape (n,)
        Ends of the rows; equal for exact rows; may be infinite.
    weight : ndarray of shape (n,), optional
        Weights of the rows.
    window : (low, high), optional
        Ends (n,) of the rows' windows of truncation; each row then stands for those, too, that its
        window hides (Turnbull, 1976, section 3).

    Returns
    -------
    left, right : ndarray of shape (M,)
        Ends of the innermost intervals in ascending order; equal at exact values.
    mass : ndarray of shape (M,)
        Their probabilities, which sum to one; where the probability lies inside an interval is
        not determined.
    """
    lower, upper = np.asarray(lower, dtype=np.float64), np.asarray(upper, dtype=np.float64)
    n = len(lower)
    weight = np.ones(n) if weight is None else np.asarray(weight, dtype=np.float64)
    begin = np.where(lower == upper, _CLOSED, _OPEN)
    value = _joined(np.concatenate([lower, upper]))
    kind = np.concatenate([begin, np.full(n, _END)])
    order = np.lexsort((kind, value))
    ends = kind[order] == _END
    inner = np.flatnonzero(~ends[:-1] & ends[1:])
    left, right = value[order[inner]], value[order[inner + 1]]
    # Number of innermost intervals that begin before each end, in sorted order.
    place = np.empty(2 * n, dtype=int)
    place[order] = np.searchsorted(inner, np.arange(2 * n))
    first, last = place[:n], place[n:]
    weight, single, size = weight / weight.sum(), last == first + 1, len(left)
    if window is None and (single | (last == size)).all():
        return left, right, _product_limit(first, single, weight, size)
    hidden = None if window is None else _inside(left, right, *window)
    return left, right, _self_consistent(first, last, weight, size, hidden)


def _joined(value: np.ndarray) -> np.ndarray:
    """The values, of those that differ by rounding the least: .2 + .1 is .3."""
    least, place = np.unique(value, return_inverse=True)
    with np.errstate(invalid="ignore"):
        new = np.diff(least, prepend=-np.inf) > _ONE_END * np.spacing(np.abs(least))
    new |= ~np.isfinite(least)
    new[0] = True
    return least[np.maximum.accumulate(np.where(new, np.arange(len(least)), 0))][place]


def _inside(left: Any, right: Any, low: Any, high: Any) -> tuple[np.ndarray, np.ndarray]:
    """The innermost intervals that overlap each window, as a range of them for each."""
    # An exact value at the low end lies in a window that includes it; an interval there does not.
    above = np.where(left == right, np.nextafter(right, np.inf), right)
    return np.searchsorted(above, low, "right"), np.searchsorted(left, high, "right")


def _product_limit(
    first: np.ndarray, single: np.ndarray, weight: np.ndarray, size: int
) -> np.ndarray:
    """Probabilities (size,) where all rows are known, or open above (Kaplan and Meier, 1958)."""
    ended = np.bincount(first[single], weight[single], size)
    # An open row was at risk in all intervals before its first one.
    leaves = np.where(single, first, first - 1)
    known = leaves >= 0
    risk = np.cumsum(np.bincount(leaves[known], weight[known], size)[::-1])[::-1]
    hazard = np.minimum(ended / risk, 1.0)
    # All that are at risk in the last interval end there.
    hazard[-1] = 1.0
    return hazard * np.cumprod(np.append(1.0, 1.0 - hazard[:-1]))


def _self_consistent(
    first: np.ndarray,
    last: np.ndarray,
    weight: np.ndarray,
    size: int,
    window: tuple[np.ndarray, np.ndarray] | None = None,
) -> np.ndarray:
    """Probabilities (size,) that equal the mean of the rows' conditional ones."""
    mass = np.full(size, 1.0 / size)
    for _ in range(_STEPS):
        total = np.concatenate([[0.0], np.cumsum(mass)])
        share = weight / np.maximum(total[last] - total[first], 1e-300)
        slope = np.bincount(first, share, size + 1) - np.bincount(last, share, size + 1)
        if window is not None:
            # A row counts once inside, and for those hidden in proportion to what lies outside.
            share = weight / np.maximum(total[window[1]] - total[window[0]], 1e-300)
            slope -= np.bincount(window[0], share, size + 1)
            slope += np.bincount(window[1], share, size + 1)
            slope[0] += share.sum()
        new = mass * np.maximum(np.cumsum(slope)[:size], 0.0)
        new /= new.sum()
        change = np.abs(new - mass).max()
        mass = new
        if change < _CHANGE:
            break
    return mass


def imputed(
    lower: Any, upper: Any, weight: np.ndarray | None = None, support: Support | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return exact rows, with weights, that stand for censored ones.

    They have the distribution of :func:`turnbull`. An innermost interval is represented by three
    values inside it. What lies beyond the last exact value has the distribution of a normal whose
    quantiles match those that are known, of a lognormal where the support begins at a number.

    Parameters
    ----------
    lower, upper : ndarray of shape (n,)
        Ends of the rows; equal for exact rows; may be infinite.
    weight : ndarray of shape (n,), optional
        Weights of the rows.
    support : Support, optional
        Where y may lie; by default everywhere.

    Returns
    -------
    y : ndarray of shape (M,)
        Values inside the support, in ascending order.
    weight : ndarray of shape (M,)
        Their weights, which sum to those of the rows.
    """
    support = REAL if support is None else support
    lower, upper = np.asarray(lower, dtype=np.float64), np.asarray(upper, dtype=np.float64)
    total = float(len(lower)) if weight is None else float(np.sum(weight))
    if support.integer:
        exact = lower == upper
        lower, upper = np.where(exact, lower, np.ceil(lower) - 1.0), np.floor(upper)
        # One number that is left of an interval is known exactly.
        lower = np.where(upper - lower == 1.0, upper, lower)
    low = support.low - 1.0 if support.integer else support.low
    lower, upper = np.maximum(lower, low), np.minimum(upper, support.top)
    left, right, mass = turnbull(lower, upper, weight)
    keep = mass > 1e-9
    left, right, mass = left[keep], right[keep], mass[keep]
    parts = [(left[left == right], mass[left == right])]
    wide = (left < right) & np.isfinite(left) & np.isfinite(right)
    inside = left[wide, None] + (right - left)[wide, None] * _INSIDE
    parts.append((inside.ravel(), np.repeat(mass[wide] / len(_INSIDE), len(_INSIDE))))
    parts += _beyond(left, right, mass, support.low - 0.5 * support.integer)
    y, share = (np.concatenate(column) for column in zip(*parts, strict=True))
    if support.integer:
        y = np.clip(np.ceil(y), support.low, support.top)
    order = np.argsort(y, kind="stable")
    return y[order], share[order] * (total / share.sum())


def _beyond(left: Any, right: Any, mass: Any, low: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """Values and probabilities of the two tails that no row ends."""
    below, above = left[0] == -np.inf, right[-1] == np.inf
    if not (below or above):
        return []
    logs = np.isfinite(low)
    known = slice(int(below), len(mass) - int(above))
    middle = 0.5 * (left[known] + right[known])
    level = (np.cumsum(mass) - 0.5 * mass)[known]
    share = mass[known]
    if not len(middle):
        middle = np.where(np.isfinite(left), left, right)[:1]
        level, share = np.array([0.5]), np.array([1.0])
    if logs:
        # A value at the end of a closed support has no logarithm.
        gap = middle - low
        middle = np.log(np.maximum(gap, 1e-3 * gap.max() or 1.0))
    centre, unit = _line(middle, ndtri(level), share)
    parts = []
    if above:
        start = 1.0 - mass[-1]
        q = _tail(start, mass[-1], centre, unit)
        q = low + np.exp(np.minimum(q, 700.0)) if logs else q
        parts.append((_past(q, left[-1], 1.0), np.full(len(q), mass[-1] / len(q))))
    if below:
        q = _tail(0.0, mass[0], centre, unit)
        parts.append((_past(q, right[0], -1.0), np.full(len(q), mass[0] / len(q))))
    return parts


def _line(x: np.ndarray, z: np.ndarray, share: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of the normal whose quantiles are nearest to x at z."""
    mean_x, mean_z = np.average(x, weights=share), np.average(z, weights=share)
    square = np.average((z - mean_z) ** 2, weights=share)
    unit = np.average((x - mean_x) * (z - mean_z), weights=share) / square if square > 0 else 0.0
    if not unit > 0:
        unit = abs(mean_x) or 1.0
    return float(mean_x - unit * mean_z), float(unit)


def _tail(start: float, mass: float, centre: float, unit: float) -> np.ndarray:
    """Quantiles of the normal at levels between start and start + mass."""
    level = np.clip(start + mass * _BEYOND, 1e-12, 1.0 - 1e-12)
    return np.asarray(centre + unit * ndtri(level))


def _past(q: np.ndarray, end: float, side: float) -> np.ndarray:
    """Values on one side of an end: moved there together where the first is not."""
    first = q.min() if side > 0 else q.max()
    gap = side * (end - first)
    return q + side * max(gap, 0.0)

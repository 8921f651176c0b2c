"""Ends of a support that are order statistics, where rows are intervals."""

from __future__ import annotations

import numpy as np

from natfit.distributions.base import Distribution
from natfit.rows import Block, Rows

#: Share of the rows' range by which an end starts beyond a row that it may not reach.
_BEYOND = 0.1


def allowed_ends(rows: Rows) -> np.ndarray:
    """Return the largest lower and the smallest upper end (2,) that rows (n,) or (n, 2) allow.

    No lower end of a support may pass an exact row or the upper end of an interval, and no upper
    end an exact row or the lower end of an interval.

    Returns
    -------
    ndarray of shape (2,)
        The smallest upper end of the rows, and their largest lower end.
    """
    low, high = (np.broadcast_to(end, 2) for end in rows.extent())
    return np.array([low[1], high[0]])


def refuse_kinked_ends(family: Distribution, rows: Rows) -> None:
    """Raise ValueError if the likelihood has several maxima in an end of the support.

    Exact rows pull the end to the nearest of them, and rows that are censored on the other side do
    not hold it: there the likelihood is monotone, or smooth. Only where intervals reach over the
    end does its slope jump at their own ends, while others of them push it outwards.

    Parameters
    ----------
    family : Distribution
        The family of the values.
    rows : Rows
        Intervals (n, 2).

    Raises
    ------
    ValueError
        Naming the first such row.
    """
    if not family.row_ends or rows.event_shape == ():
        return
    least, greatest = (float(end) for end in allowed_ends(rows))
    for name, side in family.row_ends.items():
        end = least if side == "lower" else -greatest
        kinked = rows.first(_kinked, side == "upper", end)
        if kinked is not None and rows.first(_pushing, side == "upper", end) is not None:
            lower, upper = rows.row(kinked).y[0, :2]
            raise ValueError(
                f"intervals must not reach over the end {name} of {type(family).__name__}, got "
                f"[{lower:g}, {upper:g}] at row {kinked}: with such rows the likelihood has no "
                f"slope at the ends of intervals; fix {name}, or give the middles of the intervals"
            )


def moved_ends(family: Distribution, rows: Rows, eta: np.ndarray) -> np.ndarray:
    """Return the start (K,) with ends beyond all rows, of which a censored one needs room."""
    least, greatest = (float(end) for end in allowed_ends(rows))
    low, high = min(least, greatest), max(least, greatest)
    room = _BEYOND * (high - low)
    eta = np.array(eta)
    for name, side in family.row_ends.items():
        block = family.blocks[name].start
        if side == "upper":
            eta[block] = max(eta[block], high + room)
        else:
            # A scale stays positive.
            bound = family.params[name].native_bounds[0]
            eta[block] = min(eta[block], max(low - room, 0.5 * (low + max(bound, low - 2 * room))))
    return eta


def _mirrored(block: Block, mirror: bool) -> tuple[np.ndarray, np.ndarray]:
    """Ends of intervals, seen from the end of the support that is asked about."""
    lower, upper = block.y[:, 0], block.y[:, 1]
    return (-upper, -lower) if mirror else (lower, upper)


def _kinked(block: Block, mirror: bool, end: float) -> np.ndarray:
    """Which intervals begin at a value that the end of the support may reach, (n,)."""
    lower, upper = _mirrored(block, mirror)
    return (lower < upper) & (lower > -np.inf) & (lower < end)


def _pushing(block: Block, mirror: bool, end: float) -> np.ndarray:
    """Which intervals become more probable as the end of the support recedes, (n,)."""
    lower, upper = _mirrored(block, mirror)
    return (lower < end) & (upper < np.inf) & (lower < upper)

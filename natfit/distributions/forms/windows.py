"""Limits of families where each row was seen through a window of its own.

They are those of one window (:mod:`.window`). The exponential density in the windows, of exact
rows and of intervals, has one parameter, its slope; the likelihood in it is maximised by the root
of its derivative. It is integrable only where every window has an end on the side on which the
density rises.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import brentq

from natfit.distributions.contract.window_ends import End
from natfit.distributions.forms.window import Limit, Tilt, at_end, near_tilt, place_of
from natfit.rows import Block, Rows

#: Below this product of slope and width a window is computed by series.
_FLAT = 1e-2

#: The slopes that are tried, in units of one over the range of the rows, each way.
_SLOPES = np.logspace(-6.0, 6.0, 25)


def limits_in_windows(window: Any, rows: Rows, eta: np.ndarray | None) -> list[Limit]:
    """Limits of a family in the windows of its rows, with their best members.

    Parameters
    ----------
    window : WindowedFamily
        The family in windows.
    rows : Rows
        Ends of intervals and of windows (n, 4).
    eta : ndarray of shape (K,) or None
        Where a fit has ended, from which members are looked for.

    Returns
    -------
    list of Limit
    """
    own, (least, greatest) = window.inner.known_support, rows.extent()
    found = [_tilted(window, rows)]
    if eta is not None:
        low, high = float(least[2]), float(greatest[3])
        found += [
            at_end(window, rows, eta, end)
            for end in window.inner._window_ends
            if _cuts(end, low > own.low, high < own.top)
        ]
    return [at for at in found if at is not None and np.isfinite(at.value)]


def _cuts(end: End, low: bool, high: bool) -> bool:
    """Whether all windows cut the support where a limit needs it."""
    return low or high if end.needs == "either" else {"low": low, "high": high}[end.needs]


def _tilted(window: Any, rows: Rows) -> Limit | None:
    """The exponential density of y, or of log y for a family with a power, in the windows."""
    place, own = place_of(window.inner), window.inner.known_support
    if place is None or own.integer:
        return None
    log = place[2]
    ends = (own.low, own.top, log)
    mean, size = (float(v) for v in _midst(rows, ends))
    low, high = rows.sum(_widest, ends).pair
    if not (np.isfinite(low) or np.isfinite(high)):
        return None

    def slope(tilt: float) -> float:
        return float(rows.sum(_tilt_part, tilt, ends)[1])

    grid = _SLOPES / size
    tilts = [*(-grid[::-1] if np.isfinite(low) else ()), *(grid if np.isfinite(high) else ())]
    tilt = _root(slope, tilts)
    if tilt is None:
        return None
    value = float(rows.sum(_tilt_part, tilt, ends)[0])
    return near_tilt(window, rows, Tilt(tilt, mean, low, high, value))


def _root(slope: Any, tilts: list) -> float | None:
    """A slope of the density at which the likelihood is highest, between the first and the last."""
    left, right = 0, len(tilts) - 1
    first, last = slope(tilts[left]), slope(tilts[right])
    if not (first > 0.0 > last):
        return None
    while right - left > 1:
        middle = (left + right) // 2
        if slope(tilts[middle]) > 0.0:
            left = middle
        else:
            right = middle
    return float(brentq(slope, tilts[left], tilts[right], xtol=1e-300, rtol=1e-13))


class _Widest:
    """The lowest and the highest end of all windows; adds by taking the wider one."""

    def __init__(self, low: float, high: float):
        self.pair = (low, high)

    def __add__(self, other: _Widest) -> _Widest:
        (low, high), (least, greatest) = self.pair, other.pair
        return _Widest(min(low, least), max(high, greatest))


def _widest(block: Block, ends: tuple[float, float, bool]) -> _Widest:
    _, _, low, high = _columns(block.y, ends)
    return _Widest(float(low.min()), float(high.max()))


def _columns(y: np.ndarray, ends: tuple[float, float, bool]) -> tuple[np.ndarray, ...]:
    """Ends of intervals and windows in u, cut to what is seen, (n,) each."""
    least, greatest, log = ends
    low, high = np.maximum(y[:, 2], least), np.minimum(y[:, 3], greatest)
    exact = y[:, 0] == y[:, 1]
    lower = np.where(exact, y[:, 0], np.maximum(y[:, 0], low))
    upper = np.where(exact, y[:, 1], np.minimum(y[:, 1], high))
    found = lower, upper, low, high
    if not log:
        return found
    with np.errstate(divide="ignore"):
        return tuple(np.log(np.maximum(end, 0.0)) for end in found)


def _midst(rows: Rows, ends: tuple[float, float, bool]) -> tuple[float, float]:
    """A value of u in the midst of the rows, and their range."""
    few = rows.few(1_000)
    lower, upper, _, _ = _columns(few.y, ends)
    middle = np.where(np.isfinite(lower), lower, upper)
    both = np.isfinite(lower) & np.isfinite(upper)
    middle = np.where(both, 0.5 * (lower + np.where(both, upper, 0.0)), middle)
    middle = middle[np.isfinite(middle)]
    size = float(np.ptp(middle)) or float(np.abs(middle).max()) or 1.0
    return float(np.median(middle)), size


def _tilt_part(block: Block, tilt: float, ends: tuple[float, float, bool]) -> np.ndarray:
    """Log-likelihood of a block of rows and its derivative in the slope, (2,)."""
    lower, upper, low, high = _columns(block.y, ends)
    exact = lower == upper
    with np.errstate(all="ignore"):
        mass, mean = _mass_and_mean(tilt, lower, upper)
        whole, centre = _mass_and_mean(tilt, low, high)
    jump = lower if ends[2] else 0.0
    value = np.where(exact, tilt * lower - jump, mass) - whole
    slope = np.where(exact, lower, mean) - centre
    weight = np.ones(len(value)) if block.weight is None else block.weight
    return np.array([weight @ value, weight @ slope])


def _mass_and_mean(tilt: float, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log of the integral of exp(tilt u) between the ends, and the mean of u there, (n,) each."""
    if tilt > 0:
        mass, mean = _mass_and_mean(-tilt, -high, -low)
        return mass, -mean
    rate, width = -tilt, high - low
    x = rate * width
    mass = tilt * low + np.log(-np.expm1(-x) / rate)
    # Of an unbounded interval the second term is 0.
    mean = low + 1.0 / rate - np.where(np.isinf(x), 0.0, width / np.expm1(x))
    flat = x < _FLAT
    near = low + width * (0.5 - x / 12.0 + x**3 / 720.0)
    return np.where(flat & (x < 1e-8), tilt * low + np.log(width) - 0.5 * x, mass), np.where(
        flat, near, mean
    )

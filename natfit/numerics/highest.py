"""The highest point of a function of one variable, by Brent's method."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

#: Maximum number of steps, and the shortest one.
_MOST, _CLOSE = 45, 1e-7


def highest(value: Callable[[float], float], low: float, high: float) -> float:
    """The highest point between two ends, of a function with one maximum, by Brent's method.

    Parameters
    ----------
    value : callable
        The function.
    low, high : float
        The ends.

    Returns
    -------
    float
        To the width at which values cannot be told apart.

    Notes
    -----
    The next point is the top of the parabola through the three best points; where that lies outside
    the ends, or moves no less than half as far as the point before it did, it is the golden
    section's. Source: Brent (1973), Algorithms for Minimization without Derivatives, ch. 5.
    """
    share = 0.5 * (3.0 - np.sqrt(5.0))
    best = second = third = low + share * (high - low)
    at_best = at_second = at_third = value(best)
    step = before = 0.0
    for _ in range(_MOST):
        middle = 0.5 * (low + high)
        if abs(best - middle) + 0.5 * (high - low) <= 2.0 * _CLOSE:
            break
        found = _top((best, second, third), (at_best, at_second, at_third))
        if low < best + found < high and abs(found) < 0.5 * abs(before):
            # At the top itself the larger side is looked at.
            before, step = step, found if abs(found) > _CLOSE else np.sign(middle - best) * _CLOSE
        else:
            before = (high if best < middle else low) - best
            step = share * before
        point = best + float(np.copysign(max(abs(step), _CLOSE), step))
        at = value(point)
        if at >= at_best:
            low, high = (best, high) if point >= best else (low, best)
            best, second, third = point, best, second
            at_best, at_second, at_third = at, at_best, at_second
            continue
        low, high = (point, high) if point < best else (low, point)
        if at >= at_second or second == best:
            second, third, at_second, at_third = point, second, at, at_second
        elif at >= at_third or third in (best, second):
            third, at_third = point, at
    return float(best)


def _top(x: tuple[float, float, float], at: tuple[float, float, float]) -> float:
    """From the first point to the top of the parabola through three; infinite where it has none."""
    one, two = x[1] - x[0], x[2] - x[0]
    with np.errstate(all="ignore"):
        left = np.float64(two) * (np.float64(at[1]) - at[0])
        right = np.float64(one) * (np.float64(at[2]) - at[0])
        bend = 2.0 * (left - right)
        step = (left * two - right * one) / bend
    return float(step) if np.isfinite(step) and bend * (two - one) * one * two != 0.0 else np.inf

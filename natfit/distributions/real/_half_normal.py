"""Half-normal members at the limit of the skew-normal family, whatever else holds its rows.

There the density jumps at loc, and the likelihood has a ridge along which loc stays at a row: in
(mean, sd) it is curved, and a descent follows it in steps that become ever shorter. The members on
it have one parameter, and are compared one by one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from natfit.distributions.real._skewness import B, standard_moments

_HALF_LOG_2PI = 0.9189385332046727

#: |shape| of a fit's end from which the limit is looked at.
LEAST = 3.0

#: Logarithms of a scale, in units of the half-normal's for exact rows, between which a limit is
#: looked for: points of a first grid; steps between two of them, and the shortest.
_GRID, _MOST, _CLOSE = np.linspace(-2.5, 5.0, 16), 45, 1e-7

#: Distances of loc from the nearest row, in scales, at which a likelihood is that of the
#: half-normal to rounding, and at which its slope in loc is taken.
_GAP, _SLOPE = 1e-7, 1e-5


class HalfNormals:
    """The best members at shape -> +-infinity for a likelihood.

    Parameters
    ----------
    to_eta : callable
        ``to_eta(mean=..., sd=..., shape=...)`` returns eta (3,).
    value : callable
        ``value(eta)`` is the log-likelihood of eta (3,) in nats, -inf where it has none.
    sign : float
        1 for the half-normal that begins at ``end``, -1 for that which ends there.
    end : float
        The smallest or the largest exact row.
    steep : float
        The largest shape.
    """

    def __init__(
        self,
        to_eta: Callable[..., np.ndarray],
        value: Callable[[np.ndarray], float],
        sign: float,
        end: float,
        steep: float,
    ):
        self._to_eta = to_eta
        self._value = value
        self._sign = sign
        self._end = end
        self._steep = steep
        self._spread = float(standard_moments(steep)[3])

    def widest(self, scale: float) -> np.ndarray:
        """Eta (3,) of the best one, of any scale; ``scale`` is that of a member near it."""

        def at(log: float) -> float:
            return self._at(lambda gap: (float(np.exp(log)), gap), _GAP)

        logs = np.log(scale) + _GRID
        best = int(np.argmax([at(log) for log in logs]))
        low, high = logs[max(best - 1, 0)], logs[min(best + 1, len(logs) - 1)]
        return self.of_sd(float(np.exp(_highest(at, low, high))) * self._spread)

    def of_sd(self, sd: float) -> np.ndarray:
        """Eta (3,) of the best one that has this standard deviation."""
        scale = sd / self._spread
        return self._placed(lambda gap: (scale, gap))

    def of_mean(self, mean: float) -> np.ndarray | None:
        """Eta (3,) of the best one that has this mean; None if the mean is beyond all rows."""
        room = self._sign * (mean - self._end)
        return None if room <= 0 else self._placed(lambda gap: (room / (B - gap), gap), mean)

    def _eta(self, scale: float, gap: float, mean: float | None = None) -> np.ndarray:
        if mean is None:
            mean = self._end + self._sign * scale * (B - gap)
        return self._to_eta(mean=mean, sd=scale * self._spread, shape=self._sign * self._steep)

    def _at(
        self,
        member: Callable[[float], tuple[float, float]],
        gap: float,
        mean: float | None = None,
    ) -> float:
        found = self._value(self._eta(*member(gap), mean))
        return found if np.isfinite(found) else -np.inf

    def _placed(
        self, member: Callable[[float], tuple[float, float]], mean: float | None = None
    ) -> np.ndarray:
        """Eta (3,) with loc at the distance from the end at which the likelihood is highest."""
        pull = (self._at(member, _SLOPE, mean) - self._at(member, 2.0 * _SLOPE, mean)) / _SLOPE
        if pull > 0:
            # The slope of log Phi(shape gap) balances that of everything else.
            u = np.sqrt(2.0 * max(np.log(self._steep / pull) - _HALF_LOG_2PI, 1.0))
            return self._eta(*member(u / self._steep), mean)
        best = _highest(lambda log: self._at(member, np.exp(log), mean), np.log(_SLOPE), -0.5)
        return self._eta(*member(float(np.exp(best))), mean)


def _highest(value: Callable[[float], float], low: float, high: float) -> float:
    """The highest point between two ends, of a function with one maximum, by Brent's method.

    The next point is the top of the parabola through the three best points; where that lies outside
    the ends, or moves no less than half as far as the point before it did, it is the golden
    section's.

    Returns
    -------
    float
        To the width at which values cannot be told apart.
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

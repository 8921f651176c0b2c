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
#: looked for: points of a first grid, and steps of the golden section between two of them.
_GRID, _GOLDEN = np.linspace(-2.5, 5.0, 16), 45

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
    """The golden section's highest point between two ends, of a function with one maximum."""
    share = 0.5 * (np.sqrt(5.0) - 1.0)
    left, right = high - share * (high - low), low + share * (high - low)
    at_left, at_right = value(left), value(right)
    for _ in range(_GOLDEN):
        if at_left > at_right:
            high, right, at_right = right, left, at_left
            left = high - share * (high - low)
            at_left = value(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + share * (high - low)
            at_right = value(right)
    return 0.5 * (low + high)

"""Members of a family at a limit at which its density jumps, whatever else holds its rows.

There loc stays at the smallest or the largest row, along a ridge that is curved in (mean, sd): a
descent follows it in steps that become ever shorter. The members on it have one parameter, and are
compared one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from natfit.numerics.highest import highest

_HALF_LOG_2PI = 0.9189385332046727

#: |shape| of a fit's end from which the limit is looked at.
LEAST = 3.0

#: Logarithms of a scale, in units of the limit's for exact rows, between which a limit is looked
#: for: points of a first grid.
_GRID = np.linspace(-2.5, 5.0, 16)

#: Distances of loc from the nearest row at which a likelihood is that of the limit to rounding, in
#: widths of the jump, and at which its slope in loc is taken, in scales.
_GAP, _SLOPE = 10.0, 1e-5


@dataclass(frozen=True)
class Jump:
    """A density in (mean, sd, shape) that is nearly zero on one side of loc, and jumps there.

    Attributes
    ----------
    shape : float
        In eta: the limit.
    steep : float
        Scales in the width of the jump, which is a normal distribution function. Negative where
        the density ends at loc instead of beginning there.
    middle, spread : float
        Distance of the mean from loc, and the standard deviation, in scales.
    """

    shape: float
    steep: float
    middle: float
    spread: float


class SteepMembers:
    """The best members at a limit at which the density jumps, for a likelihood.

    Parameters
    ----------
    jump : Jump
        The limit.
    end : float
        The smallest exact row, or the largest one where the density ends at loc.
    eta : ndarray of shape (3,)
        The end of a fit: mean, log sd and shape, in eta.
    value : callable
        ``value(eta)`` is the log-likelihood of eta (3,) in nats, -inf where it has none.
    """

    def __init__(
        self, jump: Jump, end: float, eta: np.ndarray, value: Callable[[np.ndarray], float]
    ):
        self._jump = jump
        self._sign, self._steep = np.sign(jump.steep), abs(jump.steep)
        self._end = end
        self._own = eta
        self._value = value

    def best(self, scale: float) -> list[np.ndarray]:
        """The best of all, that with the sd of the fit's end, and that with its mean.

        Parameters
        ----------
        scale : float
            That of a member near the best one; 0 where all rows are equal.

        Returns
        -------
        list of ndarray of shape (3,)
            Coordinates that are the fit's are so to the last bit: they may rest at a limit.
        """
        found = [self._placed(self._own[1])]
        if scale > 0:
            found.append(self._placed(self._widest(np.log(scale * self._jump.spread))))
        if self._sign * (self._own[0] - self._end) > 0:
            found.append(self._placed(None))
        return found

    def _widest(self, log: float) -> float:
        """Log sd of the best one of any sd; ``log`` is that of a member near it."""

        def at(log: float) -> float:
            return self._at(log, _GAP / self._steep)

        best = int(np.argmax([at(log + step) for step in _GRID]))
        low, high = _GRID[max(best - 1, 0)], _GRID[min(best + 1, len(_GRID) - 1)]
        return highest(at, log + low, log + high)

    def _eta(self, log: float | None, gap: float) -> np.ndarray:
        """Eta (3,) with loc ``gap`` scales from the end and this log sd, or the fit's mean."""
        mean, middle = self._own[0], self._jump.middle - gap
        if log is None:
            log = np.log(self._sign * (mean - self._end) / middle * self._jump.spread)
        else:
            mean = self._end + self._sign * np.exp(log) / self._jump.spread * middle
        return np.array([mean, log, self._jump.shape])

    def _at(self, log: float | None, gap: float) -> float:
        found = self._value(self._eta(log, gap))
        return found if np.isfinite(found) else -np.inf

    def _placed(self, log: float | None) -> np.ndarray:
        """Eta (3,) with loc at the distance from the end at which the likelihood is highest."""
        with np.errstate(invalid="ignore"):
            pull = (self._at(log, _SLOPE) - self._at(log, 2.0 * _SLOPE)) / _SLOPE
        if pull > 0:
            # The slope of log Phi(steep gap) balances that of everything else.
            u = np.sqrt(2.0 * max(np.log(self._steep / pull) - _HALF_LOG_2PI, 1.0))
            return self._eta(log, u / self._steep)
        best = highest(lambda gap: self._at(log, np.exp(gap)), np.log(_SLOPE), -0.5)
        return self._eta(log, float(np.exp(best)))

"""Sums over whole numbers at a cost that does not grow with their number.

Where a sum begins or ends sharply, its terms are enumerated; between, the sum is replaced by an
integral by Gauss-Legendre quadrature. A smooth partition of unity joins the two, so that neither is
cut off: by Poisson's summation formula the error falls with the smoothness of what is summed, which
must vary over several whole numbers where it is integrated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

#: Terms that are enumerated where a sum begins or ends: beyond, their share is below 1e-44.
_ENUMERATED = 320

#: Numbers of terms up to which a sum is enumerated as it is.
_WHOLE = 1024

#: Distance from a sharp end at which the integral replaces the sum: centre and width of the change,
#: and where the integral begins.
_CENTRE, _WIDTH, _FIRST = 160.0, 16.0, 64.0

#: Gauss-Legendre nodes of one panel.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(32)

#: Bisections in a search for the end of a tail, after doublings: to 3 % of its length.
_BISECTIONS = 5

#: Number of ends of one tail that are looked at together.
_TOGETHER = 4

#: Largest distance that a search looks at.
_MOST = 1e300


@dataclass(frozen=True)
class Stretch:
    """Stretches of whole numbers to sum over, one for each of m rows.

    Attributes
    ----------
    low, high : ndarray of shape (m,)
        First and last number, finite, low <= high.
    centre : ndarray of shape (m,)
        A number in the middle of what is summed, from which the nodes spread if no end is sharp.
    sharp_low, sharp_high : ndarray of shape (m,)
        Whether the terms there are no small part of the sum.
    """

    low: np.ndarray
    high: np.ndarray
    centre: np.ndarray
    sharp_low: np.ndarray
    sharp_high: np.ndarray

    def nodes(self, panels: int) -> tuple[np.ndarray, np.ndarray]:
        """Numbers y (m, J), not all whole, and weights: the sum of h is ``sum(weight * h(y))``.

        Parameters
        ----------
        panels : int
            Panels of 32 nodes of each of the two integrals that make a long sum.

        Returns
        -------
        y, weight : ndarray of shape (m, J)
        """
        if (self.high - self.low < _WHOLE).all():
            y = self.low[:, None] + np.arange(float(np.max(self.high - self.low)) + 1.0)
            inside = y <= self.high[:, None]
            return np.where(inside, y, self.low[:, None]), inside.astype(np.float64)
        short = self.high - self.low < _WHOLE
        low, high = self.low[:, None], self.high[:, None]
        step = np.arange(float(_WHOLE if short.any() else _ENUMERATED))
        share = np.where(short[:, None], step <= high - low, self.sharp_low[:, None] * _share(step))
        parts = [(np.minimum(low + step, high), share)]
        back = np.arange(float(_ENUMERATED))
        share = (self.sharp_high & ~short)[:, None] * _share(back)
        parts.append((np.maximum(high - back, low), share))
        parts += [self._part(side, panels, short) for side in (1, -1)]
        y, weight = zip(*parts, strict=True)
        return np.concatenate(y, axis=1), np.concatenate(weight, axis=1)

    def _part(self, side: int, panels: int, short: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Nodes of the integral on one side of the centre, in the log distance from an end."""
        # Between two sharp ends: from each to half-way. With one: from it on, cut in halves of the
        # logarithm. With none: from the centre on, as seen from the other end.
        one, both = self.sharp_low ^ self.sharp_high, self.sharp_low & self.sharp_high
        up = np.where(one, self.sharp_low, side > 0)
        origin, far = np.where(up, self.low, self.high), self.high - self.low
        near = np.where(both, 0.5 * far, np.abs(self.centre - origin))
        middle = np.sqrt(_FIRST * np.maximum(far, _FIRST))
        first = np.where(one, _FIRST if side > 0 else middle, np.where(both, _FIRST, near))
        last = np.where(one, middle if side > 0 else far, np.where(both, near, far))
        last = np.maximum(first, last)
        a, b = np.log(np.maximum(first, 0.25)), np.log(np.maximum(last, 0.25))
        half = 0.5 * (b - a) / panels
        at = half[:, None] * (_NODES + 1.0 + 2.0 * np.arange(panels)[:, None]).ravel()
        gap = np.exp(a[:, None] + at)
        y = np.where(up[:, None], origin[:, None] + gap, origin[:, None] - gap)
        weight = half[:, None] * np.tile(_WEIGHTS, panels) * gap
        rest = 1.0 - self.sharp_low[:, None] * _share(y - self.low[:, None])
        rest = rest - self.sharp_high[:, None] * _share(self.high[:, None] - y)
        weight = np.where(short[:, None], 0.0, weight * rest)
        return np.clip(y, self.low[:, None], self.high[:, None]), weight


def _share(distance: np.ndarray) -> np.ndarray:
    """Share of the sum, rather than of the integral, at a distance from a sharp end."""
    return 0.5 * special.erfc((distance - _CENTRE) / _WIDTH)


def reach(beyond: Callable, start: np.ndarray, side: int, limit: float) -> np.ndarray:
    """Whole numbers, one per row, beyond which the tails from ``start`` on are negligible.

    Parameters
    ----------
    beyond : callable
        ``beyond(y)``: whether the tail beyond y (m,) is negligible, (m,).
    start : ndarray of shape (m,)
        Where each tail begins.
    side : {1, -1}
        1 for tails above ``start``, -1 for those below.
    limit : float
        Where the numbers end; may be infinite.

    Returns
    -------
    ndarray of shape (m,)
        At most 1e300 from ``start``, and not beyond ``limit``.
    """
    room = np.minimum(np.abs(limit - start), _MOST)
    low, high = np.zeros(len(start)), np.minimum(64.0, room)
    while True:
        more = ~beyond(start + side * high) & (high < room)
        if not more.any():
            break
        low = np.where(more, high, low)
        # Four times, then faster: a tail such as y^-1.01 reaches far.
        high = np.where(more, np.minimum(np.maximum(4.0 * high, high**1.25), room), high)
    for _ in range(_BISECTIONS):
        middle = np.floor(np.sqrt(np.maximum(low, 16.0) * np.maximum(high, 16.0)))
        middle = np.clip(middle, low, high)
        done = beyond(start + side * middle)
        low, high = np.where(done, low, middle), np.where(done, middle, high)
    return start + side * high


def reach_of_one(beyond: Callable, start: float, side: int, limit: float) -> np.ndarray:
    """Return :func:`reach` of one tail, (1,), from few calls of ``beyond`` with several numbers.

    Parameters
    ----------
    beyond : callable
        ``beyond(y)``: whether the tail beyond y (m,) is negligible, (m,); all numbers are of the
        same tail.
    start : float
        Where the tail begins.
    side : {1, -1}
        1 for a tail above ``start``, -1 for one below.
    limit : float
        Where the numbers end; may be infinite.

    Returns
    -------
    ndarray of shape (1,)
        At most 1e300 from ``start``, and not beyond ``limit``.
    """
    room = min(abs(limit - start), _MOST)
    low, ends = 0.0, [min(64.0, room)]
    while True:
        while len(ends) < _TOGETHER and ends[-1] < room:
            ends.append(_farther(ends[-1], room))
        far = beyond(start + side * np.array(ends))
        if far.any() or ends[-1] >= room:
            break
        low, ends = ends[-1], [_farther(ends[-1], room)]
    first = int(np.argmax(far)) if far.any() else len(ends) - 1
    low, high = (low, *ends)[first], ends[first]
    between = np.geomspace(max(low, 16.0), max(high, 16.0), 2**_BISECTIONS + 1)[1:-1]
    between = np.clip(np.floor(between), low, high)
    far = beyond(start + side * between)
    return np.array([start + side * (between[np.argmax(far)] if far.any() else high)])


def _farther(end: float, room: float) -> float:
    """The next end that is looked at: as in :func:`reach`."""
    return min(max(4.0 * end, end * end**0.25), room)

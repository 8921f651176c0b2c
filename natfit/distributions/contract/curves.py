"""Many intervals that share eta, at the cost of a few hundred.

At one eta, the log-probability of a tail, its score and its observed information are smooth
functions of the end y of the tail. They are found at Chebyshev's points of panels of u(y), in which
they vary evenly, and every row is read from the series of its panel. Of the rows, a sum needs only
their moments ``sum_i w_i T_k(x_i)``, which do not depend on eta and are found once. A panel whose
series does not converge is halved; one with few rows, or too deep, is left to the rows themselves,
so that ends of supports, kinks and values with a probability need no care.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from natfit.distributions.contract.support import Support

#: Terms of a series; halvings of the range before the first series and before the last.
_TERMS, _FIRST, _LAST = 16, 4, 12

#: Rows of a panel up to which they are found themselves.
_FEW = 32

#: Accepted size of the last terms of the log-probability, its score and its curvature, relative to
#: the largest term. Derivatives of tails have digits to spare, but not all families have them.
_RESOLVED = np.array([1e-13, 1e-11, 1e-9])

#: The same where halving a panel does not make the last terms smaller, which are then noise of what
#: is found: share of them that a half must have, and their accepted size.
_STAYS, _NOISE = 0.1, np.array([1e-12, 1e-8, 1e-6])

#: What is found at ends y (p, m), of which a line is found in one way: C values of each, (C, p, m).
Find = Callable[[np.ndarray], np.ndarray]

_ANGLES = np.pi * (np.arange(_TERMS) + 0.5) / _TERMS
_POINTS = np.cos(_ANGLES)
#: Coefficients of the interpolants of values at the points: ``values @ _SERIES``.
_SERIES = 2.0 / _TERMS * np.cos(_ANGLES[:, None] * np.arange(_TERMS))
_SERIES[:, 0] *= 0.5


class Curve:
    """Ends y (n,) of many intervals, ascending, with weights, and the series that serve them.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Finite, ascending.
    weight : ndarray of shape (n,)
        Weights of the rows.
    support : Support
        Of the family; ends outside of it are allowed.
    """

    def __init__(self, y: np.ndarray, weight: np.ndarray, support: Support):
        self.y, self.weight = y, weight
        self._coordinate = _Coordinate.of(y, support)
        with np.errstate(all="ignore"):
            u = self._coordinate.forward(y)
        inside = np.flatnonzero(np.isfinite(u))
        # Ends of the support itself are the first and the last rows.
        self._begin = int(inside[0]) if len(inside) else 0
        self._end = int(inside[-1]) + 1 if len(inside) else 0
        self._u = u[self._begin : self._end]
        self._known: dict[tuple[int, int], np.ndarray] = {}

    def total(self, find: Find, orders: np.ndarray) -> np.ndarray:
        """Return the weighted sums over rows of what is found at them.

        Parameters
        ----------
        find : callable
            Values (C, p, m) at ends (p, m).
        orders : ndarray of shape (C,)
            0 for log-probabilities, 1 for their first derivatives, 2 for second ones.

        Returns
        -------
        ndarray of shape (C,)
        """
        out = np.zeros(len(orders))
        for level, panels, found, rows in self._pieces(find, orders):
            if len(rows):
                out += found[:, :, 0] @ self.weight[rows]
            else:
                sums = np.stack([self._moments(level, int(p)) for p in panels])
                out += np.einsum("cpk,pk->c", found, sums)
        return out

    def at_rows(self, find: Find, orders: np.ndarray) -> np.ndarray:
        """Return what is found at the rows, (C, n); arguments as of :meth:`total`."""
        out = np.empty((len(orders), len(self.y)))
        for level, panels, found, rows in self._pieces(find, orders):
            if len(rows):
                out[:, rows] = found[:, :, 0]
            for i, panel in enumerate(panels):
                part, x = self._places(level, int(panel))
                np.matmul(found[:, i], polynomials(x), out=out[:, part])
        return out

    # ------------------------------------------------------------------------------ panels

    def _pieces(self, find: Find, orders: np.ndarray) -> Iterator[tuple]:
        """Levels with their panels and series (C, p, k), and values (C, m) at rows themselves."""
        tolerance, noise = _RESOLVED[orders][:, None], _NOISE[orders][:, None]
        level = min(_FIRST, max(int(np.log2(max(len(self._u), 1) / (2 * _FEW))), 0))
        panels, floor = np.arange(2**level), np.empty(0)
        before = np.full((len(orders), len(panels)), np.inf)
        alone = [np.arange(self._begin), np.arange(self._end, len(self.y))]
        while len(panels):
            cuts = self._cuts(level, panels)
            few = np.diff(cuts, axis=0)[0] <= (_FEW if level < _LAST else len(self.y))
            alone += [np.arange(*pair) + self._begin for pair in cuts[:, few].T]
            panels, before = panels[~few], before[:, ~few]
            if not len(panels):
                break
            series = find(self._coordinate.backward(self._nodes(level, panels))) @ _SERIES
            size = np.abs(series).max(axis=2)
            if not floor.size:
                floor = np.nanmean(np.where(np.isfinite(size), size, np.nan), axis=1, keepdims=True)
            rest = np.abs(series[:, :, -3:]).max(axis=2)
            accepted = np.where(rest > _STAYS * before, noise, tolerance)
            done = (rest <= accepted * np.maximum(size, floor)).all(axis=0)
            if done.any():
                yield level, panels[done], series[:, done], ()
            panels = np.ravel(2 * panels[~done][:, None] + np.arange(2))
            before = np.repeat(rest[:, ~done], 2, axis=1)
            level += 1
        rows = np.concatenate(alone)
        if len(rows):
            yield level, (), find(self.y[rows, None]), rows

    def _edges(self, level: int, panels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        low, high = self._u[0], self._u[-1]
        width = (high - low) * 0.5**level
        return low + width * panels, low + width * (panels + 1.0)

    def _nodes(self, level: int, panels: np.ndarray) -> np.ndarray:
        low, high = self._edges(level, panels)
        return 0.5 * (low + high)[:, None] + 0.5 * (high - low)[:, None] * _POINTS

    def _cuts(self, level: int, panels: np.ndarray) -> np.ndarray:
        """First row of each panel and the one after its last, (2, p)."""
        low, _ = self._edges(level, panels)
        _, high = low, self._edges(level, panels + 1)[0]
        last = np.where(panels == 2**level - 1, len(self._u), np.searchsorted(self._u, high))
        return np.stack([np.searchsorted(self._u, low), last])

    def _places(self, level: int, panel: int) -> tuple[slice, np.ndarray]:
        """Rows of a panel, and where they lie in it, in [-1, 1]."""
        begin, end = self._cuts(level, np.array([panel]))[:, 0]
        low, high = (float(e[0]) for e in self._edges(level, np.array([panel])))
        x = (self._u[begin:end] - 0.5 * (low + high)) / (0.5 * (high - low))
        return slice(begin + self._begin, end + self._begin), np.clip(x, -1.0, 1.0)

    def _moments(self, level: int, panel: int) -> np.ndarray:
        """Weighted sums of Chebyshev's polynomials over the rows of a panel, (k,)."""
        known = self._known.get((level, panel))
        if known is None:
            rows, x = self._places(level, panel)
            known = self._known[level, panel] = polynomials(x) @ self.weight[rows]
        return known


def polynomials(x: np.ndarray) -> np.ndarray:
    """Chebyshev's polynomials T_k at x (n,) in [-1, 1], (k, n)."""
    out = np.empty((_TERMS, len(x)))
    out[0], out[1] = 1.0, x
    twice = 2.0 * x
    for k in range(2, _TERMS):
        np.multiply(twice, out[k - 1], out=out[k])
        out[k] -= out[k - 2]
    return out


@dataclass(frozen=True)
class _Coordinate:
    """A coordinate u(y) in which tails vary evenly.

    ``log((y - low) / (high - y))``, or ``log(y - low)`` or ``-log(high - y)``, where the support
    has these ends, else ``arsinh((y - loc) / unit)``, loc the median of the rows and the unit the
    distance of their quartiles.
    """

    low: float
    high: float
    loc: float
    unit: float

    @classmethod
    def of(cls, y: np.ndarray, support: Support) -> _Coordinate:
        """The coordinate for ascending rows y (n,)."""
        n = len(y)
        unit = float(y[(3 * n) // 4] - y[n // 4]) or float(y[-1] - y[0]) or 1.0
        return cls(support.low, float(np.max(support.high)), float(y[n // 2]), unit)

    def forward(self, y: np.ndarray) -> np.ndarray:
        """Return u(y); not finite at and beyond an end."""
        if self.low == -np.inf and self.high == np.inf:
            return np.arcsinh((y - self.loc) / self.unit)
        below = np.log(y - self.low) if self.low > -np.inf else np.zeros(len(y))
        return below - np.log(self.high - y) if self.high < np.inf else below

    def backward(self, u: np.ndarray) -> np.ndarray:
        """Return y(u)."""
        if self.low == -np.inf and self.high == np.inf:
            return self.loc + self.unit * np.sinh(u)
        if self.high == np.inf:
            return self.low + np.exp(u)
        if self.low == -np.inf:
            return self.high - np.exp(-u)
        part = (self.high - self.low) / (1.0 + np.exp(np.abs(u)))
        return np.where(u > 0, self.high - part, self.low + part)

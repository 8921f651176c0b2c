"""Sums of log P(lower < Y < upper) and its derivatives over many intervals that share eta."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from natfit.distributions.contract.curves import Curve
from natfit.distributions.contract.ends import HALF, is_narrow
from natfit.distributions.contract.intervals import Moments, moments, quiet
from natfit.distributions.contract.support import REAL, Support
from natfit.numerics.special import log1mexp

#: Number of intervals from which on their ends are read from series; most that are so at once.
_MANY, _MOST = 512, 2**18

#: Numbers of exact rows between which they are sorted, and read from series.
POINTS = range(1024, 2**20)

#: Intervals per pass where they are computed one by one: their derivatives fit into the cache of a
#: core, or a table of velocities is made once for many rows.
_CLOSED, _DERIVED = 4096, 65536

#: Intervals that are joined from their ends at once: what is known of them fits into the cache.
_CACHED = 8192

Terms = tuple[float, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Intervals:
    """Distinct intervals, ascending, with counts.

    Attributes
    ----------
    ends : ndarray of shape (M, 2)
        Lower and upper ends; may be infinite.
    counts : ndarray of shape (M,)
        Their weights.
    """

    ends: np.ndarray
    counts: np.ndarray

    def terms(self, family: Any, eta: np.ndarray) -> Terms:
        """Weighted sums of log P, its score (K,) and its negative Hessian (K, K), eta (1, K).

        Parameters
        ----------
        family : Distribution
            Univariate, with a distribution function.
        eta : ndarray of shape (1, K)
            Parameters of all rows.

        Returns
        -------
        value : float
            In nats.
        score : ndarray of shape (K,)
            In eta.
        observed : ndarray of shape (K, K)
            In eta.
        """
        support = REAL if family.support is None else family.support
        if len(self.ends) <= _MANY or support.integer or family.atoms:
            return _one_by_one(family, self.ends, self.counts, eta)
        key = (support.low, support.top)
        if key not in self._known:
            self._known[key] = _kinds(self.ends, self.counts, support)
        k = family.n_params
        value, score, observed = 0.0, np.zeros(k), np.zeros((k, k))
        for part in self._known[key]:
            found = part.terms(family, eta)
            value, score, observed = value + found[0], score + found[1], observed + found[2]
        return float(value), score, observed

    @cached_property
    def _known(self) -> dict[tuple[float, float], list[Any]]:
        """The intervals by their kind, for each support that a family had."""
        return {}


class Points:
    """Distinct exact rows (M,), ascending, with counts: sums of the log-density over them."""

    def __init__(self, y: np.ndarray, counts: np.ndarray):
        self.y, self.counts = y, counts
        self._known: dict[tuple[float, float], Curve] = {}

    @quiet
    def terms(self, family: Any, eta: np.ndarray) -> Terms:
        """Weighted sums of log p, its score (K,) and its negative Hessian (K, K), eta (1, K)."""
        support, k = REAL if family.support is None else family.support, family.n_params
        key = (support.low, support.top)
        if key not in self._known:
            self._known[key] = Curve(self.y, self.counts, support)

        def find(y: np.ndarray) -> np.ndarray:
            flat = y.ravel()
            value, score = family.log_prob_and_score(flat, eta)
            found = _flat(value, score, family.observed(flat, eta))
            return found.reshape(len(found), *y.shape)

        return _terms(self._known[key].total(find, _orders(k)), k)


def _kinds(ends: np.ndarray, counts: np.ndarray, support: Support) -> list[Any]:
    """Intervals that are open above, open below, and finite ones, as what sums them.

    An end beyond that of the support is open.

    Returns
    -------
    list
        Of objects with ``terms(family, eta)``.
    """
    lower, upper = ends.T
    missing = (upper <= support.low) | (lower >= support.top)
    right, left = upper >= support.top, lower <= support.low
    out: list[Any] = [_Few(ends[missing], counts[missing])]
    for which, column in ((right & ~left, 0), (left & ~right, 1), (~(right | left), None)):
        own, weight = ends[which & ~missing], counts[which & ~missing]
        if column is not None:
            own[:, 1 - column] = np.inf if column == 0 else -np.inf
        if len(own) <= _MANY:
            out.append(_Few(own, weight))
        elif column is None:
            for start in range(0, len(own), _MOST):
                part = slice(start, start + _MOST)
                out.append(_Finite(own[part], weight[part], support))
        else:
            order = np.argsort(own[:, column], kind="stable")
            out.append(_OneEnd(Curve(own[order, column], weight[order], support), column))
    return out


@dataclass(frozen=True)
class _Few:
    ends: np.ndarray
    counts: np.ndarray

    def terms(self, family: Any, eta: np.ndarray) -> Terms:
        return _one_by_one(family, self.ends, self.counts, eta)


@dataclass(frozen=True)
class _OneEnd:
    """Intervals that are open above (column 0) or below (column 1)."""

    curve: Curve
    column: int

    @quiet
    def terms(self, family: Any, eta: np.ndarray) -> Terms:
        k = family.n_params

        def find(y: np.ndarray) -> np.ndarray:
            found = _tails(family, y.ravel(), self.column == 0, eta)
            flat = _flat(found.log_mass, found.score, found.observed)
            return flat.reshape(len(flat), *y.shape)

        return _terms(self.curve.total(find, _orders(k)), k)


class _Finite:
    """Finite intervals, each end of which is read as the nearer tail that begins there."""

    def __init__(self, ends: np.ndarray, counts: np.ndarray, support: Support):
        self.ends, self.counts = ends, counts
        both = ends.T.ravel()
        order = np.argsort(both, kind="stable")
        place = np.empty(len(both), dtype=np.intp)
        place[order] = np.arange(len(both))
        self.places = np.split(place, 2)
        self.curve = Curve(both[order], np.ones(len(both)), support)

    @quiet
    def terms(self, family: Any, eta: np.ndarray) -> Terms:
        k = family.n_params
        found = self.curve.at_rows(
            lambda y: _nearer_tails(family, y, eta), np.concatenate([[0], _orders(k)])
        )
        value, score, observed = 0.0, np.zeros(k), np.zeros((k, k))
        left = []
        for start in range(0, len(self.ends), _CACHED):
            part = slice(start, start + _CACHED)
            low, high = (found[:, place[part]] for place in self.places)
            log_mass, rates, narrow = _joined(low, high)
            wide = self.counts[part]
            if narrow.any():
                left.append(start + np.flatnonzero(narrow))
                wide = np.where(narrow, 0.0, wide)
                log_mass[narrow], rates[:, narrow] = 0.0, 0.0
            value += float(wide @ log_mass)
            weighted = rates[:k] * wide
            score += weighted.sum(axis=1)
            observed += weighted @ rates[:k].T - _square(rates[k:] @ wide, k)
        rows = np.concatenate(left) if left else np.arange(0)
        rest = _one_by_one(family, self.ends[rows], self.counts[rows], eta)
        return value + rest[0], score + rest[1], observed + rest[2]


def _joined(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """log P of intervals, its derivatives (C, n), and which are narrow, from tails at the ends."""
    log_mass, narrow = _between(low, high)
    rates = low[2:] * (_signs(low) * np.exp(low[1] - log_mass))
    rates -= high[2:] * (_signs(high) * np.exp(high[1] - log_mass))
    return log_mass, rates, narrow


def _signs(end: np.ndarray) -> np.ndarray:
    """1 where an end is read as an upper tail, -1 where as a lower one."""
    return np.where(end[0] > 0.5, 1.0, -1.0)


def _nearer_tails(family: Any, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
    """Side, log-probability, score and second derivatives of tails from y (p, m) on, (C, p, m).

    A line has one side, which need not be the nearer one at all of its points. Derivatives of a
    tail without probability are zero.

    Returns
    -------
    ndarray of shape (2 + K + K (K + 1) / 2, p, m)
    """
    upper = family.log_sf(y[:, y.shape[1] // 2], eta) <= HALF
    out = np.empty((1 + len(_orders(family.n_params)), *y.shape))
    out[0] = upper[:, None]
    for side in (True, False):
        which = upper == side
        if not which.any():
            continue
        found = _tails(family, y[which].ravel(), side, eta)
        flat = _flat(found.log_mass, found.score, -found.gap)
        flat[1:, found.log_mass == -np.inf] = 0.0
        out[1:, which] = flat.reshape(len(flat), -1, y.shape[1])
    return out


def _between(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """log P of intervals from the nearer tails of their ends, and which of them are narrow."""
    upper, same = low[0] > 0.5, (low[0] > 0.5) == (high[0] > 0.5)
    near, far = np.where(upper, low[1], high[1]), np.where(upper, high[1], low[1])
    share = np.minimum(far - near, 0.0)
    # From ends on two sides of the middle, or, at the middle itself, from overlapping tails.
    both = np.exp(low[1]) + np.exp(high[1])
    gap = np.where(upper, both - 1.0, 1.0 - both)
    log_mass = np.where(same, near + log1mexp(share), np.log(gap))
    width = np.where(same, -np.expm1(share), gap)
    return log_mass, is_narrow(width, np.where(same, near, 0.0))


def _tails(family: Any, y: np.ndarray, upper: bool, eta: np.ndarray) -> Moments:
    """Moments of the tails that begin at y (n,)."""
    lower, upper_end = (y, np.full(len(y), np.inf)) if upper else (np.full(len(y), -np.inf), y)
    return moments(family, lower, upper_end, eta)


def _flat(value: np.ndarray, score: np.ndarray, square: np.ndarray) -> np.ndarray:
    """Values (n,), (n, K) and (n, K, K) as lines, of which squares give their upper triangle."""
    first, second = np.triu_indices(score.shape[1])
    return np.concatenate([value[None], score.T, square[:, first, second].T])


def _terms(flat: np.ndarray, k: int) -> Terms:
    """The sums of which :func:`_flat` made one line."""
    return float(flat[0]), flat[1 : k + 1], _square(flat[k + 1 :], k)


def _orders(k: int) -> np.ndarray:
    """Order of the derivative of each line of :func:`_flat`."""
    return np.repeat([0, 1, 2], [1, k, (k * (k + 1)) // 2])


def _square(flat: np.ndarray, k: int) -> np.ndarray:
    """The symmetric matrix (K, K) of an upper triangle."""
    out = np.empty((k, k))
    first, second = np.triu_indices(k)
    out[first, second] = out[second, first] = flat
    return out


def _one_by_one(family: Any, ends: np.ndarray, counts: np.ndarray, eta: np.ndarray) -> Terms:
    k = family.n_params
    value, score, observed = 0.0, np.zeros(k), np.zeros((k, k))
    size = _CLOSED if family.closed_velocity else _DERIVED
    for start in range(0, len(ends), size):
        part = slice(start, start + size)
        found = moments(family, ends[part, 0], ends[part, 1], eta).summed(counts[part])
        value, score, observed = value + found[0], score + found[1], observed + found[2]
    return float(value), score, observed

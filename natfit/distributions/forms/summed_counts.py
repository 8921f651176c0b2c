"""Families of counts whose distribution function is a sum of their probabilities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from natfit.distributions.base import Distribution
from natfit.distributions.contract.expectation import Expectation
from natfit.distributions.contract.tails import tail
from natfit.distributions.forms.tabulated_counts import Tabulated, count_rule
from natfit.numerics.counting import Stretch, reach

#: Log of a sum of terms that is left out, relative to the first term.
_NEGLIGIBLE = -45.0

#: log(1/2).
_HALF = -0.6931471805599453

#: Panels of 32 nodes of a long sum; number of tails summed at once.
_PANELS, _ROWS = 16, 256

#: Range of starts up to which tails that share eta are sums of one another.
_TABLE = 4096


class SummedCounts(Tabulated):
    """A family of counts with one mode, and without a distribution function in closed form.

    Both tails are sums of the probabilities, each from its end inwards, so that neither is a
    difference. A family says by ``_spread`` how far its probability reaches.
    """

    has_cdf = True

    #: Mean, standard deviation, and the distance over which the far tail falls by e, of the native
    #: parameters, which are numbers.
    _spread: Callable

    def log_cdf(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Log P(Y <= y) of each row, (n,) nats; y may be infinite."""
        return tail(self, lambda y, *_: summed_tails(self, y, eta)[0], y, eta, -np.inf, 0.0)

    def log_sf(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Log P(Y > y) of each row, (n,) nats; y may be infinite."""
        return tail(self, lambda y, *_: summed_tails(self, y, eta)[1], y, eta, 0.0, -np.inf)

    def expectation(self, eta: np.ndarray) -> Expectation:
        """Nodes and probabilities at eta (K,), at a cost that does not grow with the mean."""
        spread = self._spread(*(float(v) for v in self.native_dict(eta).values()))
        return count_rule(self, eta, *spread)


def summed_tails(
    family: Distribution, y: np.ndarray, eta: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """log P(Y <= y) and log P(Y > y) of a family of counts with one mode, (n,) nats each.

    Parameters
    ----------
    family : Distribution
        Of whole numbers from a finite one on.
    y : ndarray of shape (n,)
        Inside the support, finite.
    eta : ndarray of shape (n, K) or (1, K)
        Parameters of each row, or of all.

    Returns
    -------
    below, above : ndarray of shape (n,)
        The larger of the two probabilities is the complement of the smaller.
    """
    y, back = np.floor(y), np.arange(len(y))
    if len(eta) == 1:
        y, back = np.unique(y, return_inverse=True)
    if len(eta) == 1:
        below, above = _tails_from(family, y, -1, eta), _tails_from(family, y + 1.0, 1, eta)
    else:
        below, above = _nearer_first(family, y, eta)
    small = below < above
    with np.errstate(divide="ignore"):
        rest = np.log1p(-np.exp(np.minimum(np.where(small, below, above), 0.0)))
    below, above = np.where(small, below, rest), np.where(small, rest, above)
    return below[back], above[back]


def _nearer_first(
    family: Distribution, y: np.ndarray, eta: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The tail on y's side of the mean, and the other one only where that is above one half.

    Returns
    -------
    below, above : ndarray of shape (n,)
        Infinite where it was not summed.
    """
    left = ~(y > family.moments(eta)[0])
    below, above = np.full(len(y), np.inf), np.full(len(y), np.inf)

    def sum_below(some: np.ndarray) -> None:
        if some.any():
            below[some] = _tails_from(family, y[some], -1, eta[some])

    def sum_above(some: np.ndarray) -> None:
        if some.any():
            above[some] = _tails_from(family, y[some] + 1.0, 1, eta[some])

    sum_below(left)
    sum_above(~left)
    sum_above(left & (below > _HALF))
    sum_below(~left & (above > _HALF))
    return below, above


def _tails_from(family: Any, start: np.ndarray, side: int, eta: np.ndarray) -> np.ndarray:
    """Logs of the sums over the tails that begin with ``start``, -inf outside the support."""
    low, high = family.support.low, family.support.top
    out = np.full(len(start), -np.inf)
    inside = np.flatnonzero((start >= low) & (start <= high))
    if not len(inside):
        return out
    if len(eta) == 1 and np.ptp(start[inside]) <= _TABLE:
        out[inside] = _accumulated(family, start[inside], side, eta)
        return out
    for part in np.array_split(inside, -(-len(inside) // _ROWS)):
        out[part] = _summed(family, start[part], side, eta if len(eta) == 1 else eta[part])
    return out


def _accumulated(family: Any, start: np.ndarray, side: int, eta: np.ndarray) -> np.ndarray:
    """Tails that share eta: the farthest one, and sums from there inwards."""
    far = start[-1] if side > 0 else start[0]
    beyond = _summed(family, np.array([far]), side, eta)
    y = far - side * np.arange(1.0, np.ptp(start) + 1.0)
    sums = np.logaddexp.accumulate(np.concatenate([beyond, family.log_prob(y, eta)]))
    return sums[np.abs(start - far).astype(np.intp)]


def _summed(family: Any, start: np.ndarray, side: int, eta: np.ndarray) -> np.ndarray:
    limit = family.support.top if side > 0 else family.support.low
    first = family.log_prob(start, eta)

    def beyond(y: np.ndarray) -> np.ndarray:
        size = np.log1p(np.abs(y - start))
        return family.log_prob(y, eta) + size < first + _NEGLIGIBLE

    end = reach(beyond, start, side, limit)
    sharp, reached = np.ones(len(start), dtype=bool), end == limit
    if side > 0:
        stretch = Stretch(start, end, start, sharp, reached)
    else:
        stretch = Stretch(end, start, start, reached, sharp)
    y, weight = stretch.nodes(_PANELS)
    m, size = y.shape
    rows = eta if len(eta) == 1 else np.repeat(eta, size, axis=0)
    log = family.log_prob(y.reshape(-1), rows).reshape(m, size)
    most = log.max(axis=1, keepdims=True)
    return most[:, 0] + np.log((weight * np.exp(log - most)).sum(axis=1))

"""Conditional means over sets of whole numbers, for :mod:`natfit.distributions.contract.intervals`.

A short set is enumerated. A long one is summed by the rule of :mod:`natfit.numerics.counting`,
whose cost does not grow with the set; as for densities, it must reproduce the probability that the
distribution function gives. Many tails that share their parameters are read from one table.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.numerics.counting import Stretch, reach

#: Terms that are enumerated before a long sum is taken for one, in turn.
_SHORT = (64, 256)

#: Panels of 32 nodes, in turn, until the probability is reproduced; accepted relative errors at
#: once and in the end.
_PANELS = (8, 16, 32, 64)
_EXACT, _ACCURACY = 1e-9, 1e-6

#: Largest ratio of terms that cancel to what they leave.
_CONDITION = 1e3

#: Log-probability, relative to that of the set, of a tail that is left out.
_NEGLIGIBLE = -42.0

#: Maximum number of terms that are enumerated where the family knows no number but whole ones.
_MOST_TERMS = 2**20

#: Number of tails from which on a table serves them, its length, and the range of log-probabilities
#: in it, nats.
_MANY, _TABLE, _RANGE = 16, 2**17, 500.0

#: Distance from one tail to the next above which their own sums cost less than those between them.
_GAP = 2048

#: Number of intervals that are summed at once: their nodes are a million at most.
_MOST_ROWS = 256


def tail_sum(chunk: Any, start: Any, side: int, eta: Any, log_mass: Any) -> np.ndarray:
    """Conditional means over the tails that begin with ``start``, (m, C).

    Parameters
    ----------
    chunk : object
        With ``family`` and ``_nodes(y, share, eta, log_mass)``, the total weight and the means.
    start : ndarray of shape (m,)
        Whole numbers.
    side : {1, -1}
        1 for tails above ``start``, -1 for those below.
    eta : ndarray of shape (m, K) or (1, K)
        Parameters of each row, or of all.
    log_mass : ndarray of shape (m,)
        Log-probabilities of the tails, nats.

    Returns
    -------
    ndarray of shape (m, C)
        NaN where neither rule reproduces the probability to 1e-6.
    """
    if len(eta) == 1 and len(start) > _MANY:
        return _table(chunk, start, side, eta, log_mass)
    return _alone(chunk, start, side, eta, log_mass)


def _alone(chunk: Any, start: Any, side: int, eta: Any, log_mass: Any) -> np.ndarray:
    """Means over tails, each by the shortest sum that has its probability."""
    flat = _complement(chunk, start, side, eta, log_mass)
    left = np.flatnonzero(np.isnan(flat[:, 0]))
    for size in _SHORT if len(left) else ():
        own = eta if len(eta) == 1 else eta[left]
        done, found = _enumerated(chunk, start[left], side, size, own, log_mass[left])
        flat[left[done]] = found[done]
        left = left[~done]
        if not len(left):
            return flat
    if len(left):
        own = eta if len(eta) == 1 else eta[left]
        flat[left] = _long_tail(chunk, start[left], side, own, log_mass[left])
    return flat


def interval_sum(
    chunk: Any, lower: Any, upper: Any, eta: Any, reference: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Log of the sum over ``lower <= y <= upper``, over exp(reference), and conditional means."""
    if len(lower) > _MOST_ROWS and len(eta) == 1:
        parts = np.array_split(np.arange(len(lower)), -(-len(lower) // _MOST_ROWS))
        found = [interval_sum(chunk, lower[p], upper[p], eta, reference[p]) for p in parts]
        log, flat = zip(*found, strict=True)
        return np.concatenate(log), np.concatenate(flat)
    sharp = np.ones(len(lower), dtype=bool)
    stretch = Stretch(lower, upper, 0.5 * (lower + upper), sharp, sharp)
    return _refined(chunk, stretch, eta, reference, None)


def _complement(chunk: Any, start: Any, side: int, eta: Any, log_mass: Any) -> np.ndarray:
    """Means over tails by the few values outside of them, (m, C); NaN where that loses digits.

    The sums over all values are known: zero, and the Fisher information.

    Returns
    -------
    ndarray of shape (m, C)
        As exact as if the tail itself were summed, however long it is.
    """
    support, k = chunk.family.support, chunk.family.n_params
    limit = support.low if side > 0 else support.top
    flat = np.full((len(start), chunk.width), np.nan)
    few = np.flatnonzero(np.abs(start - limit) <= _SHORT[0])
    if not len(few):
        return flat
    own = eta if len(eta) == 1 else eta[few]
    size = float(np.max(np.abs(start[few] - limit)))
    y = limit + side * np.arange(max(size, 1.0))
    inside = side * (start[few, None] - y) > 0.0
    m, size = inside.shape
    rows = own if len(own) == 1 else np.repeat(own, size, axis=0)
    values = np.tile(y, m)
    p = np.where(inside, np.exp(chunk.family.log_prob(values, rows)).reshape(m, size), 0.0)
    terms = p[:, :, None] * chunk._values(values, rows).reshape(m, size, -1)
    whole = np.zeros((len(own), chunk.width))
    if chunk.outer:
        whole[:, k + k * k :] = chunk.family.fisher(own).reshape(len(own), -1)
    scale = np.exp(-log_mass[few, None])
    found = (whole - terms.sum(axis=1)) * scale
    lost = (np.abs(whole) + np.abs(terms).sum(axis=1)) * scale
    exact = lost.max(axis=1) <= _CONDITION * np.maximum(1.0, np.abs(found).max(axis=1))
    flat[few[exact]] = found[exact]
    return flat


def _enumerated(
    chunk: Any, start: Any, side: int, size: int, eta: Any, log_mass: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Which sums over the first ``size`` terms are complete, and means."""
    support = chunk.family.support
    y = start[:, None] + side * np.arange(float(size))
    inside = (y >= support.low) & (y <= support.top)
    y = np.where(inside, y, start[:, None])
    total, flat = chunk._nodes(y, inside.astype(np.float64), eta, log_mass)
    last = np.exp(chunk.family.log_prob(y[:, -1], eta) - log_mass)
    lost = 8e-16 * np.abs(log_mass)
    complete = (last < 1e-17 * total) & (np.abs(total - 1.0) < _ACCURACY + lost)
    return ~inside[:, -1] | complete, flat


def _long_tail(chunk: Any, start: Any, side: int, eta: Any, log_mass: Any) -> np.ndarray:
    family = chunk.family
    tail = family.log_sf if side > 0 else family.log_cdf
    limit = family.support.top if side > 0 else family.support.low
    end = reach(lambda y: tail(y, eta) < log_mass + _NEGLIGIBLE, start, side, limit)
    low, high = (start, end) if side > 0 else (end, start)
    sharp, at_limit = np.ones(len(start), dtype=bool), end == limit
    ends = (sharp, at_limit) if side > 0 else (at_limit, sharp)
    stretch = Stretch(low, high, np.floor(0.5 * (low + high)), *ends)
    log, flat = _refined(chunk, stretch, eta, log_mass, 0.0)
    bad = np.flatnonzero(~(np.abs(log) < _ACCURACY + 8e-16 * np.abs(log_mass)))
    size = 4 * _SHORT[-1]
    while len(bad) and size <= _MOST_TERMS:
        own = eta if len(eta) == 1 else eta[bad]
        done, found = _enumerated(chunk, start[bad], side, size, own, log_mass[bad])
        flat[bad[done]] = found[done]
        bad, size = bad[~done], 4 * size
    flat[bad] = np.nan
    return flat


def _refined(
    chunk: Any, stretch: Stretch, eta: Any, reference: Any, expected: float | None
) -> tuple[np.ndarray, np.ndarray]:
    """Sums by more and more panels until the log of the total is as expected, or settles."""
    log, flat = chunk._nodes(*stretch.nodes(_PANELS[0]), eta, reference)
    log = np.log(log)
    lost = 8e-16 * np.abs(reference)
    for panels in _PANELS[1:]:
        if expected is not None and (np.abs(log - expected) < _EXACT + lost).all():
            break
        before = log
        log, flat = chunk._nodes(*stretch.nodes(panels), eta, reference)
        log = np.log(log)
        if expected is None and (np.abs(log - before) < _EXACT + lost).all():
            break
    return log, flat


def _table(chunk: Any, start: Any, side: int, eta: Any, log_mass: Any) -> np.ndarray:
    """Means over many tails of one distribution, each found once, in groups that lie together."""
    first, where = np.unique(start, return_index=True)
    mass = log_mass[where]
    # Inside a group neither the table is long for its tails nor do its sums underflow.
    place = np.floor((first - first[0]) / _TABLE)
    apart = np.diff(place) + np.abs(np.diff(np.floor(mass / _RANGE))) + (np.diff(first) > _GAP)
    parts = np.split(np.arange(len(first)), np.flatnonzero(apart) + 1)
    out = np.empty((len(first), chunk.width))
    for part in parts:
        if len(part) > _MANY:
            out[part] = _group(chunk, first[part], side, eta, mass[part])
    alone = np.concatenate([np.arange(0), *(part for part in parts if len(part) <= _MANY)])
    for part in np.array_split(alone, -(-len(alone) // _MOST_ROWS) or 1):
        out[part] = _alone(chunk, first[part], side, eta, mass[part])
    return out[np.searchsorted(first, start)]


def _group(chunk: Any, start: Any, side: int, eta: Any, log_mass: Any) -> np.ndarray:
    """Means over tails that begin in one stretch: sums from the farthest tail inwards."""
    at = -1 if side > 0 else 0
    far, reference = start[[at]], log_mass.max()
    y = far - side * np.arange(1.0, start[-1] - start[0] + 1.0)
    p = np.exp(chunk.family.log_prob(y, eta) - reference)
    beyond = np.exp(log_mass[at] - reference) * tail_sum(chunk, far, side, eta, log_mass[[at]])
    sums = np.cumsum(np.concatenate([beyond, p[:, None] * chunk._values(y, eta)]), axis=0)
    rows = np.abs(start - far[0]).astype(np.intp)
    return sums[rows] * np.exp(reference - log_mass)[:, None]

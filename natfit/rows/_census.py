"""What the first pass over pieces finds out about them: counts, weights and a sample of rows."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from natfit.rows._statistics import total_weight

#: Most rows of the sample from which starts are computed, and most numbers in it.
_MOST, _NUMBERS = 8_192, 1 << 19

#: Rows whose keys are drawn once.
_RUN = 1 << 17


@dataclass(frozen=True)
class Sample:
    """Rows with the smallest of numbers that are drawn from their positions: an even sample.

    Those of two pieces are joined by :meth:`__add__`, in which order they may come.
    """

    key: np.ndarray
    place: np.ndarray
    columns: tuple[Any, ...]
    most: int

    def __add__(self, other: Sample) -> Sample:
        """Return the sample of both pieces together."""
        key = np.concatenate([self.key, other.key])
        place = np.concatenate([self.place, other.place])
        columns = tuple(joined([a, b]) for a, b in zip(self.columns, other.columns, strict=True))
        return Sample(key, place, columns, self.most).reduced(self.most)

    def reduced(self, most: int) -> Sample:
        """Return at most so many of these rows, in the order of their places."""
        if len(self.key) <= most:
            return self
        chosen = np.sort(np.argpartition(self.key, most - 1)[:most])
        columns = tuple(None if c is None else c[chosen] for c in self.columns)
        return Sample(self.key[chosen], self.place[chosen], columns, self.most)


@dataclass(frozen=True)
class Census:
    """What is known of rows once they were read: counts and weights of pieces, and a sample."""

    counts: list[int]
    weights: list[float]
    sample: Sample | None

    def __add__(self, other: Census) -> Census:
        """Return the census of both pieces, of which these come first."""
        own = (self.sample, other.sample)
        both = own[0] or own[1]
        if own[0] is not None and own[1] is not None:
            both = own[0] + own[1]
        return Census(self.counts + other.counts, self.weights + other.weights, both)


def census_of(columns: tuple[Any, ...] | None, n: int, first: int) -> Census:
    """Return the census of the n rows of a piece; ``first`` is the place of its first row."""
    if columns is None or n == 0:
        return Census([0], [0.0], None)
    width = sum(1 if c is None or c.ndim == 1 else c.shape[1] for c in columns)
    most = max(256, min(_MOST, _NUMBERS // width))
    key, place = _drawn(first, n, most)
    chosen = place - first
    # Copies, which do not hold the piece.
    own = tuple(None if c is None else c[chosen] for c in columns)
    sample = Sample(key, place, own, most)
    return Census([n], [total_weight(columns[2], n)], sample)


def _drawn(first: int, n: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the smallest keys of n rows from a place on, at most so many, and their places.

    The key of a row depends on its place alone: 131,072 random numbers serve all runs of so many
    rows, and another number is added to each run (modulo 2^64), so that the order of the rows of a
    run is a rotation of one order.

    Returns
    -------
    key, place : ndarray
        In the order of the places.
    """
    keys, order = _one_run()
    found = []
    start = first
    while start < first + n:
        run, low = divmod(start, _RUN)
        high = min(_RUN, low + first + n - start)
        shift = mixed(np.asarray([run], dtype=np.uint64))
        rows = np.arange(low, high)
        if len(rows) == _RUN > most:
            least = np.searchsorted(keys, ~shift, side="right", sorter=order)
            rows = order[(least + np.arange(most)) % _RUN]
        found.append((keys[rows] + shift, rows + run * _RUN))
        start += high - low
    key, place = (np.concatenate(parts) for parts in zip(*found, strict=True))
    which = np.arange(len(key))
    if len(key) > most:
        which = np.argpartition(key, most - 1)[:most]
    which = which[np.argsort(place[which])]
    return key[which], place[which]


@functools.cache
def _one_run() -> tuple[np.ndarray, np.ndarray]:
    """Return random numbers of the places in a run of rows, and the places in their order."""
    keys = mixed(np.arange(_RUN, dtype=np.uint64))
    return keys, np.argsort(keys)


def mixed(x: np.ndarray) -> np.ndarray:
    """Return the splitmix64 generator's output for states x: Steele, Lea and Flood (2014)."""
    with np.errstate(over="ignore"):
        z = (x + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def joined(parts: list[Any]) -> Any:
    """Return columns of neighbouring pieces as one."""
    if parts[0] is None:
        return None
    if sparse.issparse(parts[0]):
        return sparse.csr_array(sparse.vstack(parts))
    return np.concatenate(parts)

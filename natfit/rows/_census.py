"""What the first pass over pieces finds out about them: counts, weights and a sample of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from natfit.rows._draws import drawn
from natfit.rows._statistics import total_weight
from natfit.rows._tree import plus
from natfit.rows.base import Extent, whole

#: Most rows of the sample from which starts are computed, and most numbers in it.
_MOST, _NUMBERS = 10_000, 1 << 19


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
    """What is known of rows once they were read, piece by piece, and a sample of them.

    Attributes
    ----------
    counts : list of int
        Numbers of rows.
    weights : list of float
        Their sums of weights.
    firsts : list of int
        The places that were taken to be those of the first rows.
    sample : Sample or None
        None if there are no rows.
    extent : Extent or None
        The smallest and the largest y.
    whole : bool
        Whether all y are whole numbers.
    """

    counts: list[int]
    weights: list[float]
    firsts: list[int]
    sample: Sample | None = None
    extent: Extent | None = None
    whole: bool = True

    def __add__(self, other: Census) -> Census:
        """Return the census of both pieces, of which these come first."""
        return Census(
            self.counts + other.counts,
            self.weights + other.weights,
            self.firsts + other.firsts,
            plus(self.sample, other.sample),
            plus(self.extent, other.extent),
            self.whole and other.whole,
        )

    @property
    def placed(self) -> bool:
        """Whether the places of the rows of the sample are those that they have among all rows."""
        starts = np.cumsum([0, *self.counts[:-1]])
        pairs = zip(self.counts, self.firsts, starts, strict=True)
        return all(first == start for n, first, start in pairs if n)


def census_of(columns: tuple[Any, ...] | None, n: int, first: int) -> Census:
    """Return the census of the n rows of a piece; ``first`` is the place of its first row."""
    if columns is None or n == 0:
        return Census([0], [0.0], [first])
    width = sum(1 if c is None or c.ndim == 1 else c.shape[1] for c in columns)
    most = max(256, min(_MOST, _NUMBERS // width))
    key, place = drawn(first, n, most)
    chosen = place - first
    # Copies, which do not hold the piece.
    own = tuple(None if c is None else c[chosen] for c in columns)
    sample = Sample(key, place, own, most)
    y = columns[0]
    extent = Extent(y.min(axis=0), y.max(axis=0))
    return Census([n], [total_weight(columns[2], n)], [first], sample, extent, whole(y))


def joined(parts: list[Any]) -> Any:
    """Return columns of neighbouring pieces as one."""
    if parts[0] is None:
        return None
    if sparse.issparse(parts[0]):
        return sparse.csr_array(sparse.vstack(parts))
    return np.concatenate(parts)

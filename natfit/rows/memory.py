"""Rows in this process: arrays, read-only, memory-mapped and strided ones included."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np

from natfit.rows._draws import subsample
from natfit.rows._statistics import total_weight
from natfit.rows.base import CHUNK, KEEP, Block, Part, Rows


class Memory(Rows):
    """Arrays in this process, in any order; X may be sparse, in CSR form.

    Parameters
    ----------
    y : ndarray of shape (N,) or (N, D)
        The data.
    X : ndarray or CSR array of shape (N, ...), optional
        The features that a model maps.
    weight : ndarray of shape (N,), optional
        Repetitions of each row, all positive.
    offset : ndarray of shape (N,) or (N, K), optional
        Numbers that are added to a model's eta.
    extra : tuple of ndarray of shape (N,)
        Further columns, as :meth:`joined` adds them.
    chunk : int, optional
        Rows per chunk; by default 16,384.
    """

    #: This kind is asked last: it takes all data that no other kind takes.
    order = 100

    def __init__(
        self,
        y: Any,
        X: Any = None,
        weight: np.ndarray | None = None,
        offset: np.ndarray | None = None,
        extra: tuple[Any, ...] = (),
        chunk: int | None = None,
    ):
        self.y = y
        self.X = X
        self.weight = weight
        self.offset = offset
        self.extra = extra
        self.chunk = chunk

    @classmethod
    def accepts(cls, y: Any, X: Any, n_jobs: int | None) -> bool:
        """Return True: arrays of any kind are accepted."""
        return True

    @classmethod
    def of(
        cls,
        y: Any,
        X: Any = None,
        weight: Any = None,
        offset: Any = None,
        n_jobs: int | None = None,
    ) -> Memory:
        """Return the rows of arrays, without those of weight zero."""
        return cls(*weighted(y, X, weight, offset))

    @classmethod
    def examples(cls) -> list[Memory]:
        """Return a few rows with X, weights and offsets."""
        return [cls(*example())]

    def __getstate__(self) -> dict[str, Any]:
        """Return the arrays and options to pickle, without what passes have left."""
        return self.get_params(deep=False)

    @property
    def n(self) -> int:
        """Number of rows N."""
        return len(self.y)

    @property
    def total(self) -> float:
        """Sum W of the weights; N without weights."""
        return total_weight(self.weight, len(self.y))

    @property
    def n_features(self) -> int:
        """Number of columns D of X; 0 without X."""
        return 0 if self.X is None else self.X.shape[1]

    @cached_property
    def _kept(self) -> dict[tuple[int, int], dict[str, Any]] | None:
        """What passes have left with each chunk, if the rows, or their chunks, are few."""
        return {} if self.n <= KEEP // CHUNK * max(CHUNK, self.chunk_size) else None

    @cached_property
    def _alone(self) -> Block | None:
        """All rows as one block if they are one chunk, else None."""
        return self.block(0, self.n) if self.n <= self.chunk_size else None

    def block(self, start: int, stop: int) -> Block:
        """Return the rows from ``start`` to ``stop``, with what passes have left there."""
        cut = slice(start, stop)
        alone = stop - start == self.n <= self.chunk_size

        def part(array: Any) -> Any:
            if array is None or alone:
                # A single chunk is not copied.
                return array
            if not isinstance(array, np.ndarray):
                return self._sparse_rows(array, start, stop)
            # Blocks of equal layout give the same bits wherever the rows came from.
            return np.ascontiguousarray(array[cut])

        return Block(
            part(self.y),
            part(self.X),
            part(self.weight),
            part(self.offset),
            start,
            tuple(part(a) for a in self.extra),
            None if self._kept is None else self._kept.setdefault((start, stop), {}),
        )

    def _sparse_rows(self, X: Any, start: int, stop: int) -> Any:
        """Return some rows of a CSR array; they are kept, and their numbers are not copied."""
        if X.format != "csr":
            return X[start:stop]
        kept = self.__dict__.setdefault("_sparse", {})
        if (start, stop) not in kept:
            first, last = X.indptr[start], X.indptr[stop]
            ends = X.indptr[start : stop + 1] - first
            parts = (X.data[first:last], X.indices[first:last], ends)
            kept[start, stop] = type(X)(parts, shape=(stop - start, X.shape[1]), copy=False)
        return kept[start, stop]

    def _values(self, part: Part, args: tuple[Any, ...], size: int) -> Iterator[tuple[int, Any]]:
        for start in range(0, self.n, size):
            yield start, part(self.block(start, min(start + size, self.n)), *args)

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of one y: () or (D,)."""
        return tuple(np.shape(self.y)[1:])

    def few(self, most: int = 256) -> Block:
        """Return at most ``most`` rows, spread over all of them."""
        rows = subsample(self.n, most)
        columns = (self.y, self.X, self.weight, self.offset)
        y, X, weight, offset = (None if a is None else a[rows] for a in columns)
        return Block(y, X, weight, offset, 0)

    def holding(self, y: Any, X: Any = None, weight: Any = None, offset: Any = None) -> Memory:
        """Return rows of the same kind and options that hold other arrays."""
        columns = {"y": y, "X": X, "weight": weight, "offset": offset}
        return type(self)(**{**self.get_params(deep=False), **columns, "extra": ()})

    def take(self, index: np.ndarray) -> Memory:
        """Return some rows by their indices, in C order."""
        columns = (self.y, self.X, self.weight, self.offset)
        return self.holding(*(None if a is None else _taken(a, index) for a in columns))

    def batches(self, size: int, rng: np.random.Generator) -> Iterator[Rows]:
        """Yield the rows of batches, in this process also where several share the rows."""
        here = Memory(self.y, self.X, self.weight, self.offset, chunk=self.chunk)
        yield from Rows.batches(here, size, rng)

    def joined(self, *columns: np.ndarray) -> Memory:
        """Return the same rows with further columns (N,) each."""
        more = self._with(extra=(*self.extra, *columns))
        # What passes have left with the rows remains valid.
        more.__dict__["_kept"] = self._kept
        return more

    def changed(self) -> None:
        """Note that the arrays hold other numbers: what passes have left is only memory now."""
        for kept in (self._kept or {}).values():
            found = kept.get("linearization")
            kept.clear()
            if found is not None:
                kept["linearization"] = found[0], None, found[2]

    def cut(self, chunk: int | None) -> Memory:
        """Return the same rows in chunks of another size."""
        return self._with(chunk=chunk)

    def _with(self, **changes: Any) -> Any:
        return type(self)(**{**self.get_params(deep=False), **changes})


def _taken(array: Any, index: np.ndarray) -> Any:
    """Return rows of an array of any layout in C order, or those of a sparse one."""
    if not isinstance(array, np.ndarray):
        return array[index]
    return np.ascontiguousarray(array[index])


def weighted(y: Any, X: Any, weight: Any, offset: Any) -> tuple[Any, Any, Any, Any]:
    """Return the columns without the rows of weight zero."""
    if weight is None or weight.all():
        return y, X, weight, offset
    kept = weight > 0
    y, X, weight, offset = (None if a is None else a[kept] for a in (y, X, weight, offset))
    return y, X, weight, offset


def example() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return y, X, weight and offset of a few rows."""
    rng = np.random.default_rng(0)
    n = 2_500
    return (
        rng.standard_normal(n),
        rng.standard_normal((n, 2)),
        rng.integers(1, 4, n).astype(np.float64),
        rng.standard_normal(n),
    )

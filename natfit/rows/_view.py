"""Some of the rows, or rows seen as another y: computed block by block in every pass."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from natfit.rows.base import Block, Part, Rows

_KEYS = itertools.count()


class View(Rows):
    """Rows of which some are left out, or whose y is a function of their block.

    Made by :func:`rows_where` and :func:`rows_as`. A block without rows is left out of sums and
    maps; :meth:`first` counts as the rows behind do.

    Parameters
    ----------
    rows : Rows
        What is behind.
    keep : callable or None
        ``keep(block, *args)`` tells which rows of a block are seen, (n,) bool; None is all.
    value : callable or None
        ``value(block, *args)`` is the y of a block of seen rows; None is their own.
    args : tuple
        What else both take; no data.
    """

    def __init__(self, rows: Rows, keep: Part | None, value: Part | None, args: tuple[Any, ...]):
        self.rows = rows
        self.keep = keep
        self.value = value
        self.args = args
        self.chunk = rows.chunk
        self._key = next(_KEYS)

    @property
    def _sight(self) -> tuple[Any, ...]:
        """What travels in place of the view."""
        return self._key, self.keep, self.value, self.args

    @property
    def _size(self) -> tuple[int, float]:
        """N and W."""
        if self.keep is None:
            return self.rows.n, self.rows.total
        found: tuple[int, float] | None = self.__dict__.get("_counted")
        if found is None:
            found = self.rows.sum(_through, self._sight, _size_part, ()) or (0, 0.0)
            self.__dict__["_counted"] = found
        return found

    @property
    def n(self) -> int:
        """Number of rows N that are seen."""
        return self._size[0]

    @property
    def total(self) -> float:
        """Sum of their weights W; N without weights."""
        return self._size[1]

    @property
    def n_features(self) -> int:
        """Columns of X, D; 0 without X."""
        return self.rows.n_features

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of one y as it is seen."""
        return tuple(np.shape(self.few(1).y)[1:])

    def few(self, most: int = 256) -> Block:
        """Those of a few rows that are seen; where none of these is, those of all rows."""
        for some in (self.rows.few(most), self.rows.few(self.rows.n)):
            block = _seen(some, self._sight)
            if block is not None:
                break
        else:
            raise ValueError("few must have rows to choose from, got a view without rows")
        return block

    def block(self, start: int, stop: int) -> Block:
        """Return what is seen of the rows behind from ``start`` to ``stop``."""
        block = _seen(self.rows.block(start, stop), self._sight)
        if block is None:
            raise ValueError(f"rows {start} to {stop} must be seen for a block of them, got none")
        return block

    def cut(self, chunk: int | None) -> View:
        """Return the same view of rows in chunks of another size."""
        return View(self.rows.cut(chunk), self.keep, self.value, self.args)

    def sum(self, part: Part, *args: Any, wide: bool = False) -> Any:
        """Sum a part over the rows that are seen; None where there are none."""
        return self.rows.sum(_through, self._sight, part, args, wide=wide)

    def map(self, part: Part, *args: Any) -> np.ndarray:
        """Row values of the rows that are seen."""
        found = self.rows.sum(_listed, self._sight, part, args)
        return np.empty(0) if found is None else np.concatenate(found)

    def first(self, bad: Part, *args: Any) -> int | None:
        """Index, among the rows behind, of the first that is seen and bad, or None."""
        return self.rows.first(_bad, self._sight, bad, args)

    def _values(self, part: Part, args: tuple[Any, ...], size: int) -> Iterator[tuple[int, Any]]:
        raise NotImplementedError("a view's passes are those of the rows behind")


def rows_where(rows: Rows, keep: Part, *args: Any) -> Rows:
    """The rows for which ``keep(block, *args)``, (n,) bool, holds."""
    return View(rows, keep, None, args)


def rows_as(rows: Rows, value: Part, *args: Any) -> Rows:
    """The same rows with another y: what ``value(block, *args)`` returns."""
    return View(rows, None, value, args)


def _mask(block: Block, sight: tuple[Any, ...]) -> np.ndarray | None:
    """Which rows of a block are seen; None where all are."""
    _, keep, _, args = sight
    if keep is None:
        return None
    mask = np.asarray(keep(block, *args))
    return None if mask.all() else mask


def _seen(block: Block, sight: tuple[Any, ...]) -> Block | None:
    """The block as it is seen; None without rows. It is kept where the block is."""
    key, _, value, args = sight
    if block.kept is not None and block.kept.get("view", (None,))[0] == key:
        return block.kept["view"][1]
    mask = _mask(block, sight)
    found: Block | None = replace(block, kept=None if block.kept is None else {})
    if mask is not None:
        found = _some(block, mask) if mask.any() else None
    if found is not None and value is not None:
        found = replace(found, y=value(found, *args))
    if block.kept is not None:
        block.kept["view"] = key, found
    return found


def _some(block: Block, mask: np.ndarray) -> Block:
    columns = (block.y, block.X, block.weight, block.offset)
    y, X, weight, offset = (None if a is None else a[mask] for a in columns)
    kept: dict[str, Any] | None = None if block.kept is None else {}
    return Block(y, X, weight, offset, block.start, tuple(a[mask] for a in block.extra), kept)


def _through(block: Block, sight: tuple[Any, ...], part: Part, args: tuple[Any, ...]) -> Any:
    """A part's share of the block as it is seen."""
    seen = _seen(block, sight)
    return None if seen is None else part(seen, *args)


def _listed(
    block: Block, sight: tuple[Any, ...], part: Part, args: tuple[Any, ...]
) -> list[np.ndarray] | None:
    value = _through(block, sight, part, args)
    return None if value is None else [np.asarray(value)]


def _bad(block: Block, sight: tuple[Any, ...], bad: Part, args: tuple[Any, ...]) -> np.ndarray:
    """Which rows of the block are seen and bad."""
    mask, found = _mask(block, sight), _through(block, sight, bad, args)
    if mask is None:
        return np.zeros(block.n, dtype=bool) if found is None else np.asarray(found)
    out = np.zeros(block.n, dtype=bool)
    if found is not None:
        out[mask] = found
    return out


def _size_part(block: Block) -> tuple[int, float]:
    return block.n, float(block.n) if block.weight is None else float(block.weight.sum())

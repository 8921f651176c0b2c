"""Views of rows: some of them, or rows with another y, computed block by block in every pass."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from natfit.rows._statistics import total_weight
from natfit.rows.base import Block, Part, Rows

_KEYS = itertools.count()


class View(Rows):
    """Rows of which some are left out, or whose y is computed from their block.

    Views are made by :func:`rows_where` and :func:`rows_as`. The rows from which they are made are
    called the underlying rows; a view has their y and weights, but neither X nor offsets. A block
    in which the view has no rows is left out of sums and maps. :meth:`first` returns an index
    among the underlying rows.

    Parameters
    ----------
    rows : Rows
        The underlying rows.
    keep : callable or None
        ``keep(block, *args)`` tells which rows of a block are in the view, (n,) bool; None keeps
        all.
    value : callable or None
        ``value(block, *args)`` returns the y of a block of the view; None keeps their own y.
    args : tuple
        Further arguments of both functions, which must not hold data.
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
        """What is sent to where the rows are, in place of the view."""
        return self._key, self.keep, self.value, self.args

    @property
    def _size(self) -> tuple[int, float]:
        """N and W of the view."""
        if self.keep is None:
            return self.rows.n, self.rows.total
        found: tuple[int, float] | None = self.__dict__.get("_counted")
        if found is None:
            found = self.rows.sum(_through, self._sight, _size_part, ()) or (0, 0.0)
            self.__dict__["_counted"] = found
        return found

    @property
    def costly(self) -> bool:  # type: ignore[override]  # the underlying rows decide
        """Whether a pass over the underlying rows costs far more than a few operations a row."""
        return self.rows.costly

    def each(self, call: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        """Return ``call(item)`` for each item, in order, as the underlying rows do."""
        return self.rows.each(call, items)

    @property
    def n(self) -> int:
        """Number of rows N in the view."""
        return self._size[0]

    @property
    def total(self) -> float:
        """Sum W of the weights of these rows; N without weights."""
        return self._size[1]

    @property
    def n_features(self) -> int:
        """Number of columns of X, which a view has not: 0."""
        return 0

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of one y in the view."""
        return tuple(np.shape(self.few(1).y)[1:])

    def few(self, most: int = 256) -> Block:
        """Return those of a few underlying rows that are in the view; if none is, those of all."""
        for n in (most, self.rows.n):
            block = _seen(self.rows.few(n), self._sight)
            if block is not None:
                break
        else:
            raise ValueError("few must have rows to choose from, got a view without rows")
        return block

    def block(self, start: int, stop: int) -> Block:
        """Return the rows of the view among the underlying rows from ``start`` to ``stop``."""
        block = _seen(self.rows.block(start, stop), self._sight)
        if block is None:
            raise ValueError(f"rows {start} to {stop} must contain a row of the view, got none")
        return block

    def cut(self, chunk: int | None) -> View:
        """Return the same view of rows in chunks of another size."""
        return View(self.rows.cut(chunk), self.keep, self.value, self.args)

    def sum(self, part: Part, *args: Any, wide: bool = False) -> Any:
        """Return the sum of a part over the rows of the view; None if there are none."""
        return self.rows.sum(_through, self._sight, part, args, wide=wide)

    def map(self, part: Part, *args: Any) -> np.ndarray:
        """Return the row values of a part for the rows of the view."""
        found = self.rows.sum(_listed, self._sight, part, args)
        return np.empty(0) if found is None else np.concatenate(found)

    def first(self, bad: Part, *args: Any) -> int | None:
        """Return the index, among the underlying rows, of the view's first bad row, or None."""
        return self.rows.first(_bad, self._sight, bad, args)

    def _values(self, part: Part, args: tuple[Any, ...], size: int) -> Iterator[tuple[int, Any]]:
        raise NotImplementedError("a view uses the passes of its underlying rows")


def rows_where(rows: Rows, keep: Part, *args: Any) -> Rows:
    """Return a view of the rows for which ``keep(block, *args)``, (n,) bool, is True."""
    return View(rows, keep, None, args)


def rows_as(rows: Rows, value: Part, *args: Any) -> Rows:
    """Return a view of the same rows with another y, which ``value(block, *args)`` returns."""
    return View(rows, None, value, args)


def _mask(block: Block, sight: tuple[Any, ...]) -> np.ndarray | None:
    """Return which rows of a block are in the view, (n,) bool; None if all are."""
    _, keep, _, args = sight
    if keep is None:
        return None
    mask = np.asarray(keep(block, *args))
    return None if mask.all() else mask


def _seen(block: Block, sight: tuple[Any, ...]) -> Block | None:
    """Return the block of the view, None without rows; it is kept with the underlying block."""
    key, _, value, args = sight
    if block.kept is not None and block.kept.get("view", (None,))[0] == key:
        return block.kept["view"][1]
    mask = _mask(block, sight)
    # Views are of y: X and its offsets would be copied for nothing.
    bare = replace(block, X=None, offset=None, kept=None if block.kept is None else {})
    found: Block | None = bare
    if mask is not None:
        found = _some(bare, mask) if mask.any() else None
    if found is not None and value is not None:
        found = replace(found, y=value(found, *args))
    if block.kept is not None:
        block.kept["view"] = key, found
    return found


def _some(block: Block, mask: np.ndarray) -> Block:
    weight = None if block.weight is None else block.weight[mask]
    kept: dict[str, Any] | None = None if block.kept is None else {}
    extra = tuple(a[mask] for a in block.extra)
    return Block(block.y[mask], None, weight, None, block.start, extra, kept)


def _through(block: Block, sight: tuple[Any, ...], part: Part, args: tuple[Any, ...]) -> Any:
    """Return what a part computes for the block of the view."""
    seen = _seen(block, sight)
    return None if seen is None else part(seen, *args)


def _listed(
    block: Block, sight: tuple[Any, ...], part: Part, args: tuple[Any, ...]
) -> list[np.ndarray] | None:
    value = _through(block, sight, part, args)
    return None if value is None else [np.asarray(value)]


def _bad(block: Block, sight: tuple[Any, ...], bad: Part, args: tuple[Any, ...]) -> np.ndarray:
    """Return which rows of the block are in the view and bad, (n,) bool."""
    mask, found = _mask(block, sight), _through(block, sight, bad, args)
    if mask is None:
        return np.zeros(block.n, dtype=bool) if found is None else np.asarray(found)
    out = np.zeros(block.n, dtype=bool)
    if found is not None:
        out[mask] = found
    return out


def _size_part(block: Block) -> tuple[int, float]:
    return block.n, total_weight(block.weight, block.n)

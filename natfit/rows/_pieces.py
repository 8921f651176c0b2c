"""Rows that arrive in pieces: partitions of a cluster, batches of a file.

A *source* knows where the pieces are, and brings a function to them. What a piece holds of its rows
is read anew at every pass by a function ``read(given) -> (y, X, weight, offset)``, unless the kind
of rows keeps what was read. The sum over a piece is that of its chunks, by the tree of
:mod:`natfit.rows.base`; the sums of pieces are added by the same tree, by position.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

import numpy as np

from natfit.numerics.threads import one_thread
from natfit.rows._census import Census, census_of, joined
from natfit.rows._draws import mixed, subsample
from natfit.rows._source import Given, Read, Source
from natfit.rows._tree import FAN_IN, Tree, plus
from natfit.rows.base import Block, Part, Rows
from natfit.rows.memory import Memory, example, weighted

#: Most rows that are fetched to this process.
_FETCHED = 1 << 17


class Pieces(Rows):
    """Base of kinds of rows whose source brings passes to pieces.

    Parameters
    ----------
    source : Source
        Where the pieces are.
    read : callable
        ``read(given)`` returns the columns (y, X, weight, offset) of a piece.
    extra : tuple of ndarray of shape (N,)
        Further columns, which are sent to the pieces.
    chunk : int, optional
        Rows per chunk.
    """

    #: Rows in pieces are made from sources, and not by :func:`natfit.rows.rows_of`.
    order = 200
    #: A pass costs more than its arithmetic.
    costly: ClassVar[bool] = True

    def __init__(
        self,
        source: Source,
        read: Read,
        extra: tuple[np.ndarray, ...] = (),
        chunk: int | None = None,
    ):
        self.source = source
        self.read = read
        self.extra = extra
        self.chunk = chunk

    @property
    def notes(self) -> list[str]:
        """What befell the pieces and did not change results, in sentences."""
        return self.source.notes

    @classmethod
    def accepts(cls, y: Any, X: Any, n_jobs: int | None) -> bool:
        """Return False: arrays are rows of other kinds."""
        return False

    @classmethod
    def over(cls, y: Any, X: Any, weight: Any, offset: Any, chunk: int | None = None) -> Pieces:
        """Return rows of this kind that hold arrays, in pieces of eight chunks."""
        raise NotImplementedError

    @classmethod
    def of(
        cls,
        y: Any,
        X: Any = None,
        weight: Any = None,
        offset: Any = None,
        n_jobs: int | None = None,
    ) -> Pieces:
        """Return the rows of arrays, without those of weight zero."""
        return cls.over(*weighted(y, X, weight, offset))

    @classmethod
    def examples(cls) -> list[Any]:
        """Return a few rows with X, weights and offsets; none of the base itself."""
        return [] if cls is Pieces else [cls.over(*example())]

    def holding(self, y: Any, X: Any = None, weight: Any = None, offset: Any = None) -> Pieces:
        """Return rows of the same kind that hold arrays."""
        return type(self).over(y, X, weight, offset, self.chunk)

    # ---------------------------------------------------------------------------- the census

    @property
    def _census(self) -> Census:
        """Counts and weights of the pieces and a sample of their rows, from the first pass."""
        if self.__dict__.get("_counted") is None:
            # Further columns are sent to pieces whose rows are counted.
            plain = self._with(extra=()) if self.extra else self
            plain._pass(_nothing, (), 1)
            self.__dict__["_counted"] = plain.__dict__["_counted"]
        census: Census = self.__dict__["_counted"]
        return census

    @property
    def counts(self) -> list[int]:
        """Number of rows of each piece."""
        return self._census.counts

    @property
    def n(self) -> int:
        """Number of rows N."""
        return sum(self.counts)

    @property
    def total(self) -> float:
        """Sum W of the weights; N without weights."""
        return float(sum(self._census.weights))

    @property
    def _first(self) -> Block:
        """The first rows of the first piece that has some."""
        found: Block | None = self.__dict__.get("_head")
        if found is None:
            if self.__dict__.get("_counted") is not None and self._census.sample is not None:
                found = Block(*self._census.sample.columns)
            else:
                found = Block(*self.read(self.source.head()))
                if not found.n:
                    # None of the first rows has a weight.
                    return self.few()
            self.__dict__["_head"] = found
        return found

    @property
    def n_features(self) -> int:
        """Number of columns D of X; 0 without X."""
        return 0 if self._first.X is None else int(self._first.X.shape[1])

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of one y: () or (D,)."""
        return tuple(self._first.y.shape[1:])

    def few(self, most: int = 256) -> Block:
        """Return at most ``most`` rows, those that rows in memory give.

        They are of the sample of the first pass, unless they are too many for it, or it was not
        known then at which places the rows of each piece are: then a pass fetches them, 131,072 of
        them at most.

        Returns
        -------
        Block
        """
        census = self._census
        sample = census.sample
        assert sample is not None  # or the first pass would have raised
        held, most = len(sample.key), min(most, _FETCHED)
        if census.placed and (most <= held or held == self.n):
            return Block(*sample.reduced(most).columns)
        fetched: dict[int, Block] = self.__dict__.setdefault("_fetched", {})
        if most not in fetched:
            chosen = subsample(self.n, most)
            places = np.arange(self.n) if isinstance(chosen, slice) else chosen
            fetched[most] = self._fetch(places)
        return fetched[most]

    def _fetch(self, places: np.ndarray) -> Block:
        """Return the rows at some places, which are in order, by a pass."""
        ends = np.cumsum([0, *self.counts])
        cuts = np.searchsorted(places, ends)
        own = [
            (places[a:b] - start,)
            for a, b, start in zip(cuts[:-1], cuts[1:], ends[:-1], strict=True)
        ]
        parts = self.source.each(partial(_rows_at, self.read), own)
        found = [part for part in parts if part is not None]
        return Block(*(joined([part[k] for part in found]) for k in range(4)))

    def extent(self) -> tuple[Any, Any]:
        """Return the smallest and the largest y of each column, from the first pass."""
        found = self._census.extent
        assert found is not None
        return found.low, found.high

    def whole(self) -> bool:
        """Tell whether all y are whole numbers, from the first pass."""
        return self._census.whole

    def glance(self) -> Block:
        """Return the first rows."""
        return self._first

    def block(self, start: int, stop: int) -> Block:
        """Return the rows from ``start`` to ``stop``; for a few rows only."""
        found, at = [], 0
        for index, count in enumerate(self.counts):
            first, last = max(start - at, 0), min(stop - at, count)
            if first < last:
                found.append(self.source.one(index, partial(_cut_out, self.read, first, last)))
            at += count
        y, X, weight, offset = (joined([c[k] for c in found]) for k in range(4))
        return Block(y, X, weight, offset, start, tuple(a[start:stop] for a in self.extra))

    def joined(self, *columns: np.ndarray) -> Pieces:
        """Return the same rows with further columns (N,) each."""
        return self._with(extra=(*self.extra, *columns))

    def cut(self, chunk: int | None) -> Pieces:
        """Return the same rows in chunks of another size."""
        made = self._with(chunk=chunk)
        made.source = self.source.cut(made.chunk_size)
        if made.source is not self.source:
            for name in ("_counted", "_fetched"):
                made.__dict__.pop(name, None)
        return made

    def _with(self, **changes: Any) -> Any:
        options = {"source": self.source, "read": self.read, "extra": self.extra}
        made = type(self)(**{**options, "chunk": self.chunk, **changes})
        for name in ("_counted", "_head", "_fetched"):
            if name in self.__dict__:
                made.__dict__[name] = self.__dict__[name]
        return made

    def reference(self) -> Any:
        """Where the rows are."""
        return self.source

    # ------------------------------------------------------------------------------- passes

    def _task(
        self, call: Callable[..., Any], args: tuple[Any, ...], size: int
    ) -> tuple[Callable[..., Any], list[tuple[Any, ...]]]:
        """Return what is brought to the pieces, and arguments of each; the first makes a census."""
        known: Census | None = self.__dict__.get("_counted")
        if known is None and self.extra:
            known = self._census
        stride = self.source.stride if known is None else None
        task = partial(in_piece, self.read, np.geterr(), call, args, size, self.chunk_size, stride)
        counts = self.source.sizes() if known is None else known.counts
        if counts is None:
            return task, []
        ends = np.cumsum([0, *counts]).tolist()
        return task, [
            (a, tuple(e[a:b] for e in self.extra)) for a, b in zip(ends[:-1], ends[1:], strict=True)
        ]

    def _pass(self, call: Callable[..., Any], args: tuple[Any, ...], size: int) -> list[Any]:
        """Return what a call finds in each piece, in order; None where there are no rows."""
        task, arguments = self._task(call, args, size)
        found = list(self.source.each(task, arguments))
        tree = Tree()
        for one in found:
            tree.add(_Found(one.census, None))
        self._note(tree.total())
        return [one.value for one in found]

    def _note(self, found: _Found | None) -> None:
        """Keep the census of the first pass."""
        if self.__dict__.get("_counted") is None:
            census = None if found is None else found.census
            if census is None or not any(census.counts):
                raise ValueError("X must have rows of positive weight, got none in any piece")
            self.__dict__["_counted"] = census

    def sum(self, part: Part, *args: Any, wide: bool = False) -> Any:
        """Return the sum of a part over all rows, of pieces by position."""
        size = self.chunk_size * (FAN_IN if wide else 1)
        task, arguments = self._task(_sum_of, (part, args), size)
        found = self.source.total(task, arguments)
        self._note(found)
        return None if found is None else found.value

    def map(self, part: Part, *args: Any) -> np.ndarray:
        """Return row values (N,) or (N, ...) of a part that returns those of its block."""
        # Blocks know the places of their rows once these are counted.
        _ = self._census
        found = [v for v in self._pass(_map_of, (part, args), self.chunk_size) if v is not None]
        return np.concatenate(found) if found else np.empty(0)

    def first(self, bad: Part, *args: Any) -> int | None:
        """Return the index of the first row for which ``bad(block, *args)``, (n,) bool, is True."""
        at = 0
        found = list(self._pass(_first_of, (bad, args), self.chunk_size))
        for count, where in zip(self.counts, found, strict=True):
            if where is not None:
                return at + int(where)
            at += count
        return None

    def batches(self, size: int, rng: np.random.Generator) -> Iterator[Rows]:
        """Yield rows (n,) in this process: piece by piece, those of a piece in random order.

        Parameters
        ----------
        size : int
            About the number n of rows of a batch.
        rng : numpy.random.Generator
            The generator, on which alone the order depends.

        Yields
        ------
        Rows
            The rows of one batch.
        """
        for columns in self.source.each(partial(_columns_of, self.read)):
            if columns is not None:
                yield from Memory(*columns).batches(size, rng)

    def held_out(
        self, most: int, rng: np.random.Generator, stratify: bool = False
    ) -> tuple[Rows, Rows]:
        """Return the rows that remain and about ``most`` rows that are set apart, by their places.

        Parameters
        ----------
        most : int
            About how many rows are set apart.
        rng : numpy.random.Generator
            The generator, on which alone the choice depends.
        stratify : bool
            Ignored: places have their shares of all classes if the rows are many.

        Returns
        -------
        kept, held : Rows

        Raises
        ------
        ValueError
            If no row is set apart, or none remains.
        """
        share, salt = most / self.n, int(rng.integers(2**32))
        kept, held = (
            self.source.rows(partial(_apart, self.read, share, salt, which))
            for which in (False, True)
        )
        if not (held.n and kept.n):
            raise ValueError(
                f"early_stopping holds out about {most} of {self.n} rows, of which none is left; "
                "give more rows in a piece, or another validation_fraction"
            )
        return kept, held

    def place(self, row: int) -> tuple[int, int]:
        """Return the index of the piece of a row, and its place in the piece."""
        ends = np.cumsum(self.counts)
        index = int(np.searchsorted(ends, row, side="right"))
        return index, row - int(ends[index - 1] if index else 0)


class _Piece(Memory):
    """The columns of a piece; its blocks know the place of their first row among all rows."""

    def __init__(self, columns: tuple[Any, ...], extra: Any, chunk: int, first: int):
        y, X, weight, offset = columns
        super().__init__(y, X, weight, offset, extra, chunk)
        self.at = first
        # Nothing that a pass leaves is kept.
        self.__dict__["_kept"] = None
        self.__dict__["_alone"] = None

    def block(self, start: int, stop: int) -> Block:
        return replace(super().block(start, stop), start=self.at + start)


@dataclass(frozen=True)
class _Found:
    """What a pass finds in neighbouring pieces, and their census in the first pass."""

    census: Census | None
    value: Any

    def __add__(self, other: _Found) -> _Found:
        return _Found(plus(self.census, other.census), plus(self.value, other.value))


def in_piece(
    read: Read,
    errors: Any,
    call: Callable[..., Any],
    args: tuple[Any, ...],
    size: int,
    chunk: int,
    stride: int | None,
    index: int,
    given: Given | None,
    first: int | None = None,
    extra: tuple[np.ndarray, ...] = (),
) -> _Found:
    """Return what a call finds in a piece, and its census if rows are counted.

    Parameters
    ----------
    read : callable
        What reads the columns.
    errors : dict
        How numpy treats errors.
    call : callable
        ``call(piece, size, *args)``, which is not made for a piece without rows.
    args : tuple
        Its arguments.
    size, chunk : int
        Rows per leaf of the sum, and per chunk.
    stride : int or None
        How far apart the first rows of two pieces are taken to be in the first pass, which counts
        rows; None in later ones.
    index : int
        The number of the piece.
    given : Given or None
        What the piece holds; None if it has no rows.
    first : int or None
        The place of its first row among all rows, None if it is not known yet.
    extra : tuple of ndarray
        The rows of further columns.

    Returns
    -------
    _Found
        Its value is None for a piece without rows.
    """
    columns = None if given is None else read(given)
    n = 0 if columns is None else len(columns[0])
    census = None
    if stride is not None:
        census = census_of(columns, n, index * stride if first is None else first)
    if columns is None or n == 0:
        return _Found(census, None)
    with one_thread(), np.errstate(**errors):
        return _Found(census, call(_Piece(columns, extra, chunk, first or 0), size, *args))


def _columns_of(read: Read, index: int, given: Given | None) -> tuple[Any, ...] | None:
    """Return the columns of a piece, None if it has no rows."""
    columns = None if given is None else read(given)
    return columns if columns is not None and len(columns[0]) else None


def _apart(read: Read, share: float, salt: int, held: bool, given: Given) -> tuple[Any, ...]:
    """Return the rows of a piece that are set apart by their places, or those that are not."""
    columns = read(given)
    places = np.arange(len(columns[0]), dtype=np.uint64) + np.uint64(salt)
    rows = np.flatnonzero((mixed(places) < np.uint64(share * 2.0**64)) == held)
    return tuple(None if c is None else c[rows] for c in columns)


def _nothing(piece: Memory, size: int) -> None:
    return None


def _sum_of(piece: Memory, size: int, part: Part, args: tuple[Any, ...]) -> Any:
    tree = Tree()
    for _, value in piece._values(part, args, size):
        tree.add(value)
    return tree.total()


def _map_of(piece: Memory, size: int, part: Part, args: tuple[Any, ...]) -> np.ndarray:
    return np.concatenate([np.asarray(v) for _, v in piece._values(part, args, size)])


def _first_of(piece: Memory, size: int, bad: Part, args: tuple[Any, ...]) -> int | None:
    for start, mask in piece._values(bad, args, size):
        if np.any(mask):
            return int(start) + int(np.argmax(mask))
    return None


def _rows_at(
    read: Read, index: int, given: Given | None, rows: np.ndarray
) -> tuple[Any, ...] | None:
    """Return some rows of each column of a piece, None if none are asked for."""
    if given is None or not len(rows):
        return None
    return tuple(None if c is None else c[rows] for c in read(given))


def _cut_out(read: Read, first: int, last: int, index: int, given: Given) -> tuple[Any, ...]:
    """Return some rows of each column of a piece."""
    return tuple(None if c is None else c[first:last] for c in read(given))

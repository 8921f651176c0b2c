"""The container of rows in files and other places that are read batch by batch."""

from __future__ import annotations

import copy
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from natfit._numbers import is_frame, is_series
from natfit._validation import answers_keywords, check_number
from natfit.rows._ahead import ahead
from natfit.rows._batches import NAMES, Agreement, Layout, Piece, n_rows, pieces_of
from natfit.rows._naming import named
from natfit.rows._readers import ONCE, Arrays, reader_of
from natfit.rows._sameness import Passes, refuse
from natfit.rows._source import Given, Read, Source
from natfit.rows._tree import FAN_IN
from natfit.rows.base import CHUNK

if TYPE_CHECKING:
    from natfit.rows.stream import Streamed

#: Number of pieces that are in memory at a time: two wait, one is read and one is used.
_AT_A_TIME = 4


class Stream(Source):
    """Rows in a file or another place that can be read again, batch by batch.

    Estimators take it as X; y and the other arguments of ``fit`` come with it. Every pass over the
    rows reads them once, in a thread that is a few batches ahead, so that memory does not depend on
    the number of rows. Batches are cut and joined to pieces of 131,072 rows: results are those of
    the rows in memory, whatever the sizes of the batches.

    Parameters
    ----------
    data : path, pyarrow dataset, polars LazyFrame, ndarray or callable
        A Parquet file or a folder of such files; a dataset of ``pyarrow.dataset``; a query of
        polars; an array (N, D), such as a ``numpy.memmap``; or a callable without arguments that
        returns a fresh iterator of batches: arrays (n, D), frames, tuples ``(X, y)`` or
        ``(X, y, sample_weight)``, or dicts with the keys X, y, sample_weight, offset, exposure.
    y, sample_weight, offset, exposure : str, list of str, callable or ndarray, optional
        A column by its name, or a function of a batch such as
        ``lambda f: natfit.Censored.right(f["time"], f["event"])``; batches of files are frames of
        pandas. Beside an array they are arrays.
    columns : str, list of str or callable, optional
        The columns of X by their names, or a function of a batch that returns X. By default all
        columns that are not named by the other arguments.
    memory : int
        Bytes that batches may take at a time. Wide rows then come in pieces of 16,384 rows, the
        least.

    Raises
    ------
    TypeError
        If ``data`` are of another kind, such as an iterator, which can be read only once.
    ValueError
        While a pass reads: if a batch has other columns than the first one, or the data have
        changed since the first pass; the message names the batch.

    Examples
    --------
    >>> import numpy as np, natfit
    >>> def batches():
    ...     rng = np.random.default_rng(0)
    ...     for _ in range(20):
    ...         yield rng.gamma(3.0, 2.0, (10_000, 1))
    >>> stream = natfit.Stream(batches)
    >>> sum(stream.lazily(lambda index, given: len(given.X)))
    200000
    """

    @answers_keywords
    def __init__(
        self,
        data: Any,
        y: Any = None,
        sample_weight: Any = None,
        offset: Any = None,
        exposure: Any = None,
        columns: Any = None,
        memory: int = 2**28,
    ):
        check_number(memory, "memory", low=1, integer=True)
        self.memory = memory
        self.chunk = CHUNK
        if isinstance(columns, str):
            columns = [columns]
        elif not (columns is None or callable(columns)):
            columns = list(columns)
        self._layout = Layout(columns, y, sample_weight, offset, exposure)
        if isinstance(data, Iterator):
            raise TypeError(
                f"data must be something that can be read again, got {type(data).__name__}; {ONCE}"
            )
        self._reader = reader_of(data, self._layout)
        if self._reader is None:
            raise TypeError(
                "data must be a path, a dataset of pyarrow, a LazyFrame of polars, an array or a "
                f"callable that returns batches, got {type(data).__name__}"
            )
        if isinstance(self._reader, Arrays):
            self._check_arrays(columns)
            self._layout = Layout()
        self._passes = Passes()
        self._head: Given | None = None

    def _check_arrays(self, columns: Any) -> None:
        if columns is not None:
            raise ValueError(
                "columns must be None for an array, which has no names; use data[:, j]"
            )
        given = self._reader.given
        for name in NAMES[1:]:
            part = getattr(given, name)
            if part is not None and np.shape(part)[:1] != given.X.shape[:1]:
                raise ValueError(
                    f"{name} must be an array of {len(given.X)} rows beside an array, got "
                    f"{part!r:.60}"
                )

    @classmethod
    def of_arrays(cls, given: Given, chunk: int, size: int) -> Stream:
        """Return a stream of arrays, in batches of a size and pieces that belong to a chunk."""
        made = cls.__new__(cls)
        made.memory, made.chunk, made._layout = 2**28, chunk, Layout()
        made._reader = Arrays(given, size)
        made._passes, made._head = Passes(), None
        return made

    def __eq__(self, other: object) -> bool:
        """Compare where the rows are, and which columns are taken."""
        if not isinstance(other, Stream):
            return NotImplemented
        mine, theirs = ((s._reader, s._layout, s.memory, s.chunk) for s in (self, other))
        return mine == theirs

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        """Return the kind of the data."""
        return f"Stream({type(self._reader).__name__.lower()})"

    @property
    def stride(self) -> int:
        """Number of rows of each piece but the last."""
        return self._size(self.head())

    def _batches(self) -> Generator[tuple[str, Given]]:
        """Yield what each batch gives, and what messages call it."""
        found = self._reader.batches()
        agreement, number, first = Agreement(), 0, 0
        while True:
            label = f"batch {number}"
            try:
                item = next(found, None)
            except Exception as error:
                raise named(error, label) from error
            if item is None:
                return
            where, batch = item
            label += f" in {where}" if where else ""
            try:
                given = agreement.made(self._layout.given(batch))
            except Exception as error:
                raise named(error, label, first) from error
            yield label, given
            number, first = number + 1, first + n_rows(given)

    def _pieces(self) -> Generator[Piece]:
        return pieces_of(self._batches(), self._size, self._reader.copied)

    def _size(self, given: Given) -> int:
        """Return the number of rows of a piece: eight chunks, or one where rows are wide."""
        parts = [getattr(given, name) for name in NAMES]
        width = sum(_bytes(part) for part in parts if part is not None)
        whole = FAN_IN * self.chunk
        return whole if width * whole * _AT_A_TIME <= self.memory else self.chunk

    def each(self, call: Callable[..., Any], arguments: Any = ()) -> Iterator[Any]:
        """Yield ``call(index, given, *own)`` of each piece, in order."""
        n = 0
        with closing(ahead(self._pieces)) as pieces:
            for index, piece in enumerate(pieces):
                if arguments and index >= len(arguments):
                    break
                self._passes.met(index, piece, self._head)
                n += piece.n
                with piece.naming():
                    found = call(index, piece.given, *(arguments[index] if arguments else ()))
                yield found
                del piece, found
            else:
                index = -1
        self._passes.ended(n, index >= 0, self._head)

    def one(self, index: int, call: Callable[..., Any]) -> Any:
        """Return ``call(index, given)`` of one piece; the rows before it are read again."""
        with closing(self._pieces()) as pieces:
            for number, piece in enumerate(pieces):
                if number == index:
                    with piece.naming():
                        return call(index, piece.given)
        raise IndexError(f"index must be that of a piece, got {index}")

    def label(self, index: int) -> str:
        """Return the rows and the batches of a piece, in words."""
        labels = self._passes.labels
        return labels[index] if index < len(labels) else f"piece {index}"

    def lazily(self, call: Callable[..., Any]) -> Iterator[Any]:
        """Return an iterator of ``call(index, given)`` of all pieces, which reads as it is used."""
        return self.each(call)

    def rows(self, read: Read) -> Streamed:
        """Return the rows of the source."""
        from natfit.rows.stream import Streamed

        return Streamed(self, read)

    def head(self) -> Given:
        """Return what was given of the first rows, at most 1,024; they are read once.

        Returns
        -------
        Given

        Raises
        ------
        ValueError
            If there are no rows.
        """
        if self._head is None:
            with closing(self._batches()) as batches:
                found = next(pieces_of(batches, lambda given: 1_024, True), None)
            if found is None and self._passes.n:
                refuse(f"{self._passes.n} rows in the first and none in a later one")
            if found is None:
                raise ValueError("data must have rows, got batches without any")
            self._head = found.given
        return self._head

    def cut(self, chunk: int) -> Stream:
        """Return the same rows in pieces that belong to chunks of a size."""
        if chunk == self.chunk:
            return self
        made = copy.copy(self)
        made.chunk, made._passes = chunk, Passes(self._passes.n)
        return made


def _bytes(part: Any) -> float:
    """Return the bytes of a row of a part of a batch."""
    if is_frame(part) or is_series(part):
        return 8.0 * np.prod(part.shape[1:])
    if sparse.issparse(part):
        # Not known before all rows are read; pieces must not depend on the first of them.
        return 0.0
    found = part if isinstance(part, np.ndarray) else part.rows
    return float(found.itemsize * np.prod(found.shape[1:]))

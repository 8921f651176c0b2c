"""Rows that are read batch by batch, ahead of their use, from where they can be read again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from natfit.rows._pieces import Pieces
from natfit.rows._readers import ONCE, is_dataset, is_query
from natfit.rows._source import Given
from natfit.rows._stream import Stream
from natfit.rows.base import CHUNK

#: Rows of a batch of arrays: not a divisor of a piece, so that batches are cut and joined.
_BATCH = 5_000


class Streamed(Pieces):
    """Rows of a :class:`natfit.Stream`, whose parts are called in this process."""

    @classmethod
    def found_in(cls, given: Any) -> Stream | None:
        """Return the stream of X, or of a path, a dataset of pyarrow or a LazyFrame of polars.

        Returns
        -------
        Stream or None

        Raises
        ------
        TypeError
            If X is an iterator, which can be read only once.
        ValueError
            If y or another argument is given beside a stream, which has its own.
        """
        X = given.X
        others = {k: v for k, v in vars(given).items() if k != "X" and v is not None}
        if isinstance(X, Stream):
            if others:
                name = next(iter(others))
                raise ValueError(
                    f"{name} must be None beside a Stream, which has its own; write "
                    f"natfit.Stream(data, {name}=...)"
                )
            return X
        if isinstance(X, Path) or is_dataset(X) or is_query(X):
            return Stream(X, **others)
        if isinstance(X, Iterator):
            raise TypeError(
                f"X must be data that can be read again, got {type(X).__name__}, an iterator; use "
                f"list(X) if its items are rows, or for batches {ONCE}"
            )
        return None

    @classmethod
    def over(cls, y: Any, X: Any, weight: Any, offset: Any, chunk: int | None = None) -> Streamed:
        """Return rows of this kind that hold arrays, in pieces of eight chunks."""
        made = cls(
            Stream.of_arrays(Given(X, y, weight, offset), CHUNK, _BATCH), _columns, (), chunk
        )
        made.source = made.source.cut(made.chunk_size)
        return made

    def reference(self) -> None:
        """Return None: parts are called in this process."""


def _columns(given: Given) -> tuple[Any, Any, Any, Any]:
    return given.y, given.X, given.sample_weight, given.offset

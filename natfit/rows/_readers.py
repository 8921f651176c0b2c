"""Batches of arrays, Arrow datasets, polars queries and callables, read anew at every pass."""

from __future__ import annotations

import importlib
import itertools
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from natfit._component import same
from natfit._extras import missing
from natfit.rows._batches import NAMES, len_of
from natfit.rows._naming import named
from natfit.rows._source import Given

#: Rows of a batch that natfit cuts itself.
BATCH = 131_072

#: A place, for messages, and a batch.
Batches = Iterator[tuple[str, Any]]


@dataclass(frozen=True, eq=False)
class Arrays:
    """Arrays (N, ...) in this process, memory-mapped ones included.

    Attributes
    ----------
    given : Given
        The arrays.
    size : int
        Rows of a batch.
    """

    given: Given
    size: int = BATCH
    #: Whether a batch may be filled again while it is used.
    copied = False

    def __eq__(self, other: object) -> bool:
        """Tell whether another reader has the same arrays."""
        return isinstance(other, Arrays) and all(
            same(getattr(self.given, name), getattr(other.given, name)) for name in NAMES
        )

    __hash__ = object.__hash__

    def batches(self) -> Batches:
        """Yield dicts of slices.

        Yields
        ------
        str, dict of ndarray
            A place for messages, and a batch.
        """
        parts = {name: getattr(self.given, name) for name in NAMES}
        parts = {name: part for name, part in parts.items() if part is not None}
        n = len_of(next(iter(parts.values())))
        for start in range(0, n, self.size):
            yield "", {name: part[start : start + self.size] for name, part in parts.items()}


@dataclass(frozen=True)
class Arrow:
    """A dataset of pyarrow: files of Parquet, Feather or CSV.

    Attributes
    ----------
    dataset : pyarrow.dataset.Dataset
        The files.
    columns : list of str or None
        The columns that are read; None for all.
    """

    dataset: Any
    columns: list[str] | None
    copied = False

    def batches(self) -> Batches:
        """Yield frames of pandas, file by file.

        Yields
        ------
        str, pandas.DataFrame
            A place for messages, and a batch.
        """
        for fragment in self.dataset.get_fragments():
            path = getattr(fragment, "path", "")
            where = f"file {os.path.basename(path)}" if path else ""
            self._refuse_absent(fragment)
            options = {"schema": self.dataset.schema, "columns": self.columns}
            arrow = sys.modules["pyarrow.dataset"]
            if isinstance(fragment, arrow.ParquetFileFragment):
                # Columns of a group of rows are read as they are used, and not held as a whole.
                scan = arrow.ParquetFragmentScanOptions(use_buffered_stream=True, pre_buffer=False)
                options["fragment_scan_options"] = scan
            # Threads of pyarrow would decode batches without an end while earlier ones are used.
            options |= {"batch_readahead": 0, "use_threads": False}
            found = fragment.to_batches(batch_size=BATCH, **options)
            while (batch := next_of(found, where)) is not None:
                yield where, batch.to_pandas()

    def _refuse_absent(self, fragment: Any) -> None:
        """Raise ValueError if a file lacks a column, which pyarrow would fill with nulls."""
        arrow = sys.modules["pyarrow.dataset"]
        own = {*fragment.physical_schema.names}
        own |= {*arrow.get_partition_keys(fragment.partition_expression)}
        needed = self.dataset.schema.names if self.columns is None else self.columns
        absent = [name for name in needed if name not in own]
        if absent:
            raise ValueError(
                f"{os.path.basename(getattr(fragment, 'path', 'a file'))} must have all columns "
                f"that are read, got {sorted(own)} without {absent[0]!r}; name columns that all "
                "files have, or leave the file out"
            )


def next_of(found: Iterator[Any], where: str) -> Any:
    """Return the next item or None; errors say where they came from."""
    try:
        return next(found, None)
    except (ValueError, OSError) as error:
        raise named(error, where) from error


@dataclass(frozen=True)
class Query:
    """A query of polars, which is run anew at every pass.

    Attributes
    ----------
    frame : polars.LazyFrame
        The query.
    """

    frame: Any
    copied = False

    def batches(self) -> Batches:
        """Yield frames of polars.

        Yields
        ------
        str, polars.DataFrame
            A place for messages, and a batch.
        """
        if hasattr(self.frame, "collect_batches"):
            found = self.frame.collect_batches(chunk_size=BATCH, maintain_order=True)
        else:
            # Older versions of polars.
            slices = (self.frame.slice(BATCH * k, BATCH).collect() for k in itertools.count())
            found = itertools.takewhile(len, slices)
        for batch in found:
            yield "", batch


class Calls:
    """A callable that returns a fresh iterator of batches at every call.

    Parameters
    ----------
    make : callable
        ``make()``.
    """

    copied = True

    def __init__(self, make: Callable[[], Iterable[Any]]):
        self.make = make
        self.last: Any = None

    def batches(self) -> Batches:
        """Yield what the iterator yields.

        Yields
        ------
        str, object
            No place, and a batch.

        Raises
        ------
        TypeError
            If no iterator is returned.
        ValueError
            If it is the one that was returned before.
        """
        found = self.make()
        if not isinstance(found, Iterable) or isinstance(found, str | bytes):
            raise TypeError(
                "a callable given to Stream must return an iterator of batches, got "
                f"{type(found).__name__}"
            )
        # What is iterated over again may give the iterator that it gave before.
        batches = iter(found)
        if batches is self.last:
            raise ValueError(
                "a callable given to Stream must return a fresh iterator at every call, got "
                f"the same {type(batches).__name__} twice; {ONCE}"
            )
        self.last = batches
        for batch in batches:
            yield "", batch


#: What to do about batches that can be read only once.
ONCE = (
    "write a function that opens the data anew, as natfit.Stream(lambda: batches_of(path)), or use "
    "partial_fit for each batch if they can be read only once"
)


def reader_of(data: Any, layout: Any) -> Any:
    """Return what reads some data, or None if they are of no kind that a stream has.

    Parameters
    ----------
    data : object
        As in :class:`natfit.Stream`.
    layout : Layout
        Which columns are read.

    Returns
    -------
    Arrays, Arrow, Query, Calls or None

    Raises
    ------
    FileNotFoundError
        If a path leads to nothing.
    """
    if isinstance(data, np.ndarray):
        return Arrays(Given(data, *(getattr(layout, name) for name in NAMES[1:])))
    if is_query(data):
        return Query(data)
    if isinstance(data, str | Path):
        if not os.path.exists(data):
            raise FileNotFoundError(f"data must be a file or a folder that exists, got {data!r}")
        data = _pyarrow().dataset(str(data))
    if is_dataset(data):
        return Arrow(data, _needed(data, layout))
    return Calls(data) if callable(data) else None


def is_query(data: Any) -> bool:
    """Tell whether data are a LazyFrame of polars."""
    polars = sys.modules.get("polars")
    return polars is not None and isinstance(data, polars.LazyFrame)


def is_dataset(data: Any) -> bool:
    """Tell whether data are a dataset of pyarrow."""
    arrow = sys.modules.get("pyarrow.dataset")
    return arrow is not None and isinstance(data, arrow.Dataset)


def _pyarrow() -> Any:
    try:
        return importlib.import_module("pyarrow.dataset")
    except ImportError:
        raise ImportError(missing("reading files", "pyarrow", "stream")) from None


def _needed(data: Any, layout: Any) -> list[str] | None:
    """Return the columns that a layout reads; None for all, which functions may need."""
    named = {"columns": layout.columns, **{name: getattr(layout, name) for name in NAMES[1:]}}
    known, names = data.schema.names, []
    for name, choice in named.items():
        if choice is not None and not callable(choice):
            own = choice if isinstance(choice, list) else [choice]
            absent = [label for label in own if label not in known]
            if absent:
                raise ValueError(f"{name} must be one of the columns {known}, got {absent[0]!r}")
            names += own
    if layout.columns is None or any(callable(choice) for choice in named.values()):
        return None
    return list(dict.fromkeys(names))

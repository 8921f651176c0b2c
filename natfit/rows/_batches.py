"""Batches of rows in the containers in which they come, and pieces of a fixed size of them."""

from __future__ import annotations

import bisect
import sys
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from scipy import sparse

from natfit._numbers import column_of, is_frame, is_series
from natfit.rows._naming import Naming
from natfit.rows._source import Given

#: What a batch may hold.
NAMES = tuple(field.name for field in fields(Given))


@dataclass(frozen=True)
class Layout:
    """Which columns of a batch are which argument: names, or functions of the batch.

    Attributes
    ----------
    columns : list of names, callable or None
        Those of X; None for all columns that are nothing else.
    y, sample_weight, offset, exposure : name, list of names, callable or None
        None for what the data do not have.
    """

    columns: Any = None
    y: Any = None
    sample_weight: Any = None
    offset: Any = None
    exposure: Any = None

    def given(self, batch: Any) -> Given:
        """Return what a batch gives: columns of a frame, or the parts of a tuple or a dict."""
        if isinstance(batch, tuple):
            if not 1 <= len(batch) <= 3:
                raise ValueError(
                    f"a batch must be (X, y) or (X, y, sample_weight), got {len(batch)} parts"
                )
            batch = dict(zip(NAMES, batch, strict=False))
        if isinstance(batch, Mapping) and ("X" in batch or "y" in batch):
            other = [name for name in batch if name not in NAMES]
            if other:
                raise ValueError(f"keys of a batch must be {list(NAMES)}, got {other[0]!r}")
            parts: dict[str, Any] = dict(batch)
        else:
            parts = {"X": batch}
        chosen = {name: getattr(self, name) for name in NAMES[1:]}
        frame = parts.get("X")
        for name, choice in chosen.items():
            if choice is not None:
                if parts.get(name) is not None:
                    raise ValueError(
                        f"{name} must be given once, got it in the batch and in Stream"
                    )
                parts[name] = _chosen(frame, choice, name)
        parts["X"] = self._features(frame, chosen.values())
        return Given(**{name: _part(part) for name, part in parts.items()})

    def _features(self, frame: Any, others: Any) -> Any:
        """Return the columns of X."""
        if self.columns is not None:
            return _chosen(frame, self.columns, "columns")
        taken = [name for name in others if isinstance(name, str)]
        taken += [name for names in others if isinstance(names, list) for name in names]
        if not taken:
            return frame
        return _chosen(frame, [name for name in frame.columns if name not in taken], "columns")


def _chosen(frame: Any, choice: Any, name: str) -> Any:
    """Return a column by its name, a table of some, or what a function makes of the batch."""
    if callable(choice):
        return choice(frame)
    if not is_frame(frame):
        raise ValueError(
            f"{name}={choice!r} must be a column of a frame, got batches of "
            f"{type(frame).__name__}; yield tuples (X, y) or dicts with the keys {list(NAMES)}"
        )
    known = list(frame.columns)
    names = choice if isinstance(choice, list) else [choice]
    absent = [label for label in names if label not in known]
    if absent:
        raise ValueError(f"{name} must be one of the columns {known}, got {absent[0]!r}")
    if isinstance(choice, list):
        return frame[choice]
    return column_of(frame, known.index(choice))


def _part(value: Any) -> Any:
    """Return a part of a batch in a form whose rows can be cut and joined."""
    if sparse.issparse(value):
        return sparse.csr_array(value)
    known = value is None or isinstance(value, np.ndarray) or is_rows(value)
    return value if known or is_frame(value) or is_series(value) else np.asarray(value)


def is_rows(value: Any) -> bool:
    """Tell whether rows are kept by a container that is made again of them, such as Censored."""
    return hasattr(value, "rows") and hasattr(type(value), "of_rows")


def cut_out(value: Any, start: int, stop: int, copied: bool) -> Any:
    """Return some rows of a part of a batch; copies where the batch may be filled again."""
    if value is None or (start == 0 and stop == len_of(value) and not copied):
        return value
    found = value.iloc[start:stop] if hasattr(value, "iloc") else value[start:stop]
    return found.copy() if copied and isinstance(found, np.ndarray) else found


def len_of(value: Any) -> int:
    """Return the number of rows of a part of a batch."""
    return int(value.shape[0])


def joined(parts: list[Any]) -> Any:
    """Return neighbouring rows of parts as one."""
    first = parts[0]
    if first is None or len(parts) == 1:
        return first
    if sparse.issparse(first):
        return sparse.csr_array(sparse.vstack(parts))
    if hasattr(first, "iloc"):
        return sys.modules["pandas"].concat(parts, ignore_index=True)
    if is_frame(first) or is_series(first):
        how = "vertical_relaxed" if is_frame(first) else "vertical"
        return sys.modules["polars"].concat(parts, how=how)
    if is_rows(first):
        return type(first).of_rows(np.concatenate([p.rows for p in parts]), first.name)
    return np.concatenate(parts)


class Agreement:
    """What all batches must have in common; the first one sets it."""

    def __init__(self) -> None:
        self.first: Given | None = None

    def made(self, given: Given) -> Given:
        """Return a batch with its columns in the order of those of the first.

        Returns
        -------
        Given

        Raises
        ------
        ValueError
            If its parts differ in length, or from those of the first batch in kind or columns.
        """
        parts = {name: getattr(given, name) for name in NAMES}
        sizes = {name: len_of(part) for name, part in parts.items() if part is not None}
        if not sizes:
            raise ValueError("a batch must have X or y, got neither")
        if len(set(sizes.values())) > 1:
            words = ", ".join(f"{size} rows of {name}" for name, size in sizes.items())
            raise ValueError(f"parts of a batch must have the same number of rows, got {words}")
        if self.first is None:
            self.first = Given(**{n: cut_out(p, 0, 1, True) for n, p in parts.items()})
        return Given(**{n: _alike(p, getattr(self.first, n), n) for n, p in parts.items()})


def _alike(part: Any, first: Any, name: str) -> Any:
    """Return a part whose columns are those of the first batch, in their order."""
    if (part is None) != (first is None):
        has, had = ("has no", "has one") if part is None else ("has one", "has none")
        raise ValueError(f"{name} must be in all batches or in none: this {has}, the first {had}")
    if part is None:
        return None
    if kind_of(part) != kind_of(first):
        raise ValueError(
            f"{name} must be of the same kind in all batches, got {kind_of(part)} and "
            f"{kind_of(first)} in the first"
        )
    if is_frame(part):
        names, mine = list(first.columns), list(part.columns)
        if sorted(map(str, names)) != sorted(map(str, mine)):
            raise ValueError(
                f"the columns of {name} must be those of the first batch, {names}, got {mine}"
            )
        return part if names == mine else part[names]
    if part.shape[1:] != first.shape[1:]:
        raise ValueError(
            f"{name} must have the shape (n{_more(first.shape[1:])}) of the first batch, got "
            f"{part.shape}"
        )
    return part


#: What tells kinds of containers apart whose rows cannot be joined.
def kind_of(part: Any) -> str:
    """Return in words of which kind rows are: those of one kind can be joined."""
    if isinstance(part, np.ndarray):
        return f"an array of {'numbers' if part.dtype.kind in 'biufc' else 'text or objects'}"
    if sparse.issparse(part):
        return "a sparse matrix"
    # A package joins what is its own.
    return f"a {type(part).__name__} of {type(part).__module__.partition('.')[0]}"


def _more(shape: tuple[int, ...]) -> str:
    return "".join(f", {size}" for size in shape) or ","


@dataclass(frozen=True)
class Piece:
    """Neighbouring rows of one or more batches.

    Attributes
    ----------
    given : Given
        The rows.
    n : int
        Their number.
    first : int
        The place of the first of them among all rows.
    batches : list of tuple of (int, str)
        The batches: the row of the piece with which each begins, and what messages call it.
    """

    given: Given
    n: int
    first: int
    batches: list[tuple[int, str]]

    @property
    def label(self) -> str:
        """What messages call the piece."""
        (_, first), (_, last) = self.batches[0], self.batches[-1]
        batches = first if first == last else f"{first} to {last}"
        return f"rows {self.first} to {self.first + self.n - 1}, {batches}"

    def row(self, k: int) -> str | None:
        """Return what messages call row k of the piece, None if it has no such row."""
        if k >= self.n:
            return None
        at = bisect.bisect_right(self.batches, k, key=lambda batch: batch[0]) - 1
        return f"row {self.first + k} ({self.batches[at][1]})"

    def naming(self) -> Naming:
        """Return what lets errors name the piece."""
        return Naming(self.label, self.row)


def pieces_of(batches: Iterator[tuple[str, Given]], size_of: Any, copied: bool) -> Generator[Piece]:
    """Yield the rows of batches in pieces of one size, whatever the sizes of the batches.

    Parameters
    ----------
    batches : iterator of (str, Given)
        What messages call each batch, and its rows.
    size_of : callable
        ``size_of(given)`` is the number of rows of a piece, told from the first batch.
    copied : bool
        Whether rows are copied because batches may be filled again.

    Yields
    ------
    Piece
    """
    held: list[tuple[Any, ...]] = []
    names: list[tuple[int, str]] = []
    size = n = first = 0
    for label, given in batches:
        rows = n_rows(given)
        size = size or (size_of(given) if rows else 0)
        start = 0
        while start < rows:
            stop = min(start + size - n, rows)
            names.append((n, label))
            held.append(tuple(cut_out(part, start, stop, copied) for part in _parts(given)))
            n, start = n + stop - start, stop
            if n == size:
                yield _piece(held, n, first, names)
                held, names, n, first = [], [], 0, first + n
    if n:
        yield _piece(held, n, first, names)


def n_rows(given: Given) -> int:
    """Return the number of rows of a batch."""
    return len_of(next(part for part in _parts(given) if part is not None))


def _parts(given: Given) -> tuple[Any, ...]:
    return tuple(getattr(given, name) for name in NAMES)


def _piece(held: list[tuple[Any, ...]], n: int, first: int, names: list[tuple[int, str]]) -> Piece:
    given = Given(*(joined(list(parts)) for parts in zip(*held, strict=True)))
    return Piece(given, n, first, names)

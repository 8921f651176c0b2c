"""Columns of a frame as features: numbers as they are, categories as indicators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from natfit._numbers import column_of, kind_of, series_numbers


@dataclass(frozen=True)
class Column:
    """A column of a frame, as a fit has read it.

    Attributes
    ----------
    index : int
        Its position in the frame.
    name : str
        Its name.
    levels : tuple or None
        The categories of the fit, of which the first is the reference; None for numbers.
    """

    index: int
    name: str
    levels: tuple | None = None

    @property
    def names(self) -> list[str]:
        """The names of its features: its own, or ``g[b]`` for each category but the first."""
        if self.levels is None:
            return [self.name]
        return [f"{self.name}[{level}]" for level in self.levels[1:]]

    def write(self, frame: Any, out: np.ndarray, at: int) -> None:
        """Write its features for the rows of a frame into the columns of ``out`` from ``at`` on."""
        series = column_of(frame, self.index)
        if self.levels is None:
            out[:, at] = series_numbers(series, f"column {self.name!r} of X")
            return
        codes = self._codes(series)
        rows = np.flatnonzero(codes)
        out[:, at : at + len(self.levels) - 1] = 0.0
        out[rows, at + codes[rows] - 1] = 1.0

    def _codes(self, series: Any) -> np.ndarray:
        """Return the index of each row's category, (n,); ValueError for one that is not known."""
        known = {level: code for code, level in enumerate(self.levels or ())}
        labels = _labels(series)
        try:
            codes = np.fromiter((known.get(v, -1) for v in labels), np.intp, len(labels))
        except TypeError:
            codes = np.array([known.get(v, -1) if _hashable(v) else -1 for v in labels])
        if (codes < 0).any():
            row = int(np.argmax(codes < 0))
            got = labels[row]
            if _is_missing(got):
                raise ValueError(_missing(self.name, row))
            raise ValueError(
                f"column {self.name!r} of X must hold categories of the fit, "
                f"{[str(level) for level in (self.levels or ())]}, got {got!r} at row {row}; fit "
                "with rows of this category, or give it one of the others"
            )
        return codes


def read_column(frame: Any, index: int, name: str, goes_on: bool = False) -> Column:
    """Return a column with the categories that it holds.

    Categories are those of a categorical column that occur, in its order; of strings in the
    alphabet's. Where other rows come later they are all that a categorical column declares.

    Returns
    -------
    Column

    Raises
    ------
    ValueError
        If a category is missing.
    """
    series = column_of(frame, index)
    if not _is_category(series):
        return Column(index, name)
    labels = _labels(series)
    row = next((i for i, label in enumerate(labels) if _is_missing(label)), None)
    if row is not None:
        raise ValueError(_missing(name, row))
    seen = set(labels)
    declared = getattr(series.dtype, "categories", None)
    # The categories of polars' Categorical are all that its process has seen.
    if declared is not None and not str(series.dtype).startswith("Categorical"):
        levels = list(declared)
        return Column(index, name, tuple(v for v in levels if goes_on or v in seen))
    return Column(index, name, tuple(sorted(seen, key=lambda level: (str(type(level)), level))))


def is_plain(frame: Any) -> bool:
    """Tell whether all columns of a frame are numbers of numpy's or polars' types."""
    return all(kind_of(dtype) == "numbers" for dtype in list(frame.dtypes))


def _is_category(series: Any) -> bool:
    """Tell whether a column holds categories: by its type, or as strings."""
    kind = kind_of(series.dtype)
    if kind != "object":
        return kind in ("categories", "text")
    return all(isinstance(v, str) or _is_missing(v) for v in series)


def _labels(series: Any) -> list:
    return series.to_list() if hasattr(series, "to_list") else list(series)


def _is_missing(value: Any) -> bool:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float) and value != value


def _hashable(value: Any) -> bool:
    return getattr(type(value), "__hash__", None) is not None


def _missing(name: str, row: int) -> str:
    return (
        f"column {name!r} of X must not have missing values, got one at row {row}; remove or "
        "impute such rows, or make missing values a category of their own"
    )

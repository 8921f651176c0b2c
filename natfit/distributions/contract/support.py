"""Supports: where a distribution's y may lie, and the error when it does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from natfit.rows import Block, Rows


class OutsideSupport(ValueError):
    """A row lies outside a support.

    Attributes
    ----------
    negative : bool
        Whether the message says that negative values are the reason.
    """

    def __init__(self, message: str, negative: bool):
        super().__init__(message)
        self.negative = negative


@dataclass(frozen=True)
class Support:
    """An interval of the real line or of the integers.

    Parameters
    ----------
    low, high : float
        Its ends; ``high`` may be a tuple, one end per column.
    closed : bool
        Whether finite ends belong to it.
    integer : bool
        Whether only whole numbers belong to it.
    """

    low: float = -np.inf
    high: float | tuple[float, ...] = np.inf
    closed: bool = False
    integer: bool = False

    #: Whether the columns of a row depend on each other: a simplex.
    whole_rows: ClassVar[bool] = False

    @property
    def top(self) -> float:
        """The highest end of all columns."""
        return float(np.max(self.high))

    def contains(self, y: np.ndarray) -> np.ndarray:
        """Tell for each value whether it belongs; shape of y."""
        inside: Any
        if self.closed:
            inside = (y >= self.low) & (y <= self.high)
        else:
            inside = (y > self.low) & (y < self.high)
        if self.integer:
            inside &= y == np.floor(y)
        return inside

    def describe(self) -> str:
        """The rule in words, for messages."""
        noun = "whole numbers" if self.integer else "finite numbers"
        relation = (">=", "<=") if self.closed else (">", "<")
        if self.low > -np.inf and np.all(np.less(self.high, np.inf)):
            high = np.array2string(np.asarray(self.high), formatter={"float": "{:g}".format})
            return f"{noun} with {self.low:g} {relation[1]} y {relation[1]} {high}"
        if self.low > -np.inf:
            return f"{noun} {relation[0]} {self.low:g}"
        return noun

    def check(self, rows: Rows, family: str) -> None:
        """Raise ValueError that names the first row outside the support; y must be finite."""
        # Counts are looked at once, unless an earlier pass has seen that they are whole.
        if (not self.integer or rows.whole()) and self._holds_extent(rows):
            return
        where = rows.first(self._outside)
        if where is None:
            return
        words, negative = "", False
        if self.low == 0:
            below = rows.first(_negative)
            if below is not None:
                # The first words are those that scikit-learn's own checks look for.
                where, words, negative = below, "Negative values in data: ", True
        got = rows.row(where).y[0]
        remedy = "remove or correct such rows, or choose a family with a wider support"
        if self.low == 0 and not (self.closed or negative or np.ndim(got)) and got == 0:
            remedy += "; ZeroAdjusted(family) gives zeros a probability of their own"
        raise OutsideSupport(
            f"{words}y must be {self.describe()} for {family}, got {got} at row {where}; {remedy}",
            negative,
        )

    def _holds_extent(self, rows: Rows) -> bool:
        """Whether the smallest and the largest value belong to it, and with them all between."""
        if self.low == -np.inf and self.top == np.inf:
            return True
        low, high = rows.extent()
        inside = np.greater_equal if self.closed else np.greater
        return bool(
            (self.low == -np.inf or inside(np.min(low), self.low))
            and (self.top == np.inf or inside(self.top, np.max(high)))
        )

    def _outside(self, block: Block) -> np.ndarray:
        """Which rows of a block do not belong, (n,)."""
        return _any(~self.contains(block.y))


def _negative(block: Block) -> np.ndarray:
    return _any(block.y < 0)


def _any(mask: np.ndarray) -> np.ndarray:
    """(n,) from (n,) or (n, D)."""
    return mask if mask.ndim == 1 else np.logical_or.reduce(mask, axis=1)


REAL = Support()
POSITIVE = Support(low=0.0)
NON_NEGATIVE = Support(low=0.0, closed=True)
COUNTS = Support(low=0.0, closed=True, integer=True)
BINARY = Support(low=0.0, high=1.0, closed=True, integer=True)
UNIT = Support(low=0.0, high=1.0)

BY_NAME = {
    "real": REAL,
    "positive": POSITIVE,
    "non_negative": NON_NEGATIVE,
    "counts": COUNTS,
    "binary": BINARY,
    "unit": UNIT,
}

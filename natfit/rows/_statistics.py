"""What families ask of y: parts of passes, and statistics that add.

Parts take blocks; a statistic's ``+`` joins what two neighbouring blocks know, the earlier one on
the left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from natfit.rows._dot import dot
from natfit.rows.base import Block, Rows

#: A function of y (n, ...), and more, with one value per row.
Of = Callable[..., Any]


# ------------------------------------------------------------------------------------- sums


def weighted_total(values: np.ndarray, weight: np.ndarray | None) -> float:
    """Sum of values (n,), each as often as its weight says; no thread is started for it."""
    return float(values.sum()) if weight is None else dot(weight, values)


def mean_over(rows: Rows, of: Of | None = None, *args: Any) -> Any:
    """Weighted mean of y, or of ``of(y, *args)``.

    Parameters
    ----------
    rows : Rows
        The data.
    of : callable, optional
        A function of a module: values (n, ...) of y (n, ...).
    *args
        What else it takes; no data.

    Returns
    -------
    float or ndarray
        Of the shape of one value.
    """
    count, found = rows.sum(_mean_part, of, args)
    return found / count


def _mean_part(block: Block, of: Of | None, args: tuple[Any, ...]) -> tuple[float, Any]:
    values = block.y if of is None else of(block.y, *args)
    if block.weight is None:
        return float(block.n), values.sum(axis=0)
    weight = block.weight.reshape(-1, *[1] * (np.ndim(values) - 1))
    return block.weight.sum(), np.multiply(values, weight).sum(axis=0)


def means_over(rows: Rows, of: Of, *args: Any) -> list[float]:
    """Weighted means of several values per row, ``of(y, *args) -> (values, ...)``, in one pass.

    Parameters
    ----------
    rows : Rows
        The data.
    of : callable
        A function of a module: a tuple of values (n,) of y.
    *args
        What else it takes; no data.

    Returns
    -------
    list of float
    """
    count, *sums = rows.sum(_means_part, of, args, wide=True)
    return [float(s / count) for s in sums]


def _means_part(block: Block, of: Of, args: tuple[Any, ...]) -> tuple[Any, ...]:
    values = of(block.y, *args)
    if block.weight is None:
        return (float(block.n), *(v.sum() for v in values))
    return (block.weight.sum(), *(dot(block.weight, v) for v in values))


def moments_over(rows: Rows, shift: float, of: Of | None = None) -> tuple[float, float]:
    """Mean and mean square deviation of y, or of ``of(y)``, from sums of what it exceeds a shift.

    Parameters
    ----------
    rows : Rows
        The data.
    shift : float
        Near the mean, so that no digit of the deviation is lost.
    of : callable, optional
        A function of a module: values (n,) of y.

    Returns
    -------
    mean, spread : float
    """
    count, first, second = rows.sum(_moments_part, shift, of, wide=True)
    delta = first / count
    return float(shift + delta), float(np.maximum(second / count - delta * delta, 0.0))


def _moments_part(block: Block, shift: float, of: Of | None) -> tuple[float, float, float]:
    values = block.y if of is None else of(block.y)
    gap = values - shift if shift else values
    if block.weight is None:
        return float(block.n), gap.sum(), dot(gap, gap)
    weighted = block.weight * gap
    return block.weight.sum(), weighted.sum(), dot(weighted, gap)


def squared_gap(y: np.ndarray, at: Any) -> np.ndarray:
    """Squared distance of y from a point, (n,) or (n, D)."""
    return (y - at) ** 2


def distance(y: np.ndarray, at: Any) -> np.ndarray:
    """Distance of y from a point, (n,) or (n, D)."""
    return np.abs(y - at)


# ------------------------------------------------------------------------------------- ties


def share_equal(rows: Rows, value: Any) -> float:
    """Share of the weight of the rows whose y equals a value, in all of its columns."""
    return float(mean_over(rows, _equal, value))


def _equal(y: np.ndarray, value: Any) -> np.ndarray:
    same = y == value
    return same if same.ndim == 1 else same.all(axis=1)


@dataclass(frozen=True)
class _Nearest:
    distance: float
    value: Any

    def __add__(self, other: _Nearest) -> _Nearest:
        return other if other.distance < self.distance else self


def nearest_to(rows: Rows, at: Any, unit: Any = 1.0) -> Any:
    """The y nearest to a point; of vectors, the largest of the columns' distances counts.

    Parameters
    ----------
    rows : Rows
        The data.
    at : float or ndarray of shape (D,)
        The point.
    unit : float or ndarray of shape (D,)
        Unit of the distance in each column.

    Returns
    -------
    float or ndarray of shape (D,)
        The first of the nearest.
    """
    return rows.sum(_nearest_part, at, unit).value


def _nearest_part(block: Block, at: Any, unit: Any) -> _Nearest:
    gap = np.abs((block.y - at) / unit)
    gap = gap if gap.ndim == 1 else gap.max(axis=1)
    index = int(np.argmin(gap))
    return _Nearest(float(gap[index]), block.y[index])


# ------------------------------------------------------------------------------------ tables


@dataclass(frozen=True)
class _Table:
    """Distinct values of blocks, and their weights: to be joined at the end."""

    values: list[np.ndarray]
    weights: list[np.ndarray]

    def __add__(self, other: _Table) -> _Table:
        return _Table(self.values + other.values, self.weights + other.weights)

    def joined(self) -> tuple[np.ndarray, np.ndarray]:
        if len(self.values) == 1:
            return self.values[0], self.weights[0]
        return _counted(np.concatenate(self.values), np.concatenate(self.weights))


def table_of(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Distinct values of y, ascending, and the weight of each.

    Parameters
    ----------
    rows : Rows
        The data.

    Returns
    -------
    values : ndarray of shape (M,), or (M, D) for rows (D,)
    weights : ndarray of shape (M,)
    """
    known: tuple[np.ndarray, np.ndarray] | None = rows.__dict__.get("_table")
    if known is None:
        found: _Table | None = rows.sum(_table_part, wide=True)
        known = (np.empty(0), np.empty(0)) if found is None else found.joined()
        # Kept with the rows: a family asks for its summary, and for its start again.
        rows.__dict__["_table"] = known
    return known


def _table_part(block: Block) -> _Table:
    values, weights = _counted(block.y, block.weight)
    return _Table([values], [weights])


def _counted(y: np.ndarray, weight: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    axis = None if y.ndim == 1 else 0
    if weight is None:
        values, count = np.unique(y, axis=axis, return_counts=True)
        return values, count.astype(np.float64)
    values, where = np.unique(y, axis=axis, return_inverse=True)
    return values, np.bincount(where.reshape(-1), weight).astype(np.float64)


@dataclass(frozen=True)
class _Distinct:
    values: np.ndarray
    most: int

    def __add__(self, other: _Distinct) -> _Distinct:
        if len(self.values) >= self.most:
            return self
        return _distinct(np.concatenate([self.values, other.values]), self.most)


def _distinct(y: np.ndarray, most: int) -> _Distinct:
    return _Distinct(np.unique(y, axis=None if y.ndim == 1 else 0)[:most], most)


def n_distinct(rows: Rows, most: int) -> int:
    """Number of distinct rows, at most ``most``: it is not counted further."""
    found: _Distinct = rows.sum(_distinct_part, most)
    return len(found.values)


def _distinct_part(block: Block, most: int) -> _Distinct:
    return _distinct(block.y, most)

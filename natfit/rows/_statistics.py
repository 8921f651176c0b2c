"""Statistics of y that families need, computed by parts and joined by addition.

A part computes a statistic of one block. The ``+`` of a statistic joins those of two neighbouring
blocks, of which the earlier one is on the left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from natfit.rows._dot import dot
from natfit.rows.base import Block, Rows

#: A function of y (n, ...) and further arguments, with one value per row.
Of = Callable[..., Any]


# ------------------------------------------------------------------------------------- sums


def weighted_total(values: np.ndarray, weight: np.ndarray | None) -> float:
    """Return the weighted sum of values (n,), in one thread."""
    return float(values.sum()) if weight is None else dot(weight, values)


def total_weight(weight: np.ndarray | None, n: int) -> float:
    """Sum of the weights of n rows; n where there are none."""
    return float(n) if weight is None else float(weight.sum())


def mean_over(rows: Rows, of: Of | None = None, *args: Any) -> Any:
    """Return the weighted mean of y, or of ``of(y, *args)``.

    Parameters
    ----------
    rows : Rows
        The data.
    of : callable, optional
        A module-level function that returns values (n, ...) of y (n, ...).
    *args
        Further arguments, which must not hold data.

    Returns
    -------
    float or ndarray
        The mean, in the shape of one value.
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
    """Return weighted means of several values per row, ``of(y, *args) -> (values, ...)``.

    Parameters
    ----------
    rows : Rows
        The data.
    of : callable
        A module-level function that returns a tuple of values (n,) of y.
    *args
        Further arguments, which must not hold data.

    Returns
    -------
    list of float
    """
    count, *sums = rows.sum(_means_part, of, args, wide=True)
    return [float(s / count) for s in sums]


def _means_part(block: Block, of: Of, args: tuple[Any, ...]) -> tuple[Any, ...]:
    values = of(block.y, *args)
    return (
        total_weight(block.weight, block.n),
        *(weighted_total(v, block.weight) for v in values),
    )


def moments_over(rows: Rows, shift: float, of: Of | None = None) -> tuple[float, float]:
    """Return mean and mean square deviation of y, or of ``of(y)``, from sums of y minus a shift.

    Parameters
    ----------
    rows : Rows
        The data.
    shift : float
        A number near the mean, so that no digits of the deviation are lost.
    of : callable, optional
        A module-level function that returns values (n,) of y.

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
    """Return the squared distance of y from a point, (n,) or (n, D)."""
    return (y - at) ** 2


def distance(y: np.ndarray, at: Any) -> np.ndarray:
    """Return the distance of y from a point, (n,) or (n, D)."""
    return np.abs(y - at)


# ------------------------------------------------------------------------------------- ties


def share_equal(rows: Rows, value: Any) -> float:
    """Return the share of the total weight of rows whose y equals a value in all columns."""
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
    """Return the y nearest to a point; the distance of vectors is that of the farthest column.

    Parameters
    ----------
    rows : Rows
        The data.
    at : float or ndarray of shape (D,)
        The point.
    unit : float or ndarray of shape (D,)
        The unit in which the distance is measured in each column.

    Returns
    -------
    float or ndarray of shape (D,)
        The nearest y; if several are equally near, the first of them.
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
    """Distinct values of blocks, and their weights, which are joined at the end."""

    values: list[np.ndarray]
    weights: list[np.ndarray]

    def __add__(self, other: _Table) -> _Table:
        return _Table(self.values + other.values, self.weights + other.weights)

    def joined(self) -> tuple[np.ndarray, np.ndarray]:
        if len(self.values) == 1:
            return self.values[0], self.weights[0]
        return _counted(np.concatenate(self.values), np.concatenate(self.weights))


def table_of(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct values of y in ascending order, and the weight of each.

    Parameters
    ----------
    rows : Rows
        The data.

    Returns
    -------
    values : ndarray of shape (M,), or (M, D) for rows (D,)
    weights : ndarray of shape (M,)
    """
    # A family needs it for its summary and again for its start.
    return kept(rows, "table", _joined_table)


def kept(rows: Rows, name: Any, make: Callable[..., Any], *args: Any) -> Any:
    """Return ``make(rows, *args)``, which is kept with the rows and made only once.

    Parameters
    ----------
    rows : Rows
        The data.
    name : hashable
        Under which it is kept: it says all that the value depends on besides the rows.
    make : callable
        What computes the value.
    *args
        Further arguments.

    Returns
    -------
    The value, which must not be changed.
    """
    # Not with what passes leave, which is nothing where rows are many.
    known = rows.__dict__.setdefault("_known", {})
    if name not in known:
        known[name] = make(rows, *args)
    return known[name]


def _joined_table(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    found: _Table | None = rows.sum(_table_part, wide=True)
    return (np.empty(0), np.empty(0)) if found is None else found.joined()


def _table_part(block: Block) -> _Table:
    values, weights = _counted(block.y, block.weight)
    return _Table([values], [weights])


def _counted(y: np.ndarray, weight: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    if y.ndim == 2 and y.shape[1] == 2:
        # Pairs have the order of complex numbers, which are sorted several times faster.
        pairs = np.ascontiguousarray(y, dtype=np.float64).view(np.complex128)[:, 0]
        values, weights = _counted(pairs, weight)
        return values.view(np.float64).reshape(-1, 2), weights
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
    """Return the number of distinct rows, or ``most`` if there are more."""
    found: _Distinct = rows.sum(_distinct_part, most)
    return len(found.values)


def _distinct_part(block: Block, most: int) -> _Distinct:
    return _distinct(block.y, most)


#: Numbers of X that a few rows may hold, and how many rows they are at least.
_NUMBERS, _LEAST_ROWS = 1 << 19, 256


def fewer_of(rows: Rows, most: int) -> int:
    """Return how many rows to look at: ``most``, or fewer where they are wide."""
    return int(min(most, max(_LEAST_ROWS, _NUMBERS // max(rows.n_features, 1))))

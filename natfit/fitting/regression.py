"""A regression as a task: the standardisation of its features, and its starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.sparse import issparse

from natfit.bijectors import Positive
from natfit.iterate import Status
from natfit.models.linear_predictors import LinearPredictors
from natfit.objectives import Likelihood, Regression
from natfit.optimize import Engine, run
from natfit.rows import Block, Memory, Rows, fewer_of

#: Rows from which features take their centre and unit: these need not be exact.
_FEW = 4_096

#: Unit of a constant column as a share of its size.
_TINY = 1e-4

#: Largest size of a feature, and inverse of the smallest one.
_LARGEST = 1e140


def standardised(rows: Rows, model: LinearPredictors) -> LinearPredictors:
    """Return linear predictors on features that are centred and scaled.

    The centre and the unit of a feature are its mean and its standard deviation on 4,096 rows
    spread over all; one that is constant there has those of all rows.

    Returns
    -------
    LinearPredictors
        Not yet bound.
    """
    few = rows.few(fewer_of(rows, _FEW))
    _check_range(few.X, model.feature_names)
    shift, scale = _moments(few.X, few.weight)
    flat = ~(scale > 1e-10 * np.abs(shift))
    if flat.any() and rows.n > few.n:
        total, first, second = rows.sum(_moment_part, shift)
        mean = first / total
        spread = np.sqrt(np.maximum(second / total - mean**2, 0.0))
        mean = shift + mean
        shift = np.where(flat, mean, shift)
        scale = np.where(flat, spread, scale)
        flat = ~(scale > 1e-14 * np.abs(shift))
    # A constant column is zero about its own value, of which a mean is rounded.
    shift = np.where(flat, _first_row(few.X), shift)
    # A small unit asks for products of the centred column, which are not rounded.
    size = np.where(np.abs(shift) > 0, np.abs(shift) * (1.0 if issparse(few.X) else _TINY), 1.0)
    unit = np.where(flat, size, scale)
    return LinearPredictors(model.columns, model.intercept, shift, unit, model.feature_names)


def _first_row(X: Any) -> np.ndarray:
    first = X[:1]
    return np.asarray(first.todense() if issparse(first) else first, dtype=np.float64).ravel()


def _check_range(X: Any, names: Sequence[str] | None) -> None:
    """Raise ValueError where squares of a column are not finite or lose all digits."""
    size = abs(X).max(axis=0)
    size = np.asarray(size.todense() if issparse(size) else size, dtype=np.float64).ravel()
    bad = np.flatnonzero((size > 0) & ~((size > 1.0 / _LARGEST) & (size < _LARGEST)))
    if not len(bad):
        return
    j = int(bad[0])
    which = repr(f"x{j}" if names is None else names[j])
    remedy = "divide" if size[j] > 1.0 else "multiply"
    raise ValueError(
        f"the columns of X must have values between {1 / _LARGEST:g} and {_LARGEST:g} in size, so "
        f"that their squares are finite, got up to {size[j]:g} in column {which}; {remedy} it by "
        "a constant"
    )


def centre_of_offsets(objective: Likelihood) -> np.ndarray:
    """Return the offset (K,) that a start must leave out, so that eta is about the start's."""
    family, offset = objective.distribution, objective.rows.few(_FEW).offset
    if objective.model.shared or offset is None:
        return np.zeros(family.n_params)
    offset = offset[:, None] if offset.ndim == 1 else offset
    middle = np.broadcast_to(offset.mean(axis=0), family.n_params)
    # The mean of what is exp(eta) is that of exp(offset).
    top = offset.max(axis=0)
    whole = top + np.log(np.exp(offset - top).mean(axis=0))
    logs = np.concatenate([[isinstance(c, Positive)] * c.size for c in family.params.values()])
    return np.where(logs, whole, middle)


def _moments(X: object, weight: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the means and the standard deviations (D,) of a few rows."""
    n = X.shape[0]  # type: ignore[attr-defined]
    share = np.full(n, 1.0 / n) if weight is None else weight / weight.sum()
    if issparse(X):
        mean = np.asarray(X.T @ share)  # type: ignore[attr-defined]
        square = np.asarray(X.multiply(X).T @ share)  # type: ignore[attr-defined]
        return mean, np.sqrt(np.maximum(square - mean**2, 0.0))
    dense = np.asarray(X, dtype=np.float64)
    mean = share @ dense
    return mean, np.sqrt(share @ np.square(dense - mean))


def _moment_part(block: Block, shift: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Return the weight, and the weighted sums of x - shift and of its square."""
    weight = np.ones(block.n) if block.weight is None else block.weight
    total = float(weight.sum())
    if issparse(block.X):
        first = np.asarray(block.X.T @ weight)
        second = np.asarray(block.X.multiply(block.X).T @ weight)
        return total, first - shift * total, second - 2.0 * shift * first + shift**2 * total
    gap = np.asarray(block.X, dtype=np.float64) - shift
    return total, weight @ gap, weight @ np.square(gap)


#: Share of the rows that a first, cheap fit is made to, and how many rows a parameter it needs.
_SHARE, _A_PARAMETER = 20, 20

#: Number of features from which a first fit to fewer rows saves nothing.
_WIDE = 200

#: Distance to the optimum of the fewer rows, in standard errors, at which their fit ends: it is
#: some sqrt(20 P) of those of all rows away from theirs in any case.
_NEAR = 3.0


def from_fewer_rows(
    objective: Likelihood, engine: Engine, theta: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return a start (P,): the end of a fit to a twentieth of the rows, spread over all of them.

    Its distance to the optimum of all rows is a few standard errors, so that passes over all rows
    are left for the last iterations. Where it fails, or would save nothing, the start is as it was.

    Returns
    -------
    ndarray of shape (P,)
    """
    rows = objective.rows
    n = rows.n // _SHARE
    affordable = n >= _A_PARAMETER * len(theta) and rows.n_features < _WIDE
    if not (isinstance(objective, Regression) and objective.model.linear and affordable):
        return theta
    few = rows.few(n)
    fewer = objective.at_rows(Memory(few.y, few.X, few.weight, few.offset))
    engine = replace(engine, tol=_NEAR, metric=engine.metric.anew())
    found = run(fewer, engine, theta, rng)
    better = found.status is Status.CONVERGED and np.isfinite(found.theta).all()
    return found.theta if better else theta


def width(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Return a centre and a unit (D,) of each feature for a network.

    The unit is the standard deviation, or a quarter of the largest distance from the centre if that
    is larger: no feature of the rows is far outside of -4 to 4, be it zero in most of them.

    Returns
    -------
    shift, scale : ndarray of shape (D,)
    """
    linear = standardised(rows, LinearPredictors())
    shift, scale = linear.shift, linear.scale
    X = rows.few(fewer_of(rows, _FEW)).X
    low, high = X.min(axis=0), X.max(axis=0)
    if issparse(X):
        low, high = low.toarray().ravel(), high.toarray().ravel()
    far = np.maximum(high - shift, shift - low)
    return shift, np.maximum(scale, 0.25 * far)

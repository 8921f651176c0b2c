"""A regression as a task: the standardisation of its features, and its starts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.sparse import issparse

from natfit.iterate import Status
from natfit.models.linear_predictors import LinearPredictors
from natfit.objectives import Likelihood, Regression
from natfit.optimize import Engine, run
from natfit.rows import Block, Memory, Rows

#: Rows from which features take their centre and unit: these need not be exact.
_FEW = 4_096


def standardised(rows: Rows, model: LinearPredictors) -> LinearPredictors:
    """Return linear predictors on features that are centred and scaled.

    The centre and the unit of a feature are its mean and its standard deviation on 4,096 rows
    spread over all; one that is constant there has those of all rows.

    Returns
    -------
    LinearPredictors
        Not yet bound.
    """
    few = rows.few(_FEW)
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
    size = np.where(np.abs(shift) > 0, np.abs(shift), 1.0)
    unit = np.where(flat, size, scale)
    return LinearPredictors(model.columns, model.intercept, shift, unit, model.feature_names)


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

#: Distance to the optimum of the fewer rows, in standard errors, at which their fit ends.
_NEAR = 0.3


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
    X = rows.few(_FEW).X
    low, high = X.min(axis=0), X.max(axis=0)
    if issparse(X):
        low, high = low.toarray().ravel(), high.toarray().ravel()
    far = np.maximum(high - shift, shift - low)
    return shift, np.maximum(scale, 0.25 * far)

"""A regression as a task: the standardisation of its features, and its starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.sparse import issparse

from natfit.bijectors import Positive
from natfit.fitting.kinks import at_kinks
from natfit.fitting.task import Task
from natfit.iterate import Iterate, Status
from natfit.models.linear_predictors import LinearPredictors
from natfit.objectives import Jeffreys, Likelihood, Regression
from natfit.optimize import Engine, run
from natfit.rng import LazyGenerator
from natfit.rows import Block, Rows, fewer_of

#: Rows from which features take their centre and unit: these need not be exact.
_FEW = 4_096

#: Spread of a constant column as a share of its value: eight roundings, and for sparse rows, which
#: are centred after their products, the size at which squares leave no digit.
_ROUNDING, _SPARSE_ROUNDING = 8.0 * 2.0**-52, 2.0**-26

#: Distance of one value from the mean, as a share of the largest that n values can have, from which
#: it may be far larger than the others; it is so if the spread of this share of them is that many
#: times smaller.
_ALONE, _BULK, _FARTHER = 0.5, 0.9, 1e4

#: Largest size of a feature, and inverse of the smallest one.
_LARGEST = 1e140


def standardised(rows: Rows, model: LinearPredictors) -> LinearPredictors:
    """Return linear predictors on features that are centred and scaled.

    The centre and the unit of a feature are its mean and its standard deviation on 4,096 rows
    spread over all; one that is constant there, or of a sparse X, has those of all rows.

    Returns
    -------
    LinearPredictors
        Not yet bound.
    """
    few = rows.few(fewer_of(rows, _FEW))
    _check_range(few.X, model.feature_names)
    value = _a_row(few)
    least = (_SPARSE_ROUNDING if issparse(few.X) else _ROUNDING) * np.abs(value)
    shift, scale, flat = _moments(_moment_part(few, value), value, least)
    # In a few rows of a sparse X most columns are nearly empty.
    unknown = np.ones_like(flat) if issparse(few.X) else flat
    if unknown.any() and rows.n > few.n:
        mean, spread, still = _moments(rows.sum(_moment_part, value), value, least)
        shift, scale = np.where(unknown, mean, shift), np.where(unknown, spread, scale)
        flat &= still
    shift = _middle(few.X, shift, scale)
    # A constant column is zero about its own value, of which a mean is rounded.
    shift, scale = np.where(flat, value, shift), np.where(flat, 0.0, scale)
    names = model.feature_names, model.labels
    return LinearPredictors(model.columns, model.intercept, shift, scale, *names)


def _middle(X: Any, shift: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return the centres (D,), where one value is far larger than all others without that one.

    About their mean all others would be the same number, but for the digits that it leaves them.

    Returns
    -------
    ndarray of shape (D,)
    """
    n = X.shape[0]
    low, high = X.min(axis=0), X.max(axis=0)
    if issparse(X):
        low, high = low.toarray().ravel(), high.toarray().ravel()
    far = np.maximum(high - shift, shift - low) > _ALONE * np.sqrt(n) * scale
    index = np.flatnonzero(far)
    if not len(index):
        return shift
    out = shift.copy()
    some = X[:, index]
    some = np.asarray(some.toarray() if issparse(some) else some, dtype=np.float64)
    middle = np.median(some, axis=0)
    bulk = np.quantile(np.abs(some - middle), _BULK, axis=0)
    alone = (bulk > 0.0) & (scale[index] > _FARTHER * bulk)
    out[index] = np.where(alone, middle, shift[index])
    return out


def _a_row(block: Block) -> np.ndarray:
    """Return the features (D,) of the first row that has a weight."""
    at = 0 if block.weight is None else int(np.argmax(block.weight > 0))
    row = block.X[at : at + 1]
    return np.asarray(row.toarray() if issparse(row) else row, dtype=np.float64).ravel()


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


def start_of(objective: Likelihood, engine: Engine, theta: np.ndarray, task: Task) -> np.ndarray:
    """Return where the descent of a regression begins, (P,).

    That is the coefficients that were given, or the end of a fit to fewer rows; a family with kinks
    begins at the vertex of least deviations.

    Returns
    -------
    ndarray of shape (P,)
    """
    if isinstance(objective, Jeffreys):
        objective.refuse_singular(theta)
    if task.raw is None:
        theta = from_fewer_rows(objective, engine, theta, task.rng)
    else:
        theta = objective.model.of_raw(task.raw)
    return at_kinks(objective, engine, theta, task.rng)


def start_of_family(objective: Likelihood) -> np.ndarray:
    """Return the start (P,) of a regression that the family has for its rows: intercepts alone."""
    rng: Any = LazyGenerator(0)
    family, rows = objective.distribution, objective.rows
    eta = family.refine_start(rows, family.initial(rows.few(), rng))
    low, high, _ = family.limits
    return objective.model.init(rng, np.clip(eta - centre_of_offsets(objective), low, high))


def refuse_start(objective: Likelihood, theta: np.ndarray) -> None:
    """Raise ValueError that says which row has no density where a regression starts.

    Parameters
    ----------
    objective : Likelihood
        One that is not finite at theta.
    theta : ndarray of shape (P,)
        The start.

    Raises
    ------
    ValueError
        Always, with what may be the reason.
    """
    rows, model = objective.rows, objective.model
    if rows.few(1).offset is not None:
        offset = rows.map(_offset_part)
        words = f"with offsets from {offset.min():g} to {offset.max():g} they do not"
        remedy = "check offset and exposure for values far from all others"
    else:
        where = rows.first(_without_density, objective._formula, theta)
        words = "they do not"
        if where is not None:
            words = f"row {where}, y = {rows.row(where).y[0]}, has no density there"
        remedy = "check y for values far from all others"
        if isinstance(model, LinearPredictors) and None in model.intercepts():
            remedy = "use fit_intercept=True, or a link that takes a linear predictor of zero"
    raise ValueError(
        "y, offset and link must give a finite likelihood where the fit starts, at coefficients "
        f"of zero, and {words}; {remedy}"
    )


def _offset_part(block: Block) -> np.ndarray:
    """Return what is added to eta in each row."""
    return np.asarray(block.offset)


def _without_density(block: Block, formula: Any, theta: np.ndarray) -> np.ndarray:
    """Tell which rows of a block have no density at theta, (n,)."""
    with np.errstate(all="ignore"):
        return ~np.isfinite(
            formula.distribution.log_density(block.y, formula.linearize(theta, block).eta)
        )


def _moments(
    sums: tuple[float, np.ndarray, np.ndarray], value: np.ndarray, least: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return means, standard deviations, and which columns (D,) are constant, of sums of gaps."""
    total, first, second = sums
    square = second / total
    spread = square - np.square(first / total)
    # All digits of the difference are lost if the value is an outlier.
    spread = np.sqrt(np.where(spread > 1e-12 * square, spread, square))
    return value + first / total, spread, ~(np.sqrt(square) > least)


def _moment_part(block: Block, value: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Return the weight, and the weighted sums of x - value and of its square."""
    weight = np.ones(block.n) if block.weight is None else block.weight
    total = float(weight.sum())
    if not issparse(block.X):
        gap = np.asarray(block.X, dtype=np.float64) - value
        return total, weight @ gap, weight @ np.square(gap)
    X = block.X.tocsr()
    squares = type(X)((np.square(X.data), X.indices, X.indptr), shape=X.shape, copy=False)
    first, second = X.T @ weight, squares.T @ weight
    about = np.flatnonzero(value)
    if len(about):
        sums = _sums_about(X, value, weight)
        first[about], second[about] = sums[0][about], sums[1][about]
    return total, first, second


def _sums_about(X: Any, value: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return weighted sums (D,) of gaps to a value that is not zero, and of their squares."""
    # Entries that are stored, each about the value; then those that are not, which are zero.
    chosen = np.flatnonzero((value != 0.0)[X.indices])
    at, size = X.indices[chosen], len(value)
    own = weight[np.searchsorted(X.indptr, chosen, side="right") - 1]
    gap = X.data[chosen] - value[at]
    rest = float(weight.sum()) - np.bincount(at, own, size)
    rest[np.bincount(at, own > 0, size) == np.count_nonzero(weight > 0)] = 0.0
    first = np.bincount(at, own * gap, size) - rest * value
    return first, np.bincount(at, own * np.square(gap), size) + rest * np.square(value)


#: Share of the rows that a first, cheap fit is made to, and how many rows a parameter it needs.
_SHARE, _A_PARAMETER = 20, 20

#: Number of features from which a first fit to fewer rows saves nothing.
_WIDE = 200

#: Share of the size of the objective at the first start by which the second may exceed it.
_SLACK = 0.1

#: Distance to the optimum of the fewer rows, in standard errors, at which their fit ends: it is
#: some sqrt(20 P) of those of all rows away from theirs in any case.
_NEAR = 3.0

#: Iterates at that distance of which the next step still moves a logarithm by much, after which the
#: fewer rows have no optimum.
_RESTLESS = 3


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
    if objective.kinked and objective.explained(theta) is not None:
        # No row has a slope once all are met to rounding: fewer rows then seem to have an optimum.
        return theta
    fewer = objective.fewer(n)
    # Whether there is an optimum is asked of all rows.
    fewer.asked = False
    metric, near = engine.metric.anew(), 0

    def restless(iterate: Iterate, done: bool) -> bool:
        nonlocal near
        near += iterate.distance <= _NEAR
        return near > _RESTLESS

    found = run(fewer, replace(engine, tol=_NEAR, metric=metric), theta, rng, restless)
    # These rows are not held during the pass over all of them.
    del fewer
    if not (found.status is Status.CONVERGED and np.isfinite(found.theta).all()):
        return theta
    # Whether rows are explained exactly shows on the way there: at the end all digits are lost.
    if objective.narrowed(theta, found.theta):
        return theta
    # Rows that were not looked at may be far less likely there, such as those far out in x.
    least = found.history["objective"][0]
    if not objective.value(found.theta) < least + _SLACK * (1.0 + abs(least)):
        return theta
    engine.metric.begin_with(metric)
    return found.theta


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
    size = np.where(shift == 0.0, 1.0, np.abs(shift))
    return shift, np.maximum(np.where(scale == 0.0, size, scale), 0.25 * far)

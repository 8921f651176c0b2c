"""The start of a fit, which is the user's or the family's own, and its corrections."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import numpy as np

from natfit.distributions.base import Distribution
from natfit.fitting.data import in_range
from natfit.fitting.task import Task
from natfit.objectives import Likelihood

#: Number of rows on which a family checks a start that the user gave.
_FEW = 1_000


def start(family: Distribution, task: Task) -> np.ndarray:
    """Phase 6: return the given eta (K,), checked by the family, or the family's own start."""
    if task.start is not None:
        first = task.rows.block(0, min(_FEW, task.rows.n))
        family.check_start(first, np.asarray(task.start))
        return task.start
    with in_range(task.rows):
        return family.initial(task.rows.few(), task.rng)


def refine(family: Distribution, task: Task, eta: np.ndarray) -> np.ndarray:
    """Phase 7: return the start, corrected once all rows are seen and moved inside the limits."""
    if task.start is None:
        with in_range(task.rows):
            eta = family.refine_start(task.rows, eta)
    low, high, _ = family.limits
    return np.clip(eta, low, high)


def admit(objective: Likelihood, task: Task, eta: np.ndarray) -> np.ndarray:
    """Return the start (K,), moved if a prior excludes it or a row has no density there."""
    if task.start is None:
        return objective.feasible(eta)
    model = objective.model
    if np.isfinite(objective.value_and_grad(model.init(task.rng, eta))[0]):
        return eta
    return objective.distribution.refine_start(task.rows, eta)


def given_starts(
    start_params: Any, fitted: list[Distribution], known: Container[str] = ()
) -> list[np.ndarray]:
    """Return a start (K,) for each column of data, from native values or unconstrained numbers.

    Parameters
    ----------
    start_params : dict or array-like
        Native values by name, from which fixed parameters may be left out, or a vector of the
        unconstrained parameters that are not fixed.
    fitted : list of Distribution
        The family of each column.
    known : container of str
        Names of the parameters that are fixed.

    Returns
    -------
    list of ndarray of shape (K,)
        One start per column.

    Raises
    ------
    ValueError
        If the values are not valid for the family.
    """
    n = len(fitted)
    if isinstance(start_params, dict):
        free = {name: value for name, value in start_params.items() if name not in known}
        return [_native_start(free, family, j, n) for j, family in enumerate(fitted)]
    size, names = fitted[0].n_params, list(fitted[0].params)
    try:
        eta = np.asarray(start_params, dtype=np.float64)
        got = f"shape {eta.shape}"
    except (TypeError, ValueError):
        eta, got = np.empty(0), repr(start_params)
    if eta.size == size:
        eta = np.tile(eta.reshape(-1), n)
    if not eta.size or eta.size != n * size or not np.all(np.isfinite(eta)):
        raise ValueError(
            f"start_params must be a dict with native values of {names}, or {size} finite "
            f"unconstrained numbers, got {got}"
        )
    return list(eta.reshape(n, size))


def _native_start(start: dict, family: Distribution, column: int, n: int) -> np.ndarray:
    """Return the start of one column, taken from vectors with one number per column."""
    values = {}
    try:
        for name, value in start.items():
            array = np.asarray(value, dtype=np.float64)
            if family.event_shape == () and array.shape == (n,):
                array = array[column]
            values[name] = array
        return family.eta(**values)
    except (TypeError, ValueError) as error:
        raise ValueError(f"start_params must be valid native values: {error}") from error

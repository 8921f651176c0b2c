"""The start of a fit, which is the user's or the family's own, and its corrections."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

import numpy as np

from natfit.distributions.base import Distribution
from natfit.distributions.contract.elsewhere import unknown_parameter
from natfit.fitting.data import in_range
from natfit.fitting.task import Task
from natfit.objectives import Likelihood
from natfit.rows import Block

#: Number of rows on which a family checks a start that the user gave.
_FEW = 1_000


def start(family: Distribution, task: Task, alike: bool = False) -> np.ndarray:
    """Phase 6: return the given eta (K,), checked by the family, or the family's own start.

    Where all rows are ``alike``, the family's start is that of rows spread around them.

    Returns
    -------
    ndarray of shape (K,)
        Not yet moved inside the limits.
    """
    if task.start is None:
        return _own(family, task, alike)
    given = task.start
    if isinstance(given, Mapping):
        # What is left out is the family's own, corrected as it is where nothing is given.
        with in_range(task.rows, task.name):
            own = family.refine_start(task.rows, _own(family, task, False))
        given = _valid(family, {**family.native_dict(own), **given})
    first = task.rows.block(0, min(_FEW, task.rows.n))
    family.check_start(first, np.asarray(given))
    return given


def _own(family: Distribution, task: Task, alike: bool) -> np.ndarray:
    """Return the family's own start (K,)."""
    with in_range(task.rows, task.name):
        few = task.rows.few()
        return family.initial(_spread(family, few) if alike else few, task.rng)


def _spread(family: Distribution, few: Block) -> Block:
    """Return rows that lie around those given, within a tenth of their size, or of 1."""
    if family.event_shape != ():
        return few
    grid = np.linspace(-0.1, 0.1, 11)
    centre = float(np.median(few.y))
    if centre == 0.0 and family.support is not None and family.support.low == 0.0:
        grid = grid + 0.1
    return Block(centre + grid * (abs(centre) or 1.0))


def refine(family: Distribution, task: Task, eta: np.ndarray, alike: bool = False) -> np.ndarray:
    """Phase 7: return the start, corrected once all rows are seen and moved inside the limits."""
    if task.start is None and not alike:
        with in_range(task.rows, task.name):
            eta = family.refine_start(task.rows, eta)
    low, high, _ = family.limits
    return np.clip(eta, low, high)


def admit(objective: Likelihood, task: Task, eta: np.ndarray) -> np.ndarray:
    """Return the start (K,), moved if a prior excludes it or a row has no density there."""
    if task.start is None:
        return objective.feasible(eta)
    model = objective.model
    if np.isfinite(objective.value(model.init(task.rng, eta))):
        return eta
    return objective.distribution.refine_start(task.rows, eta)


def given_starts(
    start_params: Any, fitted: list[Distribution], known: Container[str] = ()
) -> list[np.ndarray | dict[str, np.ndarray]]:
    """Return a start for each column of data, from native values or unconstrained numbers.

    Parameters
    ----------
    start_params : dict or array-like
        Native values by name, of which any may be left out, or a vector of the unconstrained
        parameters that are not fixed.
    fitted : list of Distribution
        The family of each column.
    known : container of str
        Names of the parameters that are fixed.

    Returns
    -------
    list of ndarray of shape (K,), or of dict
        One start per column: eta, or the native values of some parameters by name.

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


def _native_start(
    start: dict, family: Distribution, column: int, n: int
) -> np.ndarray | dict[str, np.ndarray]:
    """Return the start of one column, taken from vectors with one number per column."""
    values = {}
    for name, value in start.items():
        if name not in family.params:
            rule = f"start_params must name some of the parameters of {type(family).__name__}"
            raise ValueError(unknown_parameter(family, name, rule))
        try:
            array = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"start_params[{name!r}] must be a number or an array of numbers, got {value!r}"
            ) from error
        if family.event_shape == () and array.shape == (n,):
            array = array[column]
        values[name] = array
    for name, array in values.items():
        # The values of some parameters are checked here, and all together where the rest is known.
        constraint = family.params[name]
        if array.shape == constraint.shape and not constraint.valid(array):
            raise ValueError(
                f"start_params must be valid native values: {name} must be {constraint.rule}, got "
                f"{array}"
            )
    return _valid(family, values) if len(values) == len(family.params) else values


def _valid(family: Distribution, values: dict[str, Any]) -> np.ndarray:
    """Return the eta (K,) of native values by name, or say that the start is not valid."""
    try:
        return family.eta(**values)
    except (TypeError, ValueError) as error:
        raise ValueError(f"start_params must be valid native values: {error}") from error

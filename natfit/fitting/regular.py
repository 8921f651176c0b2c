"""A fit in coordinates that are regular at a family's limits, published in the family's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from natfit.distributions.contract.regular import Regular
from natfit.fitting.result import Result
from natfit.fitting.starts import start
from natfit.fitting.task import Task
from natfit.inference import Information
from natfit.optimize import Fit


def regular_of(task: Task) -> Regular | None:
    """Return the family in its regular coordinates; None where the task must keep its own.

    Own coordinates are kept if theta has a meaning that the user chose (native coordinates, a
    conditional model), or if a prior or a limit belongs to one parameter: a family with known or
    limited parameters has no regular form.

    Returns
    -------
    Regular or None

    Raises
    ------
    ValueError
        If the form needs rows of which only a summary is left.
    """
    model = task.model
    if task.prior or not model.shared or getattr(model, "coordinates", None) is None:
        chosen = not task.prior and model.shared
    else:
        chosen = bool(getattr(model.coordinates, "unconstrained", False))
    found = task.family.regular(task.rows) if chosen else None
    if found is not None and task.summary is not None:
        raise ValueError(
            f"{task.name} must differ by more than a millionth of its size where only a summary "
            "of the rows is left, whose digits do not determine the spread; fit all rows together"
        )
    return found


def regular_task(task: Task, form: Regular) -> Task:
    """Return the task with the family in its regular coordinates."""
    hook = None if task.hook is None else _own(task.hook, form)
    # A start at the end of a range may have no counterpart: its likelihood is judged later.
    with np.errstate(all="ignore"):
        own = start(task.family, task) if isinstance(task.start, Mapping) else task.start
        given = None if own is None else form.from_own(np.asarray(own, dtype=np.float64))
    return replace(task, family=form.family, start=given, hook=hook)


def published(task: Task, form: Regular, result: Result) -> Result:
    """Return a result in the coordinates of the task's own family."""
    other: Any = result.eta
    eta, jacobian = form.to_own(other), form.jacobian(other)
    model = task.model.bind(task.rows.n_features, task.family, task.constant, origin=eta)
    touched = np.abs(jacobian[:, list(result.at_bound)]).sum(axis=1) > 0
    return replace(
        result,
        fit=_published_fit(form, result.fit, list(task.family.eta_names())),
        model=model,
        eta=eta,
        information=_pulled(result.information, jacobian),
        at_bound=tuple(np.flatnonzero(touched).tolist()),
        summary=None,
        past=None,
    )


def _published_fit(form: Regular, fit: Fit, names: list[str]) -> Fit:
    history = fit.history
    thetas = np.array([form.to_own(theta) for theta in history.theta])
    own = form.to_own(fit.theta)
    lost = tuple(names) if fit.verdict.unidentified else ()
    return Fit(
        replace(fit.iterate, theta=own),
        replace(fit.verdict, theta=own, unidentified=lost),
        history.at(thetas),
    )


def _pulled(found: Information, jacobian: np.ndarray) -> Information:
    """The information in other coordinates at an optimum: J^-T I J^-1."""
    inverse = np.linalg.inv(jacobian)
    # Where a fit ended at the end of a range, it is not finite, and no standard error is.
    with np.errstate(all="ignore"):
        matrix = inverse.T @ found.matrix @ inverse
        prior = None if found.prior is None else inverse.T @ found.prior @ inverse
    # Where entries are exact, their sums need not be: of those the inverse may have no digits.
    regular = (found.matrix, jacobian) if found.exact else None
    return replace(found, matrix=0.5 * (matrix + matrix.T), prior=prior, regular=regular)


def _own(hook: Callable, form: Regular) -> Callable:
    return lambda iterate, done: hook(_Own(iterate, form), done)


class _Own:
    """An iterate in the coordinates of the family itself, for callbacks."""

    def __init__(self, iterate: Any, form: Regular):
        self._iterate = iterate
        self.theta = form.to_own(iterate.theta)
        self.eta = form.to_own(iterate.eta)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._iterate, name)

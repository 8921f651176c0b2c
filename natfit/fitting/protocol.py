"""The protocol of a fit, in the order in which everything is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from natfit import inference
from natfit.distributions.base import Distribution
from natfit.distributions.wrappers.fixed import Fixed
from natfit.fitting.data import check, degenerate, summarise
from natfit.fitting.nested import lower, settle
from natfit.fitting.result import Result
from natfit.fitting.starts import admit, refine, start
from natfit.fitting.task import Task
from natfit.iterate import Status
from natfit.models import Model
from natfit.objectives import Likelihood, Penalised
from natfit.optimize import Engine, Fit, run

#: The phases by the names of the functions below, in order. Phase 1, the options, belongs to all
#: columns of data together (:func:`natfit.fitting.options.adjust`); 9 and 10 may repeat.
PHASES = (
    "adjust",
    "bind",
    "summarise",
    "check",
    "degenerate",
    "start",
    "refine",
    "pose",
    "descend",
    "lower",
    "judge",
    "inform",
)


def fit(task: Task) -> Result:
    """Run a task through the phases of a fit.

    1. *adjust*: constraints, limits, a window, censoring and known values make the family
       (done before, in :mod:`natfit.fitting.options`).
    2. *bind*: the family takes its dimension, and limits that depend on the data, from the rows.
    3. *summarise*: the data are reduced to one weighted row where the family allows it.
    4. *check*: rows that are not finite or outside the support are refused.
    5. *degenerate*: data without a maximum inside the family are refused.
    6. *start*: the given eta, or the family's own from a few rows.
    7. *refine*: the start once all rows are seen, inside the family's limits.
    8. *pose*: the model is bound, the objective made, the start moved where the objective is
       finite, the metric prepared.
    9. *descend*: the loop.
    10. *lower*: where a simpler family's optimum is lower, phase 9 begins again there.
    11. *judge*: the family's word where no end was found because there is none.
    12. *inform*: the information at the estimate.

    A conditional model takes the same way: its family is checked and started on y alone, and
    the model's own start is the theta at which every row has that eta.

    Parameters
    ----------
    task : Task
        What is fitted, to what, and how.

    Returns
    -------
    Result

    Raises
    ------
    ValueError
        For data or a start that the family cannot be fitted to or from; the message says why and
        what to do.
    """
    family = bind(task)
    summary = summarise(family, task.rows)
    check(family, task.rows, summary)
    degenerate(family, task.rows, summary)
    eta0 = start(family, task)
    eta0 = refine(family, task, eta0)
    problem = pose(family, task, summary, eta0)
    ended = settle(
        lambda theta, most: descend(task, problem, theta, most),
        lambda result: lower(problem.objective, problem.to_theta, result),
        problem.theta0,
        task.engine.max_iter,
        family.compare_after if task.engine.step.converges else None,
    )
    ended = judge(problem, ended)
    return inform(task, problem, ended)


def bind(task: Task) -> Distribution:
    """Phase 2: the family with its dimension, and limits that depend on the data."""
    return task.family.bind(task.rows) if task.family.information.complete else task.family


class Problem:
    """A task that is posed: what the loop minimises, from where, by which engine.

    Attributes
    ----------
    objective : Likelihood
    model : Model
        Bound to the family.
    engine : Engine
        Prepared for the objective.
    theta0 : ndarray of shape (P,)
        The start.
    """

    def __init__(
        self, objective: Likelihood, engine: Engine, eta0: np.ndarray, rng: np.random.Generator
    ):
        self.objective = objective
        self.model: Model = objective.model
        self.engine = engine
        self._rng = rng
        self.theta0 = self.to_theta(eta0)

    def to_theta(self, eta: np.ndarray) -> np.ndarray:
        """Theta (P,) at which every row has this eta (K,), or nearly."""
        return self.model.init(self._rng, eta)

    def shared_eta(self, theta: np.ndarray) -> np.ndarray | None:
        """The eta (K,) of all rows; None for a conditional model."""
        return self.model.eta(theta, None)[0] if self.model.shared else None


def pose(family: Distribution, task: Task, summary: Any | None, eta0: np.ndarray) -> Problem:
    """Phase 8: bind the model at the start, make the objective, admit the start to it."""
    model = task.model.bind(task.rows.n_features, family, task.constant, origin=eta0)
    terms = family, model, task.rows, summary if model.shared else None
    objective = Penalised(task.prior, *terms) if task.prior else Likelihood(*terms)
    eta0 = admit(objective, task, eta0)
    return Problem(objective, task.engine.prepared(objective), eta0, task.rng)


def descend(task: Task, problem: Problem, theta: np.ndarray, max_iter: int) -> Fit:
    """Phase 9: run the loop from theta for at most ``max_iter`` iterations."""
    engine = replace(problem.engine, max_iter=max_iter)
    hook = None if task.hook is None else _with_eta(task.hook, problem, task.whole)
    return run(problem.objective, engine, theta, task.rng, hook)


def judge(problem: Problem, result: Fit) -> Fit:
    """Phase 11: the fit, with the family's word where it found no end because there is none."""
    eta = problem.shared_eta(result.theta)
    if eta is None or result.status.good or result.status is Status.STOPPED_BY_CALLBACK:
        return result
    objective = problem.objective
    why = objective.distribution.no_maximum(objective.rows, eta)
    if why is None:
        return result
    verdict = replace(result.verdict, status=Status.UNBOUNDED, reason=why)
    return replace(result, verdict=verdict)


def inform(task: Task, problem: Problem, result: Fit) -> Result:
    """Phase 12: the information at the estimate, and the result in all of eta."""
    found = Result(
        result,
        problem.model,
        problem.shared_eta(result.theta),
        inference.information(problem.objective, result.theta),
        problem.engine.metric,
        problem.objective.total,
        result.iterate.active,
    )
    return found.whole() if task.whole else found


def _with_eta(hook: Callable, problem: Problem, whole: bool) -> Callable:
    return lambda iterate, done: hook(_WithEta(iterate, problem, whole), done)


class _WithEta:
    """An iterate that also knows the eta of all rows, for callbacks."""

    def __init__(self, iterate: Any, problem: Problem, whole: bool):
        self._iterate = iterate
        eta, family = problem.shared_eta(iterate.theta), problem.model.family
        if eta is not None and whole and isinstance(family, Fixed):
            eta = family.full(eta[None])[0]
        self.eta = eta

    def __getattr__(self, name: str) -> Any:
        return getattr(self._iterate, name)

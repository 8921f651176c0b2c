"""The protocol of a fit: its phases, in their order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from natfit import inference
from natfit.distributions.base import Distribution
from natfit.distributions.contract.support import OutsideSupport
from natfit.fitting.climb import best_start
from natfit.fitting.collapse import collapsed
from natfit.fitting.data import check, degenerate, in_range, summarise
from natfit.fitting.feasible import feasible
from natfit.fitting.nested import Simpler
from natfit.fitting.past import Past
from natfit.fitting.polish import polished
from natfit.fitting.regular import published, regular_of, regular_task
from natfit.fitting.result import Result
from natfit.fitting.running import at_rest
from natfit.fitting.search import Search, look, on_ridge
from natfit.fitting.starts import admit, refine, start
from natfit.fitting.task import Task
from natfit.iterate import Status
from natfit.metrics.observed import ObservedInformation
from natfit.models import Constant, Model
from natfit.objectives import Likelihood, Penalised
from natfit.optimize import Engine, Fit, run
from natfit.rows import Block, Rows

#: The phases in order, by the names of the functions below. Phase 1, the options, is done once for
#: all columns of data (:func:`natfit.fitting.options.adjust`). Phases 9 and 10 may be repeated.
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

    1. *adjust*: constraints, limits, a window, censoring and known values change the family
       (done before, in :mod:`natfit.fitting.options`).
    2. *bind*: the family takes its dimension, and limits that depend on the data, from the rows.
    3. *summarise*: the data are reduced to one weighted row where the family allows it.
    4. *check*: rows that are not finite or outside the support are refused.
    5. *degenerate*: data without a maximum inside the family are refused. With a prior or limits
       they are refused only after the fit, if that finds no maximum either.
    6. *start*: the start is the given eta, or one that the family computes from a few rows.
    7. *refine*: the start is corrected once all rows are seen, and moved inside the limits.
    8. *pose*: the model is bound, the objective is made, the start is moved to where the objective
       is finite, and the metric is prepared. If the family has further starts, a short descent is
       made from each, and the start is the best end of all.
    9. *descend*: the loop runs. If the objective is not finite at the family's own start, it runs
       from another one that fixed values and bounds allow.
    10. *lower*: if a simpler family's optimum, or a point in a direction that the data hardly
        determine, has a lower objective, phase 9 begins again there.
    11. *judge*: the family is asked whether the fit has reached a limit of it, and, if no optimum
        was found, whether there is none.
    12. *inform*: the information at the estimate is computed, except for a regression so large that
       it would cost more than the fit: that waits until it is asked for.

    A family that has other coordinates, in which it is regular at its limits, is fitted in these,
    and the result is published in its own (:mod:`natfit.fitting.regular`).

    A conditional model goes through the same phases. Its family is checked and started on y alone,
    and the model starts at the theta at which every row has the eta of that start.

    Parameters
    ----------
    task : Task
        The family, the rows, the model and the engine.

    Returns
    -------
    Result

    Raises
    ------
    ValueError
        If the family cannot be fitted to the data, or not from the given start; the message says
        why, and what to do.
    OutsideSupport
        A ValueError, if a row lies outside the support of the family.
    """
    form = regular_of(task)
    if form is not None:
        try:
            return published(task, form, fit(regular_task(task, form)))
        except OutsideSupport:
            # The message names the family that was asked for.
            check(bind(task), task.rows, None, task.name)
            raise
    family = bind(task)
    # Summaries of intervals are tables of them, which serve rows that share eta.
    tables = task.model.shared or family.information.complete
    summary = task.summary
    if summary is None and tables:
        summary = summarise(family, task.rows)
    check(family, task.rows, summary, task.name)
    # Equal rows with different offsets differ.
    moved = not task.model.shared and task.rows.few(1).offset is not None
    rescued = bool(task.prior) or family.has_given_limits or moved
    refusal = degenerate(family, task.rows, summary, rescued)
    if refusal is None:
        return inform(task, *_solved(task, family, summary), summary)
    try:
        problem, ended = _solved(task, family, summary, alike=True)
    except ValueError:
        raise refusal from None
    if ended.status in (Status.UNBOUNDED, Status.SINGULAR, Status.NON_FINITE):
        raise refusal
    return inform(task, problem, ended, summary)


def _solved(
    task: Task, family: Distribution, summary: Any | None, alike: bool = False
) -> tuple[Problem, Fit]:
    """Take a family and data that are checked, and may be ``alike``, through phases 6 to 11."""
    family, eta0 = begin(family, task, alike)
    problem = pose(family, task, summary, eta0)
    objective = problem.objective
    simpler = Simpler(objective, problem.to_theta, problem.engine, task.rng)
    search = Search(
        lambda theta, most, newton: descend(task, problem, theta, most, newton),
        lambda result: lower(simpler, result),
        lambda result: look(objective, result),
        lambda result, around: on_ridge(objective, result, around),
        lambda: recover(task, problem, eta0),
        task.engine.max_iter,
        family.compare_after if task.engine.step.converges else None,
    )
    theta = problem.theta0
    if objective.regresses:
        # Densities are fitted without the modules of regressions.
        from natfit.fitting.regression import start_of

        theta = start_of(objective, problem.engine, theta, task)
    return problem, judge(problem, search.settle(theta))


def bind(task: Task) -> Distribution:
    """Phase 2: return the family with its dimension, and limits that depend on the data."""
    return task.family.bind(task.rows)


def begin(family: Distribution, task: Task, alike: bool = False) -> tuple[Distribution, np.ndarray]:
    """Phases 6 and 7: return the family that is fitted, and its start (K,).

    A family may hold parameters in which the likelihood has no derivative; then fewer are fitted.

    Returns
    -------
    family : Distribution
    eta : ndarray of shape (K,)
    """
    if task.start is None and not (task.prior or alike) and task.model.shared:
        with in_range(task.rows, task.name):
            found = family.held(task.rows)
        if found is not None:
            held, eta = found
            low, high, _ = held.limits
            return held, np.clip(eta, low, high)
    return family, refine(family, task, start(family, task, alike), alike)


class Problem:
    """A task that is posed: the objective, the start and the engine of the loop.

    Attributes
    ----------
    objective : Likelihood
    model : Model
        The model, bound to the family.
    engine : Engine
        The engine, prepared for the objective.
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
        self._centre: np.ndarray | float = 0.0
        if objective.regresses:
            from natfit.fitting.regression import centre_of_offsets

            self._centre = centre_of_offsets(objective)
        self.theta0 = self.to_theta(eta0)

    def to_theta(self, eta: np.ndarray) -> np.ndarray:
        """Return the theta (P,) at which every row has this eta (K,), or nearly."""
        return self.model.init(self._rng, eta - self._centre)

    def shared_eta(self, theta: np.ndarray) -> np.ndarray | None:
        """Return the eta (K,) that all rows share; None for a conditional model."""
        return self.model.eta(theta, None)[0] if self.model.shared else None


def pose(family: Distribution, task: Task, summary: Any | None, eta0: np.ndarray) -> Problem:
    """Phase 8: bind the model, make the objective, and move the start to where it is finite."""
    model = task.model.bind(task.rows.n_features, family, task.constant, origin=eta0)
    objective = _objective(task, family, model, task.rows, summary if model.shared else None)
    objective.bound_note = objective.bound_note or family.note
    eta0 = admit(objective, task, eta0)
    if task.start is None and model.shared:
        plain = Constant().bind(0, family)

        def posed(rows: Rows) -> Likelihood:
            known = summary if rows is task.rows else None
            return _objective(task, family, plain, rows, known)

        eta0 = best_start(family, task.rows, posed, eta0)
    return Problem(objective, task.engine.prepared(objective), eta0, task.rng)


def _objective(
    task: Task, family: Distribution, model: Model, rows: Rows, summary: Any | None
) -> Likelihood:
    """Return the negative mean log-likelihood, with the prior of the task if it has one."""
    if not model.shared:
        from natfit.objectives import Jeffreys, Regression

        kind = Jeffreys if task.prior == "jeffreys" else Regression
        return kind(family, model, rows, *_penalty(task, family, model))
    terms = family, model, rows, summary
    return Penalised(task.prior, *terms) if isinstance(task.prior, dict) else Likelihood(*terms)


def _penalty(
    task: Task, family: Distribution, model: Model
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return lambda (P,) of a ridge penalty in units of theta, and what predictors share."""
    if not task.ridge:
        return None, None
    alpha = np.zeros(family.n_params)
    for name, strength in task.ridge.items():
        alpha[family.blocks[name]] = strength
    return model.penalty(alpha), family.contrast


def recover(task: Task, problem: Problem, eta: np.ndarray) -> np.ndarray | None:
    """Phase 9, where the objective is not finite: return another theta to start at, or None."""
    if task.start is not None:
        return None

    def value(eta: np.ndarray) -> float:
        value, grad = problem.objective.first_order(problem.to_theta(eta))
        return value if np.isfinite(grad).all() else np.inf

    family = problem.objective.distribution
    found = feasible(family, task.rows, eta, value)
    if found is None and problem.objective.regresses:
        from natfit.fitting.regression import refuse_start

        refuse_start(problem.objective, problem.theta0)
    if found is None:
        where = task.rows.first(_without_density, family, eta)
        if where is not None:
            got = task.rows.row(where).y[0]
            raise ValueError(
                "fixed, bounds and the prior must give a finite likelihood, and row "
                f"{where}, {got}, has no density where a start was looked for; change the known "
                "values or the limits, or pass start_params"
            )
    return None if found is None else problem.to_theta(found)


def _without_density(block: Block, family: Distribution, eta: np.ndarray) -> np.ndarray:
    """Tell which rows of a block have no density at eta (K,)."""
    with np.errstate(all="ignore"):
        return ~np.isfinite(family.log_density(block.y, eta[None]))


def descend(
    task: Task, problem: Problem, theta: np.ndarray, max_iter: int, newton: bool = False
) -> Fit:
    """Phase 9: run the loop from theta for at most ``max_iter`` iterations, perhaps Newton's."""
    engine = replace(problem.engine, max_iter=max_iter)
    if newton:
        engine = replace(engine, metric=ObservedInformation())
    return run(problem.objective, engine, theta, task.rng, hook_of(task, problem))


def lower(simpler: Simpler, result: Fit) -> np.ndarray | None:
    """Phase 10: return the theta of a simpler family's optimum that is lower, or None."""
    return simpler.lower(result)


def judge(problem: Problem, result: Fit) -> Fit:
    """Phase 11: return the fit; if the family has a limit or no optimum there, in its words."""
    eta = problem.shared_eta(result.theta)
    if eta is None or result.status is Status.STOPPED_BY_CALLBACK:
        return result
    objective = problem.objective
    with np.errstate(all="ignore"):
        point = collapsed(objective, result)
        if point is not None:
            return _ended(result, Status.UNBOUNDED, point)
        # Where rounding hides a descent there need be no optimum.
        if not result.status.good or result.status is Status.ROUNDING_FLOOR:
            why = objective.distribution.no_maximum(objective.rows, eta)
            if why is not None:
                return _ended(result, Status.UNBOUNDED, why)
        limit = objective.distribution.limit_at(objective.rows, eta)
    return result if limit is None else _ended(result, Status.BOUNDARY, limit)


def _ended(result: Fit, status: Status, why: str) -> Fit:
    return replace(result, verdict=replace(result.verdict, status=status, reason=why))


def inform(task: Task, problem: Problem, result: Fit, summary: Any | None = None) -> Result:
    """Phase 12: return the result, with the information at the estimate and all of eta."""
    at_limit, objective = result.iterate.active, problem.objective
    info = None
    if inference.at_once(objective):
        # Where a fit ran off, it may overflow: its status says so.
        with np.errstate(all="ignore"):
            info = inference.information(objective, result.theta, at_limit=at_limit)
            exact = polished(problem, result, info)
            if exact is not result:
                result = exact
                info = inference.information(objective, result.theta, at_limit=at_limit)
    found = Result(
        result,
        problem.model,
        problem.shared_eta(result.theta),
        info,
        problem.engine.metric,
        objective.total,
        at_limit,
        objective.log_likelihood(result.theta, result.iterate.value),
        summary=summary,
    )
    found = replace(found, past=_at_rest(problem, found))
    return found.whole() if _whole(task, problem) else found


def _at_rest(problem: Problem, found: Result) -> Past | None:
    """Return the quadratic of rows whose estimate is near a limit, if they have no summary."""
    objective, info, family = problem.objective, found.information, problem.model.family
    shared = problem.model.shared
    if (shared and isinstance(found.summary, tuple)) or family.row_ends or family.held_coordinates:
        return None
    if info is None or not (shared or problem.model.linear):
        return None
    ended = found.fit.status.good or found.fit.status is Status.BOUNDARY
    if not ended:
        return None
    at = found.fit.theta if found.eta is None else found.eta
    return at_rest(objective, at, found.at_bound, found.total * info.matrix)


def _whole(task: Task, problem: Problem) -> bool:
    """Tell whether the result includes parameters that are not fitted."""
    return task.whole or bool(problem.objective.distribution.held_coordinates)


def hook_of(task: Task, problem: Problem) -> Callable | None:
    """Return the task's hook, which is told the model and the eta of all rows too; None if none."""
    hook, whole = task.hook, _whole(task, problem)
    if hook is None:
        return None
    return lambda iterate, done: hook(_WithEta(iterate, problem, whole), done)


class _WithEta:
    """An iterate with the eta of all rows and the model, for callbacks."""

    def __init__(self, iterate: Any, problem: Problem, whole: bool):
        self._iterate, self.model = iterate, problem.model
        eta, family = problem.shared_eta(iterate.theta), problem.model.family
        if eta is not None and whole:
            eta = family.completed.full(eta[None])[0]
        self.eta = eta

    def __getattr__(self, name: str) -> Any:
        return getattr(self._iterate, name)

"""Fits that stop early, take their rows in batches, or train a network: no optimum is claimed.

A network's likelihood has no optimum that is worth reaching, and its information matrix is singular
and large. What decides is a damped step on all rows or on a batch of them, and rows that were held
out. The distance to the optimum is measured with the damping.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from natfit._validation import check_bool, check_number
from natfit.damping.fixed import FixedDamping
from natfit.damping.none import NoDamping
from natfit.distributions.base import Distribution
from natfit.fitting.batches import Descent, local_at, n_curved, step_on
from natfit.fitting.data import check, degenerate, summarise
from natfit.fitting.held_out import constants_of
from natfit.fitting.protocol import Problem, begin, bind, hook_of, pose
from natfit.fitting.regression import standardised, width
from natfit.fitting.result import Result
from natfit.fitting.task import Task
from natfit.iterate import Iterate, Status
from natfit.models import Model
from natfit.models.linear_predictors import LinearPredictors
from natfit.models.standardised import Standardised
from natfit.objectives import Regression
from natfit.optimize import Engine, Fit, History
from natfit.optimize.messages import Verdict
from natfit.rows import Rows
from natfit.solvers.auto import DENSE_LIMIT, AutoSolver
from natfit.solvers.cg import CGSolver

#: lambda of the damping lambda I of networks, whose weights have a natural unit.
_DAMPING = 0.1

#: Products of conjugate gradients of a solve for a network: the direction need not be exact.
_PRODUCTS = 20

#: Standard errors of the distance, measured with the damping, that a tol of 1 stands for in a
#: network: the default of 1e-5 is one standard error, what is nearer is noise. With tol=0 all
#: iterations are made.
_TRAINED = 1e5

#: Factor by which the largest density of a row has grown where a network passes through rows.
_GROWN = 1e3

#: Rows whose density is looked at.
_FEW = 4_096

#: Operations beyond which no matrix of a network is formed: of all rows, and of a batch, whose
#: directions are used once. Measured: batches of 400 and 1,000 rows with 1,442 weights take 2.6
#: and 18 times less time for as many passes with conjugate gradients, and the log-likelihood of
#: other rows at their end is within .01 a row or higher.
_WORK, _WORK_OF_BATCH = 2e10, 5e8


@dataclass(frozen=True)
class Training:
    """How rows are taken, and when training ends.

    Attributes
    ----------
    batch_size : int or None
        Rows of a batch; None for all rows at once. An iteration is then a pass over all batches.
    early_stopping : bool
        Whether rows are held out, and the theta with their best likelihood is kept.
    validation_fraction : float
        Share of the rows that are held out.
    patience : int
        Iterations without a better likelihood of these rows after which training ends.
    stratify : bool
        Whether y are classes, of each of which the same share is held out.
    """

    batch_size: int | None = None
    early_stopping: bool = False
    validation_fraction: float = 0.1
    patience: int = 10
    stratify: bool = False

    def check(self) -> None:
        """Check the ranges of all options; raise ValueError or TypeError."""
        check_bool(self.early_stopping, "early_stopping")
        if self.batch_size is not None:
            check_number(self.batch_size, "batch_size", low=1, integer=True, hint="200")
        bounds: dict[str, Any] = {"low": 0.0, "high": 1.0, "hint": "0.1"}
        bounds |= {"closed_low": False, "closed_high": False}
        check_number(self.validation_fraction, "validation_fraction", **bounds)


@dataclass
class _Run:
    """What training has seen so far."""

    iterates: list[Iterate] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    best: int = 0


def needed(model: Model, how: Training) -> bool:
    """Tell whether a fit is training: a network, batches, or rows that are held out."""
    return isinstance(model, Standardised) or how.batch_size is not None or how.early_stopping


def train(task: Task, how: Training) -> tuple[Result, np.ndarray]:
    """Train a conditional model on the rows of a task.

    The family is bound, checked and started as in :func:`natfit.fitting.fit`. Nothing is computed
    of the information at the end.

    Returns
    -------
    result : Result
        Its information is None.
    held_out : ndarray of shape (n_iter + 1,)
        Mean log-likelihood of the rows that were held out, the start first; empty without any.

    Raises
    ------
    ValueError
        If the family cannot be fitted to the data, or an option is out of its range.
    """
    how.check()
    family = bind(task)
    summary = summarise(family, task.rows)
    check(family, task.rows, summary, task.name)
    degenerate(family, task.rows, summary)
    kept, held = _split(task, how)
    task, problem, engine = posed(family, replace(task, rows=kept), how)
    objective = problem.objective
    assert isinstance(objective, Regression)
    seen = None if held is None else objective.at_rows(held)
    run = _Run()
    task = replace(task, hook=hook_of(task, problem))
    start = problem.theta0 if task.raw is None else problem.model.of_raw(task.raw)
    status = _iterate(objective, engine, start, task, how, seen, run)
    last = run.iterates[run.best if held is not None else -1]
    if status is Status.CONVERGED and last is not run.iterates[-1]:
        # What is kept is not where the descent ended.
        status = Status.EARLY_STOPPED
    verdict = Verdict.of(status, objective, last, engine.tol, engine.max_iter)
    verdict = _endless(verdict, objective, run)
    verdict = _passes_through(_said(verdict, how, run, objective), objective, held, run)
    history = History.from_iterates(run.iterates, {"kl": "steps of batches have none"})
    fit = Fit(replace(last, n_iter=run.iterates[-1].n_iter), verdict, history)
    total = objective.log_likelihood(fit.theta, objective.first_order(fit.theta)[0])
    weight = objective.total
    result = Result(
        fit, problem.model, None, None, engine.metric, weight, last.active, total, engine
    )
    return result, -np.array(run.values)


def posed(family: Distribution, task: Task, how: Training) -> tuple[Task, Problem, Engine]:
    """Return what steps on the rows of a task need; features are scaled by these rows.

    Parameters
    ----------
    family : Distribution
        The family of the task, bound.
    task : Task
        The task.
    how : Training
        How rows are taken.

    Returns
    -------
    task : Task
        The task with a model of scaled features.
    problem : Problem
        The objective and the start, ``problem.theta0``.
    engine : Engine
        The components, with what networks need.
    """
    task = replace(task, model=_standard(task.model, task.rows))
    family, eta0 = begin(family, task)
    problem = pose(family, task, None, eta0)
    return task, problem, _engine(problem, how)


def _endless(verdict: Verdict, objective: Regression, run: _Run) -> Verdict:
    """Return a verdict that says so where the likelihood of a linear model has no maximum."""
    last = run.iterates[-1]
    if verdict.status is not Status.CONVERGED or last.natural_step is None:
        return verdict
    if objective.settled(last.theta, last.natural_step):
        return verdict
    why = objective.without_minimum([i.theta for i in run.iterates], near=True)
    if why is None:
        return verdict
    return replace(verdict, status=Status.UNBOUNDED, reason=why.reason, remedy=why.remedy)


def _passes_through(
    verdict: Verdict, objective: Regression, held: Rows | None, run: _Run
) -> Verdict:
    """Return a verdict that says so where a network has come to single rows: it has no optimum."""
    family, few = objective.distribution, objective.rows.few(_FEW)
    ends = verdict.status in (Status.CONVERGED, Status.MAX_ITER)
    network = isinstance(objective.model, Standardised)
    if held is not None or not (ends and network) or family.known_support.integer:
        return verdict
    with np.errstate(all="ignore"):
        start, end = (
            family.log_density(few.y, _eta(objective, theta, few))
            for theta in (run.iterates[0].theta, verdict.theta)
        )
        grown = float(np.max(end)) - float(np.max(start))
    if not grown > math.log(_GROWN):
        return verdict
    reason = (
        f"the largest density of a row is {math.exp(min(grown, 700.0)):.2g} times that at the "
        "start: the network passes through rows, where the likelihood grows without limit, and "
        "predictions for other rows are far too sure"
    )
    remedy = "use early_stopping=True, alpha > 0, or a smaller network"
    return replace(verdict, status=Status.UNBOUNDED, reason=reason, remedy=remedy)


def _eta(objective: Regression, theta: np.ndarray, few: Any) -> np.ndarray:
    eta = objective.model.eta(theta, few.X)
    if few.offset is None:
        return eta
    return eta + (few.offset[:, None] if few.offset.ndim == 1 else few.offset)


def _standard(model: Model, rows: Rows) -> Model:
    """Return a model whose features are centred and scaled by these rows."""
    if isinstance(model, LinearPredictors):
        return standardised(rows, model)
    if isinstance(model, Standardised) and model.shift is None and model.scale is None:
        return Standardised(model.model, *width(rows), columns=model.columns)
    return model


def _said(verdict: Verdict, how: Training, run: _Run, objective: Regression) -> Verdict:
    """Return a verdict in words that are those of rows held out, of batches, or of networks."""
    if verdict.status is Status.CONVERGED and isinstance(objective.model, Standardised):
        reason = (
            f"the distance to the optimum, with the damping, is {verdict.distance:.2g} standard "
            f"errors, within {verdict.tol:.2g}, which is tol={verdict.tol / _TRAINED:.2g} of a "
            "network; a smaller tol trains it further"
        )
        return replace(verdict, reason=reason)
    if verdict.status is Status.EARLY_STOPPED:
        made, value = len(run.iterates) - 1, f"{-run.values[run.best]:.6g} a row"
        if made - run.best < how.patience:
            reason = (
                f"the descent ended after {made} iterations; the estimate is that after "
                f"{run.best}, where the log-likelihood of the rows held out, {value}, is highest"
            )
        else:
            reason = (
                "the log-likelihood of the rows held out has not risen for "
                f"{how.patience} iterations; the estimate is that after {run.best}, where it is "
                f"{value}"
            )
        return replace(verdict, reason=reason)
    if verdict.status is Status.MAX_ITER and how.batch_size is not None:
        reason = (
            f"{verdict.max_iter} passes over all batches were made, which is max_iter; batches "
            "have no distance to the optimum of all rows"
        )
        remedy = "raise max_iter, or let rows that are held out end the fit: early_stopping=True"
        return replace(verdict, reason=reason, remedy=remedy)
    return verdict


def _engine(problem: Problem, how: Training) -> Engine:
    """Return the engine, with what networks need where nothing else was asked for."""
    engine, objective = problem.engine, problem.objective
    if not isinstance(objective.model, Standardised):
        return engine
    engine = replace(engine, tol=_TRAINED * engine.tol)
    if isinstance(engine.damping, NoDamping):
        engine = replace(engine, damping=FixedDamping(_DAMPING))
    if isinstance(engine.solver, AutoSolver):
        rows, limit = objective.rows.n, _WORK
        if how.batch_size is not None:
            rows, limit = n_curved(min(rows, how.batch_size)), _WORK_OF_BATCH
        size, width = objective.n_params, objective.distribution.n_params
        costly = size <= DENSE_LIMIT and size**2 * rows * width > limit
        solver = CGSolver(max_iter=_PRODUCTS) if costly else AutoSolver(_PRODUCTS)
        engine = replace(engine, solver=solver)
    return engine


def _iterate(
    objective: Regression,
    engine: Engine,
    theta: np.ndarray,
    task: Task,
    how: Training,
    held: Regression | None,
    run: _Run,
) -> Status:
    """Append iterates to a run until it ends, and return why."""
    value, grad = objective.first_order(theta)
    iterate = Iterate(
        theta,
        value,
        grad,
        radius=engine.step.radius(objective),
        damping=engine.damping.start(),
    )
    steps = 0
    while True:
        local, started = None, time.perf_counter()
        if held is not None:
            iterate = _calibrated(objective, iterate, held, how)
        if how.batch_size is None:
            local = local_at(objective, engine, iterate, task.rng, objective)
            iterate = local.iterate
        run.iterates.append(iterate)
        if held is not None:
            value = held.first_order(iterate.theta)[0]
            run.values.append(-held.log_likelihood(iterate.theta, value) / held.total)
            if run.values[-1] < run.values[run.best]:
                run.best = len(run.values) - 1
        status = _ended(iterate, engine, how, run)
        if task.hook is not None and task.hook(iterate, status is not None):
            status = status or Status.STOPPED_BY_CALLBACK
        if status is not None:
            return status
        with np.errstate(all="ignore"):
            if local is not None:
                found = engine.step.step(local)
            else:
                found, steps = _epoch(objective, engine, iterate, task, how, steps)
        if found.status is not None:
            run.iterates[-1] = found
            return found.status
        iterate = replace(found, seconds=time.perf_counter() - started)


def _calibrated(
    objective: Regression, iterate: Iterate, held: Regression, how: Training
) -> Iterate:
    """Return an iterate whose parameters without features are those of the rows held out."""
    with np.errstate(all="ignore"):
        theta = constants_of(held, iterate.theta)
        if theta is iterate.theta:
            return iterate
        if how.batch_size is not None:
            return replace(iterate, theta=theta)
        value, grad = objective.first_order(theta)
    made = iterate.evaluations + 1
    return replace(iterate, theta=theta, value=value, grad=grad, evaluations=made)


def _ended(iterate: Iterate, engine: Engine, how: Training, run: _Run) -> Status | None:
    """Return why training ends at an iterate, or None."""
    if not (math.isfinite(iterate.value) and np.isfinite(iterate.theta).all()):
        return Status.NON_FINITE
    if run.values and len(run.values) - 1 - run.best >= how.patience:
        return Status.EARLY_STOPPED
    if iterate.distance <= engine.tol:
        return Status.CONVERGED
    return Status.MAX_ITER if iterate.n_iter >= engine.max_iter else None


def _epoch(
    objective: Regression, engine: Engine, iterate: Iterate, task: Task, how: Training, steps: int
) -> tuple[Iterate, int]:
    """Take one step on each batch of rows, in random order; return the iterate after them."""
    rows, value, total, evaluations = objective.rows, 0.0, 0.0, 0
    size = min(how.batch_size or rows.n, rows.n)
    state = Descent(iterate.theta, iterate.damping, iterate.radius, iterate.memory, steps)
    per_pass = max(1, round(rows.n / size))
    for some in rows.batches(size, task.rng):
        batch = objective.at_rows(some)
        state = step_on(batch, engine, state, task.rng, per_pass)
        assert state.last is not None
        value, total = value + state.last.value * batch.total, total + batch.total
        evaluations += state.evaluations
    made = state.last
    assert made is not None
    end = Iterate(
        state.theta,
        value / total,
        made.grad,
        n_iter=iterate.n_iter + 1,
        radius=iterate.radius,
        damping=made.damping,
        evaluations=evaluations,
        solver=made.solver,
        memory=made.memory,
    )
    return end, state.steps


def _split(task: Task, how: Training) -> tuple[Rows, Rows | None]:
    """Return the rows that are fitted and those that are held out."""
    rows, n = task.rows, task.rows.n
    if not how.early_stopping:
        # Rows of one chunk are not copied, and sums over another layout have other last bits.
        whole = how.batch_size is not None and rows.single
        return (rows.take(np.arange(n)) if whole else rows), None
    most = max(1, round(how.validation_fraction * n))
    if most >= n:
        raise ValueError(
            f"early_stopping holds out {most} of {n} rows, which leaves none to fit; give more "
            "rows or a smaller validation_fraction"
        )
    return rows.held_out(most, task.rng, how.stratify)

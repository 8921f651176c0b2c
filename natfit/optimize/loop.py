"""The loop. A fit, a minimisation and a policy update are all runs of :func:`descend`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from natfit.damping.base import Damping
from natfit.iterate import Iterate, Local
from natfit.iterate.rounding import noise
from natfit.iterate.status import Status
from natfit.linops import Diagonal, LinearOperator
from natfit.metrics.base import Metric
from natfit.objectives import Objective
from natfit.optimize._unbounded import runaway
from natfit.optimize.history import History
from natfit.solvers.base import Solver
from natfit.steps.base import Step

#: Parameters up to which the information is formed to measure convergence when the step's
#: metric is none.
_AFFORDABLE = 2_000


def descend(
    objective: Objective,
    metric: Metric,
    solver: Solver,
    step: Step,
    damping: Damping,
    theta0: np.ndarray,
    rng: np.random.Generator,
) -> Iterator[tuple[Iterate, LinearOperator]]:
    """Yield frozen iterates, the start first, each with the operator at it.

    Ends by itself only when a step finds no next iterate; the last one then has a status.
    Whoever consumes the generator decides when to stop (:func:`run`).
    """
    started = time.perf_counter()
    objective.evaluations = 0
    value, grad = objective.value_and_grad(theta0)
    iterate = Iterate(theta0, value, grad, radius=step.radius(objective), damping=damping.start())
    if not (np.isfinite(value) and np.all(np.isfinite(grad))):
        # No metric is asked for where there is not even a value.
        yield replace(iterate, status=Status.NON_FINITE), Diagonal(np.ones(len(theta0)))
        return
    while True:
        if metric.random:
            iterate = replace(iterate, rng_state=rng.bit_generator.state)
        operator = metric.at(objective, iterate, rng)
        local = Local(objective, operator, solver, damping, iterate, started)
        iterate = local.measured(_yardstick(objective, metric, iterate))
        local.iterate = iterate
        yield iterate, operator
        started = time.perf_counter()
        objective.evaluations = 0
        iterate = step.step(local)
        if iterate.status is not None:
            yield iterate, operator
            return


def advance(
    objective: Objective,
    metric: Metric,
    solver: Solver,
    step: Step,
    damping: Damping,
    theta0: np.ndarray,
    rng: np.random.Generator,
    state: float | None = None,
) -> tuple[Iterate, Iterate]:
    """One step of the loop, for an objective that is another one afterwards: start and end.

    Convergence is not measured: that takes a second solve, and a policy's surrogate has no
    optimum to be at. ``state`` is the damping's of the step before. An end without a next
    iterate has a status and the start's theta.
    """
    objective.evaluations = 0
    value, grad = objective.value_and_grad(theta0)
    first = damping.start() if state is None else state
    start = Iterate(theta0, value, grad, radius=step.radius(objective), damping=first)
    if not (np.isfinite(value) and np.all(np.isfinite(grad))):
        return start, replace(start, status=Status.NON_FINITE)
    operator = metric.at(objective, start, rng)
    local = Local(objective, operator, solver, damping, start, last=True)
    objective.evaluations = 0
    return start, step.step(local)


def _yardstick(objective: Objective, metric: Metric, iterate: Iterate) -> LinearOperator | None:
    """The information in which distance is measured; None where the metric's own serves."""
    if metric.is_information or objective.n_params > _AFFORDABLE:
        return None
    return objective.information(iterate.theta)


@dataclass(frozen=True)
class Fit:
    """What a run ended with.

    Attributes
    ----------
    iterate : Iterate
        The last one.
    status : Status
    message : str
        The status in words, with the parameters it concerns and the remedy.
    history : History
    """

    iterate: Iterate
    status: Status
    message: str
    history: History

    @property
    def theta(self) -> np.ndarray:
        """The estimate (P,)."""
        return self.iterate.theta

    @property
    def n_iter(self) -> int:
        """Steps taken, at least 1."""
        return max(1, self.iterate.n_iter)


def run(
    objective: Objective,
    metric: Metric,
    solver: Solver,
    step: Step,
    damping: Damping,
    theta0: np.ndarray,
    *,
    tol: float,
    max_iter: int,
    rng: np.random.Generator,
    callback: Callable[[Iterate, bool], bool] | None = None,
) -> Fit:
    """Descend until convergence, a failure, the cap, or a callback that returns True.

    ``callback(iterate, done)`` is called at every iterate, the start included; ``done`` says
    that the run ends here. A step that finds no next iterate ends it at the last one.
    """
    iterates: list[Iterate] = []
    status: Status | None = None
    for iterate, _ in descend(objective, metric, solver, step, damping, theta0, rng):
        if iterate.status is not None:
            status = iterate.status
            # The same point, with what the search that failed there has tried.
            iterates[-1:] = [iterate]
            if callback is not None:
                callback(iterates[-1], True)
            break
        iterates.append(iterate)
        status = _judge(objective, metric, iterate, tol, max_iter)
        if status is not None and not step.descends and _rose(iterates):
            # A step that may climb has left for where nothing changes any more.
            status = Status.NO_DESCENT if status is not Status.MAX_ITER else status
        stop = callback is not None and callback(iterate, status is not None)
        if stop and status is None:
            status = Status.STOPPED_BY_CALLBACK
        if status is not None:
            break
    last = iterates[-1]
    if status is Status.ROUNDING_FLOOR and (last.active or objective.bound_note is not None):
        status = Status.BOUNDARY
    lost = None
    if objective.probabilistic and not (status.good or status is Status.STOPPED_BY_CALLBACK):
        lost = runaway(iterates)
        status = status if lost is None else Status.UNBOUNDED
    history = History.from_iterates(iterates, _reasons(objective, metric, step))
    words = _message(status, last, objective, tol, max_iter, lost)
    if not step.descends and not status.good and _rose(iterates):
        first = iterates[0].value
        words += f"; the objective rose from {first:.6g} to {last.value:.6g}: shorten the step"
    return Fit(last, status, words, history)


def _rose(iterates: list[Iterate]) -> bool:
    """Whether the objective is higher than at the start, by more than rounding."""
    start = iterates[0].value
    return bool(iterates[-1].value > start + noise(start))


def _judge(
    objective: Objective, metric: Metric, iterate: Iterate, tol: float, max_iter: int
) -> Status | None:
    """Decide from one iterate whether and why to stop."""
    if iterate.distance <= tol and iterate.settled:
        if iterate.unidentified:
            return Status.SINGULAR
        if iterate.active or objective.bound_note is not None:
            return Status.BOUNDARY
        if objective.probabilistic and not _measured_in_information(objective, metric):
            return Status.GRADIENT_SMALL
        return Status.CONVERGED
    return Status.MAX_ITER if iterate.n_iter >= max_iter else None


def _measured_in_information(objective: Objective, metric: Metric) -> bool:
    return metric.is_information or objective.n_params <= _AFFORDABLE


def _message(
    status: Status,
    last: Iterate,
    objective: Objective,
    tol: float,
    max_iter: int,
    lost: int | None = None,
) -> str:
    """The status in words."""
    unit = "standard errors" if objective.probabilistic else "in the metric's norm"
    near = f"distance {last.distance:.2g} {unit}"
    if status is Status.CONVERGED:
        what = f"distance to the optimum {last.distance:.2g} {unit} <= tol {tol:g}"
    elif status is Status.GRADIENT_SMALL:
        what = f"natural gradient {last.distance:.2g} <= tol {tol:g}"
    elif status is Status.ROUNDING_FLOOR:
        what = f"rounding hides any further descent at {near}"
    elif status is Status.BOUNDARY:
        what = f"{_bounds(last, objective)}; everything else is at its optimum"
    elif status is Status.UNBOUNDED:
        side = "upper" if last.theta[lost] > 0 else "lower"
        what = f"{objective.bound(lost, side)} and the likelihood grows all the way"
    elif status is Status.MAX_ITER:
        what = f"max_iter={max_iter} reached at {near}, tol {tol:g}"
    elif status is Status.NO_DESCENT:
        what = f"no step along the direction lowers the objective {last.value:.6g}, at {near}"
    elif status is Status.SINGULAR:
        names = objective.names()
        which = ", ".join(names[i] for i in last.unidentified)
        what = f"the data do not determine {which}: the information matrix is singular in them"
    elif status is Status.NON_FINITE:
        where = np.array2string(last.theta, precision=4, threshold=6)
        what = f"the objective or its gradient is not finite ({last.value:.6g}) near {where}"
    else:
        what = f"a callback stopped the fit after {last.n_iter} iterations"
    # A bound that the caller of minimize set needs no remedy.
    own_bound = status is Status.BOUNDARY and not objective.probabilistic
    return f"{status.value}: {what}" + ("" if status.good or own_bound else f"; {status.remedy}")


def _bounds(last: Iterate, objective: Objective) -> str:
    """Which parameters rest at which bound."""
    if objective.bound_note is not None:
        return objective.bound_note
    low, _, _ = objective.limits()
    sides = ["lower" if last.theta[i] <= low[i] else "upper" for i in last.active]
    ends = [objective.bound(i, side) for i, side in zip(last.active, sides, strict=True)]
    return f"{', '.join(ends)}: the best value lies at this bound"


def _reasons(objective: Objective, metric: Metric, step: Step) -> dict[str, str]:
    """Why a column of the history may be NaN throughout."""
    never = "no step was taken"
    return {
        "kl": "the objective has no divergence in closed form or by quadrature, or " + never,
        "step_length": never,
        "predicted_kl": never,
        "radius": f"{type(step).__name__} has no trust radius",
        "metric_error": f"{type(metric).__name__} draws no samples",
    }

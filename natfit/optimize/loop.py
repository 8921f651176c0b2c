"""The loop. A fit, a minimisation and a policy update are all runs of :func:`descend`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from natfit.iterate import Iterate, Local, Status
from natfit.linops import Diagonal, LinearOperator
from natfit.metrics.base import Metric
from natfit.objectives import Objective
from natfit.optimize.engine import Engine

#: Parameters up to which the information is formed to measure convergence when the step's
#: metric is none.
_AFFORDABLE = 2_000


def descend(
    objective: Objective, engine: Engine, theta0: np.ndarray, rng: np.random.Generator
) -> Iterator[tuple[Iterate, LinearOperator]]:
    """Yield frozen iterates, the start first, each with the operator at it.

    Ends by itself only when a step finds no next iterate; the last one then has a status.
    Whoever consumes the generator decides when to stop (:func:`natfit.optimize.run.run`, whose
    docstring has the order of calls).

    Parameters
    ----------
    objective : Objective
        What is minimised.
    engine : Engine
        Its components; ``tol`` and ``max_iter`` are not asked for.
    theta0 : ndarray of shape (P,)
        The start.
    rng : numpy.random.Generator
        For metrics that draw.

    Yields
    ------
    iterate : Iterate
        Measured: with its norms and its distance to the optimum.
    operator : LinearOperator
        The metric at it, without damping.
    """
    engine = engine.prepared(objective)
    started = time.perf_counter()
    iterate = _start(objective, engine, theta0, engine.damping.start())
    if not _finite(iterate):
        # No metric is asked for where there is not even a value.
        yield replace(iterate, status=Status.NON_FINITE), Diagonal(np.ones(len(theta0)))
        return
    while True:
        if engine.metric.random:
            iterate = replace(iterate, rng_state=rng.bit_generator.state)
        operator = engine.metric.at(objective, iterate, rng)
        local = Local(objective, engine, operator, iterate, started)
        iterate = local.measured(_yardstick(objective, engine.metric, iterate))
        local.iterate = iterate
        yield iterate, operator
        started = time.perf_counter()
        objective.evaluations = 0
        iterate = engine.step.step(local)
        if iterate.status is not None:
            yield iterate, operator
            return


def advance(
    objective: Objective,
    engine: Engine,
    theta0: np.ndarray,
    rng: np.random.Generator,
    damping: float | None = None,
) -> tuple[Iterate, Iterate]:
    """One step of the loop, for an objective that is another one afterwards: start and end.

    Convergence is not measured: that takes a second solve, and a policy's surrogate has no
    optimum to be at.

    Parameters
    ----------
    objective : Objective
        What is minimised.
    engine : Engine
        Its components; ``tol`` and ``max_iter`` are not asked for.
    theta0 : ndarray of shape (P,)
        The start.
    rng : numpy.random.Generator
        For metrics that draw.
    damping : float, optional
        The damping's state after the step before; None for its first.

    Returns
    -------
    start : Iterate
        At theta0.
    end : Iterate
        After the step; without a next iterate it has a status and the start's theta.
    """
    engine = engine.prepared(objective)
    state = engine.damping.start() if damping is None else damping
    start = _start(objective, engine, theta0, state)
    if not _finite(start):
        return start, replace(start, status=Status.NON_FINITE)
    operator = engine.metric.at(objective, start, rng)
    local = Local(objective, engine, operator, start, last=True)
    objective.evaluations = 0
    return start, engine.step.step(local)


def _start(objective: Objective, engine: Engine, theta: np.ndarray, damping: float) -> Iterate:
    """The first iterate."""
    objective.evaluations = 0
    value, grad = objective.value_and_grad(theta)
    return Iterate(theta, value, grad, radius=engine.step.radius(objective), damping=damping)


def _finite(iterate: Iterate) -> bool:
    """Whether the objective and its gradient are finite."""
    return bool(np.isfinite(iterate.value) and np.all(np.isfinite(iterate.grad)))


def measures_in_information(objective: Objective, metric: Metric) -> bool:
    """Whether distances to the optimum are measured in an information of the objective."""
    return metric.is_information or objective.n_params <= _AFFORDABLE


def _yardstick(objective: Objective, metric: Metric, iterate: Iterate) -> LinearOperator | None:
    """The information in which distance is measured; None where the metric's own serves."""
    if metric.is_information or not measures_in_information(objective, metric):
        return None
    return objective.information(iterate.theta)

"""The loop, :func:`descend`, which fits, minimisations and updates of a policy all use."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from natfit.iterate import Iterate, Local, Status
from natfit.linops import Diagonal, LinearOperator
from natfit.metrics.base import Metric
from natfit.objectives import Objective
from natfit.optimize.engine import Engine

#: Maximum number of parameters for which an information matrix is formed only to measure
#: convergence, because the metric of the step is not an information.
_AFFORDABLE = 2_000


def descend(
    objective: Objective, engine: Engine, theta0: np.ndarray, rng: np.random.Generator
) -> Iterator[tuple[Iterate, LinearOperator]]:
    """Yield frozen iterates, the start first, each with the operator at it.

    The generator ends by itself only if a step finds no next iterate; the last iterate then has
    a status. The consumer of the generator decides when to stop otherwise. The consumer is
    :func:`natfit.optimize.run.run`, whose docstring lists the order of calls.

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
        An iterate with its norms and its distance to the optimum.
    operator : LinearOperator
        The metric at this iterate, without damping.
    """
    engine = engine.prepared(objective)
    started = time.perf_counter()
    iterate = _start(objective, engine, theta0, engine.damping.start())
    if not _finite(iterate):
        # The metric is not evaluated where the objective is not finite.
        yield replace(iterate, status=Status.NON_FINITE), Diagonal(np.ones(len(theta0)))
        return
    while True:
        if engine.metric.random:
            iterate = replace(iterate, rng_state=rng.bit_generator.state)
        # Far from the optimum numbers may overflow; what is not finite is noticed as such.
        objective.evaluations = 0
        with np.errstate(all="ignore"):
            operator = engine.metric.at(objective, iterate, rng)
            yardstick = _yardstick(objective, engine.metric, iterate)
            # A curvature by differences of the gradient evaluates it.
            if objective.evaluations:
                count = iterate.evaluations + objective.evaluations
                iterate = replace(iterate, evaluations=count)
            local = Local(objective, engine, operator, iterate, started)
            iterate = local.measured(yardstick)
        if math.isnan(iterate.natural_norm):
            yield replace(iterate, status=Status.NON_FINITE), operator
            return
        local.iterate = iterate
        yield iterate, operator
        started = time.perf_counter()
        objective.evaluations = 0
        with np.errstate(all="ignore"):
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
    memory: Any = None,
) -> tuple[Iterate, Iterate]:
    """Take one step on an objective that is replaced afterwards; return its start and its end.

    Convergence is not measured: it would need a second solve, and the surrogate of a policy is
    replaced before its optimum is reached.

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
        State of the damping after the previous step; None to start it anew.
    memory : object, optional
        What the step rule kept after the previous step; None if there was none.

    Returns
    -------
    start : Iterate
        The iterate at theta0.
    end : Iterate
        The iterate after the step. If no next iterate was found, it has a status and the theta
        of the start.
    """
    engine = engine.prepared(objective)
    state = engine.damping.start() if damping is None else damping
    start = replace(_start(objective, engine, theta0, state), memory=memory)
    if not _finite(start):
        return start, replace(start, status=Status.NON_FINITE)
    with np.errstate(all="ignore"):
        operator = engine.metric.at(objective, start, rng)
        local = Local(objective, engine, operator, start, last=True)
        objective.evaluations = 0
        return start, engine.step.step(local)


def _start(objective: Objective, engine: Engine, theta: np.ndarray, damping: float) -> Iterate:
    """Return the first iterate."""
    objective.evaluations = 0
    value, grad = objective.value_and_grad(theta)
    return Iterate(theta, value, grad, radius=engine.step.radius(objective), damping=damping)


def _finite(iterate: Iterate) -> bool:
    """Tell whether the objective and its gradient are finite at an iterate."""
    return bool(np.isfinite(iterate.value) and np.all(np.isfinite(iterate.grad)))


def measures_in_information(objective: Objective, metric: Metric) -> bool:
    """Tell whether the distance to the optimum is measured by an information matrix."""
    return metric.is_information or objective.n_params <= _AFFORDABLE


def _yardstick(objective: Objective, metric: Metric, iterate: Iterate) -> LinearOperator | None:
    """Return the information that measures the distance, or None if the metric measures it."""
    if metric.is_information or not measures_in_information(objective, metric):
        return None
    return objective.information(iterate.theta)

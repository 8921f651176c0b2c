"""An update of several steps: epochs over minibatches of a batch.

The rows are shuffled in every epoch and cut into minibatches of equal size, give or take one row;
each gives one step of the engine. With a target divergence, the update ends before the first step
on whose minibatch the ratios rho of the policy so far have mean(rho - 1 - log rho) > 1.5 target,
the rule of stable-baselines3's PPO.

Steps that need nothing but gradients (``blind`` rules in the Euclidean metric) allocate no arrays
of the size of a minibatch's network or of theta: rows are gathered into, and passes made in, memory
that the whole update uses.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from natfit.damping.none import NoDamping
from natfit.iterate import Iterate, Status, Trial
from natfit.metrics.euclidean import EuclideanMetric
from natfit.objectives import PolicySurrogate
from natfit.optimize import Engine, advance
from natfit.rows import Memory
from natfit.steps.base import MOST_TRIALS

#: The estimated divergence may be this many times the target.
_ROOM = 1.5


class Minibatches:
    """Parts of a batch, gathered into arrays that all parts of one size share.

    Parameters
    ----------
    surrogate : PolicySurrogate
        The objective on the whole batch of N rows.
    size : int or None
        Maximum number of rows of a part; None for a single part.
    refills : bool
        Whether a forward pass may overwrite the one before.
    """

    def __init__(self, surrogate: PolicySurrogate, size: int | None, refills: bool):
        self.whole, self._refills = surrogate, refills
        n = surrogate.rows.n
        block = surrogate.rows.block(0, n)
        self.count = 1 if size is None else -(-n // size)
        self._order = np.arange(n)
        self._made: dict[int, tuple[PolicySurrogate, list]] = {}
        self._columns = [block.y, block.X, block.weight, *block.extra[-2:]]

    def shuffled(self, rng: np.random.Generator) -> Iterator[PolicySurrogate]:
        """Yield the objective on each part of one epoch; it is valid until the next is asked for.

        Yields
        ------
        PolicySurrogate
            Of the kind of the whole batch's.
        """
        if self.count == 1:
            yield self._objective(len(self._order), self._columns)
            return
        rng.shuffle(self._order)
        smaller, larger = divmod(len(self._order), self.count)
        stop = 0
        for part in range(self.count):
            start, stop = stop, stop + smaller + (part < larger)
            yield self._gathered(self._order[start:stop])

    def _gathered(self, index: np.ndarray) -> PolicySurrogate:
        n = len(index)
        if n not in self._made:
            columns = [
                None if c is None else np.empty((n, *c.shape[1:]), c.dtype) for c in self._columns
            ]
            self._objective(n, columns)
        objective, columns = self._made[n]
        for source, column in zip(self._columns, columns, strict=True):
            if source is not None:
                # Without mode numpy gathers into another array first.
                np.take(source, index, axis=0, out=column, mode="clip")
        return objective.renewed()

    def _objective(self, n: int, columns: list) -> PolicySurrogate:
        if n not in self._made:
            objective = self.whole.over(Memory(*columns[:3]), columns[3], columns[4])
            objective.refills = self._refills
            self._made[n] = objective, columns
        return self._made[n][0]


@dataclass
class _Walk:
    """Where the steps of an update have come to."""

    theta: np.ndarray
    damping: float
    memory: Any
    steps: int = 0
    length: float = math.nan
    #: The gradient of the first step.
    grad: np.ndarray | None = None
    solver: str = ""
    products: int = 0
    residual: float = 0.0
    notes: dict[str, None] = field(default_factory=dict)
    trials: list[Trial] = field(default_factory=list)
    status: Status | None = None


def go_over(
    surrogate: PolicySurrogate,
    engine: Engine,
    theta: np.ndarray,
    rng: np.random.Generator,
    how: tuple[int, int | None, float | None],
    damping: float | None = None,
    memory: Any = None,
) -> tuple[Iterate, Iterate]:
    """Take the steps of one update; return its start and its end on the whole batch.

    Parameters
    ----------
    surrogate : PolicySurrogate
        The objective on the whole batch.
    engine : Engine
        The components.
    theta : ndarray of shape (P,)
        The start.
    rng : numpy.random.Generator
        For the shuffles, and for metrics that draw.
    how : tuple
        Number of epochs, rows per minibatch or None, target divergence in nats or None.
    damping : float, optional
        State of the damping after the previous update; None to start it anew.
    memory : object, optional
        What the step rule kept after the previous update.

    Returns
    -------
    start, end : Iterate
        ``end`` has a status, and the theta of the start, if no step was found or the objective is
        not finite where the steps led.
    """
    n_epochs, size, target = how
    blind = engine.step.blind and isinstance(engine.metric, EuclideanMetric)
    blind = blind and isinstance(engine.damping, NoDamping)
    parts = Minibatches(surrogate, size, refills=blind)
    walk = _Walk(theta, engine.damping.start() if damping is None else damping, memory)
    with np.errstate(all="ignore"):
        value = surrogate.value(theta)
        if blind:
            _by_gradients(walk, engine, parts, rng, n_epochs, target)
        else:
            _by_engine(walk, engine, parts, rng, n_epochs, target)
        found = surrogate.value(walk.theta)
    grad = np.full(len(theta), np.nan) if walk.grad is None else walk.grad
    start = Iterate(theta, value, grad, damping=walk.damping, memory=memory)
    if walk.steps and not math.isfinite(found):
        walk.steps, walk.status = 0, Status.NON_FINITE
    trials, notes = tuple(walk.trials), tuple(walk.notes)
    if not walk.steps:
        status = walk.status or Status.NO_DESCENT
        return start, replace(start, status=status, trials=trials, notes=notes)
    return start, Iterate(
        walk.theta,
        found,
        grad,
        n_iter=walk.steps,
        damping=walk.damping,
        step_length=walk.length,
        kl=surrogate.kl(theta, walk.theta),
        solver=walk.solver,
        solver_iterations=walk.products,
        residual=walk.residual,
        trials=trials,
        notes=notes,
        memory=walk.memory,
    )


class _Bounded:
    """The limits and the domain of theta, of which most coordinates have none."""

    def __init__(self, objective: PolicySurrogate):
        low, high, _ = objective.limits()
        self._at = np.flatnonzero(np.isfinite(low) | np.isfinite(high))
        self._low, self._high = low[self._at], high[self._at]
        self._model = objective.model

    def hold(self, theta: np.ndarray, grad: np.ndarray) -> None:
        """Set the gradient to 0 where a step would leave a limit that theta rests at."""
        if len(self._at):
            at, pull = theta[self._at], grad[self._at]
            out = (at <= self._low) & (pull > 0) | (at >= self._high) & (pull < 0)
            grad[self._at[out]] = 0.0

    def moved(self, theta: np.ndarray, before: np.ndarray, delta: np.ndarray) -> bool:
        """Write ``before + delta`` to theta, cut at the limits and halved until in the domain.

        Returns
        -------
        bool
            False if there is no such point; theta is then ``before``.
        """
        for _ in range(MOST_TRIALS):
            np.add(before, delta, out=theta)
            if len(self._at):
                theta[self._at] = np.clip(theta[self._at], self._low, self._high)
            if self._model.in_domain(theta):
                return True
            delta *= 0.5
        np.copyto(theta, before)
        return False


def _too_far(walk: _Walk, spread: float, target: float | None, steps: str) -> bool:
    """Tell whether the divergence so far ends the update, and note it."""
    # The order keeps NaN: nothing is known of a divergence that overflows, but that it is large.
    if target is None or not walk.steps or spread <= _ROOM * target:
        return False
    walk.notes[f"target_kl ended the update after {steps}"] = None
    return True


def _by_gradients(
    walk: _Walk,
    engine: Engine,
    parts: Minibatches,
    rng: np.random.Generator,
    n_epochs: int,
    target: float | None,
) -> None:
    """Step by gradients alone, in memory that is allocated here."""
    step, size = engine.step, len(walk.theta)
    walk.memory, walk.theta = step.begin(walk.memory, size), walk.theta.copy()
    grad, delta, before = np.empty(size), np.empty(size), walk.theta.copy()
    bounded = _Bounded(parts.whole)
    for epoch in range(n_epochs):
        for objective in parts.shuffled(rng):
            value, spread = objective.gradient(walk.theta, grad)
            if not math.isfinite(value + float(grad @ grad)):
                # The step before led here.
                np.copyto(walk.theta, before)
                walk.status = Status.NON_FINITE
                walk.notes["the objective of a minibatch is not finite"] = None
                return
            if _too_far(walk, spread, target, f"{walk.steps} steps, in epoch {epoch + 1}"):
                return
            if walk.grad is None:
                walk.grad = grad.copy()
            np.copyto(before, walk.theta)
            bounded.hold(before, grad)
            walk.length = step.change(grad, walk.memory, delta)
            if not bounded.moved(walk.theta, before, delta):
                walk.status = Status.NON_FINITE
                return
            walk.steps += 1


def _by_engine(
    walk: _Walk,
    engine: Engine,
    parts: Minibatches,
    rng: np.random.Generator,
    n_epochs: int,
    target: float | None,
) -> None:
    """Take one step of the engine on each minibatch."""
    for epoch in range(n_epochs):
        for objective in parts.shuffled(rng):
            if target is not None and walk.steps:
                spread = objective.spread(walk.theta)
                if _too_far(walk, spread, target, f"{walk.steps} steps, in epoch {epoch + 1}"):
                    return
            start, end = advance(objective, engine, walk.theta, rng, walk.damping, walk.memory)
            if walk.grad is None:
                walk.grad = start.grad
            walk.trials += end.trials
            walk.products += end.solver_iterations
            walk.notes |= dict.fromkeys(end.notes)
            if end.status is not None:
                walk.status = end.status
                continue
            walk.theta, walk.damping, walk.memory = end.theta, end.damping, end.memory
            walk.solver, walk.residual, walk.length = end.solver, end.residual, end.step_length
            walk.steps += 1

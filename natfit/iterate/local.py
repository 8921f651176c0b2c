"""The problem as a step rule sees it from one iterate."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from natfit.damping.base import Damping
from natfit.iterate.iterate import Iterate
from natfit.iterate.rounding import noise, product, rounding_at
from natfit.iterate.status import Status
from natfit.iterate.trial import Trial, refusals
from natfit.linops import LinearOperator, Restricted
from natfit.linops.restricted import Padded
from natfit.metrics.base import Metric
from natfit.objectives import Objective
from natfit.solvers.base import SolveInfo, Solver
from natfit.solvers.cholesky import CholeskySolver

#: Maximum number of solves with coordinates held at their limits; after them, coordinates are cut
#: without another solve.
_MOST_BOXED = 5

#: Number of parameters from which a product with the metric costs far more than one of vectors, and
#: the relative distance of two steps that rounding explains.
_MANY, _SAME = 1_000, 1e-8

#: Standard errors of rounding that a change of the objective must exceed to be none.
_ERRORS = 10.0


class Parts(Protocol):
    """The parts of an engine that a step rule uses."""

    @property
    def metric(self) -> Metric:
        """The metric, which gives the curvature and the divergence that a radius limits."""

    @property
    def solver(self) -> Solver:
        """The solver of (G + damping) d = grad for the direction d, (P,)."""

    @property
    def damping(self) -> Damping:
        """The damping, which is added to the curvature before the solve."""


class Local:
    """An objective at one iterate, with its metric, its limits and its solver.

    Coordinates that rest at a limit while the gradient pushes them outwards are taken out of the
    metric. All methods work on the other coordinates, which are free, and return vectors of the
    full length P.
    """

    def __init__(
        self,
        objective: Objective,
        engine: Parts,
        operator: LinearOperator,
        iterate: Iterate,
        started: float = 0.0,
        last: bool = False,
    ):
        # Whether the next step is the last one, whose end needs no gradient.
        self.last = last
        self._started = started
        self._held = False
        self.objective = objective
        self.metric = engine.metric
        self.solver = engine.solver
        self.damping = engine.damping
        self.iterate = iterate
        low, high, self.steps = objective.limits()
        self.low, self.high = low, high
        theta, grad = iterate.theta, iterate.grad
        pushed = ((theta <= low) & (grad > 0)) | ((theta >= high) & (grad < 0))
        self.free = ~pushed
        self._all_free = not pushed.any()
        self.full_operator = operator
        self.operator: LinearOperator = operator
        if not self._all_free:
            self.operator = Padded(operator, self.free)
        self._solved: dict[float, tuple[np.ndarray, SolveInfo]] = {}
        self._rescaled: dict[float, tuple[np.ndarray, SolveInfo]] = {}
        self._quad: tuple[np.ndarray, float] | None = None
        self._added: dict[float, np.ndarray | None] = {}

    # ----------------------------------------------------------------------- directions

    def solve(self, state: float | None = None) -> tuple[np.ndarray, SolveInfo]:
        """Return the direction d (P,), (G + damping) d = grad on the free coordinates; cached."""
        state = self.iterate.damping if state is None else state
        if state not in self._solved:
            self._solved[state] = self._solve(self.iterate.grad, state)
        return self._solved[state]

    def _solve(
        self, g: np.ndarray, state: float, solver: Solver | None = None, operator: Any = None
    ) -> tuple[np.ndarray, SolveInfo]:
        solver = self.solver if solver is None else solver
        operator = self.full_operator if operator is None else operator
        direction = np.zeros_like(g)
        if not self.free.any():
            return direction, SolveInfo("none")
        if self._all_free:
            return solver.solve(self.damping.apply(operator, state), g)
        block = Restricted(operator, self.free)
        part, info = solver.solve(self.damping.apply(block, state), g[self.free])
        direction[self.free] = part
        at = np.flatnonzero(self.free).tolist()
        return direction, replace(info, unidentified=tuple(at[i] for i in info.unidentified))

    def norm_falls(self, grad: np.ndarray) -> bool:
        """Tell whether the natural gradient at another point is shorter in the metric here."""
        about = self.full_operator.preconditioner
        if about is not None and self._all_free:
            # Whether a length falls, an approximate inverse tells without a solve.
            return float(grad @ about(grad)) < float(self.iterate.grad @ about(self.iterate.grad))
        direction, _ = self._solve(grad, 0.0)
        if self.unitless:
            return self._relative(grad, direction) < self.iterate.distance
        return float(grad @ direction) < self.iterate.natural_norm**2

    def _relative(self, grad: np.ndarray, direction: np.ndarray) -> float:
        """Return the norm of a natural gradient in units of f: no square leaves the range."""
        unit = self.objective.yardstick
        return math.sqrt(max(product(grad * unit, direction * unit), 0.0))

    def quad(self, delta: np.ndarray) -> float:
        """Return delta' G delta; for many parameters a multiple of the last delta costs nothing."""
        if self._quad is not None:
            last, value = self._quad
            length = float(last @ delta) / max(float(last @ last), np.finfo(float).tiny)
            if float(np.linalg.norm(delta - length * last)) <= _SAME * float(np.linalg.norm(delta)):
                return length**2 * value
        if len(delta) <= _MANY:
            return self.operator.quad(delta)
        found = self._quad_of_solve(delta)
        self._quad = delta, self.operator.quad(delta) if found is None else found
        return self._quad[1]

    def promised(self, delta: np.ndarray, state: float | None = None) -> float:
        """Return 1/2 delta' (G + D) delta, the divergence of a step that a step rule holds.

        D is the damping: the length of a step is measured in the matrix that made its direction. In
        G alone, a direction that only the damping determines would have no length.

        Parameters
        ----------
        delta : ndarray of shape (P,)
            The step.
        state : float, optional
            The state of the damping; by default the iterate's.

        Returns
        -------
        float
            The divergence, >= 0; in nats per row for a Fisher metric.
        """
        state = self.iterate.damping if state is None else state
        if state not in self._added:
            self._added[state] = self.damping.added(self.full_operator, state)
        added = self._added[state]
        square = self.quad(delta)
        return 0.5 * (square if added is None else square + float(delta @ (added * delta)))

    def _quad_of_solve(self, delta: np.ndarray) -> float | None:
        """Return delta' G delta for a multiple of a d with (G + D) d = grad: d' grad - d' D d."""
        for state, (d, info) in self._solved.items():
            square = float(d @ d)
            # Woodbury's identity costs no product with G, which this saves.
            if info.solver != "woodbury" or info.added or not (self._all_free and square > 0.0):
                continue
            length = float(d @ delta) / square
            if float(np.linalg.norm(delta - length * d)) <= _SAME * abs(length) * math.sqrt(square):
                added = self.damping.added(self.operator, state)
                spent = 0.0 if added is None else float(d @ (added * d))
                return length**2 * max(float(d @ self.iterate.grad) - spent, 0.0)
        return None

    @property
    def noise(self) -> float:
        """The largest change of the objective that rounding alone may cause here."""
        return max(noise(self.iterate.value, self.objective.scale), self.iterate.rounding)

    def hidden(self) -> bool:
        """Tell whether the rounding of the objective, which is measured here, hides the descent.

        Terms of a formula may be larger than their sum by many orders, as those of large counts.
        Later iterates keep what was measured. Values of a plain function have no unit of their own.

        Returns
        -------
        bool
            True if ``noise`` is now what was measured.
        """
        if not self.objective.probabilistic:
            return False
        measured = _ERRORS * rounding_at(self.objective, self.iterate.theta)
        if not self.noise < self.iterate.decrease < measured < np.inf:
            return False
        self.iterate = replace(self.iterate, rounding=measured)
        return True

    def gains(self, value: float) -> bool:
        """Tell whether a value is lower than the iterate's by more than rounding."""
        return self.iterate.value - value > self.noise

    # --------------------------------------------------------------------------- limits

    def clip(self, theta: np.ndarray) -> np.ndarray:
        """Return the point (P,) inside the limits that is nearest to theta."""
        return np.minimum(np.maximum(theta, self.low), self.high)

    def boxed(self, state: float) -> tuple[np.ndarray, SolveInfo]:
        """Return the minimum of the quadratic model inside the limits and the largest steps.

        This is the unit step if no coordinate goes too far. Otherwise the coordinates that would go
        too far are held at their limits, and the others are solved for again, given these values.
        If only these coordinates were cut, the others would keep a step that assumed the full
        change, and the objective might rise.

        Returns
        -------
        delta : ndarray of shape (P,)
            The step.
        info : SolveInfo
            How the last solve was done.
        """
        direction, info = self.solve(state)
        delta = -direction
        low = np.maximum(self.low - self.iterate.theta, -self.steps)
        high = np.minimum(self.high - self.iterate.theta, self.steps)
        held = np.zeros(len(delta), dtype=bool)
        for block in self.objective.cut_together():
            excess = float((np.abs(delta[block]) / self.steps[block]).max(initial=0.0))
            if excess > 1.0:
                delta[block] /= excess
                held[block] = True
        for _ in range(_MOST_BOXED):
            out = (delta < low) | (delta > high)
            if not out.any():
                break
            held |= out
            delta = np.minimum(np.maximum(delta, low), high)
            rest = self.free & ~held
            if rest.any():
                inner = Restricted(self.full_operator, rest)
                pull = self.iterate.grad + self.full_operator @ np.where(held, delta, 0.0)
                part, info = self.solver.solve(self.damping.apply(inner, state), pull[rest])
                delta[rest] = -part
        self._held = bool(held.any())
        return (np.minimum(np.maximum(delta, low), high) if self._held else delta), info

    def inward(self, state: float | None = None) -> tuple[np.ndarray, SolveInfo]:
        """Return a direction along which minus it leaves no limit that theta rests at, (P,).

        A coordinate at its limit may be pulled inside by the gradient and pushed out by the
        others, through the curvature. It is held, and the others are solved for again: their
        direction descends, at any length.

        Returns
        -------
        direction : ndarray of shape (P,)
            The direction.
        info : SolveInfo
            How the last solve was done.
        """
        state = self.iterate.damping if state is None else state
        direction, info = self.solve(state)
        theta, rest = self.iterate.theta, self.free.copy()
        for _ in range(_MOST_BOXED):
            out = (theta <= self.low) & (direction > 0) | (theta >= self.high) & (direction < 0)
            if not out.any():
                break
            rest &= ~out
            direction = np.zeros_like(direction)
            if rest.any():
                inner = self.damping.apply(Restricted(self.full_operator, rest), state)
                direction[rest], info = self.solver.solve(inner, self.iterate.grad[rest])
        return direction, info

    def rescaled(self, state: float) -> tuple[np.ndarray, SolveInfo]:
        """Return the step along minus the direction at which the quadratic model of f is lowest.

        Its curvature is that of the objective's information. Without any it is the unit step. It is
        shortened by one factor if a coordinate would go too far.

        Returns
        -------
        delta : ndarray of shape (P,)
            The step.
        info : SolveInfo
            How the direction was found.
        """
        if state not in self._rescaled:
            direction, info = self.inward(state)
            information = self.objective.information(self.iterate.theta)
            square = np.nan if information is None else information.quad(direction)
            with np.errstate(all="ignore"):
                length = float(self.iterate.grad @ direction) / square
            delta = self.shorten(-direction * (length if 0.0 < length < np.inf else 1.0))
            self._rescaled[state] = delta, info
        return self._rescaled[state]

    @property
    def unitless(self) -> bool:
        """Whether the length of G^-1 grad says nothing: the unit of f is not in the metric."""
        return not (self.metric.unit_step or self.objective.probabilistic)

    def reach(self, direction: np.ndarray) -> float:
        """Return the multiple of minus a direction that takes the first coordinate to its limit."""
        theta = self.iterate.theta
        room = np.where(direction > 0, theta - self.low, self.high - theta)
        ratio = np.where(direction != 0, room / np.abs(direction), np.inf)
        # A little further, so that rounding does not leave it before the limit.
        return float(ratio.min(initial=np.inf)) * (1.0 + 8.0 * np.finfo(float).eps)

    def shift(self, delta: np.ndarray, length: float) -> np.ndarray:
        """Return theta after a step; what the whole step takes to a limit is exactly there."""
        theta = self.iterate.theta + length * delta
        if length == 1.0 and self._held:
            # start + (limit - start) may miss the limit by a rounding error.
            theta = np.where(delta == self.low - self.iterate.theta, self.low, theta)
            theta = np.where(delta == self.high - self.iterate.theta, self.high, theta)
        return self.clip(theta)

    def shorten(self, delta: np.ndarray) -> np.ndarray:
        """Return the step, shortened by one factor if a coordinate would go too far."""
        theta = self.iterate.theta
        room = np.where(delta > 0, self.high - theta, np.where(delta < 0, theta - self.low, np.inf))
        ratio = np.where(delta != 0, np.minimum(room, self.steps) / np.abs(delta), np.inf)
        return delta * min(1.0, float(ratio.min()))

    # ------------------------------------------------------------------------- iterates

    def divergence(self, theta: np.ndarray) -> float | None:
        """Return the divergence of theta from the iterate in the metric; None if it has none."""
        return self.metric.divergence(self.objective, self.iterate.theta, theta)

    def measured(self, information: LinearOperator | None) -> Iterate:
        """Return the iterate with its natural gradient's norm and its distance to the optimum."""
        iterate, grad = self.iterate, self.iterate.grad
        direction, info = self.solve(0.0)
        # The order keeps NaN: it says that the metric is not finite.
        square = max(product(grad, direction), 0.0)
        step, measure, found = direction, square, info
        if information is not None:
            step, found = self._solve(grad, 0.0, CholeskySolver(), information)
            measure = product(grad, step)
        # An indefinite information measures no distance: a point where it vanishes may be a saddle.
        if not measure >= 0 or found.indefinite:
            measure = np.inf
        distance = math.sqrt(measure * self.objective.yardstick)
        if self.unitless:
            # |g| has the unit of f, and not the root of it.
            distance = self._relative(grad, direction)
        return replace(
            iterate,
            natural_norm=math.sqrt(square),
            distance=distance,
            decrease=0.5 * square,
            metric_error=np.nan
            if self.operator.standard_error is None
            else self.operator.standard_error,
            unidentified=found.unidentified,
            active=() if self._all_free else tuple(np.flatnonzero(~self.free).tolist()),
            natural_step=step,
            largest_step=self.steps,
            notes=_noted(*iterate.notes, self.operator.note, info.fallback),
            seconds=time.perf_counter() - self._started,
        )

    def move(
        self,
        theta: np.ndarray,
        value: float,
        grad: np.ndarray,
        length: float,
        *,
        info: SolveInfo,
        divergence: float | None = None,
        predicted_kl: float | None = None,
        radius: float | None = None,
        damping: float | None = None,
        trials: Sequence[Trial] = (),
        note: str | None = None,
    ) -> Iterate:
        """Return the next iterate.

        If they are not given, the metric computes the divergence, and :meth:`promised` its
        prediction.

        Parameters
        ----------
        theta : ndarray of shape (P,)
            The next point.
        value : float
            The objective there.
        grad : ndarray of shape (P,)
            Its gradient there.
        length : float
            The multiple of the direction that was taken.
        info : SolveInfo
            How the direction was found.
        divergence : float, optional
            Divergence from the previous iterate, in the metric.
        predicted_kl : float, optional
            The prediction 1/2 delta' (G + D) delta of the divergence.
        radius, damping : float, optional
            Values for the next step; by default those of this step.
        trials : sequence of Trial
            The points that were refused before this one.
        note : str, optional
            A remark of the step rule for the history.

        Returns
        -------
        Iterate
            The next iterate, not yet measured, because its distance to the optimum needs a metric.
        """
        before = self.iterate
        if divergence is None:
            divergence = self.divergence(theta)
        if divergence is None or not self.metric.divergence_is_kl:
            kl = self.objective.kl(before.theta, theta)
        else:
            kl = divergence
        if predicted_kl is None:
            predicted_kl = self.promised(theta - before.theta)
        return Iterate(
            theta=theta,
            value=float(value),
            grad=grad,
            n_iter=before.n_iter + 1,
            radius=before.radius if radius is None else radius,
            rounding=before.rounding,
            damping=before.damping if damping is None else damping,
            step_length=length,
            predicted_kl=predicted_kl,
            kl=kl,
            divergence=np.nan if divergence is None else divergence,
            evaluations=self.objective.evaluations,
            solver_iterations=info.iterations,
            residual=info.residual,
            solver=info.solver,
            trials=tuple(trials),
            notes=_noted(info.fallback, note),
            decrease=before.decrease,
            memory=before.memory,
        )

    def stop(self, status: Status, trials: Sequence[Trial] = ()) -> Iterate:
        """Return the same iterate with a status, because no acceptable next iterate was found.

        The trials of the search are kept, a note describes them, and its evaluations are counted.

        Parameters
        ----------
        status : Status
            Why there is no next iterate.
        trials : sequence of Trial
            All points that were tried.

        Returns
        -------
        Iterate
            The iterate at the same theta.

        Raises
        ------
        TypeError
            If the status is no :class:`Status`.
        """
        if not isinstance(status, Status):
            raise TypeError(
                "a step must stop with a natfit.Status, such as natfit.Status.NO_DESCENT, got "
                f"{status!r}"
            )
        before = self.iterate
        return replace(
            before,
            status=status,
            trials=tuple(trials),
            evaluations=before.evaluations + self.objective.evaluations,
            notes=_noted(*before.notes, refusals(trials)),
        )


def _noted(*notes: str | None) -> tuple[str, ...]:
    """Return the notes that are not None or empty, each of them once."""
    return tuple(dict.fromkeys(note for note in notes if note))

"""One run of the loop, which decides at every iterate whether to stop, and its result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from natfit._warnings import warn
from natfit.iterate import Iterate, Status, noise
from natfit.objectives import NoMinimum, Objective
from natfit.optimize._unbounded import runaway
from natfit.optimize.engine import Engine
from natfit.optimize.history import History
from natfit.optimize.loop import descend, measures_in_information
from natfit.optimize.messages import Verdict
from natfit.optimize.saddle import beyond_saddle

#: What to do where no step descends although the damping adapts.
_DAMPED = (
    "check that the gradient belongs to the objective, and that it is continuous; try other start "
    "values"
)

#: Maximum number of saddles of a plain function that a run leaves.
_SADDLES = 5

#: Iterations from which on, and between which at least, it is asked whether there is an optimum: a
#: fit that has one has mostly arrived before. Later it is asked more rarely.
_ASKED, _EVERY = 8, 4

#: Distance to the optimum, in standard errors, from which on a fit ends at a limit.
_CLOSE = 0.01

#: Number of coordinates up to which it is asked before the fit has arrived.
_CHEAP = 2_000

#: Share of the largest gradient of a run, and of the value of a function, that is small.
_FALLEN, _FLAT = 1e-3, 1e-6

#: Predicted decrease, in nats per row, from which on it is not asked.
_SMALL = 0.05

#: Multiple of a function's size at the start below zero that no minimum is expected to reach.
_BOTTOM = 1e60


@dataclass(frozen=True)
class Fit:
    """The result of a run.

    Attributes
    ----------
    iterate : Iterate
        The last iterate.
    verdict : Verdict
        Why the run ended there.
    history : History
    """

    iterate: Iterate
    verdict: Verdict
    history: History

    def then(self, second: Fit) -> Fit:
        """Return this run and one that went on elsewhere as one, with the iterations of both."""
        before, verdict = self.iterate.n_iter, second.verdict
        made = before + second.iterate.n_iter
        return Fit(
            replace(second.iterate, n_iter=made),
            replace(verdict, n_iter=made, max_iter=before + verdict.max_iter),
            self.history.then(second.history),
        )

    @property
    def theta(self) -> np.ndarray:
        """The estimate theta of the last iterate, (P,)."""
        return self.iterate.theta

    @property
    def n_iter(self) -> int:
        """Number of iterations; at least 1, as scikit-learn requires."""
        return max(1, self.iterate.n_iter)

    @property
    def status(self) -> Status:
        """The reason for stopping."""
        return self.verdict.status

    @property
    def message(self) -> str:
        """The status in words, with the parameters that it concerns and the remedy."""
        return self.verdict.message


def run(
    objective: Objective,
    engine: Engine,
    theta0: np.ndarray,
    rng: np.random.Generator,
    callback: Callable[[Iterate, bool], bool | None] | None = None,
) -> Fit:
    """Descend until convergence, a failure, ``max_iter``, or a callback that returns True.

    The order of calls:

    1. ``metric.prepare(objective)`` chooses the metric for this objective.
    2. ``objective.value_and_grad(theta0)``, ``step.radius`` and ``damping.start`` give the start.
       If it is not finite, the run ends as ``non_finite``.

    At every iterate, including the start:

    3. ``metric.at`` gives the curvature G.
    4. ``objective.information`` (only if the metric is not an information) and ``solver.solve``
       without damping give the norm of the natural gradient and the distance to the optimum.
    5. The run decides whether it has converged, is at a limit, is singular, or has reached
       ``max_iter``.
    6. ``callback(iterate, done)`` is called; ``done`` says that the run ends here.
    7. ``step.step`` calls ``damping.apply`` and ``solver.solve`` for directions,
       ``objective.in_domain``, ``objective.value_and_grad`` and ``metric.divergence`` for each
       trial, then ``damping.accepted`` or ``damping.rejected``. If a step finds no next iterate,
       the run ends at this one, and the callback is called again with ``done`` (6).

    At the end:

    8. The verdict tells a limit from rounding, and an objective that falls without limit from a
       failed search.
    9. The history is built.

    Parameters
    ----------
    objective : Objective
        What is minimised.
    engine : Engine
        The components, ``tol`` and ``max_iter``.
    theta0 : ndarray of shape (P,)
        The start.
    rng : numpy.random.Generator
        For metrics that draw.
    callback : callable, optional
        ``callback(iterate, done)``; the run stops if it returns True.

    Returns
    -------
    Fit
        The last iterate, why the run ended there, and the history.
    """
    engine = engine.prepared(objective)
    iterates: list[Iterate] = []
    status, start = None, theta0
    for left in range(_SADDLES, -1, -1):
        status = _one_run(objective, engine, start, rng, callback, iterates, left > 0)
        if status is not None:
            break
        # Beyond a saddle the run goes on.
        start = iterates.pop().theta
    # The loop is left with a status alone.
    verdict = _verdict(objective, engine, iterates, status)  # type: ignore[arg-type]
    if verdict.singular and engine.ended_as_asked(verdict.status):
        # The fit ended as asked, but it could not have come to an optimum.
        warn(verdict.message, ConvergenceWarning)
    return Fit(iterates[-1], verdict, History.from_iterates(iterates, _reasons(engine)))


def _one_run(
    objective: Objective,
    engine: Engine,
    theta0: np.ndarray,
    rng: np.random.Generator,
    callback: Callable[[Iterate, bool], bool | None] | None,
    iterates: list[Iterate],
    escapes: bool,
) -> Status | None:
    """Descend from theta0, append the iterates, and return the status with which to stop.

    Returns
    -------
    Status or None
        None at a saddle: the last one appended is then a lower point, not yet evaluated.
    """
    before = iterates[-1].n_iter + 1 if iterates else 0
    for iterate, _ in descend(objective, engine, theta0, rng):
        iterate = replace(iterate, n_iter=iterate.n_iter + before) if before else iterate
        if iterate.status is not None:
            # The same point, with the trials of the search that failed there.
            iterates[-1:] = [iterate]
            if callback is not None:
                callback(iterate, True)
            return iterate.status
        iterates.append(iterate)
        status = _judged(objective, engine, iterates)
        escapes = escapes and not objective.probabilistic and iterate.n_iter < engine.max_iter
        if status is Status.CONVERGED and escapes:
            lower = _escape(objective, iterates)
            iterate = iterates[-1]
            if lower is not None and not (callback is not None and callback(iterate, False)):
                iterates.append(replace(iterate, theta=lower))
                return None
            status = status if lower is None else Status.STOPPED_BY_CALLBACK
        stop = callback is not None and callback(iterate, status is not None)
        if stop and status is None:
            status = Status.STOPPED_BY_CALLBACK
        if status is not None:
            return status
    return None


def _escape(objective: Objective, iterates: list[Iterate]) -> np.ndarray | None:
    """Return a lower point beside a saddle, or None; its evaluations belong to the last iterate."""
    objective.evaluations = 0
    lower = beyond_saddle(objective, iterates)
    made = iterates[-1].evaluations + objective.evaluations
    iterates[-1] = replace(iterates[-1], evaluations=made)
    return lower


def _rose(iterates: Sequence[Iterate]) -> bool:
    """Tell whether the objective is higher than at the start by more than rounding."""
    start = iterates[0].value
    return bool(iterates[-1].value > start + noise(start))


def _judged(objective: Objective, engine: Engine, iterates: Sequence[Iterate]) -> Status | None:
    """Return the status with which to stop at the last iterate, or None to go on."""
    last = iterates[-1]
    arrived = last.distance <= engine.tol and last.settled
    if not (arrived and _at_rest(objective, last)):
        cheap = last.theta.size <= _CHEAP
        why = None
        if arrived or (cheap and _suspect(last)):
            why = _endless(objective, iterates)
        # What tends to a limit must have come close to it: there is something to be found there.
        if why is not None and (arrived or last.distance <= _CLOSE or not why.limit):
            return _end_of(why)
        return Status.MAX_ITER if last.n_iter >= engine.max_iter else None
    if not engine.step.descends and _rose(iterates):
        # A step rule that may ascend has reached a region where the objective is flat.
        return Status.NO_DESCENT
    why = _endless(objective, iterates) if objective.doubtful(last.theta) else None
    if why is not None:
        return _end_of(why)
    if last.active or objective.bound_note is not None:
        # What other parameters mean at the limit of one, the data may not tell.
        return Status.BOUNDARY
    if last.unidentified:
        return Status.SINGULAR
    if objective.probabilistic and not measures_in_information(objective, engine.metric):
        return Status.GRADIENT_SMALL
    if not (objective.probabilistic or _has_fallen(iterates)):
        return Status.GRADIENT_SMALL
    return Status.CONVERGED


def _has_fallen(iterates: Sequence[Iterate]) -> bool:
    """Tell whether the gradient of a plain function is small in the function's own unit.

    It is zero, or a small share of the largest one of the run, or it changes the function by a
    small share along a way of the size of x.

    Returns
    -------
    bool
        False for a function whose units alone make the gradient small.
    """
    last = iterates[-1]
    size, largest = last.gradient_norm, max(iterate.gradient_norm for iterate in iterates)
    moved = size * max(1.0, float(np.abs(last.theta).max(initial=0.0)))
    return size <= _FALLEN * largest or moved <= _FLAT * abs(last.value) or size == 0.0


def _end_of(why: NoMinimum) -> Status:
    """Return the status of an objective without a minimum."""
    return Status.BOUNDARY if why.limit else Status.UNBOUNDED


def _at_rest(objective: Objective, last: Iterate) -> bool:
    """Tell whether the natural step of an iterate moves nothing that theta stands for by much."""
    return last.natural_step is None or objective.settled(last.theta, last.natural_step)


def _suspect(last: Iterate) -> bool:
    """Tell whether to ask, at an iterate that has not arrived, if there is an optimum at all."""
    n = last.n_iter
    return n >= _ASKED and n % max(_EVERY, 1 << (n.bit_length() - 2)) == 0


def _endless(objective: Objective, iterates: Sequence[Iterate]) -> NoMinimum | None:
    """Return why the objective falls without limit along the last moves, if it does."""
    if not objective.probabilistic:
        return None
    near = iterates[-1].decrease < _SMALL
    return objective.without_minimum([i.theta for i in iterates], near)


def _bottomless(objective: Objective, last: Iterate) -> NoMinimum | None:
    """Return why a plain function has no minimum, where it has fallen out of all proportion."""
    if objective.probabilistic or not last.value < -_BOTTOM * objective.scale:
        return None
    return NoMinimum(
        f"the function falls without limit: it is {last.value:.3g} at the last point",
        "check its sign, or give bounds",
    )


def _verdict(
    objective: Objective, engine: Engine, iterates: Sequence[Iterate], status: Status
) -> Verdict:
    """Tell a limit from rounding, and an objective that falls without limit from a failure."""
    last = iterates[-1]
    if status is Status.ROUNDING_FLOOR and (last.active or objective.bound_note is not None):
        status = Status.BOUNDARY
    if status is Status.ROUNDING_FLOOR and last.unidentified and not objective.probabilistic:
        # Far from its optimum a plain function may be flat, where nothing determines a step.
        status = Status.SINGULAR
    lost, why = None, _bottomless(objective, last)
    if why is not None:
        status = _end_of(why)
    if objective.probabilistic and status not in (Status.CONVERGED, Status.STOPPED_BY_CALLBACK):
        why = _endless(objective, iterates)
        lost = runaway(objective, iterates) if why is None and not status.good else None
        status = Status.UNBOUNDED if lost is not None else status
        status = status if why is None else _end_of(why)
    if why is None and lost is None and status in (Status.NO_DESCENT, Status.MAX_ITER):
        why = objective.held_by(last.theta)
    climbed = not engine.step.descends and not status.good and _rose(iterates)
    rose_from = iterates[0].value if climbed else None
    found = Verdict.of(status, objective, last, engine.tol, engine.max_iter, lost, rose_from)
    if why is not None:
        return replace(found, reason=why.reason, remedy=why.remedy)
    if status is Status.NO_DESCENT and engine.damping.adaptive and found.remedy is None:
        return replace(found, remedy=_DAMPED)
    short = None if status.good or not _constant(objective) else engine.shortfall(objective)
    return found if short is None else replace(found, remedy=short, singular=True)


def _constant(objective: Objective) -> bool:
    """Tell whether all rows share the parameters; a network is solved all the same."""
    return objective.probabilistic and objective.model.shared  # type: ignore[attr-defined]


def _reasons(engine: Engine) -> dict[str, str]:
    """Return, for each column of the history that may hold only NaN, the reason."""
    never = "no step was taken"
    return {
        "kl": "the objective has no divergence in closed form or by quadrature, or " + never,
        "step_length": never,
        "predicted_kl": never,
        "divergence_ratio": "the metric has no divergence, or " + never,
        "radius": f"{type(engine.step).__name__} has no trust radius",
        "metric_error": f"{type(engine.metric).__name__} draws no samples",
    }

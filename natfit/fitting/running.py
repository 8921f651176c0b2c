"""Fits that go on as rows arrive: what is known of past rows, and how a batch changes it.

Past rows are a quadratic about the estimate, with their information I (P, P) in all:

    minimise  1/2 (theta - theta_past)' I (theta - theta_past) - sum_i w_i log p(y_i | theta)

over theta for the rows of a batch; I then grows by the information of the batch there. One Newton
step of it is the recursion ``theta <- theta + I^-1 s`` with the score s of the batch, the natural
gradient with the step 1 / t, which no other recursion beats in the limit (Amari 1998); the optimum
itself is the extended Kalman filter, iterated (Ollivier 2018).

Where a family has a summary, nothing is approximated: summaries are joined
(:meth:`natfit.distributions.base.Distribution.joined_summaries`) and the fit is one to the joined
summary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, replace

import numpy as np

from natfit import inference
from natfit.fitting.drift import Test
from natfit.fitting.past import Past, left_between, left_of
from natfit.fitting.penalties import NONE, Penalty, penalty_of
from natfit.fitting.resting import near_limits, rested
from natfit.fitting.semidefinite import solved
from natfit.iterate import Status
from natfit.models import Constant
from natfit.objectives import Likelihood

#: Most Newton steps of one batch, and most halvings of a step.
_STEPS, _HALVINGS = 500, 40

#: Distance to the optimum, in standard errors, at which they end.
_NEAR = 1e-7

#: Units of rounding of a value below which a decrease is not told.
_ROUNDING = 256.0

#: Distance up to which a batch has converged, and from which it is refused.
_CONVERGED, _LOST = 1e-4, 1.0


@dataclass(frozen=True)
class Moved:
    """An estimate that a batch has moved.

    Attributes
    ----------
    past : Past
        What is known now.
    active : tuple of int
        Coordinates that rest at a limit.
    steps : int
        Newton steps that were taken.
    distance : float
        To the optimum of the quadratic and the batch, in standard errors.
    """

    past: Past
    active: tuple[int, ...]
    steps: int
    distance: float

    @property
    def status(self) -> Status:
        """How the batch ended."""
        if self.active:
            return Status.BOUNDARY
        return Status.CONVERGED if self.distance <= _CONVERGED else Status.NO_DESCENT


def ending(moved: Sequence[Moved], number: int) -> tuple[Status, int, str]:
    """Return how a batch ended in all columns: the worst status, the most steps, and the message.

    Parameters
    ----------
    moved : sequence of Moved
        What it did to each column.
    number : int
        Which batch it is, from 1.

    Returns
    -------
    Status
    int
    str
    """
    order = [Status.CONVERGED, Status.BOUNDARY, Status.NO_DESCENT]
    status = max((m.status for m in moved), key=order.index)
    steps = max(1, *(m.steps for m in moved))
    message = (
        f"{status}: batch {number} has moved the estimate in {steps} steps, to "
        f"{max(m.distance for m in moved):.1g} standard errors of the optimum of its likelihood "
        "and the quadratic of the rows before"
    )
    return status, steps, message if status.good else f"{message}; {status.remedy}"


def _unit(objective: Likelihood) -> float:
    """Return what makes weights count a row as one at least."""
    return max(1.0, objective.rows.n / objective.total)


def curvature(objective: Likelihood, theta: np.ndarray, active: tuple[int, ...] = ()) -> np.ndarray:
    """Return W times the curvature (P, P) of an objective at theta, positive where it can be."""
    with np.errstate(all="ignore"):
        found = inference.information(objective, theta, at_limit=active)
    return objective.total * found.matrix


def absorbed(
    objective: Likelihood,
    past: Past | None,
    start: np.ndarray,
    penalty: Penalty = NONE,
    left: float = 1.0,
) -> Moved:
    """Return the estimate that a batch has moved, and what is then known.

    Parameters
    ----------
    objective : Likelihood
        That of the batch, without a penalty; its coordinates are those of the past.
    past : Past or None
        What is known of other rows; None for nothing.
    start : ndarray of shape (P,)
        Where to begin.
    penalty : Penalty
        What is added for all rows.
    left : float
        What is left of a row of the batch.

    Returns
    -------
    Moved

    Raises
    ------
    ValueError
        If the likelihood of the batch is not finite at the start, or no optimum is found.
    """
    low, high, largest = objective.limits()
    W = objective.total
    total = W if past is None else W + past.total
    # What is near is in standard errors of rows, whatever the unit of their weights.
    unit = _unit(objective)

    def evaluated(theta: np.ndarray) -> tuple[float, np.ndarray]:
        value, grad = objective.first_order(theta)
        extra, pull, _ = penalty.terms(theta, total)
        if past is not None:
            gap, slope = past.gap(theta)
            extra, pull = extra + gap, pull + slope
        return unit * (W * value + extra), unit * (W * grad + pull)

    def curved(theta: np.ndarray, active: tuple[int, ...]) -> np.ndarray:
        own = curvature(objective, theta, active) + penalty.terms(theta, total)[2]
        return unit * (own if past is None else past.information + own)

    found = _minimised(evaluated, curved, np.clip(start, low, high), (low, high, largest))
    if not found.distance <= _LOST:
        raise ValueError(
            f"the batch must lead to an estimate, got none in {found.steps} steps from the one so "
            f"far, which end {found.distance:.1g} standard errors away from it; look for other "
            "units, or fit all rows together"
        )
    theta = found.theta
    slope, matrix = rested(
        lambda at: evaluated(at)[0], theta, found.slope, found.matrix, (low, high), found.active
    )
    slope, matrix = slope / unit, matrix / unit
    log_likelihood = objective.log_likelihood(theta, float(objective.value(theta)))
    own = W, log_likelihood, found.active, slope, left
    now = Past.about(theta, matrix, *own).without(penalty, total)
    if past is not None:
        likely = log_likelihood + past.likely(theta)
        now = replace(now, total=total, log_likelihood=likely, left=left_of(past, now))
    return Moved(now.finite(), found.active, found.steps, found.distance)


def at_rest(
    objective: Likelihood, theta: np.ndarray, active: tuple[int, ...], matrix: np.ndarray
) -> Past | None:
    """Return what is known of the rows of a fit whose estimate is at a limit, or near one.

    Parameters
    ----------
    objective : Likelihood
        That of the fit, whose coordinates may be others where all rows share eta.
    theta : ndarray of shape (P,)
        The estimate; eta where all rows share it.
    active : tuple of int
        Coordinates at a limit.
    matrix : ndarray of shape (P, P)
        The curvature of all rows.

    Returns
    -------
    Past or None
        None where no coordinate is near a limit.
    """
    plain = copy(objective)
    if objective.model.shared:
        plain.model = Constant().bind(0, objective.distribution)
    W, (low, high, _), unit = plain.total, plain.limits(), _unit(plain)
    with np.errstate(all="ignore"):
        if not (active if plain.rows.costly else near_limits(theta, unit * matrix, (low, high))):
            return None
        value, grad = plain.first_order(theta)
        slope = np.where(np.isin(np.arange(len(theta)), active), W * grad, 0.0)
        if plain.rows.costly:
            # A point inside is a pass: the derivative has to do.
            matrix = matrix.copy()
            matrix[list(active), :] = matrix[:, list(active)] = 0.0
        else:
            here = theta, slope, curvature(plain, theta, active), (low, high), active, unit
            slope, matrix = rested(lambda at: W * float(plain.value(at)), *here)
        found = W, plain.log_likelihood(theta, value), active, slope
        return Past.about(theta, matrix, *found).without(penalty_of(objective), W)


@dataclass(frozen=True)
class _Minimum:
    """Where a sum of quadratics and likelihoods is least; the slope is zero but at limits."""

    theta: np.ndarray
    slope: np.ndarray
    matrix: np.ndarray
    active: tuple[int, ...]
    steps: int
    distance: float


def _minimised(evaluated: Callable, curved: Callable, theta: np.ndarray, limits: tuple) -> _Minimum:
    """Return the minimum between limits by Newton steps, from a start between them."""
    low, high, largest = limits
    value, grad = evaluated(theta)
    if not (np.isfinite(value) and np.isfinite(grad).all()):
        raise ValueError(
            "the batch must have a finite likelihood at the estimate so far, which it has not; "
            "look for values far from all others, or fit all rows together"
        )
    steps, distance = 0, np.inf
    while True:
        held = ((theta <= low) & (grad > 0)) | ((theta >= high) & (grad < 0))
        free = np.flatnonzero(~held)
        active = tuple(np.flatnonzero(held).tolist())
        matrix = curved(theta, active)
        if not np.isfinite(matrix).all():
            distance = np.inf
            break
        step = np.zeros_like(theta)
        step[free] = solved(matrix[np.ix_(free, free)], -grad[free])
        distance = float(np.sqrt(max(-grad @ step, 0.0)))
        if distance <= _NEAR or steps == _STEPS:
            break
        with np.errstate(invalid="ignore"):
            long = np.nanmax(np.abs(step) / largest, initial=0.0)
        found = _lower(evaluated, theta, step / max(long, 1.0), value, (low, high))
        if found is None:
            if 0.5 * distance**2 <= _ROUNDING * np.spacing(abs(value)):
                # No lower value is told from this one.
                distance = 0.0
            break
        steps, (theta, value, grad) = steps + 1, found
    return _Minimum(theta, np.where(held, grad, 0.0), matrix, active, steps, distance)


def _lower(
    evaluated: Callable, theta: np.ndarray, step: np.ndarray, value: float, ends: tuple
) -> tuple[np.ndarray, float, np.ndarray] | None:
    """Return a lower point along a step with its value and gradient, or None at rounding."""
    for k in range(_HALVINGS):
        trial = np.clip(theta + 0.5**k * step, *ends)
        if np.array_equal(trial, theta):
            return None
        new, grad = evaluated(trial)
        if new < value and np.isfinite(grad).all():
            return trial, new, grad
    return None


def merged(
    one: Past, two: Past, limits: tuple | None = None, penalty: Penalty = NONE
) -> tuple[Moved, Test]:
    """Return what two parts of the rows tell together, and the test that they share theta.

    ``theta = (I1 + I2)^-1 (I1 theta1 + I2 theta2)``, as efficient as the fit of all rows (Lin and
    Xi 2011), or what is best between the limits. What the log-likelihood loses,
    ``1/2 sum_k (theta_k - theta)' I_k (theta_k - theta)``, is half a chi-squared statistic with as
    many degrees of freedom as theta has.

    Parameters
    ----------
    one, two : Past
        In the same coordinates.
    limits : tuple of ndarray of shape (P,), optional
        The lower and the upper limits and the largest steps; none by default.
    penalty : Penalty
        What is added for all rows, and for those of each part.

    Returns
    -------
    Moved
    Test
    """
    total = one.total + two.total
    both = one.information + two.information + penalty.terms(one.theta, total)[2]
    if limits is None:
        limits = tuple(np.full(len(both), each) for each in (-np.inf, np.inf, np.inf))

    def evaluated(theta: np.ndarray) -> tuple[float, np.ndarray]:
        (a, pull), (b, other) = one.gap(theta), two.gap(theta)
        extra, own, _ = penalty.terms(theta, total)
        return a + b + extra, pull + other + own

    step = solved(both, -evaluated(one.theta)[1])
    found = _minimised(evaluated, lambda *_: both, np.clip(one.theta + step, *limits[:2]), limits)
    apart = sum(penalty.terms(part.theta, part.total)[0] for part in (one, two))
    loss = max(evaluated(found.theta)[0] - apart, 0.0)
    log_likelihood = one.likely(found.theta) + two.likely(found.theta)
    known = int(np.linalg.matrix_rank(both, hermitian=True))
    known_of_both = total, log_likelihood, found.active, found.slope, left_of(one, two)
    past = Past.about(found.theta, both, *known_of_both).without(penalty, total)
    test = Test.of_loss(loss, known, left_between(one, two))
    return Moved(past, found.active, 1, found.distance), test

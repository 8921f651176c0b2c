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
from dataclasses import dataclass

import numpy as np

from natfit import inference
from natfit.distributions.base import Distribution
from natfit.fitting.drift import Test
from natfit.fitting.resting import rested
from natfit.fitting.semidefinite import semidefinite, solved
from natfit.iterate import Status
from natfit.models import Constant
from natfit.objectives import Likelihood
from natfit.rows import Memory, Rows

#: Most Newton steps of one batch, and most halvings of a step.
_STEPS, _HALVINGS = 50, 40

#: Distance to the optimum, in standard errors, at which they end.
_NEAR = 1e-7

#: Distance up to which a batch has converged.
_CONVERGED = 1e-4


@dataclass(frozen=True)
class Past:
    """What is known of the rows so far, in coordinates theta (P,).

    Attributes
    ----------
    theta : ndarray of shape (P,)
        The estimate.
    information : ndarray of shape (P, P)
        The curvature there of the objective times its weight: the information of all rows, with
        that of a prior or a penalty. It has no negative eigenvalue (:func:`semidefinite`).
    total : float
        Sum of weights; those of rows that are partly forgotten count as much as is left of them.
    log_likelihood : float
        At the estimate, nats, by the quadratic for past rows.
    slope : ndarray of shape (P,) or 0.0
        The gradient there of what is minimised: zero but for coordinates at a limit.
    """

    theta: np.ndarray
    information: np.ndarray
    total: float
    log_likelihood: float
    slope: np.ndarray | float = 0.0

    @classmethod
    def about(
        cls,
        theta: np.ndarray,
        information: np.ndarray,
        total: float,
        log_likelihood: float,
        active: Sequence[int] = (),
        slope: np.ndarray | float = 0.0,
    ) -> Past:
        """Return the past with a curvature that may be indefinite, above all at a limit."""
        return cls(theta, semidefinite(information, active), total, log_likelihood, slope)

    def forgotten(self, share: float) -> Past:
        """Return the past with this share of its weight left."""
        if share == 1.0:
            return self
        return Past(
            self.theta,
            share * self.information,
            share * self.total,
            share * self.log_likelihood,
            share * self.slope,
        )

    def gap(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Return s' d + 1/2 d' I d with d = theta - self.theta and the slope s, and its gradient.

        Returns
        -------
        float
        ndarray of shape (P,)
        """
        change = theta - self.theta
        pull = self.information @ change
        return float(np.sum(change * self.slope)) + 0.5 * float(change @ pull), self.slope + pull

    def likely(self, theta: np.ndarray, ridge: np.ndarray | None = None) -> float:
        """Return the log-likelihood of these rows at a theta by the quadratic, nats.

        The quadratic is that of the objective, of which a penalty ``1/2 theta' R theta`` per unit
        of weight is a part.

        Returns
        -------
        float
        """
        found = self.log_likelihood - self.gap(theta)[0]
        if ridge is not None:
            now, then = (0.5 * float(at @ ridge @ at) for at in (theta, self.theta))
            found += self.total * (now - then)
        return found


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


def curvature(objective: Likelihood, theta: np.ndarray, active: tuple[int, ...] = ()) -> np.ndarray:
    """Return W times the curvature (P, P) of an objective at theta, positive where it can be."""
    with np.errstate(all="ignore"):
        found = inference.information(objective, theta, at_limit=active)
    return objective.total * found.matrix


def absorbed(
    objective: Likelihood, past: Past | None, start: np.ndarray, ridge: np.ndarray | None = None
) -> Moved:
    """Return the estimate that a batch has moved, and what is then known.

    Parameters
    ----------
    objective : Likelihood
        That of the batch; its coordinates are those of the past.
    past : Past or None
        What is known of other rows; None for nothing.
    start : ndarray of shape (P,)
        Where to begin.
    ridge : ndarray of shape (P, P), optional
        R of the penalty ``1/2 theta' R theta`` per unit of weight, which the objective includes.

    Returns
    -------
    Moved

    Raises
    ------
    ValueError
        If the likelihood of the batch is not finite at the start.
    """
    low, high, largest = objective.limits()
    W = objective.total

    def evaluated(theta: np.ndarray) -> tuple[float, np.ndarray]:
        value, grad = objective.first_order(theta)
        if past is None:
            return W * value, W * grad
        extra, pull = past.gap(theta)
        return W * value + extra, W * grad + pull

    def curved(theta: np.ndarray, active: tuple[int, ...]) -> np.ndarray:
        own = curvature(objective, theta, active)
        return own if past is None else past.information + own

    found = _minimised(evaluated, curved, np.clip(start, low, high), (low, high, largest))
    theta = found.theta
    slope, matrix = rested(
        lambda at: evaluated(at)[0], theta, found.slope, found.matrix, (low, high), found.active
    )
    total, log_likelihood = W, objective.log_likelihood(theta, float(objective.value(theta)))
    if past is not None:
        total, log_likelihood = total + past.total, log_likelihood + past.likely(theta, ridge)
    now = Past.about(theta, matrix, total, log_likelihood, found.active, slope)
    return Moved(now, found.active, found.steps, found.distance)


def at_rest(objective: Likelihood, eta: np.ndarray, active: tuple[int, ...]) -> Past:
    """Return what is known of the rows of a fit in which they share eta.

    Parameters
    ----------
    objective : Likelihood
        That of the fit, whose coordinates may be others.
    eta : ndarray of shape (K,)
        The estimate.
    active : tuple of int
        Coordinates at a limit.

    Returns
    -------
    Past
    """
    plain = copy(objective)
    plain.model = Constant().bind(0, objective.distribution)
    W, (low, high, _) = plain.total, plain.limits()
    value, grad = plain.first_order(eta)
    held = np.isin(np.arange(len(eta)), active)
    slope, matrix = rested(
        lambda at: W * float(plain.value(at)),
        eta,
        np.where(held, W * grad, 0.0),
        curvature(plain, eta, active),
        (low, high),
        active,
    )
    return Past.about(eta, matrix, W, plain.log_likelihood(eta, value), active, slope)


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
        step = np.zeros_like(theta)
        step[free] = solved(matrix[np.ix_(free, free)], -grad[free])
        distance = float(np.sqrt(max(-grad @ step, 0.0)))
        if distance <= _NEAR or steps == _STEPS:
            break
        with np.errstate(invalid="ignore"):
            long = np.nanmax(np.abs(step) / largest, initial=0.0)
        found = _lower(evaluated, theta, step / max(long, 1.0), value, (low, high))
        if found is None:
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


# ------------------------------------------------------------------------------ summaries


@dataclass(frozen=True)
class Summary:
    """A family's summary of rows, and the sum of their weights."""

    values: tuple
    total: float

    def joined(self, family: Distribution, other: Summary, share: float = 1.0) -> Summary:
        """Return the summary of these rows, of which a share of the weight is left, and others."""
        left = share * self.total
        values = family.joined_summaries(self.values, left, other.values, other.total)
        return Summary(tuple(values), left + other.total)  # type: ignore[arg-type]

    @property
    def size(self) -> int:
        """How many numbers the summary consists of."""
        return sum(np.size(part) for part in self.values)

    def objective(self, family: Distribution) -> Likelihood:
        """Return the objective of the rows, in eta."""
        row = Memory(np.ones(1), weight=np.array([self.total]))
        return Likelihood(family, Constant().bind(0, family), row, self.values)


def stand_in(family: Distribution, summary: Summary, eta: np.ndarray | None) -> Rows | None:
    """Return rows that stand for those of a summary where a fit asks for rows, or None.

    Those of a table of counts are its values; else they are drawn from the estimate, and serve
    starts and points to compare with, not the likelihood.

    Parameters
    ----------
    family : Distribution
        The family, bound.
    summary : Summary
        That of all rows.
    eta : ndarray of shape (K,) or None
        An estimate from which to draw.

    Returns
    -------
    Rows or None
        With the weight of all rows.
    """
    values = family.tabulated(summary.values)
    if values is not None:
        return Memory(values[0], weight=summary.total * values[1])
    if eta is None:
        return None
    rows = family.sample(np.reshape(eta, (1, -1)), np.random.default_rng(0), 64)
    return Memory(rows, weight=np.full(len(rows), summary.total / len(rows)))


def merged(one: Past, two: Past, limits: tuple | None = None) -> tuple[Moved, Test]:
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

    Returns
    -------
    Moved
    Test
    """
    both = one.information + two.information
    if limits is None:
        limits = tuple(np.full(len(both), each) for each in (-np.inf, np.inf, np.inf))

    def evaluated(theta: np.ndarray) -> tuple[float, np.ndarray]:
        (a, pull), (b, other) = one.gap(theta), two.gap(theta)
        return a + b, pull + other

    step = solved(both, -evaluated(one.theta)[1])
    found = _minimised(evaluated, lambda *_: both, np.clip(one.theta + step, *limits[:2]), limits)
    loss = max(evaluated(found.theta)[0], 0.0)
    log_likelihood = one.log_likelihood + two.log_likelihood - loss
    known = int(np.linalg.matrix_rank(both, hermitian=True))
    total = one.total + two.total
    past = Past.about(found.theta, both, total, log_likelihood, found.active, found.slope)
    return Moved(past, found.active, 1, found.distance), Test(2.0 * loss, known)

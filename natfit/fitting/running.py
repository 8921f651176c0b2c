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
from dataclasses import dataclass

import numpy as np
from scipy import special

from natfit import inference
from natfit.distributions.base import Distribution
from natfit.iterate import Status
from natfit.models import Constant
from natfit.objectives import Likelihood
from natfit.optimize import History
from natfit.rows import Memory, Rows

#: Most Newton steps of one batch, and most halvings of a step.
_STEPS, _HALVINGS = 50, 40

#: Distance to the optimum, in standard errors, at which they end.
_NEAR = 1e-7

#: Distance up to which a batch has converged.
_CONVERGED = 1e-4

#: Share of the information below which a batch tells nothing of a direction.
_SILENT = 1e-12

#: The columns of a table of drift.
DRIFT = ("batch", "n", "statistic", "df", "p_value", "nats")


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


@dataclass(frozen=True)
class Test:
    """A score test: the statistic, its degrees of freedom and the p value.

    ``nats`` is what the batch's own parameters would add to the log-likelihood. The statistic is
    NaN where the rows tell none; such a test is not published.
    """

    statistic: float
    df: int

    @property
    def nats(self) -> float:
        """Half of the statistic of the test."""
        return 0.5 * self.statistic

    @property
    def p_value(self) -> float:
        """Probability of such a statistic without drift; 1 without degrees of freedom."""
        return float(special.chdtrc(self.df, self.statistic)) if self.df else 1.0


def semidefinite(matrix: np.ndarray, active: Sequence[int] = ()) -> np.ndarray:
    """Return a curvature (P, P) without negative eigenvalues.

    Where it has some, coordinates at a limit are left out, for which the slope speaks; if some
    remain, they become zero in the units of the diagonal.

    Returns
    -------
    ndarray of shape (P, P)
        The matrix itself if it has none.
    """
    size = np.sqrt(np.abs(np.diagonal(matrix)))
    scale = np.outer(*2 * (np.where(size > 0, size, 1.0),))
    if not np.isfinite(matrix).all():
        return matrix
    values, vectors = np.linalg.eigh(matrix / scale)
    if not len(values) or values[0] >= -_SILENT * abs(values[-1]):
        return matrix
    if len(active):
        out = matrix.copy()
        out[list(active)] = out[:, list(active)] = 0.0
        return semidefinite(out)
    return scale * ((vectors * np.maximum(values, 0.0)) @ vectors.T)


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
    old = None if past is None else past.information

    def evaluated(theta: np.ndarray) -> tuple[float, np.ndarray]:
        value, grad = objective.first_order(theta)
        if past is None:
            return W * value, W * grad
        extra, pull = past.gap(theta)
        return W * value + extra, W * grad + pull

    theta = np.clip(start, low, high)
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
        matrix = curvature(objective, theta, active)
        matrix = matrix if old is None else old + matrix
        step = np.zeros_like(theta)
        step[free] = _solved(matrix[np.ix_(free, free)], -grad[free])
        distance = float(np.sqrt(max(-grad @ step, 0.0)))
        if distance <= _NEAR or steps == _STEPS:
            break
        with np.errstate(invalid="ignore"):
            long = np.nanmax(np.abs(step) / largest, initial=0.0)
        found = _lower(evaluated, theta, step / max(long, 1.0), value, (low, high))
        if found is None:
            break
        steps, (theta, value, grad) = steps + 1, found
    total, log_likelihood = W, objective.log_likelihood(theta, float(objective.value(theta)))
    if past is not None:
        total, log_likelihood = total + past.total, log_likelihood + past.likely(theta, ridge)
    now = Past.about(theta, matrix, total, log_likelihood, active, np.where(held, grad, 0.0))
    return Moved(now, active, steps, distance)


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


def _solved(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Return matrix^-1 vector, with directions of no or negative curvature made positive."""
    if not len(vector):
        return vector
    size = np.sqrt(np.abs(np.diagonal(matrix)))
    size = np.where(size > 0, size, 1.0)
    values, vectors = np.linalg.eigh(matrix / np.outer(size, size))
    least = _SILENT * max(float(np.abs(values).max()), np.finfo(float).tiny)
    inverse = np.where(np.abs(values) > least, 1.0 / np.maximum(np.abs(values), least), 0.0)
    return (vectors @ (inverse * (vectors.T @ (vector / size)))) / size


# --------------------------------------------------------------------------------- tests


def score_test(
    objective: Likelihood, past: Past, active: Sequence[int] = (), ridge: np.ndarray | None = None
) -> Test:
    """Return the score test of a batch against the estimate from other rows.

    With the score s of the batch at the estimate, its covariance B for the given features, and the
    information I of the past, the covariance of s is V = B + B I^-1 B: that of the rows, and what
    the error of the estimate adds. The statistic is s' V^-1 s, and its degrees of freedom are the
    rank of B. Half of it is what the log-likelihood loses because batch and past share theta.

    A penalty moves the estimate to where the score of its rows is R theta per unit of weight, so
    that s is counted from there; with the information J of the rows without the penalty, and w the
    weight of the batch, then V = B + (B + w R) I^-1 J I^-1 (B + w R).

    Parameters
    ----------
    objective : Likelihood
        That of the batch, without a penalty.
    past : Past
        What is known of other rows.
    active : sequence of int
        Coordinates at a limit, which are left out.
    ridge : ndarray of shape (P, P), optional
        R of the penalty ``1/2 theta' R theta`` per unit of weight.

    Returns
    -------
    Test
    """
    total = objective.total
    with np.errstate(all="ignore"):
        _, grad = objective.first_order(past.theta)
        own = total * objective.score_covariance(past.theta).dense()
    pulled, known = own, past.information
    if ridge is not None:
        grad = grad + ridge @ past.theta
        pulled, known = own + total * ridge, semidefinite(known - past.total * ridge)
    free = np.setdiff1d(np.arange(len(grad)), np.asarray(active, dtype=int))
    at = np.ix_(free, free)
    return _tested(-total * grad[free], own[at], past.information[at], pulled[at], known[at])


def _tested(
    score: np.ndarray, own: np.ndarray, past: np.ndarray, pulled: np.ndarray, known: np.ndarray
) -> Test:
    """Return s' (B + C I^-1 J I^-1 C)^-1 s in the coordinates in which I is the identity."""
    size = np.sqrt(np.abs(np.diagonal(past)))
    size = np.where(size > 0, size, 1.0)
    scale = np.outer(size, size)
    if not (len(score) and np.isfinite(own).all() and np.isfinite(score).all()):
        return Test(np.nan, 0)
    values, vectors = np.linalg.eigh(past / scale)
    seen = values > _SILENT * max(float(values.max()), 0.0)
    root = vectors[:, seen] / np.sqrt(values[seen])
    share, turn = np.linalg.eigh(root.T @ (own / scale) @ root)
    told = share > _SILENT * max(float(share.max(initial=0.0)), np.finfo(float).tiny)
    if not told.any():
        return Test(0.0, 0)
    part = (turn.T @ (root.T @ (score / size)))[told]
    moved = root.T @ (pulled / scale) @ root @ turn[:, told]
    spread = np.diag(share[told]) + moved.T @ (root.T @ (known / scale) @ root) @ moved
    return Test(float(part @ _solved(spread, part)), int(told.sum()))


def drift_table(rows: Sequence[tuple[int, float, Test]]) -> History:
    """Return tests of batches as a table with the columns of :data:`DRIFT`.

    Parameters
    ----------
    rows : sequence of (int, float, Test)
        Number and rows of each batch, and its test; those without a statistic are left out.

    Returns
    -------
    History
    """
    known = [each for each in rows if np.isfinite(each[2].statistic)]
    cells = [(k, n, t.statistic, t.df, t.p_value, t.nats) for k, n, t in known]
    columns = np.array(cells, dtype=np.float64).reshape(len(cells), len(DRIFT)).T
    return History(dict(zip(DRIFT, columns, strict=True)), np.zeros((len(cells), 0)))


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


def merged(one: Past, two: Past) -> tuple[Past, Test]:
    """Return what two parts of the rows tell together, and the test that they share theta.

    ``theta = (I1 + I2)^-1 (I1 theta1 + I2 theta2)``, as efficient as the fit of all rows (Lin and
    Xi 2011). What the log-likelihood loses, ``1/2 sum_k (theta_k - theta)' I_k (theta_k - theta)``,
    is half a chi-squared statistic with as many degrees of freedom as theta has.

    Parameters
    ----------
    one, two : Past
        In the same coordinates.

    Returns
    -------
    Past
    Test
    """
    both = one.information + two.information
    step = _solved(both, two.information @ (two.theta - one.theta))
    theta = one.theta + step
    loss = one.gap(theta)[0] + two.gap(theta)[0]
    log_likelihood = one.log_likelihood + two.log_likelihood - loss
    known = np.linalg.matrix_rank(both, hermitian=True)
    past = Past.about(theta, both, one.total + two.total, log_likelihood)
    return past, Test(2.0 * max(loss, 0.0), int(known))

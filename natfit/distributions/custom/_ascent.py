"""Ascent of a mean log-density whose values alone are known, for starts and profiles.

Every derivative is a difference, and all points of a stencil are evaluated in one call. The
directions are natural gradients: the metric is the observed information where it is positive
definite, and the covariance of the scores elsewhere; both with several dampings, of which the best
end is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from natfit.numerics.differences import rounding

#: Step of central differences, in the unit of a coordinate: their errors of 1e-7 are those of a
#: start.
_STEP = 1e-3

#: Damping relative to the diagonal of the metric, and the largest change of a coordinate in units.
_DAMPINGS, _LONGEST = np.array([0.0, 1e-4, 1e-2, 0.1, 1.0, 10.0, 1e3]), 3.0

#: Curvature, relative to the largest one, below which a direction is flat: where parameters are
#: redundant, rounding of the gradient divided by less is a long step.
_FLAT = 1e-8

#: How often the step of the differences is adapted.
_TUNED = 4

#: Relative step and number of points that measure rounding, and how much of it, relative to the
#: mean, is too much.
_SHORT, _POINTS, _ROUNDING = 1e-9, 12, 1e-10

#: Gain in nats per row that is not worth another step, and the share of the predicted gain with
#: which a step is taken as it is.
_DONE, _ENOUGH = 1e-12, 0.25


@dataclass(frozen=True)
class Surface:
    """A mean log-density over points u (P,).

    Attributes
    ----------
    rows : callable
        ``rows(u) -> (n, m)``, the log-density of each row at points u (m, P), -inf for none.
    weight : ndarray of shape (n,) or None
        Weights of the rows.
    unit : callable
        ``unit(u) -> (P,)``, the unit of each coordinate at one point.
    """

    rows: Callable[[np.ndarray], np.ndarray]
    weight: np.ndarray | None
    unit: Callable[[np.ndarray], np.ndarray]

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Return the mean over rows (m,) of values (n, m); -inf where it is not finite."""
        with np.errstate(all="ignore"):
            mean = np.average(values, axis=0, weights=self.weight)
        return np.where(np.isfinite(mean), mean, -np.inf)

    def at(self, points: np.ndarray) -> np.ndarray:
        """Return the means (m,) at points (m, P)."""
        return self.mean(self.rows(points))


def climb(surface: Surface, start: np.ndarray, most: int) -> tuple[np.ndarray, float]:
    """Climb from a point u (P,) in at most ``most`` steps.

    Where a climb over a long way ends in rounding, it is repeated without steps to such points.

    Returns
    -------
    u : ndarray of shape (P,)
        The end.
    mean : float
        The mean there, in nats; not below that of the start.
    """
    end = _climb(surface, start, most, False)
    way = np.abs(end[0] - start) / surface.unit(start) if np.isfinite(end[1]) else np.zeros(1)
    if way.max(initial=0.0) > _LONGEST and not sound(surface, end[0]) and sound(surface, start):
        return _climb(surface, start, most, True)
    return end


def _climb(
    surface: Surface, start: np.ndarray, most: int, checked: bool
) -> tuple[np.ndarray, float]:
    """The climb; with ``checked`` no step goes to a point that is not sound."""
    u, value = start, float(surface.at(start[None])[0])
    if not len(u) or not np.isfinite(value):
        return u, value
    fine = np.ones(len(u))
    for _ in range(most):
        unit = surface.unit(u)
        gradient, observed, outer, fine = _resolved(surface, u, unit, fine)
        gained = 0.0
        # The undamped steps of both metrics first: near the optimum one of them is right.
        for dampings in (_DAMPINGS[:1], _DAMPINGS[1:]):
            steps = _candidates(gradient, observed, outer, dampings) * fine
            steps *= np.minimum(
                1.0, _LONGEST / np.abs(steps).max(axis=1, keepdims=True, initial=_LONGEST)
            )
            trials = u + steps * unit
            means = surface.at(trials)
            best = int(np.argmax(means))
            while checked and means[best] > value and not sound(surface, trials[best]):
                means[best] = -np.inf
                best = int(np.argmax(means))
            hoped = 0.5 * float((gradient * steps[best] / fine).sum())
            if means[best] > value:
                gained += float(means[best]) - value
                u, value = trials[best], float(means[best])
            if gained > _ENOUGH * hoped:
                break
        if gained <= _DONE * (1.0 + abs(value)):
            break
    return u, value


def sound(surface: Surface, u: np.ndarray) -> bool:
    """Tell whether the mean log-density at a point u (P,) is no rounding.

    At extreme parameters terms of scipy's formulas cancel: the rounding of the mean is measured on
    a way so short that it is straight.

    Returns
    -------
    bool
    """
    moves = np.arange(_POINTS)[:, None] * (_SHORT * (1.0 + np.abs(u)) * surface.unit(u))
    means = surface.at(u + moves)
    return bool(rounding(means) < _ROUNDING * (1.0 + abs(means[0])))


def _resolved(surface: Surface, u: np.ndarray, unit: np.ndarray, fine: np.ndarray) -> tuple:
    """Take differences whose steps are a share of natural units.

    The natural unit of a coordinate is one over the root mean square of its score, where that is
    less than its own unit.

    Returns
    -------
    gradient : ndarray of shape (P,)
    observed, outer : ndarray of shape (P, P)
        The observed information and the covariance of the scores.
    fine : ndarray of shape (P,)
        Natural units in units; all derivatives are in natural units.
    """
    for _ in range(_TUNED):
        gradient, observed, outer = _slopes(surface, u, unit * fine)
        wanted = fine / np.maximum(fine, np.sqrt(np.diag(outer)))
        wanted = np.minimum(wanted, 1.0)
        if np.all(wanted > 0.3 * fine):
            break
        fine = wanted
    return gradient, observed, outer, fine


def _slopes(surface: Surface, u: np.ndarray, unit: np.ndarray) -> tuple:
    """Return gradient (P,), observed information and covariance of the scores, (P, P) each."""
    size = len(u)
    one = np.eye(size) * _STEP
    pairs = [(i, j) for i in range(size) for j in range(i)]
    moves = np.concatenate(
        [np.zeros((1, size)), one, -one]
        + [np.stack([one[i] + one[j], -one[i] - one[j]]) for i, j in pairs]
    )
    values = surface.rows(u + moves * unit)
    means = surface.mean(values)
    up, down = slice(1, 1 + size), slice(1 + size, 1 + 2 * size)
    with np.errstate(all="ignore"):
        scores = (values[:, up] - values[:, down]) / (2.0 * _STEP)
        gradient = (means[up] - means[down]) / (2.0 * _STEP)
        second = np.diag((means[up] + means[down] - 2.0 * means[0]) / _STEP**2)
        for k, (i, j) in enumerate(pairs):
            both = means[1 + 2 * size + 2 * k : 3 + 2 * size + 2 * k].sum()
            single = means[1 + i] + means[1 + size + i] + means[1 + j] + means[1 + size + j]
            second[i, j] = second[j, i] = (both - single + 2.0 * means[0]) / (2.0 * _STEP**2)
    scores = np.where(np.isfinite(scores), scores, 0.0)
    weight = np.ones(len(values)) if surface.weight is None else surface.weight
    outer = (scores * (weight / weight.sum())[:, None]).T @ scores
    if not np.isfinite(gradient).all():
        # One side of the stencil lies outside the domain: the scores of the other side.
        inner = np.where(np.isfinite(means[up]), means[up] - means[0], means[0] - means[down])
        gradient = np.where(np.isfinite(inner), inner / _STEP, 0.0)
    observed = np.where(np.isfinite(second), -second, 0.0)
    return gradient, observed, outer


def _candidates(
    gradient: np.ndarray, observed: np.ndarray, outer: np.ndarray, dampings: np.ndarray
) -> np.ndarray:
    """Return steps (m, P) in units, by both metrics and some dampings."""
    steps = []
    size = np.sqrt(np.maximum(np.maximum(np.diag(outer), np.abs(np.diag(observed))), 1e-300))
    for matrix in (observed, outer):
        values, vectors = np.linalg.eigh(matrix / np.outer(size, size))
        part = vectors.T @ (gradient / size)
        floor = _FLAT * max(np.abs(values).max(), 1e-300)
        for damping in dampings:
            step = vectors @ (part / np.maximum(np.abs(values) + damping, floor)) / size
            steps.append(step)
    return np.array(steps)

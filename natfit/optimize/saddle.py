"""Points where the gradient of a plain function vanishes by symmetry although it can fall."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from natfit.iterate import Iterate, noise
from natfit.objectives import Objective

#: Share of the largest gradient below which a run has seen no slope in a direction.
_UNSEEN = 1e-12

#: Maximum number of such directions whose curvature is measured; each costs two evaluations.
_MOST = 10

#: Maximum number of coordinates that are looked at, some of which may rest at limits.
_FEW = 200

#: Step of the differences, and the steps along a negative curvature, in units of max(1, |x|).
_STEP, _WAY = 1e-4, 10.0 ** np.arange(-3.0, 1.0)


def beyond_saddle(objective: Objective, iterates: Sequence[Iterate]) -> np.ndarray | None:
    """Return a lower point beside the end of a run, or None.

    A run that starts on a line of symmetry stays on it: there the gradient has no component across
    it. It may so converge to a saddle. The curvature is measured, by differences of the gradient,
    in the directions in which no gradient of the run had a component.

    Parameters
    ----------
    objective : Objective
        The function.
    iterates : sequence of Iterate
        The run, the start first.

    Returns
    -------
    ndarray of shape (P,) or None
        A point at which the function is lower by more than rounding.
    """
    last = iterates[-1]
    low, high, _ = objective.limits()
    unseen = _unseen(iterates)
    at_limit = (last.theta <= low) | (last.theta >= high)
    unseen = unseen[:, ~np.any(unseen[at_limit] != 0.0, axis=0)][:, :_MOST]
    if not unseen.size:
        return None
    unit = max(1.0, float(np.abs(last.theta).max()))

    def moved(direction: np.ndarray) -> np.ndarray:
        return np.clip(last.theta + direction, low, high)

    columns = []
    for direction in (unseen * (_STEP * unit)).T:
        ends = [objective.first_order(moved(sign * direction))[1] for sign in (1.0, -1.0)]
        columns.append((ends[0] - ends[1]) / (2.0 * _STEP * unit))
    curvature = unseen.T @ np.stack(columns, axis=1)
    if not np.isfinite(curvature).all():
        return None
    values, vectors = np.linalg.eigh(0.5 * (curvature + curvature.T))
    if not values[0] < 0:
        return None
    # All of them at once: by symmetry there may be as many as coordinates.
    direction = unseen @ vectors[:, values < 0.1 * values[0]].sum(axis=1) * unit
    points = [moved(sign * length * direction) for sign in (1.0, -1.0) for length in _WAY]
    found = [objective.value(point) for point in points]
    best = int(np.argmin([value if np.isfinite(value) else np.inf for value in found]))
    gained = found[best] < last.value - noise(last.value, objective.scale)
    return points[best] if gained else None


def _unseen(iterates: Sequence[Iterate]) -> np.ndarray:
    """Return an orthonormal basis (P, m) of the directions without a gradient in the whole run.

    A run shorter than 2 P iterations has not turned in all directions, whatever the function: only
    coordinates count then.

    Returns
    -------
    ndarray of shape (P, m)
        Orthonormal columns.
    """
    grads = np.array([iterate.grad for iterate in iterates])
    size = len(grads[0])
    zero = np.abs(grads).max(axis=0) <= _UNSEEN * np.abs(grads).max()
    zero &= np.ptp([iterate.theta for iterate in iterates], axis=0) == 0.0
    if len(grads) <= 2 * size or size > 200:
        # Of many, a few: no matrix of the size of all coordinates is made.
        where = np.flatnonzero(zero)[:_FEW]
        basis = np.zeros((size, len(where)))
        basis[where, np.arange(len(where))] = 1.0
        return basis
    lengths = np.linalg.norm(grads, axis=1)
    grads = grads[lengths > _UNSEEN * lengths.max()]
    grads /= np.linalg.norm(grads, axis=1)[:, None]
    _, sizes, rows = np.linalg.svd(grads, full_matrices=True)
    return rows[np.sum(sizes > 1e-9 * sizes.max(initial=1.0)) :].T

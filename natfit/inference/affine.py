"""Refits in which linear combinations of theta are held at given values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import null_space, qr

from natfit.inference.surface import Surface, solved
from natfit.objectives import Likelihood

#: Distance to the constrained optimum, in standard errors, at which a refit has converged: the
#: deviance is then off by its square, 1e-12.
_TOLERANCE = 1e-6

#: The same where rounding of f ends the descent.
_AT_ROUNDING = 1e-3

_MOST, _MOST_HALVINGS = 60, 40

#: Share of the predicted fall of f that a step must bring (Armijo's rule).
_SHARE = 1e-4

#: Restrictions of unit length that are smaller than this beside the others say the same as these.
_DEPENDENT = 1e-9


@dataclass(frozen=True)
class Restricted:
    """The optimum of f where ``A theta = b``.

    Attributes
    ----------
    theta : ndarray of shape (P,)
    value : float
        f there, nats per row.
    converged : bool
        Whether the distance to the optimum is below 1e-6 standard errors, or below what rounding
        of f allows.
    """

    theta: np.ndarray
    value: float
    converged: bool


def independent(lines: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return restrictions ``A theta = b`` without those that follow from the others.

    Parameters
    ----------
    lines : ndarray of shape (q, P)
        A.
    values : ndarray of shape (q,)
        b.

    Returns
    -------
    lines : ndarray of shape (r, P)
    values : ndarray of shape (r,)

    Raises
    ------
    ValueError
        If a restriction is empty, or two contradict each other.
    """
    size = np.linalg.norm(lines, axis=1)
    if not (size > 0).all():
        raise ValueError(
            f"a hypothesis must restrict coefficients, got none in row {int(np.argmin(size))}"
        )
    unit, target = lines / size[:, None], values / size
    _, upper, order = qr(unit.T, mode="economic", pivoting=True)
    diagonal = np.abs(np.diagonal(upper))
    rank = int((diagonal > _DEPENDENT * diagonal.max()).sum())
    chosen = np.sort(order[:rank])
    if rank < len(lines):
        mix = np.linalg.lstsq(unit[chosen].T, unit.T, rcond=None)[0].T
        off = mix @ target[chosen] - target
        if np.abs(off).max() > 1e-7 * max(1.0, float(np.abs(target).max())):
            raise ValueError(
                "the restrictions of a hypothesis must not contradict each other, got row "
                f"{int(np.argmax(np.abs(off)))}, which does not follow from the others"
            )
    return lines[chosen], values[chosen]


def restricted(
    objective: Likelihood,
    theta: np.ndarray,
    lines: np.ndarray,
    values: np.ndarray,
    held: tuple[int, ...] = (),
) -> Restricted:
    """Return the optimum of f among the theta with ``A theta = b``, by Newton's method.

    The first point is the one with these values that is nearest to the start in the metric of the
    curvature there; each step stays on the plane, and is halved until f falls.

    Parameters
    ----------
    objective : Likelihood
        f.
    theta : ndarray of shape (P,)
        The start, such as the unrestricted estimate.
    lines : ndarray of shape (q, P)
        A, whose lines are independent.
    values : ndarray of shape (q,)
        b.
    held : tuple of int
        Coordinates that do not move besides.

    Returns
    -------
    Restricted
    """
    fixed = tuple(k for k in held if not np.any(lines[:, k]))
    surface = Surface(objective, fixed)
    known = np.eye(len(theta))[list(fixed)]
    lines = np.concatenate([lines, known])
    values = np.concatenate([values, known @ theta])
    matrix = _curvature(surface, theta)
    unit = np.sqrt(np.abs(np.diagonal(matrix)))
    unit = np.where(unit > 0, unit, 1.0)
    # Directions of the plane, in the units of the coordinates.
    plane = null_space(lines / unit) / unit[:, None]
    toward = solved(matrix, lines.T)
    theta = theta + toward @ np.linalg.lstsq(lines @ toward, values - lines @ theta, rcond=None)[0]
    alone = _single(lines)
    plane[list(alone)] = 0.0
    for coordinate, line in alone.items():
        # Exactly there: beside the end of a range by a rounding error, there is no density.
        theta[coordinate] = values[line] / lines[line, coordinate]
    value, grad = surface.first(theta)
    distance = np.inf
    for _ in range(_MOST):
        if not (np.isfinite(value) and plane.shape[1]):
            break
        matrix = _curvature(surface, theta, grad)
        slope = plane.T @ grad
        step = -solved(plane.T @ matrix @ plane, slope)
        distance = float(np.sqrt(max(-surface.total * float(slope @ step), 0.0)))
        if distance <= _TOLERANCE:
            break
        found = _descended(surface, theta, value, plane @ step, float(slope @ step))
        if found is None:
            break
        theta, value, grad = found
    reached = distance <= _AT_ROUNDING or not plane.shape[1]
    return Restricted(theta, float(value), bool(np.isfinite(value) and reached))


def _single(lines: np.ndarray) -> dict[int, int]:
    """Return the coordinates that a restriction fixes alone, each with the index of its line."""
    only = np.flatnonzero((lines != 0.0).sum(axis=1) == 1)
    return {int(np.flatnonzero(lines[i])[0]): int(i) for i in only}


def _curvature(surface: Surface, theta: np.ndarray, grad: np.ndarray | None = None) -> np.ndarray:
    """Return the curvature of f (P, P), without cross terms of coordinates that do not move."""
    matrix, _ = surface.curvature(theta, grad)
    still = ~surface.moving
    matrix = np.where(still[:, None] | still[None, :], 0.0, matrix)
    matrix[still, still] = 1.0
    return matrix


def _descended(
    surface: Surface, theta: np.ndarray, value: float, step: np.ndarray, fall: float
) -> tuple[np.ndarray, float, np.ndarray] | None:
    """Return the point after the longest share of a step that lowers f; None if none does."""
    length = 1.0
    for _ in range(_MOST_HALVINGS):
        end = theta + length * step
        found, grad = surface.first(end)
        if found < value and found <= value + _SHARE * length * fall:
            return end, found, grad
        length *= 0.5
    return None

"""Refits in which linear combinations of theta are held at given values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import null_space, qr

from natfit.inference.surface import Surface, definite, solved
from natfit.objectives import Likelihood

#: Distance to the constrained optimum, in standard errors, at which a refit has converged: the
#: deviance is then off by its square, 1e-12.
_TOLERANCE = 1e-6

#: The same where rounding of f ends the descent.
_AT_ROUNDING = 1e-3

_MOST, _MOST_HALVINGS = 60, 40

#: Most solves of one step with coordinates held at their limits.
_MOST_HELD = 8

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
    curvature there; each step stays on the plane and inside the limits, and is halved until f
    falls. A coordinate at a limit stays there while the gradient on the plane keeps it.

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
    plane = _Plane(surface, lines, matrix)
    theta = _on_plane(surface, theta, lines, values, matrix)
    value, grad = surface.first(theta)
    distance = np.inf
    for _ in range(_MOST):
        if not np.isfinite(value):
            break
        step, distance = plane.step(theta, grad)
        if distance <= _TOLERANCE:
            break
        found = _descended(surface, theta, value, step, float(grad @ step))
        if found is None:
            break
        theta, value, grad = found
    reached = distance <= _AT_ROUNDING
    return Restricted(theta, float(value), bool(np.isfinite(value) and reached))


def _on_plane(
    surface: Surface, theta: np.ndarray, lines: np.ndarray, values: np.ndarray, matrix: np.ndarray
) -> np.ndarray:
    """Return the theta with ``A theta = b`` that is nearest in a metric, inside the limits."""
    alone = _single(lines)
    rest = np.ones(len(theta), dtype=bool)
    for _ in range(_MOST_HELD):
        part = np.where(rest, lines, 0.0).T
        block = np.where(rest[:, None] & rest[None, :], matrix, np.eye(len(theta)))
        toward = solved(block, part)
        gap = values - lines @ theta
        theta = theta + toward @ np.linalg.lstsq(lines @ toward, gap, rcond=None)[0]
        for coordinate, line in alone.items():
            # Exactly there: beside the end of a range by a rounding error, there is no density.
            theta[coordinate] = values[line] / lines[line, coordinate]
        out = (theta < surface.low) | (theta > surface.high)
        out[list(alone)] = False
        if not out.any():
            break
        theta = np.where(out, np.clip(theta, surface.low, surface.high), theta)
        rest &= ~out
    return theta


class _Plane:
    """The theta with ``A theta = b`` inside the limits, and Newton's steps on it."""

    def __init__(self, surface: Surface, lines: np.ndarray, matrix: np.ndarray):
        self.surface = surface
        self.lines = lines
        unit = np.sqrt(np.abs(np.diagonal(matrix)))
        self.unit = np.where(unit > 0, unit, 1.0)
        self.alone = list(_single(lines))
        self.closed = np.zeros(len(unit), dtype=bool)
        self.directions = self._found()

    def step(self, theta: np.ndarray, grad: np.ndarray) -> tuple[np.ndarray, float]:
        """Return Newton's step that leaves no limit (P,), and its length in standard errors."""
        surface = self.surface
        low, high = theta <= surface.low, theta >= surface.high
        low[self.alone] = high[self.alone] = False
        pull = self._pull(theta, grad, low | high)
        closed = (low & (pull >= 0.0)) | (high & (pull <= 0.0))
        for _ in range(_MOST_HELD):
            if (closed != self.closed).any():
                self.closed = closed
                self.directions = self._found()
            slope = self.directions.T @ grad
            along = -solved(self._block(theta, grad), slope)
            step = self.directions @ along
            out = ~closed & ((low & (step < 0.0)) | (high & (step > 0.0)))
            if not out.any():
                break
            closed = closed | out
        distance = float(np.sqrt(max(-surface.total * float(slope @ along), 0.0)))
        return step, distance

    def _block(self, theta: np.ndarray, grad: np.ndarray) -> np.ndarray:
        """Return the curvature of f along the directions; f's own where it is definite there."""
        # Off an optimum without restrictions f need not be convex across the plane.
        own = self.surface.observed(theta, grad)
        if own is not None:
            block = self.directions.T @ _still(self.surface, own) @ self.directions
            if definite(block):
                return block
        return self.directions.T @ _curvature(self.surface, theta, grad) @ self.directions

    def _pull(self, theta: np.ndarray, grad: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Return the gradient less the multiples of A that make it shortest off limits (P,)."""
        if not at.any():
            return grad
        rest = self.surface.moving & ~at
        matrix = _curvature(self.surface, theta, grad)
        part = self.lines[:, rest].T
        toward = solved(matrix[np.ix_(rest, rest)], part)
        m = np.linalg.lstsq(part.T @ toward, toward.T @ grad[rest], rcond=None)[0]
        return grad - self.lines.T @ m

    def _found(self) -> np.ndarray:
        """Return directions of the plane (P, m), orthogonal in the units of the coordinates."""
        still = np.eye(len(self.unit))[self.closed]
        plane = null_space(np.concatenate([self.lines, still]) / self.unit) / self.unit[:, None]
        plane[self.alone] = 0.0
        plane[self.closed] = 0.0
        return plane


def _single(lines: np.ndarray) -> dict[int, int]:
    """Return the coordinates that a restriction fixes alone, each with the index of its line."""
    only = np.flatnonzero((lines != 0.0).sum(axis=1) == 1)
    return {int(np.flatnonzero(lines[i])[0]): int(i) for i in only}


def _curvature(surface: Surface, theta: np.ndarray, grad: np.ndarray | None = None) -> np.ndarray:
    """Return the curvature of f (P, P), without cross terms of coordinates that do not move."""
    return _still(surface, surface.curvature(theta, grad)[0])


def _still(surface: Surface, matrix: np.ndarray) -> np.ndarray:
    still = ~surface.moving
    matrix = np.where(still[:, None] | still[None, :], 0.0, matrix)
    matrix[still, still] = 1.0
    return matrix


def _descended(
    surface: Surface, theta: np.ndarray, value: float, step: np.ndarray, fall: float
) -> tuple[np.ndarray, float, np.ndarray] | None:
    """Return the point after the longest share of a step that lowers f; None if none does."""
    room = np.where(step < 0.0, surface.low - theta, surface.high - theta)
    moves = step != 0.0
    length = min(1.0, float(np.min(room[moves] / step[moves], initial=1.0)))
    for _ in range(_MOST_HALVINGS):
        end = surface.moved(theta, step, length)
        found, grad = surface.first(end)
        if found < value and found <= value + _SHARE * length * fall:
            return end, found, grad
        length *= 0.5
    return None

"""The quadratic of a coordinate that rests at a limit, or near one: a secant, not a derivative.

At a limit the likelihood has a slope and no derivative that tells how it falls inside: where eta
is a power of what the family asks for, the second derivative there is of any sign and any size.
The fall along the coordinate itself gives both, the slope g >= 0 and the curvature h >= 0 of the
parabola ``g u + 1/2 h u^2`` through two points inside; the further one is a few nats lower.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from natfit.fitting.semidefinite import semidefinite

#: Fall of the likelihood, in nats, at the further point: from about one to three standard errors.
_LEAST, _MOST = 0.5, 4.0

#: Factor between trial distances, and most of them.
_FACTOR, _TRIALS = 4.0, 40


def near_limits(
    theta: np.ndarray, matrix: np.ndarray, ends: tuple[np.ndarray, np.ndarray]
) -> list[tuple[int, int]]:
    """Return coordinates within a standard error of a limit, each with the direction inwards.

    Parameters
    ----------
    theta : ndarray of shape (P,)
        The estimate.
    matrix : ndarray of shape (P, P)
        The curvature of all rows, which may be indefinite, or not finite where it overflows.
    ends : tuple of ndarray of shape (P,)
        The lower and the upper limits.

    Returns
    -------
    list of (int, int)
        Indices, each with 1 for a lower limit and -1 for an upper one.
    """
    known = np.diagonal(matrix) > 0
    error = np.full(len(theta), np.inf)
    error[known] = 1.0 / np.sqrt(np.diagonal(matrix)[known])
    below, above = theta - ends[0], ends[1] - theta
    room = np.minimum(below, above)
    # A limit itself is near whatever the error is, which may be zero.
    near = np.isfinite(room) & ((room < error) | (room == 0))
    inwards = np.where(below <= above, 1, -1)
    return [(int(index), int(inwards[index])) for index in np.flatnonzero(near)]


def rested(
    value: Callable[[np.ndarray], float],
    theta: np.ndarray,
    slope: np.ndarray,
    matrix: np.ndarray,
    ends: tuple[np.ndarray, np.ndarray],
    active: Sequence[int],
    unit: float = 1.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Return slope and curvature of all rows, with secants at limits, and positive semidefinite.

    Parameters
    ----------
    value : callable
        The negative log-likelihood of all rows at theta, in nats.
    theta : ndarray of shape (P,)
        The estimate.
    slope : ndarray of shape (P,)
        Its gradient there.
    matrix : ndarray of shape (P, P)
        Its second derivatives there.
    ends : tuple of ndarray of shape (P,)
        The lower and the upper limits.
    active : sequence of int
        Coordinates that rest at a limit.
    unit : float
        What makes a nat of all that is given one of whole rows.

    Returns
    -------
    slope : ndarray of shape (P,)
    matrix : ndarray of shape (P, P)
    """
    if not (np.isfinite(matrix).all() and np.isfinite(slope).all()):
        return slope, matrix
    slope, matrix = slope.copy(), matrix.copy()
    for index, inwards in near_limits(theta, unit * matrix, ends):
        move = np.zeros_like(theta)
        move[index] = inwards
        room = ends[1][index] - ends[0][index]
        resting = index in active
        nats = _secant(lambda at: unit * value(at), theta, move, room, resting)
        force, bend = nats[0] / unit, nats[1] / unit
        if resting:
            # How the others move with it belongs to the point, not to the way inside.
            matrix[index, :] = matrix[:, index] = 0.0
            slope[index] = inwards * force
        else:
            own = matrix[index, index]
            share = np.sqrt(bend / own) if own > 0 else 0.0
            matrix[index, :] *= share
            matrix[:, index] *= share
        matrix[index, index] = bend
    return slope, semidefinite(matrix)


def _secant(
    value: Callable[[np.ndarray], float],
    theta: np.ndarray,
    move: np.ndarray,
    room: float,
    sloped: bool,
) -> tuple[float, float]:
    """Return g and h of ``g u + 1/2 h u^2`` inside; without a slope, h alone."""
    start = value(theta)

    def fall(u: float) -> float:
        with np.errstate(all="ignore"):
            return value(theta + u * move) - start

    u = _reach(fall, min(1.0, 0.5 * room), 0.5 * room)
    far = fall(u)
    if not (np.isfinite(far) and far > 0):
        return 0.0, 0.0
    if not sloped:
        return 0.0, 2.0 * far / u**2
    half = min(max(fall(0.5 * u), 0.25 * far), 0.5 * far)
    return (4.0 * half - far) / u, 4.0 * (far - 2.0 * half) / u**2


def _reach(fall: Callable[[float], float], u: float, most: float) -> float:
    """Return a distance at which the likelihood has fallen by a few nats, at most ``most``."""
    for _ in range(_TRIALS):
        found = fall(u)
        if not found <= _MOST:
            step = 1.0 / _FACTOR
        elif found < _LEAST and u < most:
            step = 2.0
        else:
            break
        u = min(u * step, most)
    return u

"""Least absolute deviations with a ridge penalty: where some rows are met, and how far.

The minimum of ``sum_i v_i |y_i - z_i' b| + 1/2 sum_j lambda_j b_j^2`` meets some rows exactly,
fewer than there are coefficients. Among the b that meet these rows it is that of a quadratic
function. Rows are added where a way to it crosses their kink, and left where their multiplier
exceeds their weight: the active-set method (Nocedal and Wright 2006, section 16.5) with exact steps
through the kinks.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import qr

#: Share of the sizes that are summed below which a slope is rounding.
_ROUNDING = 1e-11


def least_penalised(
    z: np.ndarray,
    y: np.ndarray,
    weight: np.ndarray,
    ridge: np.ndarray,
    start: np.ndarray,
    given: int = 0,
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return b (p,) with the least penalised sum, and which rows it meets exactly.

    Parameters
    ----------
    z : ndarray of shape (n, p)
        Features, with the intercept.
    y : ndarray of shape (n,)
        What is explained.
    weight : ndarray of shape (n,)
        v, positive.
    ridge : ndarray of shape (p,)
        lambda; zero for the intercept alone.
    start : ndarray of shape (p,)
        A point near the minimum.
    given : int, default=0
        How many of the last rows are no data but what is given: they are always met.

    Returns
    -------
    b : ndarray of shape (p,)
    met : ndarray of int
        None in place of both if more is not penalised than an intercept, or no end is found.
    """
    free = np.flatnonzero(ridge == 0.0)
    if len(free) > 1:
        return None
    first = len(z) - given
    met = list(range(first, len(z)))
    b = _exactly(z, y, start.copy(), met)
    # What is given pulls at nothing, and has no limit to its multiplier.
    limit = np.concatenate([weight[:first], np.full(given, np.inf)])
    weight = np.concatenate([weight[:first], np.zeros(given)])
    for _ in range(50 + 20 * z.shape[1]):
        if len(free) and not z[met][:, free].any():
            met.append(_median(z[:first], y[:first], weight[:first], b, int(free[0])))
        gap = y - z @ b
        gap[np.abs(gap) <= 1e-13 * (np.abs(y) + np.abs(gap).max())] = 0.0
        gap[met] = 0.0
        pull = z.T @ (weight * np.sign(gap))
        grad, size = ridge * b - pull, np.abs(z).T @ weight
        way = _toward(z[met], ridge, grad)
        if np.abs(grad @ way) <= _ROUNDING * float(size @ np.abs(way)) or not way.any():
            left = _left(z[met], limit[met], grad)
            if left is None:
                return _exactly(z, y, b, met), np.array(met, dtype=int)
            out = met.pop(left[0])
            if len(free) and not z[met][:, free].any():
                # The intercept alone goes to its next row.
                continue
            grad = grad - weight[out] * left[1] * z[out]
            way = _toward(z[met], ridge, grad)
            gap[out] = left[1] * np.finfo(float).tiny
        length, row = _crossing(z @ way, gap, weight, float(grad @ way), float(ridge @ way**2), met)
        b = b + length * way
        if row is not None:
            met.append(row)
    return None


def _median(z: np.ndarray, y: np.ndarray, weight: np.ndarray, b: np.ndarray, k: int) -> int:
    """Move the intercept b[k] to where the weighted sum of deviations is least; return its row."""
    gap = (y - z @ b) / z[:, k]
    order = np.argsort(gap, kind="stable")
    mass = np.cumsum((weight * np.abs(z[:, k]))[order])
    row = int(order[np.searchsorted(mass, 0.5 * mass[-1])])
    b[k] += gap[row]
    return row


def _toward(met: np.ndarray, ridge: np.ndarray, grad: np.ndarray) -> np.ndarray:
    """Return the step (p,) to the least of the quadratic function along which the rows stay met."""
    if not len(met):
        return -grad / ridge
    plane = qr(met.T)[0][:, len(met) :]
    if not plane.shape[1]:
        return np.zeros(len(grad))
    inner = plane.T @ (ridge[:, None] * plane)
    return -plane @ np.linalg.lstsq(inner, plane.T @ grad, rcond=None)[0]


def _left(met: np.ndarray, weight: np.ndarray, grad: np.ndarray) -> tuple[int, float] | None:
    """Return the row whose multiplier exceeds its weight most, and its sign beyond, or None."""
    if not len(met):
        return None
    pull = np.linalg.lstsq(met.T, grad, rcond=None)[0]
    excess = np.abs(pull) / weight
    worst = int(np.argmax(excess))
    return (worst, float(np.sign(pull[worst]))) if excess[worst] > 1.0 + 1e-9 else None


def _crossing(
    speed: np.ndarray,
    gap: np.ndarray,
    weight: np.ndarray,
    slope: float,
    curvature: float,
    met: list[int],
) -> tuple[float, int | None]:
    """Return how far to go along a way, and the row at whose kink that is, None for none."""
    speed = speed.copy()
    speed[met] = 0.0
    speed[np.abs(speed) <= 1e-13 * np.abs(speed).max(initial=0.0)] = 0.0
    tied = (gap == 0.0) & (speed != 0.0)
    slope += float(weight[tied] @ np.abs(speed[tied]))
    if slope >= 0.0 and tied.any():
        return 0.0, int(np.argmax(np.where(tied, weight * np.abs(speed), -1.0)))
    ahead = np.flatnonzero(gap * speed > 0.0)
    at = gap[ahead] / speed[ahead]
    order = np.argsort(at, kind="stable")
    ahead, at = ahead[order], at[order]
    jump = 2.0 * weight[ahead] * np.abs(speed[ahead])
    before = slope + np.concatenate([[0.0], np.cumsum(jump)[:-1]]) + curvature * at
    over = np.flatnonzero(before + jump >= 0.0)
    if not len(over):
        return -(slope + float(jump.sum())) / curvature, None
    first = int(over[0])
    if before[first] >= 0.0:
        return float(at[first] - before[first] / curvature), None
    return float(at[first]), int(ahead[first])


def _exactly(z: np.ndarray, y: np.ndarray, b: np.ndarray, met: list[int]) -> np.ndarray:
    """Return b moved by rounding to where its rows are met."""
    if not met:
        return b
    return b + np.linalg.lstsq(z[met], y[met] - z[met] @ b, rcond=None)[0]

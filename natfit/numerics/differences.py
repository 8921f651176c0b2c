"""Derivatives of row-wise functions by finite differences of the sixth and the fourth order."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

#: Steps in units of the coordinates: for formulas of the sixth and the fourth order the errors of
#: truncation and of rounding are about equal here.
FIRST, SECOND = 2e-3, 8e-3

#: Multiples of the step at which a function is evaluated in one coordinate, for its first and its
#: second derivative, and in two coordinates for the mixed one.
_FIRST = (1.0, -1.0, 2.0, -2.0, 3.0, -3.0)
_SECOND = (1.0, -1.0, 2.0, -2.0)
_MIXED = tuple((s * m, t * m) for m in (1.0, 2.0) for s in (1, -1) for t in (1, -1))


def gradient(fn: Callable, eta: np.ndarray, step: np.ndarray, stacked: bool = False) -> np.ndarray:
    """Gradient (n, K) of ``fn(eta) -> (n,)`` at eta, with step lengths; both (n, K) or (1, K).

    The formula is of the sixth order.

    Parameters
    ----------
    fn : callable
        The function.
    eta, step : ndarray of shape (n, K) or (1, K)
        The point, and the step of each coordinate.
    stacked : bool
        Whether the function takes all points of a stencil in one call:
        ``fn(points) -> (m, n)`` for points (m, n or 1, K).

    Returns
    -------
    ndarray of shape (n, K)
    """
    size = eta.shape[1]
    moves = [_unit(step, k) * a for k in range(size) for a in _FIRST]
    values = _evaluated(fn, eta, moves, stacked).reshape(size, len(_FIRST), -1)
    columns = []
    for k in range(size):
        near, far, last = values[k, 0::2] - values[k, 1::2]
        columns.append((45.0 * near - 9.0 * far + last) / (60.0 * step[:, k]))
    return np.stack(columns, axis=1)


def hessian(fn: Callable, eta: np.ndarray, step: np.ndarray, stacked: bool = False) -> np.ndarray:
    """Hessian (n, K, K) of ``fn(eta) -> (n,)``, of the fourth order; arguments as above."""
    size = eta.shape[1]
    pairs = [(i, j) for i in range(size) for j in range(i)]
    moves = [np.zeros_like(step)]
    moves += [_unit(step, k) * a for k in range(size) for a in _SECOND]
    moves += [_unit(step, i) * a + _unit(step, j) * b for i, j in pairs for a, b in _MIXED]
    values = _evaluated(fn, eta, moves, stacked)
    middle, single = values[0], values[1 : 1 + 4 * size].reshape(size, 4, -1)
    mixed = values[1 + 4 * size :].reshape(len(pairs), 2, 4, len(middle))
    out = np.empty((len(middle), size, size))
    for k, (a, b, c, d) in enumerate(single):
        out[:, k, k] = (16.0 * (a + b) - (c + d) - 30.0 * middle) / (12.0 * step[:, k] ** 2)
    for (i, j), both in zip(pairs, mixed, strict=True):
        near, far = both[:, 0] - both[:, 1] - both[:, 2] + both[:, 3]
        # Two step lengths cancel the error in h^2.
        cross = (16.0 * near - far) / 48.0
        out[:, i, j] = out[:, j, i] = cross / (step[:, i] * step[:, j])
    return out


def _evaluated(fn: Callable, eta: np.ndarray, moves: list[np.ndarray], stacked: bool) -> np.ndarray:
    """Values (m, n) of the function at eta plus each of m moves."""
    if stacked:
        return np.asarray(fn(np.stack([eta + move for move in moves])))
    return np.stack([fn(eta + move) for move in moves])


def _unit(step: np.ndarray, k: int) -> np.ndarray:
    """Steps in coordinate k alone."""
    out = np.zeros_like(step)
    out[:, k] = step[:, k]
    return out


def rounding(values: np.ndarray) -> np.ndarray:
    """Estimate the standard error of rounding of values at equal steps on a nearly straight line.

    The third difference of independent errors has a variance of 20 times theirs, and that of a
    smooth function vanishes on a way that is short enough.

    Parameters
    ----------
    values : ndarray of shape (m, ...)
        At least four values; several functions in further axes.

    Returns
    -------
    ndarray of shape (...)
        In the unit of the values; infinite where one is not finite.
    """
    with np.errstate(all="ignore"):
        size = np.sqrt(np.mean(np.diff(values, 3, axis=0) ** 2, axis=0) / 20.0)
    return np.where(np.isfinite(size), size, np.inf)

"""Derivatives of row-wise functions by finite differences of the sixth and the fourth order."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def gradient(fn: Callable, eta: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Gradient (n, K) of ``fn(eta) -> (n,)`` at eta, with step lengths; both (n, K) or (1, K).

    The formula is of the sixth order.

    Returns
    -------
    ndarray of shape (n, K)
    """
    columns = []
    for k in range(eta.shape[1]):
        h = _unit(step, k)
        near = fn(eta + h) - fn(eta - h)
        far = fn(eta + 2.0 * h) - fn(eta - 2.0 * h)
        last = fn(eta + 3.0 * h) - fn(eta - 3.0 * h)
        columns.append((45.0 * near - 9.0 * far + last) / (60.0 * step[:, k]))
    return np.stack(columns, axis=1)


def hessian(fn: Callable, eta: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Hessian (n, K, K) of ``fn(eta) -> (n,)``, of the fourth order; arguments as above."""
    middle, k = fn(eta), eta.shape[1]
    out = np.empty((len(middle), k, k))

    def cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return fn(eta + a + b) - fn(eta + a - b) - fn(eta - a + b) + fn(eta - a - b)

    for i in range(k):
        h = _unit(step, i)
        near = fn(eta + h) + fn(eta - h)
        far = fn(eta + 2.0 * h) + fn(eta - 2.0 * h)
        out[:, i, i] = (16.0 * near - far - 30.0 * middle) / (12.0 * step[:, i] ** 2)
        for j in range(i):
            g = _unit(step, j)
            # Two step lengths cancel the error in h^2.
            both = (16.0 * cross(h, g) - cross(2.0 * h, 2.0 * g)) / 48.0
            out[:, i, j] = out[:, j, i] = both / (step[:, i] * step[:, j])
    return out


def _unit(step: np.ndarray, k: int) -> np.ndarray:
    """Steps in coordinate k alone."""
    out = np.zeros_like(step)
    out[:, k] = step[:, k]
    return out

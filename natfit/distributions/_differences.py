"""Derivatives of row-wise functions by fourth-order differences, and a constraint to intervals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.scipy.special import expit

from natfit.bijectors import Bijector
from natfit.bijectors.base import LOG_RANGE, Elementwise


def gradient(fn: Callable, eta: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Gradient (n, K) of ``fn(eta) -> (n,)`` at eta (n or 1, K), steps (n or 1, K)."""
    columns = []
    for k in range(eta.shape[1]):
        h = _unit(step, k)
        near = fn(eta + h) - fn(eta - h)
        far = fn(eta + 2.0 * h) - fn(eta - 2.0 * h)
        columns.append((8.0 * near - far) / (12.0 * step[:, k]))
    return np.stack(columns, axis=1)


def hessian(fn: Callable, eta: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Hessian (n, K, K) of ``fn(eta) -> (n,)``, as :func:`gradient`."""
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


class Between(Elementwise):
    """Numbers between two ends, one of which may be infinite.

    low + exp(eta), high - exp(-eta), or low + (high - low) / (1 + exp(-eta)).

    Parameters
    ----------
    low, high : float
        The ends, at least one finite.
    """

    max_step = 3.0

    def __init__(self, low: float = 0.0, high: float = 1.0):
        super().__init__(())
        self.low = low
        self.high = high

    def _forward(self, eta: Any) -> Any:
        if self.high == np.inf:
            return self.low + anp.exp(eta)
        if self.low == -np.inf:
            return self.high - anp.exp(-eta)
        return self.low + (self.high - self.low) * expit(eta)

    def _backward(self, native: Any) -> Any:
        if self.high == np.inf:
            return anp.log(native - self.low)
        if self.low == -np.inf:
            return -anp.log(self.high - native)
        return anp.log(native - self.low) - anp.log(self.high - native)

    def first(self, eta: np.ndarray) -> np.ndarray:
        """Derivative of the native value in eta, elementwise."""
        if np.isfinite(self.low) and np.isfinite(self.high):
            e = np.exp(-np.abs(eta))
            return (self.high - self.low) * e / (1.0 + e) ** 2
        return np.exp(eta) if self.high == np.inf else np.exp(-eta)

    def second(self, eta: np.ndarray) -> np.ndarray:
        """Second derivative of the native value in eta, elementwise."""
        if np.isfinite(self.low) and np.isfinite(self.high):
            return self.first(eta) * np.tanh(-eta / 2.0)
        return np.exp(eta) if self.high == np.inf else -np.exp(-eta)

    def valid(self, native: np.ndarray) -> bool:
        """Strictly between the ends."""
        native = np.asarray(native)
        return super().valid(native) and bool(np.all((native > self.low) & (native < self.high)))

    @property
    def bounds(self) -> tuple[float, float]:
        """Where the native value differs from an end, in doubles."""
        if np.isfinite(self.low) and np.isfinite(self.high):
            return (-34.0, 34.0)
        return (-36.0, LOG_RANGE) if self.high == np.inf else (-LOG_RANGE, 36.0)

    @property
    def native_bounds(self) -> tuple[float, float]:
        """The ends."""
        return (self.low, self.high)

    @classmethod
    def examples(cls) -> list[Bijector]:
        """Return an interval and two half-lines."""
        return [cls(-1.0, 2.0), cls(1.0, np.inf), cls(-np.inf, 1.0)]

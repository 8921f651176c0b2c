"""Positive numbers between two positive ends, by a smooth curve of their logarithm."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.bijectors.base import Bijector, Elementwise


class LogBetween(Elementwise):
    """Numbers between two positive ends: log native = middle + h tanh(eta / h).

    The middle is that of the logarithms of both ends, and h half of their distance. Near the
    middle eta is the logarithm itself, so that its unit is that of ``Positive``; no eta leaves the
    ends.

    Parameters
    ----------
    shape : tuple
        Shape of the native value.
    low, high : float
        The ends, 0 < low < high.
    """

    max_step = 3.0
    label = "log {}"

    def __init__(self, shape: tuple = (), low: float = 1e-3, high: float = 1e3):
        super().__init__(shape)
        self.low = low
        self.high = high

    @property
    def middle(self) -> tuple[float, float]:
        """The middle of the logarithms of both ends, and h."""
        low, high = np.log(self.low), np.log(self.high)
        return 0.5 * (low + high), 0.5 * (high - low)

    scale = "log"

    def to_scale(self, eta: Any) -> Any:
        """Return the logarithm of the native value."""
        middle, half = self.middle
        return middle + half * anp.tanh(eta / half)

    def to_scale_slopes(self, eta: np.ndarray) -> tuple[Any, Any]:
        """Return both derivatives of the logarithm."""
        half = self.middle[1]
        up = np.tanh(eta / half)
        # 1 - tanh^2, without cancellation far out.
        e = np.exp(-2.0 * np.abs(eta / half))
        first = 4.0 * e / np.square(1.0 + e)
        return first, -2.0 / half * up * first

    def of_scale(self, value: Any) -> Any:
        """Return eta of a logarithm."""
        middle, half = self.middle
        return half * anp.arctanh((value - middle) / half)

    def _forward(self, eta: Any) -> Any:
        return anp.exp(self.to_scale(eta))

    def _backward(self, native: Any) -> Any:
        return self.of_scale(anp.log(native))

    def first(self, eta: np.ndarray) -> np.ndarray:
        """Return the first derivative of the native value, elementwise."""
        return self._forward(eta) * self.to_scale_slopes(eta)[0]

    def second(self, eta: np.ndarray) -> np.ndarray:
        """Return the second derivative of the native value, elementwise."""
        first, second = self.to_scale_slopes(eta)
        return self._forward(eta) * (first * first + second)

    def valid(self, native: np.ndarray) -> bool:
        """Tell whether one native value is finite and strictly between the ends."""
        native = np.asarray(native)
        return super().valid(native) and bool(np.all((native > self.low) & (native < self.high)))

    @property
    def bounds(self) -> tuple[float, float]:
        """Limits of eta inside which the native value differs from the ends in double precision."""
        edge = 15.0 * self.middle[1]
        return (-edge, edge)

    def row_limits(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the limits (size,) of eta in a row whose value follows features: infinite ones."""
        return np.full(self.size, -np.inf), np.full(self.size, np.inf)

    @property
    def native_bounds(self) -> tuple[float, float]:
        """The two ends (low, high) of the native value."""
        return (self.low, self.high)

    @classmethod
    def examples(cls) -> list[Bijector]:
        """Return a scalar and a vector."""
        return [cls(), cls((3,), 0.5, 2.0)]

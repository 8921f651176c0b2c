"""Positive numbers, by the exponential function."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.bijectors.base import LOG_RANGE, Bijector, Elementwise


class Positive(Elementwise):
    """Positive numbers: native = exp(eta).

    Parameters
    ----------
    shape : tuple
        Shape of the native value.
    low, high : float
        Practical limits of the native value, at which the family numerically equals a simpler
        one (Student-t with df = 1e10 is the normal). A fit that reaches one ends as ``boundary``.
    """

    max_step = 3.0
    label = "log {}"

    def __init__(self, shape: tuple = (), low: float = 0.0, high: float = np.inf):
        super().__init__(shape)
        self.low = low
        self.high = high

    def _forward(self, eta: Any) -> Any:
        return anp.exp(eta)

    def _backward(self, native: Any) -> Any:
        return anp.log(native)

    def first(self, eta: np.ndarray) -> np.ndarray:
        """Return the first derivative exp(eta) of the native value, elementwise."""
        return np.exp(eta)

    def second(self, eta: np.ndarray) -> np.ndarray:
        """Return the second derivative exp(eta) of the native value, elementwise."""
        return np.exp(eta)

    scale = "log"

    def to_scale(self, eta: Any) -> Any:
        """Return the logarithm, which is eta itself."""
        return eta

    def to_scale_slopes(self, eta: np.ndarray) -> tuple[Any, Any]:
        """Return 1 and 0."""
        return 1.0, 0.0

    def of_scale(self, value: Any) -> Any:
        """Return eta of a logarithm, itself."""
        return value

    def valid(self, native: np.ndarray) -> bool:
        """Tell whether one native value is finite and > 0."""
        return super().valid(native) and bool(np.all(np.asarray(native) > 0))

    @property
    def bounds(self) -> tuple[float, float]:
        """Limits of eta: the logarithms of low and high, inside the range of doubles."""
        low = np.log(self.low) if self.low > 0 else -LOG_RANGE
        high = np.log(self.high) if self.high < np.inf else LOG_RANGE
        return (max(low, -LOG_RANGE), min(high, LOG_RANGE))

    def row_limits(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the limits (size,) of eta in a row whose value follows features: of arithmetic."""
        return np.full(self.size, -LOG_RANGE), np.full(self.size, LOG_RANGE)

    @property
    def native_bounds(self) -> tuple[float, float]:
        """Infimum and supremum of positive numbers, zero and infinity."""
        return (0.0, np.inf)

    @property
    def native_limits(self) -> tuple[float, float]:
        """Limits ``low``, where it is positive, and ``high``."""
        return (self.low if self.low > 0 else -np.inf, self.high)

    @classmethod
    def examples(cls) -> list[Bijector]:
        """Return a scalar, a vector and one with practical limits."""
        return [cls(), cls((3,)), cls(low=1e-6, high=1e6)]

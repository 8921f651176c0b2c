"""Numbers between two ends, of which one may be infinite."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.scipy.special import expit

from natfit.bijectors.base import LOG_RANGE, Bijector, Elementwise


class Between(Elementwise):
    """Numbers between two ends, one of which may be infinite.

    The native value is low + exp(eta) if high is infinite, high - exp(-eta) if low is infinite,
    and low + (high - low) / (1 + exp(-eta)) otherwise.

    Parameters
    ----------
    low, high : float
        The ends, of which at least one is finite.
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
        """Return the first derivative of the native value in eta, elementwise."""
        if np.isfinite(self.low) and np.isfinite(self.high):
            e = np.exp(-np.abs(eta))
            return (self.high - self.low) * e / (1.0 + e) ** 2
        return np.exp(eta) if self.high == np.inf else np.exp(-eta)

    def second(self, eta: np.ndarray) -> np.ndarray:
        """Return the second derivative of the native value in eta, elementwise."""
        if np.isfinite(self.low) and np.isfinite(self.high):
            return self.first(eta) * np.tanh(-eta / 2.0)
        return np.exp(eta) if self.high == np.inf else -np.exp(-eta)

    def valid(self, native: np.ndarray) -> bool:
        """Tell whether one native value is finite and strictly between the ends."""
        native = np.asarray(native)
        return super().valid(native) and bool(np.all((native > self.low) & (native < self.high)))

    @property
    def bounds(self) -> tuple[float, float]:
        """Limits of eta inside which the native value differs from the ends in double precision."""
        if np.isfinite(self.low) and np.isfinite(self.high):
            return (-34.0, 34.0)
        return (-36.0, LOG_RANGE) if self.high == np.inf else (-LOG_RANGE, 36.0)

    @property
    def native_bounds(self) -> tuple[float, float]:
        """The two ends (low, high) of the native value."""
        return (self.low, self.high)

    @classmethod
    def examples(cls) -> list[Bijector]:
        """Return an interval and two half-lines."""
        return [cls(-1.0, 2.0), cls(1.0, np.inf), cls(-np.inf, 1.0)]

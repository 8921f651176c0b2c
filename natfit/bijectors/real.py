"""Real numbers, by the identity."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.bijectors.base import Elementwise


class Real(Elementwise):
    """Real numbers: native = eta.

    Parameters
    ----------
    shape : tuple
        Shape of the native value.
    low, high : float
        Practical limits; a fit that reaches one ends as ``boundary``.
    max_step : float
        Largest change in one step, for numbers that have a natural unit, as shapes have.
    """

    def __init__(
        self,
        shape: tuple = (),
        low: float = -np.inf,
        high: float = np.inf,
        max_step: float = np.inf,
    ):
        super().__init__(shape)
        self.low = low
        self.high = high
        self.max_step = max_step

    @property
    def bounds(self) -> tuple[float, float]:
        """Limits ``low`` and ``high`` of eta."""
        return (self.low, self.high)

    @property
    def native_bounds(self) -> tuple[float, float]:
        """Limits ``low`` and ``high`` of the native value."""
        return (self.low, self.high)

    @property
    def native_limits(self) -> tuple[float, float]:
        """Limits ``low`` and ``high``."""
        return (self.low, self.high)

    def _forward(self, eta: Any) -> Any:
        return eta

    def _backward(self, native: Any) -> Any:
        return native

    def first(self, eta: np.ndarray) -> np.ndarray:
        """Return the first derivative of the identity: ones of eta's shape."""
        return np.ones_like(eta)

    def second(self, eta: np.ndarray) -> np.ndarray:
        """Return the second derivative of the identity: zeros of eta's shape."""
        return np.zeros_like(eta)

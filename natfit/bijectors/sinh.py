"""Real numbers that are logarithmic far from zero."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.bijectors.base import Bijector, Elementwise


class Sinh(Elementwise):
    """Real numbers that are logarithmic far from zero: native = sinh(eta).

    For shapes of either sign whose ends are limits: zero is an ordinary point, and a step changes
    a large value by a factor.

    Parameters
    ----------
    low, high : float
        Practical limits of the native value; a fit that reaches one ends as ``boundary``.
    """

    max_step = 1.0
    label = "arsinh {}"

    def __init__(self, low: float = -1e6, high: float = 1e6):
        super().__init__(())
        self.low = low
        self.high = high

    def _forward(self, eta: Any) -> Any:
        return anp.sinh(eta)

    def _backward(self, native: Any) -> Any:
        return anp.arcsinh(native)

    def first(self, eta: np.ndarray) -> np.ndarray:
        """Return the first derivative cosh(eta), elementwise."""
        return np.cosh(eta)

    def second(self, eta: np.ndarray) -> np.ndarray:
        """Return the second derivative sinh(eta), elementwise."""
        return np.sinh(eta)

    @property
    def bounds(self) -> tuple[float, float]:
        """Limits of eta: those of ``low`` and ``high``."""
        return (float(np.arcsinh(self.low)), float(np.arcsinh(self.high)))

    @property
    def native_limits(self) -> tuple[float, float]:
        """Limits ``low`` and ``high``."""
        return (self.low, self.high)

    @classmethod
    def examples(cls) -> list[Bijector]:
        """Return one with the limits of a shape."""
        return [cls(-1e3, 1e3)]

"""Positive numbers as a power of a positive eta."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.bijectors.positive import Positive


class Power(Positive):
    """Positive numbers as a power of a positive number: native = eta^exponent, eta > 0.

    -1 is the inverse link of gamma models, -1/2 that of the square of inverse Gaussian models, 2
    the square root link of counts. Where eta is not positive there is no native value: rows whose
    linear predictor is not positive have no density.

    Parameters
    ----------
    exponent : float
        Not zero.
    shape : tuple
        Shape of the native value.
    """

    max_step = np.inf

    def __init__(self, exponent: float = -1.0, shape: tuple = ()):
        super().__init__(shape)
        self.exponent = exponent
        self.label = f"{{}}^{1.0 / exponent:g}"
        self.decreasing = exponent < 0

    def _forward(self, eta: Any) -> Any:
        return eta**self.exponent

    def _backward(self, native: Any) -> Any:
        return native ** (1.0 / self.exponent)

    def first(self, eta: np.ndarray) -> np.ndarray:
        """Return the first derivative of the power, elementwise."""
        return self.exponent * eta ** (self.exponent - 1.0)

    def second(self, eta: np.ndarray) -> np.ndarray:
        """Return the second derivative of the power, elementwise."""
        return self.exponent * (self.exponent - 1.0) * eta ** (self.exponent - 2.0)

    def to_scale(self, eta: Any) -> Any:
        """Return the logarithm of the native value."""
        return self.exponent * anp.log(eta)

    def to_scale_slopes(self, eta: np.ndarray) -> tuple[Any, Any]:
        """Return both derivatives of the logarithm."""
        return self.exponent / eta, -self.exponent / (eta * eta)

    def of_scale(self, value: Any) -> Any:
        """Return eta of a logarithm."""
        return anp.exp(value / self.exponent)

    @property
    def bounds(self) -> tuple[float, float]:
        """Limits of eta, where powers and their inverses are finite."""
        return (1e-60, 1e60)

    @property
    def open_ends(self) -> tuple[float, float]:
        """Zero and infinity: eta is positive."""
        return (0.0, np.inf)

    def row_limits(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the limits (size,) of eta in a row, those of a constant: eta is no logarithm."""
        return self.limits()

    @classmethod
    def examples(cls) -> list[Positive]:
        """Return the inverse, the square and a vector of roots."""
        return [cls(), cls(2.0), cls(-0.5, (3,))]

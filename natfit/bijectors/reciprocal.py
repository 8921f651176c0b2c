"""Positive numbers for which infinity is an ordinary point."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
from scipy.special import expit

from natfit.bijectors.base import Elementwise


class Reciprocal(Elementwise):
    """Positive numbers for which infinity is an ordinary point: native = 1 / sinh(eta).

    Degrees of freedom, at whose infinity Student's t is the normal distribution, are regular in
    1 / df: the score and the Fisher information have finite limits there, so that a fit reaches
    infinity in a few iterations. In log df both vanish, and an iteration gains only about one
    unit of log df. At small native values eta is logarithmic, as in ``Positive``:
    eta = log(2 / native).

    eta is positive and falls as the native value grows.

    Parameters
    ----------
    shape : tuple
        Shape of the native value.
    low, high : float
        Practical limits of the native value; a fit that reaches one ends as ``boundary``.
    """

    max_step = 3.0
    label = "arsinh(1 / {})"
    decreasing = True

    def __init__(self, shape: tuple = (), low: float = 1e-10, high: float = 1e10):
        super().__init__(shape)
        self.low = low
        self.high = high

    def _forward(self, eta: Any) -> Any:
        return 1.0 / anp.sinh(eta)

    def _backward(self, native: Any) -> Any:
        return anp.arcsinh(1.0 / native)

    def first(self, eta: np.ndarray) -> np.ndarray:
        """Return the first derivative -cosh(eta) / sinh(eta)^2, elementwise."""
        return -np.cosh(eta) / np.sinh(eta) ** 2

    def second(self, eta: np.ndarray) -> np.ndarray:
        """Return the second derivative (1 + cosh(eta)^2) / sinh(eta)^3, elementwise."""
        return (1.0 + np.cosh(eta) ** 2) / np.sinh(eta) ** 3

    scale = "log"

    def to_scale(self, eta: Any) -> Any:
        """Return the logarithm of the native value, -log sinh(eta)."""
        return -eta - anp.log1p(-anp.exp(-2.0 * eta)) + np.log(2.0)

    def to_scale_slopes(self, eta: np.ndarray) -> tuple[Any, Any]:
        """Return -1 / tanh(eta) and 1 / sinh(eta)^2."""
        return -1.0 / np.tanh(eta), np.sinh(eta) ** -2.0

    def of_scale(self, value: Any) -> Any:
        """Return arsinh(exp(-value)), without overflow."""
        return anp.logaddexp(-value, 0.5 * anp.logaddexp(0.0, -2.0 * value))

    def of_scale_slopes(self, value: np.ndarray) -> tuple[Any, Any]:
        """Return both derivatives of arsinh(exp(-value))."""
        square = expit(-2.0 * value)
        root = np.sqrt(square)
        return -root, root * (1.0 - square)

    @property
    def open_ends(self) -> tuple[float, float]:
        """Zero and infinity: eta is positive."""
        return (0.0, np.inf)

    def valid(self, native: np.ndarray) -> bool:
        """Tell whether one native value is finite and > 0."""
        return super().valid(native) and bool(np.all(np.asarray(native) > 0))

    @property
    def bounds(self) -> tuple[float, float]:
        """Limits of eta; they swap, since eta falls as the native value grows."""
        return (float(np.arcsinh(1.0 / self.high)), float(np.arcsinh(1.0 / self.low)))

    @property
    def native_bounds(self) -> tuple[float, float]:
        """Infimum and supremum of positive numbers, zero and infinity."""
        return (0.0, np.inf)

    @property
    def native_limits(self) -> tuple[float, float]:
        """Limits ``low``, where it is positive, and ``high``."""
        return (self.low if self.low > 0 else -np.inf, self.high)

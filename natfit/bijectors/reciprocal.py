"""Positive numbers for which infinity is an ordinary point."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.bijectors.base import Elementwise


class Reciprocal(Elementwise):
    """Positive numbers for which infinity is an ordinary point: native = 1 / sinh(eta).

    Degrees of freedom, whose infinity is the normal distribution, are regular in 1 / df: the
    score and the Fisher information have finite limits there, so that a fit reaches the bound
    in a few steps. In log df both vanish, and every step is worth one unit of log df. Small
    native values are logarithmic, as those of ``Positive``: eta = log(2 / native).

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
        """-cosh / sinh^2."""
        return -np.cosh(eta) / np.sinh(eta) ** 2

    def second(self, eta: np.ndarray) -> np.ndarray:
        """(1 + cosh^2) / sinh^3."""
        return (1.0 + np.cosh(eta) ** 2) / np.sinh(eta) ** 3

    def valid(self, native: np.ndarray) -> bool:
        """Finite and > 0."""
        return super().valid(native) and bool(np.all(np.asarray(native) > 0))

    @property
    def bounds(self) -> tuple[float, float]:
        """Of eta: the ends swap."""
        return (float(np.arcsinh(1.0 / self.high)), float(np.arcsinh(1.0 / self.low)))

    @property
    def native_bounds(self) -> tuple[float, float]:
        """Zero and infinity."""
        return (0.0, np.inf)

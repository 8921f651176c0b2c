"""Positive numbers on which a density depends through a power near zero."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.bijectors.base import Bijector, Elementwise


class Rooted(Elementwise):
    """Positive numbers on which a density depends through their k-th power: native^k = sinh(k eta).

    Near zero, eta is native^k / k: at a limit such as zero skewness, where the density changes
    with native^k alone, score and information are regular. Far from zero, eta is the logarithm of
    2^(1/k) native.

    Parameters
    ----------
    power : int
        k >= 1.
    low, high : float
        Practical limits of the native value; a fit that reaches one ends as ``boundary``.
    """

    max_step = 3.0

    def __init__(self, power: int = 2, low: float = 1e-3, high: float = 1e9):
        super().__init__(())
        self.power = power
        self.low = low
        self.high = high
        self.label = f"arsinh({{}}^{power}) / {power}" if power > 1 else "arsinh({})"

    def _forward(self, eta: Any) -> Any:
        # Far out the power itself would overflow: its logarithm is k eta - log 2.
        k = self.power
        far = k * eta > 300.0
        near = anp.sinh(anp.where(far, 1.0, k * eta)) ** (1.0 / k)
        return anp.where(far, anp.exp(eta - np.log(2.0) / k), near)

    def _backward(self, native: Any) -> Any:
        k = self.power
        log = k * anp.log(native)
        far = log > 300.0
        near = anp.arcsinh(anp.exp(anp.where(far, 0.0, log)))
        return anp.where(far, log + np.log(2.0), near) / k

    def first(self, eta: np.ndarray) -> np.ndarray:
        """Return the first derivative native / tanh(k eta), elementwise."""
        with np.errstate(divide="ignore"):
            return self._forward(eta) / np.tanh(self.power * eta)

    def second(self, eta: np.ndarray) -> np.ndarray:
        """Return the second derivative of the native value in eta, elementwise."""
        # 1 / tanh^2 - k / sinh^2, of which the infinities cancel at k = 1.
        inner = np.minimum(self.power * eta, 300.0)
        bend = 1.0 - (self.power - 1) / np.sinh(inner) ** 2
        return self._forward(eta) * bend

    @property
    def open_ends(self) -> tuple[float, float]:
        """Zero and infinity: eta is positive."""
        return (0.0, np.inf)

    def valid(self, native: np.ndarray) -> bool:
        """Tell whether one native value is finite and > 0."""
        return super().valid(native) and bool(np.all(np.asarray(native) > 0))

    @property
    def bounds(self) -> tuple[float, float]:
        """Limits of eta: those of ``low`` and ``high``."""
        low, high = (float(self._backward(np.array(end))) for end in (self.low, self.high))
        return low, high

    @property
    def native_bounds(self) -> tuple[float, float]:
        """Infimum and supremum of positive numbers, zero and infinity."""
        return (0.0, np.inf)

    @property
    def native_limits(self) -> tuple[float, float]:
        """Limits ``low`` and ``high``."""
        return (self.low, self.high)

    @classmethod
    def examples(cls) -> list[Bijector]:
        """Return the number itself, a third and a fourth power."""
        return [cls(1, 1e-9, 1e6), cls(3), cls(4)]

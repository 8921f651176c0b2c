"""Positive numbers that are linear in eta where they are large."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.scipy.special import expit

from natfit.bijectors.base import LOG_RANGE
from natfit.bijectors.positive import Positive

#: eta below which log(1 + exp(eta)) is exp(eta) to rounding.
_FAR = -37.0


class Softplus(Positive):
    """Positive numbers by native = log(1 + exp(eta)): additive effects that stay positive."""

    max_step = np.inf
    label = "softplus {}"

    def __init__(self, shape: tuple = ()):
        super().__init__(shape)

    def _forward(self, eta: Any) -> Any:
        return anp.logaddexp(0.0, eta)

    def _backward(self, native: Any) -> Any:
        return native + anp.log(-anp.expm1(-native))

    def first(self, eta: np.ndarray) -> np.ndarray:
        """Return the first derivative 1 / (1 + exp(-eta)), elementwise."""
        return expit(eta)

    def second(self, eta: np.ndarray) -> np.ndarray:
        """Return the second derivative, that of the logistic function, elementwise."""
        e = np.exp(-np.abs(eta))
        return e / (1.0 + e) ** 2

    def to_scale(self, eta: Any) -> Any:
        """Return the logarithm of the native value; eta itself far below zero."""
        return anp.where(eta < _FAR, eta, anp.log(anp.logaddexp(0.0, anp.maximum(eta, _FAR))))

    def to_scale_slopes(self, eta: np.ndarray) -> tuple[Any, Any]:
        """Return both derivatives of the logarithm."""
        near = np.maximum(eta, _FAR)
        value = np.logaddexp(0.0, near)
        first = self.first(near) / value
        second = self.second(near) / value - first * first
        far = eta < _FAR
        return np.where(far, 1.0, first), np.where(far, 0.0, second)

    def of_scale(self, value: Any) -> Any:
        """Return eta of a logarithm."""
        return anp.where(value < _FAR, value, self._backward(anp.exp(anp.maximum(value, _FAR))))

    @property
    def bounds(self) -> tuple[float, float]:
        """Limits of eta inside the range of doubles."""
        return (-LOG_RANGE, np.inf)

    def row_limits(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the limits (size,) of eta in a row, those of a constant: eta is no logarithm."""
        return self.limits()

    @classmethod
    def examples(cls) -> list[Positive]:
        """Return a scalar and a vector."""
        return [cls(), cls((3,))]

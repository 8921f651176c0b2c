"""Constraints that map every coordinate by one scalar function."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.scipy.special import expit

from natfit.bijectors.base import LOG_RANGE, Bijector, Elementwise


class Real(Elementwise):
    """Any real number: the identity.

    Parameters
    ----------
    shape : tuple
        Shape of the native value.
    low, high : float
        Practical limits; a fit that reaches one ends as ``boundary``.
    max_step : float
        Largest change in one step, for numbers that have a natural unit as shapes do.
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
        """Low and high."""
        return (self.low, self.high)

    @property
    def native_bounds(self) -> tuple[float, float]:
        """Low and high."""
        return (self.low, self.high)

    def _forward(self, eta: Any) -> Any:
        return eta

    def _backward(self, native: Any) -> Any:
        return native

    def first(self, eta: np.ndarray) -> np.ndarray:
        """One."""
        return np.ones_like(eta)

    def second(self, eta: np.ndarray) -> np.ndarray:
        """Zero."""
        return np.zeros_like(eta)


class Positive(Elementwise):
    """Positive numbers: native = exp(eta).

    Parameters
    ----------
    shape : tuple
        Shape of the native value.
    low, high : float
        Practical limits of the native value: where the family is numerically at its limit
        (Student-t with df = 1e10 is the normal). A fit that reaches one ends as ``boundary``.
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
        """exp(eta)."""
        return np.exp(eta)

    def second(self, eta: np.ndarray) -> np.ndarray:
        """exp(eta)."""
        return np.exp(eta)

    def valid(self, native: np.ndarray) -> bool:
        """Finite and > 0."""
        return super().valid(native) and bool(np.all(np.asarray(native) > 0))

    @property
    def bounds(self) -> tuple[float, float]:
        """Logarithms of low and high, inside the range of doubles."""
        low = np.log(self.low) if self.low > 0 else -LOG_RANGE
        high = np.log(self.high) if self.high < np.inf else LOG_RANGE
        return (max(low, -LOG_RANGE), min(high, LOG_RANGE))

    @property
    def native_bounds(self) -> tuple[float, float]:
        """Zero and infinity."""
        return (0.0, np.inf)

    @classmethod
    def examples(cls) -> list[Bijector]:
        """Return a scalar, a vector and a limited constraint."""
        return [cls(), cls((3,)), cls(low=1e-6, high=1e6)]


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


class Unit(Elementwise):
    """Numbers in (0, 1): native = 1 / (1 + exp(-eta)).

    Parameters
    ----------
    shape : tuple
        Shape of the native value.
    margin : float
        Practical distance from 0 and 1; a fit that reaches it ends as ``boundary``.
    """

    max_step = 3.0
    label = "logit {}"

    def __init__(self, shape: tuple = (), margin: float = 0.0):
        super().__init__(shape)
        self.margin = margin

    def _forward(self, eta: Any) -> Any:
        return expit(eta)

    def _backward(self, native: Any) -> Any:
        return anp.log(native) - anp.log1p(-native)

    def first(self, eta: np.ndarray) -> np.ndarray:
        """p (1 - p)."""
        e = np.exp(-np.abs(eta))
        return e / (1.0 + e) ** 2

    def second(self, eta: np.ndarray) -> np.ndarray:
        """p (1 - p) (1 - 2 p)."""
        return self.first(eta) * np.tanh(-eta / 2.0)

    def valid(self, native: np.ndarray) -> bool:
        """Inside (0, 1)."""
        native = np.asarray(native)
        return super().valid(native) and bool(np.all((native > 0) & (native < 1)))

    @property
    def bounds(self) -> tuple[float, float]:
        """Logit of the margin; +-36 without one, where 1 - p is the last double below 1."""
        edge = np.log1p(-self.margin) - np.log(self.margin) if self.margin > 0 else 36.0
        return (-edge, edge)

    @property
    def native_bounds(self) -> tuple[float, float]:
        """Zero and one."""
        return (0.0, 1.0)

    @classmethod
    def examples(cls) -> list[Bijector]:
        """Return a scalar, a vector and a limited constraint."""
        return [cls(), cls((3,)), cls(margin=1e-8)]

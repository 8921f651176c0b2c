"""Numbers between zero and one, by the logistic function."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.scipy.special import expit

from natfit.bijectors.base import Bijector, Elementwise


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
        """Return the first derivative p (1 - p) of the native value p, elementwise."""
        e = np.exp(-np.abs(eta))
        return e / (1.0 + e) ** 2

    def second(self, eta: np.ndarray) -> np.ndarray:
        """Return the second derivative p (1 - p) (1 - 2 p) of the native value p, elementwise."""
        return self.first(eta) * np.tanh(-eta / 2.0)

    scale = "logit"

    def to_scale(self, eta: Any) -> Any:
        """Return the log odds, which are eta itself."""
        return eta

    def to_scale_slopes(self, eta: np.ndarray) -> tuple[Any, Any]:
        """Return 1 and 0."""
        return 1.0, 0.0

    def of_scale(self, value: Any) -> Any:
        """Return eta of log odds, itself."""
        return value

    def valid(self, native: np.ndarray) -> bool:
        """Tell whether one native value is finite and in (0, 1)."""
        native = np.asarray(native)
        return super().valid(native) and bool(np.all((native > 0) & (native < 1)))

    @property
    def bounds(self) -> tuple[float, float]:
        """Limits of eta: logit of the margin, or without one +-36, the last double below 1."""
        edge = np.log1p(-self.margin) - np.log(self.margin) if self.margin > 0 else 36.0
        return (-edge, edge)

    def row_limits(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the limits (size,) of eta in a row whose value follows features: infinite ones."""
        return np.full(self.size, -np.inf), np.full(self.size, np.inf)

    @property
    def native_bounds(self) -> tuple[float, float]:
        """Infimum and supremum of the native value, zero and one."""
        return (0.0, 1.0)

    @property
    def native_limits(self) -> tuple[float, float]:
        """The margin and its distance from one; none without a margin."""
        return (self.margin, 1.0 - self.margin) if self.margin > 0 else (-np.inf, np.inf)

    @classmethod
    def examples(cls) -> list[Bijector]:
        """Return a scalar, a vector and one with a margin."""
        return [cls(), cls((3,)), cls(margin=1e-8)]

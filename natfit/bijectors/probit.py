"""Numbers between zero and one, by the normal distribution function."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from natfit.bijectors.unit import Unit
from natfit.numerics.mills import density, log_ndtr, ndtr, ndtri


class Probit(Unit):
    """Numbers in (0, 1) by the normal distribution function: native = Phi(eta)."""

    label = "probit {}"

    def __init__(self, shape: tuple = ()):
        super().__init__(shape)

    def _forward(self, eta: Any) -> Any:
        return ndtr(eta)

    def _backward(self, native: Any) -> Any:
        return ndtri(native)

    def first(self, eta: np.ndarray) -> np.ndarray:
        """Return the first derivative, the normal density, elementwise."""
        return density(eta)

    def second(self, eta: np.ndarray) -> np.ndarray:
        """Return the second derivative -eta phi(eta), elementwise."""
        return -eta * density(eta)

    def to_scale(self, eta: Any) -> Any:
        """Return the log odds log Phi(eta) - log Phi(-eta)."""
        return log_ndtr(eta) - log_ndtr(-eta)

    def to_scale_slopes(self, eta: np.ndarray) -> tuple[Any, Any]:
        """Return both derivatives of the log odds."""
        low, high = _hazard(-eta), _hazard(eta)
        return low[0] + high[0], high[0] * high[1] - low[0] * low[1]

    def of_scale(self, value: Any) -> Any:
        """Return eta of log odds."""
        return self._backward(super()._forward(value))

    @property
    def bounds(self) -> tuple[float, float]:
        """Limits of eta, the last ones whose native values differ from 0 and 1."""
        return (-8.2, 8.2)

    @classmethod
    def examples(cls) -> list[Unit]:
        """Return a scalar and a vector."""
        return [cls(), cls((3,))]


def _hazard(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return h = phi(x) / Phi(-x) and h - x, without the difference of large terms."""
    with np.errstate(over="ignore"):
        ratio = np.sqrt(0.5 * np.pi) * special.erfcx(x / np.sqrt(2.0))
        hazard = 1.0 / ratio
    far = x > 30.0
    inverse = 1.0 / np.where(far, x, 1.0) ** 2
    series = np.sqrt(inverse) * (1.0 - 2.0 * inverse * (1.0 - 5.0 * inverse))
    return hazard, np.where(far, series, hazard - x)

"""Shares, numbers in [0, 1), for which zero is an ordinary point."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
from scipy.special import expit

from natfit.bijectors.base import Elementwise


class Share(Elementwise):
    """Numbers in [0, 1) for which zero is an ordinary point: native / (1 - native) = sinh(eta).

    A share of zeros that the data do not need is zero. The score is finite there, so that a fit
    reaches this limit in a few iterations. Near one, eta is the logit of the share plus log 2.
    """

    max_step = 3.0
    label = "arsinh odds of {}"
    low, high = 1e-15, 1.0 - 1e-12

    def _forward(self, eta: Any) -> Any:
        odds = anp.sinh(anp.minimum(eta, 1.0))
        far = 2.0 * anp.exp(-anp.maximum(eta, 1.0))
        # Beyond 1, odds and 1 in units of the exponential, which does not overflow.
        return anp.where(eta < 1.0, odds / (1.0 + odds), 1.0 - far / (1.0 + far - 0.25 * far**2))

    def _backward(self, native: Any) -> Any:
        return anp.arcsinh(native / (1.0 - native))

    def first(self, eta: np.ndarray) -> np.ndarray:
        """Return the first derivative cosh / (1 + sinh)^2, elementwise."""
        e, _, cosh, one = _halves(eta)
        return e * cosh / one**2

    def second(self, eta: np.ndarray) -> np.ndarray:
        """Return the second derivative of the native value in eta, elementwise."""
        e, sinh, cosh, one = _halves(eta)
        return e * (sinh / one**2 - 2.0 * cosh**2 / one**3)

    def rate(self, eta: np.ndarray) -> np.ndarray:
        """Return the first derivative over 1 - native, cosh / (1 + sinh), elementwise."""
        _, _, cosh, one = _halves(eta)
        return cosh / one

    scale = "logit"

    def to_scale(self, eta: Any) -> Any:
        """Return the log odds of the native value, log sinh(eta)."""
        return eta + anp.log1p(-anp.exp(-2.0 * eta)) - np.log(2.0)

    def to_scale_slopes(self, eta: np.ndarray) -> tuple[Any, Any]:
        """Return 1 / tanh(eta) and -1 / sinh(eta)^2."""
        return 1.0 / np.tanh(eta), -(np.sinh(eta) ** -2.0)

    def of_scale(self, value: Any) -> Any:
        """Return arsinh(exp(value)), without overflow."""
        return anp.logaddexp(value, 0.5 * anp.logaddexp(0.0, 2.0 * value))

    def of_scale_slopes(self, value: np.ndarray) -> tuple[Any, Any]:
        """Return both derivatives of arsinh(exp(value))."""
        square = expit(2.0 * value)
        root = np.sqrt(square)
        return root, root * (1.0 - square)

    @property
    def open_ends(self) -> tuple[float, float]:
        """Zero and infinity: eta is positive."""
        return (0.0, np.inf)

    def valid(self, native: np.ndarray) -> bool:
        """Tell whether one native value is inside (0, 1)."""
        native = np.asarray(native)
        return super().valid(native) and bool(np.all((native > 0) & (native < 1)))

    @property
    def bounds(self) -> tuple[float, float]:
        """Limits of eta: those of 1e-15 and of 1 - 1e-12."""
        low, high = (float(np.arcsinh(z / (1.0 - z))) for z in (self.low, self.high))
        return low, high

    @property
    def native_bounds(self) -> tuple[float, float]:
        """Infimum and supremum of a share, zero and one."""
        return (0.0, 1.0)

    @property
    def native_limits(self) -> tuple[float, float]:
        """Limits 1e-15 and 1 - 1e-12 of a share."""
        return (self.low, self.high)


def _halves(eta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return exp(-eta), and sinh, cosh and 1 + sinh times it: none of them overflows."""
    e = np.exp(-eta)
    sinh, cosh = -0.5 * np.expm1(-2.0 * eta), 0.5 * (1.0 + e * e)
    return e, sinh, cosh, e + sinh

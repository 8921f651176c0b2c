# Copy to natfit/bijectors/softplus.py.
"""Positive numbers that grow linearly with eta."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
from scipy.special import expit

from natfit.bijectors.base import LOG_RANGE, Elementwise


class Softplus(Elementwise):
    """Positive numbers: native = log(1 + exp(eta)), which is eta itself where it is large."""

    label = "softplus^-1 {}"

    def _forward(self, eta: Any) -> Any:
        return anp.logaddexp(0.0, eta)

    def _backward(self, native: Any) -> Any:
        return native + anp.log(-anp.expm1(-native))

    def first(self, eta: np.ndarray) -> np.ndarray:
        """Return the logistic function p of eta, elementwise."""
        return expit(eta)

    def second(self, eta: np.ndarray) -> np.ndarray:
        """Return p (1 - p), elementwise."""
        return expit(eta) * expit(-eta)

    def valid(self, native: np.ndarray) -> bool:
        """Tell whether a value is finite and > 0."""
        return super().valid(native) and bool(np.all(np.asarray(native) > 0.0))

    @property
    def bounds(self) -> tuple[float, float]:
        """Return the limits of eta; below the lower one exp(eta) would underflow."""
        return (-LOG_RANGE, np.inf)

    @property
    def native_bounds(self) -> tuple[float, float]:
        """Return zero and infinity, which no value reaches."""
        return (0.0, np.inf)

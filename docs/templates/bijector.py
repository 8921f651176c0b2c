# Copy to natfit/bijectors/hyperbola.py.
"""Positive numbers on a branch of a hyperbola, linear where they are large."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.bijectors.base import Elementwise


class Hyperbola(Elementwise):
    """Positive numbers: native = (eta + s) / 2 with s = sqrt(eta^2 + 4)."""

    label = "{0} - 1 / {0}"

    def _forward(self, eta: Any) -> Any:
        # The larger of eta + s and its inverse keeps its digits.
        large = 0.5 * (anp.abs(eta) + anp.sqrt(eta**2 + 4.0))
        return anp.where(eta < 0.0, 1.0 / large, large)

    def _backward(self, native: Any) -> Any:
        return native - 1.0 / native

    def first(self, eta: np.ndarray) -> np.ndarray:
        """Return native / s, elementwise."""
        return self._forward(eta) / np.sqrt(eta**2 + 4.0)

    def second(self, eta: np.ndarray) -> np.ndarray:
        """Return 2 / s^3, elementwise."""
        return 2.0 * (eta**2 + 4.0) ** -1.5

    def valid(self, native: np.ndarray) -> bool:
        """Tell whether a value is finite and > 0."""
        return super().valid(native) and bool(np.all(np.asarray(native) > 0.0))

    @property
    def bounds(self) -> tuple[float, float]:
        """Return the limits of eta, which no square passes."""
        return (-1e100, 1e100)

    @property
    def native_bounds(self) -> tuple[float, float]:
        """Return zero and infinity, which no value reaches."""
        return (0.0, np.inf)

"""A constraint with user-supplied limits of the native value."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.bijectors.base import Bijector, Elementwise
from natfit.bijectors.positive import Positive
from natfit.bijectors.real import Real

_REAL = Real()


class Limited(Elementwise):
    """A constraint with user-supplied limits of the native value; the fit may end at either.

    Parameters
    ----------
    inner : Bijector, default=Real()
        Elementwise constraint of the parameter.
    low, high : float, default=-inf, inf
        Limits of the native value; infinite where there is none.
    """

    def __init__(self, inner: Bijector = _REAL, low: float = -np.inf, high: float = np.inf):
        super().__init__(inner.shape)
        self.inner = inner
        self.low = low
        self.high = high
        self.max_step = inner.max_step
        self.label = inner.label
        self.decreasing = inner.decreasing

    def _forward(self, eta: Any) -> Any:
        return self.inner._forward(eta)

    def _backward(self, native: Any) -> Any:
        return self.inner._backward(native)

    def first(self, eta: np.ndarray) -> np.ndarray:
        """Return the first derivative of the inner constraint's map, elementwise."""
        return self.inner.first(eta)

    def second(self, eta: np.ndarray) -> np.ndarray:
        """Return the second derivative of the inner constraint's map, elementwise."""
        return self.inner.second(eta)

    def valid(self, native: np.ndarray) -> bool:
        """Tell whether the inner constraint holds; values beyond the limits are moved to them."""
        return self.inner.valid(native)

    @property
    def native_bounds(self) -> tuple[float, float]:
        """Native limits of the inner constraint, narrowed to ``low`` and ``high``."""
        low, high = self.inner.native_bounds
        return max(low, self.low), min(high, self.high)

    @property
    def native_limits(self) -> tuple[float, float]:
        """Limits of the inner constraint, narrowed to those of ``low`` and ``high`` inside it."""
        low, high = self.inner.native_limits
        inside = [self.inner.valid(np.full(self.shape, end)) for end in (self.low, self.high)]
        return max(low, self.low) if inside[0] else low, min(high, self.high) if inside[1] else high

    @property
    def domain(self) -> tuple[float, float]:
        """Domain of the inner constraint: values beyond the limits are moved, not refused."""
        return self.inner.domain

    @property
    def bounds(self) -> tuple[float, float]:
        """Limits of eta of the inner constraint, narrowed to those of ``low`` and ``high``."""
        ends = list(self.inner.bounds)
        for value, upper in ((self.low, self.decreasing), (self.high, not self.decreasing)):
            if self.inner.valid(np.full(self.shape, value)):
                end = float(self.inner._backward(np.array([value]))[0])
                ends[upper] = min(ends[1], end) if upper else max(ends[0], end)
        return ends[0], ends[1]

    @classmethod
    def examples(cls) -> list[Bijector]:
        """Return a positive number with limits."""
        return [cls(Positive(), 0.5, 10.0)]

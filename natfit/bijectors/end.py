"""Ends of a support, by the identity."""

from __future__ import annotations

import numpy as np

from natfit.bijectors.base import Bijector
from natfit.bijectors.real import Real


class End(Real):
    """An end of a support, which no row may pass: native = eta.

    Where the likelihood grows as the end comes nearer to the rows, the estimate is the smallest
    or the largest row. Under the identity it is that row itself, not rounded.

    Parameters
    ----------
    low, high : float
        Limits of the end; a fit that reaches one ends as ``boundary``.
    positive : bool
        Whether the end is a positive number.
    """

    def __init__(self, low: float = -np.inf, high: float = np.inf, positive: bool = False):
        super().__init__((), low, high)
        self.positive = positive

    def valid(self, native: np.ndarray) -> bool:
        """Tell whether one native value is finite, and > 0 if it must be."""
        return super().valid(native) and bool(np.all(np.asarray(native) > self.domain[0]))

    @property
    def bounds(self) -> tuple[float, float]:
        """Limits of eta: those of the native value, above zero if it must be positive."""
        least = np.finfo(float).tiny if self.positive else -np.inf
        return (max(self.low, least), self.high)

    @property
    def native_bounds(self) -> tuple[float, float]:
        """Infimum and supremum of the native value."""
        return (max(self.low, self.domain[0]), self.high)

    @property
    def domain(self) -> tuple[float, float]:
        """Zero or minus infinity, and infinity: values beyond the limits are moved to them."""
        return (0.0 if self.positive else -np.inf, np.inf)

    @classmethod
    def examples(cls) -> list[Bijector]:
        """Return the lower end of rows from 2 on, and a positive upper end."""
        return [cls(high=2.0), cls(low=0.5, positive=True)]

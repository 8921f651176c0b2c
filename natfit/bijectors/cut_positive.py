"""Positive numbers with separate limits for each."""

from __future__ import annotations

import numpy as np

from natfit.bijectors.base import Bijector
from natfit.bijectors.positive import Positive


class CutPositive(Positive):
    """Positive numbers with separate limits for each: native = exp(eta).

    Parameters
    ----------
    shape : tuple
        Shape of the native value.
    lower, upper : ndarray of shape (size,), optional
        Lower and upper limits of the logarithms.
    """

    def __init__(
        self, shape: tuple = (), lower: np.ndarray | None = None, upper: np.ndarray | None = None
    ):
        super().__init__(shape)
        self.lower = lower
        self.upper = upper

    def limits(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the limits (size,) of the logarithms, inside the range of doubles."""
        low, high = super().limits()
        if self.lower is not None:
            low = np.maximum(low, self.lower)
        return low, high if self.upper is None else np.minimum(high, self.upper)

    def row_limits(self) -> tuple[np.ndarray, np.ndarray]:
        """Return :meth:`limits`, which the data or the caller have set."""
        return self.limits()

    @classmethod
    def examples(cls) -> list[Bijector]:
        """Return a vector with lower limits, and one with both."""
        return [
            cls((2,), np.array([-1.0, 0.5])),
            cls((2,), np.array([-1.0, -np.inf]), np.array([np.inf, 2.0])),
        ]

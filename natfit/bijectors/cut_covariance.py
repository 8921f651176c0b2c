"""Covariance matrices that cannot shrink below a limit."""

from __future__ import annotations

import numpy as np

from natfit.bijectors.base import Bijector
from natfit.bijectors.covariance import Covariance


class CutCovariance(Covariance):
    """Covariance matrices whose Cholesky factor has a diagonal with lower limits.

    Parameters
    ----------
    d : int
        Dimension, >= 1.
    lower : ndarray of shape (d,), optional
        Lower limit of the logarithm of each number on the diagonal.
    """

    def __init__(self, d: int = 1, lower: np.ndarray | None = None):
        super().__init__(d)
        self.lower = lower

    def limits(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the limits (size,) of the coordinates, with those of the diagonal raised."""
        low, high = super().limits()
        if self.lower is not None:
            low[: self.d] = np.maximum(low[: self.d], self.lower)
        return low, high

    @classmethod
    def examples(cls) -> list[Bijector]:
        """Return two dimensions with a limit on one of them."""
        return [cls(2, np.array([-0.5, -np.inf]))]

"""Diagonal matrices, the identity among them."""

from __future__ import annotations

import numpy as np

from natfit.linops.base import LinearOperator


class Diagonal(LinearOperator):
    """A diagonal matrix; with ones, the Euclidean metric.

    Parameters
    ----------
    values : ndarray of shape (P,)
    """

    def __init__(self, values: np.ndarray):
        self.values = values
        self.size = len(values)
        self.positive = bool(np.all(values >= 0))

    @property
    def is_diagonal(self) -> bool:
        """True."""
        return True

    def __matmul__(self, v: np.ndarray) -> np.ndarray:
        """Elementwise product."""
        return self.values * v

    def diag(self) -> np.ndarray:
        """The values."""
        return self.values

    def dense(self) -> np.ndarray:
        """The matrix."""
        return np.diag(self.values)

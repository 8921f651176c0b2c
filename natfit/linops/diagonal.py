"""Diagonal matrices, the identity among them."""

from __future__ import annotations

import numpy as np

from natfit.linops.base import LinearOperator


class Diagonal(LinearOperator):
    """A diagonal matrix; with ones on the diagonal, the Euclidean metric.

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
        """Whether the matrix is diagonal: always True."""
        return True

    def __matmul__(self, v: np.ndarray) -> np.ndarray:
        """Return the elementwise product of the values and v, (P,)."""
        return self.values * v

    def diag(self) -> np.ndarray:
        """Return the values (P,) on the diagonal."""
        return self.values

    def dense(self) -> np.ndarray:
        """Return the matrix (P, P) with zeros off the diagonal."""
        return np.diag(self.values)

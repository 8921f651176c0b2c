"""A matrix that is stored as an array."""

from __future__ import annotations

import numpy as np

from natfit.linops.base import LinearOperator


class Dense(LinearOperator):
    """A dense symmetric matrix.

    Parameters
    ----------
    matrix : ndarray of shape (P, P)
    positive : bool
        Whether it is positive semidefinite by construction.
    """

    def __init__(self, matrix: np.ndarray, positive: bool = True):
        self.matrix = matrix
        self.size = len(matrix)
        self.positive = positive

    def __matmul__(self, v: np.ndarray) -> np.ndarray:
        """Return the product (P,) with a vector v (P,)."""
        return self.matrix @ v

    def diag(self) -> np.ndarray:
        """Return the diagonal (P,) of the matrix."""
        return np.diagonal(self.matrix)

    def dense(self) -> np.ndarray:
        """Return the stored matrix (P, P)."""
        return self.matrix

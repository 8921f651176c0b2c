"""A matrix that is already there."""

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
        """Product with a vector."""
        return self.matrix @ v

    def diag(self) -> np.ndarray:
        """Diagonal."""
        return np.diagonal(self.matrix)

    def dense(self) -> np.ndarray:
        """The matrix."""
        return self.matrix

"""A user-supplied matrix of which only products are asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import issparse

from natfit.linops.base import LinearOperator

#: Parameters from which a sparse matrix stays sparse, and the share of its entries that may differ
#: from zero.
_MANY, _SHARE = 100, 0.1


class Given(LinearOperator):
    """A symmetric scipy.sparse.linalg.LinearOperator, or a sparse matrix.

    Parameters
    ----------
    matrix : scipy.sparse.linalg.LinearOperator or sparse matrix of shape (P, P)
        Real and symmetric.
    """

    def __init__(self, matrix: Any):
        self.matrix = matrix
        self.size = matrix.shape[0]
        self.products_only = not issparse(matrix)
        full = self.products_only or self.size < _MANY
        self.sparse = not full and matrix.nnz <= _SHARE * self.size**2
        self._diag: np.ndarray | None = None
        if self.products_only:
            # Its diagonal would cost P products.
            self.preconditioner = np.array

    def __matmul__(self, v: np.ndarray) -> np.ndarray:
        """Return the product (P,) with a vector v (P,)."""
        return np.asarray(self.matrix @ v, dtype=np.float64).reshape(-1)

    def diag(self) -> np.ndarray:
        """Return the diagonal (P,), by P products unless the matrix is sparse."""
        if self._diag is None:
            sparse = not self.products_only
            self._diag = np.array(self.matrix.diagonal()) if sparse else np.diagonal(self.dense())
        return self._diag

    def dense(self) -> np.ndarray:
        """Return the matrix (P, P)."""
        return super().dense() if self.products_only else self.matrix.toarray()

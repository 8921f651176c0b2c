"""F restricted to the coordinates that are free to move."""

from __future__ import annotations

import numpy as np

from natfit.linops.base import LinearOperator
from natfit.linops.kronecker import KroneckerFactors


class Restricted(LinearOperator):
    """The rows and columns of F that a mask selects.

    Parameters
    ----------
    operator : LinearOperator
        F, of size P.
    free : ndarray of bool, shape (P,)
        Coordinates that are kept; the others rest at a limit.
    """

    def __init__(self, operator: LinearOperator, free: np.ndarray):
        self.operator = operator
        self.free = free
        self.size = int(free.sum())
        self.positive = operator.positive
        self.standard_error = operator.standard_error
        self.products_only = operator.products_only
        self.sparse = operator.sparse
        if self.products_only:
            self.preconditioner = np.array

    @property
    def rank_bound(self) -> int:
        """A number that the rank does not exceed, at most the number of coordinates kept."""
        return min(self.size, self.operator.rank_bound)

    @property
    def is_diagonal(self) -> bool:
        """Whether F is diagonal, and therefore the block."""
        return self.operator.is_diagonal

    def __matmul__(self, v: np.ndarray) -> np.ndarray:
        """Return the product of the selected block with a vector."""
        return (self.operator @ self._padded(v))[self.free]

    def quad(self, v: np.ndarray) -> float:
        """Return the quadratic form of F at v padded with zeros."""
        return self.operator.quad(self._padded(v))

    def _padded(self, v: np.ndarray) -> np.ndarray:
        """Return v (free,) at its places in a vector (P,) of zeros."""
        full = np.zeros(self.operator.size)
        full[self.free] = v
        return full

    def diag(self) -> np.ndarray:
        """Return the selected part of the diagonal of F."""
        return self.operator.diag()[self.free]

    def factor(self) -> np.ndarray | None:
        """Return the selected rows of the factor of F, or None where F has none."""
        factor = self.operator.factor()
        return None if factor is None else factor[self.free]

    def pull(self, u: np.ndarray) -> np.ndarray:
        """Return the selected part of B u."""
        return self.operator.pull(u)[self.free]

    def push(self, v: np.ndarray) -> np.ndarray:
        """Return B' v (R,), v padded with zeros."""
        return self.operator.push(self._padded(v))

    def kronecker(self) -> KroneckerFactors | None:
        """Return the selected part of each layer's Kronecker product, or None where F has none."""
        found = self.operator.kronecker()
        return None if found is None else found.free(self.free)

    def shift(self) -> np.ndarray | None:
        """Return the selected part of the shift of F, or None where F has none."""
        shift = self.operator.shift()
        return None if shift is None else shift[self.free]

    def dense(self) -> np.ndarray:
        """Return the selected block of F as a matrix."""
        return self.operator.dense()[np.ix_(self.free, self.free)]


class Padded(LinearOperator):
    """The selected block as an operator on vectors of the full length P; the rest of it is zero.

    Parameters
    ----------
    operator : LinearOperator
        F, of size P.
    free : ndarray of bool, shape (P,)
        Coordinates that are kept; the others rest at a limit.
    """

    def __init__(self, operator: LinearOperator, free: np.ndarray):
        self.inner = operator
        self.size = operator.size
        self.free = free
        self.standard_error = operator.standard_error
        self.note = operator.note

    def __matmul__(self, v: np.ndarray) -> np.ndarray:
        """Return the product of the selected block with a vector, zero elsewhere."""
        return np.where(self.free, self.inner @ np.where(self.free, v, 0.0), 0.0)

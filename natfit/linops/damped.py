"""F plus a non-negative diagonal."""

from __future__ import annotations

import numpy as np

from natfit.linops.base import LinearOperator
from natfit.linops.kronecker import KroneckerFactors


class Damped(LinearOperator):
    """F + diag(added).

    Parameters
    ----------
    operator : LinearOperator
        F.
    added : ndarray of shape (P,)
        Non-negative numbers.
    """

    def __init__(self, operator: LinearOperator, added: np.ndarray):
        self.operator = operator
        self.added = added
        self.size = operator.size
        self.positive = operator.positive
        self.standard_error = operator.standard_error
        self.enough = operator.enough
        self.products_only = operator.products_only
        self.sparse = operator.sparse
        self.preconditioner = operator.preconditioner

    @property
    def rank_bound(self) -> int:
        """A number that the rank of B B' alone does not exceed, for Woodbury's identity."""
        return self.operator.rank_bound

    @property
    def is_diagonal(self) -> bool:
        """Whether F is diagonal, and therefore the sum."""
        return self.operator.is_diagonal

    @property
    def matrix_free(self) -> bool:
        """Whether F is matrix-free; the added diagonal does not change that."""
        return self.operator.matrix_free

    def __matmul__(self, v: np.ndarray) -> np.ndarray:
        """Return F v + added * v, (P,)."""
        out = self.added * v
        out += self.operator @ v
        return out

    def quad(self, v: np.ndarray) -> float:
        """Return v' F v plus the sum of added * v^2."""
        return self.operator.quad(v) + float(v @ (self.added * v))

    def diag(self) -> np.ndarray:
        """Return the sum (P,) of both diagonals."""
        return self.operator.diag() + self.added

    def factor(self) -> np.ndarray | None:
        """Return the factor B (P, R) of F, or None where F has none."""
        return self.operator.factor()

    def kernel(self) -> np.ndarray | None:
        """Return the kernel B' B (R, R) of F, or None where F has no factor."""
        return self.operator.kernel()

    def rough_kernel(self) -> np.ndarray | None:
        """Return the kernel (R, R) of F to a few digits, or None where F has no factor."""
        return self.operator.rough_kernel()

    def pull(self, u: np.ndarray) -> np.ndarray:
        """Return B u (P,) with the factor B of F."""
        return self.operator.pull(u)

    def push(self, v: np.ndarray) -> np.ndarray:
        """Return B' v (R,) with the factor B of F."""
        return self.operator.push(v)

    def kronecker(self) -> KroneckerFactors | None:
        """Return F as a Kronecker product per layer, or None where its model has no layers."""
        return self.operator.kronecker()

    def shift(self) -> np.ndarray | None:
        """Return the diagonal (P,) that is added to B B': the shift of F plus ``added``."""
        inner = self.operator.shift()
        return self.added if inner is None else inner + self.added

    def dense(self) -> np.ndarray:
        """Return the matrix F + diag(added), (P, P)."""
        return self.operator.dense() + np.diag(self.added)

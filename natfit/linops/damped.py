"""F plus a non-negative diagonal."""

from __future__ import annotations

import numpy as np

from natfit.linops.base import LinearOperator


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

    @property
    def rank_bound(self) -> int:
        """The bound of B B' alone: what Woodbury's identity needs."""
        return self.operator.rank_bound

    @property
    def is_diagonal(self) -> bool:
        """Whether F is."""
        return self.operator.is_diagonal

    @property
    def matrix_free(self) -> bool:
        """Whether B B' is: the diagonal stands beside it."""
        return self.operator.matrix_free

    def __matmul__(self, v: np.ndarray) -> np.ndarray:
        """F v + added * v."""
        out = self.added * v
        out += self.operator @ v
        return out

    def quad(self, v: np.ndarray) -> float:
        """v' F v + sum of added * v^2."""
        return self.operator.quad(v) + float(v @ (self.added * v))

    def diag(self) -> np.ndarray:
        """Sum of both diagonals."""
        return self.operator.diag() + self.added

    def factor(self) -> np.ndarray | None:
        """Factor of F."""
        return self.operator.factor()

    def kernel(self) -> np.ndarray | None:
        """Kernel of F."""
        return self.operator.kernel()

    def pull(self, u: np.ndarray) -> np.ndarray:
        """B u of F's factor."""
        return self.operator.pull(u)

    def push(self, v: np.ndarray) -> np.ndarray:
        """B' v of F's factor."""
        return self.operator.push(v)

    def shift(self) -> np.ndarray | None:
        """Everything that stands beside B B'."""
        inner = self.operator.shift()
        return self.added if inner is None else inner + self.added

    def dense(self) -> np.ndarray:
        """The matrix."""
        return self.operator.dense() + np.diag(self.added)

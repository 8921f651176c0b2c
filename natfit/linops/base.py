"""The operator's verbs. Solvers ask an operator what it can do, never what type it is."""

from __future__ import annotations

import numpy as np


class LinearOperator:
    """A symmetric P x P matrix that may never be formed.

    Attributes
    ----------
    size : int
        P.
    positive : bool
        Whether it is positive semidefinite by construction.
    rank_bound : int
        An upper bound on the rank, P when nothing better is known.
    standard_error : float or None
        Relative standard error of a Monte Carlo estimate (Frobenius norm), else None.
    note : str or None
        What a metric wants recorded, such as a fallback that it took.
    """

    size: int
    positive: bool = True
    standard_error: float | None = None
    note: str | None = None

    @property
    def rank_bound(self) -> int:
        """Upper bound on the rank."""
        return self.size

    @property
    def is_diagonal(self) -> bool:
        """Whether :meth:`diag` says everything."""
        return False

    @property
    def matrix_free(self) -> bool:
        """Whether :meth:`kernel`, :meth:`pull` and :meth:`push` never form :meth:`factor`."""
        return False

    def __matmul__(self, v: np.ndarray) -> np.ndarray:
        """Product with a vector (P,)."""
        raise NotImplementedError

    def quad(self, v: np.ndarray) -> float:
        """Quadratic form v' F v."""
        return float(v @ (self @ v))

    def diag(self) -> np.ndarray:
        """Diagonal (P,)."""
        raise NotImplementedError

    def factor(self) -> np.ndarray | None:
        """A matrix B (P, R) with F = B B' (shift apart), or None where there is none."""
        return None

    def kernel(self) -> np.ndarray | None:
        """B' B (R, R), or None where there is no factor."""
        factor = self.factor()
        return None if factor is None else factor.T @ factor

    def pull(self, u: np.ndarray) -> np.ndarray:
        """B u (P,) for u (R,); only where there is a factor."""
        return self.factor() @ u

    def push(self, v: np.ndarray) -> np.ndarray:
        """B' v (R,) for v (P,); only where there is a factor."""
        return v @ self.factor()

    def shift(self) -> np.ndarray | None:
        """Diagonal (P,) that is added to B B', or None."""
        return None

    def dense(self) -> np.ndarray:
        """The matrix itself (P, P); for solvers alone."""
        return np.stack([self @ row for row in np.eye(self.size)], axis=1)

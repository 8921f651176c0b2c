"""The contract of linear operators. Solvers ask what an operator can do, never for its type."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from natfit.linops.kronecker import KroneckerFactors


class LinearOperator:
    """A symmetric P x P matrix that may never be formed.

    Attributes
    ----------
    size : int
        P, the number of rows and of columns.
    positive : bool
        Whether it is positive semidefinite by construction.
    rank_bound : int
        A number that the rank does not exceed; P when nothing better is known.
    standard_error : float or None
        Relative standard error of a Monte Carlo estimate (Frobenius norm), else None.
    exact : bool
        Whether its entries are accurate to their last digit, so that small eigenvalues count.
    enough : float or None
        Relative residual of an iterative solve that suffices far from an optimum; None for as
        small a one as the solver reaches.
    sparse : bool
        Whether a product costs far less than P^2, so that solvers should not form the matrix.
    products_only : bool
        Whether only products are to be asked for, because nothing else is cheaper.
    note : str or None
        A remark of the metric for the history, such as a fallback that it took.
    preconditioner : callable or None
        About F^-1 g (P,) for g (P,), positive definite, for iterative solves; None for diag(F)^-1.
    """

    size: int
    positive: bool = True
    standard_error: float | None = None
    exact: bool = False
    enough: float | None = None
    products_only: bool = False
    sparse: bool = False
    note: str | None = None
    preconditioner: Callable[[np.ndarray], np.ndarray] | None = None

    @property
    def rank_bound(self) -> int:
        """A number that the rank does not exceed, at most P."""
        return self.size

    @property
    def is_diagonal(self) -> bool:
        """Whether all entries off the diagonal are zero."""
        return False

    @property
    def matrix_free(self) -> bool:
        """Whether :meth:`kernel`, :meth:`pull` and :meth:`push` never form :meth:`factor`."""
        return False

    def __matmul__(self, v: np.ndarray) -> np.ndarray:
        """Return the product F v (P,) with a vector v (P,)."""
        raise NotImplementedError

    def quad(self, v: np.ndarray) -> float:
        """Return the quadratic form v' F v of a vector v (P,)."""
        return float(v @ (self @ v))

    def diag(self) -> np.ndarray:
        """Return the diagonal (P,) of F."""
        raise NotImplementedError

    def factor(self) -> np.ndarray | None:
        """Return B (P, R) with F = B B' + diag(shift), or None where there is no factor."""
        return None

    def kernel(self) -> np.ndarray | None:
        """Return B' B (R, R), or None where there is no factor."""
        factor = self.factor()
        return None if factor is None else factor.T @ factor

    def rough_kernel(self) -> np.ndarray | None:
        """Return B' B (R, R) to a few digits, or None where there is no factor."""
        return self.kernel()

    def pull(self, u: np.ndarray) -> np.ndarray:
        """Return B u (P,) for u (R,); only where there is a factor."""
        return self.factor() @ u

    def push(self, v: np.ndarray) -> np.ndarray:
        """Return B' v (R,) for v (P,); only where there is a factor."""
        return v @ self.factor()

    def kronecker(self) -> KroneckerFactors | None:
        """Return F without :meth:`shift` as a Kronecker product per layer, approximately.

        Returns
        -------
        KroneckerFactors or None
            None where the model has no layers.
        """
        return None

    def shift(self) -> np.ndarray | None:
        """Return the diagonal (P,) that is added to B B', or None."""
        return None

    def solved(self, g: np.ndarray) -> tuple[np.ndarray, tuple[int, ...]] | None:
        """Return F^-1 g (P,) where the operator is known by its inverse, else None.

        Returns
        -------
        tuple or None
            F^-1 g, and the coordinates that F does not determine.
        """
        return None

    def rough(self) -> np.ndarray:
        """Return the matrix (P, P) to a few digits, as a preconditioner needs it."""
        return self.dense()

    def dense(self) -> np.ndarray:
        """Return the matrix F (P, P); only solvers ask for it."""
        return np.stack([self @ row for row in np.eye(self.size)], axis=1)

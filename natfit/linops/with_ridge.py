"""F plus the second derivative of a ridge penalty, S (x) diag(lambda)."""

from __future__ import annotations

import numpy as np

from natfit.linops.base import LinearOperator
from natfit.linops.damped import Damped
from natfit.linops.kronecker import KroneckerFactors


class WithRidge(Damped):
    """F + S (x) diag(lambda), where lambda >= 0 and S is the identity or (K, K).

    Parameters
    ----------
    operator : LinearOperator
        F.
    ridge : ndarray of shape (P,)
        lambda.
    mix : ndarray of shape (K, K), optional
        S, positive semidefinite; theta then consists of K parts of equal length with equal lambda.
    """

    def __init__(self, operator: LinearOperator, ridge: np.ndarray, mix: np.ndarray | None = None):
        super().__init__(operator, ridge)
        self.mix = mix
        self.note = operator.note

    def _times(self, v: np.ndarray) -> np.ndarray:
        own = self.added * v
        return own if self.mix is None else (self.mix @ own.reshape(len(self.mix), -1)).ravel()

    def __matmul__(self, v: np.ndarray) -> np.ndarray:
        """Return F v + (S (x) diag(lambda)) v, (P,)."""
        out = self._times(v)
        out += self.operator @ v
        return out

    def quad(self, v: np.ndarray) -> float:
        """Return v' F v plus that of the penalty."""
        return self.operator.quad(v) + float(v @ self._times(v))

    def _own_diag(self) -> np.ndarray:
        if self.mix is None:
            return self.added
        return (np.diagonal(self.mix)[:, None] * self.added.reshape(len(self.mix), -1)).ravel()

    def diag(self) -> np.ndarray:
        """Return the diagonal (P,) of the sum."""
        return self.operator.diag() + self._own_diag()

    @property
    def rank_bound(self) -> int:
        """A number that the rank of B B' alone does not exceed; P where S is no identity."""
        return self.operator.rank_bound if self.mix is None else self.size

    def factor(self) -> np.ndarray | None:
        """Return the factor B (P, R) of F; None where what is added is no diagonal."""
        return self.operator.factor() if self.mix is None else None

    def kronecker(self) -> KroneckerFactors | None:
        """Return F as a Kronecker product per layer; None where what is added is no diagonal."""
        return self.operator.kronecker() if self.mix is None else None

    def shift(self) -> np.ndarray | None:
        """Return the diagonal (P,) that is added to B B'; None where it is no diagonal."""
        return super().shift() if self.mix is None else None

    def dense(self) -> np.ndarray:
        """Return the matrix (P, P)."""
        return self.add_to(np.array(self.operator.dense()))

    def rough(self) -> np.ndarray:
        """Return the matrix (P, P), F to a few digits."""
        return self.add_to(np.array(self.operator.rough()))

    def add_to(self, out: np.ndarray) -> np.ndarray:
        """Add the matrix of the penalty to a matrix (P, P), in place, and return it."""
        if self.mix is None:
            out[np.diag_indices_from(out)] += self.added
            return out
        size = len(self.mix)
        each = self.added.reshape(size, -1)[0]
        blocks = out.reshape(size, len(each), size, len(each))
        j = np.arange(len(each))
        for k in range(size):
            for m in range(size):
                blocks[k, j, m, j] += self.mix[k, m] * each
        return out

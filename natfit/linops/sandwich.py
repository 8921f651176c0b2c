"""J' C J summed over rows: the form that every statistical curvature here has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from natfit.linops.base import LinearOperator


class Sandwich(LinearOperator):
    """F = sum over terms of J' C J, products without forming J or F.

    Exact, Monte Carlo and empirical Fishers differ in C alone.

    Parameters
    ----------
    terms : sequence of (linearization, C or None, B or None)
        One for each chunk of rows. C (n, K, K) carries the weights w / W. Where B (n, K, R) is
        given instead, C = B B'.
    size : int
        P.
    """

    def __init__(self, terms: Sequence[tuple[Any, Any, Any]], size: int):
        self.terms = list(terms)
        self.size = size

    @property
    def rank_bound(self) -> int:
        """Rows times columns of B (or K), at most P."""
        rank = 0
        for lin, c, b in self.terms:
            rank += len(lin.eta) * c.shape[1] if b is None else b.shape[0] * b.shape[2]
        return min(self.size, rank)

    def __matmul__(self, v: np.ndarray) -> np.ndarray:
        """Sum of J' (C (J v))."""
        out = np.zeros(self.size)
        for lin, c, b in self.terms:
            u = lin.jvp(v)
            if b is None:
                u = np.einsum("nkl,nl->nk", c, u)
            else:
                u = np.einsum("nkr,nr->nk", b, np.einsum("nkr,nk->nr", b, u))
            out += lin.vjp(u)
        return out

    def _weights(self) -> Any:
        for lin, c, b in self.terms:
            yield lin, (np.einsum("nkr,nlr->nkl", b, b) if c is None else c)

    def diag(self) -> np.ndarray:
        """Diagonal (P,)."""
        return sum(lin.diag(c) for lin, c in self._weights())

    def dense(self) -> np.ndarray:
        """The matrix (P, P)."""
        return sum(lin.gram(c) for lin, c in self._weights())

    def factor(self) -> np.ndarray | None:
        """B (P, R): columns J_i' b_ir of every row; Cholesky factors where only C is known."""
        columns = []
        for lin, c, b in self.terms:
            if b is None:
                b = _root(c)
            columns.append(lin.pull_columns(b))
        return np.concatenate(columns, axis=1)


def _root(c: np.ndarray) -> np.ndarray:
    """Square root of positive semidefinite C (n, K, K), by eigenvalues: singular ones too."""
    values, vectors = np.linalg.eigh(c)
    return vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]

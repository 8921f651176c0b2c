"""Rows with more features than rows: as many features with the same inner products."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import eigh
from scipy.sparse import issparse

from natfit.rows.base import Rows
from natfit.rows.memory import Memory

#: Most rows whose inner products are formed.
_MOST = 4_000

#: Eigenvalues of the inner products below this share of the largest are rounding.
_LEAST = 1e-14


def rotates(rows: Rows) -> bool:
    """Tell whether rows have fewer dimensions than features, and are few and in this process."""
    return isinstance(rows, Memory) and rows.n < rows.n_features and rows.n <= _MOST


class Rotation:
    """Rows with R (N, r) in place of X, and the coefficients of x that belong to those of R.

    ``X X' = U diag(l) U'`` and ``R = U diag(l)^1/2``, so that the inner products of the rows are
    those of X, which is centred where that is asked for.

    Parameters
    ----------
    rows : Memory
        The rows, in this process.
    centred : bool
        Whether the features are centred, for an intercept that takes up their means.
    """

    def __init__(self, rows: Any, centred: bool):
        self._X = X = rows.X
        inner = (X @ X.T).toarray() if issparse(X) else np.asarray(X @ X.T, dtype=np.float64)
        self._mean: np.ndarray | None = None
        if centred:
            # The sum of the centred rows is zero, so that they have N - 1 dimensions.
            side = inner.mean(axis=0)
            inner = inner - side - side[:, None] + side.mean()
            self._mean = np.asarray(X.mean(axis=0), dtype=np.float64).ravel()
        values, vectors = eigh(inner, overwrite_a=True)
        keep = values > _LEAST * len(values) * max(float(values[-1]), 0.0)
        self._root, self._vectors = np.sqrt(values[keep]), vectors[:, keep]
        features = self._vectors * self._root
        self.rows = rows.holding(rows.y, features, rows.weight, rows.offset)

    def of_x(self, gamma: np.ndarray, base: float) -> tuple[np.ndarray, float]:
        """Return the coefficients (D,) of x and the intercept for those of R, (r,)."""
        a = self._vectors @ (gamma / self._root)
        coef = np.asarray(self._X.T @ a).ravel()
        if self._mean is None:
            return coef, base
        coef -= self._mean * a.sum()
        return coef, base - float(self._mean @ coef)

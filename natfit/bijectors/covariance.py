"""Covariance matrices, which are symmetric and positive definite."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.bijectors.cholesky_factor import CholeskyFactor


class Covariance(CholeskyFactor):
    """Symmetric positive definite d x d matrices: L L' with the Cholesky factor L.

    ``pack`` gives the lower triangle in the order of the coordinates (diagonal first).
    """

    symmetric = True

    def _forward(self, eta: Any) -> Any:
        factor = self._factor(eta)
        return anp.einsum("nij,nkj->nik", factor, factor)

    def to_eta(self, native: Any) -> Any:
        """Return the coordinates (n, size) of the Cholesky factors of matrices (n, d, d)."""
        return super().to_eta(anp.linalg.cholesky(native))

    def unpack(self, free: Any) -> Any:
        """Map lower triangles (n, size) to symmetric matrices (n, d, d)."""
        lower = super().unpack(free)
        return lower + anp.transpose(lower, (0, 2, 1)) * (1.0 - np.eye(self.d))

    def valid(self, native: np.ndarray) -> bool:
        """Tell whether one matrix is finite, symmetric and positive definite."""
        native = np.asarray(native, dtype=float)
        if not np.all(np.isfinite(native)):
            return False
        scale = np.abs(native).max()
        if np.abs(native - native.T).max() > 1e-8 * scale:
            return False
        try:
            np.linalg.cholesky(native)
        except np.linalg.LinAlgError:
            return False
        return True

    def jacobian(self, eta: np.ndarray) -> np.ndarray:
        """Return dSigma = dL L' + L dL', one row for each entry of the lower triangle."""
        row, col = self.entries
        factor = self._factor(eta[None])[0]
        scale = np.concatenate([np.diagonal(factor), np.ones(self.size - self.d)])
        # Entry (i, j) of dL adds L[b, j] to dSigma[i, b] and to dSigma[b, i].
        columns = factor[:, col]
        out = np.where(row[:, None] == row[None, :], columns[col, :], 0.0)
        out += np.where(col[:, None] == row[None, :], columns[row, :], 0.0)
        return out * scale

"""Cholesky factors: lower-triangular matrices with a positive diagonal."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.bijectors.base import LOG_RANGE, Bijector


class CholeskyFactor(Bijector):
    """Lower-triangular d x d matrices L with a positive diagonal.

    The unconstrained vector holds the logarithms of the diagonal first, then the entries below
    it, row by row.

    Parameters
    ----------
    d : int
        Dimension, >= 1.
    """

    cut_as_one = True

    #: Whether the native matrix repeats its lower triangle above the diagonal.
    symmetric = False

    def __init__(self, d: int = 1):
        self.d = d

    @property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override]  # d decides, nobody sets it
        """Shape (d, d) of one native matrix."""
        return (self.d, self.d)

    @property
    def size(self) -> int:
        """Number of unconstrained coordinates, d (d + 1) / 2."""
        return self.d * (self.d + 1) // 2

    @property
    def entries(self) -> tuple[np.ndarray, np.ndarray]:
        """Row and column (size,) of the matrix entry of every unconstrained coordinate."""
        low = np.tril_indices(self.d, -1)
        diag = np.arange(self.d)
        return np.concatenate([diag, low[0]]), np.concatenate([diag, low[1]])

    def _scatter(self) -> np.ndarray:
        """0/1 matrix (size, d * d) that places coordinates in the matrix."""
        row, col = self.entries
        place = np.zeros((self.size, self.d * self.d))
        place[np.arange(self.size), row * self.d + col] = 1.0
        return place

    def _factor(self, eta: Any) -> Any:
        """Map coordinates (n, size) to Cholesky factors (n, d, d)."""
        values = anp.concatenate([anp.exp(eta[:, : self.d]), eta[:, self.d :]], axis=1)
        if isinstance(values, np.ndarray):
            row, col = self.entries
            out = np.zeros((len(values), self.d, self.d))
            out[:, row, col] = values
            return out
        return anp.reshape(anp.dot(values, self._scatter()), (eta.shape[0], self.d, self.d))

    def _forward(self, eta: Any) -> Any:
        return self._factor(eta)

    def to_eta(self, native: Any) -> Any:
        """Return (n, size): the logarithms of the diagonal, then the entries below it."""
        row, col = self.entries
        values = native[:, row, col]
        return anp.concatenate([anp.log(values[:, : self.d]), values[:, self.d :]], axis=1)

    @property
    def native_size(self) -> int:
        """Number of entries in the lower triangle, d (d + 1) / 2."""
        return self.size

    def pack(self, native: np.ndarray) -> np.ndarray:
        """Return the lower triangle (size,) of one matrix, the diagonal first."""
        return np.asarray(native)[..., self.entries[0], self.entries[1]].reshape(-1)

    def unpack(self, free: Any) -> Any:
        """Map lower triangles (n, size) to matrices (n, d, d)."""
        return anp.reshape(anp.dot(free, self._scatter()), (free.shape[0], self.d, self.d))

    def valid(self, native: np.ndarray) -> bool:
        """Tell whether one matrix is lower triangular with a positive diagonal."""
        native = np.asarray(native)
        return (
            super().valid(native)
            and bool(np.all(np.diagonal(native) > 0))
            and not np.any(np.triu(native, 1))
        )

    def jacobian(self, eta: np.ndarray) -> np.ndarray:
        """Return a diagonal matrix: exp(eta) for the diagonal's coordinates, 1 for the others."""
        return np.diag(np.concatenate([np.exp(eta[: self.d]), np.ones(self.size - self.d)]))

    @property
    def native_bounds(self) -> tuple[float, float]:
        """Zero and infinity, the limits of the diagonal; the other entries have none."""
        return (0.0, np.inf)

    def steps(self) -> np.ndarray:
        """Return the largest change (size,) in one step: 3 for logarithms, else infinity."""
        return np.concatenate([np.full(self.d, 3.0), np.full(self.size - self.d, np.inf)])

    def limits(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the limits of each coordinate: logarithms stay in the range of doubles."""
        high = np.concatenate([np.full(self.d, LOG_RANGE / 2), np.full(self.size - self.d, np.inf)])
        return -high, high

    @classmethod
    def examples(cls) -> list[Bijector]:
        """Return the factors of dimension one and three."""
        return [cls(1), cls(3)]

"""Diagonal covariance structures of the multivariate normal, and what all structures share.

A structure knows D and the layout of eta = (loc, covariance part). ``y`` is rows (n, D) or a
summary (mean (1, D), spread (1, ...)). The spread is the second moment about the mean: D x D for
the full structure, one number per column for the others. With (m, S) = (y, 0) or the summary,

    log p = -1/2 tr(Sigma^-1 ((m - loc)(m - loc)' + S)) - 1/2 log|Sigma| - D/2 log(2 pi).

``eta`` has n rows or one row for all.
"""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.bijectors import Bijector, Positive, Real
from natfit.distributions.contract.declared import Role
from natfit.distributions.forms.gaussian_distances import energy_distance, energy_metric

LOG_2PI = 1.8378770664093453


def split(y: Any) -> tuple[Any, Any]:
    """Mean and spread of a summary; for rows, the rows and None."""
    return y if isinstance(y, tuple) else (y, None)


class Diagonal:
    """Independent columns, each with its own scale: eta = (loc (D,), log scale (D,))."""

    roles = {"loc": Role.LOCATION, "scale": Role.SCALE}

    def __init__(self, dim: int):
        self.dim = dim
        self.tie = np.eye(dim)

    def params(self) -> dict[str, Bijector]:
        """The constraints of the native parameters."""
        return {"loc": Real((self.dim,)), "scale": Positive((self.dim,))}

    def _log_scale(self, eta: Any) -> Any:
        """(n, D)."""
        return eta[:, self.dim :]

    def half_log_det(self, eta: Any) -> Any:
        """log|Sigma| / 2, (n,)."""
        return anp.sum(self._log_scale(eta), axis=1)

    def _collect(self, values: np.ndarray) -> np.ndarray:
        """Derivatives in eta from those in the log scale of each column: adjoint of _log_scale."""
        return values

    def moment(self, gap: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
        """Weighted sum of squares of each column of gap (n, D), (D,)."""
        if weight is None:
            return np.einsum("ij,ij->j", gap, gap)
        return weight @ (gap * gap)

    def centre(self, second: np.ndarray, delta: np.ndarray) -> np.ndarray:
        """Second moment about the mean, from that about a point delta (D,) away."""
        return np.maximum(second - delta * delta, 0.0)

    def variances(self, spread: np.ndarray) -> np.ndarray:
        """Variance of each column, (D,)."""
        return spread

    def log_prob(self, y: Any, eta: Any) -> Any:
        """Log-density of each row at eta, (n,) nats."""
        mean, spread = split(y)
        log_scale = self._log_scale(eta)
        square = (mean - eta[:, : self.dim]) ** 2
        if spread is not None:
            square = square + spread
        total = anp.sum(0.5 * square * anp.exp(-2.0 * log_scale) + log_scale, axis=1)
        return -total - 0.5 * self.dim * LOG_2PI

    def score(self, y: Any, eta: np.ndarray) -> np.ndarray:
        """Gradient in eta, (n, K)."""
        mean, spread = split(y)
        precision = np.exp(-2.0 * self._log_scale(eta))
        gap = mean - eta[:, : self.dim]
        square = gap * gap if spread is None else gap * gap + spread
        return np.concatenate([gap * precision, self._collect(square * precision - 1.0)], axis=1)

    def observed(self, y: Any, eta: np.ndarray) -> np.ndarray:
        """Negative Hessian in eta, (n, K, K)."""
        mean, spread = split(y)
        precision = np.exp(-2.0 * self._log_scale(eta))
        gap = mean - eta[:, : self.dim]
        square = gap * gap if spread is None else gap * gap + spread
        cross = 2.0 * (gap * precision)[:, :, None] * self.tie
        low = np.einsum("jk,nj,jl->nkl", self.tie, 2.0 * square * precision, self.tie)
        return assemble(_diagonals(precision, len(gap)), cross, low)

    def fisher(self, eta: np.ndarray) -> np.ndarray:
        """Fisher information, (n, K, K): diag(1 / scale^2) and 2 per column."""
        precision = np.exp(-2.0 * self._log_scale(eta))
        low = np.broadcast_to(2.0 * self.tie.T @ self.tie, (len(eta), *[self.tie.shape[1]] * 2))
        cross = np.zeros((len(eta), *self.tie.shape))
        return assemble(_diagonals(precision, len(eta)), cross, low)

    def kl(self, eta: np.ndarray, eta2: np.ndarray) -> np.ndarray:
        """KL(eta || eta2), (n,) nats."""
        log_scale2 = self._log_scale(eta2)
        ratio = self._log_scale(eta) - log_scale2
        gap = (eta[:, : self.dim] - eta2[:, : self.dim]) * np.exp(-log_scale2)
        return np.sum(0.5 * (np.expm1(2.0 * ratio) + gap * gap) - ratio, axis=1)

    def wasserstein(self, eta: np.ndarray) -> np.ndarray:
        """Wasserstein metric, (n, K, K): 1 for loc, and scale^2 per column for its logarithm."""
        size = np.exp(2.0 * self._log_scale(eta))
        return self._of_columns(np.ones_like(size), size)

    def half_square_wasserstein(self, eta: np.ndarray, eta2: np.ndarray) -> np.ndarray:
        """Half the squared Wasserstein distance, (n,)."""
        moved = eta[:, : self.dim] - eta2[:, : self.dim]
        widened = np.exp(self._log_scale(eta)) - np.exp(self._log_scale(eta2))
        return 0.5 * np.sum(np.square(moved) + np.square(widened), axis=1)

    def energy(self, eta: np.ndarray) -> np.ndarray:
        """Sum over columns of the CRPS metric 2 integral dF dF', (n, K, K)."""
        return self._of_columns(*energy_metric(np.exp(self._log_scale(eta))))

    def energy_distance(self, eta: np.ndarray, eta2: np.ndarray) -> np.ndarray:
        """Sum over columns of the integral of (F - F2)^2, (n,)."""
        pairs = ((e[:, : self.dim], np.exp(self._log_scale(e))) for e in (eta, eta2))
        return np.sum(energy_distance(*next(pairs), *next(pairs)), axis=1)

    def _of_columns(self, top: np.ndarray, low: np.ndarray) -> np.ndarray:
        """Matrices (n, K, K) that are diagonal in loc and the logarithms of the columns' scales."""
        block = np.einsum("jk,nj,jl->nkl", self.tie, low, self.tie)
        return assemble(_diagonals(top, len(top)), np.zeros((1, *self.tie.shape)), block)

    def scatter(self, noise: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Draws (n, D) from standard normal noise (n, D)."""
        return eta[:, : self.dim] + np.exp(self._log_scale(eta)) * noise

    def start(self, scale: np.ndarray) -> dict[str, Any]:
        """Native covariance part from the columns' scales (D,)."""
        return {"scale": scale}

    def scipy_covariance(self, scale: Any) -> Any:
        """What ``scipy.stats.multivariate_normal`` takes as ``cov``."""
        from scipy.stats import Covariance as ScipyCovariance

        return ScipyCovariance.from_diagonal(np.broadcast_to(scale, self.dim) ** 2.0)

    # Mean parameters: E[y - c] and E[(y - c)^2] of each column.

    def mean_names(self) -> list[str]:
        """Names of the second mean parameters."""
        return [f"E[(y - c)[{j}]^2]" for j in range(self.dim)]

    def to_second(self, gap: Any, scale: Any) -> Any:
        """Second mean parameters (1, D) about a point gap (1, D) from loc."""
        return scale**2 + gap**2

    def from_second(self, first: Any, second: Any) -> dict[str, Any]:
        """Inverse, for first (D,) and second (D,)."""
        return {"scale": anp.sqrt(second - first**2)[None]}


class Spherical(Diagonal):
    """Independent columns with one scale: eta = (loc (D,), log scale)."""

    def __init__(self, dim: int):
        super().__init__(dim)
        self.tie = np.ones((dim, 1))

    def params(self) -> dict[str, Bijector]:
        """The constraints of the native parameters."""
        return {"loc": Real((self.dim,)), "scale": Positive()}

    def _log_scale(self, eta: Any) -> Any:
        return eta[:, self.dim :] * np.ones((1, self.dim))

    def _collect(self, values: np.ndarray) -> np.ndarray:
        return values.sum(axis=1, keepdims=True)

    def start(self, scale: np.ndarray) -> dict[str, Any]:
        """Root mean square of the columns' scales."""
        return {"scale": np.sqrt(np.mean(scale**2))}

    def mean_names(self) -> list[str]:
        """Name of the second mean parameter."""
        return ["E[|y - c|^2]"]

    def to_second(self, gap: Any, scale: Any) -> Any:
        """E[|y - c|^2], (1, 1)."""
        return anp.reshape(self.dim * scale**2 + anp.sum(gap**2), (1, 1))

    def from_second(self, first: Any, second: Any) -> dict[str, Any]:
        """Inverse, for first (D,) and second (1,)."""
        return {"scale": anp.sqrt((second - anp.sum(first**2)) / self.dim)}


def assemble(top: np.ndarray, cross: np.ndarray, low: np.ndarray) -> np.ndarray:
    """Symmetric matrices (n, K, K) from their blocks, broadcast over rows."""
    d, k = top.shape[1], top.shape[1] + low.shape[1]
    out = np.empty((max(len(top), len(cross), len(low)), k, k))
    out[:, :d, :d] = top
    out[:, :d, d:] = cross
    out[:, d:, :d] = np.swapaxes(cross, 1, 2)
    out[:, d:, d:] = low
    return out


def _diagonals(values: np.ndarray, n: int) -> np.ndarray:
    """Diagonal matrices (n, D, D) of values (n or 1, D)."""
    out = np.zeros((n, values.shape[1], values.shape[1]))
    at = np.arange(values.shape[1])
    out[:, at, at] = values
    return out

"""The full covariance structure of the multivariate normal, and the table of structures."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
from scipy.linalg import solve_triangular

from natfit.bijectors import Bijector, CholeskyFactor, Covariance, Real
from natfit.distributions.contract.declared import Role
from natfit.distributions.forms.gaussian_distances import bures_metric, half_square_bures
from natfit.distributions.vectors._gaussian import LOG_2PI, Diagonal, Spherical, assemble, split


class Full:
    """Any covariance L L': eta = (loc (D,), log diagonal of L, L below it row by row).

    With A = L^-1 dL, lower triangular, and z = L^-1 (y - loc),
    ``d log p = z' L^-1 dloc + tr(A (z z' - I))``. The information of A_ij is 1 below the
    diagonal and 2 on it. An entry (a, b) of L changes only column b of A, by L^-1 e_a, so that
    the Fisher information is block diagonal in the columns of L.
    """

    roles = {"loc": Role.LOCATION, "covariance": Role.COVARIANCE}

    def __init__(self, dim: int):
        self.dim = dim
        self.bijector = Covariance(dim)
        self.factors = CholeskyFactor(dim)
        self.row, self.col = self.bijector.entries

    def params(self) -> dict[str, Bijector]:
        """The constraints of the native parameters."""
        return {"loc": Real((self.dim,)), "covariance": self.bijector}

    def factor(self, eta: Any) -> Any:
        """L, (n, D, D)."""
        return self.factors.to_native(eta[:, self.dim :])

    def half_log_det(self, eta: Any) -> Any:
        """log|Sigma| / 2, (n,)."""
        return anp.sum(eta[:, self.dim : 2 * self.dim], axis=1)

    def _chain(self, eta: np.ndarray) -> np.ndarray:
        """d entry of L / d coordinate, (n, T): L_aa for the logarithms, one below."""
        below = np.ones((len(eta), len(self.row) - self.dim))
        return np.concatenate([np.exp(eta[:, self.dim : 2 * self.dim]), below], axis=1)

    def moment(self, gap: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
        """Weighted sum of gap gap', (D, D)."""
        return gap.T @ (gap if weight is None else gap * weight[:, None])

    def centre(self, second: np.ndarray, delta: np.ndarray) -> np.ndarray:
        """Second moment about the mean, from that about a point delta (D,) away."""
        out = second - np.outer(delta, delta)
        np.fill_diagonal(out, np.maximum(np.diagonal(out), 0.0))
        return 0.5 * (out + out.T)

    def variances(self, spread: np.ndarray) -> np.ndarray:
        """Variance of each column, (D,)."""
        return np.diagonal(spread)

    def log_prob(self, y: Any, eta: Any) -> Any:
        """Log-density of each row at eta, (n,) nats."""
        mean, spread = split(y)
        factor = self.factor(eta)
        z = _whiten(factor, mean - eta[:, : self.dim])
        square = anp.sum(z * z, axis=1)
        if spread is not None:
            square = square + anp.trace(_whiten_spread(factor[0], spread[0]))
        return -0.5 * square - self.half_log_det(eta) - 0.5 * self.dim * LOG_2PI

    def _moments(self, y: Any, eta: np.ndarray) -> tuple[Any, ...]:
        """L^-1, z, p = L^-T z, and for a summary L^-1 S L^-T, else None."""
        mean, spread = split(y)
        factor = self.factor(eta)
        inverse = _inverse(factor)
        z = _whiten(factor, mean - eta[:, : self.dim])
        pull = z @ inverse[0] if len(inverse) == 1 else np.einsum("nij,ni->nj", inverse, z)
        inner = None if spread is None else _whiten_spread(factor[0], spread[0])
        return inverse, z, pull, inner

    def score(self, y: Any, eta: np.ndarray) -> np.ndarray:
        """Gradient in eta, (n, K): L^-T z, and (L^-T (z z' - I))_ab for entry (a, b) of L."""
        inverse, z, pull, inner = self._moments(y, eta)
        lower = pull[:, self.row] * z[:, self.col]
        if inner is not None:
            lower = lower + (inverse[0].T @ inner)[self.row, self.col]
        lower *= self._chain(eta)
        lower[:, : self.dim] -= 1.0
        return np.concatenate([pull, lower], axis=1)

    def observed(self, y: Any, eta: np.ndarray) -> np.ndarray:
        """Negative Hessian in eta, (n, K, K).

        From d2 log p = -|L^-1 dloc + A z|^2 - 2 z' A L^-1 dloc - 2 z' A A z + z' L^-1 d2L z.

        Returns
        -------
        ndarray of shape (n, K, K)
            Symmetric.
        """
        inverse, z, pull, inner = self._moments(y, eta)
        a, b = self.row, self.col
        precision = np.swapaxes(inverse, 1, 2) @ inverse
        both = z[:, :, None] * z[:, None, :]
        mixed = pull[:, :, None] * z[:, None, :]
        if inner is not None:
            both = both + inner
            mixed = mixed + inverse[0].T @ inner
        chain = self._chain(eta)
        cross = precision[:, :, a] * z[:, None, b] + np.swapaxes(
            pull[:, a, None] * inverse[:, b, :], 1, 2
        )
        low = precision[:, a[:, None], a] * both[:, b[:, None], b]
        twist = mixed[:, a[:, None], b] * inverse[:, b[:, None], a]
        low += twist + np.swapaxes(twist, 1, 2)
        low *= chain[:, :, None] * chain[:, None, :]
        at = np.arange(self.dim)
        low[:, at, at] -= chain[:, : self.dim] * mixed[:, at, at]
        return assemble(precision, cross * chain[:, None, :], low)

    def fisher(self, eta: np.ndarray) -> np.ndarray:
        """Fisher information, (n, K, K), one column of L at a time."""
        d = self.dim
        inverse = _inverse(self.factor(eta))
        precision = np.swapaxes(inverse, 1, 2) @ inverse
        out = np.zeros((len(eta), d + len(self.row), d + len(self.row)))
        out[:, :d, :d] = precision
        chain = self._chain(eta)
        for b in range(d):
            # Column b of L holds the entries (b, b), (b + 1, b), ...
            at = np.flatnonzero(self.col == b)
            c = chain[:, at]
            block = precision[:, b:, b:] * c[:, :, None] * c[:, None, :]
            block[:, 0, 0] += 1.0
            out[:, d + at[:, None], d + at] = block
        return out

    def kl(self, eta: np.ndarray, eta2: np.ndarray) -> np.ndarray:
        """KL(eta || eta2), (n,) nats."""
        d = self.dim
        factor2 = self.factor(eta2)
        gap = _whiten(factor2, eta[:, :d] - eta2[:, :d])
        ratio = _inverse(factor2) @ self.factor(eta)
        low = np.tril(ratio, -1)
        log_ratio = eta[:, d : 2 * d] - eta2[:, d : 2 * d]
        square = np.sum(gap * gap, axis=1) + np.sum(low * low, axis=(1, 2))
        return 0.5 * square + np.sum(0.5 * np.expm1(2.0 * log_ratio) - log_ratio, axis=1)

    def wasserstein(self, eta: np.ndarray) -> np.ndarray:
        """Wasserstein metric, (n, K, K): 1 for loc, and Bures' for the entries of L."""
        d, (n, t) = self.dim, (len(eta), len(self.row))
        slopes = np.zeros((n, t, d, d))
        slopes[:, np.arange(t), self.row, self.col] = self._chain(eta)
        low = bures_metric(self.factor(eta), slopes)
        return assemble(np.eye(d)[None], np.zeros((1, d, t)), low)

    def half_square_wasserstein(self, eta: np.ndarray, eta2: np.ndarray) -> np.ndarray:
        """Half the squared Wasserstein distance, (n,)."""
        moved = eta[:, : self.dim] - eta2[:, : self.dim]
        bures = half_square_bures(self.factor(eta), self.factor(eta2))
        return 0.5 * np.sum(np.square(moved), axis=1) + bures

    def scatter(self, noise: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Draws (n, D) from standard normal noise (n, D)."""
        factor = self.factor(eta)
        if len(factor) == 1:
            return eta[:, : self.dim] + noise @ factor[0].T
        return eta[:, : self.dim] + np.einsum("nij,nj->ni", factor, noise)

    def start(self, scale: np.ndarray) -> dict[str, Any]:
        """The covariance (D, D) of a start without correlation, by name."""
        return {"covariance": np.diag(scale**2)}

    def scipy_covariance(self, covariance: Any) -> Any:
        """What ``scipy.stats.multivariate_normal`` takes as ``cov``."""
        return covariance

    # Mean parameters: E[y - c] and the lower triangle of E[(y - c)(y - c)'].

    def mean_names(self) -> list[str]:
        """Names of the second mean parameters, in the order of eta."""
        pairs = zip(self.row, self.col, strict=True)
        return [f"E[(y - c)[{i}] (y - c)[{j}]]" for i, j in pairs]

    def to_second(self, gap: Any, covariance: Any) -> Any:
        """Second mean parameters (1, T) about a point gap (1, D) from loc."""
        return (covariance + gap[:, :, None] * gap[:, None, :])[:, self.row, self.col]

    def from_second(self, first: Any, second: Any) -> dict[str, Any]:
        """Inverse, for first (D,) and second (T,)."""
        covariance = self.bijector.unpack(second[None]) - first[None, :, None] * first[None, None]
        return {"covariance": covariance}


def _solve(factor: Any, right: Any) -> Any:
    """L^-1 B for one L (D, D); while autograd traces, by the solver that it can differentiate."""
    if isinstance(factor, np.ndarray) and isinstance(right, np.ndarray):
        return solve_triangular(factor, right, lower=True, check_finite=False)
    return anp.linalg.solve(factor, right)


def _inverse(factor: np.ndarray) -> np.ndarray:
    """L^-1 for all L (n, D, D), by forward substitution, one row of L^-1 at a time."""
    out = np.zeros_like(factor)
    for i in range(factor.shape[1]):
        pivot = 1.0 / factor[:, i, i]
        row = factor[:, None, i, :i] @ out[:, :i, :i]
        out[:, i, :i] = row[:, 0] * -pivot[:, None]
        out[:, i, i] = pivot
    return out


def _whiten(factor: Any, gap: Any) -> Any:
    """Solve z = L^-1 gap for rows gap (n, D) and L (n or 1, D, D)."""
    if len(factor) == 1:
        return anp.transpose(_solve(factor[0], anp.transpose(gap)))
    if isinstance(factor, np.ndarray) and isinstance(gap, np.ndarray):
        return np.einsum("nij,nj->ni", _inverse(factor), gap)
    return anp.linalg.solve(factor, gap[:, :, None])[:, :, 0]


def _whiten_spread(factor: Any, spread: np.ndarray) -> Any:
    """L^-1 S L^-T."""
    return _solve(factor, anp.transpose(_solve(factor, spread)))


STRUCTURES = {"full": Full, "diag": Diagonal, "spherical": Spherical}

"""Distances between normal distributions: Wasserstein's and the energy distance, and their metrics.

The squared Wasserstein distance of order 2 is ``|loc - loc2|^2 + tr(Sigma) + tr(Sigma2) -
2 tr((Sigma^1/2 Sigma2 Sigma^1/2)^1/2)`` (Dowson and Landau, 1982), of which the part in Sigma is
the squared Bures distance. With Sigma = L L' it is the smallest ``|L - L2 Q|^2`` over orthogonal Q,
which loses no digits where both are close.
"""

from __future__ import annotations

import numpy as np
from scipy import special

_ROOT_PI = float(np.sqrt(np.pi))


def half_square_bures(factor: np.ndarray, factor2: np.ndarray) -> np.ndarray:
    """Return half the squared Bures distance (n,) of L L' and L2 L2', for L (n, D, D)."""
    left, _, right = np.linalg.svd(np.swapaxes(factor2, 1, 2) @ factor)
    return 0.5 * np.square(factor - factor2 @ (left @ right)).sum(axis=(1, 2))


def bures_metric(factor: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """Return the metric of the Bures distance along changes of Sigma = L L', (n, T, T).

    With the solution S of Lyapunov's equation ``S Sigma + Sigma S = dSigma`` it is tr(S Sigma S):
    the optimal map to Sigma + dSigma is I + S. In the eigenvectors of Sigma, whose eigenvalues are
    l, that is ``1/2 sum_ij dSigma_ij^2 / (l_i + l_j)``.

    Parameters
    ----------
    factor : ndarray of shape (n, D, D)
        L.
    slopes : ndarray of shape (n, T, D, D)
        dL along each of T coordinates.

    Returns
    -------
    ndarray of shape (n, T, T)
    """
    out = np.empty((len(factor), slopes.shape[1], slopes.shape[1]))
    for i, (own, moved) in enumerate(zip(factor, slopes, strict=True)):
        vectors, roots, _ = np.linalg.svd(own)
        # U' dL L' U, whose symmetric part is half of dSigma's.
        half = (vectors.T @ moved) @ (own.T @ vectors)
        change = half + np.swapaxes(half, 1, 2)
        values = np.square(roots)
        with np.errstate(invalid="ignore", divide="ignore"):
            change /= np.sqrt(2.0 * (values[:, None] + values))
        flat = change.reshape(len(moved), -1)
        out[i] = flat @ flat.T
    return out


def energy_metric(scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return ``2 integral (dF / d eta_k)^2 dy`` in a location and in the logarithm of the scale.

    The entry between the two is zero. With the normal density f of mean 0 and variance 1, the
    integrals of f^2 and of z^2 f^2 are 1 / (2 sqrt(pi)) and 1 / (4 sqrt(pi)).

    Parameters
    ----------
    scale : ndarray
        Standard deviations.

    Returns
    -------
    location, log_scale : ndarray
        ``1 / (sqrt(pi) scale)`` and ``scale / (2 sqrt(pi))``.
    """
    return 1.0 / (_ROOT_PI * scale), scale / (2.0 * _ROOT_PI)


def energy_distance(
    loc: np.ndarray, scale: np.ndarray, loc2: np.ndarray, scale2: np.ndarray
) -> np.ndarray:
    """Return the integral of (F - F2)^2 of normal distributions, without differences that cancel.

    It is E|Y - Y2| - E|Y - Y'| / 2 - E|Y2 - Y2'| / 2, half of Szekely and Rizzo's energy distance.

    Parameters
    ----------
    loc, scale, loc2, scale2 : ndarray
        Means and standard deviations.

    Returns
    -------
    ndarray
        In the unit of y.
    """
    both = np.hypot(scale, scale2)
    x = (loc - loc2) / (np.sqrt(2.0) * both)
    moved = np.expm1(-x * x) / _ROOT_PI + x * special.erf(x)
    widened = np.square(scale - scale2) / (2.0 * both + np.sqrt(2.0) * (scale + scale2))
    return np.sqrt(2.0) * both * moved + np.sqrt(2.0 / np.pi) * widened

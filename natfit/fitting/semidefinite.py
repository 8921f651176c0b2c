"""Symmetric matrices that may be indefinite or singular: curvatures of likelihoods."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

#: Share of the largest eigenvalue below which one counts as zero.
SILENT = 1e-12


def semidefinite(matrix: np.ndarray, active: Sequence[int] = ()) -> np.ndarray:
    """Return a curvature (P, P) without negative eigenvalues.

    Where it has some, coordinates at a limit are left out, for which the slope speaks; if some
    remain, they become zero in the units of the diagonal.

    Returns
    -------
    ndarray of shape (P, P)
        The matrix itself if it has none.
    """
    if not np.isfinite(matrix).all():
        return matrix
    size, values, vectors = _in_own_units(matrix)
    if not len(values) or values[0] >= -SILENT * abs(values[-1]):
        return matrix
    if len(active):
        out = matrix.copy()
        out[list(active)] = out[:, list(active)] = 0.0
        return semidefinite(out)
    return np.outer(size, size) * ((vectors * np.maximum(values, 0.0)) @ vectors.T)


def solved(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Return matrix^-1 vector, with directions of no or negative curvature made positive.

    Returns
    -------
    ndarray of shape (P,)
    """
    if not len(vector):
        return vector
    size, values, vectors = _in_own_units(matrix)
    least = SILENT * max(float(np.abs(values).max()), np.finfo(float).tiny)
    inverse = np.where(np.abs(values) > least, 1.0 / np.maximum(np.abs(values), least), 0.0)
    return (vectors @ (inverse * (vectors.T @ (vector / size)))) / size


def _in_own_units(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the units (P,) of a diagonal, and eigenvalues and eigenvectors in these."""
    size = np.sqrt(np.abs(np.diagonal(matrix)))
    size = np.where(size > 0, size, 1.0)
    values, vectors = np.linalg.eigh(matrix / np.outer(size, size))
    return size, values, vectors

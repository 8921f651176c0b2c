"""Leverages of the rows of linear predictors, J_i V J_i'."""

from __future__ import annotations

from typing import Any

import numpy as np


def spreads(lin: Any, matrix: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return the features Z_k (n, P_k) of each predictor k, and J_ik V, (n, P).

    Parameters
    ----------
    lin : LinearPredictorRows
        Linear predictors on rows.
    matrix : ndarray of shape (P, P)
        V.

    Returns
    -------
    features, spread : list of ndarray
    """
    features = lin.features()
    pairs = zip(features, lin._model.parts, strict=True)
    return features, [z @ matrix[part] for z, part in pairs]


def leverages(lin: Any, features: list[np.ndarray], spread: list[np.ndarray]) -> np.ndarray:
    """Return J_i V J_i' of every row, (n, K, K), from what :func:`spreads` returns."""
    parts, size = lin._model.parts, len(features)
    out = np.empty((len(features[0]), size, size))
    for k in range(size):
        for m in range(k, size):
            found = np.einsum("np,np->n", spread[k][:, parts[m]], features[m])
            out[:, k, m] = out[:, m, k] = found
    return out

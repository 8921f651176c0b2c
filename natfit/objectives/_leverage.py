"""Leverages of the rows of linear predictors, J_i V J_i', some rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

#: Most numbers of features that are standardised at a time.
_ROOM = 1 << 19


def parts_of(lin: Any) -> Iterator[tuple[slice, list[np.ndarray]]]:
    """Yield slices of rows, with the features Z_k (n, P_k) of each predictor there.

    Parameters
    ----------
    lin : LinearPredictorRows
        Linear predictors on rows.

    Yields
    ------
    rows : slice
    features : list of ndarray
    """
    model, n = lin._model, len(lin.eta)
    size = max(256, _ROOM // model.design.width)
    for start in range(0, n, size):
        part = slice(start, min(start + size, n))
        z = model.design.rows(lin._X[part])
        yield part, [model.narrow(z.T, k).T for k in range(len(model.at))]


def spreads(lin: Any, features: list[np.ndarray], matrix: np.ndarray) -> list[np.ndarray]:
    """Return J_ik V, (n, P), for each predictor k and a matrix V (P, P)."""
    return [z @ matrix[part] for z, part in zip(features, lin._model.parts, strict=True)]


def leverages(lin: Any, features: list[np.ndarray], spread: list[np.ndarray]) -> np.ndarray:
    """Return J_i V J_i' of every row, (n, K, K), from J_i V."""
    parts, size = lin._model.parts, len(features)
    out = np.empty((len(features[0]), size, size))
    for k in range(size):
        for m in range(k, size):
            found = np.einsum("np,np->n", spread[k][:, parts[m]], features[m])
            out[:, k, m] = out[:, m, k] = found
    return out

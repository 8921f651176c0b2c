"""The Wasserstein metric of finitely many classes with distances between them."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse.csgraph import connected_components

#: Points of Gauss and Legendre on the straight way between two vectors of probabilities.
_AT, _WEIGHT = np.polynomial.legendre.leggauss(8)


def check_ground(ground: Any, family: Any) -> None:
    """Raise ValueError unless a matrix holds distances between the classes of a family."""
    name = type(family).__name__
    support = family.support if family.event_shape == () else None
    finite = support is not None and support.integer and np.isfinite([support.low, support.top])
    if not np.all(finite):
        raise ValueError(
            f"ground holds distances between finitely many classes, and y of {name} are none; "
            "leave ground=None, or use metric='exact'"
        )
    assert support is not None
    n = int(support.top - support.low) + 1
    try:
        matrix = np.asarray(ground, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"ground must be numbers of shape ({n}, {n}), got {ground!r}") from None
    if matrix.shape != (n, n):
        raise ValueError(
            f"ground must have shape ({n}, {n}), a row for each class of {name}, got {matrix.shape}"
        )
    beside = matrix[~np.eye(n, dtype=bool)]
    if not (np.array_equal(matrix, matrix.T) and np.all(np.diagonal(matrix) == 0.0)):
        raise ValueError("ground must be symmetric with zeros on its diagonal: distances d_ij")
    if not np.all(beside > 0.0):
        raise ValueError(
            f"ground must be > 0 between two classes, got {float(beside[~(beside > 0.0)][0])}; "
            "join classes that are one, and give inf where there is no way from one to another"
        )
    parts, label = connected_components(np.isfinite(matrix))
    if parts > 1:
        apart = np.flatnonzero(label != label[0]).tolist()
        raise ValueError(
            f"ground must join all classes, got classes {apart} without a way to class 0"
        )


def _shares(family: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (n, C) of all classes at eta (n, K), and their derivatives (n, C, K)."""
    y = np.arange(family.support.low, family.support.top + 1.0)
    n, size = len(eta), len(y)
    rows = np.repeat(eta, size, axis=0)
    log, score = family.log_prob_and_score(np.tile(y, n), rows)
    p = np.exp(np.asarray(log)).reshape(n, size)
    slope = np.where(p[:, :, None] > 0.0, p[:, :, None] * score.reshape(n, size, -1), 0.0)
    return p, slope


def _solve(p: np.ndarray, distance: np.ndarray, change: np.ndarray) -> np.ndarray:
    """L(p)^+ times changes (n, C, M) that sum to zero over the classes."""
    with np.errstate(divide="ignore"):
        weight = np.where(distance > 0.0, 0.5 / np.square(distance), 0.0)
    edge = weight * (p[:, :, None] + p[:, None, :])
    laplacian = -edge
    at = np.arange(p.shape[1])
    laplacian[:, at, at] += edge.sum(axis=2)
    # The vector of ones is what L does not determine, and what no change has.
    size = edge.sum(axis=(1, 2)) / p.shape[1] ** 2
    return np.linalg.solve(laplacian + size[:, None, None], change)


def graph_metric(
    family: Any, distance: np.ndarray, eta: np.ndarray, start: int
) -> tuple[np.ndarray, None]:
    """Return J' L(p)^+ J of rows, (n, K, K), as the rule of a sandwich."""
    with np.errstate(all="ignore"):
        p, slope = _shares(family, eta)
        found = np.swapaxes(slope, 1, 2) @ _solve(p, distance, slope)
    return 0.5 * (found + np.swapaxes(found, 1, 2)), None


def between_classes(
    family: Any, distance: np.ndarray, eta: np.ndarray, eta2: np.ndarray
) -> np.ndarray:
    """Return half the energy of the straight way from p to p2, (n,).

    ``1/2 integral_0^1 (p2 - p)' L(p + t (p2 - p))^+ (p2 - p) dt`` is an upper bound of half the
    squared distance, because the shortest way has the least energy.

    Returns
    -------
    ndarray of shape (n,)
        In the square of the unit of the distances.
    """
    p, p2 = (_shares(family, e)[0] for e in (eta, eta2))
    change = (p2 - p)[:, :, None]
    total = np.zeros(len(change))
    for at, weight in zip(0.5 + 0.5 * _AT, 0.25 * _WEIGHT, strict=True):
        total += weight * (change * _solve(p + at * (p2 - p), distance, change)).sum(axis=(1, 2))
    return total

"""Partitions of rows into clusters, by k-means and at random."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.distributions.contract.start import location_scale

#: Robust standard deviations at which a second clustering places all rows that are farther away.
_FAR = 10.0

#: Seeds of k-means++ of which the start's partition is the best.
_TRIES = 4

#: Number of times that k-means moves its centres.
_MOVES = 100


def coordinates(support: Any, y: np.ndarray) -> np.ndarray:
    """Rows (n, D) in which clusters are round: roots of counts, logarithms of positive numbers."""
    if y.ndim == 1 and support.low == 0 and np.max(support.high) == np.inf:
        if support.integer:
            y = np.sqrt(y)
        elif (y > 0).any():
            y = np.log(np.maximum(y, 0.5 * y[y > 0].min()))
    z = y.reshape(len(y), -1).astype(np.float64)
    centre, spread = np.array([location_scale(column, None) for column in z.T]).T
    return (z - centre) / spread


def kmeans(z: np.ndarray, weight: np.ndarray | None, n: int, seed: int) -> tuple[float, np.ndarray]:
    """Lloyd's k-means from the centres of k-means++ (Arthur and Vassilvitskii, 2007).

    Returns
    -------
    inertia : float
        Weighted sum of squared distances to the nearest centre.
    labels : ndarray of int, shape (rows,)
        The cluster of each row; the clusters are numbered by their centres.
    """
    mass = np.ones(len(z)) if weight is None else weight
    centres = _spread(z, mass, n, np.random.default_rng(seed))
    labels = np.full(len(z), -1)
    for _ in range(_MOVES):
        # The squares of the rows themselves are the same for all centres.
        gap = (centres * centres).sum(axis=1) - 2.0 * (z @ centres.T)
        before, labels = labels, gap.argmin(axis=1)
        if np.array_equal(before, labels):
            break
        total = np.bincount(labels, mass, n)
        full = total > 0
        sums = np.stack([np.bincount(labels, mass * column, n) for column in z.T], axis=1)
        centres[full] = sums[full] / total[full, None]
    gap = z - centres[labels]
    rank = np.argsort(np.lexsort(centres.T[::-1]))
    return float(mass @ (gap * gap).sum(axis=1)), rank[labels]


def _spread(z: np.ndarray, mass: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Rows (n, D) drawn one after the other, in proportion to squared distances from the others."""
    gap = np.ones(len(z))
    centres = np.empty((n, z.shape[1]))
    for k in range(n):
        ends = np.cumsum(mass * gap)
        if not ends[-1] > 0:
            ends = np.cumsum(mass)
        centres[k] = z[min(int(np.searchsorted(ends, rng.random() * ends[-1])), len(z) - 1)]
        own = np.square(z - centres[k]).sum(axis=1)
        gap = own if k == 0 else np.minimum(gap, own)
    return centres


def clusters(z: np.ndarray, weight: np.ndarray | None, n: int) -> list[np.ndarray]:
    """Labels (rows,) of several partitions into n clusters, numbered by their centres.

    They are found by k-means, once on the rows as they are and once with far rows moved in; the
    last partition cuts the sorted rows into n equal parts.

    Returns
    -------
    list of ndarray of int
        One per partition, at least one.
    """
    found = []
    order = np.lexsort(z.T[::-1])
    distinct = 1 + int(np.any(np.diff(z[order], axis=0) != 0, axis=1).sum())
    near = np.clip(z, -_FAR, _FAR)
    for points in [z] if np.array_equal(near, z) else [z, near]:
        if distinct > n and len(np.unique(points[:, 0])) > n:
            tries = [kmeans(points, weight, n, seed) for seed in range(_TRIES)]
            found.append(min(tries, key=lambda t: t[0])[1])
    slices = np.empty(len(z), dtype=int)
    slices[order] = np.arange(len(z)) * n // len(z)
    return [*found, slices]


def partitions(z: np.ndarray, weight: np.ndarray | None, n: int, many: int) -> list[np.ndarray]:
    """Labels (rows,) of partitions into n clusters, two of three by k-means, others at random.

    Their draws have fixed seeds, so that the same rows give the same partitions. One that is found
    twice is returned once.

    Returns
    -------
    list of ndarray of int
        At most ``many`` partitions.
    """
    found: dict[bytes, np.ndarray] = {}
    for seed in range(many):
        if seed % 3 == 2:
            labels = np.random.default_rng(seed).integers(0, n, len(z))
        else:
            labels = kmeans(z, weight, n, _TRIES + seed)[1]
        found.setdefault(labels.tobytes(), labels)
    return list(found.values())

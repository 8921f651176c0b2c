"""The start of a mixture: clusters of a few rows, and a component on each cluster."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np

from natfit.distributions.contract.start import location_scale
from natfit.rows import Block

#: Robust standard deviations at which a second clustering places all rows that are farther away.
_FAR = 10.0

#: Number of components up to which every assignment of families to clusters is tried.
_FEW = 3

#: Weight that all rows get in addition where a cluster has almost no width.
_WIDEN = 0.05

#: Smallest weight of a component at the start.
_LEAST = 0.01


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


def clusters(z: np.ndarray, weight: np.ndarray | None, n: int) -> list[np.ndarray]:
    """Labels (rows,) of several partitions into n clusters, numbered by their centres.

    They are found by k-means, once on the rows as they are and once with far rows moved in; the
    last partition cuts the sorted rows into n equal parts.

    Returns
    -------
    list of ndarray of int
        One per partition, at least one.
    """
    from sklearn.cluster import KMeans

    found = []
    order = np.lexsort(z.T[::-1])
    distinct = 1 + int(np.any(np.diff(z[order], axis=0) != 0, axis=1).sum())
    near = np.clip(z, -_FAR, _FAR)
    for points in [z] if np.array_equal(near, z) else [z, near]:
        if distinct > n and len(np.unique(points[:, 0])) > n:
            fit = KMeans(n, n_init=4, random_state=0).fit(points, sample_weight=weight)
            rank = np.argsort(np.lexsort(fit.cluster_centers_.T[::-1]))
            found.append(rank[fit.labels_])
    slices = np.empty(len(z), dtype=int)
    slices[order] = np.arange(len(z)) * n // len(z)
    return [*found, slices]


def start(
    family: Any, y: np.ndarray, weight: np.ndarray | None, rng: np.random.Generator
) -> np.ndarray:
    """The most likely eta (K,) among those with components started on several partitions.

    Returns
    -------
    ndarray of shape (K,)
        Weights first.

    Raises
    ------
    ValueError
        If no partition gives every component rows to start on.
    """
    n = len(family.parts)
    orders = [tuple(range(n))]
    if n <= _FEW and any(part != family.parts[0] for part in family.parts):
        orders = list(permutations(range(n)))
    best, most = None, -np.inf
    for labels in clusters(coordinates(family.support, y), weight, n):
        for order in orders:
            eta = _on_clusters(family, y, weight, labels, order, rng)
            if eta is None:
                continue
            with np.errstate(all="ignore"):
                value = np.average(family.log_prob(y, eta[None]), weights=weight)
            if np.isfinite(value) and value > most:
                best, most = eta, value
    if best is None:
        raise ValueError(
            f"y must have rows enough to start {n} components on, got {len(y)} that do not split; "
            "use fewer components, or pass start_params"
        )
    return best


def _on_clusters(
    family: Any,
    y: np.ndarray,
    weight: np.ndarray | None,
    labels: np.ndarray,
    order: tuple[int, ...],
    rng: np.random.Generator,
) -> np.ndarray | None:
    """Eta (K,) with component order[j] started on cluster j; None where that cannot be."""
    n = len(order)
    etas: list[Any] = [None] * n
    shares = np.empty(n)
    for j, k in enumerate(order):
        own = labels == j
        mass = own.astype(float) if weight is None else weight * own
        shares[k] = mass.sum()
        seen = family.seen(k, y)
        some = own if seen is None else own & seen
        if some.sum() < min(2, len(y) // n):
            return None
        etas[k] = _begun(family.parts[k], y[some], mass[some], rng)
        low, high, _ = (end[family.cuts[k]] for end in family.limits)
        if etas[k] is not None and np.any((etas[k] < low) | (etas[k] > high)):
            # The cluster is too narrow for its component: a small share of all rows widens it.
            mass = mass + _WIDEN * (1.0 if weight is None else weight)
            some = slice(None) if seen is None else seen
            etas[k] = _begun(family.parts[k], y[some], mass[some], rng)
        if etas[k] is None:
            return None
        etas[k] = np.clip(etas[k], low, high)
    shares = np.maximum(shares / shares.sum(), _LEAST)
    return np.concatenate([np.log(shares[:-1] / shares[-1]), *etas])


def _begun(
    part: Any, y: np.ndarray, weight: np.ndarray, rng: np.random.Generator
) -> np.ndarray | None:
    """A component's own start on weighted rows; None where it has none."""
    try:
        with np.errstate(all="ignore"):
            eta = part.initial(Block(y, weight=weight), rng)
    except ValueError:
        return None
    return eta if np.all(np.isfinite(eta)) else None

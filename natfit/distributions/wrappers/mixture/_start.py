"""The start of a mixture: clusters of a few rows, and a component on each cluster."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np

from natfit.distributions.wrappers.mixture._clusters import clusters, coordinates, partitions
from natfit.rows import Block

#: Number of components up to which every assignment of families to clusters is tried.
_FEW = 3

#: Weight that all rows get in addition where a cluster has almost no width.
_WIDEN = 0.05

#: Smallest weight of a component at the start.
_LEAST = 0.01


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
    best = _likeliest(family, y, weight, clusters(coordinates(family.support, y), weight, n), rng)
    if best is None:
        raise ValueError(
            f"y must have rows enough to start {n} components on, got {len(y)} that do not split; "
            "use fewer components, or pass start_params"
        )
    return best


def several(family: Any, y: np.ndarray, weight: np.ndarray | None, many: int) -> list[np.ndarray]:
    """Starts (K,) on up to ``many`` other partitions of the rows, without those that fail."""
    z = coordinates(family.support, y)
    if len(np.unique(z, axis=0)) <= len(family.parts):
        return []
    rng = np.random.default_rng(0)
    found = [
        _likeliest(family, y, weight, [labels], rng)
        for labels in partitions(z, weight, len(family.parts), many)
    ]
    return [eta for eta in found if eta is not None]


def _likeliest(
    family: Any,
    y: np.ndarray,
    weight: np.ndarray | None,
    labels: list[np.ndarray],
    rng: np.random.Generator,
) -> np.ndarray | None:
    """The most likely eta (K,) of those started on partitions; None where none succeeds."""
    # A few different families are started on the clusters in every order.
    n = len(family.parts)
    orders = [tuple(range(n))]
    if n <= _FEW and any(part != family.parts[0] for part in family.parts):
        orders = list(permutations(range(n)))
    best, most = None, -np.inf
    for own in labels:
        for order in orders:
            eta = _on_clusters(family, y, weight, own, order, rng)
            if eta is None:
                continue
            with np.errstate(all="ignore"):
                value = np.average(family.log_prob(y, eta[None]), weights=weight)
            if np.isfinite(value) and value > most:
                best, most = eta, value
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
        etas[k] = begun(family.parts[k], y[some], mass[some], rng)
        low, high, _ = (end[family.cuts[k]] for end in family.limits)
        if etas[k] is not None and np.any((etas[k] < low) | (etas[k] > high)):
            # The cluster is too narrow for its component: a small share of all rows widens it.
            mass = mass + _WIDEN * (1.0 if weight is None else weight)
            some = slice(None) if seen is None else seen
            etas[k] = begun(family.parts[k], y[some], mass[some], rng)
        if etas[k] is None:
            return None
        etas[k] = np.clip(etas[k], low, high)
    shares = np.maximum(shares / shares.sum(), _LEAST)
    return np.concatenate([np.log(shares[:-1] / shares[-1]), *etas])


def begun(
    part: Any, y: np.ndarray, weight: np.ndarray, rng: np.random.Generator
) -> np.ndarray | None:
    """A component's own start on weighted rows; None where it has none."""
    try:
        with np.errstate(all="ignore"):
            eta = part.initial(Block(y, weight=weight), rng)
    except ValueError:
        return None
    return eta if np.all(np.isfinite(eta)) else None

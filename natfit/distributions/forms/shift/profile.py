"""The likelihood of a shifted family, maximised over everything but loc."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from natfit.distributions.base import Distribution
from natfit.distributions.contract.start import MANY
from natfit.rows import Memory, Rows

#: Distances of loc from the smallest row, in standard deviations, at which a start is looked for.
_GAPS = np.logspace(-3.0, 1.5, 10)

#: Distances, relative to that of a fit's end, at which the likelihood must rise ever more for loc
#: to run to the smallest row.
_NEARER = np.logspace(0.0, -9.0, 10)

#: Steps to each maximum and shortenings of each step, at most, and the gain in nats per row at
#: which it is reached.
_MOST_STEPS, _MOST_HALVED, _ENOUGH = 40, 10, 1e-10


def at(
    inner: Distribution, y: np.ndarray, weight: np.ndarray | None, loc: float
) -> tuple[float, np.ndarray | None]:
    """Log-likelihood in nats at the maximum over the family's parameters, and their eta (K,).

    Returns
    -------
    value : float
        -inf where none was found.
    eta : ndarray of shape (K,) or None
    """
    gap = y - loc
    rows = Memory(gap, weight=weight)
    with np.errstate(all="ignore"):
        summary = inner.sufficient(rows)
        data: Any = gap if summary is None else summary
        total = weight if summary is None else np.array([rows.total])
        try:
            eta = inner.initial(rows.few(len(y)), np.random.default_rng(0))
            eta = np.clip(inner.refine_start(rows, eta), *inner.limits[:2])
            return _maximum(inner, data, total, eta, rows.total)
        except (ValueError, np.linalg.LinAlgError, FloatingPointError):
            return -np.inf, None


def _maximum(
    inner: Distribution, y: Any, weight: np.ndarray | None, eta: np.ndarray, total: float
) -> tuple[float, np.ndarray | None]:
    def summed(eta: np.ndarray) -> tuple:
        if inner.sum_terms is not None:
            return inner.sum_terms(y, weight, eta[None])
        pair = inner.sum_value_and_score(y, weight, eta[None])
        return *pair, inner.sum_observed(y, weight, eta[None])

    return climbed(summed, eta, np.ones(len(eta), dtype=bool), inner.limits, total)


def climbed(
    summed: Callable[[np.ndarray], tuple],
    eta: np.ndarray,
    kept: np.ndarray,
    limits: tuple[np.ndarray, np.ndarray, np.ndarray],
    total: float,
) -> tuple[float, np.ndarray | None]:
    """The maximum of a log-likelihood, by Newton's method in some of the coordinates.

    Parameters
    ----------
    summed : callable
        ``summed(eta)`` returns the log-likelihood, its gradient (K,) and its negative Hessian.
    eta : ndarray of shape (K,)
        The start.
    kept : ndarray of shape (K,)
        Which coordinates move.
    limits : tuple
        Lower limits, upper limits and largest steps, (K,) each.
    total : float
        Sum of weights.

    Returns
    -------
    value : float
        -inf where the start has no likelihood.
    eta : ndarray of shape (K,) or None
    """
    low, high, most = limits
    value, score, observed = summed(eta)
    for _ in range(_MOST_STEPS if kept.any() else 0):
        # A coordinate that its limit holds is none of the direction's.
        held = ((eta <= low) & (score < 0)) | ((eta >= high) & (score > 0))
        free = kept & ~held
        way = _newton(observed[free][:, free], score[free]) if free.any() else np.zeros(0)
        if not float(score[free] @ way) > _ENOUGH * total:
            break
        # Locations have no natural unit, and their steps are shortened by trial alone.
        bounded = np.isfinite(most[free])
        ratio = np.minimum(most[free], 3.0)[bounded] / np.maximum(np.abs(way[bounded]), 1e-300)
        way = way * min(1.0, float(ratio.min(initial=1.0)))
        for _ in range(_MOST_HALVED):
            trial = np.array(eta)
            trial[free] = np.clip(eta[free] + way, low[free], high[free])
            new = summed(trial)
            if new[0] > value:
                break
            way = 0.25 * way
        else:
            break
        eta, (value, score, observed) = trial, new
    return (float(value), eta) if np.isfinite(value) else (-np.inf, None)


def _newton(bend: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Newton's direction; directions of negative curvature count as positive ones."""
    root = 1.0 / np.sqrt(np.maximum(np.abs(np.diagonal(bend)), 1e-300))
    values, vectors = np.linalg.eigh(bend * np.outer(root, root))
    size = np.maximum(np.abs(values), 1e-3 * np.abs(values).max())
    return root * (vectors @ ((vectors.T @ (root * score)) / size))


def best_loc(
    inner: Distribution, y: np.ndarray, weight: np.ndarray | None
) -> tuple[float, np.ndarray | None]:
    """A loc near a maximum of the profile over loc, and the family's eta (K,) there.

    Where the likelihood rises up to the smallest row, without a maximum before it, a loc at some
    distance is returned: from there a fit either finds a maximum between, or shows that there is
    none.

    Returns
    -------
    loc : float
    eta : ndarray of shape (K,) or None
    """
    low, spread = float(y.min()), _spread(y, weight)
    gaps = np.maximum(_GAPS * spread, 4.0 * np.spacing(abs(low)))
    found = [at(inner, y, weight, low - gap) for gap in gaps]
    value = np.array([v for v, _ in found])
    before = np.concatenate([[np.inf], value[:-1]])
    after = np.concatenate([value[1:], [-np.inf]])
    peaks = np.flatnonzero((value >= before) & (value >= after) & np.isfinite(value))
    best = int(peaks[np.argmax(value[peaks])]) if len(peaks) else len(gaps) // 2
    return low - float(gaps[best]), found[best][1]


def runs_to_the_smallest(inner: Distribution, rows: Rows, loc: float) -> bool:
    """Whether the profile rises from loc up to the smallest row, without an end."""
    few = rows.few(MANY)
    low = min(float(rows.extent()[0]), float(few.y.min()))
    gaps = (low - loc) * _NEARER
    gaps = gaps[gaps > 2.0 * np.spacing(max(abs(low), abs(loc)))]
    if len(gaps) < 3:
        return True
    value = np.array([at(inner, few.y, few.weight, low - gap)[0] for gap in gaps])
    value = value[np.isfinite(value)]
    return len(value) > 2 and bool(np.all(np.diff(value) > 0) and value[-1] > value[0] + 0.5)


def at_the_smallest(inner: Distribution, rows: Rows) -> str:
    """The reason, in words, why there is no maximum where loc runs to the smallest row."""
    return (
        f"loc -> {float(rows.extent()[0]):g}, the smallest row, where the density of "
        f"{type(inner).__name__} is infinite: the likelihood grows without limit"
    )


def _spread(y: np.ndarray, weight: np.ndarray | None) -> float:
    centre = np.average(y, weights=weight)
    return float(np.sqrt(np.average((y - centre) ** 2, weights=weight)))

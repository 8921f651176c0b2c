"""The single families inside a mixture: what it must not be less likely than.

A mixture of equal components, or one in which all others have no weight, has the density of one
component. The optimum of that family alone is thus a point of the mixture.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.distributions.contract.sums import sum_over
from natfit.rows import Rows

#: Steps of Newton's method, halvings of one step, and the gain in nats below which it ends.
_STEPS, _HALVINGS, _DONE = 60, 30, 1e-9

#: Smallest eigenvalue of the information in the scale of its diagonal, as far as a step knows.
_LEAST = 1e-6


def singles(family: Any, rows: Rows) -> np.ndarray | None:
    """Return eta (M, K) of the mixture with the optimum of each different component alone.

    Components that are equal share the weight; those of other families are where they start and
    have the least weight that is allowed.

    Returns
    -------
    ndarray of shape (M, K) or None
        None where no component can be started.
    """
    parts, found = family.parts, []
    low, high, _ = family.limits
    try:
        others = family.initial(rows.few(), np.random.default_rng(0))
    except ValueError:
        return None
    for k, part in enumerate(parts):
        cut = family.cuts[k]
        own = None if part in parts[:k] else alone(part, rows, (low[cut], high[cut]))
        if own is None:
            continue
        same = np.array([other == part for other in parts])
        eta, logs = others.copy(), np.where(same, 0.0, -high[:1].max(initial=0.0))
        eta[: len(parts) - 1] = logs[:-1] - logs[-1]
        for cut, equal in zip(family.cuts, same, strict=True):
            eta[cut] = own if equal else eta[cut]
        found.append(np.clip(eta, low, high))
    return np.stack(found) if found else None


def alone(
    part: Any, rows: Rows, ends: tuple[np.ndarray, np.ndarray] | None = None
) -> np.ndarray | None:
    """Return the eta (K,) between two ends at which a family is most likely; None without a start.

    The ends are those of the family, or narrower ones.

    Returns
    -------
    ndarray of shape (K,) or None
    """
    ends = part.limits[:2] if ends is None else ends
    begun = []
    try:
        with np.errstate(all="ignore"):
            eta = part.initial(rows.few(), np.random.default_rng(0))
            begun += [part.refine_start(rows, eta)]
            nested = part.nested_start(rows)
            begun += [] if nested is None else list(np.atleast_2d(nested))
    except ValueError:
        # Rows that the family cannot be started on.
        pass
    with np.errstate(all="ignore"):
        tops = [_climbed(part, rows, eta, *ends) for eta in begun]
    tops = [top for top in tops if np.isfinite(top[0])]
    return max(tops, key=lambda top: top[0])[1] if tops else None


def _climbed(
    part: Any, rows: Rows, eta: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[float, np.ndarray]:
    """Return the log-likelihood in nats and eta (K,) after Newton's steps inside the limits."""
    steps = part.limits[2]
    eta = np.clip(eta, low, high)
    value, score = sum_over(rows, part, "sum_value_and_score", eta[None])
    for _ in range(_STEPS):
        if not (np.isfinite(value) and np.isfinite(score).all()):
            break
        free = ~(((eta <= low) & (score < 0)) | ((eta >= high) & (score > 0)))
        delta = _step(sum_over(rows, part, "sum_observed", eta[None]), score, free)
        delta *= min(1.0, 1.0 / max(float((np.abs(delta) / steps).max()), 1e-300))
        for length in 0.5 ** np.arange(_HALVINGS):
            trial = np.clip(eta + length * delta, low, high)
            found = sum_over(rows, part, "sum_value_and_score", trial[None])
            if found[0] > value:
                break
        gain = found[0] - value
        if not gain > 0:
            break
        eta, (value, score) = trial, found
        if gain < _DONE:
            break
    return float(value), eta


def _step(observed: np.ndarray, score: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Return Newton's step (K,) in the free coordinates, with absolute eigenvalues."""
    delta = np.zeros(len(score))
    matrix = observed[np.ix_(free, free)]
    size = np.sqrt(np.abs(np.diagonal(matrix)))
    size = np.where((size > 0) & np.isfinite(size), size, 1.0)
    scaled = matrix / np.outer(size, size)
    if not np.isfinite(scaled).all():
        scaled = np.eye(len(size))
    values, vectors = np.linalg.eigh(scaled)
    along = vectors.T @ (score[free] / size)
    delta[free] = (vectors @ (along / np.maximum(np.abs(values), _LEAST))) / size
    return delta

"""Where a parameter must lie for a density to be highest at its row, and how a width moves that.

A location or a mean follows y itself. The scale of a gamma density does not: it is highest at a row
where the scale is y / shape, so that scale and shape run to their limits together.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.distributions.base import Distribution

#: Iterations within which places are found, and the last change, as a share of their size.
_ITERATIONS, _MET = 50, 1e-15

#: Largest change of a place in one iteration, in units of a logarithm or of the place's own size.
_LARGEST = 3.0

#: Shares of a way that are left where places are found again.
_STAGES = (0.8, 0.6, 0.4, 0.2, 0.0)


def at_rows(family: Distribution, y: Any, k: int) -> np.ndarray:
    """Return the eta_k (n,) of y itself; NaN or infinite where y is no value of the parameter."""
    name = next(name for name, block in family.blocks.items() if block.start == k)
    found: np.ndarray = family.params[name].to_eta(y)[:, 0]
    return found


def placed(family: Distribution, y: Any, eta: np.ndarray, k: int) -> np.ndarray:
    """Return the eta_k (n,) at which each row is most likely, the other entries being given.

    Newton's steps lead there from the eta of y itself, where that has a density. Rows that tell
    nothing of the parameter stay where they are.

    Parameters
    ----------
    family : Distribution
        A family of single numbers.
    y : ndarray of shape (n,)
        The rows.
    eta : ndarray of shape (n, K)
        Their eta.
    k : int
        The entry.

    Returns
    -------
    ndarray of shape (n,)
        NaN where no place was found.
    """
    eta = np.array(eta)
    low, high = (side[k] for side in family.row_limits)
    own, there = at_rows(family, y, k), eta.copy()
    there[:, k] = np.where(np.isfinite(own), np.clip(own, low, high), eta[:, k])
    better = family.log_prob(y, there) > family.log_prob(y, eta)
    eta[better] = there[better]
    value = np.array(family.log_prob(y, eta))
    slope, step = _steps(family, y, eta, k)
    share, moves = np.ones(len(eta)), np.isfinite(value) & np.isfinite(slope)
    for _ in range(_ITERATIONS):
        rows = np.flatnonzero(moves)
        if not len(rows):
            break
        trial, change = eta[rows], share[rows] * step[rows]
        trial[:, k] = np.clip(trial[:, k] + change, low, high)
        now = family.log_prob(y[rows], trial)
        further, onwards = _steps(family, y[rows], trial, k)
        # Where the value is rounded, a slope that falls shows more.
        up = (now >= value[rows]) | (np.abs(further) < np.abs(slope[rows])) & np.isfinite(now)
        share[rows] = np.where(up, 1.0, 0.25 * share[rows])
        kept = rows[up]
        eta[kept], value[kept] = trial[up], now[up]
        slope[kept], step[kept] = further[up], onwards[up]
        moves[rows] = np.abs(change) > _MET * (1.0 + np.abs(trial[:, k]))
    return np.where(np.isfinite(value), eta[:, k], np.nan)


def followed(family: Distribution, y: Any, eta: np.ndarray, k: int, way: np.ndarray) -> np.ndarray:
    """Return the places (n,) of rows at eta (n, K), followed to there along a way (K,).

    A density that is narrow may end before rows that are far from it.

    Returns
    -------
    ndarray of shape (n,)
    """
    there = placed(family, y, eta - way, k)
    for left in _STAGES if way.any() else ():
        at = eta - left * way
        at[:, k] = there
        there = placed(family, y, at, k)
    return there


def _steps(family: Distribution, y: Any, eta: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the slopes of log p in eta_k, (n,), and Newton's steps uphill, not too long."""
    slope = np.array(family.score(y, eta)[:, k])
    bend = family.observed_curvature(y, eta).dense(len(eta))[:, k, k]
    unit = 1.0 if np.isfinite(family.limits[2][k]) else np.maximum(np.abs(eta[:, k]), 1e-300)
    most = _LARGEST * unit
    step = np.where(bend > 0, slope / np.where(bend > 0, bend, 1.0), np.sign(slope) * most)
    return slope, np.where(slope == 0.0, 0.0, np.clip(step, -most, most))

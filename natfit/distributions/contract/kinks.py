"""Sums whose log-density has a kink at a location: the gradient nearest to zero, and the optimum.

A density with a kink at its location, such as Laplace's, gives the log-likelihood a kink in the
location at every exact row. Where other rows, censored ones or a window, add a smooth part, the
optimum may lie at such a kink, where the sum of the scores is an interval that contains zero. The
likelihood of a log-concave location-scale family has one maximum, and so has its profile over the
scale: bisection over the rows finds the kink, or the gap between two, that holds it. In a window
there may be several maxima, and the kinks are tried one by one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.sums import sum_over, summed_observed, summed_value_and_score
from natfit.rows import Rows, table_of

#: Steps of Newton's method for the scale at one location, and the change that ends them.
_STEPS, _CHANGE = 30, 1e-10

#: Largest number of kinks that are tried one by one.
_SCANNED = 64

#: Share of the sum of weights that rounding may leave of a gradient that vanishes.
_ROUNDING = 1e-13


def nearest_to_zero(score: np.ndarray, half: np.ndarray) -> np.ndarray:
    """Return the element nearest to zero of the gradients between score - half and score + half."""
    return np.sign(score) * np.maximum(np.abs(score) - half * (1.0 + _ROUNDING), 0.0)


def smooth_terms(
    family: Any, y: np.ndarray, weight: np.ndarray | None, eta: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """Sums over rows of log p, score (K,) and negative Hessian (K, K) without the kinks."""
    value, score = summed_value_and_score(family, y, weight, eta)
    return value, score, summed_observed(family, y, weight, eta)


def with_kinks(
    terms: tuple[float, np.ndarray, np.ndarray], kinks: tuple[np.ndarray, np.ndarray]
) -> tuple[float, np.ndarray, np.ndarray]:
    """Return sums with the gradient that is nearest to zero, and the curvature of the kinks."""
    (value, score, observed), (half, curvature) = terms, kinks
    return value, nearest_to_zero(score, half), observed + np.diag(curvature)


def kink_optimum(
    family: Any, rows: Rows, exact: Rows, eta: np.ndarray, concave: bool = True
) -> np.ndarray:
    """Return the optimum (K,) if it lies at an exact row, else a point in the gap that holds it.

    Parameters
    ----------
    family : Distribution
        A location-scale family with a kink, censored or truncated; ``sum_terms`` gives the
        gradient that is nearest to zero.
    rows : Rows
        All rows.
    exact : Rows
        Those that are known exactly, as numbers.
    eta : ndarray of shape (K,)
        A start; its scale is used.
    concave : bool
        Whether the profile in the location has one maximum; else up to 64 kinks are tried.

    Returns
    -------
    ndarray of shape (K,)
        With the best scale at its location.
    """
    roles = list(family.roles.values())
    if not exact.n or roles != [Role.LOCATION, Role.SCALE]:
        return eta
    values = table_of(exact)[0]
    search = _bisected if concave else _scanned
    return search(family, rows, values, np.array(eta))


def _bisected(family: Any, rows: Rows, values: np.ndarray, eta: np.ndarray) -> np.ndarray:
    """The optimum of a likelihood whose profile in loc has one maximum."""
    low, high = 0, len(values) - 1
    while low <= high:
        middle = (low + high) // 2
        eta[0] = values[middle]
        slope = _best_scale(family, rows, eta)[1]
        if slope == 0.0:
            return eta
        low, high = (middle + 1, high) if slope > 0 else (low, middle - 1)
    eta[0] = 0.5 * (values[max(high, 0)] + values[min(low, len(values) - 1)])
    _best_scale(family, rows, eta)
    return eta


def _scanned(family: Any, rows: Rows, values: np.ndarray, eta: np.ndarray) -> np.ndarray:
    """The best kink of a likelihood that may have several maxima, or a point beside it."""
    tried = np.unique(np.linspace(0, len(values) - 1, min(len(values), _SCANNED)).astype(int))
    found = []
    for at in tried:
        trial = np.array([values[at], eta[1]])
        found.append((*_best_scale(family, rows, trial), int(at), trial))
    _, slope, at, best = max(found, key=lambda pair: pair[0])
    beside = at + int(np.sign(slope))
    if slope != 0.0 and 0 <= beside < len(values):
        best[0] = 0.5 * (values[at] + values[beside])
        _best_scale(family, rows, best)
    return best


def _best_scale(family: Any, rows: Rows, eta: np.ndarray) -> tuple[float, float]:
    """Move log scale (in place) to its optimum; return log p there and the score in loc."""
    value, score = -np.inf, np.zeros(2)
    for _ in range(_STEPS):
        value, score, observed = sum_over(rows, family, "sum_terms", eta[None])
        step = float(np.clip(score[1] / max(observed[1, 1], 0.1 * rows.total), -1.0, 1.0))
        if not abs(step) > _CHANGE:
            break
        eta[1] += step
    return float(value), float(score[0])

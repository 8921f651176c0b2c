"""Sums whose log-density has a kink at a location: the gradient nearest to zero, and the optimum.

A density with a kink at its location, such as Laplace's, gives the log-likelihood a kink in the
location at every exact row. Where other rows, censored ones or a window, add a smooth part, the
optimum may lie at such a kink, where the sum of the scores is an interval that contains zero. The
likelihood of a log-concave location-scale family has one maximum, and so has its profile over the
scale: the slopes of the profile bracket the kink, or the gap between two, that holds it, and in a
gap secants find it. In a window there may be several maxima, and the kinks are tried one by one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.sums import sum_over, summed_observed, summed_value_and_score
from natfit.rows import Rows, table_of

#: Steps of Newton's method for the scale at one location, and the change that ends them.
_STEPS, _CHANGE = 30, 1e-5

#: Secants between two kinks, and the distance to the optimum in standard errors that ends them.
_SECANTS, _FLAT = 20, 1e-7

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
    """Return the optimum (K,), at an exact row or between two, or a point near it.

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
    search = _bracketed if concave else _scanned
    return search(family, rows, values, np.array(eta))


def _bracketed(family: Any, rows: Rows, values: np.ndarray, eta: np.ndarray) -> np.ndarray:
    """The optimum of a likelihood whose profile in loc has one maximum.

    Slopes of the profile are almost linear in loc over many rows: the next row is the one at which
    the line through the nearest two slopes vanishes, and the middle one where that does not halve
    the rows that are left.

    Returns
    -------
    ndarray of shape (2,)
        Eta.
    """
    ends, slopes = [-1, len(values)], [np.nan, np.nan]
    at, left = int(np.searchsorted(values, eta[0])), 4 * len(values)
    while ends[1] - ends[0] > 1:
        at = min(max(at, ends[0] + 1), ends[1] - 1)
        eta[0] = values[at]
        slope, bend = _best_scale(family, rows, eta)[1:]
        if slope == 0.0:
            return eta
        side = 0 if slope > 0 else 1
        ends[side], slopes[side] = at, slope
        if np.isfinite(slopes).all():
            loc = _crossing(values[ends[0]], values[ends[1]], *slopes)
        else:
            # Beyond the zero, so that it will lie between two rows.
            loc = values[at] + 1.5 * slope / bend
        found = int(np.searchsorted(values, loc))
        halved = 2 * (ends[1] - ends[0]) <= left
        at, left = (found if halved else sum(ends) // 2), ends[1] - ends[0]
    if ends[0] < 0 or ends[1] == len(values):
        return eta
    return _between(family, rows, (values[ends[0]], values[ends[1]]), tuple(slopes), eta)


def _between(family: Any, rows: Rows, gap: tuple, slopes: tuple, eta: np.ndarray) -> np.ndarray:
    """The optimum between two neighbouring rows, where the profile is smooth, by secants."""
    (low, high), (rise, fall), side = gap, slopes, None
    for _ in range(_SECANTS):
        eta[0] = _crossing(low, high, rise, fall)
        slope, bend = _best_scale(family, rows, eta)[1:]
        if not low < eta[0] < high or abs(slope) <= _FLAT * np.sqrt(bend):
            break
        # The slope of an end that stays twice is halved (Illinois), so that both ends move.
        side, before = slope > 0, side
        share = 0.5 if side == before else 1.0
        if side:
            low, rise, fall = eta[0], slope, share * fall
        else:
            high, fall, rise = eta[0], slope, share * rise
    return eta


def _crossing(low: float, high: float, rise: float, fall: float) -> float:
    """Where the line through (low, rise > 0) and (high, fall < 0) vanishes."""
    return float(low + (high - low) * (rise / (rise - fall)))


def _scanned(family: Any, rows: Rows, values: np.ndarray, eta: np.ndarray) -> np.ndarray:
    """The best kink of a likelihood that may have several maxima, or a point beside it."""
    tried = np.unique(np.linspace(0, len(values) - 1, min(len(values), _SCANNED)).astype(int))
    found = []
    for at in tried:
        trial = np.array([values[at], eta[1]])
        found.append((*_best_scale(family, rows, trial)[:2], int(at), trial))
    _, slope, at, best = max(found, key=lambda pair: pair[0])
    beside = at + int(np.sign(slope))
    if slope != 0.0 and 0 <= beside < len(values):
        best[0] = 0.5 * (values[at] + values[beside])
        _best_scale(family, rows, best)
    return best


def _best_scale(family: Any, rows: Rows, eta: np.ndarray) -> tuple[float, float, float]:
    """Move log scale (in place) to its optimum; return log p, the score and information in loc.

    The last step is so short that what it changes is known from the derivatives before it.

    Returns
    -------
    value, score, observed : float
        In nats, and in eta[0].
    """
    value, score, observed = -np.inf, np.zeros(2), np.eye(2)
    for _ in range(_STEPS):
        value, score, observed = sum_over(rows, family, "sum_terms", eta[None])
        step = float(np.clip(score[1] / max(observed[1, 1], 0.1 * rows.total), -1.0, 1.0))
        eta[1] += step
        if not abs(step) > _CHANGE:
            # A score of zero is that of a kink, which the step does not leave.
            slope = score[0] and score[0] - observed[0, 1] * step
            return float(value), float(slope), float(observed[0, 0])
    return float(value), float(score[0]), float(observed[0, 0])

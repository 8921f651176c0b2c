"""Intervals under a mixture: log P(A) and its derivatives from those of the components.

P(A) is the sum of w_k P_k(A). Its logarithm therefore has the derivatives that a mixture's
log-density has, with log P_k(A) in the place of log p_k(y).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.distributions.contract.intervals import Moments, moments
from natfit.distributions.wrappers.mixture import _rows as per_row


def interval_moments(family: Any, lower: np.ndarray, upper: np.ndarray, eta: np.ndarray) -> Moments:
    """Moments of ``lower <= Y <= upper`` under a mixture at eta (n, K) or (1, K).

    Parameters
    ----------
    family : Mixture
        The mixture; univariate, and every component has a distribution function.
    lower, upper : ndarray of shape (n,)
        Ends of the intervals, which may be infinite.
    eta : ndarray of shape (n, K) or (1, K)
        Parameters of each row, or of all.

    Returns
    -------
    Moments
        log P(A) is -inf, and the rest NaN, where no component has a probability.
    """
    n = len(lower)
    values, scores, curves = [], [], []
    for part, cut in zip(family.parts, family.cuts, strict=True):
        found = _seen(part, lower, upper, eta[:, cut], n)
        values.append(found.log_mass)
        scores.append(found.score)
        curves.append(found.observed)
    joint = np.stack(values).T + family.log_weights(eta)
    log_mass = per_row.log_total(joint)
    share = per_row.shares(joint, log_mass)
    for k in range(len(scores)):
        # Without a share a component's derivatives do not count, and they may not be finite.
        none = ~(share[:, k] > 0)
        if none.any():
            scores[k] = np.where(none[:, None], 0.0, scores[k])
            curves[k] = np.where(none[:, None, None], 0.0, curves[k])
    score = per_row.mean_score(family, eta, share, scores)
    observed = per_row.curvature(family, eta, share, scores, curves)
    lost = ~np.isfinite(log_mass)
    if lost.any():
        score[lost], observed[lost] = np.nan, np.nan
    return Moments(log_mass, score, observed - score[:, :, None] * score[:, None, :])


def _seen(part: Any, lower: np.ndarray, upper: np.ndarray, eta: np.ndarray, n: int) -> Moments:
    """Moments under one component; log P(A) is -inf for intervals that miss its support."""
    own = part.known_support
    if own.integer:
        misses = (np.floor(upper) < own.low) | (np.ceil(lower) > own.high)
    else:
        misses = (upper <= own.low) | (lower >= own.high)
    if not misses.any():
        return moments(part, lower, upper, eta)
    k = part.n_params
    log_mass, score, gap = np.full(n, -np.inf), np.zeros((n, k)), np.zeros((n, k, k))
    if not misses.all():
        some = ~misses
        own_eta = eta if len(eta) == 1 else eta[some]
        found = moments(part, lower[some], upper[some], own_eta)
        log_mass[some], score[some], gap[some] = found.log_mass, found.score, found.gap
    return Moments(log_mass, score, gap)

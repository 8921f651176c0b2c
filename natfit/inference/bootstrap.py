"""Intervals from the estimates of resampled rows: percentiles, and those corrected by BCa.

With the replicates g*_1, ..., g*_B of a quantity whose estimate is g, the ends of the percentile
interval are their quantiles at (1 - level) / 2 and (1 + level) / 2. BCa, bias-corrected and
accelerated, takes the quantiles at (Efron and Tibshirani 1993, equation 14.10) ::

    Phi( z0 + (z0 + z) / (1 - a (z0 + z)) )      z = Phi^-1((1 -+ level) / 2)
    z0 = Phi^-1(share of replicates below g)

The acceleration a is a sixth of the skewness of the influence of the rows (equation 14.15), for
which no fit is needed (DiCiccio and Efron 1996, section 6): with the gradient c of g, the
covariance matrix V of theta and the score s_i of a row, its influence is ``l_i = c' V s_i``, and
``a = sum_i w_i l_i^3 / (6 (sum_i w_i l_i^2)^(3/2))``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtr, ndtri

from natfit.inference.covariance import scores_of
from natfit.objectives._formula import Formula
from natfit.rows import Block

if TYPE_CHECKING:
    from natfit.inference.estimate import Estimate

#: Fewest replicates: with fewer no quantile at 0.025 lies between two of them.
FEWEST = 40


def percentile_ends(replicates: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the quantiles of replicates between which a share ``level`` of them lies.

    Parameters
    ----------
    replicates : ndarray of shape (B, M)
        The values of M quantities.
    level : float
        The level.

    Returns
    -------
    low, high : ndarray of shape (M,)
        Interpolated between neighbouring replicates, as numpy does; where some are infinite, the
        nearest replicate.
    """
    share = 0.5 - 0.5 * level
    low, high = np.stack([_quantiles(column, [share, 1.0 - share]) for column in replicates.T], 1)
    return low, high


def _quantiles(column: np.ndarray, shares: Any) -> np.ndarray:
    """Return quantiles (k,) of replicates (B,), of which some may be infinite."""
    if np.isfinite(column).all():
        return np.quantile(column, shares)
    # Between two infinite numbers, or one of them and another, there is none.
    return np.quantile(column, shares, method="closest_observation")


def bca_ends(
    replicates: np.ndarray, value: np.ndarray, acceleration: np.ndarray, level: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of bias-corrected and accelerated intervals.

    Replicates that equal the estimate count half below it, as in ``scipy.stats.bootstrap``.

    Parameters
    ----------
    replicates : ndarray of shape (B, M)
        The values of M quantities.
    value, acceleration : ndarray of shape (M,)
        Their estimates, and a.
    level : float
        The level.

    Returns
    -------
    low, high : ndarray of shape (M,)
        The estimate itself where all replicates equal it. Where all lie on one side of it, as may
        happen at a limit of a parameter, nothing is known of their bias: the ends are those of
        the percentile interval.
    """
    below = 0.5 * ((replicates < value).mean(axis=0) + (replicates <= value).mean(axis=0))
    same = (replicates == value).all(axis=0)
    one_sided = (below == 0.0) | (below == 1.0)
    z0 = ndtri(np.where(one_sided, 0.5, below))
    acceleration = np.where(one_sided, 0.0, acceleration)
    out = []
    for share in (0.5 - 0.5 * level, 0.5 + 0.5 * level):
        z = z0 + ndtri(share)
        # Beyond 1 / a the correction has no meaning: the interval ends at the last replicate.
        stretch = 1.0 - acceleration * z
        at = np.where(stretch > 0.0, ndtr(z0 + z / np.where(stretch > 0.0, stretch, 1.0)), z > 0.0)
        found = [_quantiles(column, a) for column, a in zip(replicates.T, at, strict=True)]
        out.append(np.where(same, value, found))
    return out[0], out[1]


def acceleration(
    estimates: Sequence[Estimate], jacobian: np.ndarray, covariances: Sequence[np.ndarray]
) -> np.ndarray:
    """Return the acceleration of M quantities, from one pass over the rows for each column.

    Parameters
    ----------
    estimates : sequence of Estimate
        The estimate of each column, with its objective.
    jacobian : ndarray of shape (M, P)
        Derivatives of the quantities in the parameters of all columns, one after the other.
    covariances : sequence of ndarray
        The covariance matrix of each column's theta.

    Returns
    -------
    ndarray of shape (M,)
        Zero for quantities that no row moves.
    """
    influence: Any = 0.0
    start = 0
    for estimate, covariance in zip(estimates, covariances, strict=True):
        objective: Any = estimate.objective
        part = jacobian[:, start : start + len(estimate.theta)]
        start += len(estimate.theta)
        unknown = np.isinf(np.diagonal(covariance))
        finite = np.where(unknown[:, None] | unknown[None, :], 0.0, covariance)
        with np.errstate(all="ignore"):
            influence = influence + objective.rows.map(
                _influence_part, objective._formula, estimate.theta, part @ finite
            )
    # The unit of a quantity must not matter, nor its square underflow.
    size = np.abs(influence).max(axis=0)
    influence = influence / np.where(size > 0.0, size, 1.0)
    weight = estimates[0].objective.rows.map(_weight_part)  # type: ignore[union-attr]
    square, cube = weight @ influence**2, weight @ influence**3
    return cube / (6.0 * np.where(square > 0.0, square, 1.0) ** 1.5)


def _influence_part(
    block: Block, formula: Formula, theta: np.ndarray, directions: np.ndarray
) -> np.ndarray:
    """Return the influence of a block's rows on M quantities, (n, M)."""
    return scores_of(block, formula, theta).T @ directions.T


def _weight_part(block: Block) -> np.ndarray:
    return np.ones(block.n) if block.weight is None else block.weight


def repetitions(weight: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return how often each row is drawn, where W rows are drawn from rows with repetitions.

    Parameters
    ----------
    weight : ndarray of shape (N,)
        Repetitions w_i of each row, with the sum W; one for rows that count once.
    rng : numpy.random.Generator
        The source of the draws.

    Returns
    -------
    ndarray of shape (N,)
        Numbers with the sum W; if W is no whole number, they are multiples of W / round(W).
    """
    total = weight.sum()
    draws = max(int(round(total)), 1)
    return rng.multinomial(draws, weight / total) * (total / draws)

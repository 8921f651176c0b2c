"""Randomised quantile residuals of rows, each with a distribution of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from natfit.distributions.base import Distribution
from natfit.numerics.special import log1mexp

#: log(1/2).
_HALF = -0.6931471805599453


def quantile_residuals(
    family: Distribution, y: np.ndarray, eta: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return residuals that are standard normal if eta is right.

    Parameters
    ----------
    family : Distribution
        Univariate, with a distribution function.
    y : ndarray of shape (n,), (n, 2) or (n, 4)
        Values, the ends of intervals, or these with the ends of the rows' windows.
    eta : ndarray of shape (n, K)
        Parameters of each row.
    rng : Generator
        Draws a point where a row has a probability; where none has, it is not asked.

    Returns
    -------
    ndarray of shape (n,)
        Infinite for y outside the support.

    Raises
    ------
    ValueError
        If the family has no distribution function.
    """
    if not family.has_cdf:
        raise ValueError(
            f"quantile residuals need a distribution function, which {type(family).__name__} has "
            "not: use predict_proba for classes without an order, the family ordinal for classes "
            "with one, and _log_cdf and _log_sf for a family of your own"
        )
    lower, upper = log_tails(family, y, eta)
    return normal_quantiles(*_drawn(lower, upper, rng))


def log_tails(
    family: Distribution, y: np.ndarray, eta: np.ndarray
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Return (log P(Y < row), log P(Y >= row)) and (log P(Y <= row), log P(Y > row)).

    Of an interval the first pair belongs to its lower end and the second one to its upper end. In
    a window the probabilities are those of y inside it.

    Returns
    -------
    pair of pairs of ndarray of shape (n,)
        In nats.
    """
    ends = y if y.ndim == 2 else np.stack([y, y], axis=1)
    first, last = _before(family, ends[:, 0]), ends[:, 1]
    below = family.log_cdf(first, eta), family.log_sf(first, eta)
    upto = family.log_cdf(last, eta), family.log_sf(last, eta)
    if ends.shape[1] == 2:
        return below, upto
    low, high = _before(family, ends[:, 2]), ends[:, 3]
    start = family.log_cdf(low, eta), family.log_sf(low, eta)
    end = family.log_cdf(high, eta), family.log_sf(high, eta)
    total = _between(start, end)

    def inside(at: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        parts = _between(start, at) - total, _between(at, end) - total
        return np.minimum(parts[0], 0.0), np.minimum(parts[1], 0.0)

    return inside(below), inside(upto)


def _before(family: Distribution, y: np.ndarray) -> np.ndarray:
    """Return the largest value that is below y, where y may have a probability."""
    if family.known_support.integer:
        return np.ceil(y) - 1.0
    if not family.atoms:
        return y
    return np.where(np.isin(y, family.atoms), np.nextafter(y, -np.inf), y)


def _between(
    start: tuple[np.ndarray, np.ndarray], end: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """Return log P(start < Y <= end) from both tails at both ends, by the smaller of them."""
    upper = start[1] < end[0]
    large, small = np.where(upper, start[1], end[0]), np.where(upper, end[1], start[0])
    with np.errstate(all="ignore"):
        out = large + log1mexp(np.minimum(small - large, 0.0))
    return np.where(small >= large, -np.inf, out)


def _drawn(
    lower: tuple[np.ndarray, np.ndarray],
    upper: tuple[np.ndarray, np.ndarray],
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Return logarithms of a point between two probabilities, and of what is above it."""
    point = (lower[0] == upper[0]) & (lower[1] == upper[1])
    if point.all():
        return upper
    share = rng.uniform(size=len(point))
    with np.errstate(divide="ignore"):
        left, right = np.log1p(-share), np.log(share)
    below, above = (np.logaddexp(a + left, b + right) for a, b in zip(lower, upper, strict=True))
    return np.where(point, upper[0], below), np.where(point, upper[1], above)


def normal_quantiles(below: np.ndarray, above: np.ndarray) -> np.ndarray:
    """Return standard normal quantiles of probabilities, from the logarithms of both tails.

    Returns
    -------
    ndarray of shape (n,)
        With all digits in both tails.
    """
    left = below < _HALF
    with np.errstate(all="ignore"):
        values: Any = special.ndtri_exp(np.minimum(np.where(left, below, above), 0.0))
    return np.where(left, values, -values)

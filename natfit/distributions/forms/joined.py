"""Summaries of disjoint parts of the data, joined into one.

With the weights W1 and W2 of two parts and the share s = W2 / (W1 + W2) of the second, means are
``(1 - s) a + s b``. Squares about a mean are joined about the means of the parts (Chan, Golub and
LeVeque 1983), so that no digit is lost where the means are far from zero.
"""

from __future__ import annotations

import numpy as np

from natfit.numerics.stirling import log_excess


def joined_means(one: tuple, weight: float, two: tuple, other: float) -> tuple:
    """Return the weighted means of two tuples of means."""
    share = other / (weight + other)
    return tuple(a + share * (b - a) for a, b in zip(one, two, strict=True))


def joined_moments(one: tuple, weight: float, two: tuple, other: float) -> tuple:
    """Return the mean and the mean square deviation, (1,) each, of two parts."""
    share = other / (weight + other)
    mean, spread = joined_means(one, weight, two, other)
    return mean, spread + share * (1.0 - share) * (two[0] - one[0]) ** 2


def joined_tables(one: tuple, weight: float, two: tuple, other: float) -> tuple:
    """Return the distinct values (1, M), ascending, and their shares, of two such tables."""
    share = other / (weight + other)
    values, place = np.unique(np.concatenate([one[0][0], two[0][0]]), return_inverse=True)
    shares = np.concatenate([(1.0 - share) * one[1][0], share * two[1][0]])
    return values[None], np.bincount(place, shares, len(values))[None]


def rows_of_table(summary: tuple) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct values (M,) of a table and their shares (M,)."""
    return summary[0][0], summary[1][0]


def joined_excess(
    first: np.ndarray,
    mean: np.ndarray,
    weight: float,
    second: np.ndarray,
    mean2: np.ndarray,
    other: float,
) -> np.ndarray:
    """Return the mean (1,) of log(y / m) - (y / m - 1) about the mean m of both parts.

    Parameters
    ----------
    first, second : ndarray of shape (1,)
        That of each part about its own mean.
    mean, mean2 : ndarray of shape (1,)
        The means of the parts.
    weight, other : float
        Their weights.

    Returns
    -------
    ndarray of shape (1,)
        Without cancellation, however near the means are to each other.
    """
    share = other / (weight + other)
    gap = mean2 - mean
    both = mean + share * gap
    first = first + log_excess(-share * gap / both)
    second = second + log_excess((1.0 - share) * gap / both)
    return first + share * (second - first)

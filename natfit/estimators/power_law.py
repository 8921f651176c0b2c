"""Where a power law begins: the search for xmin of Clauset, Shalizi and Newman."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from natfit._validation import answers_keywords, check_number
from natfit.numerics.zeta import zeta_moments

#: Largest number of candidates and of distinct values of a tail that are compared at once.
_BLOCK = 2**18

#: Steps of Newton's method for the exponents of all candidates, and the accepted last change of
#: the logarithm of alpha - 1.
_STEPS, _CHANGE = 60, 1e-12

#: Largest alpha - 1: beyond it all of the tail is at xmin.
_MOST = 1e6


@dataclass(frozen=True)
class PowerLawTail:
    """The part of the data that follows a power law p(y) ~ y^-alpha, y >= xmin.

    Attributes
    ----------
    xmin : float
        Where the power law begins, in the unit of y.
    alpha : float
        Its exponent, by maximum likelihood on the rows from xmin on.
    standard_error : float
        Of alpha, for a known xmin.
    distance : float
        Kolmogorov-Smirnov distance between the tail of the data and the power law.
    n_tail : int
        Number of rows from xmin on.
    discrete : bool
        Whether y is taken for whole numbers, the family
        :class:`natfit.distributions.Zipf`, or for a density, the Pareto of shape alpha - 1.
    """

    xmin: float
    alpha: float
    standard_error: float
    distance: float
    n_tail: int
    discrete: bool


@answers_keywords
def power_law_tail(
    y: Any, *, discrete: bool | None = None, xmin: float | None = None, min_tail: int = 10
) -> PowerLawTail:
    """Fit a power law to the tail of positive numbers, and find where the tail begins.

    Each distinct value of y is a candidate for xmin. For each, alpha is the maximum of the
    likelihood of the rows from there on: ``1 + n / sum log(y / xmin)`` of a density, the root of
    the score of the Zipf distribution of whole numbers. The candidate at which the largest
    difference between the two distribution functions is smallest is taken.

    Parameters
    ----------
    y : array-like of shape (N,)
        Positive numbers.
    discrete : bool, optional
        Whether y is whole numbers by nature; by default whether all of y is whole.
    xmin : float, optional
        Where the tail begins, if that is known; then only alpha is estimated.
    min_tail : int, default=10
        Smallest number of rows of a tail, not all of them equal.

    Returns
    -------
    PowerLawTail
        xmin, alpha, its standard error, the distance and the number of rows.

    Raises
    ------
    ValueError
        If y is no vector of positive numbers, whole ones if ``discrete``, or no tail has
        ``min_tail`` rows that are not all equal.

    References
    ----------
    Clauset, Shalizi and Newman (2009), Power-law distributions in empirical data, SIAM Review 51,
    661-703, sections 3.1 to 3.3. Alstott, Bullmore and Plenz (2014), powerlaw: a Python package
    for analysis of heavy-tailed distributions, PLoS ONE 9, e85777: ``powerlaw.Fit(y).xmin``.

    Examples
    --------
    >>> import numpy as np
    >>> import natfit
    >>> y = 5.0 * np.random.default_rng(0).uniform(size=1000) ** -0.5
    >>> round(natfit.power_law_tail(y, xmin=5.0).alpha, 1)
    3.0
    """
    values, counts, discrete = _checked(y, discrete)
    check_number(min_tail, "min_tail", low=2, integer=True)
    left = np.cumsum(counts[::-1])[::-1]
    # Sums of log y over the tails; the last distinct value alone determines no exponent.
    logs = np.cumsum((counts * np.log(values))[::-1])[::-1]
    if xmin is None:
        first = np.flatnonzero(left[:-1] >= min_tail)
        starts = values[first]
    else:
        starts = np.array([check_number(xmin, "xmin", low=values[0] if discrete else 0.0)])
        first = np.searchsorted(values[:-1], starts)
        first = first[left[np.minimum(first, len(left) - 1)] >= min_tail]
        first = first[first < len(values) - 1]
    if not len(first):
        raise ValueError(
            f"y must have at least min_tail = {min_tail} rows from xmin on that are not all equal, "
            f"got {int(left[0])} rows with {len(values)} distinct values; lower min_tail or xmin"
        )
    mean_log = logs[first] / left[first] - np.log(starts)
    excess, error = _exponents(mean_log, starts, discrete)
    distance = _distances(values, left, first, starts, excess, discrete)
    best = int(np.argmin(distance))
    n = int(left[first[best]])
    return PowerLawTail(
        float(starts[best]),
        float(1.0 + excess[best]),
        float(error[best] / np.sqrt(n)),
        float(distance[best]),
        n,
        discrete,
    )


def _checked(y: Any, discrete: bool | None) -> tuple[np.ndarray, np.ndarray, bool]:
    """Distinct values in ascending order, their counts, and whether they are whole numbers."""
    y = np.asarray(y, dtype=np.float64)
    if y.ndim != 1 or not len(y):
        raise ValueError(f"y must be a vector of numbers, got shape {y.shape}")
    bad = ~((y > 0) & np.isfinite(y))
    whole = y == np.floor(y)
    words = "positive numbers"
    if discrete:
        bad, words = bad | ~whole, "positive whole numbers where discrete is True"
    discrete = bool(whole.all()) if discrete is None else discrete
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(
            f"y must be finite {words}, got {y[row]} at row {row}; remove such rows, or pass "
            "discrete=False for numbers that are not whole"
        )
    return *np.unique(y, return_counts=True), discrete


def _exponents(
    mean_log: np.ndarray, xmin: np.ndarray, discrete: bool
) -> tuple[np.ndarray, np.ndarray]:
    """alpha - 1 of every candidate, and its standard error for one row."""
    excess = 1.0 / mean_log
    if not discrete:
        return excess, excess
    # The density's estimate with xmin - 1/2, Clauset et al. (3.7), from which Newton's method in
    # the logarithm starts.
    excess = 1.0 / (mean_log - np.log1p(-0.5 / xmin))
    for _ in range(_STEPS):
        _, mean, variance = zeta_moments(excess, xmin)
        # In 1 / mean the equation is nearly linear in alpha - 1.
        step = np.clip((1.0 / mean_log - 1.0 / mean) * mean**2 / (variance * excess), -1.0, 1.0)
        excess = np.minimum(excess * np.exp(step), _MOST)
        if np.abs(step).max() < _CHANGE:
            break
    return excess, zeta_moments(excess, xmin)[2] ** -0.5


def _distances(
    values: np.ndarray,
    left: np.ndarray,
    first: np.ndarray,
    xmin: np.ndarray,
    excess: np.ndarray,
    discrete: bool,
) -> np.ndarray:
    """Largest difference between the empirical and the fitted survival function."""
    out = np.empty(len(first))
    rows = max(1, _BLOCK // (len(values) * (24 if discrete else 1)))
    after = np.append(left[1:], 0.0)
    for part in np.array_split(np.arange(len(first)), -(-len(first) // rows)):
        begin, a = first[part], excess[part, None]
        own = values[begin[0] :]
        inside = own >= values[begin, None]
        ratio = np.log(np.where(inside, own, xmin[part, None]) / xmin[part, None])
        total = left[begin, None].astype(np.float64)
        at, above = left[begin[0] :] / total, after[begin[0] :] / total
        if discrete:
            base = zeta_moments(a, xmin[part, None])[0]
            here = np.where(inside, own, xmin[part, None])
            # P(Y >= y): the tail that begins with y, relative to the whole.
            fitted = np.exp(zeta_moments(a, here)[0] - base - (1.0 + a) * ratio)
            gap = np.abs(at - fitted)
        else:
            fitted = np.exp(-a * ratio)
            gap = np.maximum(np.abs(at - fitted), np.abs(above - fitted))
        out[part] = np.where(inside, gap, 0.0).max(axis=1)
    return out

"""Distances between rows and a fitted distribution: Kolmogorov, Cramer-von Mises, Anderson."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from natfit.distributions.base import Distribution
from natfit.distributions.contract.frozen import Frozen
from natfit.inference.right_censored import product_limit

#: Least expected number of rows in a cell (Cochran, Biometrics 10, 1954).
LEAST = 5.0

#: Most whole numbers that are looked at one by one.
_NUMBERS = 10_000

#: The names of the tests, by method.
NAMES = {
    "anderson_darling": "Anderson-Darling test",
    "kolmogorov_smirnov": "Kolmogorov-Smirnov test",
    "cramer_von_mises": "Cramer-von Mises test",
    "chi_square": "Pearson's chi-square test",
}


def distance(
    method: str,
    frozen: Frozen,
    time: np.ndarray,
    weight: np.ndarray | None = None,
    seen: np.ndarray | None = None,
) -> float:
    """Return the statistic of a test by the distribution function.

    Parameters
    ----------
    method : {"anderson_darling", "kolmogorov_smirnov", "cramer_von_mises"}
        The distance.
    frozen : Frozen
        A univariate density at its parameters.
    time : ndarray of shape (N,)
        Rows, or times of events and of the end of observation.
    weight : ndarray of shape (N,), optional
        Repetitions of each row.
    seen : ndarray of bool, shape (N,), optional
        Whether the event was seen; by default each was.

    Returns
    -------
    float
        As :func:`kolmogorov`, :func:`cramer` and :func:`anderson`; of right-censored rows as
        :func:`kolmogorov_censored` and :func:`cramer_censored`.
    """
    mass = np.ones(len(time)) if weight is None else weight
    if seen is not None and not seen.all():
        censored = {"kolmogorov_smirnov": kolmogorov_censored, "cramer_von_mises": cramer_censored}
        return censored[method](frozen.cdf, time, seen, mass)
    at, place = np.unique(time, return_inverse=True)
    repeated = np.cumsum(np.bincount(place, mass, len(at)))
    total = float(repeated[-1])
    share = repeated / total
    if method == "anderson_darling":
        return anderson(frozen.logcdf(at), frozen.logsf(at), share, total)
    if method == "cramer_von_mises":
        return cramer(frozen.cdf(at), share, total)
    return kolmogorov(frozen.cdf(at), share)


def kolmogorov(u: np.ndarray, share: np.ndarray) -> float:
    """Return D = sup |F_n - F|, as ``scipy.stats.kstest``.

    Parameters
    ----------
    u : ndarray of shape (M,)
        F at the distinct values, in ascending order.
    share : ndarray of shape (M,)
        F_n there: the share of the rows up to each of them.

    Returns
    -------
    float
        In [0, 1].
    """
    before = np.concatenate([[0.0], share[:-1]])
    return float(max((share - u).max(), (u - before).max()))


def cramer(u: np.ndarray, share: np.ndarray, total: float) -> float:
    """Return W^2 = n int (F_n - F)^2 dF, as ``scipy.stats.cramervonmises``; see kolmogorov.

    The integral is summed over the parts between distinct values, in which F_n is constant, so
    that a row of weight 2 is two rows: without ties it is ``1 / 12n + sum ((2i - 1) / 2n - u_i)^2``
    (Stephens in D'Agostino & Stephens, Goodness-of-Fit Techniques, 1986, equation 4.2).

    Returns
    -------
    float
        Positive.
    """
    ends = np.concatenate([[0.0], u, [1.0]])
    level = np.concatenate([[0.0], share])
    return total * float(np.sum((ends[1:] - level) ** 3 - (ends[:-1] - level) ** 3)) / 3.0


def anderson(log_u: np.ndarray, log_rest: np.ndarray, share: np.ndarray, total: float) -> float:
    """Return A^2 = n int (F_n - F)^2 / (F (1 - F)) dF, as ``scipy.stats.anderson``.

    Between distinct values, where F_n = c, the integral is ``c^2 log u - (1 - c)^2 log(1 - u) - u``
    (Stephens, 1986, equation 4.2 is the sum without ties). Logarithms of both tails keep it finite.

    Parameters
    ----------
    log_u, log_rest : ndarray of shape (M,)
        log F and log(1 - F) at the distinct values, in ascending order.
    share : ndarray of shape (M,)
        F_n there.
    total : float
        n, the number of rows.

    Returns
    -------
    float
        Positive.
    """
    before = np.concatenate([[0.0], share[:-1]])
    low = (share - before) * (share + before)
    high = (share - before) * (2.0 - share - before)
    return float(-total * (1.0 + np.sum(low * log_u + high * log_rest)))


def kolmogorov_censored(
    cdf: Callable, time: np.ndarray, seen: np.ndarray, weight: np.ndarray
) -> float:
    """Return sup |F_n - F| over the times of observation, with the product-limit estimate F_n.

    Parameters
    ----------
    cdf : callable
        F at times (M,).
    time, seen, weight : ndarray of shape (N,)
        Times, whether the event was seen, and repetitions.

    Returns
    -------
    float
        In [0, 1]; without censored rows it is :func:`kolmogorov`. (Breslow & Crowley, Ann. Statist.
        2, 1974, show that sqrt(n) (F_n - F) converges on an interval of observation; Fleming et
        al., Biometrics 36, 1980, weight it.)
    """
    steps = product_limit(time, seen, weight)
    u, last = cdf(steps.at), float(cdf(time.max()))
    before = np.concatenate([[0.0], steps.value])
    # F_n is flat up to the next event, and after the last one up to the end of observation.
    gaps = [before - np.append(u, last), before[1:] - u]
    return float(max(np.abs(gap).max(initial=0.0) for gap in gaps))


def cramer_censored(cdf: Callable, time: np.ndarray, seen: np.ndarray, weight: np.ndarray) -> float:
    """Return n int (F_n - F)^2 dF, where F_n is the product-limit estimate.

    As in Koziol & Green (Biometrika 63, 1976), F_n is one beyond the largest time (Efron's rule),
    so that the statistic of exact rows is :func:`cramer`.

    Returns
    -------
    float
        Positive.
    """
    steps = product_limit(time, seen, weight)
    end = time.max()
    inside = steps.at < end
    u = np.append(cdf(steps.at[inside]), cdf(end))
    return cramer(u, np.append(steps.value[inside], 1.0), float(weight.sum()))


# ------------------------------------------------------------------------------ chi-square


def cells(
    frozen: Frozen,
    total: float,
    bins: int | np.ndarray | None,
    known: bool,
    extent: tuple[float, float],
) -> np.ndarray:
    """Return the upper ends of the cells of a chi-square test, without that of the last cell.

    Cells are (low, high], and the first and the last are open. They hold equal probabilities as far
    as that is possible: between whole numbers it is not. By default there are ``2 n^(2/5)`` of
    them (Moore in D'Agostino & Stephens, 1986, section 3.2.2). Each whole number that five rows are
    expected to have is a cell of its own, unless there are more than twice as many such cells.

    Parameters
    ----------
    frozen : Frozen
        A univariate distribution at its parameters.
    total : float
        n, the number of rows.
    bins : int, ndarray or None
        The number of cells, or the ends between them.
    known : bool
        Whether the distribution function is known; else the numbers of a finite support are cells.
    extent : (low, high)
        The least and the largest of the rows.

    Returns
    -------
    ndarray of shape (M - 1,)
        In ascending order, for M cells, each of which is expected to have at least five rows,
        unless the ends were given.

    Raises
    ------
    ValueError
        If fewer than two cells are left.
    """
    if isinstance(bins, np.ndarray):
        return bins
    if not known:
        low, high = frozen.support()
        return _pooled(frozen, np.arange(low, high), total, known)
    most = max(int(np.ceil(2.0 * total**0.4)), 2)
    low, high = extent
    if bins is None and frozen.family.known_support.integer and high - low <= _NUMBERS:
        fine = _pooled(frozen, np.arange(low - 1.0, high + 1.0), total, known)
        if len(fine) < 2 * most:
            return fine
    return _pooled(frozen, _quantiles(frozen, most if bins is None else bins), total, known)


def _quantiles(frozen: Frozen, size: int) -> np.ndarray:
    """Return the distinct quantiles that cut a distribution into at most ``size`` cells."""
    ends = np.unique(frozen.ppf(np.arange(1.0, size) / size))
    return ends[np.isfinite(ends)]


def _pooled(frozen: Frozen, ends: np.ndarray, total: float, known: bool) -> np.ndarray:
    """Return ends without those that cut off a cell of fewer than five expected rows."""
    probability, kept, mass = probabilities(frozen, ends, known), [], 0.0
    for end, own in zip(ends, probability[:-1], strict=True):
        mass += own
        if mass * total >= LEAST * (1 - 1e-9):
            kept.append(end)
            mass = 0.0
    # What is left over belongs to the last cell.
    rest = probabilities(frozen, np.array(kept), known)
    while kept and rest[-1] * total < LEAST * (1 - 1e-9):
        kept.pop()
        rest = probabilities(frozen, np.array(kept), known)
    if not kept:
        raise ValueError(
            f"chi_square needs two cells that expect at least {LEAST:g} rows each, got one for "
            f"{total:g} rows; use more rows, or method='anderson_darling' for a density"
        )
    return np.array(kept)


def has_tails(family: Distribution) -> bool:
    """Tell whether a family has a distribution function: its own, or one by quadrature."""
    support = family.known_support
    return family.has_cdf or not (support.integer and np.isfinite(support.top))


def probabilities(frozen: Frozen, ends: np.ndarray, known: bool) -> np.ndarray:
    """Return the probabilities (M,) of the cells between ends (M - 1,)."""
    if len(ends) == 0:
        return np.ones(1)
    if known:
        below, above = frozen.cdf(ends), frozen.sf(ends)
        # Differences of the smaller tail keep its digits.
        steps = np.where(below[1:] < 0.5, np.diff(below), -np.diff(above))
        return np.concatenate([[below[0]], steps, [above[-1]]])
    low, high = frozen.support()
    values = np.arange(low, high + 1.0)
    return np.bincount(np.searchsorted(ends, values, "left"), frozen.pdf(values), len(ends) + 1)


def chi_square(
    frozen: Frozen, ends: np.ndarray, y: np.ndarray, weight: np.ndarray | None, known: bool
) -> float:
    """Return Pearson's X^2 = sum (O - E)^2 / E over cells.

    Returns
    -------
    float
        inf where rows lie in a cell of probability zero.
    """
    mass = np.ones(len(y)) if weight is None else weight
    seen = np.bincount(np.searchsorted(ends, y, "left"), mass, len(ends) + 1)
    wanted = probabilities(frozen, ends, known) * seen.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = (seen - wanted) ** 2 / wanted
    return float(np.sum(np.where(wanted > 0, terms, np.where(seen > 0, np.inf, 0.0))))

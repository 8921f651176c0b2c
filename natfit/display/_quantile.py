"""Probabilities and quantiles of a fitted univariate family, and the quantiles' standard errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from natfit.distributions.base import Distribution

#: Maximum numbers of doublings and of halvings of a bracket: enough for any double.
_DOUBLINGS, _HALVINGS = 1000, 1100

#: Step of the central difference for a quantile's derivative, in standard errors.
_STEP = 1e-3


def probability(family: Distribution, eta: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return P(Y <= y), (n,), at eta (K,), by the family's distribution function or scipy's.

    Returns
    -------
    ndarray of shape (n,)
        In [0, 1].

    Raises
    ------
    ValueError
        If neither the family nor scipy has a distribution function.
    """
    if family.has_cdf:
        return np.exp(family.log_cdf(y, eta[None]))
    return _frozen(family, eta).cdf(y)


def quantile(family: Distribution, eta: np.ndarray, p: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the smallest y with P(Y <= y) >= p, (n,), for 0 < p < 1, at eta (K,).

    Parameters
    ----------
    family : Distribution
        A univariate family.
    eta : ndarray of shape (K,)
        Its parameters.
    p : ndarray of shape (n,)
        Probabilities.
    y : ndarray
        Values of the right magnitude, such as the data, from which the search starts.

    Returns
    -------
    ndarray of shape (n,)
        In the unit of y.

    Raises
    ------
    ValueError
        As in :func:`probability`.
    """
    if not family.has_cdf:
        return _frozen(family, eta).ppf(p)
    log_p, log_q = np.log(p), np.log1p(-p)

    def reached(at: np.ndarray) -> np.ndarray:
        """Tell whether P(Y <= y) >= p, from the tail that is known more precisely."""
        below, above = family.log_cdf(at, eta[None]), family.log_sf(at, eta[None])
        return np.where(p < 0.5, below >= log_p, above <= log_q)

    low, high = _bracket(family, reached, np.min(y), np.max(y), len(p))
    for _ in range(_HALVINGS):
        middle = 0.5 * low + 0.5 * high
        if family.support is not None and family.support.integer:
            middle = np.floor(middle)
        if np.all((middle <= low) | (middle >= high)):
            break
        right = reached(middle)
        low, high = np.where(right, low, middle), np.where(right, middle, high)
    return high


def _bracket(
    family: Distribution, reached: Callable, low: float, high: float, n: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return ends (n,) below the quantile, and ends at or above it."""
    least, most = -np.inf, np.inf
    if family.support is not None:
        least, most = family.support.low, np.max(family.support.high)
        # At one below the smallest whole number no probability is reached.
        least -= 1.0 if family.support.integer else 0.0
    width = high - low or abs(high) or 1.0
    left, right = np.full(n, max(low - width, least)), np.full(n, min(high, most))
    for k in range(_DOUBLINGS):
        under, over = reached(left) & (left > least), ~reached(right) & (right < most)
        if not (under | over).any():
            break
        left = np.where(under, np.maximum(left - np.ldexp(width, k), least), left)
        right = np.where(over, np.minimum(right + np.ldexp(width, k), most), right)
    return left, right


def quantile_errors(
    family: Distribution, eta: np.ndarray, covariance: np.ndarray, p: np.ndarray, y: np.ndarray
) -> np.ndarray | None:
    """Return standard errors (n,) of quantiles by the delta method, None if a parameter has none.

    Parameters
    ----------
    family, eta, p, y
        As in :func:`quantile`.
    covariance : ndarray of shape (K, K)
        Covariance of the estimate of eta; zeros stand for parameters that are known.

    Returns
    -------
    ndarray of shape (n,) or None
        In the unit of y.
    """
    errors = np.sqrt(np.diagonal(covariance))
    if not np.all(np.isfinite(errors)):
        return None
    slopes = np.zeros((len(p), len(eta)))
    for k in np.flatnonzero(errors):
        step = np.zeros(len(eta))
        step[k] = _STEP * errors[k]
        up, down = quantile(family, eta + step, p, y), quantile(family, eta - step, p, y)
        slopes[:, k] = (up - down) / (2.0 * step[k])
    return np.sqrt(np.einsum("nk,kl,nl->n", slopes, covariance, slopes))


def _frozen(family: Distribution, eta: np.ndarray) -> Any:
    try:
        return family.counterpart(eta)
    except ValueError:
        raise ValueError(
            f"quantiles need a distribution function, and {type(family).__name__} has none; "
            "use kind='hist' or 'rug'"
        ) from None

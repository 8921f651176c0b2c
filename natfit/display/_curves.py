"""Curves of a fitted univariate family, and their standard errors by the delta method."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from natfit.distributions.base import Distribution
from natfit.distributions.contract.frozen import Frozen

#: Step of the central difference for a curve's derivative, in standard errors: at a thousandth the
#: error of the difference is about 1e-6 of the slope.
_STEP = 1e-3


def curves_of(family: Distribution, eta: np.ndarray) -> Any:
    """Return the distribution at eta (K,) with ``cdf``, ``sf``, their logarithms, ``ppf``, ``isf``.

    Parameters
    ----------
    family : Distribution
        A univariate family.
    eta : ndarray of shape (K,)
        Its parameters.

    Returns
    -------
    Frozen or scipy.stats frozen distribution
        scipy's where the family has no distribution function of its own.

    Raises
    ------
    ValueError
        If neither the family nor scipy has a distribution function.
    """
    if family.has_cdf:
        return Frozen(family, eta[None])
    try:
        return family.to_scipy(eta)
    except ValueError:
        raise ValueError(
            f"quantiles need a distribution function, and {type(family).__name__} has none; "
            "use kind='hist' or 'rug'"
        ) from None


def delta_errors(
    curve: Callable[[np.ndarray], np.ndarray], theta: np.ndarray, covariance: np.ndarray
) -> np.ndarray | None:
    """Return standard errors (n,) of the points of a curve: ``sqrt(g' V g)``.

    The gradients g of the points are central differences.

    Parameters
    ----------
    curve : callable
        ``curve(theta) -> (n,)``.
    theta : ndarray of shape (P,)
        The estimate.
    covariance : ndarray of shape (P, P)
        Its covariance V; zeros stand for coordinates that are known.

    Returns
    -------
    ndarray of shape (n,) or None
        In the unit of the curve; None if a coordinate has no standard error.
    """
    errors = np.sqrt(np.diagonal(covariance))
    if not np.all(np.isfinite(errors)):
        return None
    steps = np.diag(_STEP * errors)[errors > 0]
    if not len(steps):
        return np.zeros(len(curve(theta)))
    slopes = np.stack([(curve(theta + s) - curve(theta - s)) / (2.0 * s.sum()) for s in steps], -1)
    free = np.ix_(errors > 0, errors > 0)
    return np.sqrt(np.einsum("nk,kl,nl->n", slopes, covariance[free], slopes))

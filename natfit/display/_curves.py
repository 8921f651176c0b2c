"""Standard errors of the points of a fitted curve by the delta method."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

#: Step of the central difference for a curve's derivative, in standard errors: at a thousandth the
#: error of the difference is about 1e-6 of the slope.
_STEP = 1e-3


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
        In the unit of the curve, NaN where it has no slope; None if a coordinate has no standard
        error.
    """
    errors = np.sqrt(np.diagonal(covariance))
    if not np.all(np.isfinite(errors)):
        return None
    steps = np.diag(_STEP * errors)[errors > 0]
    if not len(steps):
        return np.zeros(len(curve(theta)))
    # A point may be infinite on one side of the estimate, and then has no slope.
    with np.errstate(invalid="ignore"):
        slopes = np.stack(
            [(curve(theta + s) - curve(theta - s)) / (2.0 * s.sum()) for s in steps], -1
        )
    free = np.ix_(errors > 0, errors > 0)
    return np.sqrt(np.einsum("nk,kl,nl->n", slopes, covariance[free], slopes))

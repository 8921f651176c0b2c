"""Log-probabilities of tails at any y; a family writes them only for y inside its support."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from natfit.distributions.base import Distribution


def tail(
    family: Distribution,
    inside: Callable | None,
    y: Any,
    eta: np.ndarray,
    below: float,
    above: float,
) -> np.ndarray:
    """Log-probability of a tail of each row, (n,) nats; y may be infinite.

    Parameters
    ----------
    family : Distribution
        With or without a support.
    inside : callable or None
        ``inside(y, *native)``, the family's own formula; None where it has none.
    y : array-like of shape (n,)
        Where the tail ends.
    eta : ndarray of shape (n, K) or (1, K)
        Parameters of each row, or of all.
    below, above : float
        The value below and above the support.

    Returns
    -------
    ndarray of shape (n,)

    Raises
    ------
    ValueError
        If the family has no formula.
    """
    if inside is None:
        raise ValueError(
            f"{type(family).__name__} has no distribution function, which censored and "
            "truncated data need; use a family that defines _log_cdf and _log_sf"
        )
    y, support = np.asarray(y, dtype=np.float64), family.support
    low, high = (-np.inf, np.inf) if support is None else (support.low, np.max(support.high))
    under = y < low if support is not None and support.integer else y <= low
    with np.errstate(all="ignore"):
        values = inside(np.where(under | (y >= high), 1.0, y), *family.native(eta))
    return np.where(under, below, np.where(y >= high, above, values))

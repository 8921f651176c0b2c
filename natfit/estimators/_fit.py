"""``natfit.fit``, which fits a distribution in one call."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit._validation import refuse_ragged
from natfit.distributions import Censored
from natfit.distributions.base import Distribution
from natfit.estimators.mle import NaturalMLE


def fit(
    distribution: str | Distribution, x: Any, *, sample_weight: Any = None, **options: Any
) -> NaturalMLE:
    """Fit a distribution to a plain vector.

    Parameters
    ----------
    distribution : str or Distribution
        As in :class:`NaturalMLE`.
    x : array-like of shape (N,) or (N, D), Censored, or scipy.stats.CensoredData
        The data; a vector is one column.
    sample_weight : array-like of shape (N,), optional
        Repetitions of each row.
    **options
        Further arguments of :class:`NaturalMLE`.

    Returns
    -------
    NaturalMLE
        The fitted estimator.

    Examples
    --------
    >>> import natfit
    >>> round(float(natfit.fit("exponential", [1.0, 2.0, 3.0]).params_["rate"][0]), 6)
    0.5
    """
    if Censored.of(x) is None and _n_dims(x) == 1:
        x = np.asarray(x).reshape(-1, 1)
    return NaturalMLE(distribution, **options).fit(x, sample_weight=sample_weight)


def _n_dims(x: Any) -> int:
    """Number of dimensions of an array-like, or ValueError that names the row which differs."""
    if hasattr(x, "ndim"):
        return x.ndim
    try:
        return np.ndim(x)
    except ValueError:
        refuse_ragged(x, "x")
        raise

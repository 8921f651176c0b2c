"""Vuong's test: which of two fits of the same rows is closer to the truth."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import ndtr

from natfit._validation import check_option, check_vector, check_weights
from natfit.inference.outcome import Outcome

#: A deviation of the ratios below this, relative to the log-densities, is rounding: the densities
#: are then the same at every row.
_ROUNDING = 1e-12

_NULL = "both are equally close to the truth"
_NESTED = "for fits of which one contains the other, the likelihood-ratio test is the right one"
_SAME = "the two have the same density at every row"


def vuong(
    first: Any,
    second: Any,
    k_first: int = 0,
    k_second: int = 0,
    *,
    correction: str | None = None,
    sample_weight: Any = None,
) -> Outcome:
    """Test whether two fits of the same rows are equally close to the truth.

    With ``m_i = log p_1(y_i) - log p_2(y_i)``, n rows and the variance ``omega^2`` of the m_i::

        z = (sum_i m_i - c) / (sqrt(n) omega)

    is standard normal if neither fit is closer in Kullback-Leibler divergence. The correction c is
    0, or what the parameters cost: ``K_1 - K_2`` (``aic``), or ``(K_1 - K_2) / 2 log n``
    (``bic``); z then has the sign of the difference of these criteria.

    Parameters
    ----------
    first, second : array-like of shape (N,)
        Log-densities of the rows under each fit, nats, as ``score_samples`` returns them.
    k_first, k_second : int
        Numbers of estimated parameters, for the correction.
    correction : {"aic", "bic"} or None
        What is subtracted for the parameters.
    sample_weight : array-like of shape (N,), optional
        Repetitions of each row.

    Returns
    -------
    Outcome
        ``statistic`` is z, positive where the first fit is closer. ``pvalue`` is two-sided. The
        variance has the divisor n, as in the paper's eq. 4.2; ``vuong`` of R's package pscl divides
        by n - 1, so that its z is smaller by the factor sqrt((n - 1) / n), and its p-value is
        one-sided. For equal densities z is 0.

    Raises
    ------
    ValueError
        If the log-densities are not finite, or not of the same rows.

    References
    ----------
    Vuong (1989), Econometrica 57, 307-333, section 5 (models that are not nested).
    """
    first = check_vector(first, "first")
    second = check_vector(second, "second", len(first))
    if correction is not None:
        check_option(correction, "correction", ("aic", "bic"))
    weight = check_weights(sample_weight, len(first))
    weight = np.ones(len(first)) if weight is None else weight
    n = float(weight.sum())
    ratio = first - second
    total = float(weight @ ratio)
    # About the mean, because the square of the mean may be far larger than the variance.
    omega = float(np.sqrt(weight @ np.square(ratio - total / n) / n))
    size = float(np.max(np.abs(first)) + np.max(np.abs(second)))
    cost = {None: 0.0, "aic": 1.0, "bic": 0.5 * float(np.log(n))}[correction]
    less = cost * (k_first - k_second)
    notes: tuple[str, ...] = (_NESTED,)
    if omega <= _ROUNDING * size:
        z, notes = 0.0, (_SAME,)
    else:
        z = (total - less) / (np.sqrt(n) * omega)
    how = "" if correction is None else f", corrected as {correction.upper()} is"
    return Outcome(
        f"Vuong's test{how}",
        float(z),
        float(2.0 * ndtr(-abs(z))),
        None,
        _NULL,
        "standard normal, two-sided",
        notes,
    )

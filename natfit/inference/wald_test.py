"""Wald's test, from the estimate and its covariance matrix alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from natfit.inference import chi_bar
from natfit.inference.null import Null
from natfit.inference.outcome import Outcome
from natfit.inference.surface import definite, solved


def statistic(theta: np.ndarray, covariance: np.ndarray, null: Null, names: Sequence[str]) -> float:
    """Return Wald's ``(eta - eta0)' V^-1 (eta - eta0)`` for the tested coordinates.

    Parameters
    ----------
    theta : ndarray of shape (P,)
        The estimate, eta of a constant model.
    covariance : ndarray of shape (P, P)
        Its covariance matrix; inf on the diagonal of what the data do not determine.
    null : Null
        The hypothesis.
    names : sequence of str
        Names of the coordinates, for messages.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the hypothesis is at an end of a range, or a tested parameter has no standard error.
    """
    if len(null.bounded):
        raise ValueError(
            f"Wald's test needs values inside the ranges of the parameters, got {null.words}: the "
            "estimate is not normal around the end of a range; use likelihood_ratio_test or "
            "score_test"
        )
    at = null.tested
    block = covariance[np.ix_(at, at)]
    lost = [names[k] for k, v in zip(at, np.diagonal(block), strict=True) if not 0.0 < v < np.inf]
    if lost or not definite(block):
        which = ", ".join(lost or [names[k] for k in at])
        raise ValueError(
            f"Wald's test needs standard errors, and {which} has none: it rests at a limit, or the "
            "data do not determine it; use likelihood_ratio_test, and see identifiability()"
        )
    away = theta[at] - null.eta
    return float(away @ solved(block, away))


def wald(total: float, df: int, null: str, cov_type: str, notes: Sequence[str] = ()) -> Outcome:
    """Return the outcome of Wald's test (1943, Transactions of the AMS 54:426).

    Parameters
    ----------
    total : float
        The statistic, summed over columns that were fitted separately.
    df : int
        Number of restrictions.
    null : str
        The hypothesis in words.
    cov_type : str
        The covariance matrix that was used.
    notes : sequence of str
        What is to be said besides.

    Returns
    -------
    Outcome
    """
    pvalue = chi_bar.upper_tail(total, df)
    said = (f"{cov_type} covariance, in unconstrained coordinates", *notes)
    return Outcome("Wald test", total, pvalue, float(df), null, chi_bar.words(df, (1.0,)), said)

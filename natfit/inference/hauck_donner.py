"""Where Wald's statistic falls although the coefficient grows: the effect of Hauck and Donner."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.inference.estimate import Estimate
from natfit.inference.rowwise import known_objective

#: Step of the differences, in standard errors.
_STEP = 1e-2


def slopes(
    estimate: Estimate, values: np.ndarray, rows: np.ndarray, directions: np.ndarray
) -> np.ndarray:
    """Return the derivatives of Wald's statistics ``beta / se(beta)`` in their coefficients.

    A coefficient moves while the others stay. Its standard error is that of the information there,
    so that it usually grows with it; where it grows faster than the coefficient, the statistic
    falls, and the further the estimate is from zero the less it seems to differ from it (Hauck &
    Donner 1977, JASA 72:851; Yee 2022, JASA 117:1763, whose test is the sign of this derivative).

    Parameters
    ----------
    estimate : Estimate
        With its objective.
    values : ndarray of shape (M,)
        The coefficients.
    rows : ndarray of shape (M, P)
        Their derivatives in theta.
    directions : ndarray of shape (M, P)
        How theta moves with each of them.

    Returns
    -------
    ndarray of shape (M,)
        Of the absolute statistic in the absolute coefficient, times the standard error: 1 where
        the error does not change, negative where the effect is present; NaN where the data do not
        determine a coefficient.
    """
    objective: Any = known_objective(estimate)
    family = objective.distribution
    of_rows = family.information.measures and family.fisher_by_rows
    form = objective.fisher if of_rows and family.information.complete else objective.hessian
    out = np.full(len(values), np.nan)
    with np.errstate(all="ignore"):
        inverse = estimate.inverse_of(form(estimate.theta).dense()) * estimate.total
        free = np.isfinite(np.diagonal(inverse))
        inverse = np.where(free[:, None] & free[None, :], inverse, 0.0)
        for m, (value, row, direction) in enumerate(zip(values, rows, directions, strict=True)):
            if np.any(row[~free]):
                continue
            spread = inverse @ row
            variance = float(row @ spread) / estimate.total
            step = _STEP * np.sqrt(variance) * direction
            change = form(estimate.theta + step).dense() - form(estimate.theta - step).dense()
            # d V = -V d I V, over a step of 2 h errors.
            moved = -float(spread @ change @ spread) / estimate.total / (2.0 * _STEP)
            out[m] = 1.0 - 0.5 * value * moved / (variance * np.sqrt(variance))
    return out

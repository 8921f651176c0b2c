"""Parameters that do not depend on x, estimated from rows that a network has not seen.

A network comes nearer to the rows that it is fitted to than to others. A scale that is estimated
from the same rows is too small for new ones, and as it shrinks the information of the other
parameters grows: a fixed damping is then weak beside it, and the network follows the noise.
"""

from __future__ import annotations

import numpy as np

from natfit.models.standardised import Standardised
from natfit.objectives import Regression

#: Rows held out that each of the parameters needs.
_A_PARAMETER = 10

#: Most scoring steps, and halvings of each.
_STEPS, _HALVINGS = 10, 5

#: Decrease in nats per row that is not worth a step.
_SMALL = 1e-5


def constants_of(held: Regression, theta: np.ndarray) -> np.ndarray:
    """Return theta (P,) whose constants of eta have the largest likelihood of the rows held out.

    It is found by Fisher's scoring from where they are. Theta is returned as it is for linear
    predictors, without constants, and with fewer than ten rows for each.

    Parameters
    ----------
    held : Regression
        The objective at the rows that were held out.
    theta : ndarray of shape (P,)
        An estimate from other rows.

    Returns
    -------
    ndarray of shape (P,)
    """
    model = held.model
    if not isinstance(model, Standardised):
        return theta
    place, index, unit = model.constants()
    if not len(index) or held.rows.n < _A_PARAMETER * len(index):
        return theta
    low, high, most = (side[place] for side in model.limits())
    value, grad = held.first_order(theta)
    for _ in range(_STEPS):
        inner = held.mean_curvature(theta)[np.ix_(index, index)] * np.outer(unit, unit)
        step, *_ = np.linalg.lstsq(inner, -grad[place], rcond=None)
        if not (np.isfinite(step).all() and -float(step @ grad[place]) > _SMALL):
            break
        step *= min(1.0, float((most / np.maximum(np.abs(step), 1e-300)).min()))
        for t in 0.5 ** np.arange(_HALVINGS):
            trial = theta.copy()
            trial[place] = np.clip(theta[place] + t * step, low, high)
            found, slope = held.first_order(trial)
            if found < value and np.isfinite(slope).all():
                break
        else:
            break
        theta, value, grad = trial, found, slope
    return theta

"""The last digits of a fit to a summary, whose evaluations cost nothing beside a pass over rows.

A fit ends within ``tol`` standard errors of the optimum. Where rows are a summary, Newton steps
from there reach the optimum to rounding, so that estimates do not depend on where a fit began: on
batches, their order, or a warm start.
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from natfit.inference import Information
from natfit.iterate import Status
from natfit.models import Constant
from natfit.optimize.run import Fit

if TYPE_CHECKING:
    from natfit.fitting.protocol import Problem

#: Most steps, and the share of the gradient's length that each may leave at most.
_STEPS, _SHORTER = 4, 0.5


def polished(problem: Problem, result: Fit, info: Information) -> Fit:
    """Return the fit at the optimum of a summary, where it has converged nearby.

    Parameters
    ----------
    problem : Problem
        The problem of the fit.
    result : Fit
        Its end.
    info : Information
        The information there.

    Returns
    -------
    Fit
        The same where rows have no summary, or the end is no smooth optimum inside all limits. The
        history ends there too, with the distances of the iterations.
    """
    objective, at = problem.objective, result.iterate
    eta = problem.shared_eta(result.theta)
    kinked = objective.distribution.kink_sum is not None
    if eta is None or objective.summary is None or at.active or kinked:
        return result
    if result.status is not Status.CONVERGED:
        return result
    plain = copy(objective)
    plain.model = Constant().bind(0, objective.distribution)
    low, high, _ = plain.limits()
    with np.errstate(all="ignore"):
        covariance = info.covariance()
        if not np.isfinite(covariance).all():
            return result
        found, grad = eta, plain.first_order(eta)[1]
        length = float(np.sqrt(max(grad @ covariance @ grad, 0.0)))
        for _ in range(_STEPS):
            trial = found - covariance @ grad
            if not ((trial >= low) & (trial <= high)).all():
                break
            slope = plain.first_order(trial)[1]
            size = float(np.sqrt(max(slope @ covariance @ slope, 0.0)))
            # At rounding the gradient falls no further.
            if not size < _SHORTER * length:
                break
            found, grad, length = trial, slope, size
    if found is eta:
        return result
    theta = problem.to_theta(found)
    value, grad = objective.first_order(theta)
    found_at = replace(at, theta=theta, value=value, grad=grad)
    return replace(result, iterate=found_at, history=result.history.ending(theta, value))

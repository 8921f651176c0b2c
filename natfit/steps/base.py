"""The step's contract, and the acceptance rules that steps share.

A step gets a :class:`natfit.iterate.local.Local`: the objective at the current iterate with
its metric, and ``solve`` for directions. It returns the next iterate, which it has proved
acceptable, or the same iterate with a :class:`natfit.Status` that says why there is none
(``local.stop``). Either keeps a :class:`natfit.iterate.trial.Trial` of each point refused.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from natfit._component import Component
from natfit.iterate import Iterate, Local, Status, Trial, Why
from natfit.objectives import Objective
from natfit.solvers.base import SolveInfo

#: Halvings after which a search gives up: 2^-50 of a step is below the rounding of any theta.
MOST_TRIALS = 50


class Step(Component):
    """Base of all steps.

    Attributes
    ----------
    converges : bool
        False for a rule that keeps a fixed length and so cannot settle: reaching max_iter is
        then what was asked for and gives no warning.
    """

    _package = "natfit.steps"
    converges = True

    #: Whether every accepted step lowers the objective.
    descends = True

    def check(self) -> None:
        """Validate the options; raise ValueError or TypeError."""

    def radius(self, objective: Objective) -> float:
        """First trust radius, nats; NaN for rules without one."""
        return np.nan

    def step(self, local: Local) -> Iterate:
        """Return the next iterate."""
        raise NotImplementedError


def plain(
    local: Local,
    direction: np.ndarray,
    length: float,
    *,
    info: SolveInfo,
    trials: Sequence[Trial] = (),
) -> Iterate:
    """Move by ``length`` along minus the direction, halved until theta is in the domain.

    Nothing else is asked of the new point than that the objective is finite there: this is
    what steps of prescribed length share. ``trials`` were refused before.

    Returns
    -------
    Iterate
        The next one, or the same one with a status.
    """
    refused = list(trials)
    for _ in range(MOST_TRIALS):
        theta = local.clip(local.iterate.theta - length * direction)
        if local.objective.in_domain(theta):
            value, grad = local.objective.value_and_grad(theta)
            if np.isfinite(value) and np.all(np.isfinite(grad)):
                return local.move(theta, value, grad, length, info=info, trials=refused)
            refused.append(Trial(length, value, np.nan, Why.NOT_FINITE))
        else:
            refused.append(Trial(length, np.nan, np.nan, Why.DOMAIN))
        length *= 0.5
    return local.stop(Status.NON_FINITE, refused)

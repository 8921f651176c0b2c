"""The contract of step rules, and what they share.

A step rule gets a :class:`natfit.iterate.local.Local`: the objective at the current iterate with
its metric, and ``solve`` for directions. It returns the next iterate, which it has proved
acceptable, or (by ``local.stop``) the same iterate with a :class:`natfit.Status` that says why
there is none. In both cases the iterate keeps a :class:`natfit.iterate.trial.Trial` for each point
that was refused.
"""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from natfit._component import Component
from natfit.iterate import Iterate, Local, Status, Trial, Why
from natfit.objectives import Objective
from natfit.solvers.base import SolveInfo

#: Number of halvings after which a search gives up: 2^-50 of a step is below the rounding of theta.
MOST_TRIALS = 50


class Step(Component):
    """Base of all step rules.

    Attributes
    ----------
    converges : bool
        False for a rule that cannot converge because the length of its steps does not shrink; a
        fit that reaches ``max_iter`` then gives no warning.
    """

    _package = "natfit.steps"
    converges = True

    #: Whether every accepted step lowers the objective.
    descends = True

    @classmethod
    def _instead_of(cls, spec: Any) -> str:
        """A number is taken for the length of every step."""
        if isinstance(spec, numbers.Real) and not isinstance(spec, bool):
            return (
                f"for steps of one length write step=natfit.steps.FixedStep(length={spec!r}); "
                "'backtracking' finds the length by itself"
            )
        return super()._instead_of(spec)

    def check(self) -> None:
        """Validate the options; raise ValueError or TypeError."""

    def radius(self, objective: Objective) -> float:
        """Return the first trust radius, in nats; NaN for rules without one."""
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
    """Take the step ``-length * direction``, halved until theta is in the domain.

    The objective must be finite at the new point, and nothing else is required: this serves
    step rules of prescribed length. ``trials`` are points that were refused before.

    Returns
    -------
    Iterate
        The next iterate, or the same one with a status.
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

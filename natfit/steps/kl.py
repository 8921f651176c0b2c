"""The paper's step rule: a fixed length in the norm of the metric."""

from __future__ import annotations

import numpy as np

from natfit._validation import check_number
from natfit.iterate import Iterate, Local, Status
from natfit.steps.base import Step, plain


class KLStep(Step):
    """theta <- theta - beta d with beta = sqrt(2 epsilon / d' G d), d = G^-1 grad f.

    The last line of the paper's Algorithms 1 and 2: the constraint 1/2 |theta' - theta|_G^2 =
    epsilon holds with equality at every step. The length never shrinks, so this rule circles
    the optimum and ends at ``max_iter``; as a cap on a unit step see ``backtracking``. A policy
    whose gradient promises no more than rounding over that length stays where it is.

    Parameters
    ----------
    epsilon : float, default=0.01
        Squared radius, > 0; nats per row when G is the Fisher information.
    """

    converges = False
    descends = False

    def __init__(self, epsilon: float = 0.01):
        self.epsilon = epsilon

    def check(self) -> None:
        """Raise ValueError or TypeError unless ``epsilon`` is > 0."""
        check_number(
            self.epsilon, "step__epsilon", low=0.0, closed_low=False, unit="nats", hint="0.01"
        )

    def step(self, local: Local) -> Iterate:
        """The next iterate, at the radius ``epsilon`` in the norm of the metric."""
        direction, info = local.solve()
        square = local.operator.quad(direction)
        if not square > 0:
            return local.stop(Status.NO_DESCENT)
        length = float(np.sqrt(2.0 * self.epsilon / square))
        if local.last and not length * float(local.iterate.grad @ direction) > local.noise:
            # A policy's gradient that is rounding would be followed to the whole radius.
            return local.stop(Status.NO_DESCENT)
        return plain(local, direction, length, info=info)

"""The paper's step rule: a fixed length in the norm of the metric."""

from __future__ import annotations

import numpy as np

from natfit._validation import check_number
from natfit.iterate import Iterate, Local, Status
from natfit.steps.base import BEYOND, Step, plain


class KLStep(Step):
    """theta <- theta - beta d with beta = sqrt(2 epsilon / d' G d), d = G^-1 grad f.

    This is the last line of the paper's Algorithms 1 and 2: every step satisfies
    1/2 |theta' - theta|_G^2 = epsilon. With a damping D, G + D takes the place of G in both
    formulas: where G is nearly singular along d, the length in G alone says nothing. A step whose
    divergence turns out to be more than three times epsilon is shortened, and a note says so. The
    length never shrinks, so that a fit jumps to and fro
    across the optimum and ends at ``max_iter``; ``backtracking`` uses the radius only as an upper
    limit for a unit step. A policy whose gradient predicts no gain beyond rounding over that length
    is not changed.

    Parameters
    ----------
    epsilon : float, default=0.01
        Radius, > 0: half the squared length of every step. It is in nats per row if G is the
        Fisher information.
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
        """Return the next iterate, at the radius ``epsilon`` in the norm of the metric."""
        direction, info = local.inward()
        square = 2.0 * local.promised(direction)
        if not square > 0:
            return local.stop(Status.NO_DESCENT)
        length = float(np.sqrt(2.0 * self.epsilon / square))
        if local.last and not length * float(local.iterate.grad @ direction) > local.noise:
            # Otherwise a policy's gradient that is mere rounding would be followed to the radius.
            return local.stop(Status.NO_DESCENT)
        return plain(local, direction, length, info=info, most=BEYOND * self.epsilon)

# Copy to natfit/steps/halving.py.
"""A unit step, halved until the objective is lower."""

from __future__ import annotations

import numpy as np

from natfit.iterate import Iterate, Local, Status, Trial, Why
from natfit.iterate.rounding import noise
from natfit.steps.base import MOST_TRIALS, Step

#: Share of the decrease predicted by the gradient that must be achieved (Armijo, 1966).
_LEAST = 1e-4


class HalvingStep(Step):
    """theta <- theta - length G^-1 grad f with the first length of 1, 1/2, 1/4, ... that lowers f.

    Where the predicted decrease is no larger than the rounding of f, a lower value proves nothing.
    The natural gradient must then become shorter.
    """

    def step(self, local: Local) -> Iterate:
        """Return the next iterate, or the same one with a status that says why there is none."""
        iterate, (direction, info) = local.iterate, local.solve()
        flat = iterate.decrease < noise(iterate.value)
        delta, refused = local.shorten(-direction), []
        for trial in range(MOST_TRIALS):
            length = 0.5**trial
            theta, value, why = local.shift(delta, length), np.nan, Why.DOMAIN
            if local.objective.in_domain(theta):
                value, grad = local.objective.value_and_grad(theta)
                promised = float(iterate.grad @ (theta - iterate.theta))
                most = iterate.value + (noise(iterate.value) if flat else _LEAST * promised)
                why = Why.NOT_FINITE
                if np.isfinite(value) and np.all(np.isfinite(grad)):
                    why = Why.ROUNDING if flat else Why.NO_DECREASE
                    if value <= most and (not flat or local.norm_falls(grad)):
                        return local.move(theta, value, grad, length, info=info, trials=refused)
            refused.append(Trial(length, value, np.nan, why))
        return local.stop(Status.ROUNDING_FLOOR if flat else Status.NO_DESCENT, refused)

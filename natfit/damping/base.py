"""The contract of dampings, whose state is one number that the iterate carries."""

from __future__ import annotations

import numpy as np

from natfit._component import Component
from natfit.linops import Damped, LinearOperator


class Damping(Component):
    """Base of all dampings.

    The state lambda is a number >= 0 that the iterate carries, so that a step can ask for another
    solve with a larger lambda, and a warm start can continue with the last one.
    """

    _package = "natfit.damping"

    #: Whether a rejected step should be solved for again with a larger lambda.
    adaptive: bool = False

    def start(self) -> float:
        """Return lambda for the first iteration, >= 0."""
        return 0.0

    def added(self, operator: LinearOperator, state: float) -> np.ndarray | None:
        """Return the diagonal (P,) to add to F, or None to add nothing."""
        raise NotImplementedError

    def apply(self, operator: LinearOperator, state: float) -> LinearOperator:
        """Return F with its damping added."""
        added = self.added(operator, state)
        return operator if added is None else Damped(operator, added)

    def accepted(self, state: float, ratio: float) -> float:
        """Return lambda after an accepted step; ``ratio`` is actual over predicted decrease."""
        return state

    def rejected(self, state: float) -> float:
        """Return lambda after a rejected step."""
        return state


def relative(operator: LinearOperator, state: float) -> np.ndarray | None:
    """Return lambda diag(F), (P,): invariant to the parameters' units, unlike lambda I."""
    if state == 0.0:
        return None
    diag = np.abs(operator.diag())
    # A zero on the diagonal has no scale of its own.
    return state * np.where(diag > 0, diag, float(diag.max()) or 1.0)

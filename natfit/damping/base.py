"""The damping's contract. Its state is one number, carried by the iterate."""

from __future__ import annotations

import numpy as np

from natfit._component import Component
from natfit.linops import Damped, LinearOperator


class Damping(Component):
    """Base of all dampings.

    The state lambda is a number >= 0 that rides on the iterate, so that a step can ask for a
    re-solve with a larger one and a warm start can go on.
    """

    _package = "natfit.damping"

    #: Whether a rejected step should be re-solved with a larger state.
    adaptive: bool = False

    def start(self) -> float:
        """The first lambda."""
        return 0.0

    def added(self, operator: LinearOperator, state: float) -> np.ndarray | None:
        """Diagonal (P,) to add to F, or None."""
        raise NotImplementedError

    def apply(self, operator: LinearOperator, state: float) -> LinearOperator:
        """F with its damping."""
        added = self.added(operator, state)
        return operator if added is None else Damped(operator, added)

    def accepted(self, state: float, ratio: float) -> float:
        """State after an accepted step; ``ratio`` is actual over predicted decrease."""
        return state

    def rejected(self, state: float) -> float:
        """State after a rejected step."""
        return state


def relative(operator: LinearOperator, state: float) -> np.ndarray | None:
    """Lambda diag(F): invariant to the parameters' units, unlike lambda I."""
    if state == 0.0:
        return None
    diag = np.abs(operator.diag())
    # A zero on the diagonal has no scale of its own.
    return state * np.where(diag > 0, diag, max(float(diag.max()), 1.0))

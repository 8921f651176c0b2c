"""F + lambda diag(F) with a lambda that adapts."""

from __future__ import annotations

import numpy as np

from natfit._validation import check_number
from natfit.damping.base import Damping, relative
from natfit.linops import LinearOperator


class LevenbergDamping(Damping):
    """F + lambda diag(F); lambda falls after good steps and grows after rejected ones.

    Lambda below ``floor`` counts as none, so that the last steps are undamped and converge
    quadratically.

    Parameters
    ----------
    initial : float, default=1e-2
        The first lambda, > 0.
    factor : float, default=10
        What it grows and falls by, > 1.
    floor : float, default=1e-6
        Below it there is no damping.
    """

    adaptive = True

    def __init__(self, initial: float = 1e-2, factor: float = 10.0, floor: float = 1e-6):
        self.initial = initial
        self.factor = factor
        self.floor = floor

    def start(self) -> float:
        """The first lambda."""
        check_number(self.factor, "damping__factor", low=1.0, closed_low=False, hint="10")
        check_number(self.floor, "damping__floor", low=0.0, closed_low=False, hint="1e-6")
        return check_number(
            self.initial, "damping__initial", low=0.0, closed_low=False, hint="1e-2"
        )

    def added(self, operator: LinearOperator, state: float) -> np.ndarray | None:
        """Lambda times the diagonal of F; None below the floor."""
        return relative(operator, state if state >= self.floor else 0.0)

    def accepted(self, state: float, ratio: float) -> float:
        """Fall after a step that did at least half of what was predicted."""
        if ratio > 0.5:
            return state / self.factor if state >= self.floor else state
        return state if ratio > 0.1 else max(state, self.floor) * self.factor

    def rejected(self, state: float) -> float:
        """Grow."""
        return max(state, self.floor) * self.factor

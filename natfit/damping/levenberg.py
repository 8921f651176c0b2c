"""F + lambda diag(F) with a lambda that adapts."""

from __future__ import annotations

import numpy as np

from natfit._validation import check_number
from natfit.damping.base import Damping, relative
from natfit.linops import LinearOperator


class LevenbergDamping(Damping):
    """F + lambda diag(F); lambda falls after good steps and grows after rejected ones.

    A lambda below ``floor`` counts as zero, so that the last steps are undamped and converge
    quadratically.

    Parameters
    ----------
    initial : float, default=1e-2
        Lambda for the first iteration, > 0.
    factor : float, default=10
        The factor by which lambda grows and falls, > 1.
    floor : float, default=1e-6
        The lambda below which there is no damping, > 0.
    """

    adaptive = True

    def __init__(self, initial: float = 1e-2, factor: float = 10.0, floor: float = 1e-6):
        self.initial = initial
        self.factor = factor
        self.floor = floor

    def start(self) -> float:
        """Return ``initial``, after a check of all options."""
        check_number(self.factor, "damping__factor", low=1.0, closed_low=False, hint="10")
        check_number(self.floor, "damping__floor", low=0.0, closed_low=False, hint="1e-6")
        return check_number(
            self.initial, "damping__initial", low=0.0, closed_low=False, hint="1e-2"
        )

    def added(self, operator: LinearOperator, state: float) -> np.ndarray | None:
        """Return lambda times the diagonal of F, (P,); None below the floor."""
        return relative(operator, state if state >= self.floor else 0.0)

    def accepted(self, state: float, ratio: float) -> float:
        """Lower lambda if the ratio is above 0.5, raise it if the ratio is 0.1 or less."""
        if ratio > 0.5:
            return state / self.factor if state >= self.floor else state
        return state if ratio > 0.1 else max(state, self.floor) * self.factor

    def rejected(self, state: float) -> float:
        """Return lambda, or ``floor`` if that is larger, times ``factor``."""
        return max(state, self.floor) * self.factor

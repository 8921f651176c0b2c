# Copy to natfit/damping/easing.py.
"""F + lambda diag(F) with a lambda that is halved after good steps."""

from __future__ import annotations

import numpy as np

from natfit._validation import check_number
from natfit.damping.base import Damping, relative
from natfit.linops import LinearOperator

#: Lambda below which nothing is added, because it is at the level of rounding of F.
_NONE = 1e-12


class EasingDamping(Damping):
    """F + lambda diag(F); lambda is halved after steps that gained what was predicted.

    Parameters
    ----------
    initial : float, default=1e-2
        The first lambda, > 0.
    """

    adaptive = True

    def __init__(self, initial: float = 1e-2):
        self.initial = initial

    def start(self) -> float:
        """Return the first lambda."""
        return check_number(
            self.initial, "damping__initial", low=0.0, closed_low=False, hint="1e-2"
        )

    def added(self, operator: LinearOperator, state: float) -> np.ndarray | None:
        """Return lambda times the diagonal of F, (P,), or None if lambda is negligible."""
        return relative(operator, state) if state >= _NONE else None

    def accepted(self, state: float, ratio: float) -> float:
        """Return lambda after a step that gained ``ratio`` times what was predicted."""
        return state * (0.25 if ratio > 0.75 else 1.0 if ratio > 0.25 else 2.0)

    def rejected(self, state: float) -> float:
        """Return lambda after a step that was refused."""
        return 4.0 * max(state, _NONE)

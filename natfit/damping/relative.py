"""F + lambda diag(F) with a fixed lambda."""

from __future__ import annotations

import numpy as np

from natfit._validation import check_number
from natfit.damping.base import Damping, relative
from natfit.linops import LinearOperator


class RelativeDamping(Damping):
    """F + strength * diag(F) (Marquardt, 1963): invariant to the parameters' units.

    Parameters
    ----------
    strength : float, default=1e-3
        Lambda, > 0.
    """

    def __init__(self, strength: float = 1e-3):
        self.strength = strength

    def start(self) -> float:
        """Return ``strength``, after a check that it is > 0."""
        return check_number(
            self.strength, "damping__strength", low=0.0, closed_low=False, hint="1e-3"
        )

    def added(self, operator: LinearOperator, state: float) -> np.ndarray | None:
        """Return lambda times the diagonal of F, (P,)."""
        return relative(operator, state)

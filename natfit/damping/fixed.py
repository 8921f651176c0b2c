"""F + lambda I with a fixed lambda."""

from __future__ import annotations

import numpy as np

from natfit._validation import check_number
from natfit.damping.base import Damping
from natfit.linops import LinearOperator


class FixedDamping(Damping):
    """F + strength * I (Tikhonov); its effect depends on the parameters' units.

    Parameters
    ----------
    strength : float, default=1e-2
        Lambda, > 0.
    """

    def __init__(self, strength: float = 1e-2):
        self.strength = strength

    def start(self) -> float:
        """Return ``strength``, after a check that it is > 0."""
        return check_number(
            self.strength, "damping__strength", low=0.0, closed_low=False, hint="1e-2"
        )

    def added(self, operator: LinearOperator, state: float) -> np.ndarray:
        """Return lambda for every coordinate, (P,)."""
        return np.full(operator.size, state)

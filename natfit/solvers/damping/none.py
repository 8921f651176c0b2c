"""No damping."""

from __future__ import annotations

import numpy as np

from natfit.linops import LinearOperator
from natfit.solvers.damping.base import Damping


class NoDamping(Damping):
    """F as it is."""

    def added(self, operator: LinearOperator, state: float) -> np.ndarray | None:
        """None."""
        return None

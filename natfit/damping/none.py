"""No damping."""

from __future__ import annotations

import numpy as np

from natfit.damping.base import Damping
from natfit.linops import LinearOperator


class NoDamping(Damping):
    """F as it is."""

    def added(self, operator: LinearOperator, state: float) -> np.ndarray | None:
        """None."""
        return None

"""No damping: F is solved as it is."""

from __future__ import annotations

import numpy as np

from natfit.damping.base import Damping
from natfit.linops import LinearOperator


class NoDamping(Damping):
    """No damping: F is solved as it is."""

    def added(self, operator: LinearOperator, state: float) -> np.ndarray | None:
        """Return None: nothing is added to F."""
        return None

"""What rounding hides: the changes of an objective that say nothing."""

from __future__ import annotations

import numpy as np

#: Below this predicted decrease a lower value is rounding noise, where |f| is of order one.
ROUNDING = 1e-10


def noise(value: float) -> float:
    """Change of an objective of this size that says nothing: 1e-10, or 256 units of rounding."""
    return max(ROUNDING, 256.0 * float(np.spacing(abs(value))))

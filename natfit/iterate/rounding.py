"""What rounding hides: the changes of an objective that say nothing."""

from __future__ import annotations

import numpy as np

#: Below this predicted decrease a lower value is rounding noise, where f sums terms of order one.
ROUNDING = 1e-10


def noise(value: float, scale: float = 1.0) -> float:
    """Change of an objective that says nothing: 1e-10 of its scale, or 256 units of rounding.

    Parameters
    ----------
    value : float
        The objective f.
    scale : float
        Size of the terms that f sums.

    Returns
    -------
    float
        In the unit of f.
    """
    return max(ROUNDING * scale, 256.0 * float(np.spacing(abs(value))))

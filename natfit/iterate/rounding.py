"""Changes of an objective that are too small to be told from rounding errors."""

from __future__ import annotations

import numpy as np

#: Predicted decrease below which a lower value proves nothing, if f sums terms of order one.
ROUNDING = 1e-10


def noise(value: float, scale: float = 1.0) -> float:
    """Return the change of an objective that rounding may cause, the larger of two numbers.

    They are 1e-10 of the objective's scale and 256 units of rounding of its value.

    Parameters
    ----------
    value : float
        The objective f.
    scale : float
        Magnitude of the terms that f sums.

    Returns
    -------
    float
        The change, in the unit of f.
    """
    return max(ROUNDING * scale, 256.0 * float(np.spacing(abs(value))))

"""Changes of an objective that are too small to be told from rounding errors."""

from __future__ import annotations

import math

import numpy as np

from natfit.numerics.differences import rounding
from natfit.objectives import Objective

#: Predicted decrease below which a lower value proves nothing, if f sums terms of order one.
ROUNDING = 1e-10

#: Standard errors of rounding that a change of the objective must exceed to be none.
_ERRORS = 10.0

#: Relative step and number of points that measure the rounding of an objective.
_SHORT, _POINTS = 1e-9, 12


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


def rounding_at(objective: Objective, theta: np.ndarray) -> float:
    """Return the rounding of an objective at theta, measured on a way so short that it is straight.

    Terms of a formula may be larger than their sum, so that its rounding is larger than that of
    the sum.

    Returns
    -------
    float
        Its standard error; infinite where the objective is not finite nearby.
    """
    step = _SHORT * (1.0 + np.abs(theta))
    with np.errstate(all="ignore"):
        values = [objective.value(theta + k * step) for k in range(_POINTS)]
    return float(rounding(np.array(values)))


def refined(objective: Objective, theta: np.ndarray, value: float, decrease: float) -> bool:
    """Let a plain function's scale be its measured rounding, if that leaves a descent to see.

    Its scale comes from its size at the start, from which it may have fallen by many orders.

    Parameters
    ----------
    objective : Objective
        The function; its ``scale`` is replaced.
    theta : ndarray of shape (P,)
        Where the descent seems to be hidden by rounding.
    value : float
        The function there.
    decrease : float
        What the next step should gain.

    Returns
    -------
    bool
        True if the scale is smaller now, and the decrease larger than the rounding.
    """
    if objective.probabilistic or not decrease > noise(value, 0.0):
        return False
    measured = max(_ERRORS * rounding_at(objective, theta), noise(value, 0.0))
    if not measured < decrease:
        return False
    objective.scale = measured / ROUNDING
    return True


def product(a: np.ndarray, b: np.ndarray) -> float:
    """The inner product; infinite, and not NaN, where products of finite numbers overflow."""
    found = float(a @ b)
    if math.isfinite(found):
        return found
    sizes = float(np.abs(a).max(initial=0.0)), float(np.abs(b).max(initial=0.0))
    if not (math.isfinite(sizes[0]) and math.isfinite(sizes[1])):
        return found
    return math.copysign(math.inf, float((a / sizes[0]) @ (b / sizes[1])))

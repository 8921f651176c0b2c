"""Lengths in a metric that has no unit of f: each step is tried at twice the last length.

The first one is as long as x. A constant factor of f therefore changes no step.
"""

from __future__ import annotations

import numpy as np

from natfit.iterate import Local
from natfit.solvers.base import SolveInfo

#: Largest step, in sizes of x.
_FARTHEST = 100.0


def doubled(local: Local, state: float) -> tuple[np.ndarray, SolveInfo]:
    """Return a step (P,) of twice the last length, inside the limits, and how it was found."""
    direction, info = local.inward(state)
    theta = local.iterate.theta
    return local.clip(theta - _multiple(local, direction) * direction) - theta, info


def expected(local: Local) -> float:
    """Return half the decrease of f that its gradient promises for this step."""
    direction, _ = local.solve()
    return 0.5 * float(local.iterate.grad @ (_multiple(local, direction) * direction))


def multiple_of(local: Local, delta: np.ndarray) -> float:
    """Return the multiple of the direction that a step is, which the next iterate keeps."""
    size = _size(local.inward()[0])
    return _size(delta) / size if size > 0.0 else 1.0


def _multiple(local: Local, direction: np.ndarray) -> float:
    """Return twice the last multiple of the direction, or one with which the step is as x."""
    size, last = _size(direction), local.iterate.memory
    if not size > 0.0:
        return 1.0
    long = max(1.0, _size(local.iterate.theta)) / size
    # Where the gradient has grown by many orders, twice the last multiple would be too far.
    return min(2.0 * last, _FARTHEST * long) if isinstance(last, float) else long


def _size(vector: np.ndarray) -> float:
    """Return the largest absolute value of a vector."""
    return float(np.abs(vector).max(initial=0.0))

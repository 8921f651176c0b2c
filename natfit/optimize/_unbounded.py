"""Tell whether an objective falls without limit along a logarithmic coordinate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from natfit.iterate import Iterate
from natfit.objectives import Objective

#: The number of steps that must all have the same sign, and the distance from the start that counts
#: as unlimited: no choice of units explains a factor of 1e13 in a scale.
_STEPS, _FAR = 5, 30.0

#: Smallest decrease per unit of the logarithm, in nats per row, that counts as falling.
_SLOPE = 1e-4


def runaway(objective: Objective, iterates: Sequence[Iterate]) -> int | None:
    """Return the coordinate along which the objective falls without limit, or None.

    The logarithm of a scale that shrinks to zero, or of a rate that grows without limit, takes its
    largest step in every iteration, and each step lowers f by the same amount. If f levels off
    instead, the fit has reached a boundary.

    Returns
    -------
    int or None
        Its index in theta.
    """
    # A coordinate no longer moves once it is at its limit; only the steps before that count.
    theta, index = objective.logarithms(np.array([i.theta for i in iterates]))
    value = np.array([i.value for i in iterates])
    moved = np.flatnonzero(np.any(np.diff(theta, axis=0) != 0.0, axis=1)) + 1
    if len(moved) <= _STEPS or not len(index):
        return None
    last = moved[-_STEPS:]
    way = theta[last] - theta[last - 1]
    drop = value[last - 1] - value[last]
    same = np.all(way > 0, axis=0) | np.all(way < 0, axis=0)
    far = np.abs(theta[moved[-1]] - theta[0]) > _FAR
    with np.errstate(all="ignore"):
        slope = drop[:, None] / np.abs(way)
    steady = np.all(slope > _SLOPE, axis=0) & (slope.min(axis=0) > 0.5 * slope.max(axis=0))
    found = np.flatnonzero(same & far & steady)
    return index[found[np.argmax(np.abs(way[-1, found]))]] if len(found) else None

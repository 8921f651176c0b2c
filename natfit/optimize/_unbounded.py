"""Whether an objective falls for ever along a logarithmic coordinate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from natfit.iterate import Iterate

#: Steps that must all go one way, and the way from the start that counts as for ever: a factor
#: of 1e13 in scale is no unit of measurement.
_STEPS, _FAR = 5, 30.0

#: Least decrease per unit of the logarithm that counts as falling, nats per row.
_SLOPE = 1e-4


def runaway(iterates: Sequence[Iterate]) -> int | None:
    """Coordinate that ran away while the objective fell in proportion to it; None without one.

    A scale that shrinks to a point mass, or a rate that grows for ever, moves by its largest
    steps and lowers f by the same amount at each. Where f levels off, the limit is a boundary.

    Returns
    -------
    int or None
        Its index in theta.
    """
    # At its limit a coordinate moves no more; the way there is what counts.
    theta = np.array([i.theta for i in iterates])
    value = np.array([i.value for i in iterates])
    moved = np.flatnonzero(np.any(np.diff(theta, axis=0) != 0.0, axis=1)) + 1
    if len(moved) <= _STEPS or iterates[-1].largest_step is None:
        return None
    last = moved[-_STEPS:]
    way = theta[last] - theta[last - 1]
    drop = value[last - 1] - value[last]
    same = np.all(way > 0, axis=0) | np.all(way < 0, axis=0)
    far = np.abs(theta[moved[-1]] - theta[0]) > _FAR
    with np.errstate(all="ignore"):
        slope = drop[:, None] / np.abs(way)
    steady = np.all(slope > _SLOPE, axis=0) & (slope.min(axis=0) > 0.5 * slope.max(axis=0))
    logarithmic = np.isfinite(iterates[-1].largest_step)
    found = np.flatnonzero(logarithmic & same & far & steady)
    return int(found[np.argmax(np.abs(way[-1, found]))]) if len(found) else None

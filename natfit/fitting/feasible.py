"""A start at which every row has a density, where fixed values and bounds have spoilt the first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np

from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import Role
from natfit.rows import Rows

#: Factors of a scale that are tried. The largest reach any row; small ones serve families whose
#: density ends because their scale is too large.
_FACTORS = (1.0, *(2.0**k for k in range(1, 11)), 2.0**15, 2.0**25, *(0.5**k for k in range(1, 8)))


def feasible(
    family: Distribution,
    rows: Rows,
    eta: np.ndarray,
    value: Callable[[np.ndarray], float],
) -> np.ndarray | None:
    """Return the best of several points near a start at which the objective is finite.

    A family makes its start for free parameters. Where some are held by ``fixed`` or ``bounds``, a
    row may lie outside the support at this start, or overflow. Scales are then stretched, locations
    moved to the ends of the data and powers made smaller; whatever else the family may change of
    the start follows.

    Parameters
    ----------
    family : Distribution
        The family, whose roles say which parameters are scales and locations.
    rows : Rows
        The data.
    eta : ndarray of shape (K,)
        The start.
    value : callable
        The objective at an eta (K,); not finite where a row has no density.

    Returns
    -------
    ndarray of shape (K,) or None
        None if the objective is finite at none of the points.
    """
    low, high, _ = family.limits
    best, least = None, np.inf
    with np.errstate(all="ignore"):
        for moved in _moves(family, rows, eta):
            clipped = np.clip(moved, low, high)
            for point in (clipped, _refined(family, rows, clipped)):
                found = value(point)
                if found < least:
                    best, least = point, found
    return best


def _refined(family: Distribution, rows: Rows, eta: np.ndarray) -> np.ndarray:
    """Return the start as the family corrects it, inside the limits."""
    low, high, _ = family.limits
    try:
        return np.clip(family.refine_start(rows, eta), low, high)
    except ValueError:
        return eta


def _moves(family: Distribution, rows: Rows, eta: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the start with scales, locations and powers changed, the smallest changes first."""
    ends = np.ravel(rows.extent()) if family.event_shape == () else np.empty(0)
    places = [None, *ends[np.isfinite(ends)].tolist()]
    moves = [(place, factor, 1.0) for place, factor in product(places, _FACTORS)]
    moves += [(None, 1.0, factor) for factor in _FACTORS if factor < 1.0]
    scalars = [name for name, constraint in family.params.items() if constraint.shape == ()]
    for place, scale, power in moves:
        moved = eta.copy()
        factors = {Role.SCALE: scale, Role.RATE: 1.0 / scale, Role.POWER: power}
        for name in scalars:
            constraint, role, block = (
                family.params[name],
                family.roles.get(name),
                family.blocks[name],
            )
            factor = 1.0 if role is None else factors.get(role, 1.0)
            native = constraint.to_native(eta[None, block]) * factor
            if role is Role.LOCATION and place is not None:
                native = np.full_like(native, place)
            if constraint.valid(native[0]):
                moved[block] = constraint.to_eta(native)[0]
        yield moved

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
    moved to the ends of the data, powers and shapes made smaller. Where that is not enough, each of
    these points is corrected as the family corrects a start, until two of them become the same.

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
    with np.errstate(all="ignore"):
        moved = [np.clip(point, low, high) for point in _moves(family, rows, eta)]
        found = [(value(point), point) for point in moved]
        if not any(np.isfinite(each) for each, _ in found):
            found = _corrected(family, rows, moved, value)
    best, point = min(found, key=lambda pair: pair[0] if np.isfinite(pair[0]) else np.inf)
    return point if np.isfinite(best) else None


def _corrected(
    family: Distribution,
    rows: Rows,
    moved: list[np.ndarray],
    value: Callable[[np.ndarray], float],
) -> list[tuple[float, np.ndarray]]:
    """Return objectives at corrected points; a family may make the same start of any of them."""
    found: list[tuple[float, np.ndarray]] = []
    for point in moved:
        refined = _refined(family, rows, point)
        again = bool(found) and np.allclose(refined, found[-1][1], rtol=1e-9)
        if again and np.isfinite(found[-1][0]):
            break
        found.append((value(refined), refined))
    return found


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
    smaller = [factor for factor in _FACTORS if factor < 1.0]
    scalars = [name for name, constraint in family.params.items() if constraint.shape == ()]
    for place, scale in product(places, _FACTORS):
        factors = {Role.SCALE: scale, Role.RATE: 1.0 / scale}
        by_name = {name: factors.get(family.roles.get(name, Role.SHAPE), 1.0) for name in scalars}
        yield _moved(family, eta, by_name, place)
    powers = [name for name in scalars if family.roles.get(name) is Role.POWER]
    shapes = [name for name in scalars if family.roles.get(name, Role.SHAPE) is Role.SHAPE]
    for names in [powers, *([name] for name in shapes)]:
        for factor in smaller:
            yield _moved(family, eta, dict.fromkeys(names, factor), None)


def _moved(
    family: Distribution, eta: np.ndarray, factors: dict[str, float], place: float | None
) -> np.ndarray:
    """Return eta with parameters multiplied by their factors, and locations at a place."""
    moved = eta.copy()
    located = [name for name in family.roles if family.roles[name] is Role.LOCATION]
    for name in {*factors, *(located if place is not None else ())} & set(family.params):
        constraint, block = family.params[name], family.blocks[name]
        native = constraint.to_native(eta[None, block]) * factors.get(name, 1.0)
        if place is not None and name in located:
            native = np.full_like(native, place)
        if constraint.valid(native[0]):
            moved[block] = constraint.to_eta(native)[0]
    return moved

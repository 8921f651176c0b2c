"""An end of an interval: a root, or the end of the range of the parameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from natfit.bijectors import Bijector
from natfit.inference.surface import Function, Surface
from natfit.objectives import Likelihood

_OTHER = {"lower": "upper", "upper": "lower"}


@dataclass(frozen=True)
class End:
    """An end of an interval.

    Attributes
    ----------
    theta : ndarray of shape (P,)
        Where it is.
    value : float
        g there.
    n_iter : int
        Number of iterations.
    reached : bool
        Whether it is a root; otherwise it is the end of the range.
    note : str
        Why it is not a root.
    """

    theta: np.ndarray
    value: float
    n_iter: int
    reached: bool = True
    note: str = ""


def end_of_range(
    surface: Surface,
    function: Function,
    theta: np.ndarray,
    side: float,
    n_iter: int,
    far: bool = False,
) -> End:
    """Return the end of an interval that has no root, from a theta at limits of its coordinates.

    The value is that of the function where these coordinates are at the ends of their ranges, if
    it has one there.

    Parameters
    ----------
    surface : Surface
        The objective over the coordinates that may move.
    function : Function
        g.
    theta : ndarray of shape (P,)
        The last theta.
    side : float
        -1 for the lower end, 1 for the upper one.
    n_iter : int
        Number of iterations so far.
    far : bool
        Whether all coordinates of g are on the way to their limits, without an end.

    Returns
    -------
    End
    """
    slope = side * function.gradient(theta)
    objective, beyond, words = surface.objective, theta.copy(), []
    out = slope != 0.0 if far else surface.outward(theta, slope)
    for k in np.flatnonzero(out & surface.moving).tolist():
        at, limit = ("lower", surface.low[k]) if slope[k] < 0.0 else ("upper", surface.high[k])
        words.append(objective.bound(k, at))
        beyond[k] = range_end(objective, k, at, float(limit))
    try:
        value = function.value(beyond)
    except (ArithmeticError, ValueError):
        # A function need not be defined at the end of a range.
        value = np.nan
    if np.isnan(value):
        value = function.value(theta)
    which = "lower" if side < 0.0 else "upper"
    where = ", ".join(words) if words else "beyond which the likelihood is not finite"
    note = f"the {which} end is that of the range, {where}: the statistic never gets that large"
    return End(theta, value, n_iter, False, note)


def range_end(objective: Likelihood, index: int, side: str, limit: float) -> float:
    """Return the coordinate at the end of a parameter's range, for which a limit stands.

    Families have practical limits, at which they equal a simpler one: Student-t's df = 1e10 stands
    for infinity. Limits that were given by a user, and rows, are ends themselves.

    Parameters
    ----------
    objective : Likelihood
        The objective.
    index : int
        The coordinate of theta.
    side : {"lower", "upper"}
        Which of its limits.
    limit : float
        The limit.

    Returns
    -------
    float
        Perhaps infinite.
    """
    if not (objective.model.shared and objective.model.unconstrained):
        return limit
    family = objective.distribution
    for name, block in family.blocks.items():
        constraint = family.params[name]
        if block.start <= index < block.stop and constraint.elementwise:
            native = _OTHER[side] if constraint.decreasing else side
            end = constraint.native_bounds[0 if native == "lower" else 1]
            if (name, native) not in family.limit_meaning:
                given = constraint.native_limits[0 if native == "lower" else 1]
                end = given if np.isfinite(given) else end
            if np.isclose(
                _native(constraint, limit, index - block.start), end, rtol=1e-9, atol=0.0
            ):
                return limit
            with np.errstate(all="ignore"):
                values = np.full((1, *constraint.shape), end)
                found = float(np.ravel(constraint.to_eta(values))[index - block.start])
            return limit if np.isnan(found) else found
    return limit


def _native(constraint: Bijector, eta: float, entry: int) -> float:
    """Return the native value of one coordinate of a constraint that acts on each."""
    with np.errstate(all="ignore"):
        found = constraint.to_native(np.full((1, constraint.size), eta))
    return float(np.ravel(found)[entry])

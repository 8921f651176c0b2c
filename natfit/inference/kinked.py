"""Constrained optima of a regression whose log-density has a kink at its location.

At given widths the location's coefficients are those of least absolute deviations, so that some
rows are met exactly; at a given location the widths are smooth. Both take turns. Each turn lowers
the objective, and the sets of rows that may be met are finitely many.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from natfit.distributions.contract.declared import Role
from natfit.inference import affine
from natfit.inference.constrained import Constrained, Refit
from natfit.inference.least_absolute import least_absolute
from natfit.inference.ridged_kinks import least_penalised
from natfit.inference.surface import Function, Surface, solved
from natfit.iterate import noise
from natfit.objectives import Likelihood
from natfit.rows import Memory, Pieces

if TYPE_CHECKING:
    from natfit.objectives import Regression

#: Largest number of entries of the features, and of coefficients, with which vertices are walked.
_ENTRIES, _COEFFICIENTS = 50_000_000, 300

#: Largest number of entries of features that are fetched for it from elsewhere: 40 MB.
_FETCHED = 5_000_000

#: How often the location and the widths take turns, and the fall of the objective, in nats per
#: row, from which on the rows that a penalised location meets are likely those of the optimum.
_TURNS, _NEAR = 60, 1e-7

#: Distance to the constrained optimum, in standard errors, at which a refit has settled.
_SETTLED = 1e-3

#: Steps to a value of a function of the location.
_TO_VALUE = 30

_JOINED = (
    "{what} a family with a kink at its location needs functions of the location's coefficients "
    "(for an interval, of one combination of them) or of the other parameters, got one of both or "
    "of several combinations; use {remedy} or a bootstrap"
)


def has_kinks(objective: Likelihood) -> bool:
    """Tell whether each row has a kink at a location with linear features."""
    return objective.kinked


def affordable(objective: Regression) -> bool:
    """Tell whether the rows are at hand, and few enough for a walk from vertex to vertex."""
    rows, part = objective.rows, location(objective)
    return (
        isinstance(rows, Memory | Pieces)
        and part.stop - part.start <= _COEFFICIENTS
        and rows.n * (rows.n_features + 1) <= (_FETCHED if rows.costly else _ENTRIES)
        and rows.n > part.stop - part.start
    )


def location(objective: Regression) -> slice:
    """Return the coefficients of the location in theta."""
    k = list(objective.distribution.roles.values()).index(Role.LOCATION)
    part: slice = objective.model.parts[k]
    return part


def deviations(
    objective: Regression, theta: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return z (n, p), y (n,) without what else its location has, and weights, at given widths."""
    part, rows = location(objective), objective.rows
    block = rows.block(0, rows.n)
    lin: Any = objective._formula.linearize(theta, block)
    loc, scale = objective.distribution.native(lin.eta)
    z = lin.features()[list(objective.distribution.roles.values()).index(Role.LOCATION)]
    weight = 1.0 / scale if block.weight is None else block.weight / scale
    return z, block.y - loc + z @ theta[part], weight


# ------------------------------------------------------------------------------ turns


def taking_turns(
    objective: Regression,
    theta: np.ndarray,
    lines: np.ndarray,
    values: np.ndarray,
    widths: Callable[[np.ndarray], Any],
) -> np.ndarray | None:
    """Return theta (P,) at the optimum with some combinations of the location's coefficients given.

    Parameters
    ----------
    objective : Regression
        One with kinks.
    theta : ndarray of shape (P,)
        The start.
    lines : ndarray of shape (q, p)
        A, whose lines are independent.
    values : ndarray of shape (q,)
        The values of ``A b``, of the location's coefficients b.
    widths : callable
        ``widths(theta)`` has the optimum of the other coefficients as ``theta``, with its
        ``value``; None where there is none.

    Returns
    -------
    ndarray of shape (P,) or None
    """
    part, value = location(objective), np.inf
    for _ in range(_TURNS):
        z, y, weight = deviations(objective, theta)
        b = least_absolute(z, y, weight, theta[part], lines, values)
        if b is None:
            return None
        theta = theta.copy()
        theta[part] = b
        found = widths(theta)
        if found is None:
            return None
        theta = found.theta
        if not found.value < value - noise(value):
            break
        value = found.value
    return theta


def penalised_turns(
    objective: Regression,
    theta: np.ndarray,
    lines: np.ndarray,
    values: np.ndarray,
    widths: Callable[[np.ndarray], Any],
    beside: tuple[np.ndarray, np.ndarray] | None,
) -> np.ndarray:
    """Return the same of a penalised location, whose widths depend on it.

    Once the rows that are met stay the same, all coefficients go to the optimum among those that
    meet these rows, on which the objective is smooth.

    Parameters
    ----------
    objective, theta, lines, values, widths
        As for :func:`taking_turns`.
    beside : tuple of ndarray of shape (r, P) and (r,), or None
        What else is given, of the other coefficients; None if it is not linear in them, and turns
        are taken to the end.

    Returns
    -------
    ndarray of shape (P,)
        Where no optimum was found, a point on the way.
    """
    part, last, value = location(objective), None, np.inf
    assert objective.ridge is not None
    ridge = objective.total * objective.ridge[part]
    for _ in range(_TURNS):
        z, y, weight = deviations(objective, theta)
        z, y = np.concatenate([z, lines]), np.concatenate([y, values])
        weight = np.concatenate([weight, np.zeros(len(lines))])
        found = least_penalised(z, y, weight, ridge, theta[part], len(lines))
        if found is None:
            return theta
        theta = theta.copy()
        theta[part], met = found
        ended = widths(theta)
        if ended is None:
            return theta
        same, last = last is not None and np.array_equal(np.sort(met), last), np.sort(met)
        fall, value = value - ended.value, ended.value
        theta = ended.theta
        if beside is None and not fall > noise(value):
            return theta
        if beside is None or not same or fall > _NEAR:
            continue
        plane = np.zeros((len(met), len(theta)))
        plane[:, part] = z[met]
        more, given = np.concatenate([plane, beside[0]]), np.concatenate([y[met], beside[1]])
        moved = affine.restricted(objective, theta, more, given)
        if not moved.value < value - noise(value):
            return theta
        theta, value = moved.theta.copy(), moved.value
        theta[part] += np.linalg.lstsq(z[met], y[met] - z[met] @ theta[part], rcond=None)[0]
    return theta


def _best(
    objective: Regression,
    theta: np.ndarray,
    own: tuple[np.ndarray, np.ndarray],
    beside: tuple[np.ndarray, np.ndarray],
    widths: Callable[[np.ndarray], Any] | None = None,
) -> np.ndarray | None:
    """Return the optimum where lines (q, P) of the location, and others beside it, have values."""
    part = location(objective)
    of_location = tuple(range(part.start, part.stop))

    def smooth(at: np.ndarray) -> affine.Restricted:
        return affine.restricted(objective, at, *beside, of_location)

    lines, values = own[0][:, part], own[1]
    rule = smooth if widths is None else widths
    if objective.ridge is not None and objective.ridge[part].any():
        joint = beside if widths is None else None
        return penalised_turns(objective, theta, lines, values, rule, joint)
    return taking_turns(objective, theta, lines, values, rule)


# ------------------------------------------------------------------------------ refits


def restricted(
    objective: Likelihood,
    theta: np.ndarray,
    lines: np.ndarray,
    values: np.ndarray,
    held: tuple[int, ...] = (),
) -> affine.Restricted:
    """Return the optimum of f among the theta with ``A theta = b``, of any objective.

    Parameters
    ----------
    objective, theta, lines, values, held
        As for :func:`natfit.inference.affine.restricted`, which serves where there are no kinks.

    Returns
    -------
    Restricted

    Raises
    ------
    ValueError
        If a line joins coefficients of a location with kinks with others, or there are too many
        rows.
    """
    if not has_kinks(objective):
        return affine.restricted(objective, theta, lines, values, held)
    objective = cast("Regression", objective)
    _refuse_many(objective)
    fixed = [k for k in held if not np.any(lines[:, k])]
    known = np.eye(len(theta))[fixed]
    lines = np.concatenate([lines, known])
    values = np.concatenate([values, known @ theta])
    part = location(objective)
    of_location = np.any(lines[:, part] != 0.0, axis=1)
    if np.any(np.delete(lines, np.arange(len(theta))[part], axis=1)[of_location] != 0.0):
        raise ValueError(_JOINED.format(what="a hypothesis on", remedy="wald_test"))
    own = lines[of_location], values[of_location]
    end = _best(objective, theta, own, (lines[~of_location], values[~of_location]))
    if end is None:
        return affine.Restricted(theta, np.inf, False)
    value, grad = objective.value_and_grad(end)[0], gradient_under(objective, end, lines)
    rest = grad - lines.T @ np.linalg.lstsq(lines.T, grad, rcond=None)[0]
    matrix = Surface(objective).curvature(end)[0]
    away = float(np.sqrt(max(objective.total * float(rest @ solved(matrix, rest)), 0.0)))
    return affine.Restricted(end, float(value), bool(np.isfinite(value) and away <= _SETTLED))


def gradient_under(objective: Likelihood, theta: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """Return the gradient (P,) at an optimum where some lines (q, P) of theta have given values.

    Where rows are at their kinks it is the element of the subdifferential that is nearest to the
    span of the lines, in which the multipliers of the optimum are.

    Returns
    -------
    ndarray of shape (P,)
    """
    if has_kinks(objective):
        return objective.gradient_beside(theta, lines)  # type: ignore[attr-defined]  # a regression
    return objective.first_order(theta)[1]


def refitted(
    surface: Surface, function: Function, target: float, theta: np.ndarray
) -> Refit | None:
    """Return the optimum of f among the theta at which a function g has a value.

    Parameters
    ----------
    surface : Surface
        The objective over the coordinates that may move.
    function : Function
        g; with kinks, one that :func:`refuse_joined` lets pass.
    target : float
        The value.
    theta : ndarray of shape (P,)
        The start.

    Returns
    -------
    Refit or None
        None if no theta with a finite f was found that has the value.
    """
    if not has_kinks(surface.objective):
        return Constrained(surface, function, target).refit(theta)
    objective: Any = surface.objective
    known = np.eye(len(theta))[~surface.moving]
    part = location(objective)
    of_location = np.any(known[:, part] != 0.0, axis=1)
    own, beside = known[of_location], known[~of_location]
    slope, widths = np.where(surface.moving, function.gradient(theta), 0.0), None
    if np.any(slope[part]):
        there = _to_value(function, target, theta, slope)
        if there is None:
            return None
        theta, own = there, np.concatenate([own, slope[None]])
    else:
        of_location_too = {*range(part.start, part.stop), *np.flatnonzero(~surface.moving)}
        inner = Surface(objective, tuple(int(k) for k in of_location_too))

        def widths(at: np.ndarray) -> Refit | None:
            return Constrained(inner, function, target).refit(at)

    end = _best(objective, theta, (own, own @ theta), (beside, beside @ theta), widths)
    return None if end is None else _refit_at(surface, function, end)


def _refit_at(surface: Surface, function: Function, theta: np.ndarray) -> Refit:
    """Return what a refit that ended at theta has."""
    value = surface.first(theta)[0]
    slope = np.where(surface.moving, function.gradient(theta), 0.0)
    known = np.eye(len(theta))[~surface.moving]
    lines = np.concatenate([slope[None], known])
    grad = np.where(surface.moving, gradient_under(surface.objective, theta, lines), 0.0)
    matrix, _ = surface.curvature(theta)
    rest, multiplier, distance = surface.rest(theta, grad, slope, matrix)
    return Refit(theta, value, multiplier, matrix, rest, 1, distance <= _SETTLED)


def _to_value(
    function: Function, target: float, theta: np.ndarray, slope: np.ndarray
) -> np.ndarray | None:
    """Return theta moved along the slope of a function of one combination, to where it is met."""
    way = slope / float(slope @ slope)
    for _ in range(_TO_VALUE):
        gap = target - function.value(theta)
        along = float(function.gradient(theta) @ way)
        if not (np.isfinite(gap) and along > 0.0):
            return None
        if abs(gap) <= 4.0 * np.spacing(max(abs(target), abs(function.value(theta)))):
            return theta
        theta = theta + (gap / along) * way
    return theta


# ------------------------------------------------------------------------------ refusals


def refuse_joined(surface: Surface, function: Function, theta: np.ndarray) -> None:
    """Raise ValueError for a function whose levels no walk along kinks follows.

    It must depend on one combination of the location's coefficients, or on the widths alone.

    Parameters
    ----------
    surface : Surface
        The objective over the coordinates that may move.
    function : Function
        g.
    theta : ndarray of shape (P,)
        The estimate.

    Raises
    ------
    ValueError
        If it depends on both or on several combinations, or there are too many rows.
    """
    if not has_kinks(surface.objective):
        return
    objective: Any = surface.objective
    _refuse_many(objective)
    part = location(objective)
    spread = surface.widths(surface.curvature(theta)[0])
    slopes = [
        np.where(surface.moving, function.gradient(theta + s * spread), 0.0)
        for s in (0.0, -1.0, 0.5)
    ]
    own = np.array([slope[part] for slope in slopes])
    if not own.any():
        return
    other = [np.delete(slope, np.arange(len(theta))[part]) for slope in slopes]
    size = np.linalg.norm(own, axis=1)
    along = np.abs(own @ own[0])
    if np.any(other) or not (along >= (1.0 - 1e-12) * size * size[0]).all():
        what, remedy = "a profile or score interval of", "method='wald', method='delta'"
        raise ValueError(_JOINED.format(what=what, remedy=remedy))


def _refuse_many(objective: Regression) -> None:
    if not affordable(objective):
        raise ValueError(
            "a constrained fit of a family with a kink at its location needs all rows in memory, "
            f"more of them than coefficients, at most {_COEFFICIENTS} coefficients of the "
            f"location and {_ENTRIES:,} entries of X ({_FETCHED:,} of rows elsewhere), got "
            f"{objective.rows.n:,} rows and "
            f"{objective.n_params} coefficients; use method='wald' (wald_test) or a bootstrap"
        )

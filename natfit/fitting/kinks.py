"""The optimum of a regression whose log-density has a kink at the location: a vertex.

The sum over rows of v_i |y_i - z_i' b| is least where as many rows as there are coefficients are
met exactly. From one such vertex a descent goes to the next along an edge, on which one row is
left; the weighted median of the crossings says where the edge ends (Barrodale and Roberts 1973).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy.linalg import qr

from natfit.distributions.contract.declared import Role
from natfit.fitting.ridged_kinks import least_penalised
from natfit.inference import affine
from natfit.iterate import noise
from natfit.models.linear_predictors import LinearPredictors
from natfit.objectives import Likelihood, Regression
from natfit.optimize import Engine, run
from natfit.rows import Memory

#: Largest number of entries of the features, and of coefficients, with which vertices are walked.
_ENTRIES, _COEFFICIENTS = 50_000_000, 300

#: Iterations before the first vertex, those between two, and how often the widths are renewed.
_BEFORE, _BETWEEN, _ROUNDS = 8, 30, 10

#: How often a penalised location and the widths take turns, and the fall of the objective, in nats
#: per row, from which on the rows that are met are likely those of the optimum.
_TURNS, _NEAR = 60, 1e-7

#: Share of a row's weight by which the multiplier of a row may exceed it.
_ROUNDING = 1e-9


def at_kinks(
    objective: Likelihood, engine: Engine, theta: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return a start (P,) at the best vertex, where the family has a kink at its location.

    Parameters
    ----------
    objective : Likelihood
        Any; another one than a regression with a kink keeps its start.
    engine : Engine
        The engine of the fit.
    theta : ndarray of shape (P,)
        The start.
    rng : numpy.random.Generator
        The generator of the fit.

    Returns
    -------
    ndarray of shape (P,)
    """
    if not (isinstance(objective, Regression) and objective.kinked and _affordable(objective)):
        return theta
    if objective.explained(theta) is not None:
        # A vertex that meets all rows has no width.
        return theta
    theta = run(objective, _short(engine, _BEFORE), theta, rng).theta
    if objective.ridge is not None and objective.ridge[_location(objective)].any():
        return _penalised(objective, theta)
    for _ in range(_ROUNDS):
        found = _vertex(objective, theta)
        if found is None:
            return theta
        ended = run(objective, _short(engine, _BETWEEN), found, rng)
        theta = ended.theta
        if ended.status.good:
            break
    return theta


def _short(engine: Engine, most: int) -> Engine:
    return replace(engine, max_iter=min(most, engine.max_iter), metric=engine.metric.anew())


def _affordable(objective: Regression) -> bool:
    rows, model = objective.rows, objective.model
    part = _location(objective)
    return (
        isinstance(rows, Memory)
        and isinstance(model, LinearPredictors)
        and part.stop - part.start <= _COEFFICIENTS
        and rows.n * (rows.n_features + 1) <= _ENTRIES
        and rows.n > part.stop - part.start
    )


def _location(objective: Regression) -> slice:
    """Return the coefficients of the location in theta."""
    k = list(objective.distribution.roles.values()).index(Role.LOCATION)
    part: slice = objective.model.parts[k]
    return part


def _deviations(
    objective: Regression, theta: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return z (n, p), y (n,) without what else its location has, and weights, at given widths."""
    part, rows = _location(objective), objective.rows
    block = rows.block(0, rows.n)
    lin: Any = objective._formula.linearize(theta, block)
    loc, scale = objective.distribution.native(lin.eta)
    z = lin.features()[list(objective.distribution.roles.values()).index(Role.LOCATION)]
    weight = 1.0 / scale if block.weight is None else block.weight / scale
    return z, block.y - loc + z @ theta[part], weight


def _vertex(objective: Regression, theta: np.ndarray) -> np.ndarray | None:
    """Return theta with the location at the best vertex, the widths of rows being given."""
    part = _location(objective)
    b = least_absolute(*_deviations(objective, theta), theta[part])
    if b is None:
        return None
    out = theta.copy()
    out[part] = b
    return out


def _penalised(objective: Regression, theta: np.ndarray) -> np.ndarray:
    """Return theta (P,) at the penalised optimum, where the widths depend on the location.

    Location and widths take turns until the rows that are met stay the same. Then all coefficients
    go to the optimum among those that meet these rows, on which the objective is smooth.

    Returns
    -------
    ndarray of shape (P,)
    """
    part, last, value = _location(objective), None, np.inf
    assert objective.ridge is not None
    ridge = objective.total * objective.ridge[part]
    of_location = tuple(range(part.start, part.stop))
    nothing = np.zeros((0, len(theta))), np.zeros(0)
    for _ in range(_TURNS):
        z, y, weight = _deviations(objective, theta)
        found = least_penalised(z, y, weight, ridge, theta[part])
        if found is None:
            return theta
        theta = theta.copy()
        theta[part], met = found
        widths = affine.restricted(objective, theta, *nothing, of_location)
        same, last = last is not None and np.array_equal(np.sort(met), last), np.sort(met)
        fall, value = value - widths.value, widths.value
        theta = widths.theta
        if not same or fall > _NEAR:
            continue
        lines = np.zeros((len(met), len(theta)))
        lines[:, part] = z[met]
        moved = affine.restricted(objective, theta, lines, y[met])
        if not moved.value < value - noise(value):
            return theta
        theta, value = moved.theta.copy(), moved.value
        theta[part] += np.linalg.lstsq(z[met], y[met] - z[met] @ theta[part], rcond=None)[0]
    return theta


def least_absolute(
    z: np.ndarray, y: np.ndarray, weight: np.ndarray, start: np.ndarray
) -> np.ndarray | None:
    """Return b (p,) with the least sum of w_i |y_i - z_i' b|, or None if z has not full rank.

    Parameters
    ----------
    z : ndarray of shape (n, p)
        Features, with the intercept.
    y : ndarray of shape (n,)
        What is explained.
    weight : ndarray of shape (n,)
        Weights, positive.
    start : ndarray of shape (p,)
        A point near the minimum.

    Returns
    -------
    ndarray of shape (p,) or None
    """
    p = z.shape[1]
    near = np.argsort(np.abs(y - z @ start), kind="stable")
    basis = _independent(z, near[: max(5 * p, 50)])
    basis = _independent(z, near) if basis is None else basis
    if basis is None:
        return None
    b = np.linalg.solve(z[basis], y[basis])
    for _ in range(1_000 + 50 * p):
        gap = y - z @ b
        gap[np.abs(gap) <= 1e-13 * (np.abs(y) + np.abs(gap).max())] = 0.0
        gap[basis] = 0.0
        pull = np.linalg.solve(z[basis].T, z.T @ (weight * np.sign(gap)))
        moved = _edge(z, gap, weight, basis, pull)
        if moved is None:
            break
        leaves, enters = moved
        basis[leaves] = enters
        b = np.linalg.solve(z[basis], y[basis])
    return b


def _independent(z: np.ndarray, rows: np.ndarray) -> np.ndarray | None:
    """Return p of some rows (m,) whose features are independent, or None."""
    r, order = qr(z[rows].T, mode="r", pivoting=True)
    p = z.shape[1]
    size = np.abs(np.diagonal(r))
    if len(rows) < p or not size[p - 1] > 1e-10 * size[0]:
        return None
    return rows[order[:p]].copy()


def _edge(
    z: np.ndarray, gap: np.ndarray, weight: np.ndarray, basis: np.ndarray, pull: np.ndarray
) -> tuple[int, int] | None:
    """Return which row of the basis is left and which row is met, or None at the minimum."""
    excess = np.abs(pull) - weight[basis] * (1.0 + _ROUNDING)
    for leaves in np.argsort(-excess):
        if not excess[leaves] > _ROUNDING * np.abs(pull).max():
            return None
        unit = np.zeros(len(basis))
        unit[leaves] = np.sign(pull[leaves])
        speed = z @ np.linalg.solve(z[basis], unit)
        speed[basis] = 0.0
        # Rows that are met by chance, outside the basis, hold back on either way.
        tied = (gap == 0.0) & (np.abs(speed) > 1e-12 * np.abs(speed).max())
        slope = weight[basis[leaves]] - abs(pull[leaves]) + weight[tied] @ np.abs(speed[tied])
        ahead = np.flatnonzero(gap * speed > 0.0)
        if not slope < 0.0 or not len(ahead):
            continue
        order = ahead[np.argsort(gap[ahead] / speed[ahead])]
        rise = slope + 2.0 * np.cumsum(weight[order] * np.abs(speed[order]))
        at = int(np.searchsorted(rise >= 0.0, True))
        return int(leaves), int(order[min(at, len(order) - 1)])
    return None

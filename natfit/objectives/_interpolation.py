"""Whether the features of a regression explain every row exactly, so that a width runs to zero."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.linalg import lstsq
from scipy.sparse.linalg import LinearOperator as Operator
from scipy.sparse.linalg import lsqr

from natfit.bijectors import Bijector
from natfit.distributions.contract.declared import Role
from natfit.models.linear_predictors import LinearPredictors
from natfit.objectives._formula import Formula
from natfit.objectives._ways import ROUNDING
from natfit.objectives.base import NoMinimum
from natfit.rows import Block

if TYPE_CHECKING:
    from natfit.objectives.regression import Regression

#: Logarithm of the factor by which a width must have fallen before interpolation is suspected.
_NARROWED = 7.0

#: Share of the way to the rows up to which they are explained exactly, and the logarithm of the
#: factor by which a width must then be able to fall.
_MET, _ROOM = 1e-12, 10.0

#: Largest number of products with which rows are solved for directly, largest number of rows that
#: are all solved for, and of passes over them.
_PRODUCTS, _ROWS, _PASSES = 2e8, 4_000, 100

#: Rows beside as many as coefficients that are solved for first.
_SPARE = 10

#: What a parameter must be for a density to follow y by it.
_PLACES = (Role.LOCATION, Role.MEAN, Role.SCALE)

#: Units of rounding of y to which a width must be able to fall.
_FLOOR = 1e3 * float(np.finfo(float).eps)


def interpolation(objective: Regression, path: Sequence[np.ndarray]) -> NoMinimum | None:
    """Return that the features explain every row exactly, where a width runs to zero."""
    model, family = objective.model, objective.distribution
    if not isinstance(model, LinearPredictors) or len(path) < 2 or not family.widths:
        return None
    bases = model.intercepts()
    exact = objective.explained(path[0])
    for name, width in family.widths.items():
        block = family.blocks[name]
        base = bases[block.start]
        if block.stop - block.start != 1 or base is None or family.params[name].decreasing:
            continue
        shrunk = width.power * float(path[-1][base] - path[0][base])
        if exact is None and not shrunk < -_NARROWED:
            continue
        spread, size = _spread(objective)
        floor = _FLOOR if abs(width.power) == 1.0 else np.sqrt(_FLOOR)
        room = shrunk - np.log(floor * max(1.0, size / spread))
        way = np.zeros(family.n_params)
        way[block.start] = -1.0 / width.power
        at, room = (path[-1], room) if exact is None else (exact, _ROOM)
        with np.errstate(all="ignore"):
            falls = room > 1.0 and objective.rows.sum(
                _narrow_part, objective._formula, at, way, room
            )
        if falls:
            continue
        side = "lower" if width.power > 0 else "upper"
        n, p = objective.rows.n, len(path[-1])
        return NoMinimum(
            f"the likelihood grows without limit as {objective.bound(base, side)}: the features "
            f"explain every row exactly ({p} parameters, {n} rows)",
            "use fewer columns than rows, or a family without a width; a penalty "
            "alpha does not keep the width from zero, and has at most a local optimum beside it",
        )
    return None


def places(objective: Regression) -> list[tuple[int, Bijector]]:
    """Return the entries of eta that can follow y, with what they stand for."""
    family = objective.distribution
    if not family.information.complete or family.event_shape != ():
        return []
    return [
        (family.blocks[name].start, constraint)
        for name, constraint in family.params.items()
        if family.roles.get(name) in _PLACES and name not in family.widths
    ]


def explained(objective: Regression, theta: np.ndarray) -> np.ndarray | None:
    """Return a theta (P,) whose features explain each row exactly, by a location or a mean.

    Some more rows than coefficients are solved for first, since the others must follow.

    Returns
    -------
    ndarray of shape (P,) or None
    """
    rows, model = objective.rows, objective.model
    if not isinstance(model, LinearPredictors):
        return None
    for k, constraint in places(objective):
        p = model.parts[k].stop - model.parts[k].start
        some = min(rows.n, p + _SPARE)
        for n in (some, rows.n) if some < rows.n <= _ROWS else (some,):
            with np.errstate(all="ignore"):
                found = _solved(objective, theta, rows.few(n), k, constraint)
                if found is None:
                    break
                gap = rows.map(gap_part, objective._formula, found[0], k, constraint)
            if np.abs(gap).max() <= _MET * found[1]:
                return found[0]
    return None


def _solved(
    objective: Regression, theta: np.ndarray, block: Block, k: int, constraint: Bijector
) -> tuple[np.ndarray, float] | None:
    """Return theta (P,) at which eta_k of some rows is that of their y, and its largest change.

    With more features than rows, and more products than are cheap, the rows are solved for by
    products with the features.

    Returns
    -------
    tuple of ndarray of shape (P,) and float, or None
        None if there is no such theta.
    """
    part = objective.model.parts[k]
    n, p = block.n, part.stop - part.start
    lin: Any = objective._formula.linearize(theta, block)
    gap = constraint.to_eta(block.y)[:, 0] - lin.eta[:, k]
    size = float(np.abs(gap).max())
    if not np.isfinite(gap).all():
        return None
    found = theta.copy()
    if n * p * min(n, p) <= _PRODUCTS:
        delta = lstsq(lin.features()[k], gap, cond=_MET, lapack_driver="gelsy")[0]
    elif n <= min(p, _ROWS):
        delta = lsqr(_Part(lin, k, part), gap, atol=0.0, btol=0.1 * _MET, iter_lim=_PASSES)[0]
    else:
        return None
    found[part] += delta
    left = constraint.to_eta(block.y)[:, 0] - objective._formula.linearize(found, block).eta[:, k]
    return (found, size) if np.abs(left).max() <= _MET * size else None


class _Part(Operator):
    """J of one entry of eta in its own coefficients, (n, P_k)."""

    def __init__(self, lin: Any, k: int, part: slice):
        self._lin, self._k, self._own = lin, k, part
        self._size = lin.eta.shape[1], len(lin.vjp(0.0 * lin.eta))
        super().__init__(float, (len(lin.eta), part.stop - part.start))

    def _matvec(self, v: np.ndarray) -> np.ndarray:
        whole = np.zeros(self._size[1])
        whole[self._own] = v.ravel()
        found: np.ndarray = self._lin.jvp(whole)[:, self._k]
        return found

    def _rmatvec(self, u: np.ndarray) -> np.ndarray:
        whole = np.zeros((self.shape[0], self._size[0]))
        whole[:, self._k] = u.ravel()
        found: np.ndarray = self._lin.vjp(whole)[self._own]
        return found


def gap_part(
    block: Block, formula: Formula, theta: np.ndarray, k: int, constraint: Bijector
) -> np.ndarray:
    """Return what is left of y in eta_k of each row, (n,)."""
    gap: np.ndarray = constraint.to_eta(block.y)[:, 0] - formula.linearize(theta, block).eta[:, k]
    return gap


def _spread(objective: Regression) -> tuple[float, float]:
    """Return the spread of y and its size, of a few rows."""
    y = np.asarray(objective.rows.few().y, dtype=float)
    y = y[np.isfinite(y)]
    spread = float(y.std()) if y.size else 0.0
    return spread or 1.0, float(np.abs(y).max(initial=0.0))


def _narrow_part(
    block: Block, formula: Formula, theta: np.ndarray, way: np.ndarray, room: float
) -> int:
    """Return how many rows become less likely as a width shrinks by the factor exp(room)."""
    eta = formula.linearize(theta, block).eta
    family = formula.distribution
    low, high = family.row_limits
    before, falls = family.log_prob(block.y, eta), np.zeros(len(eta), dtype=bool)
    for part in (0.1, 0.25, 0.5, 0.75, 1.0):
        now = family.log_prob(block.y, np.clip(eta + part * room * way, low, high))
        falls |= ~(now >= before - ROUNDING * (1.0 + np.abs(before)))
        before = now
    return int(falls.sum())

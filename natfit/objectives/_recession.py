"""Whether the likelihood of a regression grows without limit in a direction of theta.

Along a direction d the eta of row i moves by t J_i d. If log p of no row falls for any t > 0 and
that of some rises, the likelihood has no maximum: a column separates classes, or a group of rows
has no events. Where the features explain every row exactly, the width of the density runs to zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from natfit.models.linear_predictors import LinearPredictors
from natfit.objectives._formula import Formula, weighted
from natfit.objectives.base import NoMinimum, listed
from natfit.rows import Block

if TYPE_CHECKING:
    from natfit.objectives.regression import Regression

#: Change of a logarithm in any row below which a fit is at rest, as for coordinates of theta.
SETTLED = 0.1

#: Maximum number of coordinates for which a direction is sought.
_AFFORDABLE = 2_000

#: Largest motion of a row in the last moves below which nothing recedes.
_MOVING = 0.1

#: Motions, in units of logarithms, after which the information of what recedes has vanished: that
#: of rows that move as fast as any, or more slowly.
_FAR = (60.0, 3e3, 1e6)

#: Share of the largest motion below which the one of a direction is rounding.
_STILL = 1e-7

#: Lengths of the way, in units of the largest motion, at which no row may be less likely; the
#: first ones must be finite.
_LENGTHS, _FINITE = (1.0, 10.0, 100.0, 1e3, 1e5), 3

#: Lengths of the way back on one of which the rows must lose as many nats together.
_BACK, _LOSS = (10.0, 1e3, 1e5), 1e-3

#: Change of log p, in units of its size and 1, that rounding explains.
ROUNDING = 1e-9

#: Share of the largest coefficient, in units of the features' spread, from which one is named, and
#: share of the largest intercept below which all coefficients are rounding.
_NAMED, _TRACE = 0.1, 1e-4

#: Eigenvalue of the information far out, in units of that at the end, of what recedes.
_NULL = 1e-11


def units(objective: Regression, theta: np.ndarray) -> np.ndarray:
    """Return the unit (K,) of each entry of eta in which motion is measured; infinite for none.

    Logarithms and logits have the unit 1. A location moves without end only where rows are
    censored, and then in units of its information.

    Returns
    -------
    ndarray of shape (K,)
        Positive.
    """
    family = objective.distribution
    step = family.limits[2]
    unit = np.where(np.isfinite(step), 1.0, np.inf)
    if family.support is not None and family.support.integer:
        return np.ones(len(step))
    if not family.information.complete and np.isinf(unit).any():
        with np.errstate(all="ignore"):
            square, total = objective._watched.sum(_score_part, objective._formula, theta)
        size = np.sqrt(np.maximum(square / total, np.finfo(float).tiny))
        unit = np.where(np.isfinite(step), 1.0, 1.0 / size)
    return unit


def _score_part(block: Block, formula: Formula, theta: np.ndarray) -> tuple[np.ndarray, float]:
    score = formula.distribution.score(block.y, formula.linearize(theta, block).eta)
    total = float(block.n) if block.weight is None else float(block.weight.sum())
    return weighted(np.square(score), block.weight), total


def settled(objective: Regression, theta: np.ndarray, step: np.ndarray) -> bool:
    """Tell whether a natural step (P,) moves no logarithm in any row by more than a tenth."""
    unit = units(objective, theta)
    if np.isinf(unit).all():
        return True
    model = objective.model
    if isinstance(model, LinearPredictors) and (np.isfinite(unit) <= (unit == 1.0)).all():
        # In units of its spread no feature exceeds sqrt(W), so that most fits need no pass.
        if float(np.abs(step).sum()) * np.sqrt(objective.yardstick) < 0.1 * SETTLED:
            return True
    known = _constant_motion(objective, step, unit)
    if known is not None:
        return known <= SETTLED
    for rows in (objective._watched, objective.rows):
        motion = rows.map(_motion_part, objective._formula, theta, step, unit)
        if not float(motion.max(initial=0.0)) <= SETTLED:
            return False
        if rows.n == objective.rows.n:
            break
    return True


def _constant_motion(objective: Regression, step: np.ndarray, unit: np.ndarray) -> float | None:
    """Return the largest motion of a row where no feature drives what is measured, else None."""
    model = objective.model
    if not isinstance(model, LinearPredictors):
        return None
    moving = [k for k in range(len(unit)) if np.isfinite(unit[k])]
    if any(len(model._predictors[k][0]) for k in moving):
        return None
    return max((float(np.abs(step[model.parts[k]]).max()) / unit[k] for k in moving), default=0.0)


def _motion_part(
    block: Block, formula: Formula, theta: np.ndarray, step: np.ndarray, unit: np.ndarray
) -> np.ndarray:
    """Return the largest motion of each row, (n,), in units of its entries."""
    return _sizes(formula.linearize(theta, block).jvp(step), unit).max(axis=1)


def _sizes(u: np.ndarray, unit: np.ndarray) -> np.ndarray:
    return np.abs(u) / unit


def separation(objective: Regression, path: Sequence[np.ndarray]) -> NoMinimum | None:
    """Return why there is no maximum in the direction of the last moves of a path, if so."""
    theta = path[-1]
    if len(theta) > _AFFORDABLE or len(path) < 2:
        return None
    unit = units(objective, theta)
    if np.isinf(unit).all():
        return None
    last = theta - path[-2]
    if objective.ridge is not None and objective.mix is None:
        # What is penalised cannot recede.
        free = np.abs(last[objective.ridge == 0.0])
        if not float(free.sum()) > _MOVING:
            return None
    known = _constant_motion(objective, last, unit)
    if known is not None and not known > _MOVING:
        return None
    with np.errstate(all="ignore"):
        moved = objective.rows.map(_motion_part, objective._formula, theta, last, unit)
        if not float(moved.max()) > _MOVING:
            return None
        for before in (path[0], path[max(len(path) - 4, 0)], path[-2]):
            found = _certified(objective, path, before, unit)
            if found is not None:
                return _words(objective, found)
    return None


def _certified(
    objective: Regression, path: Sequence[np.ndarray], before: np.ndarray, unit: np.ndarray
) -> np.ndarray | None:
    """Return a direction near the move from ``before`` along which no row becomes less likely.

    Far along the move the information of what recedes has vanished. What still has some stays:
    the direction is freed of it, because the moves have come there only nearly.

    Returns
    -------
    ndarray of shape (P,) or None
    """
    formula, rows = objective._formula, objective.rows
    theta, moved = path[-1], path[-1] - before
    if not moved.any() or not np.isfinite(moved).all():
        return None
    most = float(rows.map(_motion_part, formula, theta, moved, unit).max())
    if not 0.0 < most < np.inf:
        return None
    size = np.sqrt(np.diagonal(rows.sum(_far_part, formula, path[0], 0.0 * moved)))
    size = np.where(size > 0, size, 1.0)
    if _recedes(objective, theta, moved / most, unit):
        return moved / most
    for length in _FAR:
        gram = rows.sum(_far_part, formula, theta, length / most * moved)
        way = _free_of(objective, gram / np.outer(size, size), moved * size)
        if way is None:
            continue
        way = way / size
        top = float(rows.map(_motion_part, formula, theta, way, unit).max())
        if not top > 0.5 * most:
            continue
        way = np.where(np.abs(way) < _STILL * np.abs(way).max(), 0.0, way / top)
        if _recedes(objective, theta, way, unit):
            return way
    return None


def _recedes(objective: Regression, theta: np.ndarray, way: np.ndarray, unit: np.ndarray) -> bool:
    """Tell whether along a way no row becomes less likely, nor a penalty larger."""
    if objective.ridge is not None and way[objective.ridge > 0].any():
        return False
    falls, loss = objective.rows.sum(_way_part, objective._formula, theta, way, unit)
    return bool(falls == 0 and loss > _LOSS)


def _far_part(block: Block, formula: Formula, theta: np.ndarray, delta: np.ndarray) -> np.ndarray:
    """Return the sum of J_i' C_i J_i with C at eta_i + J_i delta, (P, P)."""
    lin = formula.linearize(theta, block)
    low, high = formula.distribution.row_limits
    eta = np.clip(lin.eta + lin.jvp(delta), low, high)
    c = formula.distribution.observed_curvature(block.y, eta).dense(block.n)
    # Where C is not a number, the check of the direction decides.
    c = np.nan_to_num(c, nan=0.0, posinf=0.0, neginf=0.0)
    values, vectors = np.linalg.eigh(c)
    c = (vectors * np.abs(values)[:, None, :]) @ np.swapaxes(vectors, 1, 2)
    if block.weight is not None:
        c = c * block.weight[:, None, None]
    return lin.gram(c)


def _free_of(objective: Regression, gram: np.ndarray, moved: np.ndarray) -> np.ndarray | None:
    """Return the part of a direction that moves no row with information, nor a penalty."""
    if objective.ridge is not None:
        held = np.flatnonzero(objective.ridge)
        gram[held, held] += 1.0
    if not gram.any():
        return moved
    if not np.isfinite(gram).all():
        return None
    values, vectors = np.linalg.eigh(gram)
    null = vectors[:, values <= _NULL]
    return null @ (null.T @ moved) if null.shape[1] else None


def _way_part(
    block: Block, formula: Formula, theta: np.ndarray, way: np.ndarray, unit: np.ndarray
) -> tuple[int, float]:
    """Return how many rows become less likely along a way, and what the way back loses, in nats."""
    lin = formula.linearize(theta, block)
    u = lin.jvp(way)
    u = np.where(_sizes(u, np.where(np.isfinite(unit), unit, 1.0)) < _STILL, 0.0, u)
    moves = u.any(axis=1)
    if not moves.any():
        return 0, 0.0
    y, eta, u = block.y[moves], lin.eta[moves], u[moves]
    family = formula.distribution
    low, high = family.row_limits
    before = start = family.log_prob(y, np.clip(eta, low, high))
    falls = ~np.isfinite(start)
    for at, length in enumerate(_LENGTHS):
        now = family.log_prob(y, np.clip(eta + length * u, low, high))
        known = np.isfinite(now)
        least = before - ROUNDING * (1.0 + np.abs(before))
        falls |= (now < least) if at >= _FINITE else ~(now >= least)
        before = np.where(known, now, before)
    loss = np.zeros(len(u))
    for length in _BACK:
        back = family.log_prob(y, np.clip(eta - length * u, low, high))
        loss = np.maximum(loss, np.where(np.isfinite(back), start - back, 1.0))
    return int(falls.sum()), float(loss.sum())


def _family_limits(objective: Regression, way: np.ndarray) -> list[str]:
    """Return the limits of the family that a way leads to, if it moves no parameter of the mean."""
    model, family = objective.model, objective.distribution
    if not isinstance(model, LinearPredictors):
        return []
    size = np.abs(way)
    moving = [k for k, part in enumerate(model.parts) if size[part].max() > _NAMED * size.max()]
    of = {k: name for name, block in family.blocks.items() for k in range(block.start, block.stop)}
    names = list(dict.fromkeys(of[k] for k in moving))
    meanings = [
        f"{name}, {family.limit_meaning[name, side]}"
        for name in names
        for side in ("lower", "upper")
        if (name, side) in family.limit_meaning
    ]
    return [] if family.driven in names or len(meanings) < len(names) else meanings


def _told(objective: Regression, way: np.ndarray) -> tuple[Sequence[str], np.ndarray, np.ndarray]:
    """Return names of coefficients, how they move along a way, and which are no intercepts.

    Of classes all logits are told, as differences from the middle one, so that classes that stay
    where they are have none.

    Returns
    -------
    names : sequence of str
    way : ndarray of shape (M,)
    alone : ndarray of bool, shape (M,)
    """
    model = objective.model
    names, alone = objective.names(), np.ones(len(way), dtype=bool)
    if not isinstance(model, LinearPredictors):
        return names, way, alone
    alone[[i for i in model.intercepts() if i is not None]] = False
    size = objective.distribution.n_params
    labels = model.labels
    if objective.distribution.contrast is None or labels is None or len(labels) != size + 1:
        return names, way, alone
    every = np.vstack([way.reshape(size, -1), np.zeros(len(way) // size)])
    every -= np.median(every, axis=0)
    last = [f"{labels[-1]}{name[len(labels[0]) :]}" for name in names[: every.shape[1]]]
    return [*names, *last], every.ravel(), np.append(alone, alone[: every.shape[1]])


def _words(objective: Regression, way: np.ndarray) -> NoMinimum:
    """Return what separates, with the columns that do so."""
    family = objective.distribution
    limits = _family_limits(objective, way)
    names, way, alone = _told(objective, way)
    size = np.abs(way)
    most = size[alone].max(initial=0.0)
    columns = most > _TRACE * size.max()
    named = np.flatnonzero(
        alone & (size > _NAMED * most) if columns else size > _NAMED * size.max()
    )
    order = named[np.argsort(-size[named], kind="stable")]
    ends = [f"{names[i]} -> {'inf' if way[i] > 0 else '-inf'}" for i in order.tolist()]
    if limits:
        return NoMinimum(
            f"the likelihood grows without limit as {listed(ends)}: along this direction no row "
            f"becomes less likely (the family tends to a limit in some rows: {listed(limits)})",
            "use the simpler family that the limit stands for, or give the parameter no features",
        )
    # Jeffreys' prior is that of families whose information is cheap by rows.
    jeffreys = family.information.measures and family.fisher_by_rows
    remedies = ["prior='jeffreys'"] * bool(jeffreys) + ["a penalty alpha > 0"]
    return NoMinimum(
        f"the likelihood grows without limit as {listed(ends)}: along this direction no row "
        "becomes less likely (the rows are separated, or a group of them has no events)",
        f"use {' or '.join(remedies)}, drop these columns, or join groups of rows",
    )

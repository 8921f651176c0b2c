"""Whether the likelihood of a regression grows without limit in a direction of theta.

Along a direction d the eta of row i moves by t J_i d. If log p of no row falls for any t > 0 and
that of some rises, the likelihood has no maximum: a column separates classes, or a group of rows
has no events. Where the features explain every row exactly, the width of the density runs to zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from natfit.bijectors import Positive
from natfit.linops.row_curvature import RowCurvature
from natfit.models.linear_predictors import LinearPredictors
from natfit.objectives._formula import Formula, weighted
from natfit.objectives._ways import (
    DIRECT,
    STILL,
    Held,
    Way,
    along,
    diagonal_part,
    in_units,
    motion_part,
    recedes,
    unit_curvature,
)
from natfit.objectives._words import words
from natfit.objectives.base import NoMinimum
from natfit.rows import Block

if TYPE_CHECKING:
    from natfit.objectives.regression import Regression

#: Change of a logarithm in any row below which a fit is at rest, as for coordinates of theta.
SETTLED = 0.1

#: Largest motion of a row in the last moves below which nothing recedes.
_MOVING = 0.1

#: Motions, in units of logarithms, after which the information of what recedes has vanished: that
#: of rows that move as fast as any, or more slowly.
_FAR = (60.0, 3e3, 1e6)

#: Log-probability of a row, in nats, from which on it is certain.
_CERTAIN = -1e-4

#: Largest number of entries of all C_i that are made for large models.
_ENTRIES = 2e7

#: Number of rows of a first look, and for each coefficient of a parameter.
_FEWEST, _A_FEATURE = 1_024, 3


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
        motion = rows.map(motion_part, objective._formula, theta, step, unit)
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


def separation(objective: Regression, path: Sequence[np.ndarray]) -> NoMinimum | None:
    """Return why there is no maximum in the direction of the last moves of a path, if so."""
    theta = path[-1]
    if len(path) < 2:
        return None
    unit = units(objective, theta)
    if np.isinf(unit).all():
        return None
    with np.errstate(all="ignore"):
        moving = _moving(objective, path, unit)
        if not moving and not _certain_can_move(objective, path, unit):
            return None
        size = _sizes_of_theta(objective, path[0])
        if moving:
            for way in _ways(objective, path, unit, size):
                found = recedes(objective, theta, way, unit, size)
                if found is not None:
                    return words(objective, theta, found, unit, size)
        for way in _certain_ways(objective, path, unit, size):
            found = recedes(objective, theta, way, unit, size)
            if found is not None:
                return words(objective, theta, found, unit, size)
    return None


def _moving(objective: Regression, path: Sequence[np.ndarray], unit: np.ndarray) -> bool:
    """Tell whether the last move moves a row, other than by what is penalised."""
    last = path[-1] - path[-2]
    if objective.ridge is not None and objective.mix is None:
        free = np.abs(last[objective.ridge == 0.0])
        if not float(free.sum()) > _MOVING:
            return False
    known = _constant_motion(objective, last, unit)
    if known is not None and not known > _MOVING:
        return False
    moved = objective.rows.map(motion_part, objective._formula, path[-1], last, unit)
    return bool(moved.max() > _MOVING)


def _sizes_of_theta(objective: Regression, theta: np.ndarray) -> np.ndarray:
    """Return the roots (P,) of the diagonal of the information at theta, 1 where there is none."""
    args = theta, 0.0 * theta, np.zeros(objective.distribution.n_params, dtype=bool)
    square = objective.rows.sum(diagonal_part, objective._formula, _far_part, args)
    return np.sqrt(np.where(np.isfinite(square) & (square > 0.0), square, 1.0))


def _ways(
    objective: Regression, path: Sequence[np.ndarray], unit: np.ndarray, size: np.ndarray
) -> Iterator[Way]:
    """Yield ways near the last moves of a path.

    Far along a move the information of what recedes has vanished. What still has some stays:
    the direction is freed of it, because the moves have come there only nearly.

    Yields
    ------
    Way
    """
    theta, straight = path[-1], np.zeros(len(unit), dtype=bool)
    bent = _bent(objective)
    large = len(theta) > DIRECT
    if large and objective.rows.n * len(unit) ** 2 > _ENTRIES:
        return
    befores = [path[-2]] if large else [path[0], path[max(len(path) - 4, 0)], path[-2]]
    moves = [Way(theta - before, straight) for before in befores]
    if bent.any():
        moves += [_bending(objective, theta, before, bent) for before in befores]
    # What costs a pass over the rows comes before what costs a matrix.
    plain = [in_units(objective, theta, way, unit) for way in moves]
    known = [way for way in plain if way is not None]
    yield from known
    if bent.any():
        scaled = in_units(objective, theta, _scaled(objective, theta, bent), unit)
        if scaled is not None:
            yield scaled
    for way in known:
        yield from _freed(objective, theta, way, unit, size)


def _freed(
    objective: Regression, theta: np.ndarray, way: Way, unit: np.ndarray, size: np.ndarray
) -> Iterator[Way]:
    """Yield the parts of a way that move nothing that has information far along it."""
    formula, rows = objective._formula, objective.rows
    for length in _FAR if len(theta) <= DIRECT else _FAR[:1]:
        held = Held(objective, _far_part, (theta, length * way.direction, way.bent), size)
        freed = held.freed(way.direction)
        if freed is None:
            continue
        most = float(rows.map(motion_part, formula, theta, freed, unit).max())
        # What is left of a way that recedes nowhere is rounding.
        if not most > 0.5:
            continue
        direction = freed / most
        small = np.abs(direction) < STILL * np.abs(direction).max()
        yield Way(np.where(small, 0.0, direction), way.bent)


def _bent(objective: Regression) -> np.ndarray:
    """Tell which entries (K,) of eta are logarithms of positive numbers that no feature drives."""
    model, family = objective.model, objective.distribution
    logs = [[isinstance(c, Positive)] * c.size for c in family.params.values()]
    bent = np.concatenate([np.asarray(log, dtype=bool) for log in logs])
    if not isinstance(model, LinearPredictors):
        return np.zeros(len(bent), dtype=bool)
    return bent & np.array([not len(own) for own, _ in model._predictors])


def _bending(objective: Regression, theta: np.ndarray, before: np.ndarray, bent: np.ndarray) -> Way:
    """Return the way of a move on which positive numbers without features move in proportion."""
    moved = theta - before
    for k in np.flatnonzero(bent):
        part = objective.model.parts[k]
        moved[part] = -np.expm1(-moved[part])
    return Way(moved, bent)


def _scaled(objective: Regression, theta: np.ndarray, bent: np.ndarray) -> Way:
    """Return the way on which all that features drive grows in proportion, with what is bent."""
    direction = np.zeros(len(theta))
    for k, part in enumerate(objective.model.parts):
        direction[part] = 1.0 if bent[k] else theta[part]
    return Way(direction, bent)


def _certain_ways(
    objective: Regression, path: Sequence[np.ndarray], unit: np.ndarray, size: np.ndarray
) -> Iterator[Way]:
    """Yield ways that move only rows that are certain, in the directions they came from."""
    theta, formula, rows = path[-1], objective._formula, objective.rows
    held = Held(objective, _uncertain_part, (theta, unit), size, own=True)
    if not held.possible:
        return
    pull = rows.sum(_pull_part, formula, theta, path[0])
    for whole in (pull / np.square(size), theta - path[0]):
        for part in _parts(objective):
            freed = held.freed(np.where(part, whole, 0.0))
            straight = np.zeros(len(unit), dtype=bool)
            way = None if freed is None else Way(freed, straight)
            way = None if way is None else in_units(objective, theta, way, unit)
            if way is not None:
                yield way


def _certain_can_move(objective: Regression, path: Sequence[np.ndarray], unit: np.ndarray) -> bool:
    """Tell whether rows that are certain may move alone, as far as few of the rows can tell.

    Where the other rows of a few hold every direction, those of all rows hold them too.

    Returns
    -------
    bool
        False where none can.
    """
    theta, width = path[-1], objective.n_params // len(unit)
    if not _may_be_certain(objective):
        return False
    most = max(_FEWEST, _A_FEATURE * width)
    if len(theta) > DIRECT or objective.rows.n < 2 * most:
        return True
    few = objective.fewer(most)
    size = _sizes_of_theta(few, path[0])
    return Held(few, _uncertain_part, (theta, unit), size, own=True).possible


def _may_be_certain(objective: Regression) -> bool:
    """Tell whether rows have probabilities, and their certainty may bring a fit to rest."""
    model, family, ridge = objective.model, objective.distribution, objective.ridge
    integer = family.support is not None and family.support.integer
    if not isinstance(model, LinearPredictors) or (family.information.complete and not integer):
        return False
    free = objective.n_params if ridge is None else int(np.count_nonzero(ridge == 0.0))
    return free > DIRECT or sum(len(f) > 0 for f, _ in model._predictors) > 1


def _parts(objective: Regression) -> list[np.ndarray]:
    """Return all coordinates, and those of each entry of eta, as masks (P,)."""
    every = np.ones(objective.n_params, dtype=bool)
    if not isinstance(objective.model, LinearPredictors) or len(objective.model.parts) == 1:
        return [every]
    found = [every]
    for part in objective.model.parts:
        found.append(np.zeros(objective.n_params, dtype=bool))
        found[-1][part] = True
    return found


def uncertain(objective: Regression, theta: np.ndarray) -> bool:
    """Tell whether rows with a probability are certain, and a fit can come to rest because of it.

    Where several parameters have features, each step of a logarithm becomes smaller where one of a
    location, or of another logarithm, would do as well. Where there are so many coefficients that
    no matrix is formed, a step may lead so far that nothing is left of the information there.

    Returns
    -------
    bool
    """
    if not _may_be_certain(objective):
        return False
    with np.errstate(all="ignore"):
        return bool(objective.rows.sum(_certain_part, objective._formula, theta) > 0)


def _certain(block: Block, formula: Formula, theta: np.ndarray) -> np.ndarray:
    """Tell which rows of a block have a probability of 1, (n,)."""
    # A density above one is none.
    value = formula.distribution.log_prob(block.y, formula.linearize(theta, block).eta)
    return (value > _CERTAIN) & (value <= 0.0)


def _certain_part(block: Block, formula: Formula, theta: np.ndarray) -> int:
    return int(np.count_nonzero(_certain(block, formula, theta)))


def _uncertain_part(
    block: Block, formula: Formula, theta: np.ndarray, unit: np.ndarray
) -> tuple[Any, RowCurvature]:
    """Return the linearisation, and the unit matrix for the rows that are not certain."""
    mask = ~_certain(block, formula, theta)
    return formula.linearize(theta, block), unit_curvature(mask, unit)


def _pull_part(block: Block, formula: Formula, theta: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Return the gradient (P,), at a start, of the log-likelihood of the rows that are certain."""
    mask = _certain(block, formula, theta)
    lin = formula.linearize(start, block)
    score = formula.distribution.score(block.y, lin.eta) * mask[:, None]
    found: np.ndarray = lin.vjp(np.nan_to_num(score, posinf=0.0, neginf=0.0))
    return found


def _far_part(
    block: Block, formula: Formula, theta: np.ndarray, delta: np.ndarray, bent: np.ndarray
) -> tuple[Any, Any]:
    """Return the linearisation at theta, and C far along a way, made positive."""
    lin, family = formula.linearize(theta, block), formula.distribution
    low, high = family.row_limits
    u = lin.jvp(delta)
    eta = np.clip(along(lin.eta, u, bent), low, high)
    expected = bent.any() and family.information.measures and family.fisher_by_rows
    found = family.curvature(eta) if expected else family.observed_curvature(block.y, eta)
    if family.concave and not expected:
        return lin, found
    # Where C is not a number, the check of the direction decides.
    c = np.nan_to_num(found.dense(block.n), nan=0.0, posinf=0.0, neginf=0.0)
    values, vectors = np.linalg.eigh(c)
    c = (vectors * np.abs(values)[:, None, :]) @ np.swapaxes(vectors, 1, 2)
    if bent.any():
        slope = np.where(bent, 1.0 / np.maximum(1.0 + u, 1e-12), 1.0)
        c = c * slope[:, :, None] * slope[:, None, :]
    return lin, c

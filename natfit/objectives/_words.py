"""Words for a way on which the likelihood of a regression grows without limit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from natfit.models.linear_predictors import LinearPredictors
from natfit.objectives._formula import Formula
from natfit.objectives._ways import STILL, Way, in_units, recedes
from natfit.objectives.base import NoMinimum, listed
from natfit.rows import Block

if TYPE_CHECKING:
    from natfit.objectives.regression import Regression

#: Share of the largest coefficient, in units of the features' spread, from which one is named, and
#: share of the largest intercept below which all coefficients are rounding.
_NAMED, _TRACE = 0.1, 1e-4


def _family_limits(objective: Regression, way: Way) -> list[str]:
    """Return the limits of the family that a way leads to, if all that it moves tends to one."""
    model, family = objective.model, objective.distribution
    if not isinstance(model, LinearPredictors):
        return []
    down, up = objective.rows.sum(_sides_part, objective._formula, way.direction)
    meanings = []
    for name, block in family.blocks.items():
        sides = [bool((found[block] > 0).any()) for found in (down, up)]
        if any(sides) and name == family.driven:
            return []
        sides = sides[::-1] if family.params[name].decreasing else sides
        for side in np.array(["lower", "upper"])[sides]:
            if (name, str(side)) not in family.limit_meaning:
                return []
            meanings.append(f"{name}, {family.limit_meaning[name, str(side)]}")
    return meanings


def _sides_part(
    block: Block, formula: Formula, direction: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return how many rows a way moves down and up in each entry of eta, (K,) each."""
    u = formula.model.linearize(direction, block.X).jvp(direction)
    least = STILL * max(float(np.abs(u).max()), 1.0)
    return (u < -least).sum(axis=0), (u > least).sum(axis=0)


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


def _alone(
    objective: Regression, theta: np.ndarray, found: Way, unit: np.ndarray, size: np.ndarray
) -> tuple[Way, str]:
    """Return the way of one intercept, and its end in the family's words, if it recedes as well.

    Where all rows are alike, such as counts that are all zero, no column is the reason.

    Returns
    -------
    way : Way
        The one that was found where no intercept recedes by itself.
    meaning : str
        Empty then.
    """
    model, family = objective.model, objective.distribution
    if not isinstance(model, LinearPredictors):
        return found, ""
    for name, block in family.blocks.items():
        base = model.intercepts()[block.start]
        ends = [family.limit_meaning.get((name, side), "") for side in ("lower", "upper")]
        if base is None or block.stop - block.start != 1 or not found.direction[base]:
            continue
        up = found.direction[base] > 0
        meaning = ends[int(up != family.params[name].decreasing)]
        direction = np.zeros(len(theta))
        direction[base] = np.sign(found.direction[base])
        way = in_units(objective, theta, Way(direction, found.bent), unit) if meaning else None
        way = None if way is None else recedes(objective, theta, way, unit, size)
        if way is not None:
            return way, meaning
    return found, ""


def words(
    objective: Regression, theta: np.ndarray, found: Way, unit: np.ndarray, size: np.ndarray
) -> NoMinimum:
    """Return what separates, with the columns that do so.

    Parameters
    ----------
    objective : Regression
        Whose likelihood has no maximum.
    theta : ndarray of shape (P,)
        Where the way begins.
    found : Way
        A way that recedes.
    unit : ndarray of shape (K,)
        Of each entry of eta.
    size : ndarray of shape (P,)
        The unit of theta.

    Returns
    -------
    NoMinimum
    """
    family = objective.distribution
    limits, why = _family_limits(objective, found), ""
    if not limits:
        found, why = _alone(objective, theta, found, unit, size)
    way = found.direction
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
            f"the likelihood levels off as {listed(ends)}: along this direction no row becomes "
            f"less likely, and the family tends to a limit in some rows ({listed(limits)})",
            "use the simpler family that the limit stands for, or give the parameter no features",
            limit=True,
        )
    # Jeffreys' prior is that of families whose information is cheap by rows.
    jeffreys = family.information.measures and family.fisher_by_rows
    remedies = ["prior='jeffreys'"] * bool(jeffreys)
    if why:
        return NoMinimum(
            f"the likelihood grows without limit as {listed(ends)}: along this direction no row "
            f"becomes less likely ({why})",
            f"use {' or '.join([*remedies, 'the simpler family that this limit stands for'])}, or "
            "add rows of another kind; a penalty alpha leaves an intercept free",
        )
    remedies += ["a penalty alpha > 0"]
    return NoMinimum(
        f"the likelihood grows without limit as {listed(ends)}: along this direction no row "
        "becomes less likely (the rows are separated, or a group of them has no events)",
        f"use {' or '.join(remedies)}, drop these columns, or join groups of rows",
    )

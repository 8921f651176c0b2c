"""Rows of a regression that its features explain exactly, whose width alone can run to zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from natfit.models.linear_predictors import LinearPredictors
from natfit.objectives._formula import Formula
from natfit.objectives._interpolation import gap_part, places
from natfit.objectives._ways import DIRECT, ROUNDING, STILL, Held
from natfit.objectives.base import NoMinimum, listed
from natfit.rows import Block

if TYPE_CHECKING:
    from natfit.objectives.regression import Regression

#: Distance of a row from its place, in units of the median one, from which it may be explained
#: exactly.
_NEARLY = 1e-8

#: Logarithm of the factor by which the width of the rows must be able to fall.
_ROOM = 10.0

#: How often the rows are solved for.
_ROUNDS = 3

#: Share of the largest coefficient from which one is named.
_NAMED = 0.1


@dataclass(frozen=True, eq=False)
class _Few:
    """The rows whose eta_k is nearly that of their y at theta.

    Attributes
    ----------
    theta : ndarray of shape (P,)
    k : int
    least : float
        Largest distance of such a row.
    """

    theta: np.ndarray
    k: int
    least: float

    def mask(self, block: Block, formula: Formula) -> np.ndarray:
        """Tell which rows of a block they are, (n,)."""
        gap = gap_part(block, formula, self.theta, self.k)
        return np.abs(gap) <= self.least

    def rows(self, block: Block, formula: Formula, own: bool, entry: int) -> tuple[Any, np.ndarray]:
        """Return the linearisation, and C (n, K, K) that holds one entry of eta in rows.

        ``own`` says whether that is in these rows, or in all others.

        Returns
        -------
        tuple of Linearization and ndarray of shape (n, K, K)
        """
        lin = formula.linearize(self.theta, block)
        c = np.zeros((block.n, lin.eta.shape[1], lin.eta.shape[1]))
        c[:, entry, entry] = self.mask(block, formula) == own
        return lin, c


def narrow_rows(objective: Regression, theta: np.ndarray) -> NoMinimum | None:
    """Return that the width of some rows alone runs to zero, since features explain them exactly.

    A column may belong to one row, or to rows that are equal. If it drives the width as well, their
    density has no limit, whatever the other rows do.

    Returns
    -------
    NoMinimum or None
    """
    model, family = objective.model, objective.distribution
    if not isinstance(model, LinearPredictors) or len(theta) > DIRECT:
        return None
    starts = {name: family.blocks[name].start for name in family.widths}
    driven = [name for name, at in starts.items() if len(model._predictors[at][0])]
    if not driven:
        return None
    with np.errstate(all="ignore"):
        for k in places(objective):
            gap = np.abs(objective.rows.map(gap_part, objective._formula, theta, k))
            near = gap <= _NEARLY * np.median(gap)
            if not 0 < np.count_nonzero(near) < len(gap):
                continue
            few = _Few(theta, k, float(gap[near].max()))
            for name in driven:
                sign = -1.0 if family.widths[name].power > 0 else 1.0
                way = _narrowing(objective, few, starts[name], sign)
                if way is not None:
                    return _words(objective, way, name, int(np.count_nonzero(near)))
    return None


def _narrowing(objective: Regression, few: _Few, at: int, sign: float) -> np.ndarray | None:
    """Return a direction (P,) on which the width of these rows alone shrinks, if none loses."""
    rows, formula, size = objective.rows, objective._formula, np.ones(objective.n_params)
    others = Held(objective, _held_part, (few, False, at), size, own=True)
    if not others.possible:
        return None
    part, pull = objective.model.parts[at], rows.sum(_toward_part, formula, few, at)
    way = np.zeros(objective.n_params)
    way[part] = sign * pull[part]
    freed = others.freed(way)
    most = 0.0 if freed is None else float(rows.map(_entry_part, formula, few, freed, at).max())
    if freed is None or not most > 0.0:
        return None
    freed = freed / most
    freed[np.abs(freed) < STILL * np.abs(freed).max()] = 0.0
    mine = Held(objective, _held_part, (few, True, few.k), size, own=True)
    exact = few.theta
    for _ in range(_ROUNDS):
        exact = exact + mine.solved(rows.sum(_pull_part, formula, few, exact))
    falls, gain = rows.sum(_shrinks_part, formula, exact, freed)
    return freed if falls == 0 and gain > 1.0 else None


def _held_part(
    block: Block, formula: Formula, few: _Few, own: bool, entry: int
) -> tuple[Any, np.ndarray]:
    return few.rows(block, formula, own, entry)


def _toward_part(block: Block, formula: Formula, few: _Few, at: int) -> np.ndarray:
    """Return the sum of J_i' of one entry over these rows, (P,)."""
    lin: Any = formula.linearize(few.theta, block)
    u = np.zeros_like(lin.eta)
    u[:, at] = few.mask(block, formula)
    found: np.ndarray = lin.vjp(u)
    return found


def _entry_part(block: Block, formula: Formula, few: _Few, way: np.ndarray, at: int) -> np.ndarray:
    """Return the size of the motion of an entry in these rows, (n,)."""
    u = formula.linearize(few.theta, block).jvp(way)[:, at]
    return np.abs(u) * few.mask(block, formula)


def _pull_part(block: Block, formula: Formula, few: _Few, theta: np.ndarray) -> np.ndarray:
    """Return the sum over these rows of J_i' times what is left of y in eta_k, (P,)."""
    lin: Any = formula.linearize(theta, block)
    u = np.zeros_like(lin.eta)
    left = gap_part(block, formula, theta, few.k)
    u[:, few.k] = np.where(few.mask(block, formula), left, 0.0)
    if block.weight is not None:
        u *= block.weight[:, None]
    found: np.ndarray = lin.vjp(u)
    return found


def _shrinks_part(
    block: Block, formula: Formula, theta: np.ndarray, way: np.ndarray
) -> tuple[int, float]:
    """Return how many rows become less likely on a way, and what all gain, in nats."""
    lin, family = formula.linearize(theta, block), formula.distribution
    low, high = family.row_limits
    u = lin.jvp(way)
    u = np.where(np.abs(u) < STILL, 0.0, u)
    before = start = family.log_prob(block.y, np.clip(lin.eta, low, high))
    falls = np.zeros(block.n, dtype=bool)
    for part in (0.1, 0.25, 0.5, 0.75, 1.0):
        now = family.log_prob(block.y, np.clip(lin.eta + part * _ROOM * u, low, high))
        falls |= ~(now >= before - ROUNDING * (1.0 + np.abs(before)))
        before = now
    return int(falls.sum()), float((before - start).sum())


def _words(objective: Regression, way: np.ndarray, name: str, n: int) -> NoMinimum:
    """Return which rows have no width, by the columns that drive it."""
    bases = objective.model.intercepts()
    size = np.abs(way)
    size[[i for i in bases if i is not None]] *= 0.0 if len(way) > len(bases) else 1.0
    named = [int(i) for i in np.flatnonzero(size > _NAMED * size.max())]
    ends = [f"{objective.names()[i]} -> {'inf' if way[i] > 0 else '-inf'}" for i in named]
    rows = "1 row" if n == 1 else f"{n} rows"
    return NoMinimum(
        f"the likelihood grows without limit as {listed(ends)}: the features explain {rows} "
        "exactly, and drive the width of these alone",
        f"give {name} fewer features (features_for), or join groups of rows",
    )

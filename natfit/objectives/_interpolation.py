"""Whether the features of a regression explain every row exactly, so that a width runs to zero."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.linalg import lstsq
from scipy.sparse.linalg import LinearOperator as Operator
from scipy.sparse.linalg import lsqr

from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import Role
from natfit.models.linear_predictors import LinearPredictors
from natfit.objectives._formula import Formula
from natfit.objectives._places import at_rows, followed
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

#: Smallest such logarithm where a limit of the family leaves less, and the shares of it at which
#: rows are compared that are met where they are most likely.
_LEAST, _PARTS = 4.0, (0.3, 0.65, 1.0)

#: Largest number of products with which rows are solved for directly, largest number of rows that
#: are all solved for, and of passes over them.
_PRODUCTS, _ROWS, _PASSES = 2e8, 4_000, 100

#: Rows beside as many as coefficients that are solved for first.
_SPARE = 10

#: What a parameter must be for a density to follow y by it.
_PLACES = (Role.LOCATION, Role.MEAN, Role.SCALE)

#: What lies at the rows themselves if it follows them at all.
_AT_ROWS = (Role.LOCATION, Role.MEAN)

#: Units of rounding of y to which a width must be able to fall.
_FLOOR = 1e3 * float(np.finfo(float).eps)


def interpolation(objective: Regression, path: Sequence[np.ndarray]) -> NoMinimum | None:
    """Return that the features explain every row exactly, where a width runs to zero."""
    model, family = objective.model, objective.distribution
    if not isinstance(model, LinearPredictors) or not family.widths:
        return None
    exact = objective.explained(path[0])
    for name, base, way in _widths(objective):
        power = family.widths[name].power
        shrunk = power * float(path[-1][base] - path[0][base])
        met = "every row exactly"
        if name != exact:
            if not shrunk < -_NARROWED:
                continue
            spread, size = _spread(objective)
            room = shrunk - np.log(_FLOOR * max(1.0, size / spread))
            if room > 1.0 and _falls(objective, path[-1], way, room):
                continue
            if room <= 1.0:
                # So narrow a density cannot be followed further, in all rows at least.
                met = "rows exactly, which outweigh all others"
        side = "lower" if power > 0 else "upper"
        n, p = objective.rows.n, len(path[-1])
        return NoMinimum(
            f"the likelihood grows without limit as {objective.bound(base, side)}: the features "
            f"explain {met} ({p} parameters, {n} rows)",
            "use fewer columns than rows, or a family without a width; a penalty alpha does not "
            f"keep {name} from its limit, and has at most a local optimum beside it",
        )
    return None


def narrowed(objective: Regression, first: np.ndarray, last: np.ndarray) -> bool:
    """Tell whether a width has fallen so far from one theta to another that it may run to zero.

    Returns
    -------
    bool
    """
    model, widths = objective.model, objective.distribution.widths
    if not isinstance(model, LinearPredictors):
        return False
    moves = ((widths[name].power, last[base] - first[base]) for name, base, _ in _widths(objective))
    return any(power * move < -_NARROWED for power, move in moves)


def places(objective: Regression) -> list[int]:
    """Return the entries of eta that can follow y."""
    family = objective.distribution
    if not family.information.complete or family.event_shape != ():
        return []
    return [
        family.blocks[name].start
        for name, role in family.roles.items()
        if role in _PLACES and name not in family.widths
    ]


def _widths(objective: Regression) -> Iterator[tuple[str, int, np.ndarray]]:
    """Yield the name of each width with an intercept, its index, and the way (K,) to zero width."""
    family, bases = objective.distribution, objective.model.intercepts()
    for name, width in family.widths.items():
        block = family.blocks[name]
        base = bases[block.start]
        if block.stop - block.start == 1 and base is not None:
            if not family.params[name].decreasing:
                way = np.zeros(family.n_params)
                way[block.start] = -1.0 / width.power
                yield name, base, way


def explained(objective: Regression, theta: np.ndarray) -> str | None:
    """Return the width that runs to zero because the features explain each row exactly, or None.

    A location or a mean must be y itself; another parameter, such as the scale of a gamma density,
    must be where each row is most likely once the density is narrow, and follows its width. Whether
    that can be is algebra, and depends on the start ``theta`` in nothing else.

    Returns
    -------
    str or None
        A name of ``widths`` of the family.
    """
    family, model = objective.distribution, objective.model
    if not isinstance(model, LinearPredictors):
        return None
    if not family.information.complete or family.event_shape != ():
        return None
    for name, base, way in _widths(objective):
        room = _room(family, theta[base], way)
        if room < _LEAST:
            continue
        for place, role in family.roles.items():
            k = family.blocks[place].start
            if place == name or len(model.at[k]) < 2:
                continue
            at = None
            if k in places(objective):
                at = _met(objective, theta, k)
                if at is not None and not _falls(objective, at, way, room):
                    return name
            if place != family.driven or (at is None and role in _AT_ROWS):
                continue
            if _rises(objective, theta, base, k, room * way):
                return name
    return None


def _room(family: Distribution, eta: float, way: np.ndarray) -> float:
    """Return how far the logarithm of a width may fall from an eta of it, at most."""
    w = int(np.flatnonzero(way)[0])
    end = family.limits[1 if way[w] > 0 else 0][w]
    return float(min(_ROOM, 0.99 * (end - eta) / way[w]))


def _rises(objective: Regression, theta: np.ndarray, base: int, k: int, way: np.ndarray) -> bool:
    """Tell whether rows that are met where they are most likely become more so on a way (K,)."""
    part = objective.model.parts[k]
    if part.stop - part.start < objective.rows.n and _met(objective, theta, k, 0.0 * way) is None:
        return False
    before: np.ndarray | None = None
    for share in _PARTS:
        narrow = theta.copy()
        narrow[base] += share * way.sum()
        at = _met(objective, narrow, k, share * way)
        if at is None:
            return False
        with np.errstate(all="ignore"):
            if before is not None and objective.rows.sum(
                _lower_part, objective._formula, before, at
            ):
                return False
        before = at
    return True


def _falls(objective: Regression, theta: np.ndarray, way: np.ndarray, room: float) -> bool:
    """Tell whether a row becomes less likely as a width shrinks by the factor exp(-room)."""
    with np.errstate(all="ignore"):
        return bool(objective.rows.sum(_narrow_part, objective._formula, theta, way, room))


def _met(
    objective: Regression, theta: np.ndarray, k: int, way: np.ndarray | None = None
) -> np.ndarray | None:
    """Return a theta (P,) at which eta_k of each row is that of y, or where it is most likely.

    The latter is asked for with the way (K,) on which the density has become narrow. Some more rows
    than coefficients are solved for first, since the others must follow.

    Returns
    -------
    ndarray of shape (P,) or None
    """
    rows, part = objective.rows, objective.model.parts[k]
    some = min(rows.n, part.stop - part.start + _SPARE)
    for n in (some, rows.n) if some < rows.n <= _ROWS else (some,):
        with np.errstate(all="ignore"):
            found = _solved(objective, theta, rows.few(n), k, way)
            if found is None:
                return None
            gap = rows.map(gap_part, objective._formula, found[0], k, way)
        if np.abs(gap).max() <= _MET * found[1]:
            return found[0]
    return None


def _solved(
    objective: Regression, theta: np.ndarray, block: Block, k: int, way: np.ndarray | None
) -> tuple[np.ndarray, float] | None:
    """Return theta (P,) at which eta_k of some rows is as it must be, and its largest change.

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
    gap = gap_part(block, objective._formula, theta, k, way)
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
    left = gap_part(block, objective._formula, found, k, way)
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
    block: Block, formula: Formula, theta: np.ndarray, k: int, way: np.ndarray | None = None
) -> np.ndarray:
    """Return how far eta_k of each row is from y, or from where it is most likely, (n,)."""
    family, eta = formula.distribution, formula.linearize(theta, block).eta
    if way is None:
        return at_rows(family, block.y, k) - eta[:, k]
    return followed(family, block.y, eta, k, way) - eta[:, k]


def _spread(objective: Regression) -> tuple[float, float]:
    """Return the spread of y and its size, of a few rows."""
    y = np.asarray(objective.rows.few().y, dtype=float)
    y = y[np.isfinite(y)]
    spread = float(y.std()) if y.size else 0.0
    return spread or 1.0, float(np.abs(y).max(initial=0.0))


def _narrow_part(
    block: Block, formula: Formula, theta: np.ndarray, way: np.ndarray, room: float
) -> int:
    """Return how many rows become less likely as a width shrinks by the factor exp(-room)."""
    eta = formula.linearize(theta, block).eta
    family = formula.distribution
    low, high = family.row_limits
    before, falls = family.log_prob(block.y, eta), np.zeros(len(eta), dtype=bool)
    for part in (0.1, 0.25, 0.5, 0.75, 1.0):
        now = family.log_prob(block.y, np.clip(eta + part * room * way, low, high))
        falls |= ~(now >= before - ROUNDING * (1.0 + np.abs(before)))
        before = now
    return int(falls.sum())


def _lower_part(block: Block, formula: Formula, before: np.ndarray, after: np.ndarray) -> int:
    """Return how many rows are less likely at one theta than at another."""
    family = formula.distribution
    first, second = (
        family.log_prob(block.y, formula.linearize(theta, block).eta) for theta in (before, after)
    )
    return int((~(second >= first - ROUNDING * (1.0 + np.abs(first)))).sum())

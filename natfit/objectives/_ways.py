"""Ways of theta, along which the eta of rows move: which rows become less likely on one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.linalg.lapack import dpotrf
from scipy.sparse.linalg import LinearOperator as Operator
from scipy.sparse.linalg import cg

from natfit.linops.row_curvature import Entries, RowCurvature
from natfit.objectives._formula import Formula
from natfit.rows import Block

if TYPE_CHECKING:
    from natfit.objectives.regression import Regression

#: Change of log p, in units of its size and 1, that rounding explains.
ROUNDING = 1e-9

#: Share of the largest motion below which the one of a direction is rounding, or what a direction
#: that is known only nearly leaves; and below which it is rounding in any case.
STILL, _REST = 1e-7, 1e-14

#: Lengths of the way, in units of each row's motion, at which no row may be less likely; the first
#: ones must be finite.
_LENGTHS, _FINITE = (1.0, 10.0, 100.0, 1e3, 1e5), 3

#: Lengths of the way back on one of which the rows must lose as many nats together.
_BACK, _LOSS = (10.0, 1e3, 1e5), 1e-3

#: Eigenvalue of what holds rows, in units of that of all rows, below which a direction is free.
_FREE = 1e-11

#: Share of the unit of all rows below which the one of those that are held is rounding.
_OWN = 1e-12

#: Maximum number of coordinates for which a matrix is decomposed; with more, number of products,
#: and share of the held part that they must leave.
DIRECT, _PRODUCTS, _LEFT = 2_000, 200, 1e-10

#: How often a way is freed of what rounding has left in it.
_ROUNDS = 3


@dataclass(frozen=True, eq=False)
class Way:
    """A way: its direction in theta, and which entries of eta bend on it.

    Attributes
    ----------
    direction : ndarray of shape (P,)
        In units of the largest motion of a row.
    bent : ndarray of bool, shape (K,)
        Entries that are logarithms of what moves in proportion: ``log(exp(eta) (1 + t u))``.
    """

    direction: np.ndarray
    bent: np.ndarray


def along(eta: np.ndarray, motion: np.ndarray, bent: np.ndarray) -> np.ndarray:
    """Return the eta (n, K) to which a motion (n, K) leads: in proportion where it is bent."""
    out = eta + motion
    if bent.any():
        share = np.maximum(motion[:, bent], -1.0 + 1e-12)
        out[:, bent] = eta[:, bent] + np.log1p(share)
    return out


def sizes(u: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Return motions (n, K) in units (K,) of the entries of eta."""
    return np.abs(u) / unit


def motion_part(
    block: Block, formula: Formula, theta: np.ndarray, step: np.ndarray, unit: np.ndarray
) -> np.ndarray:
    """Return the largest motion of each row, (n,), in units of its entries."""
    return sizes(formula.linearize(theta, block).jvp(step), unit).max(axis=1)


def in_units(objective: Regression, theta: np.ndarray, way: Way, unit: np.ndarray) -> Way | None:
    """Return a way in units of its largest motion of a row; None if it moves none."""
    if not way.direction.any() or not np.isfinite(way.direction).all():
        return None
    moved = objective.rows.map(motion_part, objective._formula, theta, way.direction, unit)
    most = float(moved.max())
    return Way(way.direction / most, way.bent) if 0.0 < most < np.inf else None


def recedes(
    objective: Regression, theta: np.ndarray, way: Way, unit: np.ndarray, size: np.ndarray
) -> Way | None:
    """Return a way, perhaps corrected, if no row becomes less likely on it, nor a penalty larger.

    A direction is known but nearly. Rows that move by next to nothing are held, and the way is
    freed of what moves them; what they then still do, they do not do by rounding.

    Returns
    -------
    Way or None
    """
    if objective.ridge is not None and way.direction[objective.ridge > 0].any():
        return None
    rows, formula = objective.rows, objective._formula
    falls, slowly, loss = rows.sum(_way_part, formula, theta, way, unit)
    if falls or not loss > _LOSS:
        return None
    if not slowly:
        return way
    held = Held(objective, _still_part, (theta, way.direction, unit), size, own=True)
    freed = held.freed(way.direction)
    if freed is None:
        return None
    most = float(rows.map(motion_part, formula, theta, freed, unit).max())
    if not most > 0.5:
        return None
    way = Way(freed / most, way.bent)
    falls, slowly, loss = rows.sum(_way_part, formula, theta, way, unit)
    return way if falls == slowly == 0 and loss > _LOSS else None


def _way_part(
    block: Block, formula: Formula, theta: np.ndarray, way: Way, unit: np.ndarray
) -> tuple[int, int, float]:
    """Return how many rows become less likely on a way, and how many of those that hardly move.

    The third is what the way back loses, in nats, where none does.

    Returns
    -------
    tuple of int, int and float
    """
    lin = formula.linearize(theta, block)
    u = lin.jvp(way.direction)
    u = np.where(_known_sizes(u, unit) < _REST, 0.0, u)
    size = _known_sizes(u, unit).max(axis=1)
    moves = size > 0.0
    if not moves.any():
        return 0, 0, 0.0
    y, eta, u, size = block.y[moves], lin.eta[moves], u[moves], size[moves]
    family = formula.distribution
    low, high = family.row_limits
    before = start = family.log_prob(y, np.clip(eta, low, high))
    falls = ~np.isfinite(start)
    # A bent way is not the same for each row, so that all are followed alike.
    own = u if way.bent.any() else u / np.minimum(size, 1.0)[:, None]
    for at, length in enumerate(_LENGTHS):
        now = family.log_prob(y, np.clip(along(eta, length * own, way.bent), low, high))
        known = np.isfinite(now)
        least = before - ROUNDING * (1.0 + np.abs(before))
        falls |= (now < least) if at >= _FINITE else ~(now >= least)
        before = np.where(known, now, before)
    if falls.any():
        slow = size < STILL
        return int(falls[~slow].sum()), int(falls[slow].sum()), np.inf
    loss = np.zeros(len(u))
    for length in _BACK:
        back = family.log_prob(y, np.clip(along(eta, -length * u, way.bent), low, high))
        loss = np.maximum(loss, np.where(np.isfinite(back), start - back, 1.0))
    return 0, 0, float(loss[size >= STILL].sum())


def _known_sizes(u: np.ndarray, unit: np.ndarray) -> np.ndarray:
    return sizes(u, np.where(np.isfinite(unit), unit, 1.0))


def _still_part(
    block: Block, formula: Formula, theta: np.ndarray, direction: np.ndarray, unit: np.ndarray
) -> tuple[Any, Entries]:
    """Return the linearisation, and the unit matrix for the rows that hardly move."""
    lin = formula.linearize(theta, block)
    still = _known_sizes(lin.jvp(direction), unit).max(axis=1) < STILL
    return lin, unit_curvature(still, unit)


def unit_curvature(mask: np.ndarray, unit: np.ndarray) -> Entries:
    """Return C of some rows: the unit matrix, in units of eta."""
    one = np.where(np.isfinite(unit), 1.0 / np.square(unit), 1.0)
    return Entries(len(unit), {(k, k): mask * each for k, each in enumerate(one)})


class Held:
    """What a way must not move: the null space of the sum of J_i' C_i J_i, and a penalty.

    Parameters
    ----------
    objective : Regression
    part : callable
        ``part(block, formula, *args)`` returns the linearisation and C of a block, as an array
        (n, K, K) or as a RowCurvature.
    args : tuple
        What part needs.
    size : ndarray of shape (P,)
        The root of the diagonal of such a sum over all rows, the unit of theta.
    own : bool
        Whether the unit is that of this sum, where it is more than rounding.
    """

    def __init__(
        self,
        objective: Regression,
        part: Callable,
        args: tuple,
        size: np.ndarray,
        own: bool = False,
    ):
        self._objective, self._call, self._size = objective, (part, args), size
        self._own = own
        self._free = np.ones(len(size), dtype=bool)
        if objective.ridge is not None:
            self._free = objective.ridge == 0.0
        self._gram: np.ndarray | None = None
        if len(size) > DIRECT:
            return
        gram = objective.rows.sum(_gram_part, objective._formula, *self._call)
        if own:
            root = np.sqrt(np.maximum(np.diagonal(gram), 0.0))
            self._size = np.where(root > _OWN * size, root, size)
        gram /= self._size
        gram /= self._size[:, None]
        self._gram = gram if self._free.all() else gram[np.ix_(self._free, self._free)]

    @cached_property
    def possible(self) -> bool:
        """Whether there may be a direction that moves nothing that is held."""
        if self._gram is None:
            return True
        if not np.isfinite(self._gram).all():
            return False
        # A tenth of the time of eigenvalues, which well-posed data do not need.
        least = np.array(self._gram, order="F")
        least[np.diag_indices_from(least)] -= 10.0 * _FREE
        if dpotrf(least, overwrite_a=True)[1] == 0:
            return False
        return bool((self._eigen[0] <= _FREE).any())

    @cached_property
    def _eigen(self) -> tuple[np.ndarray, np.ndarray]:
        """Eigenvalues and eigenvectors of the sum, in units of theta."""
        assert self._gram is not None
        values, vectors = np.linalg.eigh(self._gram)
        return values, vectors

    def freed(self, direction: np.ndarray) -> np.ndarray | None:
        """Return the part of a direction (P,) that moves nothing that is held, if there is one.

        Returns
        -------
        ndarray of shape (P,) or None
        """
        if not self.possible:
            return None
        out = np.where(self._free, direction, 0.0)
        if self._gram is not None:
            values, vectors = self._eigen
            null = vectors[:, values <= _FREE]
            own = null @ (null.T @ (out * self._size)[self._free])
            out[self._free] = own / self._size[self._free]
        # Products find what the rounding of a matrix has left.
        for _ in range(_ROUNDS if self._own or self._gram is None else 0):
            out = out - self.solved(self._times(out))
        return out if out.any() and np.isfinite(out).all() else None

    def _times(self, v: np.ndarray) -> np.ndarray:
        """Return the sum of J_i' C_i J_i v, (P,), zero for what is penalised."""
        rows, formula = self._objective.rows, self._objective._formula
        return np.where(self._free, rows.sum(_product_part, formula, *self._call, v), 0.0)

    def solved(self, g: np.ndarray) -> np.ndarray:
        """Return the least v (P,), in units of theta, whose product is g."""
        scaled, out = (g / self._size)[self._free], np.zeros(len(g))
        if self._gram is not None:
            values, vectors = self._eigen
            strong = values > _FREE
            vectors = vectors[:, strong]
            found = vectors @ ((vectors.T @ scaled) / values[strong])
        else:
            found = self._by_products(scaled)
        out[self._free] = found / self._size[self._free]
        return out

    def _by_products(self, g: np.ndarray) -> np.ndarray:
        def times(v: np.ndarray) -> np.ndarray:
            whole = np.zeros(len(self._size))
            whole[self._free] = np.ravel(v) / self._size[self._free]
            return (self._times(whole) / self._size)[self._free]

        if not g.any():
            return g
        operator = Operator((len(g), len(g)), matvec=times, dtype=float)
        found: np.ndarray = cg(operator, g, rtol=_LEFT, maxiter=_PRODUCTS)[0]
        return found


def _gram_part(block: Block, formula: Formula, part: Callable, args: tuple) -> np.ndarray:
    lin, c = part(block, formula, *args)
    found: np.ndarray = lin.gram(_of_rows(lin, c, block))
    return found


def _product_part(
    block: Block, formula: Formula, part: Callable, args: tuple, v: np.ndarray
) -> np.ndarray:
    lin, c = part(block, formula, *args)
    c, u = _of_rows(lin, c, block), lin.jvp(v)
    cu = c.times(u) if isinstance(c, RowCurvature) else np.einsum("nkl,nl->nk", c, u)
    found: np.ndarray = lin.vjp(cu)
    return found


def _of_rows(lin: Any, c: Any, block: Block) -> Any:
    """Return C times the weights of rows, as the linearisation takes it."""
    if isinstance(c, RowCurvature) and not lin.takes_entries:
        c = c.dense(block.n)
    if block.weight is None:
        return c
    if isinstance(c, RowCurvature):
        return c.weighted(block.weight)
    return c * block.weight[:, None, None]


def diagonal_part(block: Block, formula: Formula, part: Callable, args: tuple) -> np.ndarray:
    """Return the diagonal (P,) of the sum of J_i' C_i J_i."""
    lin, c = part(block, formula, *args)
    found: np.ndarray = lin.diag(_of_rows(lin, c, block))
    return found

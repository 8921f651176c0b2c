"""The best of several starts: short descents, of which the lowest end is where the fit begins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from natfit.damping.base import Damping
from natfit.damping.none import NoDamping
from natfit.distributions.base import Distribution
from natfit.iterate import Iterate, Local
from natfit.linops import Dense
from natfit.metrics.base import Metric
from natfit.metrics.observed import ObservedInformation
from natfit.numerics.threads import one_thread
from natfit.objectives import Likelihood
from natfit.rows import Memory, Rows
from natfit.solvers.base import Solver
from natfit.solvers.cholesky import CholeskySolver

#: Rows times parameters of a pass of a short descent: with more, the starts are compared on rows
#: spread over all of them. The maxima of so many rows differ by more than their likelihoods vary.
_ENTRIES, _FEWEST, _MOST = 300_000, 1_000, 20_000

#: Iterations of a short descent, halvings of one step, and the predicted gain in nats of all rows
#: together below which it ends: starts that lead to one maximum are then told from others.
_ITERATIONS, _HALVINGS, _NEAR = 60, 8, 1e-4

#: A descent that gained less than so many nats in its last iterations has met a ridge.
_PATIENCE, _SLOW = 8, 1e-2

#: A start is preferred to those before it only if it gains more nats than this.
_GAIN = 1e-3

#: How far a logarithm may go from its start in a descent that is held back from a collapse.
_LEASH = 1.0

#: Number of rows below which a density that has shrunk onto them is an accident of these rows.
_FEW_ROWS = 10.0

#: Smallest eigenvalue, in the scale of the diagonal, that replaces a negative one of the observed
#: information, and that is tried where no length of the first step descends: nearly the gradient.
_LEAST = (0.1, 1.0)

#: Smallest eigenvalue that replaces a positive one.
_SMALL = 1e-5

#: Smallest eigenvalue of the observed information, in the scale of its diagonal, with which the
#: end of a descent is a point to begin at.
_SINGULAR = 1e-7

#: Gain in nats for each row of a collapse, beside the best other end, from which the rows are ties:
#: a density a thousand times narrower gains 7 for each row that it holds.
_TIED = 3.0

#: Share of the decrease that the slope promises that a step must reach (Armijo's rule).
_ARMIJO = 1e-4


@dataclass(frozen=True)
class _Newton:
    """The parts of an engine whose steps use the observed information, made positive."""

    metric: Metric = field(default_factory=ObservedInformation)
    solver: Solver = field(default_factory=CholeskySolver)
    damping: Damping = field(default_factory=NoDamping)


@dataclass(frozen=True)
class _End:
    """The end of a short descent: the objective in nats of all rows, eta (K,), and where to begin.

    A fit begins at ``eta`` if the data determine it (``known``), and else at the start of the way
    there, ``start``.
    """

    value: float
    eta: np.ndarray
    known: bool
    start: np.ndarray

    @property
    def begin(self) -> np.ndarray:
        """The eta (K,) at which a fit begins."""
        return self.eta if self.known else self.start


def best_start(
    family: Distribution, rows: Rows, pose: Callable[[Rows], Likelihood], eta: np.ndarray
) -> np.ndarray:
    """Return where the best of a short descent from eta and from the family's further starts ends.

    The descents use the observed information and compute no divergence, so that an iteration costs
    one pass over the rows. They are shared by the processes of the rows, and their ends depend
    neither on these nor on draws.

    Parameters
    ----------
    family : Distribution
        The family that is fitted, bound to the data.
    rows : Rows
        The data.
    pose : callable
        ``pose(rows)`` returns the objective of some rows, in the family's eta.
    eta : ndarray of shape (K,)
        The first start.

    Returns
    -------
    ndarray of shape (K,)
        The first start itself if the family has no others.
    """
    others = family.starts(rows)
    if not others:
        return eta
    most = int(np.clip(_ENTRIES // family.n_params, _FEWEST, _MOST))
    objective = pose(_copied(rows, most))
    low, high, _ = family.limits
    starts = [np.clip(start, low, high) for start in (eta, *others)]
    found = rows.each(partial(_ends, family, objective), starts)
    ends = [end for each in found for end in each]
    if not ends:
        return eta
    ends = _sound(family, ends, objective.total)
    numbered = [_numbered(family, objective, end) for end in ends]
    ends = [end for end, _ in numbered]
    if not objective.penalised:
        # Limits of one component belong to its place; a prior says itself which one it is for.
        ends = [end for end, in_order in numbered if in_order] or ends
    lowest = min(end.value for end in ends)
    return next(end.begin for end in ends if end.value <= lowest + _GAIN)


def _copied(rows: Rows, most: int) -> Memory:
    """Return at most so many rows as a task holds them: in its own memory, in one layout.

    Returns
    -------
    Memory
        In the chunks of all rows, so that sums are the same bits in whichever process they run.
    """
    few = rows.few(most)
    columns = (few.y, None, few.weight, few.offset)
    y, X, weight, offset = (None if a is None else np.ascontiguousarray(a) for a in columns)
    return Memory(y, X, weight, offset, chunk=rows.chunk_size)


def _ends(family: Distribution, objective: Likelihood, start: np.ndarray) -> list[_End]:
    """Return the end of a descent and, if it collapsed, that of one which was held back."""
    end = _descended(objective, start)
    if not np.isfinite(end.value):
        return []
    if not family.collapsed(end.eta):
        return [end]
    held = _HeldBack(objective, start, end.eta)
    again = _descended(held, start)
    low, high, _ = held.limits()
    rests = (again.eta <= low) | (again.eta >= high)
    # Where it does not rest at a limit that only held it back, it is a maximum by itself.
    return [end] if not again.known or rests[held.moved].any() else [end, again]


class _HeldBack:
    """An objective in which coordinates that ran to a limit may only leave their start a little."""

    def __init__(self, objective: Likelihood, start: np.ndarray, end: np.ndarray):
        self._objective = objective
        low, high, step = objective.limits()
        self.moved = (end <= low) | (end >= high)
        low = np.where(self.moved, np.maximum(low, start - _LEASH), low)
        high = np.where(self.moved, np.minimum(high, start + _LEASH), high)
        self._limits = low, high, step

    def limits(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the narrower limits and the largest steps."""
        return self._limits

    def __getattr__(self, name: str) -> Any:
        return getattr(self._objective, name)


def _sound(family: Distribution, ends: list[_End], total: float) -> list[_End]:
    """Return the ends that did not collapse, unless the rows themselves ask for a collapse.

    The likelihood has no limit at a collapse, and the estimate is the highest of its other maxima
    (McLachlan and Peel, 2000, section 3.8). A collapse says something about the data if it holds
    more than a few rows, and gains more with each of them than an accident would: many equal rows.

    Returns
    -------
    list of _End
        At least one.
    """
    shares = [family.collapsed(end.eta) for end in ends]
    inside = [end for end, share in zip(ends, shares, strict=True) if share == 0]
    many = [(e, s * total) for e, s in zip(ends, shares, strict=True) if s * total >= _FEW_ROWS]
    if any(end.known for end in inside):
        lowest = min(end.value for end in inside)
        ties = [end for end, rows in many if lowest - end.value > _TIED * rows]
        return ties or inside
    return [end for end, _ in many] or inside or ends


def _numbered(family: Distribution, objective: Likelihood, end: _End) -> tuple[_End, bool]:
    """Return the end, with the preferred eta if its density is the same, and whether it has it."""
    eta = family.alike(end.eta)
    if not end.known or np.array_equal(eta, end.eta):
        return end, True
    low, high, _ = family.limits
    value = objective.value(eta) * objective.total
    if abs(value - end.value) <= _GAIN and np.all((eta >= low) & (eta <= high)):
        return _End(end.value, eta, True, end.start), True
    return end, False


def _descended(objective: Any, start: np.ndarray) -> _End:
    """Return the end of a short descent; its value is not finite where the start's is not."""
    theta = start
    with one_thread(), np.errstate(all="ignore"):
        value, grad = objective.value_and_grad(theta)
        if not np.isfinite(value):
            return _End(np.inf, start, False, start)
        values = [value]
        for k in range(_ITERATIONS):
            if k >= _PATIENCE and values[-_PATIENCE] - value < _SLOW / objective.total:
                break
            at = Iterate(theta, value, grad, k)
            hessian = objective.hessian(theta).dense()
            found = None
            for least in _LEAST:
                local = Local(objective, _Newton(), _positive(hessian, least), at)
                delta, _ = local.boxed(0.0)
                slope = float(grad @ delta)
                if not -slope * objective.total > _NEAR:
                    break
                found = _shortened(objective, local, delta, slope)
                if found is not None:
                    break
            found = found or _beyond_saddle(objective, local, hessian)
            if found is None:
                break
            theta, value, grad = found
            values.append(value)
        # Where the data do not tell the parameters apart, the way there says more than the end.
        known = _determined(hessian, local.free)
    return _End(value * objective.total, theta, known, start)


def _positive(hessian: np.ndarray, least: float) -> Dense:
    """Return the Hessian with absolute eigenvalues in the scale of its diagonal, none too small.

    Returns
    -------
    Dense
        With eigenvalues of at least ``least`` where they were negative, and a small one elsewhere.
    """
    size = np.sqrt(np.abs(np.diagonal(hessian)))
    size = np.where(size > 0, size, 1.0)
    scaled = hessian / np.outer(size, size)
    if not np.isfinite(scaled).all():
        return Dense(np.diag(size**2))
    values, vectors = np.linalg.eigh(scaled)
    floor = np.where(values > 0, max(_SMALL, least - _LEAST[0]), least)
    values = np.maximum(np.abs(values), floor)
    return Dense((vectors * values) @ vectors.T * np.outer(size, size))


def _determined(hessian: np.ndarray, free: np.ndarray) -> bool:
    """Tell whether the observed information of free coordinates is positive and not singular."""
    return _flattest(hessian, free)[0] > _SINGULAR


def _flattest(hessian: np.ndarray, free: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the smallest eigenvalue in the scale of the diagonal, and the way (P,) it belongs to.

    Returns
    -------
    value : float
        0 where the information is not finite, 1 without free coordinates.
    way : ndarray of shape (P,)
        Of length one in this scale, zero where coordinates are not free.
    """
    way = np.zeros(len(free))
    matrix = hessian[np.ix_(free, free)]
    if not np.isfinite(matrix).all():
        return 0.0, way
    if not len(matrix):
        return 1.0, way
    size = np.sqrt(np.abs(np.diagonal(matrix)))
    size = np.where(size > 0, size, 1.0)
    values, vectors = np.linalg.eigh(matrix / np.outer(size, size))
    way[free] = vectors[:, 0] / size
    return float(values[0]), way


def _beyond_saddle(
    objective: Any, local: Local, hessian: np.ndarray
) -> tuple[np.ndarray, float, np.ndarray] | None:
    """Return theta, value and gradient at a lower point along a negative curvature, or None.

    Two components that share the rows of one may have no gradient although they do better apart.

    Returns
    -------
    tuple or None
        The lower of both ways, at the longest step with which one descends.
    """
    curvature, way = _flattest(hessian, local.free)
    if not curvature < -_SINGULAR:
        return None
    at, length = local.iterate, 1.0
    for _ in range(_HALVINGS):
        gain = max(-0.5 * _ARMIJO * curvature * length**2, _NEAR / objective.total)
        found = []
        for sign in (1.0, -1.0):
            theta = local.clip(at.theta + local.shorten(sign * length * way))
            value, grad = objective.value_and_grad(theta)
            if value <= at.value - gain and np.isfinite(grad).all():
                found.append((theta, value, grad))
        if found:
            return min(found, key=lambda point: point[1])
        length *= 0.5
    return None


def _shortened(
    objective: Any, local: Local, delta: np.ndarray, slope: float
) -> tuple[np.ndarray, float, np.ndarray] | None:
    """Return theta, value and gradient after the longest step that descends enough, or None."""
    length = 1.0
    for _ in range(_HALVINGS):
        theta = local.shift(delta, length)
        value, grad = objective.value_and_grad(theta)
        if value <= local.iterate.value + _ARMIJO * length * slope and np.isfinite(grad).all():
            return theta, value, grad
        length *= 0.5
    return None

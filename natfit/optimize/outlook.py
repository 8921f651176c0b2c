"""What lies around the end of a fit: lower values, or a ridge that leads to a limit.

A small gradient proves neither that the curvature is positive nor that the data determine the
estimate. Where a parameter runs to the end of its range, its logarithm has next to no gradient and
next to no curvature: the fit seems to have converged there, whether the likelihood would rise on
the way back or not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from natfit.iterate import Iterate, noise, rounding_at
from natfit.objectives import Objective

#: Standard error, in units of a logarithm, from which a direction counts as weak: a factor of 7.
_WEAK = 2.0

#: Distances that are tried in a weak direction, in units of a logarithm. Those beyond _LONG, a
#: factor of 1e13 in the parameter, say nothing where the objective is not finite.
_WAY, _LONG = 0.5 * 1.5 ** np.arange(17.0), 30.0

#: Log-likelihood, in nats, by which a limit must be below the estimate to be told from it.
_TOLD = 1e-4

#: Log-likelihood, in nats, that a way may lose before it is given up.
_BARRIER = 3.0

#: Number of points between the last one before the barrier and the first one beyond.
_CLOSER = 4

#: Maximum number of Newton steps by which strong directions follow a point on the way.
_NEWTON = 3

#: Largest steps of the loop that a way must be long to say something of a limit.
_REACH = 0.7

#: Number of points of a way from which on they are far apart: by more than six units.
_APART = 8

#: How many standard errors of rounding explain a change: errors farther apart are larger.
_ERRORS = 1e3

#: Maximum number of weak directions that are tried.
_MOST = 3

#: Curvature, in the scale of the diagonal, below which it is negative and not rounding.
_NEGATIVE = -1e-6

#: Cost, in nats, that a unit of a real coordinate must not exceed, and how often it is shortened.
_COSTLY, _SHORTENED = 3.0, 30

#: Share of its unit by curvature below which the unit of a real coordinate tells of no curvature.
_HONEST = 0.1

#: Number of real coordinates up to which each unit is checked against the objective.
_CHECKED = 20

#: Maximum number of parameters for which the information is decomposed.
_AFFORDABLE = 200

#: Distance to the optimum in the observed information, in standard errors, above which a fit has
#: not converged, whatever the expected information says.
_FAR = 0.05


@dataclass(frozen=True)
class Outlook:
    """What was found around the end of a fit.

    Attributes
    ----------
    lower : ndarray of shape (P,) or None
        A point at which the objective is lower by more than rounding.
    ridge : dict or None
        Where the likelihood levels off: coordinates that run together, to 1 (up) or -1 (down).
    both : bool
        Whether it is level in both directions, so that the data do not determine the coordinates.
    far : bool
        Whether the observed information says that the optimum is elsewhere.
    still : bool
        Whether it says that the gradient is nothing: where it is singular, another metric divides
        the rounding of the gradient by next to nothing.
    """

    lower: np.ndarray | None = None
    ridge: dict[int, int] | None = None
    both: bool = False
    far: bool = False
    still: bool = field(default=False, compare=False)


def outlook(objective: Objective, last: Iterate, tol: float = 0.0) -> Outlook:
    """Look around the end of a fit, along the directions that the data determine least.

    With H the negative Hessian of the log-likelihood in theta, a direction of logarithmic
    coordinates is weak if its standard error is above 2, all other coordinates following as H
    says, or if its curvature is negative. On both ways along it the objective is computed at up to
    300 units, or until a limit.

    Parameters
    ----------
    objective : Objective
        A likelihood that has a Hessian.
    last : Iterate
        The end of the fit. Coordinates that rest at a limit are not moved.
    tol : float
        Distance to the optimum that was asked for, in standard errors: what lies within it is not
        lower.

    Returns
    -------
    Outlook
    """
    free = np.ones(len(last.theta), dtype=bool)
    free[list(last.active)] = False
    if not 0 < free.sum() <= _AFFORDABLE:
        return Outlook()
    with np.errstate(all="ignore"):
        hessian = objective.hessian(last.theta).dense() * objective.yardstick
        if not np.isfinite(hessian).all():
            return Outlook()
        found = Outlook()
        for direction in _weak(objective, hessian, free, last):
            found = _Way(objective, last, hessian, free, direction).look(found, tol)
            if found.lower is not None:
                return found
        grad = last.grad * objective.yardstick
        if _newton(hessian, grad, free) > max(_FAR, 10.0 * tol) ** 2:
            return Outlook(far=True)
    return replace(found, still=_still(hessian, grad, free))


def _newton(hessian: np.ndarray, grad: np.ndarray, free: np.ndarray) -> float:
    """Return the squared distance to the optimum in H; 0 if H is not positive definite."""
    matrix, grad = hessian[np.ix_(free, free)], grad[free]
    size = np.sqrt(np.abs(np.diagonal(matrix)))
    size[size == 0] = 1.0
    values, vectors = np.linalg.eigh(matrix / np.outer(size, size))
    if not values[0] > 1e-8:
        return 0.0
    return float(np.sum((vectors.T @ (grad / size)) ** 2 / values))


def _still(hessian: np.ndarray, grad: np.ndarray, free: np.ndarray) -> bool:
    """Tell whether no direction has a gradient, in standard errors or, where flat, in nats."""
    size = np.sqrt(np.abs(np.diagonal(hessian)))[free]
    size[size == 0] = 1.0
    values, vectors = np.linalg.eigh(hessian[np.ix_(free, free)] / np.outer(size, size))
    along = np.abs(vectors.T @ (grad[free] / size))
    return bool(np.all(along < np.where(values > 1e-8, _FAR * np.sqrt(np.abs(values)), _TOLD)))


def _weak(
    objective: Objective, hessian: np.ndarray, free: np.ndarray, last: Iterate
) -> Iterator[np.ndarray]:
    """Yield directions (P,) in which a unit costs little or another number than H says."""
    steps = objective.limits()[2]
    logs = free & np.isfinite(steps)
    rest = free & ~logs
    # A logarithm may change by 3 in one step of the loop, coordinates of a smaller unit by less.
    unit = np.where(logs, steps / 3.0, 1.0)
    size = np.sqrt(np.abs(np.diagonal(hessian)))
    unit[rest] = 1.0 / np.where(size[rest] > 0, size[rest], 1.0)
    scaled = hessian * np.outer(unit, unit)
    follow = np.zeros((rest.sum(), logs.sum()))
    if rest.any():
        values, vectors = np.linalg.eigh(scaled[np.ix_(rest, rest)])
        ways = np.zeros((len(values), len(unit)))
        ways[:, rest] = vectors.T
        yield from _curved(objective, last, values, ways * unit)
        if values[0] < _NEGATIVE:
            return
        values = np.maximum(values, 1e-12)
        follow = -(vectors / values) @ (vectors.T @ scaled[np.ix_(rest, logs)])
    if not logs.any():
        return
    inner = scaled[np.ix_(logs, logs)] + scaled[np.ix_(logs, rest)] @ follow
    values, vectors = np.linalg.eigh(0.5 * (inner + inner.T))
    for value, vector in list(zip(values, vectors.T, strict=True))[:_MOST]:
        if value < 1.0 / _WEAK**2:
            direction = np.zeros(len(unit))
            vector = vector / np.abs(vector).max()
            direction[logs], direction[rest] = vector, follow @ vector
            yield direction * unit


def _curved(
    objective: Objective, last: Iterate, values: np.ndarray, ways: np.ndarray
) -> Iterator[np.ndarray]:
    """Yield directions of real coordinates in which the curvature is negative or says nothing.

    Where a gradient vanishes by symmetry, the curvature may vanish with it, as that of two normals
    at loc -+ m does at m = 0, once the scale is that of all rows. What decides there is of the
    fourth order, and a real coordinate has no unit but the one from its curvature. One standard
    error must cost half a nat; else the unit is shortened until it costs no more than a few.

    Parameters
    ----------
    objective : Objective
        The likelihood.
    last : Iterate
        The end of the fit.
    values : ndarray of shape (m,)
        Curvatures, in ascending order, in nats per squared length of the ways.
    ways : ndarray of shape (m, P)
        The directions that they belong to.

    Yields
    ------
    ndarray of shape (P,)
    """
    if len(values) > _CHECKED:
        values, ways = values[:1], ways[:1]
    for value, way in zip(values, ways, strict=True):
        unit = length = 1.0 / np.sqrt(max(abs(value), np.finfo(float).eps))
        for _ in range(_SHORTENED):
            cost = [_cost(objective, last, sign * length * way) for sign in (1.0, -1.0)]
            if np.max(np.abs(cost)) < _COSTLY:
                break
            length *= 0.25
        if length < _HONEST * unit or value < _NEGATIVE:
            yield 0.5 * length * way


def _cost(objective: Objective, last: Iterate, delta: np.ndarray) -> float:
    """Return the change of the objective by a step, in nats; infinite outside the domain."""
    low, high, _ = objective.limits()
    theta = np.clip(last.theta + delta, low, high)
    if not objective.in_domain(theta):
        return np.inf
    value = (objective.value(theta) - last.value) * objective.yardstick
    return value if np.isfinite(value) else np.inf


class _Way:
    """A way from the end of a fit in a direction; strong directions follow by Newton's step."""

    def __init__(
        self,
        objective: Objective,
        last: Iterate,
        hessian: np.ndarray,
        free: np.ndarray,
        direction: np.ndarray,
    ):
        self.objective, self.last, self.direction = objective, last, direction
        self.low, self.high, self.steps = objective.limits()
        size = np.sqrt(np.abs(np.diagonal(hessian)))
        unit = np.where(
            np.isfinite(self.steps), self.steps / 3.0, 1.0 / np.where(size > 0, size, 1.0)
        )
        unit = np.where(free, unit, 0.0)
        along = direction / np.where(free, unit, 1.0)
        across = np.eye(len(unit)) - np.outer(along, along) / (along @ along)
        values, vectors = np.linalg.eigh(across @ (hessian * np.outer(unit, unit)) @ across)
        strong = values > 1.0 / _WEAK**2
        root = unit[:, None] * vectors[:, strong] / np.sqrt(values[strong])
        self._follow = root @ root.T
        # How far the point before was off the straight way, and its length.
        self._bend, self._at = np.zeros(len(unit)), 0.0

    def at(self, length: float) -> tuple[np.ndarray, float]:
        """Return the point at a signed length, and the objective there."""
        bend = self._bend * length / self._at if self._at else 0.0
        theta = self.last.theta + length * self.direction + bend
        theta, value, grad = self._valued(theta)
        for _ in range(_NEWTON):
            if not np.isfinite(grad).all():
                break
            step = self._follow @ grad * self.objective.yardstick
            for part in (1.0, 0.2):
                other, lower, slope = self._valued(theta - part * step)
                if lower < value:
                    break
            if not lower < value:
                break
            worth = (value - lower) * self.objective.yardstick > 0.1 * _TOLD
            theta, value, grad = other, lower, slope
            if not worth:
                break
        self._bend, self._at = theta - self.last.theta - length * self.direction, length
        return theta, value

    def _points(self, sign: float) -> list[tuple[float, np.ndarray]]:
        """Return value and theta of points on one way, up to the barrier, which is closed in on."""
        most = self.last.value + _BARRIER / self.objective.yardstick
        points, before = [], 0.0
        self._at = 0.0
        for length in _WAY:
            theta, value = self.at(sign * length)
            if length > _LONG and not np.isfinite(value):
                break
            points.append((value, theta))
            if not value < most:
                for closer in np.linspace(before, length, _CLOSER + 2)[1:-1]:
                    theta, value = self.at(sign * closer)
                    points.append((value, theta))
                break
            before = length
        return points

    def _valued(self, theta: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
        """Return a point inside the limits, with the objective and its gradient there."""
        theta = np.clip(theta, self.low, self.high)
        if not self.objective.in_domain(theta):
            return theta, np.inf, np.full(len(theta), np.nan)
        value, grad = self.objective.first_order(theta)
        return theta, value if np.isfinite(value) else np.inf, grad

    def _sound(self, points: list[tuple[float, np.ndarray]]) -> list[tuple[float, np.ndarray]]:
        """Return the points up to where a formula has lost its digits.

        Far out, terms of a formula cancel, and what is left may be any number: from where rounding
        is measured that explains the change, or at one lower point alone of points far apart.

        Returns
        -------
        list
        """
        weight, last = self.objective.yardstick, self.last
        values = np.array([value for value, _ in points])
        lower = values < last.value - noise(last.value, self.objective.scale)
        before = np.concatenate([[last.value], values[:-1]])
        after = np.concatenate([values[1:], [np.inf]])
        alone = np.minimum(before, after) > values + 0.9 * (last.value - values)
        alone &= lower & (np.arange(len(points)) >= _APART)
        for k, (value, theta) in enumerate(points):
            change = abs(value - last.value)
            if alone[k]:
                return points[:k]
            if not np.isfinite(value) or not change * weight > 0.5 * _TOLD:
                continue
            if self._rounded(value, theta):
                return points[: max(k, 1)]
            if not lower[k:].any():
                break
        return points

    def _level(self, points: list[tuple[float, np.ndarray]]) -> int:
        """Tell whether the likelihood is level on a way, as far as rounding lets it be seen.

        A rise beyond a factor of 1e13 in a parameter does not count: there a direction is no longer
        straight enough.

        Returns
        -------
        int
            2 if no rise is seen, 1 if one is seen far out, 0 if the likelihood is not level.
        """
        before = 0.0
        for value, theta in points:
            reach = float(np.max(np.abs(theta - self.last.theta) / self.steps))
            change = (value - self.last.value) * self.objective.yardstick
            if np.isfinite(value) and abs(change) > 0.5 * _TOLD and self._rounded(value, theta):
                break
            if not change < _TOLD:
                return int(before > _LONG / 3.0)
            before = reach
        return 2 if before > _REACH else 0

    def _rounded(self, value: float, theta: np.ndarray) -> bool:
        """Tell whether rounding explains that the objective differs from that at the end."""
        return abs(value - self.last.value) < _ERRORS * rounding_at(self.objective, theta)

    def look(self, found: Outlook, tol: float) -> Outlook:
        """Return what lies on both ways, together with what was found before."""
        last, weight = self.last, self.objective.yardstick
        level, seen = [], []
        for sign in (1.0, -1.0):
            points = self._points(sign)
            level.append(self._level(points))
            points = self._sound(points)
            seen += points
        least = min(value for value, _ in seen)
        gain = last.value - least
        worth = max(noise(last.value, self.objective.scale), tol**2 / weight)
        if gain > worth and not (any(level) and gain * weight < _TOLD):
            # The first one: beyond it the objective may be level up to a limit.
            enough = least + min(_TOLD / weight, 0.1 * gain)
            return Outlook(lower=next(theta for value, theta in seen if value <= enough))
        if not any(level) or found.ridge is not None:
            return found
        moves = np.where(np.isfinite(self.steps), self.direction / self.steps, 0.0)
        moves *= 1.0 if level[0] >= level[1] else -1.0
        which = np.flatnonzero(np.abs(moves) > 0.1 * np.abs(moves).max())
        # What rests at a limit has come there, whichever way is level: both are among roundings.
        ends = (last.theta >= self.high).astype(int) - (last.theta <= self.low)
        sides = np.where(ends != 0, ends, np.sign(moves))
        both = level[0] == level[1]
        return Outlook(ridge={int(i): int(sides[i]) for i in which}, both=both)

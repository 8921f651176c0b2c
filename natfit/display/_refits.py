"""Profiles of a likelihood: refits in which one or two functions of the parameters are held."""

from __future__ import annotations

import numpy as np
from scipy import special

from natfit.display._targets import Axis, Target
from natfit.inference.constrained import Refit
from natfit.inference.estimate import Estimate
from natfit.inference.kinked import refitted
from natfit.inference.profile import posed
from natfit.inference.surface import Function, Surface

#: How far beyond its estimate a value is drawn that its interval does not bound: in lengths of the
#: other side.
_OPEN = 3.0


#: Beyond this multiple of the largest deviance of interest no points of a grid are refitted.
_FAR = 2.0

#: Into how many parts a step between two points of a grid is divided, in turn.
_PARTS = (1, 2, 4, 8)


def profile(
    estimate: Estimate, target: Target, values: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the profile deviance ``2 W (min {f: g = c} - f(estimate))`` of values c of g.

    Refits start from the neighbour that is nearer to the estimate.

    Parameters
    ----------
    estimate : Estimate
        With its objective.
    target : Target
        g.
    values : ndarray of shape (n,)
        The values c.

    Returns
    -------
    values, deviance : ndarray of shape (m,)
        In ascending order of c, with m <= n: without values that no parameters have.
    """
    surface, function = posed(estimate, target.value, target.gradient)
    lowest, _ = surface.first(estimate.theta)
    centre, found = target.value(estimate.theta), []
    for side in (values[values < centre][::-1], values[values >= centre]):
        theta = estimate.theta
        for c in side:
            held = Function(*target.held(float(c)))
            held.linear = function.linear
            refit = refitted(surface, held, 0.0, theta)
            # Beyond a value that cannot be reached there are none that can.
            if refit is None or not refit.converged:
                break
            theta = refit.theta
            found.append((c, 2.0 * surface.total * (refit.value - lowest)))
    table = np.array(sorted(found)).reshape(-1, 2)
    return table[:, 0], np.maximum(table[:, 1], 0.0)


def widened(low: float, centre: float, high: float, factor: float) -> tuple[float, float]:
    """Return ends that are further from the centre, on the side of zero on which they are.

    Returns
    -------
    low, high : float
        Infinite where they were.
    """
    ends = []
    for end in (low, high):
        far = centre + factor * (end - centre)
        # On the other side of zero there may be no values: it is approached in ratios.
        cross = far * end <= 0.0 < end * centre
        ends.append(end * (end / centre) ** (factor - 1.0) if cross else far)
    return ends[0], ends[1]


def drawn_range(centre: float, low: float, high: float) -> tuple[float, float]:
    """Return finite ends of a plot around a value, from those of an interval.

    Returns
    -------
    low, high : float
        An open side is drawn as far as three times the other.
    """
    below, above = centre - low, high - centre
    if not np.isfinite(below):
        below = _OPEN * above if np.isfinite(above) else max(abs(centre), 1.0)
    if not np.isfinite(above):
        above = _OPEN * below
    return centre - below, centre + above


def plane(
    estimate: Estimate, axes: tuple[Axis, Axis], x: np.ndarray, y: np.ndarray, most: float
) -> np.ndarray:
    """Return the profile deviance on a grid of two coordinates, (len(y), len(x)).

    All other coordinates are refitted at each point, from the neighbour that is nearer to the
    estimate.

    Parameters
    ----------
    estimate : Estimate
        With its objective.
    axes : tuple of Axis
        The two coordinates.
    x, y : ndarray
        Values of the coordinates, in the unconstrained scale, in ascending order.
    most : float
        The largest deviance of interest.

    Returns
    -------
    ndarray of shape (len(y), len(x))
        NaN where there is no likelihood, and where it is far below what is of interest.
    """
    at = [axis.index for axis in axes]
    path = _Path(estimate, at)
    column, row = (np.searchsorted(v, estimate.theta[k]) for v, k in zip((x, y), at, strict=True))
    found: dict[tuple[int, int], Refit] = {}
    out = np.full((len(y), len(x)), np.nan)
    for b in sorted(range(len(y)), key=lambda b: abs(b - row)):
        for a in sorted(range(len(x)), key=lambda a: abs(a - column)):
            near = [
                found[p] for p in ((b, _towards(a, column)), (_towards(b, row), a)) if p in found
            ]
            start = min(near, key=lambda r: r.value, default=None if found else path.first)
            if start is None or path.deviance(start) > _FAR * most:
                continue
            refit = path.to(start, np.array([x[a], y[b]]))
            if refit is not None:
                found[b, a] = refit
                out[b, a] = path.deviance(refit)
    return out


class _Path:
    """Refits with two coordinates held, each from another one nearby."""

    def __init__(self, estimate: Estimate, at: list[int]):
        objective, known = estimate.objective, estimate.information.known
        assert objective is not None  # the caller passes the data of the fit
        self.at = np.array(at)
        self.surface = Surface(objective, (*known, at[0]))
        unit = np.eye(len(estimate.theta))[at[1]]
        self.function = Function(lambda theta: float(theta[at[1]]), lambda theta: unit)
        self.function.linear = True
        moving = Surface(objective, known)
        self.rest = moving.moving.copy()
        self.rest[self.at] = False
        value, _ = moving.first(estimate.theta)
        matrix, _ = moving.curvature(estimate.theta)
        self.first = Refit(estimate.theta, value, 0.0, matrix, moving.moving, 0, True)

    def deviance(self, refit: Refit) -> float:
        """Return twice the log-likelihood that is lost, in nats."""
        return float(2.0 * self.surface.total * (refit.value - self.first.value))

    def to(self, start: Refit, ends: np.ndarray) -> Refit | None:
        """Return the refit with the two coordinates at these values; None if none is found.

        A step that leaves the region in which there is a likelihood is made in several.

        Returns
        -------
        Refit or None
        """
        for number in _PARTS:
            here: Refit | None = start
            for step in np.linspace(start.theta[self.at], ends, number + 1)[1:]:
                here = None if here is None else self._next(here, step)
            if here is not None:
                return here
        return None

    def _next(self, here: Refit, held: np.ndarray) -> Refit | None:
        """Return the refit at values nearby, from the tangent of the path of refits."""
        theta, rest = here.theta.copy(), self.rest
        move = held - theta[self.at]
        theta[self.at] = held
        if not rest.any():
            value, _ = self.surface.first(theta)
            return Refit(theta, value, 0.0, here.matrix, rest, 0, True) if value < np.inf else None
        pull = here.matrix[rest][:, self.at] @ move
        theta[rest] -= np.linalg.lstsq(here.matrix[np.ix_(rest, rest)], pull, rcond=None)[0]
        theta = np.clip(theta, self.surface.low, self.surface.high)
        found = refitted(self.surface, self.function, float(held[1]), theta)
        return found if found is not None and found.converged else None


def _towards(k: int, centre: int) -> int:
    return k + int(np.sign(centre - k))


def chi_square_quantile(level: float, df: int = 1) -> float:
    """Return the quantile of the chi-square distribution with one or two degrees of freedom."""
    return float(special.chdtri(df, 1.0 - level))

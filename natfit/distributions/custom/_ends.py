"""Parameters in which the likelihood has no derivative at its best: gaps, kinks and held values.

Where the density is positive at an end of its support, the likelihood grows as the end moves
towards the outermost row, and the best place of the end is this row: an order statistic. In the
coordinates of this file the gap between an end and the outermost row replaces one parameter: a
shape that is the end, else the location, else the scale. A gap may be searched on a logarithmic
scale, or be held at zero.

Where the log-density has a kink, as that of the Laplace distribution in the middle, its best place
is a row again. Whole-numbered shapes, and shapes at their limits, are held at a value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

#: A gap of zero, in units of rounding of the outermost rows: the rows lie inside the support by
#: scipy's own arithmetic.
_NOTHING = 16.0

#: Relative step that tells how fast an end moves, and the speed that is rounding.
_PROBE, _STILL = 1e-4, 1e-10

#: Change of a log-density by such a step from which on it is no straight line, and how often the
#: step is made shorter then.
_STRAIGHT, _SHORTER = 0.1, 4

#: Score of a row, in natural units, from which on it has steps of its own.
_STEEP = 20.0

#: Distances from a kink at which slopes are compared, their change that may be rounding, and how
#: many times more than in proportion to the distance they differ at a place that is not smooth.
_SIDES, _JUMP, _ROUGH = (1e-6, 1e-4), 1e-3, 3.0

#: Difference of the log-density at these distances by which it is infinite at the kink.
_GROWS = 0.02


class Hold(NamedTuple):
    """What stands for a parameter.

    Attributes
    ----------
    kind : {"lower", "upper", "kink", "wall", "value", "edge"}
        An end of the support, a kink of the density, or a value of the parameter itself; ``wall``
        where the density is infinite at the kink, ``edge`` where scipy's formula ends beyond the
        value.
    name : str
        The parameter that follows from it.
    point : str or float
        Where a kink lies without location and scale: at a number, or at the value of a shape.
    value : float
        The row at which a kink is held, or the parameter's value.
    """

    kind: str
    name: str
    point: str | float = 0.0
    value: float = np.nan

    @property
    def end(self) -> bool:
        """Whether it is an end of the support."""
        return self.kind in ("lower", "upper")


@dataclass(frozen=True)
class Chart:
    """Coordinates u (m, K) in which the logarithms of gaps stand for the parameters they replace.

    Attributes
    ----------
    family : ScipyDistribution
        The family.
    least, most : float
        The outermost rows.
    units : tuple of float
        The units of the gaps at the lower and at the upper end.
    holds : tuple of Hold
        What replaces parameters.
    """

    family: Any
    least: float
    most: float
    units: tuple[float, float]
    holds: tuple[Hold, ...]

    @classmethod
    def every(cls, family: Any, least: float, most: float, units: tuple[float, float]) -> list:
        """Return a chart for each way in which ends are finite, and one without gaps.

        Whether an end is finite may depend on the sign of a shape; a chart in which it is replaced
        then holds where it is finite.

        Returns
        -------
        list of Chart
        """
        probes = family._probes()
        low, high = family._standard_ends(probes)
        patterns = np.stack([np.isfinite(low), np.isfinite(high)], axis=1)
        charts = []
        for pattern in np.unique(patterns, axis=0):
            here = np.all(patterns == pattern, axis=1)
            ends = _replaceable(family, probes[here], pattern, (least, most))
            charts.append(cls(family, least, most, units, ends))
        if len(charts) > 1 and all(chart.holds for chart in charts):
            charts.append(cls(family, least, most, units, ()))
        return charts

    def held(self, *more: Hold) -> Chart:
        """Return the chart with further holds."""
        return replace(self, holds=(*self.holds, *more))

    @property
    def unit(self) -> np.ndarray:
        """The unit of each gap, (E,)."""
        return np.array([self.units[hold.kind == "upper"] for hold in self.holds])

    @property
    def at(self) -> list[int]:
        """Indices of the coordinates that are replaced."""
        return [self.family.blocks[hold.name].start for hold in self.holds]

    @property
    def nothing(self) -> float:
        """The smallest gap that keeps the rows inside."""
        return _NOTHING * float(np.spacing(max(abs(self.least), abs(self.most))))

    def gaps(self, eta: np.ndarray) -> np.ndarray:
        """Return the gaps (m, E) of points eta (m, K), negative where a row lies outside."""
        low, high = self.family._moved_ends(eta)
        gap = {"lower": self.least - low, "upper": high - self.most}
        return np.stack([gap.get(hold.kind, np.zeros(len(eta))) for hold in self.holds], axis=1)

    def to_u(self, eta: np.ndarray, least: float = 1e-12) -> np.ndarray:
        """Return u (m, K) of points eta (m, K); gaps below ``least`` units are set to it."""
        u = np.array(eta)
        if self.holds:
            gaps = np.maximum(self.gaps(eta) / self.unit, least)
            u[:, self.at] = np.log(np.where(np.isfinite(gaps), gaps, 1.0))
        return u

    def to_eta(self, u: np.ndarray) -> np.ndarray:
        """Return eta (m, K) of points u (m, K); a gap of log -inf is the smallest one."""
        if not self.holds:
            return u
        gap = np.maximum(np.exp(u[:, self.at]) * self.unit, self.nothing)
        eta = np.array(u)
        eta[:, self.at] = 0.0
        values = [hold for hold in self.holds if hold.kind in ("value", "edge")]
        for hold in values:
            one = self.family.params[hold.name].to_eta(np.array([hold.value]))
            eta[:, self.family.blocks[hold.name]] = one
        with np.errstate(all="ignore"):
            for name, value in self._replaced(eta, gap).items():
                constraint = self.family.params[name]
                eta[:, self.family.blocks[name]] = constraint.to_eta(value)
        return eta

    def _replaced(self, eta: np.ndarray, gap: np.ndarray) -> dict[str, np.ndarray]:
        """Native values (m,) of the parameters that gaps (m, E) replace; eta holds the others."""
        native = dict(zip(self.family.params, self.family.native(eta), strict=True))
        low, high = self.family._standard_ends(eta)
        zero, one = np.zeros(len(eta)), np.ones(len(eta))
        goal, edge = {}, {}
        for k, hold in enumerate(self.holds):
            if hold.kind == "lower":
                goal[hold.name], edge[hold.name] = self.least - gap[:, k], low
            elif hold.kind == "upper":
                goal[hold.name], edge[hold.name] = self.most + gap[:, k], high
            elif hold.kind in ("kink", "wall"):
                goal[hold.name] = np.full(len(eta), hold.value)
                point = hold.point
                edge[hold.name] = native[point] if isinstance(point, str) else point * one
        loc, scale = native.get("loc", zero), native.get("scale", one)
        out = {}
        if "loc" in goal and "scale" in goal:
            scale = (goal["scale"] - goal["loc"]) / (edge["scale"] - edge["loc"])
            out["scale"] = scale
        elif "scale" in goal:
            out["scale"] = scale = (goal["scale"] - loc) / edge["scale"]
        if "loc" in goal:
            out["loc"] = loc = goal["loc"] - edge["loc"] * scale
        for name in goal.keys() - {"loc", "scale"}:
            out[name] = (goal[name] - loc) / scale
        return out


def _replaceable(
    family: Any, probes: np.ndarray, finite: np.ndarray, extent: tuple[float, float]
) -> tuple[Hold, ...]:
    """Find what the gap at each finite end may replace: a shape that is the end, loc or scale."""
    native = dict(zip(family.params, family.native(probes), strict=True))
    edges = family._standard_ends(probes)
    shapes = [n for n in family.params if n not in ("loc", "scale", *family._whole)]
    left = [n for n in ("loc", "scale") if n in family.params]
    ends: list[Hold] = []
    for side, edge, known in zip(("lower", "upper"), edges, finite, strict=True):
        if not known:
            continue
        same = [n for n in shapes if np.array_equal(native[n], edge)]
        moved = [n for n in left if n == "loc" or np.all(edge != 0.0)]
        if same or moved:
            ends.append(Hold(side, (same or moved)[0]))
            left = [n for n in left if n != ends[-1].name]
        elif ends and ends[0].name == "scale" and edges[0][0] < 0 < edges[1][0]:
            # One scale has to reach both outermost rows: the one that needs the larger scale.
            if extent[1] / edges[1][0] > extent[0] / edges[0][0]:
                ends[0] = Hold(side, "scale")
    return tuple(ends)


def kinks(family: Any, eta: np.ndarray) -> tuple[list[Hold], list[Hold]]:
    """Find where the log-density at eta (1, K) has a peak without a derivative, or is infinite.

    Zero, one and the values of shapes are tried, without location and scale. The row at which the
    kink is to be held is not known yet.

    Returns
    -------
    peaks, walls : list of Hold
        With the parameter that moves the kink: where it is finite, and where it is not. A peak may
        have a derivative, and no second one, as that of exp(-abs(x)^1.2).
    """
    native = dict(zip(family.params, family.native(eta), strict=True))
    low, high = (float(v[0]) for v in family._standard_ends(eta))
    moves = [n for n in ("loc", "scale") if n in family.params]
    points: list[tuple[str | float, float]] = [(0.0, 0.0), (1.0, 1.0)]
    points += [(n, float(native[n][0])) for n in family.params if n not in moves]
    peaks, walls = [], []
    for point, x in points:
        names = [point] if isinstance(point, str) else [n for n in moves if n == "loc" or x]
        if not names or not low < x < high:
            continue
        near, far = (_bend(family, x, eta, side) for side in _SIDES)
        kink = Hold("kink", str(names[0]), point)
        # The slopes on both sides of a smooth place differ in proportion to their distance, and
        # the slope of a logarithm is as large as the distance is small.
        if not abs(near) > max(_JUMP, _ROUGH * _SIDES[0] / _SIDES[1] * abs(far)):
            continue
        if abs(near) > 0.5 * abs(far) * _SIDES[1] / _SIDES[0]:
            walls.append(kink)
        elif near < 0.0:
            peaks.append(kink)
    return peaks, walls


def placed(family: Any, kink: Hold, eta: np.ndarray) -> np.ndarray:
    """Where a kink of the density is at eta (m, K), in the unit of the rows; (m,)."""
    native = dict(zip(family.params, family.native(eta), strict=True))
    point = native[kink.point] if isinstance(kink.point, str) else kink.point
    return native.get("loc", 0.0) + native.get("scale", 1.0) * point + np.zeros(len(eta))


def endless(family: Any, kink: Hold, eta: np.ndarray) -> bool:
    """Tell whether the density at eta (K,) is infinite at a kink."""
    x = float(family.native_dict(eta)[kink.point]) if isinstance(kink.point, str) else kink.point
    near, far = x + np.array(_SIDES)[:, None], x - np.array(_SIDES)[:, None]
    with np.errstate(all="ignore"):
        above, below = (family._log_rows(side, eta[None], False)[:, 0] for side in (near, far))
    return bool(min(above[0] - above[1], below[0] - below[1]) > _GROWS)


def _bend(family: Any, x: float, eta: np.ndarray, side: float) -> float:
    """The change of the log-density's slope from one side of x to the other."""
    h = side * np.array([-2.0, -1.0, 1.0, 2.0])
    with np.errstate(all="ignore"):
        a, b, c, d = family._log_rows(x + h[:, None], eta, False)[:, 0]
        return float((d - c - b + a) / side)


def natural_units(log_prob: Callable, eta: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Return the unit of differences in each coordinate: at most one over the size of its score.

    A row whose score is many times that of the others is near a place where the density is zero or
    infinite, and has a unit of its own.

    Parameters
    ----------
    log_prob : callable
        ``log_prob(points) -> (m, n)`` for points (m, n or 1, K).
    eta, unit : ndarray of shape (n, K) or (1, K)
        Points, and the largest unit.

    Returns
    -------
    ndarray of shape (n, K) or (1, K)
        Positive.
    """
    out = np.array(unit)
    if not out.shape[1]:
        return out
    for _ in range(_SHORTER):
        scores, typical = _sizes(log_prob, eta, unit)
        # Where a step changes the density beyond recognition, its size says nothing.
        wild = ~(typical * _PROBE < _STRAIGHT)
        if not wild.any():
            break
        unit = np.where(wild, unit * _PROBE, unit)
    out = unit / np.maximum(1.0, np.where(np.isfinite(typical), typical, 1.0))
    sizes = scores.T * (out / unit)
    if len(out) == 1 and np.any(sizes > _STEEP):
        out = np.repeat(out, len(sizes), axis=0)
    return out / np.where(sizes > _STEEP, sizes, 1.0) if len(out) == len(sizes) else out


def _sizes(log_prob: Callable, eta: np.ndarray, unit: np.ndarray) -> tuple:
    """Sizes of the scores, in units, and the median of each coordinate; a step may leave a support.

    Returns
    -------
    scores : ndarray of shape (K, n)
        Not finite for rows outside the support.
    typical : ndarray of shape (K,)
        Infinite where none is finite.
    """
    with np.errstate(all="ignore"):
        up, down = np.split(log_prob(_moved(eta, unit)), 2)
        scores = np.abs(up - down) / (2.0 * _PROBE)
    finite = [score[np.isfinite(score)] for score in scores]
    return scores, np.array([np.median(score) if len(score) else np.inf for score in finite])


def _moved(eta: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Points (2 K, n or 1, K): a small step up in each coordinate, then the steps down."""
    moves = _PROBE * np.eye(eta.shape[1])[:, None] * unit
    return np.concatenate([eta + moves, eta - moves])


def safe_steps(
    ends: Callable, y: np.ndarray, eta: np.ndarray, unit: np.ndarray, least: float = 0.0
) -> np.ndarray:
    """Return the unit of differences in each coordinate: less near an end that moves with it.

    Near an end log-densities vary as the logarithm of the distance to it.

    Parameters
    ----------
    ends : callable
        ``ends(eta) -> (low, high)``, the ends of the support (m,) at points eta (m, K).
    y : ndarray of shape (n,)
        Rows.
    eta : ndarray of shape (n, K) or (1, K)
        Points.
    unit : ndarray of shape (n, K) or (1, K)
        The unit far from the ends.
    least : float
        The smallest unit, in units.

    Returns
    -------
    ndarray of shape (n, K) or (1, K)
        Positive.
    """
    here = ends(eta)
    if not np.isfinite(here).any():
        return unit
    out = np.repeat(unit, len(y), axis=0) if len(unit) == 1 else np.array(unit)
    points = _moved(eta, unit)
    moved = [v.reshape(2, eta.shape[1], -1) for v in ends(points.reshape(-1, eta.shape[1]))]
    noise = np.abs(y).max(initial=0.0)
    for end, (up, down) in zip(here, moved, strict=True):
        for k in range(eta.shape[1]):
            with np.errstate(all="ignore"):
                speed = np.abs(up[k] - down[k]) / (2.0 * _PROBE)
                room = np.abs(y - end) / speed * unit[:, k]
            still = speed > _STILL * (np.abs(end) + noise)
            near = np.isfinite(end) & still & (room < out[:, k])
            out[:, k] = np.where(near, np.maximum(room, least * out[:, k]), out[:, k])
    return np.maximum(out, np.finfo(float).tiny)

"""The start of a distribution of scipy: several starts, climbed, with ends held where that is best.

Climbs from the starts of :mod:`natfit.distributions.custom._grid` are compared, with and without
ends held at rows. Nothing is drawn.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from natfit.distributions.contract.start import quantile
from natfit.distributions.custom._ascent import Surface, climb
from natfit.distributions.custom._ends import Chart, Hold, endless, kinks, placed
from natfit.distributions.custom._grid import starts, stretched, widened

#: Rows that rank the starts, those that are climbed on, and how many are climbed how far.
_RANKED, _CLIMBED, _FIRST, _SECOND = 64, 2_000, (8, 6), (3, 40)

#: Difference of two means, in nats, below which starts are one; and from which on ends of first
#: climbs are near different maxima, and how many of these are climbed on.
_LEVEL, _CLEARLY, _OTHERS = 1e-7, 1e-3, 2

#: Gap, in units, of a start whose end would cut rows off, and below which an end has collapsed.
_ROOM, _COLLAPSED = 0.05, 1e-7

#: Gaps, in units, between which the profile over a gap is walked, the number of points, and the
#: length of a step, a change of the logarithm, at which its maximum is known well enough.
_WALKED, _STEPS, _REFINED = (10.0, _COLLAPSED), 60, 1e-3

#: Number of gaps between rows in which a place is tried where the density is zero or infinite.
_GAPS = 200

#: Distances from a row, in units, at which the likelihood is lower if its best place is the row.
_BESIDE = np.logspace(-9.0, -2.0, 15)

#: Share of the rows between the outermost one and that which gives the unit of a gap.
_OUTER = 0.05

#: Log-likelihood in nats by which the density grows from a gap of 1e4 smallest ones to the
#: smallest one where it is infinite at its end; elsewhere it hardly changes.
_INFINITE, _NEAR = 0.02, 1e4


#: The mean, the point u, the ends that are held, and whether the density is infinite at one.
Option = tuple[float, np.ndarray, tuple[int, ...], bool]


class Found(NamedTuple):
    """Where a search ended.

    Attributes
    ----------
    eta : ndarray of shape (K,)
        The best point.
    mean : float
        The mean log-density of the rows there, in nats.
    chart : Chart
        With the ends that are held.
    infinite : bool
        Whether the density is infinite at an end that is held.
    """

    eta: np.ndarray
    mean: float
    chart: Chart
    infinite: bool


def search(family: Any, y: np.ndarray, weight: np.ndarray | None, extent: Any) -> Found:
    """Search for the best parameters of rows y (n,), all coordinates free.

    Parameters
    ----------
    family : ScipyDistribution
        The family; whole-numbered shapes are held.
    y, weight : ndarray of shape (n,)
        Rows, and their weights or None.
    extent : tuple of float
        The outermost rows, which may lie outside y.

    Returns
    -------
    Found
        With a mean of -inf if no start has a density at all rows.
    """
    least, most = (float(end) for end in extent)
    inner = [quantile(y, weight, q) for q in (_OUTER, 1.0 - _OUTER)]
    spread = (most - least) or abs(most) or 1.0
    units = (inner[0] - least or spread, most - inner[1] or spread)
    points = stretched(family, starts(family, y, weight), least, most)
    charts = Chart.every(family, least, most, units)
    best = _best(charts, points, y, weight)
    if not np.isfinite(best.mean) and "scale" in family.params:
        # Densities underflow at rows that are far out.
        best = _best(charts, widened(family, points), y, weight)
    if np.isfinite(best.mean) and not family._discrete:
        for wall in kinks(family, best.eta[None])[1]:
            best = _between(best, wall, y, weight)
        peaks = kinks(family, best.eta[None])[0]
        # Where one of two kinks is held, the other may be best at a row, too.
        for peak in peaks * len(peaks):
            best = _at_kink(best, peak, y, weight)
    return best


def _best(
    charts: list[Chart], points: np.ndarray, y: np.ndarray, weight: np.ndarray | None
) -> Found:
    """Return the best of the searches in each chart from points eta (m, K)."""
    found = [_within(chart, points, y, weight) for chart in charts]
    return max(found, key=lambda f: (f.mean, -len(f.chart.holds)))


def _at_kink(found: Found, kink: Hold, y: np.ndarray, weight: np.ndarray | None) -> Found:
    """Return the search's result with a kink held at the best row nearby, if that is better."""
    chart = found.chart
    if kink.name in [hold.name for hold in chart.holds]:
        return found
    rows = np.unique(y)
    now = placed(chart.family, kink, found.eta[None])[0]

    def at(j: int, eta: np.ndarray) -> Found:
        end = _at_row(chart, kink._replace(value=float(rows[j])), eta, y, weight)
        return end._replace(infinite=found.infinite)

    j = int(np.clip(np.searchsorted(rows, now), 1, len(rows) - 2)) if len(rows) > 2 else 0
    best = found
    for step in (1, -1):
        k, last = j + (step < 0) * step, best
        while 0 <= k < len(rows):
            trial = at(k, last.eta)
            if trial.mean > best.mean:
                best = trial
            elif k != j:
                break
            last, k = trial, k + step
    return best if best is found else _beside(best, kink, found, y, weight)


def _beside(
    held: Found, kink: Hold, found: Found, y: np.ndarray, weight: np.ndarray | None
) -> Found:
    """Return the result with a kink held at a row, unless it is better beside the row."""
    chart = found.chart
    at = chart.family.blocks[kink.name].start
    surface = _surface(chart, y, weight)
    u = np.repeat(chart.to_u(held.eta[None]), 2 * len(_BESIDE), axis=0)
    u[:, at] += np.concatenate([_BESIDE, -_BESIDE]) * surface.unit(u[0])[at]
    means = surface.at(u)
    best = int(np.argmax(means))
    if not means[best] > held.mean:
        return held
    return Found(chart.to_eta(u[best : best + 1])[0], float(means[best]), chart, found.infinite)


def _between(found: Found, wall: Hold, y: np.ndarray, weight: np.ndarray | None) -> Found:
    """Return the best result with the place where the density is zero or infinite between rows.

    Each gap between rows has a maximum of its own where the density is zero there. Where it is
    infinite, the likelihood grows without limit as the place tends to a row.

    Returns
    -------
    Found
    """
    chart, rows = found.chart, np.unique(y)
    if chart.holds or len(rows) < 2:
        return found
    now = placed(chart.family, wall, found.eta[None])[0]
    middles = 0.5 * (rows[1:] + rows[:-1])
    middles = middles[np.argsort(np.abs(middles - now), kind="stable")[:_GAPS]]
    held = chart.held(wall._replace(value=middles))
    points = held.to_eta(np.repeat(found.eta[None], len(middles), axis=0))
    surface = _surface(chart, y, weight)
    means = surface.at(points)
    ends = [climb(surface, points[i], _FIRST[1]) for i in np.argsort(-means)[: _FIRST[0]]]
    ends = sorted(ends, key=lambda end: -end[1])[: _SECOND[0]]
    ends = [climb(surface, u, _SECOND[1]) for u, _ in ends] + [(found.eta, found.mean)]
    inner = [end for end in ends if not endless(chart.family, wall, end[0])]
    eta, mean = max(inner or ends, key=lambda end: end[1])
    if inner:
        return Found(eta, mean, chart, found.infinite)
    nearest = rows[np.argmin(np.abs(rows - placed(chart.family, wall, eta[None])[0]))]
    return _at_row(chart, wall._replace(kind="wall", value=nearest + chart.nothing), eta, y, weight)


def _at_row(
    chart: Chart, kink: Hold, eta: np.ndarray, y: np.ndarray, weight: np.ndarray | None
) -> Found:
    """Climb from eta (K,) with a kink held."""
    held = chart.held(kink)
    free = [i for i in range(len(eta)) if i not in held.at]
    inside, put = part_of(_surface(held, y, weight), np.full(len(eta), -np.inf), free)
    part, mean = climb(inside, eta[free], _SECOND[1])
    return Found(held.to_eta(put(part[None]))[0], mean, held, kink.kind == "wall")


def part_of(surface: Surface, whole: np.ndarray, free: list[int]) -> tuple[Surface, Callable]:
    """Return the surface over some coordinates of a point u (K,), and the map into all of them."""

    def put(part: np.ndarray) -> np.ndarray:
        out = np.repeat(whole[None], len(part), axis=0)
        out[:, free] = part
        return out

    inside = Surface(
        lambda part: surface.rows(put(part)),
        surface.weight,
        lambda part: surface.unit(put(part[None])[0])[free],
    )
    return inside, put


def _within(chart: Chart, points: np.ndarray, y: np.ndarray, weight: np.ndarray | None) -> Found:
    """Search in one chart from points eta (m, K)."""
    u = chart.to_u(points)
    if chart.holds:
        outside = ~(chart.gaps(points) > 0)
        for k, at in enumerate(chart.at):
            u[outside[:, k], at] = np.log(_ROOM)
    some = _surface(chart, *_spread(y, weight, _RANKED))
    all_rows = _surface(chart, y, weight)
    means = some.at(u)
    order = np.argsort(-means, kind="stable")[: max(1, int(np.isfinite(means).sum()))]
    count = min(_FIRST[0], 2 * u.shape[1])
    best = [climb(some, u[i], _FIRST[1]) for i in _apart(u, means, order, count)]
    u, means = np.array([v for v, _ in best]), np.array([value for _, value in best])
    order = np.argsort(-means, kind="stable")
    chosen = _apart(u, means, order, _SECOND[0])
    # Of several maxima the highest on a few rows may not be that on all rows.
    chosen += _apart(u, means, order, _OTHERS, _CLEARLY)
    # A ridge to infinity may be higher than a regular maximum on a few rows: the least extreme.
    plain = min(order, key=lambda i: float(np.abs(u[i]).max(initial=0.0)))
    ended = [climb(all_rows, u[i], _SECOND[1]) for i in dict.fromkeys([*chosen, plain])]
    return _held(all_rows, chart, ended)


def _surface(chart: Chart, y: np.ndarray, weight: np.ndarray | None) -> Surface:
    """The mean log-density of rows over u."""
    family = chart.family
    return Surface(
        lambda u: family.log_rows(y, chart.to_eta(u)),
        weight,
        lambda u: family._unit(y, chart.to_eta(u[None]), chart.at)[0],
    )


def _held(surface: Surface, chart: Chart, ended: list[tuple[np.ndarray, float]]) -> Found:
    """Return the best of the points where climbs ended, and of those with ends held from there."""
    at = chart.at
    inner = [e for e in ended if not np.any(e[0][at] < np.log(_COLLAPSED))]
    options: list[Option] = [(value, u, (), False) for u, value in inner]
    start = max(ended, key=lambda e: e[1])[0]
    for size in range(1, len(at) + 1):
        for held in itertools.combinations(range(len(at)), size):
            option = _hold(surface, chart, start, held, bool(inner))
            if option is not None:
                options.append(option)
    if not options:
        u, value = max(ended, key=lambda e: e[1])
        options = [(value, u, (), False)]
    value, u, held, infinite = max(options, key=lambda o: (o[0], -len(o[2])))
    if infinite:
        profiles = [_inside(surface, chart, start, at[k]) for k in held]
        found = max((p for p in profiles if p is not None), key=lambda o: o[0], default=None)
        value, u, held, infinite = found or (value, u, held, infinite)
    kept = replace(chart, holds=tuple(chart.holds[k] for k in held))
    return Found(chart.to_eta(u[None])[0], value, kept, infinite)


def _hold(
    surface: Surface, chart: Chart, start: np.ndarray, held: tuple[int, ...], inner: bool
) -> Option | None:
    """Climb from u with some gaps held at zero, unless the density is zero there.

    Where it is infinite there, that is no option beside an ``inner`` maximum.

    Returns
    -------
    Option or None
    """
    at = [chart.at[k] for k in held]
    free = [i for i in range(len(start)) if i not in at]
    whole = np.array(start)
    whole[at] = -np.inf
    inside, put = part_of(surface, whole, free)
    total = len(surface.rows(start[None])) if surface.weight is None else surface.weight.sum()

    def infinite(part: np.ndarray, value: float) -> bool:
        near = put(part[None])[0]
        near[at] = np.log(_NEAR * chart.nothing / chart.unit[list(held)])
        return bool((value - float(surface.at(near[None])[0])) * total > _INFINITE)

    part, value = whole[free], float(inside.at(whole[None, free])[0])
    if not np.isfinite(value) or (inner and infinite(part, value)):
        return None
    part, value = climb(inside, part, _SECOND[1])
    corner = _corner(inside, chart.family, part, free)
    if corner is not None:
        part, value = max((part, value), climb(inside, corner, _SECOND[1]), key=lambda end: end[1])
    u, grows = put(part[None])[0], infinite(part, value)
    others = [i for i in chart.at if i not in at]
    # Where another end has collapsed, that one is to be held too.
    if inner and grows or np.any(u[others] < np.log(_COLLAPSED)):
        return None
    return value, u, held, grows


def _inside(surface: Surface, chart: Chart, start: np.ndarray, at: int) -> Option | None:
    """Return the maximum inside, where the density is infinite as the gap u[at] tends to zero.

    A climb steps over the narrow barrier between the two. The profile over the gap has a maximum
    where the likelihood has one: it is walked from a wide gap to a narrow one, and then refined.

    Returns
    -------
    Option or None
        None if the profile grows all the way.
    """
    free = [i for i in range(len(start)) if i != at]
    wide, narrow = np.log(_WALKED)
    gaps = np.linspace(wide, narrow, _STEPS)

    def profile(gap: float, part: np.ndarray) -> tuple[np.ndarray, float]:
        whole = np.array(start)
        whole[at] = gap
        inside, _ = part_of(surface, whole, free)
        return climb(inside, part, _FIRST[1])

    parts, means = [start[free]], []
    for gap in gaps:
        part, mean = profile(gap, parts[-1])
        parts.append(part)
        means.append(mean)
    peaks = [i for i in range(1, len(gaps) - 1) if means[i - 1] < means[i] > means[i + 1]]
    if not peaks:
        return None
    i = max(peaks, key=lambda i: means[i])
    part, middle, mean = parts[i + 1], gaps[i], means[i]
    width = float(gaps[1] - gaps[0])
    while abs(width) > _REFINED:
        width *= 0.5
        for gap in (middle - width, middle + width):
            other, value = profile(gap, part)
            if value > mean:
                part, middle, mean = other, gap, value
                break
    u = np.insert(part, at, middle)
    return (mean, u, (), False) if np.all(u[chart.at] > np.log(_COLLAPSED)) else None


def _corner(surface: Surface, family: Any, part: np.ndarray, free: list[int]) -> np.ndarray | None:
    """Return the best point with bounded shapes at ends of their ranges; None without any.

    There a density may be positive at an end of its support at which it vanishes elsewhere.

    Returns
    -------
    ndarray of shape (P',) or None
    """
    low, high, _ = family.limits
    bounded = [
        family.blocks[name].start
        for name, constraint in family.params.items()
        if np.isfinite(constraint.native_bounds).all()
    ]
    ranges = [
        (here, low[i], high[i]) if i in bounded else (here,)
        for here, i in zip(part, free, strict=True)
    ]
    corners = np.array(list(itertools.product(*ranges)))[1:]
    if not len(corners):
        return None
    return corners[np.argmax(surface.at(corners))]


def _spread(
    y: np.ndarray, weight: np.ndarray | None, most: int
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return at most ``most`` rows that stand for all: equally spaced ones of the sorted rows."""
    if len(y) <= most:
        return y, weight
    order = np.argsort(y, kind="stable")
    at = order[np.linspace(0, len(y) - 1, most).round().astype(int)]
    return y[at], None if weight is None else weight[at]


def _apart(
    u: np.ndarray, means: np.ndarray, order: np.ndarray, most: int, level: float = _LEVEL
) -> list[int]:
    """Return the first indices in an order whose points and means differ by more than a little.

    Where the likelihood is level, points far apart are one.

    Returns
    -------
    list of int
        At least one.
    """
    kept: list[int] = []
    for i in order:
        apart = np.abs(u[i] - u[kept]).max(axis=1, initial=0.0) > 0.3
        if np.all(apart & (np.abs(means[i] - means[kept]) > level)):
            kept.append(int(i))
        if len(kept) == most:
            break
    return kept or [int(order[0])]

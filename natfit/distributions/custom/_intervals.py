"""The search for ends of a support of scipy's where rows are intervals.

An exact row may lie at an end of the support, and so may the end of an interval. Where the end
moves beyond a row that is censored on its side, the probability of that row changes with it, so
that the best end is often no row: ends are held only where the likelihood of the rows themselves
is highest there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from natfit.bijectors import Positive
from natfit.distributions.contract.ends import between
from natfit.distributions.contract.nonparametric import imputed
from natfit.distributions.contract.start import quantile
from natfit.distributions.custom._ascent import Surface, climb
from natfit.distributions.custom._ends import Chart, Hold
from natfit.distributions.custom._grid import starts
from natfit.distributions.custom._search import _OUTER, Found, _held, part_of, search
from natfit.rows import Block

#: Steps of the climb from each start, and the number of ends of intervals around the best end of
#: the support, on each side, at which it is held too.
_STEPS, _NEAR = 40, 2

#: Distance, in spreads of the rows, at which a location that runs to infinity is held: the
#: likelihood is level there, and scipy's formulas have ten digits left.
_AWAY = 1e4

#: Number of starts that are climbed beside the best end for imputed rows, and the logarithm of the
#: gap, in units, of a start whose end would cut rows off.
_CLIMBED, _ROOM = 2, -3.0


def has_formulas(family: Any) -> bool:
    """Whether the distribution function is a formula, and no integral of the density."""
    from scipy import stats

    return type(family._dist)._cdf is not stats.rv_continuous._cdf


def search_intervals(family: Any, few: Block, allowed: np.ndarray) -> Found:
    """Search for the best parameters of rows of which intervals are known.

    Parameters
    ----------
    family : ScipyDistribution
        A density whose support moves.
    few : Block
        Rows y (n, 2).
    allowed : ndarray of shape (2,)
        The smallest upper end and the largest lower end of all rows.

    Returns
    -------
    Found
        With a mean of -inf if no start gives all rows a density or a probability.
    """
    lower, upper = few.y.T
    y, weight = imputed(lower, upper, few.weight, family.support)
    start = search(family, y, weight, (float(y.min()), float(y.max())))
    if not np.isfinite(start.mean):
        return start
    points = np.concatenate([start.eta[None], starts(family, y, weight)])
    least, most = (float(end) for end in allowed)
    spread = float(y.max() - y.min()) or abs(least) or 1.0
    inner = [quantile(y, weight, q) for q in (_OUTER, 1.0 - _OUTER)]
    units = tuple(max(abs(a - b), 1e-3 * spread) for a, b in zip(inner, (least, most), strict=True))
    found = [
        _within(chart, points, few)
        for chart in Chart.every(family, least, most, units)  # type: ignore[arg-type]  # a pair
    ]
    return _nearer(_at_ends(max(found, key=_order), few), few, quantile(y, weight, 0.5), spread)


def _order(found: Found) -> tuple[float, int]:
    return found.mean, -len(found.chart.holds)


def _within(chart: Chart, points: np.ndarray, few: Block) -> Found:
    """Climb in one chart from the first of the points eta (m, K), and from the best of them."""
    surface = _surface(chart, few)
    u = chart.to_u(points)
    if chart.holds:
        outside = ~(chart.gaps(points) > 0)
        for k, at in enumerate(chart.at):
            u[outside[:, k], at] = _ROOM
    means = surface.at(u)
    best = np.argsort(-means, kind="stable")[:_CLIMBED]
    return _held(surface, chart, [climb(surface, u[i], _STEPS) for i in dict.fromkeys([0, *best])])


def _at_ends(found: Found, few: Block) -> Found:
    """Return the best result with an end of the support held at an end of an interval nearby.

    There an interval begins, or ceases, to reach over the end of the support, and the slope of the
    likelihood jumps.

    Returns
    -------
    Found
    """
    family, best = found.chart.family, found
    lower, upper = few.y.T
    some = few.y[lower < upper]
    values = np.unique(some[np.isfinite(some)])
    low, high = family._moved_ends(found.eta[None])
    charts = Chart.every(family, found.chart.least, found.chart.most, found.chart.units)
    for chart in charts:
        for hold in chart.holds:
            upper_side = hold.kind == "upper"
            end = float((high if upper_side else low)[0])
            far = values > chart.most if upper_side else values < chart.least
            for value in sorted(values[far], key=lambda v: abs(v - end))[: 2 * _NEAR]:
                moved = {"most": value} if upper_side else {"least": value}
                at = replace(chart, holds=(hold._replace(value=float(value)),), **moved)
                surface = _surface(at, few)
                u = at.to_u(found.eta[None])[0]
                trial = _held(surface, at, [(u, -np.inf)])
                if trial.chart.holds and trial.mean > best.mean:
                    best = trial
    return best


def _nearer(found: Found, few: Block, middle: float, width: float) -> Found:
    """Hold a location that runs to infinity, or the scale that runs there with it.

    Farther out the digits of scipy's formulas are lost, and the likelihood is level.

    Returns
    -------
    Found
    """
    chart, family = found.chart, found.chart.family
    native = {k: float(np.ravel(v)[0]) for k, v in family.native_dict(found.eta).items()}
    distance = abs(native.get("loc", middle) - middle)
    names = [hold.name for hold in chart.holds]
    name = "scale" if "loc" in names else "loc"
    if not distance > 0.5 * _AWAY * width or name in names or name not in family.params:
        return found
    share = 0.5 * _AWAY * width / distance
    value = (
        native["scale"] * share if name == "scale" else middle + share * (native["loc"] - middle)
    )
    held = chart.held(Hold("value", name, value=value))
    whole = held.to_u(found.eta[None])[0]
    free = [i for i in range(len(whole)) if i not in held.at]
    inside, put = part_of(_surface(held, few), whole, free)
    shapes = [i for i, k in enumerate(free) if k in _logarithmic(family)]
    ends = []
    # Shapes run away in proportion to the distance, to its inverse, or not at all.
    for power in (1.0, 0.0, -1.0):
        part = whole[free]
        part[shapes] += power * np.log(share)
        ends.append(climb(inside, part, _STEPS))
    part, mean = max(ends, key=lambda end: end[1])
    if not np.isfinite(mean):
        return found
    return Found(held.to_eta(put(part[None]))[0], mean, held, found.infinite)


def _logarithmic(family: Any) -> list[int]:
    """The coordinates of eta that are logarithms of shapes or of the scale."""
    return [family.blocks[k].start for k, c in family.params.items() if isinstance(c, Positive)]


def _surface(chart: Chart, few: Block) -> Surface:
    """The mean log-likelihood of rows y (n, 2) over u."""
    family = chart.family
    lower, upper = few.y.T
    exact = lower == upper
    y, low, high = lower[exact], lower[~exact], upper[~exact]

    def rows(u: np.ndarray) -> np.ndarray:
        eta = chart.to_eta(u)
        out = np.empty((len(few.y), len(eta)))
        out[exact] = family.log_rows(y, eta)
        each = np.repeat(eta, len(low), axis=0)
        with np.errstate(all="ignore"):
            # Differences of tails: of a narrow interval they have digits enough for a search.
            flat, _ = between(family, np.tile(low, len(eta)), np.tile(high, len(eta)), each)
        out[~exact] = flat.reshape(len(eta), -1).T
        if "loc" in family.params:
            loc = eta[:, family.blocks["loc"].start]
            out[:, ~(np.abs(loc - middle) < 2.0 * _AWAY * width)] = -np.inf
        return out

    known = np.concatenate([y, low[np.isfinite(low)], high[np.isfinite(high)]])
    middle, width = float(np.median(known)), float(np.ptp(known))
    return Surface(
        rows, few.weight, lambda u: family._unit(known, chart.to_eta(u[None]), chart.at)[0]
    )

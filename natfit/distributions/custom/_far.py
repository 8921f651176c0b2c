"""Scales and locations that run away: coordinates in which a distribution is regular far out.

As the location of a gamma or chi distribution tends to minus infinity the density becomes normal,
and the likelihood is level along a curve on which location, scale and shapes grow together. The
median and the spread of the distribution stay where they are on this curve. As the scale of a
generalised gamma distribution tends to zero the density becomes lognormal: its power is a spread of
log y, and the scale a location, so that the same holds for the median and the spread of log y.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from natfit.distributions.contract.start import quantile
from natfit.distributions.custom._ascent import Surface, climb, sound
from natfit.distributions.custom._ends import Hold
from natfit.distributions.custom._search import Found, part_of

#: Probabilities of the quantiles whose middle and distance stand for location and scale.
_AT = (0.16, 0.5, 0.84)

#: Distance of a location from the median of the rows, in spreads, from which on it is followed,
#: where quantiles have a formula and where they are searched, which costs far more.
_FOLLOWED, _COSTLY = 0.5, 5.0

#: Distance at which a location is held, and the number of standard errors of the median that it is
#: at least: the skewness left there is a small part of its standard error.
_HELD, _ROWS = 300.0, 20.0

#: Factors by which a location is then followed farther, the steps for each, and the gain in nats
#: per row that is not worth another one.
_FARTHER, _FIRST, _GAINED = 10.0 ** np.arange(1.0, 5.0), 12, 1e-8

#: Step of a shape within which scipy's formula may end.
_CLOSE = 0.02

#: Maximum number of steps.
_MOST = 60

#: Values of a shape at which quantiles tell whether it is a power of y.
_POWERS, _SAME = (1.0, 2.0), 1e-9


def followed(found: Found, y: np.ndarray, weight: np.ndarray | None) -> Found:
    """Follow a location that is far from the rows, and hold it where it runs to infinity.

    Returns
    -------
    Found
        What was found, if the location is near or nothing better is farther out.
    """
    family = found.chart.family
    if found.chart.holds or not family.scale or family._whole:
        return found
    chart = _Quantiles(family) if family.loc else _logarithmic(family, found.eta, y)
    if chart is None:
        return found
    low, middle, high = (quantile(chart.rows(y), weight, p) for p in _AT)
    width = high - low
    near = _FOLLOWED if family.quantiles_by_formula else _COSTLY
    if not abs(chart.located(found.eta) - middle) > near * width > 0.0:
        return found
    start = chart.to_w(found.eta[None])
    if not np.isfinite(start).all():
        return found
    most = max(_HELD, _ROWS * np.sqrt(len(y))) * width
    surface = _within(chart, y, weight, middle, width, most)
    w, mean = climb(surface, start[0], _MOST)
    eta = chart.to_eta(w[None])[0]
    if not (mean >= found.mean and np.isfinite(eta).all()):
        return found
    end = found.chart
    if abs(chart.located(eta) - middle) > most:
        w, mean = _farther(
            w, mean, lambda far: _within(chart, y, weight, middle, width, far * most)
        )
        eta = chart.to_eta(w[None])[0]
        value = float(family.native_dict(eta)[chart.name])
        return Found(eta, mean, end.held(Hold("value", chart.name, value=value)), found.infinite)
    edge = _edge(surface, chart, w, y)
    if edge is not None:
        w, mean, hold = edge
        return Found(chart.to_eta(w[None])[0], mean, end.held(hold), found.infinite)
    return Found(eta, mean, end, found.infinite)


def _within(
    chart: _Quantiles,
    y: np.ndarray,
    weight: np.ndarray | None,
    middle: float,
    width: float,
    most: float,
) -> Surface:
    """The surface over w, without values where the location is twice as far as ``most``."""

    def values(w: np.ndarray) -> np.ndarray:
        points = chart.to_eta(w)
        points[~(np.abs(points[:, chart.at] - middle) < 2.0 * most)] = np.nan
        return chart.family.log_rows(y, points)

    return Surface(values, weight, lambda w: chart.unit(w, width))


def _farther(w: np.ndarray, mean: float, within: Callable) -> tuple[np.ndarray, float]:
    """Climb on, ten times as far each time, until what is gained is rounding.

    How far that is depends on the formula: terms of that of the gamma distribution are as large as
    the square of the distance, those of the Weibull distribution as the distance.

    Returns
    -------
    w : ndarray of shape (K,)
    mean : float
    """
    for far in _FARTHER:
        surface = within(far)
        other, value = climb(surface, w, _FIRST)
        if not value - mean > _GAINED or not sound(surface, other):
            break
        w, mean = other, value
    return w, mean


def _edge(surface: Surface, chart: _Quantiles, w: np.ndarray, y: np.ndarray) -> tuple | None:
    """Step back from where scipy's formula ends: hold the shape that runs there.

    The formula has no values there although all rows lie inside of the support that scipy states:
    an end of the support that passes a row is not one of the formula.

    Returns
    -------
    tuple or None
        The point, its mean and what is held; None where the formula does not end nearby.
    """
    moves = _CLOSE * np.concatenate([np.eye(len(w)), -np.eye(len(w))])
    points = w + moves
    low, high = chart.family.support_at(chart.to_eta(points))
    inside = (low < y.min()) & (y.max() < high)
    outside = (inside & ~np.isfinite(surface.at(points))).reshape(2, -1)
    found = []
    for name in chart.shapes:
        k = chart.family.blocks[name].start
        if not outside[:, k].any():
            continue
        back, free = w.copy(), [i for i in range(len(w)) if i != k]
        back[k] += _CLOSE * (1.0 if outside[1, k] else -1.0)
        part, put = part_of(surface, back, free)
        some, mean = climb(part, back[free], _MOST)
        if np.isfinite(mean):
            value = float(chart.family.native_dict(chart.to_eta(put(some[None]))[0])[name])
            found.append((put(some[None])[0], mean, Hold("edge", name, value=value)))
    return max(found, key=lambda option: option[1], default=None)


class _Quantiles:
    """Coordinates w (m, K): shapes as in eta, the median for loc, the log spread for scale."""

    #: The parameter that runs away.
    name = "loc"

    def __init__(self, family: Any):
        self.family = family
        self.at, self.scale = (family.blocks[k].start for k in ("loc", "scale"))

    @property
    def shapes(self) -> list[str]:
        """The shapes, which are coordinates themselves."""
        return [name for name in self.family.params if name not in ("loc", "scale")]

    def rows(self, y: np.ndarray) -> np.ndarray:
        """The rows, in the unit of the median."""
        return y

    def located(self, eta: np.ndarray) -> float:
        """The location of one point (K,)."""
        return float(eta[self.at])

    def _quantiles(self, points: np.ndarray) -> np.ndarray:
        """Quantiles (3, m) without location and scale; only the shapes of the points are used."""
        plain = np.array(points)
        plain[:, [self.at, self.scale]] = 0.0
        return _quantiles(self.family, plain)

    def to_w(self, eta: np.ndarray) -> np.ndarray:
        """Return w of points eta, (m, K) each."""
        low, middle, high = self._quantiles(eta)
        w = np.array(eta)
        with np.errstate(all="ignore"):
            w[:, self.at] = eta[:, self.at] + np.exp(eta[:, self.scale]) * middle
            w[:, self.scale] = eta[:, self.scale] + np.log(high - low)
        return w

    def to_eta(self, w: np.ndarray) -> np.ndarray:
        """Return eta of points w, (m, K) each."""
        low, middle, high = self._quantiles(w)
        eta = np.array(w)
        with np.errstate(all="ignore"):
            eta[:, self.scale] = w[:, self.scale] - np.log(high - low)
            eta[:, self.at] = w[:, self.at] - np.exp(eta[:, self.scale]) * middle
        return eta

    def unit(self, w: np.ndarray, width: float) -> np.ndarray:
        """Return the unit (K,) of each coordinate: the spread of the rows for the median."""
        out = np.ones(len(w))
        out[self.at] = width
        return out


class _LogQuantiles(_Quantiles):
    """Coordinates w: the median of log y for log scale, the log of its spread for a power.

    With the shape ``power`` at c, log y has the quantiles of that at sign(c), divided by abs(c)^p.

    Parameters
    ----------
    family : ScipyDistribution
        The family.
    power : str
        The shape.
    sign : float
        Its sign, which the coordinates keep.
    p : float
        1 or -1.
    """

    name = "scale"

    def __init__(self, family: Any, power: str, sign: float, p: float):
        self.family, self.sign, self.p, self._name = family, sign, p, power
        self.at, self.power = (family.blocks[k].start for k in ("scale", power))
        self._constraint = family.params[power]

    @property
    def shapes(self) -> list[str]:
        """The shapes that are coordinates themselves."""
        return [name for name in super().shapes if name != self._name]

    def rows(self, y: np.ndarray) -> np.ndarray:
        """The logarithms of the rows."""
        return np.log(y)

    def _quantiles(self, points: np.ndarray) -> np.ndarray:
        plain = np.array(points)
        plain[:, self.at] = 0.0
        plain[:, self.power] = self._constraint.to_eta(np.array([self.sign]))[0, 0]
        with np.errstate(all="ignore"):
            return np.log(_quantiles(self.family, plain))

    def to_w(self, eta: np.ndarray) -> np.ndarray:
        """Return w of points eta, (m, K) each."""
        low, middle, high = self._quantiles(eta)
        w = np.array(eta)
        with np.errstate(all="ignore"):
            size = np.log(np.abs(self._constraint.to_native(eta[:, [self.power]])))
            w[:, self.at] = eta[:, self.at] + middle * np.exp(-self.p * size)
            w[:, self.power] = np.log(high - low) - self.p * size
        return w

    def to_eta(self, w: np.ndarray) -> np.ndarray:
        """Return eta of points w, (m, K) each."""
        low, middle, high = self._quantiles(w)
        eta = np.array(w)
        with np.errstate(all="ignore"):
            size = (np.log(high - low) - w[:, self.power]) / self.p
            value = self.sign * np.exp(size)
            eta[:, self.power] = self._constraint.to_eta(value)[:, 0]
            eta[:, self.at] = w[:, self.at] - middle * np.exp(-self.p * size)
        return eta


def _quantiles(family: Any, plain: np.ndarray) -> np.ndarray:
    """Quantiles (3, m) of scipy at points eta (m, K) whose location is 0 and whose scale is 1.

    NaN where scipy's search for a root fails.

    Returns
    -------
    ndarray of shape (3, m)
    """
    shapes, _ = family._values(family.native(plain))
    try:
        with np.errstate(all="ignore"):
            found = family._dist.ppf(np.array(_AT)[:, None], *shapes)
    except (ArithmeticError, RuntimeError, ValueError):
        found = np.nan
    return np.broadcast_to(found, (len(_AT), len(plain)))


def _logarithmic(family: Any, eta: np.ndarray, y: np.ndarray) -> _LogQuantiles | None:
    """Coordinates for a family of positive y one of whose shapes is a power of y, and not alone."""
    shapes = [name for name in family.params if name != "scale"]
    if len(shapes) < 2 or not (family.quantiles_by_formula and y.min() > 0.0):
        return None
    for name in shapes:
        constraint, at = family.params[name], family.blocks[name].start
        sign = float(np.sign(family.native_dict(eta)[name]))
        plain = np.repeat(eta[None], len(_POWERS), axis=0)
        plain[:, family.blocks["scale"].start] = 0.0
        with np.errstate(all="ignore"):
            plain[:, at] = constraint.to_eta(sign * np.array(_POWERS))[:, 0]
            one, two = np.log(_quantiles(family, plain)).T
            ratio = one / two
        for p in (1.0, -1.0):
            if np.all(np.abs(ratio / _POWERS[1] ** p - 1.0) < _SAME):
                return _LogQuantiles(family, name, sign, p)
    return None

"""Locations that run away: coordinates in which a distribution of scipy is regular far out.

As the location of a gamma or chi distribution tends to minus infinity the density becomes normal,
and the likelihood is level along a curve on which location, scale and shapes grow together. The
median and the spread of the distribution stay where they are on this curve.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.distributions.contract.start import quantile
from natfit.distributions.custom._ascent import Surface, climb
from natfit.distributions.custom._ends import Hold
from natfit.distributions.custom._search import Found

#: Probabilities of the quantiles whose middle and distance stand for location and scale.
_AT = (0.16, 0.5, 0.84)

#: Distance of a location from the median of the rows, in spreads, from which on it is followed,
#: and that at which it is held: the skewness left there is a small part of its standard error.
_FOLLOWED, _HELD, _ROWS = 5.0, 300.0, 20.0

#: Maximum number of steps.
_MOST = 60


def followed(found: Found, y: np.ndarray, weight: np.ndarray | None) -> Found:
    """Follow a location that is far from the rows, and hold it where it runs to infinity.

    Returns
    -------
    Found
        What was found, if the location is near or nothing better is farther out.
    """
    family = found.chart.family
    if found.chart.holds or not (family.loc and family.scale) or family._whole:
        return found
    low, middle, high = (quantile(y, weight, p) for p in _AT)
    at, width = family.blocks["loc"].start, high - low
    if not abs(found.eta[at] - middle) > _FOLLOWED * width > 0.0:
        return found
    chart = _Quantiles(family)
    start = chart.to_w(found.eta[None])
    if not np.isfinite(start).all():
        return found
    surface = Surface(
        lambda w: family.log_rows(y, chart.to_eta(w)), weight, lambda w: chart.unit(w, width)
    )
    w, mean = climb(surface, start[0], _MOST)
    eta = chart.to_eta(w[None])[0]
    if not (mean >= found.mean and np.isfinite(eta).all()):
        return found
    end = found.chart
    if abs(eta[at] - middle) > max(_HELD, _ROWS * np.sqrt(len(y))) * width:
        end = end.held(Hold("value", "loc", value=float(eta[at])))
    return Found(eta, mean, end, found.infinite)


class _Quantiles:
    """Coordinates w (m, K): shapes as in eta, the median for loc, the log spread for scale."""

    def __init__(self, family: Any):
        self.family = family
        self.loc, self.scale = (family.blocks[k].start for k in ("loc", "scale"))

    def _quantiles(self, points: np.ndarray) -> np.ndarray:
        """Quantiles (3, m) without location and scale; only the shapes of the points are used."""
        plain = np.array(points)
        plain[:, [self.loc, self.scale]] = 0.0
        shapes, _ = self.family._values(self.family.native(plain))
        with np.errstate(all="ignore"):
            found = self.family._dist.ppf(np.array(_AT)[:, None], *shapes)
        return np.broadcast_to(found, (len(_AT), len(points)))

    def to_w(self, eta: np.ndarray) -> np.ndarray:
        """Return w of points eta, (m, K) each."""
        low, middle, high = self._quantiles(eta)
        w = np.array(eta)
        with np.errstate(all="ignore"):
            w[:, self.loc] = eta[:, self.loc] + np.exp(eta[:, self.scale]) * middle
            w[:, self.scale] = eta[:, self.scale] + np.log(high - low)
        return w

    def to_eta(self, w: np.ndarray) -> np.ndarray:
        """Return eta of points w, (m, K) each."""
        low, middle, high = self._quantiles(w)
        eta = np.array(w)
        with np.errstate(all="ignore"):
            eta[:, self.scale] = w[:, self.scale] - np.log(high - low)
            eta[:, self.loc] = w[:, self.loc] - np.exp(eta[:, self.scale]) * middle
        return eta

    def unit(self, w: np.ndarray, width: float) -> np.ndarray:
        """Return the unit (K,) of each coordinate: the spread of the rows for the median."""
        out = np.ones(len(w))
        out[self.loc] = width
        return out

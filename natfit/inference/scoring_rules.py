"""Proper scoring rules of predicted distributions: the smaller, the better.

Gneiting and Raftery (2007), Strictly proper scoring rules, prediction, and estimation, Journal of
the American Statistical Association 102, 359-378.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from natfit.distributions.base import Distribution
from natfit.distributions.contract.quantiles import quantile
from natfit.numerics.quadrature import between, outwards
from natfit.numerics.squared_tails import squared_tails

#: Points of the rules: of tails, and of stretches between the median and y.
_STEP = 0.0625
_OUT, _IN = np.arange(-4.0, 4.6, _STEP), np.arange(-3.2, 3.25, _STEP)

#: Rows that are integrated at once.
_ROWS = 1024

#: Levels between which the width of a density is measured; the first pair that differs counts.
_WIDTHS = ((0.25, 0.75), (0.02, 0.98), (1e-4, 1.0 - 1e-4))


def crps(family: Distribution, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
    """Return the continuous ranked probability score E|Y - y| - E|Y - Y'| / 2 of each row.

    It is the family's formula where it has one, the sum of F^2 below y and of (1 - F)^2 from y on
    for whole numbers, infinite where that is, and the integral of the same for densities.

    Parameters
    ----------
    family : Distribution
        Univariate, with a distribution function.
    y : ndarray of shape (n,)
        What was seen.
    eta : ndarray of shape (n, K)
        Parameters of each row.

    Returns
    -------
    ndarray of shape (n,)
        In the unit of y; infinite where Y has no mean.

    Raises
    ------
    ValueError
        If the family has no distribution function.
    """
    if family._crps is not None:
        with np.errstate(all="ignore"):
            return np.asarray(family._crps(y, *family.native(eta)))
    if family.event_shape != () or not family.has_cdf:
        raise ValueError(
            f"the CRPS needs a univariate family with a distribution function, and "
            f"{type(family).__name__} has none; use the log score"
        )
    if np.inf in family.atoms:
        return np.full(len(y), np.inf)
    score = _summed if family.known_support.integer else _integrated
    parts = np.array_split(np.arange(len(y)), -(-len(y) // _ROWS))
    return np.concatenate([score(family, y[part], eta[part]) for part in parts])


def _integrated(family: Any, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
    """F^2 below the median, (1 - F)^2 above it, and 2 F - 1 from the median to y."""
    n = len(y)
    low, high = family.support_at(eta)
    centre = _levels(family, eta, 0.5)
    width = np.zeros(n)
    for pair in _WIDTHS:
        if not (width > 0.0).all():
            wide = _levels(family, eta, pair[1]) - _levels(family, eta, pair[0])
            width = np.where(width > 0.0, width, wide)
    width = np.where(width > 0.0, width, 1.0)
    total = np.zeros(n)
    for end, side, tail in ((low, -1, family.log_cdf), (high, 1, family.log_sf)):
        with np.errstate(all="ignore"):
            # Far out places and densities may leave the range of doubles: nothing is left there.
            x, slope = outwards(centre, end, side, width, _OUT)
            square = 2.0 * _at(tail, x, eta)
            part = np.exp(square) * slope
        total += np.where(np.isfinite(part), part, 0.0).sum(axis=1) * _STEP
    inner = np.clip(y, low, high)
    left, right = np.minimum(inner, centre), np.maximum(inner, centre)
    x, slope = between(left, right, _IN)
    small = np.empty(x.shape)
    for own, tail in ((inner <= centre, family.log_cdf), (inner > centre, family.log_sf)):
        if own.any():
            small[own] = _at(tail, x[own], eta[own])
    apart = np.abs(inner - centre) - 2.0 * (np.exp(small) * slope).sum(axis=1) * _STEP
    return total + apart + np.abs(y - inner)


def _levels(family: Any, eta: np.ndarray, level: float) -> np.ndarray:
    p = np.full(len(eta), level)
    return quantile(family, eta, p, False, False, family.quantile_formula(eta))


def _at(tail: Any, x: np.ndarray, eta: np.ndarray) -> np.ndarray:
    rows = np.repeat(eta, x.shape[1], axis=0)
    with np.errstate(all="ignore"):
        return np.asarray(tail(x.ravel(), rows)).reshape(x.shape)


def _summed(family: Any, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
    """Sums over whole numbers, from y downwards and upwards."""
    low, high = (np.broadcast_to(end, y.shape) for end in family.support_at(eta))
    # Of y between two whole numbers, as of a density: the square is constant there.
    whole = np.floor(y)
    out = np.zeros(len(y))
    for side, log in ((-1, family.log_cdf), (1, family.log_sf)):
        out += squared_tails(*_from(family, log, whole, eta, side, low, high), len(y))
    with np.errstate(all="ignore"):
        below, above = np.exp(family.log_cdf(whole, eta)), np.exp(family.log_sf(whole, eta))
        return out + np.where(whole == y, 0.0, (y - whole) * (below**2 - above**2))


def _from(
    family: Any, log: Any, y: np.ndarray, eta: np.ndarray, side: int, low: Any, high: Any
) -> tuple[Callable, Callable]:
    """Return P(Y < y - j), or P(Y > y + j), as a function of j, and by how much it falls at j."""

    def tail(rows: np.ndarray, j: np.ndarray) -> np.ndarray:
        at = y[rows] + j if side > 0 else y[rows] - j - 1.0
        with np.errstate(all="ignore"):
            value = np.exp(log(np.clip(at, low[rows], high[rows]), eta[rows]))
        inside = at < high[rows] if side > 0 else at >= low[rows]
        whole = (at < low[rows]) if side > 0 else (at >= high[rows])
        return np.where(whole, 1.0, np.where(inside, value, 0.0))

    def mass(rows: np.ndarray, j: np.ndarray) -> np.ndarray:
        at = y[rows, None] + side * (j + 1.0)
        inside = (at >= low[rows, None]) & (at <= high[rows, None])
        # What is outside has no probability, and need not be asked.
        row, _ = np.nonzero(inside)
        out = np.zeros(j.shape)
        with np.errstate(all="ignore"):
            out[inside] = np.exp(family.log_density(at[inside], eta[rows[row]]))
        return out

    return tail, mass


def interval_score(
    y: np.ndarray, lower: np.ndarray, upper: np.ndarray, coverage: float
) -> np.ndarray:
    """Return the width of each interval and 2 / (1 - coverage) times what y misses it by, (n,)."""
    missed = np.maximum(lower - y, 0.0) + np.maximum(y - upper, 0.0)
    return upper - lower + 2.0 / (1.0 - coverage) * missed


def pinball_loss(y: np.ndarray, predicted: np.ndarray, q: float) -> np.ndarray:
    """Return q (y - predicted) above a predicted quantile, (1 - q) (predicted - y) below, (n,)."""
    gap = y - predicted
    return np.maximum(q * gap, (q - 1.0) * gap)

"""Means and variances of many rows at once, where a family has no formula of them.

Densities are integrated from the median outwards, by the double-exponential rule on both sides:
its nodes go so far out that tails of any power are resolved. Whole numbers are enumerated. Rows
of which the total probability is not one are left to :func:`.moments.moments_of`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.distributions.contract.quantiles import quantile
from natfit.numerics.quadrature import outwards

#: Points of the rule; the accepted error of the total probability.
_STEP = 0.05
_T = np.arange(-4.0, 5.6, _STEP)
_ACCURACY = 1e-9

#: Distances, in quartile ranges, between which the fall of a tail is measured; rounding of its
#: power.
_FAR, _ROUNDED = (1e20, 1e24), 1.0 + 1e-6

#: Whole numbers that are enumerated, and the probability beyond them.
_MOST, _NONE = 2**13, 1e-18


def moments_of_rows(family: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return means and variances (n,) at eta (n, K), NaN where they were not found.

    Returns
    -------
    mean, variance : ndarray of shape (n,)
        In the unit of y and its square; infinite where the integral diverges.
    """
    if not family.has_cdf or family.support is None:
        return np.full(len(eta), np.nan), np.full(len(eta), np.nan)
    if family.support.integer:
        return _counted(family, eta)
    if family.atoms:
        return np.full(len(eta), np.nan), np.full(len(eta), np.nan)
    return _integrated(family, eta)


def _integrated(family: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    n, k = eta.shape
    low, high = family.support_at(eta)
    shares = np.repeat([0.25, 0.5, 0.75], n)
    found = quantile(family, np.tile(eta, (3, 1)), shares, False, False, None).reshape(3, n)
    centre, width = found[1], found[2] - found[0]
    gap, weight = [], []
    for end, side in ((low, -1), (high, 1)):
        y, slope = outwards(centre, end, side, width, _T)
        rows = np.repeat(eta, len(_T), axis=0)
        with np.errstate(all="ignore"):
            p = np.exp(family.log_density(y.ravel(), rows)).reshape(y.shape) * slope * _STEP
        gap.append(y - centre[:, None])
        weight.append(np.where(np.isfinite(p), p, 0.0))
    off, p = np.concatenate(gap, axis=1), np.concatenate(weight, axis=1)
    total = p.sum(axis=1)
    with np.errstate(all="ignore"):
        shift = (p * np.where(p > 0.0, off, 0.0)).sum(axis=1) / total
        square = np.square(np.where(p > 0.0, off - shift[:, None], 0.0))
        var = (p * square).sum(axis=1) / total
    left, right = (_powers(family, eta, centre, width, e, s) for e, s in ((low, -1), (high, 1)))
    least = np.minimum(left, right)
    mean = np.where(right <= _ROUNDED, np.inf, np.where(left <= _ROUNDED, -np.inf, centre + shift))
    known = (np.abs(total - 1.0) < _ACCURACY) & ~((left <= _ROUNDED) & (right <= _ROUNDED))
    var = np.where(least <= 2.0 * _ROUNDED, np.inf, var)
    return np.where(known, mean, np.nan), np.where(known, var, np.nan)


def _powers(
    family: Any, eta: np.ndarray, centre: np.ndarray, width: np.ndarray, end: np.ndarray, side: int
) -> np.ndarray:
    """Return the powers a of tails that fall like y^-a, (n,); infinite where they end."""
    tail = family.log_sf if side > 0 else family.log_cdf
    with np.errstate(all="ignore"):
        near, far = (tail(centre + side * d * width, eta) for d in _FAR)
        power = (near - far) / np.log(_FAR[1] / _FAR[0])
    return np.where(np.isfinite(end) | ~np.isfinite(power), np.inf, power)


def _counted(family: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    n = len(eta)
    mean, var = np.full(n, np.nan), np.full(n, np.nan)
    share = np.full(n, _NONE)
    low = np.maximum(quantile(family, eta, share, True), family.support_at(eta)[0])
    high = quantile(family, eta, share, True, True)
    size = np.where(np.isfinite(high - low), high - low + 1.0, np.inf)
    for i in np.flatnonzero(size <= _MOST):
        y = np.arange(low[i], high[i] + 1.0)
        p = np.exp(family.log_density(y, eta[i : i + 1]))
        total = p.sum()
        if abs(total - 1.0) < _ACCURACY:
            mean[i] = p @ y / total
            var[i] = p @ np.square(y - mean[i]) / total
    return mean, var

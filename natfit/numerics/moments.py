"""Means and variances from moments whose logarithms are known, without loss of digits."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

#: Variance over squared mean below which it is no difference of two logarithms.
_NARROW = 1e-6

#: |x| below which logarithms of gamma functions are series, and their number of terms.
_NEAR, _TERMS = 0.05, 14

#: nu from which the ratio of gamma functions is its asymptotic series.
_FAR = 20.0

#: Coefficients of tan(b) / b - 1 in b^2.
_TAN = (1 / 3, 2 / 15, 17 / 315, 62 / 2835, 1382 / 155925, 21844 / 6081075)


def from_logs(first: Any, second: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and variance from log E[y] and log E[y^2], elementwise.

    Returns
    -------
    mean, variance : ndarray
        NaN for a variance that is too small a part of the second moment to be a difference.
    """
    with np.errstate(all="ignore"):
        mean, excess = np.exp(first), np.expm1(second - 2.0 * first)
        known = np.where(excess > _NARROW, excess, np.nan)
        return mean, np.where(second == np.inf, np.inf, np.square(mean) * known)


def log_gamma_excess(x: Any) -> np.ndarray:
    """log Gamma(1 + 2 x) - 2 log Gamma(1 + x), elementwise, x > -1/2; accurate near 0."""
    x = np.asarray(x, dtype=np.float64)
    near = np.abs(x) < _NEAR
    small, total = np.where(near, x, 0.0), np.zeros(x.shape)
    # log Gamma(1 + x) = -gamma x + sum over k >= 2 of zeta(k) (-x)^k / k.
    for k in range(_TERMS, 1, -1):
        total = (2.0**k - 2.0) * special.zeta(k) / k + total * -small
    far = np.where(near, 1.0, x)
    direct = special.gammaln(1.0 + 2.0 * far) - 2.0 * special.gammaln(1.0 + far)
    return np.where(near, total * small * small, direct)


def log_half_step(nu: Any) -> np.ndarray:
    """log(Gamma(nu + 1/2) / (Gamma(nu) sqrt(nu))), elementwise, nu > 0; accurate for large nu."""
    nu = np.asarray(nu, dtype=np.float64)
    far = nu > _FAR
    few = np.where(far, 1.0, nu)
    direct = special.gammaln(few + 0.5) - special.gammaln(few) - 0.5 * np.log(few)
    r = 1.0 / np.where(far, nu, 1.0)
    square = r * r
    series = r * (-1 / 8 + square * (1 / 192 + square * (-1 / 640 + square * 17 / 14336)))
    return np.where(far, series, direct)


def tangent_excess(b: Any) -> np.ndarray:
    """tan(b) / b - 1, elementwise, 0 < b < pi / 2; accurate near 0."""
    b = np.asarray(b, dtype=np.float64)
    near, total = b < _NEAR, np.zeros(b.shape)
    square = np.where(near, b * b, 0.0)
    for coefficient in reversed(_TAN):
        total = (coefficient + total) * square
    direct = np.where(near, 1.0, b)
    return np.where(near, total, np.tan(direct) / direct - 1.0)


def beyond(exists: Any, values: Any) -> np.ndarray:
    """Return values, infinite where an integral diverges."""
    return np.where(exists, values, np.inf)

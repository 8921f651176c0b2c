"""Probabilities of intervals of densities, and their derivatives, from the two ends alone.

With f, S and the velocities of quantiles at the ends (:mod:`.velocity`), P = S(lower) - S(upper)
has the derivatives f(lower) v(lower) - f(upper) v(upper), and likewise the second ones. An end
outside the support has no density and contributes nothing, so that intervals across an end that
moves with eta are as good as any other. The difference loses digits where P is a small part of
the tail that it belongs to: such narrow intervals are left to quadrature.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.numerics.special import log1mexp

#: log(1/2).
HALF = -0.6931471805599453

#: An interval is narrow if it has less than this share of the tail that begins with it, or if the
#: rounding of the tail's logarithm is more than 1e-10 of it.
_NARROW, _ROUNDING = 1e-3, 2e-6


def from_ends(
    family: Any, lower: np.ndarray, upper: np.ndarray, eta: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return log P of each interval, its derivatives, and which intervals are too narrow.

    Parameters
    ----------
    family : Distribution
        A univariate density with a distribution function.
    lower, upper : ndarray of shape (n,)
        lower < upper; may be infinite.
    eta : ndarray of shape (n, K) or (1, K)
        Parameters of each row, or of all.

    Returns
    -------
    log_mass : ndarray of shape (n,)
        In nats; -inf where the interval misses the support at this eta.
    score : ndarray of shape (K, n)
        Derivative of log P.
    second : ndarray of shape (K, K, n)
        Second derivatives of P, over P.
    narrow : ndarray of shape (n,)
        Where the three have lost digits.
    """
    n, k = len(lower), family.n_params
    right, left = upper == np.inf, lower == -np.inf
    narrow = np.zeros(n, dtype=bool)
    if right.all():
        log_mass = family.log_sf(lower, eta)
        return log_mass, *_end(family, lower, log_mass, eta), narrow
    if left.all():
        log_mass = family.log_cdf(upper, eta)
        score, second = _end(family, upper, log_mass, eta)
        return log_mass, -score, -second, narrow
    if not (right.any() or left.any()):
        log_mass, narrow = between(family, lower, upper, eta)
        score, second = _end(family, lower, log_mass, eta)
        more, twice = _end(family, upper, log_mass, eta)
        score -= more
        second -= twice
        return log_mass, score, second, narrow
    log_mass, score, second = np.empty(n), np.empty((k, n)), np.empty((k, k, n))
    for which in (right, left, ~(right | left)):
        if which.any():
            own = eta if len(eta) == 1 else eta[which]
            found = from_ends(family, lower[which], upper[which], own)
            log_mass[which], score[:, which], second[:, :, which], narrow[which] = found
    return log_mass, score, second, narrow


def between(
    family: Any, lower: np.ndarray, upper: np.ndarray, eta: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """log P of finite intervals from the nearer tail, and which of them are narrow."""
    below, from_lower = family.log_cdf(lower, eta), family.log_sf(lower, eta)
    up_to, above = family.log_cdf(upper, eta), family.log_sf(upper, eta)
    right = from_lower <= HALF
    near, far = np.where(right, from_lower, up_to), np.where(right, above, below)
    share = far - near
    out = np.exp(below) + np.exp(above)
    across = ~right & (up_to > HALF)
    log_mass = np.where(across, np.log1p(-out), near + log1mexp(np.minimum(share, 0.0)))
    width = np.where(across, 1.0 - out, -np.expm1(share))
    return log_mass, is_narrow(width, near)


def is_narrow(width: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Tell which intervals are narrow: their shares of a tail, and the log-probability of that."""
    return ~(width > np.maximum(_NARROW, _ROUNDING * np.abs(near)))


def _end(
    family: Any, y: np.ndarray, log_mass: np.ndarray, eta: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """f v / P (K, n) and the second derivatives (K, K, n) at ends y; zero outside the support."""
    weight = np.exp(family.log_prob(y, eta) - log_mass)
    found = family.velocity(y, eta)
    inside = np.isfinite(weight) & (weight > 0)
    support = family.support
    if support is not None and (support.low > -np.inf or support.top < np.inf):
        inside &= (y > support.low) & (y < support.top)
    score, second = found.first * weight, found.second * weight
    if not inside.all():
        outside = ~inside
        score[:, outside], second[:, :, outside] = 0.0, 0.0
    # Without probability there is no derivative of its logarithm.
    lost = np.isnan(log_mass) | (log_mass == -np.inf)
    if lost.any():
        score[:, lost], second[:, :, lost] = np.nan, np.nan
    return score, second

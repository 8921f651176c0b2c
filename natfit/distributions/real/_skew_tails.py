"""Tail probabilities of the standard skew-normal distribution, and how fast its quantiles move."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from natfit.distributions.real._skewness import SMALL, B, standard_moments

_LOG_2, _HALF_LOG_2PI, _ROOT_2 = 0.6931471805599453, 0.9189385332046727, 1.4142135623730951

#: Below this probability Owen's formula, a difference, is replaced by quadrature in lower tails.
_FAR = 1e-3

#: Nodes of the double-exponential rule on a half-line, in widths of the tail, and their slopes.
_T = np.linspace(-4.2, 3.4, 96)
_OUT = np.exp(0.5 * np.pi * np.sinh(_T))
_SLOPE = (_T[1] - _T[0]) * 0.5 * np.pi * np.cosh(_T) * _OUT


def log_cdf(z: Any, shape: Any) -> np.ndarray:
    """Log P(Z <= z), elementwise: Phi(z) - 2 T(z, shape), with Owen's T (Azzalini 1985).

    Returns
    -------
    ndarray
        At most 0.
    """
    z, shape = np.broadcast_arrays(np.asarray(z, dtype=float), np.asarray(shape, dtype=float))
    owen = 2.0 * special.owens_t(z, shape)
    lower, upper = special.ndtr(z) - owen, special.ndtr(-z) + owen
    with np.errstate(all="ignore"):
        out = np.array(np.where(lower < 0.5, np.log(lower), np.log1p(-upper)))
    far = ~(lower > _FAR) & (z < 0) & np.isfinite(z)
    if far.any():
        out[far] = _tail(z[far], shape[far])
    return out


def _tail(z: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """Log of the integral of the density below z (m,) < 0, by quadrature."""
    u = shape * z
    width = 1.0 / np.maximum(-z + shape * hazard(u), 1e-3)
    gap = width[:, None] * _OUT
    y = z[:, None] - gap
    # Relative to the density at z, so that nothing underflows.
    change = -0.5 * gap * (gap - 2.0 * z[:, None])
    change += special.log_ndtr(shape[:, None] * y) - special.log_ndtr(u)[:, None]
    total = (np.exp(change) * _SLOPE).sum(axis=1) * width
    return _LOG_2 - 0.5 * z * z - _HALF_LOG_2PI + special.log_ndtr(u) + np.log(total)


def hazard(u: np.ndarray) -> np.ndarray:
    """phi(u) / Phi(u), by the scaled complementary error function."""
    return B / special.erfcx(-u / _ROOT_2)


def velocity(x: np.ndarray, shape: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Velocity of quantiles in eta, shape^3 = sinh(3 eta), at mean 0 and sd 1.

    At loc 0 and scale 1 the derivative of Owen's T makes it phi(u) / Phi(u) / (1 + shape^2),
    u = shape z.

    Parameters
    ----------
    x : ndarray of shape (n,)
        Standardised rows.
    shape : ndarray of shape (1,) or (n,)
        The shape.

    Returns
    -------
    first, slope, bend : ndarray of shape (n,)
        The velocity, and its derivatives in x and in eta, at fixed x.
    """
    shape = np.where(np.abs(shape) < 10.0 * SMALL, 10.0 * SMALL, shape)
    mean, mean1, mean2, sd, sd1, sd2 = standard_moments(shape)
    z, z1 = x * sd + mean, x * sd1 + mean1
    u, square = shape * z, 1.0 + shape * shape
    h = hazard(u)
    h1 = -h * (u + h)
    own = h / square
    chain = np.cosh(np.arcsinh(shape**3)) / shape**2
    gap = (own - z1) / sd
    first = chain * gap
    slope = chain * (shape * h1 / square - sd1 / sd)
    own1 = h1 * (z + shape * z1) / square - 2.0 * shape * own / square
    bend = (own1 - x * sd2 - mean2) / sd - gap * sd1 / sd
    # The derivative of chain in eta is 3 shape - 2 chain^2 / shape.
    return first, slope, chain**2 * bend + gap * (3.0 * shape - 2.0 * chain**2 / shape)

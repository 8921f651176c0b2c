"""Quantiles of densities whose values alone are known, from tables of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

#: Log-mass below that of the likeliest place at which the table of a density is cut off.
_CUT = 12.0


def tabled_quantiles(
    log_density: Callable, low: np.ndarray, high: np.ndarray, q: np.ndarray, size: int
) -> np.ndarray:
    """Return quantiles (m, len(q)) of m densities, accurate to a few per cent of their spread.

    A first table finds where the mass is, over all scales; a second one resolves it.

    Parameters
    ----------
    log_density : callable
        ``log_density(x) -> (size, m)`` at values x (size, m).
    low, high : ndarray of shape (m,)
        Ends of the supports, which may be infinite.
    q : ndarray
        Probabilities.
    size : int
        Number of values of each of two tables.

    Returns
    -------
    ndarray of shape (m, len(q))
        NaN where a density has no mass.
    """
    t = np.linspace(-12.0, 12.0, size)[:, None]
    with np.errstate(all="ignore"):
        mass = _log_mass(log_density, t, low, high)
        likely = mass > np.nanmax(np.where(np.isfinite(mass), mass, -np.inf), axis=0) - _CUT
        step = 24.0 / (size - 1)
        first = t[np.argmax(likely, axis=0), 0] - step
        last = t[size - 1 - np.argmax(likely[::-1], axis=0), 0] + step
        t = first + (last - first) * np.linspace(0.0, 1.0, size)[:, None]
        mass = _log_mass(log_density, t, low, high)
        total = np.cumsum(np.exp(mass - np.nanmax(mass, axis=0)), axis=0)
        total /= total[-1]
        at = np.stack([np.argmax(total >= p, axis=0) for p in q], axis=1)
        found = _values(np.take_along_axis(t, at.T, axis=0), low, high)[0].T
    return np.where(np.isfinite(total[-1])[:, None], found, np.nan)


def _log_mass(
    log_density: Callable, t: np.ndarray, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """Return the log of the mass per unit of t, (size, m), -inf where there is none."""
    x, slope = _values(t, low, high)
    mass = log_density(x) + np.log(slope)
    return np.where(np.isnan(mass) | (mass == np.inf), -np.inf, mass)


def _values(t: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return values x (size, m) inside the supports, and dx / dt."""
    finite = np.isfinite(low), np.isfinite(high)
    share = 1.0 / (1.0 + np.exp(-t))
    width = high - low
    both = low + width * share, width * share * (1.0 - share)
    up, down = (low + np.exp(t), np.exp(t)), (high - np.exp(-t), np.exp(-t))
    line = np.sinh(t), np.cosh(t)
    kinds = [finite[0] & finite[1], finite[0], finite[1]]
    shape = np.broadcast_shapes(t.shape, low.shape)
    choices = [[np.broadcast_to(v[k], shape) for v in (both, up, down, line)] for k in (0, 1)]
    x, slope = (np.select([np.broadcast_to(c, shape) for c in kinds], c[:3], c[3]) for c in choices)
    return x, slope

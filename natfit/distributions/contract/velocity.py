"""How fast quantiles move with eta: the derivatives of tail probabilities.

At a fixed probability p the quantile Q(p; eta) moves with the velocity ``v = dQ / d eta``. With f
the density, S = P(Y > y) and s the score at y, ::

    dS / d eta_k = f v_k            d2S / d eta_j d eta_k = f (s_j v_k + d v_k / d eta_j)

the last derivative at fixed y. Where y is a known transform of a variable without parameters
(location-scale and log-location-scale families, extreme values), v and its derivatives are closed
forms, which the family writes. For some others the derivatives of incomplete gamma and beta
functions are known (:mod:`natfit.numerics.incomplete`). For the rest they are derived from the
tails themselves: by differences where the tails are known to be smooth to rounding, otherwise by
quadrature of the score. If many rows share eta, or all of it but a location and a scale, this is
done at Chebyshev's points only, and interpolated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.expectation import units

#: Central differences of eighth order, of a function at -4, ..., 4 steps.
_FIRST = np.array([3.0, -32.0, 168.0, -672.0, 0.0, 672.0, -168.0, 32.0, -3.0]) / 840.0
_SECOND = np.array([-9.0, 128.0, -1008.0, 8064.0, -14350.0, 8064.0, -1008.0, 128.0, -9.0]) / 5040.0
_AT = np.arange(-4.0, 5.0)

#: A step, in standard deviations of the score: the error of the first derivative is 1e-11 of it,
#: and rounding costs one digit of the first, two of the second.
_STEP = 0.1

#: Number of rows above which a table is made, numbers of its intervals, and the accepted size of
#: its last coefficients relative to the largest.
_MANY, _SIZES, _RESOLVED = 96, (32, 64, 128), 1e-10


@dataclass(frozen=True)
class Velocity:
    """Derivatives of S(y) = P(Y > y) in eta at rows y, over the density at y.

    Attributes
    ----------
    first : ndarray of shape (K, n)
        The velocities of the quantiles at y, in the unit of y.
    second : ndarray of shape (K, K, n)
        The second derivatives of S over the density, in the unit of y.
    """

    first: np.ndarray
    second: np.ndarray


def velocity_of(family: Any, y: np.ndarray, eta: np.ndarray) -> Velocity:
    """Return the velocities of a univariate density, at y (n,) inside its support.

    Parameters
    ----------
    family : Distribution
        With a distribution function, or with ``_velocity``.
    y : ndarray of shape (n,)
        Values; elsewhere than in the support the result is arbitrary.
    eta : ndarray of shape (n, K) or (1, K)
        Parameters of each row, or of all.

    Returns
    -------
    Velocity
    """
    if family._velocity is not None:
        return closed(family._velocity(y, *family.native(eta)), family.score(y, eta).T)
    low, high = family.support_at(eta)
    inside = (y > low) & (y < high)
    if not inside.all():
        return _spread(family, y, eta, inside)
    derive = way_of(family)
    if len(y) > _MANY:
        found = _read(family, y, eta, derive)
        if found is not None:
            return found
    found = derive(family, y, eta)
    return _stretched(family, y, eta, found.first, found.second) if family.stretches else found


def way_of(family: Any) -> Callable:
    """Return how the velocities of a family without closed forms are derived at rows."""
    if family._tail_slopes is not None:
        return _by_formula
    return _by_differences if family.smooth_tails else by_quadrature


def _read(family: Any, y: np.ndarray, eta: np.ndarray, derive: Callable) -> Velocity | None:
    """Velocities from a table, of rows that differ in nothing but location and scale; or None."""
    if len(eta) == 1:
        return _by_table(family, y, eta, derive)
    moved = _stretched_at(family) if family.stretches else []
    shapes = np.delete(eta, moved, axis=1)
    if not moved or not np.array_equal(shapes, np.broadcast_to(shapes[0], shapes.shape)):
        return None
    loc, scale = _place(family, eta)
    unit = np.array(eta[:1])
    unit[:, moved] = 0.0
    found = _by_table(family, (y - loc) / scale, unit, derive)
    if found is None:
        return None
    return _stretched(family, y, eta, found.first * scale, found.second * scale)


def _place(family: Any, eta: np.ndarray) -> tuple[Any, Any]:
    """The location and the scale of each row, or 0 and 1 where a family has none."""
    at = {role: family.blocks[name].start for name, role in family.roles.items()}
    loc = eta[:, at[Role.LOCATION]] if Role.LOCATION in at else 0.0
    return loc, np.exp(eta[:, at[Role.SCALE]]) if Role.SCALE in at else 1.0


def _spread(family: Any, y: np.ndarray, eta: np.ndarray, inside: np.ndarray) -> Velocity:
    """Velocities of the rows inside the support, zeros for the others."""
    k = family.n_params
    first, second = np.zeros((k, len(y))), np.zeros((k, k, len(y)))
    if inside.any():
        found = velocity_of(family, y[inside], eta if len(eta) == 1 else eta[inside])
        first[:, inside], second[:, :, inside] = found.first, found.second
    return Velocity(first, second)


def closed(terms: tuple[np.ndarray, np.ndarray], score: np.ndarray) -> Velocity:
    """Return the velocities from a family's closed forms and its score (K, n).

    ``terms`` are the velocities (K, n) and their derivatives (K, K, n), of which entry [j, k] is
    that of velocity k in eta_j; only those with j <= k are read.

    Returns
    -------
    Velocity
    """
    first, slope = terms
    k, n = first.shape
    second = np.empty((k, k, n))
    for i in range(k):
        for j in range(i, k):
            np.multiply(score[i], first[j], out=second[i, j])
            second[i, j] += slope[i, j]
            if j > i:
                second[j, i] = second[i, j]
    return Velocity(first, second)


def from_intervals(family: Any, y: np.ndarray, eta: np.ndarray) -> Velocity:
    """Return the velocities of a family that composes intervals itself, from the nearer tail.

    Returns
    -------
    Velocity
    """
    from natfit.distributions.contract.intervals import moments

    upper, log_tail = _nearer(family, y, eta)
    tails = moments(family, np.where(upper, y, -np.inf), np.where(upper, np.inf, y), eta)
    scale = np.where(upper, 1.0, -1.0) * np.exp(log_tail - family.log_prob(y, eta))
    return Velocity(tails.score.T * scale, -np.moveaxis(tails.gap, 0, -1) * scale)


# ------------------------------------------------------------- what families write in one line


def stretched(centred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Terms of y = loc + scale x in eta = (loc, log scale), from y - loc (n,)."""
    n = len(centred)
    first, slope = np.ones((2, n)), np.zeros((2, 2, n))
    first[1] = centred
    slope[0, 1] = -1.0
    return first, slope


def powered(y: np.ndarray, log_ratio: np.ndarray, sign: float) -> tuple[np.ndarray, np.ndarray]:
    """Terms of y = scale x^(spread) in eta = (log power, log scale), log_ratio = log(y / scale).

    ``sign`` is 1 where the spread is the power itself and -1 where it is its inverse.

    Returns
    -------
    first : ndarray of shape (2, n)
        Velocities.
    slope : ndarray of shape (2, 2, n)
        Their derivatives in eta.
    """
    n = len(y)
    first, slope = np.empty((2, n)), np.zeros((2, 2, n))
    np.multiply(sign * y, log_ratio, out=first[0])
    first[1] = y
    # first[0] = sign y (log y - log scale) does not depend on the power.
    return first, slope


# ------------------------------------------------------------------------- from the tails


def _nearer(family: Any, y: np.ndarray, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether the upper tail of each row is the smaller one, and the logarithm of the smaller."""
    above, below = family.log_sf(y, eta), family.log_cdf(y, eta)
    return above <= below, np.minimum(above, below)


def _by_differences(family: Any, y: np.ndarray, eta: np.ndarray) -> Velocity:
    """Differences in eta of the logarithm of the nearer tail, along coordinates and diagonals."""
    n, k = len(y), eta.shape[1]
    upper, log_tail = _nearer(family, y, eta)
    variance = np.diagonal(family.fisher(eta), axis1=1, axis2=2)
    step = np.broadcast_to(_STEP / np.sqrt(np.maximum(variance, 1.0)), (n, k))
    eta = np.broadcast_to(eta, (n, k))
    # In a location and the logarithm of a scale velocities are closed.
    own = [i for i in range(k) if not (family.stretches and i in _stretched_at(family))]
    pairs = [(i, j) for i in own for j in own if i <= j]
    ways = np.zeros((len(pairs), n, k))
    for way, pair in zip(ways, pairs, strict=True):
        way[:, pair] = step[:, pair]
    # All at once: the calls of a tail at a few points cost more than their arithmetic.
    moved = eta + _AT[:, None, None] * ways[:, None]
    logs = np.empty(moved.shape[:3])
    for side, name in ((upper, "log_sf"), (~upper, "log_cdf")):
        some = moved[:, :, side]
        at = np.broadcast_to(y[side], some.shape[:3]).ravel()
        logs[:, :, side] = getattr(family, name)(at, some.reshape(-1, k)).reshape(some.shape[:3])
    bend = dict(zip(pairs, np.einsum("a,pan->pn", _SECOND, logs), strict=True))
    slope = np.zeros((k, n))
    for i in own:
        slope[i] = _FIRST @ logs[pairs.index((i, i))] / step[:, i]
    scale = np.where(upper, 1.0, -1.0) * np.exp(log_tail - family.log_prob(y, eta))
    second = np.zeros((k, k, n))
    for i, j in pairs:
        curve = bend[i, i] if i == j else 0.5 * (bend[i, j] - bend[i, i] - bend[j, j])
        second[i, j] = curve / (step[:, i] * step[:, j]) + slope[i] * slope[j]
        second[j, i] = second[i, j]
    return Velocity(slope * scale, second * scale)


def _by_formula(family: Any, y: np.ndarray, eta: np.ndarray) -> Velocity:
    """The derivatives in shapes that a family knows."""
    return Velocity(*family._tail_slopes(y, *family._arguments(eta)))


def by_quadrature(family: Any, y: np.ndarray, eta: np.ndarray) -> Velocity:
    """Conditional means of the score over the nearer tail."""
    from natfit.distributions.contract.intervals import tail_means

    upper, log_tail = _nearer(family, y, eta)
    score, gap = tail_means(family, y, upper, log_tail, eta)
    scale = np.where(upper, 1.0, -1.0) * np.exp(log_tail - family.log_prob(y, eta))
    return Velocity(score.T * scale, -np.moveaxis(gap, 0, -1) * scale)


# --------------------------------------------------------------------------------- tables


def _unrolled(family: Any, eta: np.ndarray) -> tuple[Callable, Callable]:
    """Return u(y), in which velocities are smooth, and (y, dy / du) of u."""
    low, high = (float(end[0]) for end in family.support_at(eta))
    if np.isfinite(low) and np.isfinite(high):
        span = high - low

        def inside(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            p = 1.0 / (1.0 + np.exp(-np.abs(u)))
            slope = span * p * (1.0 - p)
            return np.where(u > 0, high - span * (1.0 - p), low + span * (1.0 - p)), slope

        return lambda y: np.log((y - low) / (high - y)), inside
    if np.isfinite(low):
        return lambda y: np.log(y - low), lambda u: (low + np.exp(u), np.exp(u))
    loc, scale = (float(part[0]) for part in units(family, eta[:1]))
    return (
        lambda y: np.arcsinh((y - loc) / scale),
        lambda u: (loc + scale * np.sinh(u), scale * np.cosh(u)),
    )


def _by_table(family: Any, y: np.ndarray, eta: np.ndarray, derive: Callable) -> Velocity | None:
    """Chebyshev interpolation in u of velocities over dy / du; None if it does not converge."""
    if family.support is None:
        return None
    forward, backward = _unrolled(family, eta)
    u = forward(y)
    good = np.isfinite(u)
    if not good.any():
        return None
    low, high = float(u[good].min()), float(u[good].max())
    if not high > low:
        return None
    k, size = eta.shape[1], _SIZES[0]
    wanted = _derived(family, k)
    known: np.ndarray | None = None
    for size in _SIZES:
        # The points of each size are among those of the next.
        t = np.cos(np.pi * np.arange(size + 1) / size)
        new = slice(None) if known is None else slice(1, None, 2)
        at, unit = backward(0.5 * (high + low) + 0.5 * (high - low) * t[new])
        found = derive(family, at, eta)
        values = np.concatenate([found.first, found.second.reshape(k * k, -1)])[wanted] / unit
        if known is None:
            known = values
        else:
            joined = np.empty((len(known), size + 1))
            joined[:, ::2], joined[:, 1::2] = known, values
            known = joined
        if not np.isfinite(known).all():
            return None
        coefficients = _chebyshev(known)
        most = np.abs(coefficients).max(axis=1, keepdims=True)
        if (np.abs(coefficients[:, -4:]) <= _RESOLVED * most).all():
            break
    else:
        return None
    x = np.clip((u - 0.5 * (high + low)) / (0.5 * (high - low)), -1.0, 1.0)
    x[~good] = 0.0
    keep = np.flatnonzero((np.abs(coefficients) > 1e-14 * most).any(axis=0))[-1] + 1
    unit = backward(u)[1]
    values = np.zeros((k + k * k, len(y)))
    values[wanted] = _clenshaw(coefficients[:, :keep], x) * unit
    first, second = values[:k], values[k:].reshape(k, k, len(y))
    if family.stretches:
        return _stretched(family, y, eta, first, second)
    return Velocity(first, _symmetric(second))


def _derived(family: Any, k: int) -> list[int]:
    """Which rows of the velocities (K) and their second derivatives (K K) a table must hold."""
    shapes = [i for i in range(k) if not family.stretches or i not in _stretched_at(family)]
    return [*shapes, *(k + i * k + j for i in shapes for j in shapes if i <= j)]


def _stretched_at(family: Any) -> list[int]:
    """The coordinates of eta that are a location or the logarithm of a scale."""
    moved = (Role.LOCATION, Role.SCALE)
    return [family.blocks[n].start for n, role in family.roles.items() if role in moved]


def _stretched(
    family: Any, y: np.ndarray, eta: np.ndarray, first: np.ndarray, second: np.ndarray
) -> Velocity:
    """The velocities with those in loc and log scale, which are closed, and by symmetry.

    They hold where an end of the support moves with these two and its density is positive: the
    score's integral over a tail that reaches the end does not know of it.

    Returns
    -------
    Velocity
        Of the arrays that were given.
    """
    native = dict(zip(family.params, family.native(eta), strict=True))
    at = {role: n for n, role in family.roles.items()}
    loc, scale = at.get(Role.LOCATION), at.get(Role.SCALE)
    score = family.score(y, eta).T
    moved = [family.blocks[name].start for name in (scale, loc) if name is not None]
    if scale is not None:
        first[moved[0]] = y if loc is None else y - native[loc]
    if loc is not None:
        first[moved[-1]] = 1.0
    for i in moved:
        # At fixed y the velocity in log scale falls with loc, and no other changes.
        second[:, i] = score * first[i]
    if loc is not None and scale is not None:
        second[moved[1], moved[0]] -= 1.0
        second[moved[0], moved[1]] = second[moved[1], moved[0]]
    for i in moved:
        second[i] = second[:, i]
    return Velocity(first, _symmetric(second))


def _symmetric(second: np.ndarray) -> np.ndarray:
    """The array (K, K, n) with its upper triangle below the diagonal too."""
    for i in range(len(second)):
        second[i + 1 :, i] = second[i, i + 1 :]
    return second


def _chebyshev(values: np.ndarray) -> np.ndarray:
    """Coefficients (C, m + 1) of the interpolants of values (C, m + 1) at cos(pi j / m)."""
    from scipy.fft import dct

    m = values.shape[1] - 1
    out = np.asarray(dct(values, type=1, axis=1)) / m
    out[:, [0, -1]] *= 0.5
    return out


def _clenshaw(coefficients: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Values (C, n) of Chebyshev series with coefficients (C, m) at x (n,)."""
    out = np.empty((len(coefficients), len(x)))
    twice = 2.0 * x
    for row, series in zip(out, coefficients, strict=True):
        one, two = np.zeros_like(x), np.zeros_like(x)
        for c in series[:0:-1].tolist():
            # two becomes the next value, in place.
            np.subtract(twice * one, two, out=two)
            two += c
            one, two = two, one
        np.subtract(x * one, two, out=row)
        row += series[0]
    return out

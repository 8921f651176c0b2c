"""Matrices of rows that follow from how quantiles move, for the Wasserstein and the CRPS metric.

With the velocity ``v = dQ / d eta`` of the quantile at y, and the density p, both metrics of a
univariate density are moments: ``E[v v']``, and ``2 E[p v v']`` because dF / d eta = -p v. Rows
that differ in nothing but a location and a scale share one of them; of others each distinct one is
computed, and if one or two coordinates vary over many rows they are interpolated.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.polynomial import chebyshev
from scipy import special

from natfit._component import same
from natfit.distributions.contract.cumulative import Cumulative, with_tails
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.expectation import ACCURACY, Expectation, Unnormalised
from natfit.distributions.contract.quantiles import quantile
from natfit.linops.row_curvature import Entries, Entry

#: How many nodes are kept.
_KEPT = 4

#: Nodes y (M,), probabilities (M,) and velocities (K, M).
_Nodes = tuple[np.ndarray, np.ndarray, np.ndarray]

#: The last of them, each with what it belongs to: family, its parameters, eta and a variance.
_last: tuple[tuple[Any, dict[str, Any], tuple[bytes, float | None], _Nodes], ...] = ()

#: A matrix (K, K) from a family and one eta (K,).
_One = Callable[[Any, np.ndarray], np.ndarray]

#: Relative difference of a velocity from the closed form that is rounding of its quadrature.
_CLOSED = 1e-6

#: Distinct rows from which one or two varying coordinates are interpolated, numbers of intervals in
#: each of them, and the accepted size of the last coefficients.
_MANY, _SIZES, _RESOLVED = 48, {1: (16, 32, 64), 2: (8, 16, 32)}, {1: 1e-9, 2: 1e-6}

# The double-exponential rule over probabilities: those of the nearer tail, whether it is the upper
# one, and weights. Tails of 1e-300 belong to densities whose variance is only just finite.
_STEP = 0.1
_INNER = np.pi * np.sinh(np.arange(-6.0, 6.0 + 0.5 * _STEP, _STEP))
SHARES, UPPER = special.expit(-np.abs(_INNER)), _INNER > 0.0
SHARE_WEIGHTS = SHARES * (1.0 - SHARES) * np.hypot(_INNER, np.pi) * _STEP

#: Quartile ranges beyond which nothing may decide a variance, and the share of it that is nothing.
_FAR, _SHARE = 1e20, 1e-3

#: Relative error of a variance, as the sum over nodes, from which tails are said to be heavy.
_HEAVY = 1e-7

#: The one from which a variance cannot be computed.
_TOO_HEAVY = 1e-3


def quantiles(family: Any, eta: np.ndarray, share: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """Return quantiles (n, M) of rows eta (n, K) at probabilities (M,) of the lower or upper tail.

    Returns
    -------
    ndarray of shape (n, M)
        In the unit of y.
    """
    integer = family.known_support.integer
    if len(eta) > 1 and not family.has_cdf:
        return np.concatenate([quantiles(family, row[None], share, upper) for row in eta])
    own = with_tails(family, eta)
    guess = family.quantile_formula(eta) if len(eta) == 1 else None
    out = np.empty((len(eta), len(share)))
    with np.errstate(all="ignore"):
        for side in (False, True):
            at = upper == side
            p = np.tile(share[at], len(eta))
            rows = eta if len(eta) == 1 else np.repeat(eta, int(at.sum()), axis=0)
            out[:, at] = quantile(own, rows, p, integer, side, guess).reshape(len(eta), -1)
    return out


def velocities(family: Any, eta: np.ndarray, variance: float | None = None) -> _Nodes:
    """Return nodes y (M,), their probabilities (M,) and velocities (K, M), at one eta (K,).

    The last few are kept: rows of one shape, and both ends of a step, ask for the same.

    Parameters
    ----------
    family : Distribution
        Univariate, with a density and a support.
    eta : ndarray of shape (K,)
        Its parameters.
    variance : float, optional
        Its variance, which the nodes then reproduce.

    Returns
    -------
    y, weight : ndarray of shape (M,)
        ``weight @ h(y)`` is E[h(y)].
    first : ndarray of shape (K, M)
        dQ / d eta at fixed probability, in the unit of y.

    Raises
    ------
    ValueError
        If the velocities are not finite where there is probability.
    """
    global _last
    params, key = family.get_params(), (eta.tobytes(), variance)
    for kept, own, at, found in _last:
        if kept() is family and at == key and own.keys() == params.keys():
            if all(same(own[name], value) for name, value in params.items()):
                return found
    made = _velocities(family, eta, variance)
    _last = ((weakref.ref(family), params, key, made), *_last[: _KEPT - 1])
    return made


def _velocities(family: Any, eta: np.ndarray, variance: float | None) -> _Nodes:
    with np.errstate(all="ignore"):
        if family.has_cdf or family._velocity is not None:
            rule = _rule(family, eta, variance)
            first = family.velocity(rule.y, eta[None]).first
        else:
            rule, first = Cumulative(family, eta[None]).velocities()
    fine = np.isfinite(first).all(axis=0)
    if rule.weight[~fine].sum() > ACCURACY:
        raise ValueError(
            f"the quantiles of {type(family).__name__} have no derivatives at {shown(family, eta)}"
            "; use metric='exact'"
        )
    return rule.y[fine], rule.weight[fine], first[:, fine]


def _rule(family: Any, eta: np.ndarray, variance: float | None) -> Expectation:
    """Return the family's own nodes, or quantiles where these miss probability or the variance."""
    try:
        rule = family.expectation(eta)
        if variance is None or _has_variance(rule, variance):
            return rule
    except Unnormalised:
        if not family.has_cdf:
            raise
    y = quantiles(family, eta[None], SHARES, UPPER)[0]
    rule = Expectation(y[np.isfinite(y)], SHARE_WEIGHTS[np.isfinite(y)])
    if variance is not None and not _has_variance(rule, variance, _TOO_HEAVY):
        raise ValueError(
            f"the variance of {type(family).__name__} at {shown(family, eta)} lies in tails or at "
            "ends that no quadrature resolves, and with it the Wasserstein metric; use "
            "metric='exact'"
        )
    return rule


def variance_of(family: Any, eta: np.ndarray) -> float:
    """Return the variance at one eta (K,), infinite also where there is no mean.

    Of a density without a distribution function it is the sum over nodes that go out to 1e300
    widths, and infinite where places beyond 1e20 widths decide it.

    Returns
    -------
    float
        In the square of the unit of y.
    """
    if family.has_cdf:
        try:
            return float(family.moments(eta[None])[1][0])
        except ValueError:
            return np.inf
    y, weight, _ = velocities(family, eta)
    order = np.argsort(y)
    centre, low, high = np.interp([0.5, 0.25, 0.75], np.cumsum(weight[order]), y[order])
    with np.errstate(over="ignore"):
        part = weight * np.square(y - centre)
    far = part[np.abs(y - centre) > _FAR * (high - low)].sum()
    return float(part.sum() - (weight @ (y - centre)) ** 2) if far < _SHARE * part.sum() else np.inf


def _has_variance(rule: Expectation, variance: float, off: float = _HEAVY) -> bool:
    """Tell whether the nodes go so far out that they give the variance."""
    found = rule.weight @ np.square(rule.y - rule.weight @ rule.y)
    return bool(abs(found / variance - 1.0) < off)


def shown(family: Any, eta: np.ndarray) -> dict[str, Any]:
    """Return native values at eta (K,) by name, rounded for a message."""
    return {name: np.round(v, 6).tolist() for name, v in family.native_dict(eta).items()}


def entries_of(family: Any, eta: np.ndarray, one: _One, power: int) -> Entries:
    """Return the matrices of rows from a function of one eta.

    Parameters
    ----------
    family : Distribution
        Univariate.
    eta : ndarray of shape (n, K)
        Parameters of each row.
    one : callable
        ``one(family, eta) -> (K, K)`` for eta (K,).
    power : int
        The power of the scale by which the matrix in native velocities grows, beside the squares
        of the velocities.

    Returns
    -------
    Entries
        Of n rows.
    """
    size = eta.shape[1]
    if len(eta) == 1:
        return Entries.of(one(family, eta[0])[None])
    frame = placed(family, eta)
    if frame is None:
        return Entries.of(_distinct(family, eta, one))
    unit, scale, moved = frame
    # A sort costs more than all the rest where all rows have one shape.
    part = one(family, unit[0]) if (unit == unit[0]).all() else _distinct(family, unit, one)
    found: dict[tuple[int, int], Entry] = {}
    for k in range(size):
        for m in range(k, size):
            exponent = power + (k != moved) + (m != moved)
            entry: Entry = part[:, k, m] if part.ndim > 2 else float(part[k, m])
            if k != m and not np.any(entry):
                continue
            found[k, m] = entry if exponent == 0 else entry * scale**exponent
    return Entries(size, found)


def _distinct(family: Any, eta: np.ndarray, one: _One) -> np.ndarray:
    """Matrices (n, K, K) of rows, each distinct one computed once."""
    rows, which = np.unique(eta, axis=0, return_inverse=True)
    return _each(family, rows, one)[which.ravel()]


def _each(family: Any, eta: np.ndarray, one: _One) -> np.ndarray:
    """Matrices (m, K, K) of distinct rows eta (m, K)."""
    varying = np.flatnonzero(np.ptp(eta, axis=0) > 0.0)
    if len(eta) > _MANY and len(varying) in _SIZES:
        found = _read(family, eta, varying, one)
        if found is not None:
            return found
    return np.stack([one(family, row) for row in eta])


def _read(family: Any, eta: np.ndarray, varying: np.ndarray, one: _One) -> np.ndarray | None:
    """Matrices (m, K, K) interpolated in one or two coordinates; None where that fails."""
    x = eta[:, varying]
    middle, half = 0.5 * (x.min(axis=0) + x.max(axis=0)), 0.5 * np.ptp(x, axis=0)
    upper = np.triu_indices(eta.shape[1])
    known: dict[tuple[float, ...], np.ndarray] = {}
    for size in _SIZES[len(varying)]:
        # The points of each size are among those of the next.
        t = np.cos(np.pi * np.arange(size + 1) / size).round(15)
        grid = list(itertools.product(t.tolist(), repeat=len(varying)))
        if len(grid) > len(eta):
            return None
        for place in grid:
            if place not in known:
                row = eta[0].copy()
                row[varying] = middle + half * place
                known[place] = _packed(one(family, row), upper)
        values = np.stack([known[place] for place in grid])
        if not np.isfinite(values).all():
            return None
        series = values.reshape(*[size + 1] * len(varying), -1)
        for axis in range(len(varying)):
            last = np.moveaxis(series, axis, 0)
            fitted = chebyshev.chebfit(t, last.reshape(size + 1, -1), size).reshape(last.shape)
            series = np.moveaxis(fitted, 0, axis)
        most = np.maximum(np.abs(values).max(axis=0), 1.0)
        ends = [np.moveaxis(series, axis, 0)[-3:] for axis in range(len(varying))]
        if all((np.abs(end) <= _RESOLVED[len(varying)] * most).all() for end in ends):
            evaluate: Any = chebyshev.chebval if len(varying) == 1 else chebyshev.chebval2d
            return _unpacked(evaluate(*((x - middle) / half).T, series), upper, eta.shape[1])
    return None


def _packed(matrix: np.ndarray, upper: tuple[np.ndarray, ...]) -> np.ndarray:
    """Half the logarithms of the diagonal, and correlations: numbers that vary slowly with eta."""
    with np.errstate(all="ignore"):
        root = np.sqrt(np.diagonal(matrix))
        part = matrix / np.outer(root, root)
        np.fill_diagonal(part, np.log(root))
    return part[upper]


def _unpacked(values: np.ndarray, upper: tuple[np.ndarray, ...], size: int) -> np.ndarray:
    """Invert :func:`_packed` for values (T, m)."""
    out = np.empty((values.shape[1], size, size))
    out[:, upper[0], upper[1]] = values.T
    out[:, upper[1], upper[0]] = values.T
    root = np.exp(np.diagonal(out, axis1=1, axis2=2))
    out[:, np.arange(size), np.arange(size)] = 1.0
    return out * root[:, :, None] * root[:, None, :]


def placed(family: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray, int] | None:
    """Return rows at location 0 and scale 1, the scales (n,) and the coordinate of the location.

    What the roles say is checked: windows, fixed values and user-supplied constraints leave a
    family with a role that no longer holds. The ends of the support must move with every row, and
    the velocities of the first row must be those of a location and the logarithm of a scale.

    Returns
    -------
    tuple or None
        None where rows do not differ in a location and a scale alone. The coordinate is -1 where
        the family has no location.
    """
    at = {role: family.blocks[n] for n, role in family.roles.items() if family.params[n].size == 1}
    several = [sum(r is role for r in family.roles.values()) > 1 for role in at]
    wide = at.get(Role.SCALE, at.get(Role.RATE))
    if any(several) or wide is None or Role.SCALE in at and Role.RATE in at:
        return None
    loc = at[Role.LOCATION].start if Role.LOCATION in at else -1
    unit = eta.copy()
    unit[:, wide] = 0.0
    with np.errstate(all="ignore"):
        scale = np.exp(eta[:, wide.start])
        scale = scale if Role.SCALE in at else 1.0 / scale
        where = np.zeros(len(eta))
        if loc >= 0:
            where, unit[:, loc] = eta[:, loc], 0.0
        for end, own in zip(family.support_at(eta), family.support_at(unit), strict=True):
            if not _moves(end, where + scale * own):
                return None
        y, _, first = velocities(family, eta[0])
        sign = 1.0 if Role.SCALE in at else -1.0
        if not np.allclose(sign * first[wide.start], y - where[0], _CLOSED, _CLOSED * scale[0]):
            return None
        if loc >= 0 and not np.allclose(first[loc], 1.0, rtol=_CLOSED):
            return None
    return unit, scale, loc


def _moves(end: np.ndarray, expected: np.ndarray) -> bool:
    """Tell whether ends of supports (n,) are where a location and a scale take them."""
    if np.array_equal(end, expected):
        return True
    return bool((np.abs(end - expected) <= 1e-9 * np.abs(expected)).all())

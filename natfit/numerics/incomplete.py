"""Derivatives in the parameters of the incomplete gamma and beta functions, and of Student's tails.

With f the density and S(x) the probability above x, what is returned are the first and second
derivatives of S in the logarithms of the parameters, over f(x): their unit is that of x, and they
neither underflow nor overflow where S does. Two ways lead to them. A power series in x, of which
all terms are positive, is differentiated term by term; it ends soon where a parameter is small.
Elsewhere the tail on the nearer side is integrated by Gauss and Legendre's rule in the logarithm of
x, or its log-odds: the density is bell-shaped there, and the few nodes lie between x and where
the density has fallen by ``exp(-_DROP)``. Only ratios of densities are exponentiated.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from natfit.numerics.special import student_slope, student_slope_derivative
from natfit.numerics.stirling import log_excess, trigamma

#: Nats by which the density has fallen at the end of the rule.
_DROP = 35.0

#: Points and weights of the rule on (0, 1).
_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(28)
_POINTS, _WEIGHTS = 0.5 * (_POINTS + 1.0), 0.5 * _WEIGHTS

#: Shapes below which series serve: of the gamma, and of the beta distribution.
_SMALL, _SMALL_BETA = 20.0, 5.0

#: x up to which a series of the beta distribution serves; Student's df from which on its rule does.
_NEAR, _MANY_DF = 0.75, 10.0

#: Rows together, terms of a series between two looks at which rows still need some, and terms that
#: are rounding.
_ROWS, _TERMS, _ROUNDING = 4096, 12, 1e-16

#: Newton's steps to the end of the rule; how exact it is changes nothing.
_STEPS = 4


def by_chunks(function: Any, *arguments: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both results of a function of rows (n,), computed for a few rows at a time."""
    n = len(arguments[0])
    parts = [
        function(*(v[start : start + _ROWS] for v in arguments)) for start in range(0, n, _ROWS)
    ]
    if len(parts) == 1:
        return parts[0]
    first, second = zip(*parts, strict=True)
    return np.concatenate(first, axis=-1), np.concatenate(second, axis=-1)


# ------------------------------------------------------------------------------------- gamma


def gamma_slopes(shape: Any, x: Any) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives of Q(shape, x) in log shape, over the density of a gamma variable at x > 0.

    Parameters
    ----------
    shape, x : array-like of shape (n,)
        Positive.

    Returns
    -------
    first, second : ndarray of shape (n,)
    """
    shape, x = np.broadcast_arrays(np.asarray(shape, dtype=float), np.asarray(x, dtype=float))
    return by_chunks(_gamma, shape, x)


def _gamma(a: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    series = (a < _SMALL) & (x < a + 1.0)
    if series.all():
        return _gamma_series(a, x)
    if not series.any():
        return _gamma_rule(a, x)
    first, second = np.empty(len(x)), np.empty(len(x))
    for way, some in ((_gamma_series, series), (_gamma_rule, ~series)):
        first[some], second[some] = way(a[some], x[some])
    return first, second


def _gamma_series(a: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """P = x f / a times the sum of x^n / ((a + 1) ... (a + n)), f the density."""
    out = np.empty((3, len(x)))
    rows, at, term = np.arange(len(x)), a + 1.0, np.ones_like(x)
    total, first, second = np.ones_like(x), np.zeros_like(x), np.zeros_like(x)
    # The derivatives of the logarithm of the term in a.
    slope, bend, left = np.zeros_like(x), np.zeros_like(x), x
    while True:
        for _ in range(_TERMS):
            inverse = 1.0 / at
            term = term * left * inverse
            slope = slope - inverse
            bend = bend + inverse * inverse
            at = at + 1.0
            total = total + term
            first = first + term * slope
            second = second + term * (slope * slope + bend)
        more = term * (1.0 + slope * slope) > _ROUNDING * total
        out[:, rows[~more]] = np.stack([total, first, second])[:, ~more]
        if not more.any():
            break
        rows, at, term, left = rows[more], at[more], term[more], left[more]
        total, first, second = total[more], first[more], second[more]
        slope, bend = slope[more], bend[more]
    total, first, second = out
    first = first / total
    log_slope = a * (np.log(x) - special.psi(a + 1.0) + first)
    log_bend = a * a * (second / total - first * first - trigamma(a + 1.0))
    below = x * total / a
    return -below * log_slope, -below * (log_bend + log_slope * log_slope + log_slope)


def _gamma_rule(a: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rule in log x, above x if it is beyond a, else below it."""
    side, pull = np.where(x >= a, 1.0, -1.0), np.abs(a - x)
    length = 2.0 * _DROP / (pull + np.sqrt(pull * pull + 2.0 * _DROP * x))
    for _ in range(_STEPS):
        grown = np.expm1(side * length)
        length -= (a * side * length - x * grown + _DROP) / (side * (a - x - x * grown))
    total, once, twice = np.zeros_like(x), np.zeros_like(x), np.zeros_like(x)
    signed = side * length
    for point, weight in zip(_POINTS, _WEIGHTS, strict=True):
        step = signed * point
        value = np.exp(a * step - x * np.expm1(step))
        value *= weight
        total += value
        value *= step
        once += value
        value *= step
        twice += value
    unit, start = x * signed, a * (np.log(x) - special.psi(a))
    first = start * total + a * once
    second = start * (start * total + 2.0 * a * once) + a * a * (twice - trigamma(a) * total)
    return unit * first, unit * (first + second)


# -------------------------------------------------------------------------------------- beta


def beta_slopes(a: Any, b: Any, x: Any, left: Any) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives in log a and log b of P(X > x), over the density of a beta variable at x.

    Parameters
    ----------
    a, b : array-like of shape (n,)
        Positive.
    x, left : array-like of shape (n,)
        Inside (0, 1), and 1 - x to full precision.

    Returns
    -------
    first : ndarray of shape (2, n)
        Those in log a and log b.
    second : ndarray of shape (3, n)
        Those in log a twice, in both, and in log b twice.
    """
    arrays = np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in (a, b, x, left)))
    return by_chunks(_beta, *arrays)


def _beta(a: Any, b: Any, x: Any, left: Any) -> tuple[np.ndarray, np.ndarray]:
    # From the nearer end: those of the lower tail of 1 - X are those of the upper tail of X.
    swapped = x * (a + b) > a
    p, q = np.where(swapped, b, a), np.where(swapped, a, b)
    t, rest = np.where(swapped, left, x), np.where(swapped, x, left)
    small = p < _SMALL_BETA
    other = np.where(small, t > _NEAR, (q < _SMALL_BETA) & (rest * (p + q) <= q + 1.0))
    series = small | other
    first, second = np.empty((2, len(x))), np.empty((3, len(x)))
    if not series.all():
        some = ~series
        first[:, some], second[:, some] = _beta_rule(p[some], q[some], t[some], rest[some])
    if series.any():
        # The series about the other end gives minus the same.
        turn = other[series]
        p, q, t, rest = (v[series] for v in (p, q, t, rest))
        own = np.where(turn, q, p), np.where(turn, p, q), np.where(turn, rest, t)
        found = _beta_series(*own, np.where(turn, t, rest))
        first[:, series] = np.where(turn, -found[0][::-1], found[0])
        second[:, series] = np.where(turn, -found[1][::-1], found[1])
    return (
        np.where(swapped, first[::-1], -first),
        np.where(swapped, second[::-1], -second),
    )


def _beta_series(a: Any, b: Any, x: Any, left: Any) -> tuple[np.ndarray, np.ndarray]:
    """P(X < x) = x (1 - x) f / a times the sum of (a + b)_n / (a + 1)_n x^n, f the density."""
    total, in_a, in_b, aa, ab, bb = _beta_sums(a, b, x)
    in_a, in_b = in_a / total, in_b / total
    both, common = special.psi(a + b), trigamma(a + b)
    slope_a = a * (np.log(x) + both - special.psi(a + 1.0) + in_a)
    slope_b = b * (np.log(left) + both - special.psi(b) + in_b)
    bend_aa = a * a * (common - trigamma(a + 1.0) + aa / total - in_a * in_a)
    bend_ab = a * b * (common + ab / total - in_a * in_b)
    bend_bb = b * b * (common - trigamma(b) + bb / total - in_b * in_b)
    below = x * left * total / a
    second = [
        bend_aa + slope_a * slope_a + slope_a,
        bend_ab + slope_a * slope_b,
        bend_bb + slope_b * slope_b + slope_b,
    ]
    return below * np.stack([slope_a, slope_b]), below * np.stack(second)


def _beta_sums(a: np.ndarray, b: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The sum of the series and its derivatives in a, b, aa, ab and bb, (6, n)."""
    out, rows = np.empty((6, len(x))), np.arange(len(x))
    # Each term, and the slopes and bends of its logarithm: those of (a + b)_n and of 1 / (a + 1)_n.
    state = np.zeros((14, len(x)))
    state[0], state[5], state[11], state[12], state[13] = 1.0, 1.0, a + b, a + 1.0, x
    while True:
        term, up, up2, down, down2 = state[:5]
        sums, (upper, lower, at) = state[5:11], state[11:]
        for _ in range(_TERMS):
            one, two = 1.0 / upper, 1.0 / lower
            term *= upper
            term *= two
            term *= at
            up += one
            up2 += one * one
            down += two
            down2 += two * two
            upper += 1.0
            lower += 1.0
            both = up - down
            weighed, again = term * both, term * up
            sums[0] += term
            sums[1] += weighed
            sums[2] += again
            sums[3] += weighed * both + term * (down2 - up2)
            sums[4] += weighed * up - term * up2
            sums[5] += again * up - term * up2
        more = term * (1.0 + up * up) > _ROUNDING * sums[0]
        more |= upper * at > lower
        out[:, rows[~more]] = sums[:, ~more]
        if not more.any():
            return out
        rows, state = rows[more], state[:, more]


def _beta_rule(a: Any, b: Any, x: Any, left: Any) -> tuple[np.ndarray, np.ndarray]:
    """P(X < x) by the rule in the log-odds of x."""
    size = a + b
    pull = np.maximum(a - size * x, 0.0)
    length = 2.0 * _DROP / (pull + np.sqrt(pull * pull + 2.0 * _DROP * size * x * left))
    for _ in range(_STEPS):
        fallen = x * np.expm1(-length)
        gap = _DROP - a * length - size * np.log1p(fallen)
        length += gap / (a - size * (x + fallen) / (1.0 + fallen))
    sums = np.zeros((6, len(x)))
    for point, weight in zip(_POINTS, _WEIGHTS, strict=True):
        step = length * -point
        # Logarithms of (1 - t) / (1 - x) and t / x.
        q = -np.log1p(x * np.expm1(step))
        p = step + q
        value = weight * np.exp(a * p + b * q)
        one, two = value * p, value * q
        sums[0] += value
        sums[1] += one
        sums[2] += two
        sums[3] += one * p
        sums[4] += one * q
        sums[5] += two * q
    sums *= length * x * left
    total, both, common = sums[0], special.psi(size), trigamma(size)
    one, two = a * sums[1], b * sums[2]
    in_a = a * (np.log(x) + both - special.psi(a))
    in_b = b * (np.log(left) + both - special.psi(b))
    first = np.stack([in_a * total + one, in_b * total + two])
    second = [
        in_a * (in_a * total + 2.0 * one) + a * a * (sums[3] + (common - trigamma(a)) * total),
        in_a * (in_b * total + two) + in_b * one + a * b * (sums[4] + common * total),
        in_b * (in_b * total + 2.0 * two) + b * b * (sums[5] + (common - trigamma(b)) * total),
    ]
    second[0] += first[0]
    second[2] += first[1]
    return first, np.stack(second)


# ----------------------------------------------------------------------------- Student's tails


def student_slopes(df: Any, z: Any) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives in log df of P(T > z), over the density of Student's t at z.

    Parameters
    ----------
    df, z : array-like of shape (n,)
        df from 1e-3 to 1e12, z of either sign.

    Returns
    -------
    first, second : ndarray of shape (n,)
    """
    df, z = np.broadcast_arrays(np.asarray(df, dtype=float), np.asarray(z, dtype=float))
    first, second = by_chunks(_student, df, np.abs(z))
    side = np.sign(z)
    return side * first, side * second


def _student(df: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    many = df >= _MANY_DF
    first, second = np.empty(len(z)), np.empty(len(z))
    for way, some in ((_student_rule, many), (_student_series, ~many)):
        if some.any():
            first[some], second[some] = way(df[some], z[some])
    return first, second


def _student_series(df: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Half of the probability that a beta variable with df / 2 and 1 / 2 is below its place w."""
    a, square = 0.5 * df, z * z
    with np.errstate(all="ignore"):
        w, rest = 1.0 / (1.0 + square / df), 1.0 / (1.0 + df / square)
    rest = np.maximum(rest, 1e-300)
    found, again = _beta(a, np.full_like(a, 0.5), w, rest)
    # dw / dlog df is w (1 - w); the density at z is that at w times w (1 - w) / z.
    move = w * rest
    slope = a * (np.log(w) + special.psi(a + 0.5) - special.psi(a))
    bend = (a - 1.0) * rest + 0.5 * w + 1.0 - 2.0 * w
    first = 0.5 * z * (1.0 - found[0] / move)
    return first, 0.5 * z * (2.0 * slope + bend - again[0] / move)


def _student_rule(df: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rule in the angle t of z = sqrt(df) sinh t, whose density falls like cosh(t)^-df."""
    start = np.arcsinh(z / np.sqrt(df))
    u = np.square(np.sinh(start))
    log, pull = np.log1p(u), df * np.tanh(start)
    length = 2.0 * _DROP / (pull + np.sqrt(pull * pull + 2.0 * _DROP * df / (1.0 + u)))
    for _ in range(_STEPS):
        at = start + length
        gap = 0.5 * df * (np.log1p(np.square(np.sinh(at))) - log) - _DROP
        length -= gap / (df * np.tanh(at))
    centre = 0.5 * df * student_slope(df)
    curve = centre + 0.5 * df * df * student_slope_derivative(df)
    first, second = np.zeros_like(z), np.zeros_like(z)
    for point, weight in zip(_POINTS, _WEIGHTS, strict=True):
        u = np.square(np.sinh(start + length * point))
        logs, h = np.log1p(u), 1.0 / (1.0 + u)
        value = weight * np.exp(-0.5 * df * (logs - log))
        w = u * h
        # w - log(1 + u), and the score and its derivative in log df.
        gap = np.where(u < 0.03, -log_excess(np.minimum(u, 0.03)) - u * w, w - logs)
        score = 0.5 * (df * gap + w) + centre
        first += value * score
        second += value * (score * score - 0.5 * (w * (h - df * w) - df * gap) + curve)
    unit = length * np.sqrt(df + z * z)
    return unit * first, unit * second

"""Sums of powers of Poisson probabilities, to full precision at any mean and power.

The Conway-Maxwell-Poisson distribution is ``p(y) = lambda^y / y!^nu / Z``. With
``mode = lambda^(1 / nu)`` it is a power of a Poisson distribution,
``p(y) = Poisson(y; mode)^nu / S``, in which no large terms cancel. Where lambda is below one, the
definition itself has no terms of opposite signs. Both are written as
``log p = nu g(y) + min(log lambda, 0) y - log S``.

Short sums are enumerated, and long ones summed at a cost that does not grow with the mean. Where
the probability is far from zero and wide, the sum over the whole numbers is the sum over any other
grid that is fine enough, by Poisson's summation formula: a few nodes do at any mean, with the
exactness that asymptotic expansions of Z have only far out (Gaunt, Iyengar, Olde Daalhuis and
Simsek 2019, An asymptotic expansion for the normalizing constant of the Conway-Maxwell-Poisson
distribution, Annals of the Institute of Statistical Mathematics 71, 163-180).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from scipy import special

from natfit.numerics.counting import Stretch
from natfit.numerics.stirling import HALF_LOG_2PI, correction, log_excess

#: Log-probability, relative to the largest, of terms that are left out.
_NEGLIGIBLE = 60.0

#: The grid replaces the sum from here on: least nu mean, at which zero is 20 standard deviations
#: away, and least mean / nu, the variance.
_AWAY, _WIDE = 400.0, 4.0

#: Nodes of the grid, in standard deviations: the error is exp(-2 pi^2 / 0.4^2).
_STEP = 0.4
_GRID = _STEP * np.arange(-32.0, 33.0)

#: Terms up to which a sum is enumerated; sums are made together up to these numbers of terms.
_SIZES = (64.0, 256.0, 1024.0)

#: Panels of 32 nodes of a long sum; numbers that are held at once.
_PANELS, _AT_ONCE = 12, 2**20

#: Least variance, relative to that of a small mean: below, it is rounding.
_LEAST = 1e-30

#: Iterations of Newton's method, of which two to six are needed; accepted error of the mean, in
#: standard deviations and in variances (as an error of log lambda), and relative rounding.
_MOST_STEPS, _ACCURACY, _ROUNDING = 200, 1e-13, 4e-16


@dataclass(frozen=True)
class Powered:
    """Distributions with given means and powers nu, and their moments, (m,) each.

    With ``u = (y - mean) / sd``, r is what is left of g(y) after its mean and its regression on u:
    ``r = g(y) - level - slope u``.

    Attributes
    ----------
    nu, mean, sd : ndarray of shape (m,)
        Power, mean and standard deviation.
    log_rate : ndarray of shape (m,)
        min(log lambda, 0).
    mode : ndarray of shape (m,)
        lambda^(1 / nu) where it is above one, else one.
    log_sum : ndarray of shape (m,)
        log S.
    level, slope : ndarray of shape (m,)
        E[g] and E[g u].
    rr, uuu, uur, urr : ndarray of shape (m,)
        E[r^2], E[u^3], E[u^2 r] and E[u r^2].
    """

    nu: np.ndarray
    mean: np.ndarray
    sd: np.ndarray
    log_rate: np.ndarray
    mode: np.ndarray
    log_sum: np.ndarray
    level: np.ndarray
    slope: np.ndarray
    rr: np.ndarray
    uuu: np.ndarray
    uur: np.ndarray
    urr: np.ndarray

    def rows(self, index: np.ndarray) -> Powered:
        """The distributions with these indices (n,)."""
        return Powered(*(getattr(self, f.name)[index] for f in fields(self)))

    def g(self, y: np.ndarray) -> np.ndarray:
        """g(y), for y (m,), or (n,) where m is one."""
        return _g(y, y - self.mode, self.mode, self.log_rate)

    def log_prob(self, y: np.ndarray) -> np.ndarray:
        """log p(y), for y (m,), or (n,) where m is one."""
        return self.nu * self.g(y) + self.log_rate * y - self.log_sum

    def log_lambda(self) -> np.ndarray:
        """Logarithm of lambda, (m,)."""
        return self.log_rate + self.nu * np.log(self.mode)


def powered(mean: np.ndarray, nu: np.ndarray) -> Powered:
    """Return the distributions with means (m,) > 0 and powers nu (m,) > 0."""
    mean, nu = np.broadcast_arrays(np.asarray(mean, float), np.asarray(nu, float))
    found = np.empty((len(fields(Powered)), len(mean)))
    for part in _alike(mean, nu):
        found[:, part] = _solved(mean[part], nu[part])
    return Powered(*found)


def nodes_of(one: Powered) -> tuple[np.ndarray, np.ndarray]:
    """Nodes y (J,) and probabilities of one distribution: ``sum(weight * h(y))`` is E[h(y)]."""
    y, _, weight, *_ = _nodes(one.mean, one.nu, _variable(one))
    with np.errstate(under="ignore"):
        p = weight[0] * np.exp(one.log_prob(y[0]))
    return y[0], p / p.sum()


def _variable(one: Powered) -> np.ndarray:
    return np.where(one.log_rate < 0.0, one.log_rate, one.mode - 1.0)


def _g(y: np.ndarray, gap: np.ndarray, mode: np.ndarray, log_rate: np.ndarray) -> np.ndarray:
    """Log Poisson(y; mode) where lambda is above one, else -log y!; gap = y - mode."""
    some = np.where(y > 0.0, y, 1.0)
    d = gap / mode
    near = np.abs(d) < 0.5
    e = np.where(near, d, 0.0)
    value = np.where(
        near,
        -gap * e - mode * (1.0 + e) * log_excess(e),
        some * (np.log(mode) - np.log(some)) + gap,
    )
    value = value - 0.5 * np.log(some) - HALF_LOG_2PI - correction(some)
    value = np.where(y > 0.0, value, -mode)
    low = log_rate < 0.0
    if not np.any(low):
        return value
    return np.where(low, -special.gammaln(y + 1.0), value)


# ------------------------------------------------------------------------- where to sum


def _last(mean: np.ndarray, nu: np.ndarray) -> np.ndarray:
    """Numbers above which nothing is left; lambda^(1 / nu) is at most mean + 1."""
    # A log-concave distribution falls at least as fast as a geometric one of its mean; and
    # (1 + d) log(1 + d) - d is at least d^2 / (2 + 2 d / 3), by Bernstein.
    top = mean + 1.0
    a = _NEGLIGIBLE / (nu * top)
    bernstein = top * (a / 3.0 + np.sqrt(a * a / 9.0 + 2.0 * a)) + top
    return np.ceil(np.minimum(bernstein, _NEGLIGIBLE * top)) + 8.0


def _first(mean: np.ndarray, nu: np.ndarray) -> np.ndarray:
    below = np.floor(mean * (1.0 - np.sqrt(2.0 * _NEGLIGIBLE / (nu * mean)))) - 8.0
    return np.where(_away(mean, nu), np.maximum(below, 0.0), 0.0)


def _away(mean: np.ndarray, nu: np.ndarray) -> np.ndarray:
    return nu * mean >= _AWAY


def _on_grid(mean: np.ndarray, nu: np.ndarray) -> np.ndarray:
    return _away(mean, nu) & (mean >= _WIDE * nu)


def _alike(mean: np.ndarray, nu: np.ndarray) -> list[np.ndarray]:
    """Indices of rows that are summed together."""
    terms = _last(mean, nu) - _first(mean, nu) + 1.0
    size = np.searchsorted(_SIZES, terms)
    kind = np.where(_away(mean, nu), np.where(_on_grid(mean, nu), -2, -1), size)
    parts = []
    for k in np.unique(kind):
        index = np.flatnonzero(kind == k)
        most = max(int(_AT_ONCE // (*_SIZES, 640 + 64 * _PANELS, 128, 128)[k]), 1)
        parts += np.array_split(index, -(-len(index) // most))
    return parts


def _nodes(mean: np.ndarray, nu: np.ndarray, s: np.ndarray) -> tuple[np.ndarray, ...]:
    """Nodes y (m, J), y - mode, weights, and y - mean as a sum (m, J) + (m,), of rows alike."""
    mode = np.where(s > 0.0, 1.0 + s, 1.0)[:, None]
    if _on_grid(mean[:1], nu[:1])[0]:
        sd = np.sqrt(mode) / np.sqrt(nu[:, None])
        gap = sd * _GRID
        return mode + gap, gap, _STEP * sd + 0.0 * gap, gap, mode[:, 0] - mean
    low, high = _first(mean, nu), _last(mean, nu)
    if high.max() <= _SIZES[-1] and not low.any():
        y = np.arange(high.max() + 1.0)[None]
        return y, y - mode, (y <= high[:, None]) * 1.0, y - mean[:, None], np.zeros(len(mean))
    sharp = np.ones(len(mean), dtype=bool)
    y, weight = Stretch(low, high, mean, sharp, ~sharp).nodes(_PANELS)
    return y, y - mode, weight, y - mean[:, None], np.zeros(len(mean))


# ------------------------------------------------------------------------- given the mean


def _solved(mean: np.ndarray, nu: np.ndarray) -> np.ndarray:
    """The fields of Powered, (12, m), for rows that are alike."""
    s = _start(mean, nu)
    # By Jensen's inequality for E[y^nu] = lambda and for lambda E[(y + 1)^-nu] = 1 - p(0), and
    # because log lambda grows with nu at a given mean, from the geometric to the Poisson.
    low = np.where(nu < 1.0, -np.log1p(1.0 / mean), np.where(mean > 1.0, mean - 1.0, np.log(mean)))
    low, high = low - 1e-12 * np.abs(low), mean * (1.0 + 1e-12)
    s, left = np.clip(s, low, high), np.arange(len(mean))
    for _ in range(_MOST_STEPS):
        error, variance = _mean_error(mean[left], nu[left], s[left])
        old = s[left]
        low[left] = np.where(error <= 0.0, old, low[left])
        high[left] = np.where(error >= 0.0, old, high[left])
        new = _newton(mean[left], nu[left], old, error, variance)
        middle = 0.5 * (low[left] + high[left])
        new = np.where((new > low[left]) & (new < high[left]), new, middle)
        least = np.minimum(np.minimum(np.sqrt(variance), variance), mean[left])
        done = np.abs(error) <= np.maximum(_ACCURACY * least, _ROUNDING * nu[left] * variance)
        done |= np.abs(new - old) <= _ROUNDING * np.abs(old)
        s[left] = np.where(done & (np.abs(error) <= _ACCURACY * least), old, new)
        left = left[~done]
        if not len(left):
            break
    return _moments(mean, nu, s)


def _start(mean: np.ndarray, nu: np.ndarray) -> np.ndarray:
    """lambda^(1 / nu) - 1 where it is positive, else log lambda, roughly."""
    # Between two whole numbers the power leaves only these; else by the first terms of the
    # expansion of the mean.
    k = np.floor(mean)
    share = np.clip(mean - k, 1e-3, 1.0 - 1e-3)
    stepped = np.log(k + 1.0) + np.log(share / (1.0 - share)) / nu
    smooth = mean + 0.5 - 0.5 / nu
    steep = nu > 2.0 * mean + 2.0
    log_mode = np.where(steep, stepped, np.log(np.maximum(smooth, 0.3 * mean)))
    geometric = -np.log1p(1.0 / mean) + nu * np.maximum(log_mode, 0.0)
    flat = (nu < 1.0) & (smooth < 0.5 * mean)
    log_rate = np.where(flat, np.minimum(geometric, nu * np.log1p(mean)), nu * log_mode)
    return np.where(log_rate > 0.0, np.expm1(np.maximum(log_rate, 0.0) / nu), log_rate)


def _mean_error(mean: np.ndarray, nu: np.ndarray, s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean at s, less the given one, and the variance."""
    p, _, away, error, _ = _probabilities(mean, nu, s)
    variance = (p * away * away).sum(axis=1)
    return error, np.maximum(variance, _LEAST * np.minimum(mean, 1.0))


def _probabilities(mean: np.ndarray, nu: np.ndarray, s: np.ndarray) -> tuple[np.ndarray, ...]:
    """Probabilities of the nodes (m, J), g and y - E[y], then E[y] - mean and log S (m,)."""
    y, gap, weight, away, shift = _nodes(mean, nu, s)
    rate = np.minimum(s, 0.0)[:, None]
    mode = np.where(s > 0.0, 1.0 + s, 1.0)[:, None]
    if _away(mean[:1], nu[:1])[0]:
        g = _g(y, gap, mode, rate)
    else:
        g = np.where(rate < 0.0, 0.0, y * np.log(mode) - mode) - special.gammaln(y + 1.0)
    log = nu[:, None] * g + rate * y
    most = log.max(axis=1, keepdims=True)
    with np.errstate(under="ignore"):
        p = weight * np.exp(log - most)
    total = p.sum(axis=1)
    p = p / total[:, None]
    off = (p * away).sum(axis=1)
    return p, g, away - off[:, None], off + shift, most[:, 0] + np.log(total)


def _newton(
    mean: np.ndarray, nu: np.ndarray, s: np.ndarray, error: np.ndarray, variance: np.ndarray
) -> np.ndarray:
    """The next s, by Newton's method for the log of the mean as a function of log lambda."""
    with np.errstate(all="ignore"):
        step = -np.log1p(error / mean) * (mean + error) / variance
        up = s > 0.0
        high = s + (1.0 + s) * np.expm1(step / nu)
        log_rate = np.where(up, nu * np.log1p(np.maximum(s, 0.0)), s) + step
        crossed = np.where(log_rate > 0.0, np.expm1(log_rate / nu), log_rate)
        return np.where(up & (high > 0.0), high, crossed)


def _moments(mean: np.ndarray, nu: np.ndarray, s: np.ndarray) -> np.ndarray:
    p, g, away, _, log_sum = _probabilities(mean, nu, s)
    variance = (p * away * away).sum(axis=1)
    sd = np.sqrt(np.maximum(variance, _LEAST * np.minimum(mean, 1.0)))
    u = away / sd[:, None]
    level = (p * g).sum(axis=1)
    r = g - level[:, None]
    slope = (p * r * u).sum(axis=1)
    r = r - slope[:, None] * u
    with np.errstate(under="ignore"):
        sums = [(p * h).sum(axis=1) for h in (r * r, u**3, u * u * r, u * r * r)]
    mode = np.where(s > 0.0, 1.0 + s, 1.0)
    return np.stack([nu, mean, sd, np.minimum(s, 0.0), mode, log_sum, level, slope, *sums])

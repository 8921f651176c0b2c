"""Remainders of Stirling's formula for log Gamma and its derivatives, to full precision.

With c the correction, ``log Gamma(x) = (x - 1/2) log x - x + 1/2 log(2 pi) + c(x)``. Differences
of log-gammas, whose terms cancel where x is large, are then sums of logarithms of ratios, which
``log1p`` gives exactly, and of small corrections. From x = 16 on the corrections are asymptotic
series, exact to rounding; below 16 they are computed by their definition.
"""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.scipy.special import gammaln
from scipy import special

HALF_LOG_2PI = 0.9189385332046727

#: From here on the series are exact to rounding.
_FROM = 16.0

#: Bernoulli numbers B_2, B_4, ..., B_14.
_BERNOULLI = np.array([1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6])
_ORDER = np.arange(1, 8)
_C = _BERNOULLI / (2 * _ORDER * (2 * _ORDER - 1))
_E = -_BERNOULLI / (2 * _ORDER)
_K = ((1.0 - 1.0 / _ORDER) * _BERNOULLI)[1:]

#: Below this, log(1 - r) + r is summed as a series: the difference has lost three digits.
_SMALL_RATIO = 0.03


def namespace(*values: Any) -> Any:
    """Return numpy for arrays, or autograd's numpy, ten times slower, if a value is traced."""
    return np if all(isinstance(v, np.ndarray) for v in values) else anp


def correction(x: Any) -> Any:
    """c(x) = log Gamma(x) - (x - 1/2) log x + x - 1/2 log(2 pi), elementwise; differentiable."""
    if isinstance(x, np.ndarray):
        return _by_size(x, lambda v: v * _correction(v), _C) / x
    low, high = anp.where(x < _FROM, x, 1.0), anp.where(x < _FROM, _FROM, x)
    return anp.where(x < _FROM, _correction(low), _polynomial(_C, high**-2.0) / high)


def slope(x: Any) -> np.ndarray:
    """x^2 e(x), e(x) = psi(x) - log x + 1 / (2 x), elementwise; -1/12 at infinity."""
    return _by_size(x, lambda v: v * v * _slope(v), _E)


def curvature(x: Any) -> np.ndarray:
    """x^3 e'(x), e'(x) = psi'(x) - 1 / x - 1 / (2 x^2), elementwise; 1/6 at infinity."""
    return _by_size(x, lambda v: v**3 * _curvature(v), _BERNOULLI)


def trigamma(x: Any) -> np.ndarray:
    """Return psi'(x) of positive numbers, elementwise."""
    x = np.asarray(x, dtype=np.float64)
    return (1.0 + (0.5 + curvature(x) / x) / x) / x


def balance(x: Any) -> np.ndarray:
    """x^4 (2 e(x) + x e'(x)), elementwise; -1/60 at infinity."""
    return _by_size(x, lambda v: v**4 * (2.0 * _slope(v) + v * _curvature(v)), _K)


def log_ratio(a: Any, b: Any, gap: Any) -> Any:
    """log(a / b) of positive numbers, elementwise, given gap = a - b exactly; differentiable."""
    xp = namespace(a, b, gap)
    near = xp.abs(gap) < 0.5 * b
    return xp.where(
        near, xp.log1p(xp.where(near, gap, 0.0) / b), xp.log(xp.where(near, 1.0, a / b))
    )


def log_excess(d: Any) -> Any:
    """log(1 + d) - d, which is -d^2 / 2 + ..., for d > -1, elementwise; differentiable."""
    xp = namespace(d)
    small = xp.abs(d) < _SMALL_RATIO
    x = xp.where(small, -d, 0.0)
    far = xp.log1p(xp.where(small, 0.0, d)) - d
    return xp.where(small, -x * x * _polynomial(1.0 / np.arange(2, 13), x), far)


def log_gap(r: np.ndarray, one_minus: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """l = log(1 - r) + r, which is -r^2 / 2 - ..., and 2 l + r^2 / (1 - r), which is r^3 / 3 + ...

    ``one_minus`` is 1 - r, which the caller has exactly.

    Returns
    -------
    l, twice : ndarray
        Both of the shape of r.
    """
    small = np.abs(r) < _SMALL_RATIO
    x = np.where(small, r, 0.0)
    powers = np.arange(2, 13)
    first = -x * x * _polynomial(1.0 / powers, x)
    second = x**3 * _polynomial(1.0 - 2.0 / powers[1:], x)
    far = np.log(np.where(small, 1.0, one_minus)) + r
    return (
        np.where(small, first, far),
        np.where(small, second, 2.0 * far + r * r / one_minus),
    )


def log_probability(p: Any, complement: Any) -> np.ndarray:
    """log p of a probability whose complement is known to full precision, elementwise."""
    with np.errstate(divide="ignore"):
        return np.where(p < 0.5, np.log(p), np.log1p(-complement))


def _correction(x: Any) -> Any:
    return gammaln(x) - (x - 0.5) * anp.log(x) + x - HALF_LOG_2PI


def _slope(x: np.ndarray) -> np.ndarray:
    return special.psi(x) - np.log(x) + 0.5 / x


def _curvature(x: np.ndarray) -> np.ndarray:
    """e'(x), by e'(x) - e'(x + 1) = 1 / (2 x^2 (x + 1)^2): all terms are positive."""
    at, square = np.array(x), 1.0 / (x * x)
    total = np.zeros_like(at)
    for _ in range(int(_FROM)):
        at += 1.0
        after = at * at
        np.divide(1.0, after, out=after)
        square *= after
        total += square
        square = after
    return 0.5 * total + curvature(at) / at**3


def _by_size(x: Any, exact: Any, series: np.ndarray) -> np.ndarray:
    """The formula below 16, a series in 1 / x^2 from there on."""
    x = np.asarray(x, dtype=np.float64)
    low = x < _FROM
    inverse = 1.0 / np.maximum(x, _FROM)
    inverse *= inverse
    out = np.full_like(inverse, series[-1])
    for c in series[-2::-1].tolist():
        out *= inverse
        out += c
    if low.any():
        out[low] = exact(x[low])
    return out


def _polynomial(coefficients: np.ndarray, x: Any) -> Any:
    """Horner's rule, lowest order first."""
    total = 0.0 * x + coefficients[-1]
    for c in coefficients[-2::-1]:
        total = total * x + c
    return total

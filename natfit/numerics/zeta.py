"""Hurwitz's zeta function next to its first term, and the moments of its logarithms.

Twenty terms are summed as they are, the rest by the Euler-Maclaurin formula, of which and of whose
derivatives in the exponent four corrections are kept: they are exact to rounding there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from autograd.extend import defvjp, primitive

#: Terms that are summed as they are.
_DIRECT = 24

#: B_2j / (2j)!, j = 1 ... 6.
_BERNOULLI = (1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000)

#: Value, first and second derivative.
_Jet = tuple[float | np.ndarray, float | np.ndarray, float | np.ndarray]


def zeta_moments(excess: Any, q: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Moments of log(Y / q) for P(Y = k) proportional to k^-(1 + excess), k = q, q + 1, ...

    Parameters
    ----------
    excess : ndarray
        The exponent minus one, positive: near zero it has digits that the exponent has not.
    q : ndarray
        The first number, at least one.

    Returns
    -------
    log_total, mean, variance : ndarray
        Logarithm of the sum of (k / q)^-(1 + excess), and the moments, elementwise.
    """
    excess, q = np.broadcast_arrays(np.asarray(excess, dtype=np.float64), q)
    s, end = 1.0 + excess, q + _DIRECT
    # Without the first term, which is one.
    k = np.arange(1.0, float(_DIRECT))
    log = np.log1p(k / q[..., None])
    p = np.exp(-s[..., None] * log)
    # Value, first and second derivative in -s.
    sums = [p.sum(-1), (p * log).sum(-1), (p * log**2).sum(-1)]
    far = np.log1p(_DIRECT / q)
    scale = np.exp(-s * far)
    # Each term of the rest is scale(s) times a factor c(s) whose derivatives in s are known.
    c: _Jet = (end / excess, -end / excess**2, 2.0 * end / excess**3)
    factors: list[tuple[float | np.ndarray, _Jet]] = [(1.0, c), (1.0, (0.5, 0.0, 0.0))]
    rising: _Jet = (s, 1.0, 0.0)
    for j, b in enumerate(_BERNOULLI):
        factors.append((b * (1.0 / end) ** (2 * j + 1), rising))
        for add in (2 * j + 1, 2 * j + 2):
            rising = _times_linear(rising, s + add)
    for factor, (v, first, second) in factors:
        size = factor * scale
        sums[0] = sums[0] + size * v
        sums[1] = sums[1] + size * (v * far - first)
        sums[2] = sums[2] + size * ((v * far - 2.0 * first) * far + second)
    total, mean = 1.0 + sums[0], sums[1] / (1.0 + sums[0])
    return np.log1p(sums[0]), mean, sums[2] / total - mean**2


def _times_linear(a: _Jet, value: np.ndarray) -> _Jet:
    """The product with a function of slope one."""
    return a[0] * value, a[1] * value + a[0], a[2] * value + 2.0 * a[1]


@primitive
def log_zeta(excess: Any, q: float) -> Any:
    """Log of the sum of (k / q)^-(1 + excess) over k = q, q + 1, ..., (n,); differentiable."""
    return zeta_moments(excess, q)[0]


@primitive
def log_zeta_mean(excess: Any, q: float) -> Any:
    """Mean of log(Y / q), minus the derivative of :func:`log_zeta`; differentiable."""
    return zeta_moments(excess, q)[1]


@primitive
def _variance(excess: Any, q: float) -> Any:
    return zeta_moments(excess, q)[2]


defvjp(log_zeta, lambda ans, excess, q: lambda g: -g * log_zeta_mean(excess, q), None)
defvjp(log_zeta_mean, lambda ans, excess, q: lambda g: -g * _variance(excess, q), None)

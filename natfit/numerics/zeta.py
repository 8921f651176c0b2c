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
    total = np.stack([p.sum(-1), (p * log).sum(-1), (p * log**2).sum(-1)])
    far = np.log1p(_DIRECT / q)
    scale = np.exp(-s * far)
    # Each term of the rest is scale(s) times a factor c(s) whose derivatives in s are known.
    c = _jet(end / excess, -end / excess**2, 2.0 * end / excess**3)
    total = (
        total + _times(c, scale, far) + _times(_jet(0.5 + 0.0 * s, 0.0 * s, 0.0 * s), scale, far)
    )
    rising = _jet(s, np.ones_like(s), np.zeros_like(s))
    for j, b in enumerate(_BERNOULLI):
        factor = b * (1.0 / end) ** (2 * j + 1)
        total = total + factor * _times(rising, scale, far)
        for add in (2 * j + 1, 2 * j + 2):
            linear = _jet(s + add, np.ones_like(s), np.zeros_like(s))
            rising = _product(rising, linear)
    mean = total[1] / (1.0 + total[0])
    return np.log1p(total[0]), mean, total[2] / (1.0 + total[0]) - mean**2


def _jet(*parts: np.ndarray) -> np.ndarray:
    return np.stack(parts)


def _product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Value and derivatives of a product."""
    return _jet(a[0] * b[0], a[1] * b[0] + a[0] * b[1], a[2] * b[0] + 2 * a[1] * b[1] + a[0] * b[2])


def _times(c: np.ndarray, scale: np.ndarray, far: np.ndarray) -> np.ndarray:
    """Value of c(s) exp(-s far), and its first and second derivative in -s."""
    return scale * _jet(c[0], c[0] * far - c[1], c[0] * far**2 - 2.0 * c[1] * far + c[2])


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

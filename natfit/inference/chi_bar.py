"""The chi-bar-square distribution: that of tests of parameters at the ends of their ranges."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import optimize, special

from natfit.inference.surface import solved

#: Draws from which weights of three and more bounded parameters are computed, and their seed: the
#: standard error of a weight is at most 0.0025.
_DRAWS, _SEED = 40_000, 0

#: A statistic below this is zero: that of an estimate at the limit itself.
ZERO = 1e-8


def weights(covariance: np.ndarray) -> np.ndarray:
    """Return the weights of chi-squares with 0, ..., m degrees of freedom.

    The estimates of m parameters at the lower ends of their ranges are, under the hypothesis, the
    projection of a normal vector onto the cone of non-negative vectors in the metric of its
    covariance V^-1; the weight of j is the probability that j of them are positive (Self & Liang
    1987, JASA 82:605; Shapiro 1988, International Statistical Review 56:49). For m = 1 they are
    1/2 and 1/2; for m = 2 with the correlation r they are ``1/4 - a, 1/2, 1/4 + a`` with ``a =
    asin(r) / (2 pi)``. For more parameters they are computed from 40,000 draws with a fixed seed.

    Parameters
    ----------
    covariance : ndarray of shape (m, m)
        V, with the other parameters estimated.

    Returns
    -------
    ndarray of shape (m + 1,)
    """
    m = len(covariance)
    if m == 1:
        return np.array([0.5, 0.5])
    if m == 2:
        size = np.sqrt(np.diagonal(covariance))
        a = float(np.arcsin(np.clip(covariance[0, 1] / (size[0] * size[1]), -1.0, 1.0)))
        a /= 2.0 * np.pi
        return np.array([0.25 - a, 0.5, 0.25 + a])
    draws = np.random.default_rng(_SEED).standard_normal((_DRAWS, m))
    root = np.linalg.cholesky(covariance)
    # |L^-1 (z - b)| is the distance in the metric of V^-1 for z = L e.
    inverse = np.linalg.inv(root)
    count = [int((optimize.nnls(inverse, e)[0] > 0.0).sum()) for e in draws]
    return np.bincount(count, minlength=m + 1) / _DRAWS


def projected(root: np.ndarray, covariance: np.ndarray, bounded: np.ndarray) -> float:
    """Return what a normal vector gains over zero on a cone, the statistic of a score test.

    ``z' V^-1 z - min_b (z - b)' V^-1 (z - b)``, where the entries of b that are bounded are not
    negative (Silvapulle & Silvapulle 1995, JASA 90:342).

    Parameters
    ----------
    root : ndarray of shape (q,)
        z.
    covariance : ndarray of shape (q, q)
        V.
    bounded : ndarray of int
        Which entries of b are not negative.

    Returns
    -------
    float
    """
    z = np.asarray(root, dtype=np.float64)
    whole = float(z @ solved(covariance, z))
    if not len(bounded):
        return whole
    # The entries that are free follow the others: only those are away from z.
    block = covariance[np.ix_(bounded, bounded)]
    inverse = np.linalg.inv(np.linalg.cholesky(block))
    away = optimize.nnls(inverse, inverse @ z[bounded])[1]
    return max(whole - float(away) ** 2, 0.0)


def upper_tail(statistic: float, df: int, shares: Sequence[float] | np.ndarray = (1.0,)) -> float:
    """Return P(T >= statistic) for a mixture of chi-squares with df - m, ..., df degrees.

    Parameters
    ----------
    statistic : float
        Not negative.
    df : int
        Number of restrictions.
    shares : sequence of float, length m + 1
        The weights; one of them is the chi-square with df degrees of freedom.

    Returns
    -------
    float
    """
    least = df - len(shares) + 1
    return float(
        sum(
            share * (float(statistic <= ZERO) if k == 0 else special.chdtrc(k, max(statistic, 0.0)))
            for k, share in enumerate(shares, start=least)
        )
    )


def words(df: int, shares: Sequence[float] | np.ndarray) -> str:
    """Return a mixture of chi-squares in words, such as ``1/2 chi-square(0) + ...``."""
    if len(shares) == 1:
        return f"chi-square with {df} degree{'s' if df > 1 else ''} of freedom"
    least = df - len(shares) + 1
    parts = [f"{s:.4g} chi-square({k})" for k, s in enumerate(shares, start=least)]
    return f"chi-bar-square, {' + '.join(parts)}"

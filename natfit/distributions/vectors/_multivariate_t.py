"""The terms of the multivariate t's log-density that depend on df, stable to the normal limit.

They are sums over the dimensions of the univariate ones in :mod:`natfit.numerics.special`, by
Gamma((v + D) / 2) / Gamma(v / 2) = prod Gamma((v + k + 1) / 2) / Gamma((v + k) / 2).
"""

from __future__ import annotations

import functools
from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.distributions.contract.start import location_scale, median
from natfit.distributions.real.student_t import _LARGE_DF, _SMALL, _gap_series
from natfit.numerics.special import (
    student_constant,
    student_curvature,
    student_slope,
    student_slope_derivative,
)
from natfit.rows import Block, Memory, Rows, nearest_to, share_equal

#: Smallest eigenvalue of the mean outer product of the rows' directions, per column, below which
#: all rows lie in one plane.
_PLANE = 1e-12

#: Added to the variances of the start's scale matrix, so that its factor exists.
_RIDGE = 1e-9

_TINY = np.finfo(float).tiny


def constant(v: Any, dim: int) -> Any:
    """Log Gamma((v + D) / 2) - log Gamma(v / 2) - D/2 log(v / 2), < 0 for D = 1, -> 0."""
    return sum(student_constant(v + k) + 0.5 * anp.log1p(k / v) for k in range(dim))


def slope(v: Any, dim: int) -> Any:
    """Derivative of :func:`constant` in v."""
    return 0.5 * sum(student_slope(v + k) - k / (v * (v + k)) for k in range(dim))


def curvature(v: Any, dim: int) -> Any:
    """Second derivative of :func:`constant` in v."""
    return 0.5 * sum(
        student_slope_derivative(v + k) + k * (2.0 * v + k) / (v * (v + k)) ** 2 for k in range(dim)
    )


def information(v: np.ndarray, dim: int) -> np.ndarray:
    """Fisher information of log v: v^2 times that of v.

    In the textbook form, 1/4 (psi'(v/2) - psi'((v + D)/2)) - D (v + D + 4) /
    (2 v (v + D)(v + D + 2)), terms of order 1 / v^2 and 1 / v^3 cancel; here each of the D terms
    of its telescoped sum is of order 1 / v^4.

    Returns
    -------
    ndarray
        Of v's shape.
    """
    total = 0.0
    for k in range(dim):
        m = v + k
        rational = (7.0 * m + 3.0) / (2.0 * m**3 * (m + 1.0) * (m + 3.0))
        total = total + rational + k / (v * m * (m + 2.0) * (m + 3.0)) + 0.5 * student_curvature(m)
    return v * v * total


def parts(u: np.ndarray, df: Any) -> tuple[np.ndarray, ...]:
    """w = u / (1 + u), h = 1 / (1 + u), log(1 + u) and w - log(1 + u), (n,) each."""
    h = 1.0 / (1.0 + u)
    w, log = u * h, np.log1p(u)
    gap = w - log
    if np.max(df) > _LARGE_DF:
        small = w < _SMALL
        gap[small] = _gap_series(w[small])
    return w, h, log, gap


@functools.lru_cache(maxsize=64)
def constants(df: float, dim: int) -> tuple[float, float, float]:
    """:func:`constant`, :func:`slope` and :func:`curvature`: once for all chunks of rows."""
    v = np.array([df])
    level, first, second = (float(f(v, dim)[0]) for f in (constant, slope, curvature))
    return level, first, second


class Products:
    """Sums over rows of products of b = (z h, z_i z_j h for i >= j, h, w, 1), one gemm per chunk.

    Apart from the logarithms, they are all that the score and the Hessian of a sum of
    log-densities need. The gradient of -z'z / 2 times h is linear in b: ``pull() @ b``.
    """

    def __init__(self, dim: int):
        self.dim = dim
        self.size = dim + dim * (dim + 1) // 2 + 3
        low = np.tril_indices(dim)
        self.place = np.zeros((dim, dim), dtype=np.intp)
        self.place[low] = dim + np.arange(len(low[0]))
        self.place = np.maximum(self.place, self.place.T)

    def sums(self, z: np.ndarray, h: np.ndarray, w: np.ndarray, weight: Any) -> np.ndarray:
        """(M, M) of z (D, n), h, w and weight (n,)."""
        d = self.dim
        b = np.empty((self.size, z.shape[1]))
        np.multiply(z, h, out=b[:d])
        for i in range(d):
            start = self.place[i, 0]
            np.multiply(z[: i + 1], b[i], out=b[start : start + i + 1])
        b[-3], b[-2], b[-1] = h, w, 1.0
        return b @ (b if weight is None else b * weight).T

    def second(self, sums: np.ndarray) -> np.ndarray:
        """Sum of h z z', (D, D)."""
        return sums[-1, self.place]

    def pull(self, inverse: np.ndarray, form: Any, chain: np.ndarray) -> np.ndarray:
        """Matrix (K - 1, M) whose product with b is the gradient in loc and L."""
        d, count = self.dim, len(form.row)
        out = np.zeros((d + count, self.size))
        out[:d, :d] = inverse.T
        for i in range(d):
            out[d + np.arange(count), self.place[i, form.col]] += inverse[i, form.row] * chain
        return out


def plane(rows: Rows) -> list[int] | None:
    """Columns whose linear combination is constant over all rows, or None."""
    few = rows.few().y
    centre, scale = np.transpose([location_scale(column, None) for column in few.T])
    # If there is a plane, a row near the centre lies in it, and is not an outlier.
    origin = few[np.argmin(np.abs((few - centre) / scale).max(axis=1))]
    # If a few rows do not lie in one plane, neither do all.
    for some in (Memory(few), rows):
        value, vector = np.linalg.eigh(some.sum(_directions_part, origin, scale))
        null = value <= _PLANE * len(scale) * value[-1]
        if not null.any():
            return None
    return np.flatnonzero(np.sum(vector[:, null] ** 2, axis=1) > 1e-6).tolist()


def _directions_part(block: Block, origin: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Sum of the outer products (D, D) of the directions from a row to the others."""
    gap = (block.y - origin) / scale
    size = np.abs(gap).max(axis=1)
    gap = gap[size > 0] / size[size > 0, None]
    return gap.T @ gap


def start(y: np.ndarray, weight: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Location (D,) and scale matrix (D, D) of a few rows, for df = 5.

    They are the mean and the moments of the rows, with rows beyond the median distance moved in
    to it. Unlike medians of the columns, these follow directions in which the data are narrow.

    Returns
    -------
    loc : ndarray of shape (D,)
        In the unit of y.
    scale : ndarray of shape (D, D)
        Positive definite.
    """
    loc, scale = np.transpose([location_scale(column, weight) for column in y.T])
    z = (y - loc) / scale
    length = np.sqrt(np.einsum("ij,ij->i", z, z))
    off = length > 0
    middle = median(length[off], None if weight is None else weight[off]) if off.any() else 1.0
    pull = np.minimum(1.0, middle / np.maximum(length, _TINY))
    weight = np.full(len(y), 1.0) if weight is None else weight / weight.mean()
    mean = (weight * pull) @ z / (weight @ pull)
    gap = (z - mean) * pull[:, None]
    moment = gap.T @ (gap * weight[:, None])
    size = float(np.diagonal(moment).mean())
    # A quartile lies 0.7267 scales from the centre for df = 5, and 0.6745 for a normal.
    moment = 0.928**2 * moment / size if size > 0 else np.eye(len(scale))
    return loc + scale * mean, (moment + _RIDGE * np.eye(len(scale))) * np.outer(scale, scale)


def collapse(rows: Rows, native: dict) -> str | None:
    """Why the density shrinks onto a row without limit, in words; None where it does not.

    As scale -> 0 about a row that has the share s of the weight, the likelihood grows without
    limit where df (1 - s) < D s.

    Returns
    -------
    str or None
        The reason; None where there is none.
    """
    loc, scale, df = native["loc"], native["scale"], float(native["df"])
    spread = np.max([np.abs(end - loc) for end in rows.extent()], axis=0)
    if np.any(np.sqrt(np.diagonal(scale)) > 1e-3 * spread):
        return None
    at = nearest_to(rows, loc, spread)
    share = share_equal(rows, at)
    if df * (1.0 - share) > len(loc) * share:
        return None
    return (
        f"{100 * share:.3g} % of the rows equal {at} and df = {df:.3g}: the likelihood grows "
        "without limit as the distribution shrinks to them; fix df, or thin the ties"
    )

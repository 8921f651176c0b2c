"""Least absolute deviations, some linear combinations of the coefficients being given.

The sum over rows of v_i |y_i - z_i' b| is least where as many rows as there are free coefficients
are met exactly. From one such vertex a descent goes to the next along an edge, on which one row is
left; the weighted median of the crossings says where the edge ends (Barrodale and Roberts 1973).
What is given counts as rows of a weight beyond all others, which are always met.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import qr

#: Share of a row's weight by which the multiplier of a row may exceed it.
_ROUNDING = 1e-9

#: By how much rows are moved apart, in units of the largest deviation, and in which ratios.
_APART, _GOLDEN = 1e-9, 0.6180339887498949

#: The weight of what is given.
_CERTAIN = 1e300


def least_absolute(
    z: np.ndarray,
    y: np.ndarray,
    weight: np.ndarray,
    start: np.ndarray,
    lines: np.ndarray,
    values: np.ndarray,
) -> np.ndarray | None:
    """Return b (p,) with the least sum of w_i |y_i - z_i' b|, or None if z has not full rank.

    Parameters
    ----------
    z : ndarray of shape (n, p)
        Features, with the intercept.
    y : ndarray of shape (n,)
        What is explained.
    weight : ndarray of shape (n,)
        Weights, positive.
    start : ndarray of shape (p,)
        A point near the minimum.
    lines : ndarray of shape (q, p)
        A, of the coefficients for which ``A b`` is given.
    values : ndarray of shape (q,)
        Its values.

    Returns
    -------
    ndarray of shape (p,) or None
    """
    n, p = z.shape
    near = np.argsort(np.abs(y - z @ start), kind="stable")
    basis = _independent(z, near[: max(5 * p, 50)], lines)
    basis = _independent(z, near, lines) if basis is None else basis
    if basis is None:
        return None
    if len(lines):
        z, y = np.concatenate([z, lines]), np.concatenate([y, values])
        weight = np.concatenate([weight, np.full(len(lines), _CERTAIN)])
        basis = np.concatenate([basis, np.arange(n, len(z))])
    tied = _walked(z, y, weight, basis)
    if tied:
        # At a vertex that more rows meet no edge need lead down although the vertex is not best.
        # With all rows moved apart by little there is no such vertex, and the basis is the same.
        apart = np.modf(_GOLDEN * np.arange(1, len(y) + 1))[0] + 0.5
        apart[n:] = 0.0
        unit = np.abs(y - z @ np.linalg.solve(z[basis], y[basis])).max()
        _walked(z, y + _APART * unit * apart, weight, basis)
    found: np.ndarray = np.linalg.solve(z[basis], y[basis])
    return found


def _walked(z: np.ndarray, y: np.ndarray, weight: np.ndarray, basis: np.ndarray) -> bool:
    """Walk from a basis (p,), which is changed, to the best; tell if more rows are met there."""
    gap = y
    for _ in range(1_000 + 50 * z.shape[1]):
        gap = y - z @ np.linalg.solve(z[basis], y[basis])
        gap[np.abs(gap) <= 1e-13 * (np.abs(y) + np.abs(gap).max())] = 0.0
        gap[basis] = 0.0
        pull = np.linalg.solve(z[basis].T, z.T @ (weight * np.sign(gap)))
        moved = _edge(z, gap, weight, basis, pull)
        if moved is None:
            break
        leaves, enters = moved
        basis[leaves] = enters
    return int((gap == 0.0).sum()) > len(basis)


def _independent(z: np.ndarray, rows: np.ndarray, lines: np.ndarray) -> np.ndarray | None:
    """Return p - q of some rows (m,) that are independent of each other and of q lines, or None."""
    some, free = z[rows], z.shape[1] - len(lines)
    if len(lines):
        some = some @ qr(lines.T)[0][:, len(lines) :]
    if not free:
        return np.zeros(0, dtype=int)
    r, order = qr(some.T, mode="r", pivoting=True)
    size = np.abs(np.diagonal(r))
    if len(rows) < free or not size[free - 1] > 1e-10 * size[0]:
        return None
    return rows[order[:free]].copy()


def _edge(
    z: np.ndarray, gap: np.ndarray, weight: np.ndarray, basis: np.ndarray, pull: np.ndarray
) -> tuple[int, int] | None:
    """Return which row of the basis is left and which row is met, or None at the minimum."""
    excess = np.abs(pull) - weight[basis] * (1.0 + _ROUNDING)
    for leaves in np.argsort(-excess):
        if not excess[leaves] > _ROUNDING * np.abs(pull).max():
            return None
        unit = np.zeros(len(basis))
        unit[leaves] = np.sign(pull[leaves])
        speed = z @ np.linalg.solve(z[basis], unit)
        speed[basis] = 0.0
        # Rows that are met by chance, outside the basis, hold back on either way.
        tied = (gap == 0.0) & (np.abs(speed) > 1e-12 * np.abs(speed).max())
        slope = weight[basis[leaves]] - abs(pull[leaves]) + weight[tied] @ np.abs(speed[tied])
        ahead = np.flatnonzero(gap * speed > 0.0)
        if not slope < 0.0 or not len(ahead):
            continue
        order = ahead[np.argsort(gap[ahead] / speed[ahead])]
        rise = slope + 2.0 * np.cumsum(weight[order] * np.abs(speed[order]))
        at = int(np.searchsorted(rise >= 0.0, True))
        return int(leaves), int(order[min(at, len(order) - 1)])
    return None

"""Sums of the squares of a tail over whole numbers, at a cost that grows with their logarithm.

Cells of whole numbers, each twice as long as the one before, are enumerated while they are short.
In a longer one the probabilities are interpolated by a polynomial through a few whole numbers,
whose sums over the others are known exactly (Euler and Maclaurin). What the tails at its two ends
say is the sum of the probabilities; where the polynomial does not reproduce it, the cell is halved.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
from numpy.polynomial import chebyshev
from scipy import special

#: Length of the cells that are enumerated, and degree of the polynomial in longer ones.
_SHORT, _DEGREE = 64, 16

#: Differences of a cell's probability, relative to the tail at its start, that are accepted: from
#: what the tails say, and from the rule with half as many nodes.
_KNOWN, _NESTED = 1e-10, 1e-7

#: Cells of one length of a row beyond which halving is of no use.
_CELLS = 32

#: The share of the sum that is left out.
_REST = 1e-12

#: Beyond this distance nothing is looked for: the sum is infinite.
_MOST = 1e30

#: Terms of the formula of Euler and Maclaurin at points between whole numbers.
_TERMS = 8


def squared_tails(tail: Callable, mass: Callable, n: int) -> np.ndarray:
    """Return the sum over j = 0, 1, ... of T(j)^2 for each of n decreasing functions T >= 0.

    Parameters
    ----------
    tail : callable
        ``tail(rows, j)``: T at j, one for each of some rows, (m,).
    mass : callable
        ``mass(rows, j)``: T(j) - T(j + 1) for j (m, J), (m, J).
    n : int
        Number of rows.

    Returns
    -------
    ndarray of shape (n,)
        Infinite where T falls too slowly.
    """
    total, rows = np.zeros(n), np.arange(n)
    begin, length = 0.0, _SHORT
    top = tail(rows, np.zeros(n))
    while len(rows):
        end = begin + length
        if end > _MOST:
            total[rows] = np.inf
            break
        last = tail(rows, np.full(len(rows), end))
        total[rows] += _stretch(tail, mass, rows, begin, length, top, last)
        more = last * last * end > _REST * total[rows]
        rows, top, begin, length = rows[more], last[more], end, 2 * length
    return total


def _stretch(
    tail: Callable,
    mass: Callable,
    rows: np.ndarray,
    begin: float,
    length: int,
    top: np.ndarray,
    last: np.ndarray,
) -> np.ndarray:
    """Sums over cells of one length, each of another row: those that need it are halved."""
    out, own, first = np.zeros(len(rows)), np.arange(len(rows)), np.full(len(rows), begin)
    while length > _SHORT and len(own):
        at, reverse, whole, half = _rule(length)
        q = mass(rows[own], first[:, None] + at)
        found, t = q @ whole, last[:, None] + q @ reverse
        known, nested = np.abs(found - (top - last)), np.abs(found - q[:, ::2] @ half)
        fine = (known <= _KNOWN * top) & (nested <= _NESTED * top)
        many = np.bincount(own, minlength=len(rows))[own] > _CELLS
        if (many & ~fine).any():
            # Rounding of probabilities, or a lattice: the tails themselves are smooth.
            rest = np.flatnonzero(many & ~fine)
            places = (first[rest, None] + at).ravel()
            t[rest] = tail(np.repeat(rows[own[rest]], len(at)), places).reshape(-1, len(at))
        fine |= many
        out += np.bincount(own[fine], (t[fine] ** 2) @ whole, len(rows))
        length //= 2
        own, first, top, last = (v[~fine] for v in (own, first, top, last))
        middle = tail(rows[own], first + length)
        own, first = np.tile(own, 2), np.concatenate([first, first + length])
        top, last = np.concatenate([top, middle]), np.concatenate([middle, last])
    if not len(own):
        return out
    q = mass(rows[own], first[:, None] + np.arange(float(length)))
    t = last[:, None] + np.cumsum(q[:, ::-1], axis=1)
    return out + np.bincount(own, (t * t).sum(axis=1), len(rows))


@functools.lru_cache(maxsize=2048)
def _rule(length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the nodes of a cell, whole numbers from 0 on, and what sums values f there, (J,) each.

    Returns
    -------
    at : ndarray of shape (J,)
        The nodes, those of Chebyshev rounded; the first one is 0.
    reverse : ndarray of shape (J, J)
        ``f @ reverse`` are the sums of f from each node on.
    whole, half : ndarray of shape (J,), ((J + 1) / 2,)
        ``f @ whole`` is the sum of f, ``f[::2] @ half`` the same from every other node.
    """
    at = np.rint(0.5 * (length - 1) * (1.0 - np.cos(np.pi * np.arange(_DEGREE + 1.0) / _DEGREE)))
    reverse = _sums_from(at, length, at)
    return at, reverse, reverse[:, 0], _sums_from(at[::2], length, at[:1])[:, 0]


def _sums_from(nodes: np.ndarray, length: int, start: np.ndarray) -> np.ndarray:
    """Sums over k = start, ..., length - 1 of the polynomials that are 1 at one node, (J, m)."""
    degree = len(nodes) - 1
    basis = np.linalg.inv(chebyshev.chebvander((2.0 * nodes + 1.0) / length - 1.0, degree))
    # Half-way between whole numbers: (t / 2) / sinh(t / 2) / t for the derivative t.
    scale, series = 2.0 / length, chebyshev.chebint(basis) / (2.0 / length)
    bernoulli = special.bernoulli(2 * _TERMS)
    for j in range(1, min(_TERMS, (degree + 1) // 2) + 1):
        factor = (2.0 ** (1 - 2 * j) - 1.0) * bernoulli[2 * j] / special.factorial(2 * j)
        term = chebyshev.chebder(basis, 2 * j - 1) * (factor * scale ** (2 * j - 1))
        series[: len(term)] += term
    ends = chebyshev.chebval(np.append(2.0 * start / length - 1.0, 1.0), series)
    return ends[:, -1:] - ends[:, :-1]

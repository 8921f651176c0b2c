"""Sums over rising factorials, of which the density of the Dirichlet-multinomial consists.

With T_d(j) the number of rows whose count of category d exceeds j, and T(j) that of rows whose
total does, log p summed over rows is sum_d sum_j T_d(j) log(a_d + j) - sum_j T(j) log(A + j)
plus what does not depend on the parameters, a = A probs. Since sum_d y_d = m it is also

    sum_d y_d log probs_d + sum_d sum_j T_d(j) log(1 + j / a_d) - sum_j T(j) log(1 + j / A),

in which nothing cancels as A -> infinity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import digamma

from natfit.distributions.counts.categorical import log_softmax
from natfit.distributions.vectors._compositions import log_coefficient
from natfit.numerics.stirling import trigamma
from natfit.rows import Block, Rows

#: Concentration from which on differences of polygammas are computed by a series.
_LARGE = 1e3

#: Ratio up to which integrals are summed as series, and the number of terms that this takes.
_SMALL, _TERMS = 0.05, 14

#: The largest total whose counts are enumerated: 8 MB for each category.
_MOST = 1_000_000


def _counts_part(block: Block, most: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Weight of each count of the columns and the totals (D + 1, most + 1); sums, (D,) and one.

    The sums are those of the counts and of the log coefficient.

    Returns
    -------
    table : ndarray of shape (D + 1, most + 1)
    sums : ndarray of shape (D,)
    coefficient : float
    """
    y, weight = block.y, block.weight
    columns = np.concatenate([y, y.sum(axis=1)[:, None]], axis=1).astype(np.intp)
    counts = np.stack([np.bincount(c, weight, most + 1) for c in columns.T]).astype(np.float64)
    coefficient = log_coefficient(y)
    if weight is None:
        return counts, y.sum(axis=0), coefficient.sum()
    return counts, weight @ y, weight @ coefficient


@dataclass(frozen=True)
class Tails:
    """Tables per row: tails (D, M), totals (M,), mean (D,) counts and mean log coefficient."""

    tails: np.ndarray
    totals: np.ndarray
    mean: np.ndarray
    coefficient: float

    @staticmethod
    def of(rows: Rows, most: int) -> tuple:
        """Tables of counts y (n, D) with totals up to ``most``, each with a leading axis."""
        counts, mean, coefficient = (part / rows.total for part in rows.sum(_counts_part, most))
        above = np.cumsum(counts[:, ::-1], axis=1)[:, ::-1][:, 1:]
        return above[None, :-1], above[None, -1], mean[None], np.array([coefficient])

    @classmethod
    def expected(cls, eta: np.ndarray, totals: np.ndarray) -> Tails:
        """Tables of the distribution at eta (K,), with totals (T,) that are equally likely."""
        probs, total = np.exp(log_softmax(eta[None, :-1]))[:, 0], 1.0 / np.sinh(eta[-1])
        a = (total * probs)[:, None]
        rest = (total * (probs.sum() - probs))[:, None]
        most = int(totals.max())
        if most > _MOST:
            raise ValueError(
                f"expectations over counts enumerate them, and totals of up to {most:g} are too "
                "many; use metric='observed' or 'empirical', or the family dirichlet for shares"
            )
        tails, above = np.zeros((len(a), most)), np.zeros(most)
        for m, times in zip(*np.unique(totals.astype(int), return_counts=True), strict=True):
            share = times / len(totals)
            above[:m] += share
            # Probabilities of the beta-binomial, from the ratios of neighbouring ones.
            j = np.arange(float(m))
            with np.errstate(divide="ignore"):
                logs = np.log(m - j) - np.log(j + 1.0) + np.log((a + j) / (rest + m - 1.0 - j))
            logs = np.concatenate([np.zeros((len(a), 1)), np.cumsum(logs, axis=1)], axis=1)
            p = np.exp(logs - logs.max(axis=1, keepdims=True))
            p /= p.sum(axis=1, keepdims=True)
            tails[:, :m] += share * np.cumsum(p[:, ::-1], axis=1)[:, ::-1][:, 1:]
        return cls(tails, above, totals.mean() * probs, 0.0)

    def _rows(self, eta: np.ndarray) -> tuple:
        """Log probs and probs (D, 1), A, and j (M,)."""
        log_probs, total = log_softmax(eta[:, :-1]), 1.0 / np.sinh(eta[0, -1])
        return log_probs, np.exp(log_probs), float(total), np.arange(float(len(self.totals)))

    def value(self, eta: np.ndarray) -> np.ndarray:
        """Mean log-density at eta (1, K), (1,)."""
        log_probs, probs, total, j = self._rows(eta)
        excess = np.sum(self.tails * np.log1p(j / (total * probs)))
        excess -= self.totals @ np.log1p(j / total)
        return np.array([self.coefficient + self.mean @ log_probs[:, 0] + excess])

    def _slopes(self, a: Any, table: np.ndarray, j: np.ndarray) -> tuple[np.ndarray, ...]:
        """As :func:`row_slopes`, but summed over a table: (D,) each, or numbers."""
        inverse = 1.0 / (a + j)
        lagged = j * inverse
        return (
            np.sum(table * (a * inverse), axis=-1),
            -np.sum(table * lagged, axis=-1),
            np.sum(table * (a * inverse * lagged), axis=-1),
            np.sum(table * (lagged * lagged), axis=-1),
        )

    def _all_slopes(self, eta: np.ndarray) -> tuple:
        _, probs, total, j = self._rows(eta)
        each = self._slopes(total * probs, self.tails, j)
        return probs[:, 0], total, each, self._slopes(total, self.totals, j)

    def score(self, eta: np.ndarray) -> np.ndarray:
        """Mean score (K,) at eta (1, K)."""
        probs, total, each, whole = self._all_slopes(eta)
        last = -np.sqrt(1.0 + total * total) * (each[1].sum() - whole[1])
        return np.append((each[0] - probs * each[0].sum())[:-1], last)

    def observed(self, eta: np.ndarray) -> np.ndarray:
        """Mean negative Hessian (K, K) at eta (1, K)."""
        probs, total, each, whole = self._all_slopes(eta)
        each = tuple(v[:, None] for v in each)
        whole = tuple(np.array([v]) for v in whole)
        return hessian(probs[:, None], np.array([total]), each, whole)[0]


def row_slopes(a: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, ...]:
    """Sums over j < y of a/(a+j), -j/(a+j), a j/(a+j)^2 and j^2/(a+j)^2, elementwise.

    The first is the derivative in log a of log Gamma(a + y) - log Gamma(a), the second the first
    minus y, the third the derivative of either in log a, and the fourth minus the sum of the
    second and the third.

    Returns
    -------
    tuple of four ndarray
        Of the shape of a and y.
    """
    a, y = np.broadcast_arrays(a, y)
    rise, lag, bend, square = (np.empty(a.shape) for _ in range(4))
    far = a >= _LARGE
    near = ~far
    b, m = a[near], y[near]
    rise[near] = b * (digamma(b + m) - digamma(b))
    lag[near] = rise[near] - m
    bend[near] = rise[near] + b * b * (trigamma(b + m) - trigamma(b))
    square[near] = -(lag[near] + bend[near])
    # Euler and Maclaurin: the integral to m minus half of the last term, plus 1/12 of the slope.
    b, m = a[far], y[far]
    x = m / b
    up = 1.0 / (1.0 + x)
    low, cubic = _integrals(x)
    lag[far] = b * low + 0.5 * x * up + (1.0 - up * up) / (12.0 * b)
    square[far] = b * cubic - 0.5 * (x * up) ** 2 + x * up**3 / (6.0 * b)
    rise[far] = m + lag[far]
    bend[far] = -(lag[far] + square[far])
    return rise, lag, bend, square


def _integrals(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Integrals from 0 to x of -t/(1+t) and t^2/(1+t)^2, elementwise; small x by their series."""
    low = np.log1p(x) - x
    cubic = x + 1.0 - 2.0 * np.log1p(x) - 1.0 / (1.0 + x)
    small = x < _SMALL
    t = x[small]
    k = np.arange(1.0, _TERMS)
    signs = (-1.0) ** k
    low[small] = t**2 * np.polynomial.polynomial.polyval(t, signs / (k + 1.0))
    cubic[small] = t**3 * np.polynomial.polynomial.polyval(t, -signs * k / (k + 2.0))
    return low, cubic


def hessian(probs: np.ndarray, total: np.ndarray, each: tuple, whole: tuple) -> np.ndarray:
    """Negative Hessian (n, K, K) from slopes of each category (D, n) and of the total (n,)."""
    rise, lag, bend, square = each
    size = np.broadcast_shapes(probs.shape[1:], rise.shape[1:])[0]
    d = len(probs)
    out = np.empty((size, d, d))
    p = np.broadcast_to(probs, (d, size))
    all_bend, all_rise = bend.sum(axis=0), rise.sum(axis=0)
    # sum_d bend_d (delta_dk - p_k)(delta_dl - p_l) - sum_d rise_d (p_k delta_kl - p_k p_l).
    inner = (all_bend + all_rise) * p[:, None] * p - bend[:, None] * p - p[:, None] * bend
    at = np.arange(d)
    inner[at, at] += bend - all_rise * p
    out[:, :-1, :-1] = -np.moveaxis(inner, 2, 0)[:, :-1, :-1]
    chain = -np.sqrt(1.0 + total * total)
    cross = chain * (bend - p * all_bend)
    out[:, :-1, -1] = out[:, -1, :-1] = -cross[:-1].T
    # A^2 (bend + lag) + bend: bend + lag is -square, so that nothing cancels.
    last = total * total * (square.sum(axis=0) - whole[3]) - (all_bend - whole[2])
    out[:, -1, -1] = last
    return out

"""Families of counts whose data become a table, and expectations of counts at any mean."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from scipy import special

from natfit.distributions.base import Distribution
from natfit.distributions.contract.expectation import Expectation
from natfit.distributions.contract.sums import summed_observed, summed_value_and_score
from natfit.distributions.contract.support import Support
from natfit.distributions.forms.joined import joined_tables, rows_of_table
from natfit.rows import Block, Memory, Rows, table_of

#: Counts below this are tabulated by counting; with larger ones the rows are sorted.
_MOST = 100_000

#: Counts below this are enumerated.
_EXACT = 256

#: Counts at which quadrature smoothly replaces the sum: centre and width of the change, and its
#: beginning.
_CENTRE, _WIDTH, _FIRST = 160.0, 16.0, 64.0

#: Gauss-Legendre nodes of the smooth part, in the logarithm of the count.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(200)


class Tabulated(Distribution):
    """A family of counts whose summary is the table of distinct values and their shares.

    The summary is one row, ``(values (1, M), shares (1, M))``: the sums over rows are sums over
    its M values.
    """

    # A table with a value outside the support consists of NaN.
    summary_proves_support = True

    def sufficient(self, rows: Rows) -> tuple:
        """Distinct values and their shares of the weight, (1, M) each."""
        return count_summary(rows, self.known_support)

    joined_summaries = staticmethod(joined_tables)
    tabulated = staticmethod(rows_of_table)

    def sum_value_and_score(
        self, y: Any, weight: np.ndarray | None, eta: np.ndarray
    ) -> tuple[float, np.ndarray]:
        """Weighted sums over rows, or over a table, of log p and of its score (K,)."""
        return tabulated_sum(partial(summed_value_and_score, self), y, weight, eta)

    def sum_observed(self, y: Any, weight: np.ndarray | None, eta: np.ndarray) -> np.ndarray:
        """Weighted sum over rows, or over a table, of the negative Hessian, (K, K)."""
        return tabulated_sum(partial(summed_observed, self), y, weight, eta)

    def _refuse_all_zero(self, rows: Rows, summary: Any | None, simpler: str) -> None:
        """Raise where no row is positive."""
        if (rows.extent()[1] if summary is None else summary[0].max()) <= 0:
            raise ValueError(
                f"y must not be all zero for {type(self).__name__}, got {rows.n} zeros: every "
                "distribution that is concentrated at zero has the same likelihood, 1; "
                f"use {simpler}, or collect rows until some are positive"
            )


def tabulated_sum(fn: Callable, y: Any, weight: np.ndarray | None, eta: np.ndarray) -> Any:
    """``fn`` of rows, or of a table's values with its shares times ``weight[0]`` as weights."""
    if not isinstance(y, tuple):
        return fn(y, weight, eta)
    total = 1.0 if weight is None else weight[0]
    return Memory(y[0][0], weight=total * y[1][0]).sum(_table_part, fn, eta)


def _table_part(block: Block, fn: Callable, eta: np.ndarray) -> Any:
    return fn(block.y, block.weight, eta)


def count_summary(rows: Rows, support: Support) -> tuple[np.ndarray, np.ndarray]:
    """Distinct counts and their shares of the weight, (1, M) each; NaN where one is outside."""
    values, counts = count_table(rows)
    if not support.contains(values).all():
        values = np.full(len(values), np.nan)
    return values[None], (counts / counts.sum())[None]


def count_table(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Distinct values of y, ascending, and the weight of each.

    Small whole numbers are counted without sorting.

    Parameters
    ----------
    rows : Rows
        Of counts y (n,).

    Returns
    -------
    values : ndarray of shape (M,)
    weights : ndarray of shape (M,)
    """
    low, high = rows.extent()
    if low >= 0 and high < _MOST:
        counts = rows.sum(_count_part, int(high) + 1, wide=True)
        if not np.isnan(counts[0]):
            values = np.flatnonzero(counts)
            return values.astype(np.float64), counts[values]
    return table_of(rows)


def _count_part(block: Block, size: int) -> np.ndarray:
    """Weight of each count below ``size``; NaN where a row is no whole number."""
    count = block.y.astype(np.intp)
    if not np.array_equal(count, block.y):
        return np.full(size, np.nan)
    return np.bincount(count, block.weight, minlength=size).astype(np.float64)


def count_rule(
    family: Distribution, eta: np.ndarray, mean: float, sd: float, tail: float
) -> Expectation:
    """Nodes and probabilities of a family of counts that is smooth where counts are large.

    Counts up to about 160 are enumerated. Above, the sum is replaced by an integral over the
    range that has probability, by Gauss-Legendre quadrature in log y, so that the cost does not
    grow with the mean. A smooth partition of unity joins the two: neither is cut off sharply,
    which would leave an error.

    Parameters
    ----------
    family : Distribution
        Univariate, of whole numbers from 0 or 1 on.
    eta : ndarray of shape (K,)
        Its parameters.
    mean, sd : float
        Of the distribution at eta (K,).
    tail : float
        Distance over which the far tail falls by a factor e.

    Returns
    -------
    Expectation
        Nodes y and their probabilities.
    """
    y, last = family.known_support.low + np.arange(float(_EXACT)), mean + 12.0 * sd + 40.0 * tail
    share = np.ones(_EXACT)
    if last >= _EXACT:
        first = max(_FIRST, mean - 12.0 * sd)
        half = 0.5 * np.log(last / first)
        nodes = first * np.exp(half * (_NODES + 1.0))
        y = np.concatenate([y, nodes])
        share = 0.5 * special.erfc((y - _CENTRE) / _WIDTH)
        share[_EXACT:] = half * _WEIGHTS * nodes * (1.0 - share[_EXACT:])
    with np.errstate(all="ignore"):
        weight = np.exp(family.log_prob(y, eta[None])) * share
    keep = weight > 0
    return Expectation(y[keep], weight[keep] / weight[keep].sum())

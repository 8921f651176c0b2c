"""What families of shares and of count vectors share: supports, totals, draws."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from natfit._validation import check_number
from natfit.distributions.contract.support import COUNTS, Support
from natfit.distributions.contract.united import QUANTILES
from natfit.distributions.counts.poisson import _log_factorial
from natfit.distributions.forms.columns import Columns
from natfit.rows import Rows

#: Largest difference between one and the sum of the shares of a row.
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Simplex(Support):
    """Rows of positive numbers that sum to one."""

    whole_rows: ClassVar[bool] = True

    def contains(self, y: np.ndarray) -> np.ndarray:
        """Tell for each value of y (n, D) whether its row belongs; (n, D)."""
        inside = (y > 0).all(axis=1) & (np.abs(y.sum(axis=1) - 1.0) <= TOLERANCE)
        return np.repeat(inside[:, None], y.shape[1], axis=1)

    def check(self, rows: Rows, family: str) -> None:
        """Raise ValueError that names the first row outside the support; y must be finite."""
        where = rows.first(self._outside)
        if where is None:
            return
        row = rows.row(where).y[0]
        negative = "Negative values in data: " if np.any(row < 0) else ""
        rule = f"sums to {row.sum():g}" if np.all(row > 0) else "has a share that is not positive"
        raise ValueError(
            f"{negative}y must be shares > 0 that sum to 1 in each row for {family}, but row "
            f"{where}, {row}, {rule}; divide rows by their sums, and replace zeros by a "
            "small share or use counts with 'dirichlet_multinomial'"
        )


SIMPLEX = Simplex(low=0.0, high=1.0)


class CountVectors(Columns):
    """Base of the families of counts y (n, D) given the total of each row.

    Parameters
    ----------
    dim : int, optional
        D >= 2. Without it, :meth:`bind` takes it from the data.
    totals : int or tuple of int, optional
        Totals of rows, each equally likely, for draws and expectations; the likelihood uses
        each row's own total. Without them, :meth:`bind` takes those of the data, or 16 that
        represent them.
    """

    support = COUNTS

    of_rows = ("totals",)
    _least_dim = 2
    _unbound = "its dimension is known; call bind(y) with counts (n, D), or pass dim=D"

    def __init__(self, dim: int | None = None, totals: int | tuple[int, ...] | None = None):
        super().__init__(dim)
        self.totals = totals

    def bind(self, rows: Rows) -> Self:
        """Return the family with D and the totals taken from y (n, D).

        Returns
        -------
        Distribution
            A family of the same kind.

        Raises
        ------
        ValueError
            If y is not (n, D), D is not ``dim``, or D < 2.
        """
        dim = self._count_columns(rows)
        if self.dim is not None and self.totals is not None:
            return self
        return type(self)(dim, totals_of(rows) if self.totals is None else self.totals)

    def _need_dim(self) -> int:
        return check_number(super()._need_dim(), "dim", low=2, integer=True)

    @cached_property
    def _totals(self) -> np.ndarray:
        """Totals, each equally likely, (T,) float64."""
        if self.totals is None:
            raise ValueError(
                f"{type(self).__name__} needs the totals of its rows for draws and expectations; "
                "call bind(y) with counts (n, D), or pass totals"
            )
        totals = np.atleast_1d(np.asarray(self.totals))
        return np.array(
            [float(check_number(t.item(), "totals", low=0, integer=True)) for t in totals]
        )

    def _draw_totals(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """A total for each of n rows, int."""
        totals = self._totals.astype(np.int64)
        return totals[rng.integers(len(totals), size=n)] if len(totals) > 1 else np.full(n, totals)

    def _only_total(self) -> int:
        """The one total of all rows, as scipy needs it."""
        if len(self._totals) > 1:
            raise ValueError(
                f"scipy.stats has no {type(self).__name__} whose rows differ in their totals; "
                "pass totals=n for one of them"
            )
        return int(self._totals[0])

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """Rows that hold no count.

        Raises
        ------
        ValueError
            If all counts are zero.
        """
        low, high = rows.extent()
        if not (np.any(low) or np.any(high)):
            raise ValueError(
                f"y must hold a count above zero for {type(self).__name__}, got {rows.n} rows of "
                "zeros: they say nothing about the probabilities"
            )


def totals_of(rows: Rows) -> int | tuple[int, ...]:
    """The total of all rows, or 16 quantiles of the totals of a few rows."""
    totals = rows.few().y.sum(axis=1)
    totals = np.sort(totals[np.isfinite(totals) & (totals >= 0)])
    if not len(totals):
        return 1
    if totals[0] == totals[-1]:
        return int(totals[0])
    at = ((np.arange(QUANTILES) + 0.5) / QUANTILES * len(totals)).astype(np.intp)
    return tuple(int(t) for t in totals[at])


def log_gamma_draws(rng: np.random.Generator, shape: np.ndarray) -> np.ndarray:
    """Logarithms of gamma draws, finite for any shape: G(a) = G(a + 1) U^(1/a)."""
    logs = np.log(rng.standard_gamma(shape + 1.0))
    return logs - rng.standard_exponential(shape.shape) / shape


def log_sum(logs: np.ndarray) -> np.ndarray:
    """log sum exp of each row of logs (n, D), (n, 1)."""
    top = logs.max(axis=1, keepdims=True)
    return top + np.log(np.exp(logs - top).sum(axis=1, keepdims=True))


def log_coefficient(y: np.ndarray) -> np.ndarray:
    """Log of the multinomial coefficient of rows of counts (n, D), (n,)."""
    out = _log_factorial(y.sum(axis=1))
    for column in y.T:
        out = out - _log_factorial(column)
    return out

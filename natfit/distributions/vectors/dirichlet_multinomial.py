"""The Dirichlet-multinomial distribution of K counts."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.scipy.special import gammaln

from natfit.bijectors import Bijector, Reciprocal, Simplex
from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.sums import n_rows
from natfit.distributions.counts.categorical import log_softmax
from natfit.distributions.forms.joined import joined_means
from natfit.distributions.vectors._compositions import (
    CountVectors,
    log_coefficient,
    log_gamma_draws,
    log_sum,
)
from natfit.distributions.vectors._polya import Tails, hessian, row_slopes
from natfit.rows import Block, Memory, Rows, mean_over, rows_as, total_weight

#: Largest total that is tabulated: the tables of D categories then hold 65,536 D numbers.
_MOST = 2**16

#: Concentration from which on Stirling's series is used; its first omitted term is 1 / (1260 a^5).
_STIRLING = 1e3

#: Mean count per row at which a category that never occurs is held.
_FLOOR = 1e-8


class DirichletMultinomial(CountVectors):
    """Multinomial counts y (n, D) whose probabilities vary from row to row as a Dirichlet.

    With m the total of the row, A = concentration and a = A probs,
    ``log p(y) = log m! - sum log y_d! + sum_d log (Gamma(a_d + y_d) / Gamma(a_d))
    - log (Gamma(A + m) / Gamma(A))``. This is also the distribution of draws from Polya's urn:
    the first ball is of category d with probability probs_d, and each ball drawn adds 1 / A to the
    weight of its category. For D = 2 it is the beta-binomial distribution. eta holds the log odds
    of probs against the last category and arsinh(1 / A), which is regular at the multinomial,
    A -> infinity; K = D.

    A ratio of gamma functions is a product over j = 0, 1, ... of a + j, so that the likelihood
    depends on the data only through the numbers of rows with y_d > j, which are tabulated once.
    The Fisher information is the negative Hessian at the expected tables, which are tails of
    beta-binomial distributions (Paul, Balasooriya and Banerjee, 2005).

    Matches ``scipy.stats.dirichlet_multinomial(alpha=concentration * probs, n=m)``.

    Parameters
    ----------
    dim : int, optional
        D >= 2. Without it, :meth:`bind` takes it from the data; before that the family has no
        parameters.
    totals : int or tuple of int, optional
        Totals of rows, each equally likely, for draws and expectations; the likelihood uses
        each row's own total. Without them, :meth:`bind` takes those of the data, or 16 that
        represent them.

    Notes
    -----
    If counts vary no more than multinomial ones, the maximum is at A -> infinity, and the fit
    ends at that boundary. For a category that never occurs the maximum is at probability zero:
    its mean count is held at 1e-8 per row. Where no row has a total above one, the likelihood
    does not depend on A: such data are refused.
    """

    # Sums over tables of counts, one table for each eta.
    fisher_by_rows = False
    kl_by_rows = False
    roles = {"probs": Role.SHARE, "concentration": Role.SHAPE}
    limit_meaning = {
        ("concentration", "upper"): "the multinomial distribution",
        ("concentration", "lower"): "each row has counts in one category alone",
    }

    @classmethod
    def examples(cls) -> list[Distribution]:
        """Return two and three categories, with one total and with two."""
        return [cls(2, 7), cls(3, (2, 5))]

    @cached_property
    def params(self) -> dict[str, Bijector]:
        """The constraints, once D is known."""
        # At A = 1e8 the difference to the multinomial is 1e-8 m^2 nats per row.
        return {
            "probs": Simplex(self._need_dim()),
            "concentration": Reciprocal(low=1e-6, high=1e10),
        }

    def _arguments(self, eta: np.ndarray) -> tuple:
        """Eta itself: log odds stay exact where a probability rounds to zero or one."""
        return (eta,)

    # -------------------------------------------------------------------------- log-density

    def _log_prob_eta(self, y: Any, eta: Any) -> Any:
        if isinstance(y, tuple):
            return self._tables(y).value(eta)
        log_probs, total = log_softmax(eta[:, :-1]), 1.0 / anp.sinh(eta[:, -1])
        count = y.T
        excess = anp.sum(_excess(total * anp.exp(log_probs), count), axis=0)
        level = anp.sum(count * log_probs, axis=0) + log_coefficient(y)
        return level + excess - _excess(total, count.sum(axis=0))

    def _score(self, y: Any, eta: np.ndarray) -> np.ndarray:
        if isinstance(y, tuple):
            return self._tables(y).score(eta)[None]
        probs, total = np.exp(log_softmax(eta[:, :-1])), 1.0 / np.sinh(eta[:, -1])
        rise, lag, _, _ = row_slopes(total * probs, y.T)
        rise_all, lag_all, _, _ = row_slopes(total, y.sum(axis=1))
        out = np.empty((len(y), eta.shape[1]))
        out[:, :-1] = (rise - probs * rise.sum(axis=0))[:-1].T
        out[:, -1] = -np.sqrt(1.0 + total * total) * (lag.sum(axis=0) - lag_all)
        return out

    def _observed(self, y: Any, eta: np.ndarray) -> np.ndarray:
        if isinstance(y, tuple):
            return self._tables(y).observed(eta)[None]
        probs, total = np.exp(log_softmax(eta[:, :-1])), 1.0 / np.sinh(eta[:, -1])
        each = row_slopes(total * probs, y.T)
        return hessian(probs, total, each, row_slopes(total, y.sum(axis=1)))

    # Sums over rows and expectations, from tables of tails.

    def _tables(self, summary: tuple) -> Tails:
        return Tails(summary[0][0], summary[1][0], summary[2][0], summary[3][0])

    def sum_terms(
        self, y: Any, weight: np.ndarray | None, eta: np.ndarray
    ) -> tuple[float, np.ndarray, np.ndarray]:
        """Weighted sums of log p, its score (K,) and its negative Hessian (K, K), eta (1, K)."""
        summary = y if isinstance(y, tuple) else self.sufficient(Memory(y, weight=weight))
        if summary is None:
            weight = np.ones(n_rows(y)) if weight is None else weight
            value, score = self.log_prob(y, eta), self._score(y, eta)
            return weight @ value, weight @ score, np.tensordot(weight, self._observed(y, eta), 1)
        total = total_weight(weight, n_rows(y))
        tables = self._tables(summary)
        return (
            total * float(tables.value(eta)[0]),
            total * tables.score(eta),
            total * tables.observed(eta),
        )

    def _fisher(self, eta: np.ndarray) -> np.ndarray:
        return np.stack([Tails.expected(e, self._totals).observed(e[None]) for e in eta])

    def _kl(self, eta: np.ndarray, eta2: np.ndarray) -> np.ndarray:
        n = max(len(eta), len(eta2))
        out = np.empty(n)
        for i in range(n):
            a, b = eta[i % len(eta)], eta2[i % len(eta2)]
            tables = Tails.expected(a, self._totals)
            out[i] = (tables.value(a[None]) - tables.value(b[None]))[0]
        return out

    # ------------------------------------------------------------------------ data, sampling

    def sufficient(self, rows: Rows) -> tuple | None:
        """Shares of rows with y_d > j (1, D, M), with m > j (1, M), mean counts and coefficient.

        None where a total exceeds 65,536: such data are summed row by row.

        Returns
        -------
        tuple of ndarray or None
            One row each.
        """
        most = largest_total(rows)
        if not (most <= _MOST and np.min(rows.extent()[0]) >= 0.0):
            return None
        return Tails.of(rows, int(most))

    def joined_summaries(self, one: Any, weight: float, two: Any, other: float) -> Any | None:
        """Means of the tables of both parts, the shorter ones continued by zeros."""
        most = max(one[1].shape[1], two[1].shape[1])
        return joined_means(_padded(one, most), weight, _padded(two, most), other)

    def bounded(self, summary: tuple) -> tuple[tuple, str | None]:
        """Tables in which categories that never occur have a mean count of 1e-8 per row."""
        tails, totals, mean, coefficient = summary
        missing = np.flatnonzero(mean[0] == 0.0)
        if not len(missing):
            return summary, None
        tails, mean = tails.copy(), mean.copy()
        tails[0, missing, 0] = mean[0, missing] = _FLOOR
        note = (
            f"category(ies) {missing.tolist()} never occur: their probability is held at about "
            f"{_FLOOR:g}; more rows or fewer categories determine it"
        )
        return (tails, totals, mean, coefficient), note

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """Rows that do not determine the probabilities, or the concentration.

        Raises
        ------
        ValueError
            If all counts are zero, or no row has two.
        """
        super().check_degenerate(rows, summary)
        if largest_total(rows) < 2.0:
            raise ValueError(
                "y must have a row with two counts or more for DirichletMultinomial, got totals "
                "of 0 and 1 alone: the likelihood does not depend on the concentration; use "
                "'multinomial'"
            )

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, Any]:
        # Shares vary as p (1 - p) (1 + (m - 1) r) / m with r = 1 / (A + 1), by moments.
        total = y.sum(axis=1)
        weight = np.ones(len(y)) if weight is None else weight / weight.mean()
        count = weight @ y + 0.5
        probs = count / count.sum()
        found = weight @ np.sum((y - total[:, None] * probs) ** 2, axis=1)
        spread = 1.0 - probs @ probs
        one, two = weight @ total, weight @ (total * (total - 1.0))
        share = (found / spread - one) / two if two > 0 else 0.1
        share = float(np.clip(share, 1e-3, 0.9))
        return {"probs": probs, "concentration": 1.0 / share - 1.0}

    def nested_start(self, rows: Rows) -> np.ndarray:
        """The multinomial's optimum, at the largest concentration."""
        count = mean_over(rows)
        probs = np.maximum(count / count.sum(), _FLOOR)
        high = self.params["concentration"].high
        return self.eta(probs=probs / probs.sum(), concentration=high)

    def sample(self, eta: np.ndarray, rng: np.random.Generator, size: int | None = None) -> Any:
        """Draw counts for every row of eta, or ``size`` times for eta (1, K): (n, D) float64."""
        return self._sample(rng, len(eta) if size is None else size, *self.native(eta))

    def _sample(
        self, rng: np.random.Generator, n: int, probs: np.ndarray, concentration: np.ndarray
    ) -> np.ndarray:
        a = np.broadcast_to(concentration[:, None] * probs, (n, self.dim))
        logs = log_gamma_draws(rng, a)
        return rng.multinomial(self._draw_totals(rng, n), np.exp(logs - log_sum(logs))) * 1.0

    def _to_scipy(self, probs: Any, concentration: Any) -> Any:
        from scipy.stats import dirichlet_multinomial

        return dirichlet_multinomial(concentration * probs, self._only_total())


def _excess(a: Any, y: Any) -> Any:
    """Sum of log(1 + j / a) over j < y: log Gamma(a + y) - log Gamma(a) - y log a."""
    # Autograd evaluates both branches: the one not taken gets an argument at which it is finite.
    far = a >= _STIRLING
    big, small = anp.where(far, a, _STIRLING), anp.where(far, 1.0, a)
    up = big + y
    series = (up - 0.5) * anp.log1p(y / big) - y
    series = series + (1.0 / up - 1.0 / big) / 12.0 - (up**-3.0 - big**-3.0) / 360.0
    return anp.where(far, series, gammaln(small + y) - gammaln(small) - y * anp.log(small))


def largest_total(rows: Rows) -> float:
    """Largest sum of a row's counts; NaN where a row has one."""
    return float(rows_as(rows, _totals_part).extent()[1])


def _totals_part(block: Block) -> np.ndarray:
    return block.y.sum(axis=1)


def _padded(summary: tuple, most: int) -> tuple:
    """The summary with tables of ``most`` columns, of which the last ones are zero."""
    tails, totals, *rest = summary
    wide = [np.pad(t, [(0, 0)] * (t.ndim - 1) + [(0, most - t.shape[-1])]) for t in (tails, totals)]
    return *wide, *rest

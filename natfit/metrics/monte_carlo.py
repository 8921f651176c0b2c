"""The Fisher information, estimated from draws of the model: the paper's Algorithm 2."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from natfit._validation import check_number, check_option
from natfit.linops import LinearOperator
from natfit.metrics.base import Metric, Point, need_likelihood
from natfit.objectives import Objective
from natfit.rows import BLOCK, Streams, block_rng

#: Number of draws that are made at once from one distribution.
_DRAWS = 16_384


class MonteCarloFisher(Metric):
    """F = mean of s s' over draws y ~ p(y | eta_i) from the model, not over the data.

    Parameters
    ----------
    n_draws : int, default=1000
        Number of draws, >= 1.
    per : {"total", "row"}, default="total"
        What ``n_draws`` counts. With a constant model all rows share one distribution:
        ``total`` makes ``n_draws`` draws from it, as Algorithm 2 does, and ``row`` makes
        ``n_draws`` times the number of rows. With a conditional model each row has its own
        distribution: ``row`` makes ``n_draws`` draws from it, and ``total`` about
        ``n_draws / N``, at least one.
    """

    random = True

    def __init__(self, n_draws: int = 1000, per: str = "total"):
        self.n_draws = n_draws
        self.per = per

    def prepare(self, objective: Objective) -> MonteCarloFisher:
        """Check the options and that the family can sample."""
        family = need_likelihood(self, objective).distribution
        check_number(self.n_draws, "metric__n_draws", low=1, integer=True, hint="1000")
        check_option(self.per, "metric__per", ("total", "row"))
        if not family.can_sample:
            raise ValueError(
                f"metric='monte_carlo' needs a sampler, and {type(family).__name__} has none; "
                "pass sample=... to from_log_prob, or use metric='exact' or 'empirical'"
            )
        return self

    def at(self, objective: Objective, iterate: Point, rng: np.random.Generator) -> LinearOperator:
        """Return the mean over draws, an operator of size P with its relative standard error."""
        likelihood = need_likelihood(self, objective)
        family, n_rows = likelihood.distribution, likelihood.rows.n
        stream = block_rng(rng)
        if not likelihood.model.shared:
            each = self._each(n_rows)
            rule = partial(_row_factor, family, each, stream)
            return likelihood.sandwich(iterate.theta, rule, each)
        draws = self._in_all(n_rows)
        errors: list[float] = []

        def shared(eta: np.ndarray, start: int) -> tuple[np.ndarray | None, np.ndarray | None]:
            if draws < family.n_params:
                y = family.sample(eta, stream(0), draws)
                return None, (family.score(y, eta).T / np.sqrt(draws))[None]
            c, error = _average(family, eta, draws, stream)
            errors.append(error)
            return c[None], None

        operator = likelihood.sandwich(iterate.theta, shared)
        operator.standard_error = errors[0] if errors else None
        return operator

    def _each(self, n_rows: int) -> int:
        """Return the number of draws of each row of a conditional model."""
        return self.n_draws if self.per == "row" else max(1, self.n_draws // n_rows)

    def _in_all(self, n_rows: int) -> int:
        """Return the number of draws from the one distribution of a constant model."""
        return self.n_draws if self.per == "total" else self.n_draws * n_rows

    def rank_limit(self, objective: Objective) -> tuple[int, str] | None:
        """Return the number of draws, if they are fewer than parameters."""
        likelihood = need_likelihood(self, objective)
        n = likelihood.rows.n
        draws = self._in_all(n) if likelihood.model.shared else n * self._each(n)
        if draws >= likelihood.n_params:
            return None
        return draws, f"n_draws={self.n_draws} gives {draws} scores; raise metric__n_draws"

    @classmethod
    def examples(cls) -> list[Metric]:
        """Return one metric for each meaning of ``n_draws``."""
        return [cls(), cls(n_draws=4, per="row")]


def _average(family: Any, eta: np.ndarray, draws: int, stream: Any) -> tuple[np.ndarray, float]:
    """Return the mean (K, K) of s s' over draws, and its relative standard error."""
    k = family.n_params
    first, second = np.zeros((k, k)), 0.0
    # The size is not that of a chunk: draws must not depend on how rows are cut into chunks.
    for block, start in enumerate(range(0, draws, _DRAWS)):
        n = min(_DRAWS, draws - start)
        score = family.score(family.sample(eta, stream(block), n), eta)
        first += score.T @ score
        # |s s'|^2 in the Frobenius norm is |s|^4.
        second += np.square(np.einsum("nk,nk->n", score, score)).sum()
    mean = first / draws
    norm = float(np.linalg.norm(mean))
    variance = max(second / draws - norm**2, 0.0) / max(draws - 1, 1)
    return mean, float(np.sqrt(variance) / norm) if norm > 0 else 0.0


def _row_factor(
    family: Any, each: int, stream: Streams, eta: np.ndarray, start: int
) -> tuple[None, np.ndarray]:
    """Return B (n, K, R) of R = ``each`` draws per row; draws depend only on the block of rows."""
    out = np.empty((len(eta), family.n_params, each))
    for begin in range(0, len(eta), BLOCK):
        part = slice(begin, min(begin + BLOCK, len(eta)))
        rng = stream((start + begin) // BLOCK)
        for r in range(each):
            y = family.sample(eta[part], rng)
            out[part, :, r] = family.score(y, eta[part])
    return None, out / np.sqrt(each)

"""The binomial distribution: the number of successes in n trials."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
from scipy import special
from scipy.special import expit

from natfit.bijectors import Unit
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.start import mean
from natfit.distributions.counts.bernoulli import divergence
from natfit.distributions.forms.exponential_family import Canonical
from natfit.distributions.forms.trials import Trials
from natfit.distributions.vectors.binomial_rows import BinomialRows
from natfit.numerics.stirling import log_probability
from natfit.rows import Rows


class Binomial(Trials, Canonical):
    """The binomial distribution of y = 0, 1, ..., n successes in a known number of trials.

    ``log p(y) = log C(n, y) + y log prob + (n - y) log(1 - prob)``; eta = (logit prob), Fisher
    information ``n prob (1 - prob)``. If all rows are 0, or all are n, the maximum is at prob = 0
    or 1: the fit ends at the boundary.

    Everything is computed from the logit, which stays exact where 1 - prob rounds to zero: the
    closed forms take it in place of prob.

    Mean ``n prob``, variance ``n prob (1 - prob)``. In R: ``dbinom(n, prob)``.

    Matches ``scipy.stats.binom(n=n, p=prob)``.

    Parameters
    ----------
    n : int
        Number of trials, >= 1. It must be known and is not estimated: unless the variance is
        below the mean, the maximum in n is in most cases at infinity, the Poisson distribution.
        Rows y (n, 2) of successes and failures tell it: without n, these are of ``binomial_rows``.
    """

    params = {"prob": Unit(margin=1e-8)}
    roles = {"prob": Role.SHARE}
    zero_ends = (("prob", "lower"),)
    limit_meaning = {("prob", "lower"): "all rows are 0", ("prob", "upper"): "all rows are n"}
    mean_names = ("E[y]",)

    @classmethod
    def examples(cls) -> list[Binomial]:
        """Return a single trial and ten."""
        return [cls(1), cls(10)]

    def bind(self, rows: Rows) -> Any:
        """Return the family itself; without n, that of rows y (n, 2) of successes and failures.

        Returns
        -------
        Binomial or BinomialRows
            The latter for two columns, whose sums are the numbers of trials.

        Raises
        ------
        ValueError
            If n is not given for y (n,), or below 1; a TypeError if it is no integer.
        """
        if self.n is None and rows.event_shape == (2,):
            return BinomialRows().bind(rows)
        return super().bind(rows)

    def statistics(self, y: Any) -> tuple:
        """(y, n - y, log C(n, y))."""
        if isinstance(y, tuple):
            return y
        return y, self.n - y, self._log_ways(y)

    def _log_ways(self, y: np.ndarray) -> np.ndarray:
        """Log C(n, y), taken from a table where there are more rows than values of y."""
        if self.n < len(y) and 0 <= y.min() and y.max() <= self.n:
            count = y.astype(np.intp)
            if np.array_equal(count, y):
                return self._log_ways_of(np.arange(self.n + 1.0))[count]
        return self._log_ways_of(y)

    def _log_ways_of(self, y: np.ndarray) -> np.ndarray:
        return -np.log(self.n + 1.0) - special.betaln(y + 1.0, self.n - y + 1.0)

    def _log_prob_eta(self, y: Any, eta: Any) -> Any:
        yes, no, ways = self.statistics(y)
        logit = eta[:, 0]
        return ways - (yes * anp.logaddexp(0.0, -logit) + no * anp.logaddexp(0.0, logit))

    def _score(self, y: Any, logit: np.ndarray) -> np.ndarray:
        yes, no = y[:2] if isinstance(y, tuple) else (y, self.n - y)
        return (yes * expit(-logit) - no * expit(logit))[:, None]

    def _fisher(self, logit: np.ndarray) -> np.ndarray:
        return (self.n * expit(logit) * expit(-logit))[:, None, None]

    def _kl(self, logit: np.ndarray, logit2: np.ndarray) -> np.ndarray:
        return self.n * divergence(logit, logit2)

    def _arguments(self, eta: np.ndarray) -> tuple:
        """The logit."""
        return (eta[:, 0],)

    def _log_cdf(self, y: Any, prob: Any) -> np.ndarray:
        return log_probability(special.bdtr(y, self.n, prob), special.bdtrc(y, self.n, prob))

    def _log_sf(self, y: Any, prob: Any) -> np.ndarray:
        return log_probability(special.bdtrc(y, self.n, prob), special.bdtr(y, self.n, prob))

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        # Laplace's rule: one success and one failure more.
        return {"prob": (mean(y, weight) * len(y) + 1.0) / (self.n * len(y) + 2.0)}

    def _sample(self, rng: np.random.Generator, n_rows: int, prob: Any) -> np.ndarray:
        return rng.binomial(self.n, prob, n_rows).astype(np.float64)

    def _moments(self, prob: Any) -> tuple[Any, Any]:
        return self.n * prob, self.n * prob * (1.0 - prob)

    def _quantile(self, p: Any, upper: bool, prob: Any) -> np.ndarray:
        return special.bdtrik(1.0 - p if upper else p, self.n, prob)

    def _to_scipy(self, prob: Any) -> Any:
        from scipy.stats import binom

        return binom(n=int(self.n), p=float(prob))

    def _to_mean(self, origin: tuple, prob: Any) -> tuple:
        return (self.n * prob,)

    def _from_mean(self, origin: tuple, first: Any) -> dict[str, Any]:
        return {"prob": first / self.n}

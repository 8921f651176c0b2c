"""The Bernoulli distribution: an event or none, 0 or 1."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
from scipy.special import expit

from natfit.bijectors import Unit
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.start import mean
from natfit.distributions.contract.support import BINARY
from natfit.distributions.forms.exponential_family import Canonical
from natfit.linops.row_curvature import Entries, RowCurvature
from natfit.rows import total_weight


class Bernoulli(Canonical):
    """The Bernoulli distribution of y = 0 or 1.

    ``log p(y) = y log prob + (1 - y) log(1 - prob)``; eta = (logit prob), Fisher information
    ``prob (1 - prob)``. If all rows are equal, the maximum is at prob = 0 or 1: the fit ends at
    the boundary.

    Everything is computed from the logit, which stays exact where 1 - prob rounds to zero: the
    closed forms take it in place of prob.

    Mean ``prob``, variance ``prob (1 - prob)``. In R: ``dbinom(1, prob)``.

    Matches ``scipy.stats.bernoulli(p=prob)``.
    """

    params = {"prob": Unit(margin=1e-8)}
    roles = {"prob": Role.SHARE}
    zero_ends = (("prob", "lower"),)
    support = BINARY
    limit_meaning = {("prob", "lower"): "all rows are 0", ("prob", "upper"): "all rows are 1"}
    mean_names = ("E[y]",)

    def statistics(self, y: Any) -> tuple:
        """(y, 1 - y): the mean of both, because 1 - mean(y) would round where zeros are rare."""
        return y if isinstance(y, tuple) else (y, 1.0 - y)

    def _log_prob_eta(self, y: Any, eta: Any) -> Any:
        yes, no = self.statistics(y)
        logit = eta[:, 0]
        if len(eta) > 1:
            # A logit for each row: one logaddexp per row is enough, that of the outcome which did
            # not happen.
            return -anp.logaddexp(0.0, (no - yes) * logit)
        return -(yes * anp.logaddexp(0.0, -logit) + no * anp.logaddexp(0.0, logit))

    def log_prob_and_score(self, y: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Both, (n,) and (n, 1), of rows by one exponential each."""
        if isinstance(y, tuple) or len(eta) == 1:
            return super().log_prob_and_score(y, eta)
        # Log odds of the outcome that did not happen.
        sign = 1.0 - 2.0 * y
        against = sign * eta[:, 0]
        small = np.abs(against)
        np.negative(small, out=small)
        np.exp(small, out=small)
        value = np.log1p(small)
        value += np.maximum(against, 0.0)
        np.negative(value, out=value)
        # exp(value) is the probability of what happened: the other one is what the score needs.
        other = np.where(against > 0.0, 1.0, small)
        small += 1.0
        other /= small
        other *= sign
        np.negative(other, out=other)
        return value, other[:, None]

    def curvature(self, eta: np.ndarray) -> RowCurvature:
        """prob (1 - prob) of each row."""
        odds = np.exp(-np.abs(eta[:, 0]))
        return Entries(1, {(0, 0): odds / np.square(1.0 + odds)})

    def _score(self, y: Any, logit: np.ndarray) -> np.ndarray:
        yes, no = self.statistics(y)
        return (yes * expit(-logit) - no * expit(logit))[:, None]

    def _fisher(self, logit: np.ndarray) -> np.ndarray:
        return (expit(logit) * expit(-logit))[:, None, None]

    def _kl(self, logit: np.ndarray, logit2: np.ndarray) -> np.ndarray:
        return divergence(logit, logit2)

    def _entropy(self, eta: Any) -> Any:
        return entropy(eta[:, 0])

    def _mode(self, eta: np.ndarray) -> np.ndarray:
        return (eta[:, 0] > 0.0).astype(np.float64)

    def _arguments(self, eta: np.ndarray) -> tuple:
        """The logit."""
        return (eta[:, 0],)

    def _log_cdf(self, y: np.ndarray, prob: Any) -> np.ndarray:
        return np.where(y < 1.0, np.log1p(-prob), 0.0)

    def _log_sf(self, y: np.ndarray, prob: Any) -> np.ndarray:
        return np.where(y < 1.0, np.log(prob), -np.inf)

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        # Laplace's rule: one more row of each kind.
        total = total_weight(weight, len(y))
        return {"prob": (mean(y, weight) * total + 1.0) / (total + 2.0)}

    def _sample(self, rng: np.random.Generator, n: int, prob: Any) -> np.ndarray:
        return (rng.random(n) < prob).astype(np.float64)

    def _moments(self, prob: Any) -> tuple[Any, Any]:
        return prob, prob * (1.0 - prob)

    def _to_scipy(self, prob: Any) -> Any:
        from scipy.stats import bernoulli

        return bernoulli(p=float(prob))

    def _to_mean(self, origin: tuple, prob: Any) -> tuple:
        return (prob,)

    def _from_mean(self, origin: tuple, first: Any) -> dict[str, Any]:
        return {"prob": first}


def divergence(logit: np.ndarray, logit2: np.ndarray) -> np.ndarray:
    """KL between Bernoulli distributions of given logits, elementwise, nats."""
    # 0 and 1 may be exchanged: the probability of the rarer outcome keeps its digits.
    sign = np.where(logit > 0, -1.0, 1.0)
    a, b = sign * logit, sign * logit2
    return np.logaddexp(0.0, b) - np.logaddexp(0.0, a) - expit(a) * (b - a)


def entropy(logit: Any) -> Any:
    """Entropy of a Bernoulli distribution of a given logit, elementwise, nats."""
    size = anp.abs(logit)
    odds = anp.exp(-size)
    return anp.log1p(odds) + size * odds / (1.0 + odds)

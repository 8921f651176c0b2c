"""The logarithmic series distribution: numbers of individuals of a species."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
from scipy.special import expit

from natfit.bijectors import Unit
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.expectation import Expectation
from natfit.distributions.contract.start import mean
from natfit.distributions.contract.support import Support
from natfit.distributions.contract.tails import tail
from natfit.distributions.forms.exponential_family import ExponentialFamily
from natfit.distributions.forms.summed_counts import summed_tails
from natfit.distributions.forms.tabulated_counts import count_rule


class LogSeries(ExponentialFamily):
    """The logarithmic series distribution of counts y = 1, 2, 3, ...

    ``log p(y) = y log prob - log y - log(-log(1 - prob))``; eta = (logit prob). With
    ``r = -prob / log(1 - prob)`` the mean is ``r / (1 - prob)``, the score
    ``(1 - prob) y - r`` and the Fisher information ``r (1 - r)``. It is the limit of a negative
    binomial distribution without zeros as n tends to zero. If all rows are 1, the maximum is at
    prob = 0: the fit ends at the boundary.

    Everything is computed from the logit, which stays exact where 1 - prob rounds to zero: the
    closed forms take it in place of prob.

    Mean ``-prob / ((1 - prob) log(1 - prob))``, variance
    ``-prob (prob + log(1 - prob)) / ((1 - prob)^2 log(1 - prob)^2)``. In R:
    ``VGAM::dlog(prob)``.

    Matches ``scipy.stats.logser(p=prob)``.

    References
    ----------
    Fisher, Corbet and Williams (1943), The relation between the number of species and the number
    of individuals in a random sample of an animal population, Journal of Animal Ecology 12, 42-58.
    """

    params = {"prob": Unit(margin=1e-12)}
    roles = {"prob": Role.SHARE}
    support = Support(low=1.0, closed=True, integer=True)
    limit_meaning = {
        ("prob", "lower"): "all counts are 1",
        ("prob", "upper"): "counts above 1e12",
    }
    has_cdf = True

    def statistics(self, y: Any) -> tuple:
        """The sufficient statistic and the carrier, (y, log y), (n,) each."""
        return y if isinstance(y, tuple) else (y, np.log(y))

    def _log_prob_eta(self, y: Any, eta: Any) -> Any:
        value, log = self.statistics(y)
        logit = eta[:, 0]
        return -value * anp.logaddexp(0.0, -logit) - log - anp.log(_log_rest(logit))

    def _value(self, y: Any) -> np.ndarray:
        return y[0] if isinstance(y, tuple) else y

    def _score(self, y: Any, logit: np.ndarray) -> np.ndarray:
        return (self._value(y) * expit(-logit) - _ratio(logit))[:, None]

    def _observed(self, y: Any, logit: np.ndarray) -> np.ndarray:
        # r' = r (1 - prob - r), because log(1 - prob) has the derivative -prob.
        ratio, rest = _ratio(logit), expit(-logit)
        return (self._value(y) * expit(logit) * rest + ratio * (rest - ratio))[:, None, None]

    def _fisher(self, logit: np.ndarray) -> np.ndarray:
        # 1 - r loses digits where r is near one, at small prob: there it is prob / 2 + ...
        ratio, prob = _ratio(logit), expit(logit)
        small = prob < 1e-3
        p = np.where(small, prob, 0.0)
        one_minus = np.where(small, p / 2.0 + p**2 / 12.0 + p**3 / 24.0, 1.0 - ratio)
        return (ratio * one_minus)[:, None, None]

    def _kl(self, logit: np.ndarray, logit2: np.ndarray) -> np.ndarray:
        change = np.logaddexp(0.0, -logit2) - np.logaddexp(0.0, -logit)
        shares = np.log(_log_rest(logit2) / _log_rest(logit))
        return _ratio(logit) / expit(-logit) * change + shares

    def _arguments(self, eta: np.ndarray) -> tuple:
        """The logit."""
        return (eta[:, 0],)

    def expectation(self, eta: np.ndarray) -> Expectation:
        """Nodes and probabilities at eta (K,), at a cost that does not grow with the mean."""
        ratio, scale = float(_ratio(eta)[0]), 1.0 / float(expit(-eta[0]))
        sd = scale * np.sqrt(ratio * max(1.0 - ratio, 0.0))
        return count_rule(self, eta, ratio * scale, sd, scale)

    def log_cdf(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Log P(Y <= y) of each row, (n,) nats; y may be infinite."""
        return tail(self, lambda y, *_: summed_tails(self, y, eta)[0], y, eta, -np.inf, 0.0)

    def log_sf(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Log P(Y > y) of each row, (n,) nats; y may be infinite."""
        return tail(self, lambda y, *_: summed_tails(self, y, eta)[1], y, eta, 0.0, -np.inf)

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        # From the mean m, prob is near 2 (m - 1) at m = 1, and 1 - 1 / (m log m) at large m; half
        # a count more keeps it positive.
        excess = mean(y, weight) - 1.0 + 0.5 / len(y)
        odds = excess * (2.0 + np.log1p(excess))
        return {"prob": min(odds / (1.0 + odds), 1.0 - 1e-11)}

    def _sample(self, rng: np.random.Generator, n: int, prob: Any) -> np.ndarray:
        return rng.logseries(np.broadcast_to(prob, n)).astype(np.float64)

    def _moments(self, prob: Any) -> tuple[Any, Any]:
        mean = -prob / ((1.0 - prob) * np.log1p(-prob))
        return mean, mean * (1.0 / (1.0 - prob) - mean)

    def _to_scipy(self, prob: Any) -> Any:
        from scipy.stats import logser

        return logser(p=float(prob))


def _log_rest(logit: Any) -> Any:
    """-log(1 - prob) = log(1 + exp(logit)), elementwise."""
    return anp.logaddexp(0.0, logit)


def _ratio(logit: np.ndarray) -> np.ndarray:
    """r = -prob / log(1 - prob), elementwise: one at prob = 0."""
    return expit(logit) / np.logaddexp(0.0, logit)

"""The geometric distribution of whole numbers."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
from scipy.special import expit

from natfit.bijectors import Unit
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.start import mean, median
from natfit.distributions.contract.support import COUNTS
from natfit.distributions.contract.window_ends import End
from natfit.distributions.forms.exponential_family import ExponentialFamily


class Geometric(ExponentialFamily):
    """The geometric distribution of the failures y = 0, 1, 2, ... before the first success.

    ``log p(y) = log prob + y log(1 - prob)``; eta = (logit prob), Fisher information
    ``1 - prob``. The mean is ``(1 - prob) / prob``. If all rows are zero, the maximum is at
    prob = 1: the fit ends at the boundary. If the data count trials, 1, 2, ..., instead of
    failures, subtract 1.

    Everything is computed from the logit, which stays exact where 1 - prob rounds to one: the
    closed forms take it in place of prob.

    Mean ``(1 - prob) / prob``, variance ``(1 - prob) / prob^2``. In R: ``dgeom(prob)``.

    Matches ``scipy.stats.geom(p=prob, loc=-1)``.
    """

    params = {"prob": Unit(margin=1e-9)}
    roles = {"prob": Role.SHARE}
    zero_ends = (("prob", "upper"),)
    support = COUNTS
    _window_ends = (End("prob", "lower", "high", "the uniform distribution of these counts"),)
    limit_meaning = {
        ("prob", "lower"): "counts above 1e9",
        ("prob", "upper"): "all counts are zero",
    }
    mean_names = ("E[y]",)

    def statistics(self, y: Any) -> tuple:
        """The sufficient statistics (y,), (n,) each."""
        return y if isinstance(y, tuple) else (y,)

    def _log_prob_eta(self, y: Any, eta: Any) -> Any:
        (value,) = self.statistics(y)
        logit = eta[:, 0]
        return -anp.logaddexp(0.0, -logit) - value * anp.logaddexp(0.0, logit)

    def _score(self, y: Any, logit: np.ndarray) -> np.ndarray:
        (value,) = self.statistics(y)
        return (expit(-logit) - value * expit(logit))[:, None]

    def _observed(self, y: Any, logit: np.ndarray) -> np.ndarray:
        (value,) = self.statistics(y)
        return ((1.0 + value) * (expit(logit) * expit(-logit)))[:, None, None]

    def _fisher(self, logit: np.ndarray) -> np.ndarray:
        return expit(-logit)[:, None, None]

    def _kl(self, logit: np.ndarray, logit2: np.ndarray) -> np.ndarray:
        # E[y] = exp(-logit): (1 - prob2) / (1 - prob) = expit(-logit2) / expit(-logit).
        change = np.logaddexp(0.0, logit2) - np.logaddexp(0.0, logit)
        return logit - logit2 + (1.0 + np.exp(-logit)) * change

    def _arguments(self, eta: np.ndarray) -> tuple:
        """The logit."""
        return (eta[:, 0],)

    def _log_cdf(self, y: Any, prob: Any) -> np.ndarray:
        return np.log(-np.expm1(self._log_sf(y, prob)))

    def _log_sf(self, y: Any, prob: Any) -> np.ndarray:
        return (np.floor(y) + 1.0) * np.log1p(-prob)

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        # (1 - prob)^(m + 1) is one half for the median m; where m is 0, the share of zeros is used.
        middle = median(y, weight)
        if middle > 0:
            return {"prob": -np.expm1(-np.log(2.0) / (middle + 1.0))}
        zeros = mean(y == 0, weight) * len(y)
        return {"prob": (zeros + 0.5) / (len(y) + 1.0)}

    def _sample(self, rng: np.random.Generator, n: int, prob: Any) -> np.ndarray:
        # The floor of an exponential variable; numpy's generator overflows below prob = 1e-18.
        return np.floor(rng.exponential(1.0, n) / -np.log1p(-np.broadcast_to(prob, n)))

    def _moments(self, prob: Any) -> tuple[Any, Any]:
        return (1.0 - prob) / prob, (1.0 - prob) / np.square(prob)

    def _quantile(self, p: Any, upper: bool, prob: Any) -> np.ndarray:
        return (np.log(p) if upper else np.log1p(-p)) / np.log1p(-prob) - 1.0

    def _to_scipy(self, prob: Any) -> Any:
        from scipy.stats import geom

        return geom(p=float(prob), loc=-1)

    def _to_mean(self, origin: tuple, prob: Any) -> tuple:
        return ((1.0 - prob) / prob,)

    def _from_mean(self, origin: tuple, first: Any) -> dict[str, Any]:
        return {"prob": 1.0 / (1.0 + first)}

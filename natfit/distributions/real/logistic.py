"""The logistic distribution of real numbers."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
from scipy import special

from natfit.distributions.forms.location_scale import LocationScale
from natfit.distributions.forms.standard import LOGISTIC, Standard


class Logistic(LocationScale):
    """The logistic distribution, symmetric about loc, with tails of an exponential.

    With z = (y - loc) / scale, ``log p(y) = -|z| - 2 log(1 + exp(-|z|)) - log scale`` for real
    y; eta = (loc, log scale), Fisher information diag(1 / (3 scale^2), (3 + pi^2) / 9).
    The likelihood is log-concave in (loc / scale, 1 / scale): the maximum is unique. Data that
    are all equal have none and are refused.

    Mean ``loc``, variance ``pi^2 scale^2 / 3``. In R: ``dlogis(loc, scale)``.

    Matches ``scipy.stats.logistic(loc, scale)``.

    Source: Johnson, Kotz and Balakrishnan (1995), Continuous Univariate Distributions 2, ch. 23.
    """

    standard_information = (1.0 / 3.0, 0.0, (3.0 + np.pi**2) / 9.0)
    spread = 1.6288
    _open_rows = Standard(LOGISTIC)

    def _kernel(self, z: Any) -> Any:
        return -z - 2.0 * anp.logaddexp(0.0, -z)

    def _kernel_terms(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        size = np.abs(z)
        e = np.exp(-size)
        value = np.log1p(e)
        value *= -2.0
        value -= size
        tail = 1.0 / (1.0 + e)
        first = np.copysign((e - 1.0) * tail, -z)
        second = e * tail
        second *= tail
        second *= -2.0
        return value, first, second

    def _entropy(self, eta: Any) -> Any:
        return eta[:, 1] + 2.0

    def _mode(self, eta: np.ndarray) -> np.ndarray:
        return eta[:, 0].copy()

    def _log_cdf(self, y: Any, loc: Any, scale: Any) -> np.ndarray:
        return special.log_expit((y - loc) / scale)

    def _log_sf(self, y: Any, loc: Any, scale: Any) -> np.ndarray:
        return special.log_expit((loc - y) / scale)

    def _sample(self, rng: np.random.Generator, n: int, loc: Any, scale: Any) -> np.ndarray:
        return rng.logistic(loc, scale, n)

    def _moments(self, loc: Any, scale: Any) -> tuple[Any, Any]:
        return loc, np.square(np.pi * scale) / 3.0

    def _quantile(self, p: Any, upper: bool, loc: Any, scale: Any) -> np.ndarray:
        z = special.logit(p)
        return loc + scale * (-z if upper else z)

    def _crps(self, y: Any, loc: Any, scale: Any) -> np.ndarray:
        z = np.abs(y - loc) / scale
        return scale * (z + 2.0 * np.log1p(np.exp(-z)) - 1.0)

    def _to_scipy(self, loc: Any, scale: Any) -> Any:
        from scipy.stats import logistic

        return logistic(loc=float(loc), scale=float(scale))

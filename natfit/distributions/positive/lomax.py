"""The Lomax distribution of positive numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.bijectors import Positive, Reciprocal
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.start import quantile
from natfit.distributions.contract.support import POSITIVE
from natfit.distributions.forms.burr import (
    burr_draws,
    burr_log_prob,
    burr_quantile,
    burr_scale,
    survival,
)
from natfit.distributions.forms.jets import ByJets
from natfit.numerics.moments import beyond
from natfit.numerics.special import log1mexp
from natfit.rows import Rows, mean_over

_LOG_2 = np.log(2.0)

#: At this shape the exponential differs by less than 1e-8 nats per row.
_EXPONENTIAL = 1e9


class Lomax(ByJets):
    """The Lomax (Pareto type II) distribution of positive y, in its median and its shape.

    With scale = median / (2^(1 / shape) - 1),
    ``log p(y) = log(shape / scale) - (shape + 1) log(1 + y / scale)``. The exponent of the tail is
    the shape; shape -> infinity is the exponential distribution. eta = (log median,
    arsinh(1 / shape)), in which this limit is an ordinary point. The Fisher information is computed
    by quadrature.

    Where the rows vary less than an exponential's, the fit ends as ``boundary`` at shape ->
    infinity, the exponential distribution; :class:`GeneralizedPareto`, the same family with
    shape = 1 / shape, goes on beyond it.

    Mean ``s / (shape - 1)``, variance ``s^2 shape / ((shape - 1)^2 (shape - 2))``, where
    ``s = median / (2^(1 / shape) - 1)``. In R: ``actuar::dpareto(shape, s)``.

    Matches ``scipy.stats.lomax(c=shape, scale=scale)``.

    Source: Johnson, Kotz and Balakrishnan (1994), Continuous Univariate Distributions 1, ch. 20.
    """

    params = {"median": Positive(), "shape": Reciprocal(low=1e-3, high=_EXPONENTIAL)}
    roles = {"median": Role.SCALE, "shape": Role.SHAPE}
    support = POSITIVE
    _falls = True
    limit_meaning = {
        ("shape", "upper"): "the exponential distribution",
        ("shape", "lower"): "log y is nearly uniform far out",
    }

    def _log_prob(self, y: Any, median: Any, shape: Any) -> Any:
        return burr_log_prob(y, 1.0, median, shape)

    def _log_sf(self, y: Any, median: Any, shape: Any) -> np.ndarray:
        return -survival(np.log(y / median), 1.0 / shape)

    _log_sf_jet = _log_sf

    def _log_cdf(self, y: Any, median: Any, shape: Any) -> np.ndarray:
        return log1mexp(self._log_sf(y, median, shape))

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        # The gap from the median to the upper quartile is 2^(1 / shape) medians.
        middle, high = quantile(y, weight, 0.5), quantile(y, weight, 0.75)
        share = np.log2((high - middle) / middle) if high > middle else 0.1
        return {"median": middle, "shape": 1.0 / float(np.clip(share, 0.05, 5.0))}

    def nested_start(self, rows: Rows) -> np.ndarray:
        """Eta (K,) of the exponential distribution's optimum."""
        return self.eta(median=_LOG_2 * float(mean_over(rows)), shape=_EXPONENTIAL)

    def _sample(self, rng: np.random.Generator, n: int, median: Any, shape: Any) -> np.ndarray:
        return burr_draws(rng, n, 1.0, median, shape)

    def _moments(self, median: Any, shape: Any) -> tuple[Any, Any]:
        scale = burr_scale(1.0, median, shape)
        with np.errstate(all="ignore"):
            mean = scale / (shape - 1.0)
            var = np.square(mean) * (shape / (shape - 2.0))
        return beyond(shape > 1.0, mean), beyond(shape > 2.0, var)

    def _quantile(self, p: Any, upper: bool, median: Any, shape: Any) -> np.ndarray:
        return burr_quantile(1.0, median, shape, p, upper)

    def _to_scipy(self, median: Any, shape: Any) -> Any:
        from scipy.stats import lomax

        return lomax(c=float(shape), scale=float(burr_scale(1.0, median, shape)))

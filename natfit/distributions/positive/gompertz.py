"""The Gompertz distribution of positive numbers."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
from scipy import special

from natfit.bijectors import Positive, Reciprocal
from natfit.distributions.contract.checks import refuse_constant
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.start import mean, median
from natfit.distributions.contract.support import NON_NEGATIVE
from natfit.distributions.forms.burr import expm1_ratio, log1p_ratio
from natfit.distributions.forms.jets import ByJets
from natfit.numerics.special import log1mexp
from natfit.rows import Rows, mean_over

_LOG_2 = 0.6931471805599453

#: At this shape the exponential differs by less than 1e-8 nats per row.
_EXPONENTIAL = 1e9


class Gompertz(ByJets):
    """The Gompertz distribution of lifetimes y >= 0, in its median and its shape.

    With scale = median / log(1 + log 2 / shape) the hazard is (shape / scale) exp(y / scale):
    ``log p(y) = log(shape / scale) + y / scale - shape (exp(y / scale) - 1)``.
    eta = (log median, arsinh(1 / shape)). The Fisher information is computed by quadrature.

    shape -> infinity is the exponential distribution, an ordinary point of eta: where the rows vary
    more than an exponential's, the fit ends there as ``boundary``. shape -> 0 is the Gumbel
    distribution of minima far from zero.

    In R: ``flexsurv::dgompertz``.

    Matches ``scipy.stats.gompertz(c=shape, scale=scale)``.

    Source: Johnson, Kotz and Balakrishnan (1995), Continuous Univariate Distributions 2, ch. 22.
    """

    params = {"median": Positive(), "shape": Reciprocal(low=1e-120, high=_EXPONENTIAL)}
    roles = {"median": Role.SCALE, "shape": Role.SHAPE}
    support = NON_NEGATIVE
    limit_meaning = {
        ("shape", "upper"): "the exponential distribution",
        ("shape", "lower"): "the Gumbel distribution of minima",
    }
    compare_after = 12

    def _log_prob(self, y: Any, median: Any, shape: Any) -> Any:
        z, s = y / median, 1.0 / shape
        rate = _LOG_2 * log1p_ratio(_LOG_2 * s)
        age = z * rate * s
        return anp.log(rate / median) + age - z * rate * expm1_ratio(age)

    def _hazard(self, y: Any, median: Any, shape: Any) -> np.ndarray:
        """The cumulative hazard, which is log 2 at the median."""
        z, rate = y / median, _LOG_2 * log1p_ratio(_LOG_2 / shape)
        return z * rate * expm1_ratio(z * rate / shape)

    def _log_sf(self, y: Any, median: Any, shape: Any) -> np.ndarray:
        return -self._hazard(y, median, shape)

    _log_sf_jet = _log_sf

    def _log_cdf(self, y: Any, median: Any, shape: Any) -> np.ndarray:
        return log1mexp(-self._hazard(y, median, shape))

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """All rows alike: the likelihood grows without limit as shape -> 0."""
        refuse_constant(rows, "Gompertz")

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        middle, centre = median(y, weight), mean(y, weight)
        if not middle > 0:
            return {"median": _LOG_2 * centre or 1.0, "shape": 10.0}
        # The scale is that of a Gumbel distribution of minima with this spread about the median,
        # or larger.
        spread = np.sqrt(mean((y - centre) ** 2, weight))
        age = float(np.clip(1.2825 * middle / max(spread, 1e-3 * middle) - 0.5, 0.2, 200.0))
        return {"median": middle, "shape": _LOG_2 / np.expm1(age)}

    def refine_start(self, rows: Rows, eta: np.ndarray) -> np.ndarray:
        """A shape at which the largest row is not almost impossible."""
        reach = float(rows.extent()[1]) / np.exp(eta[0])
        # exp(age (reach - 1)) log 2 is about the cumulative hazard there.
        most = np.log(rows.n + 10.0) / max(reach - 1.0, 0.1)
        age = np.log1p(_LOG_2 * np.sinh(eta[1]))
        return eta if age <= most else np.array([eta[0], np.arcsinh(np.expm1(most) / _LOG_2)])

    def nested_start(self, rows: Rows) -> np.ndarray:
        """Eta (K,) of the exponential distribution's optimum."""
        return self.eta(median=_LOG_2 * float(mean_over(rows)), shape=_EXPONENTIAL)

    def _mode(self, eta: np.ndarray) -> np.ndarray:
        age = np.log1p(_LOG_2 * np.sinh(eta[:, 1]))
        return np.exp(eta[:, 0]) * np.maximum(np.log(np.sinh(eta[:, 1])), 0.0) / age

    def _sample(self, rng: np.random.Generator, n: int, median: Any, shape: Any) -> np.ndarray:
        s = 1.0 / shape
        hazard = rng.exponential(size=n)
        return median * hazard * log1p_ratio(s * hazard) / (_LOG_2 * log1p_ratio(_LOG_2 * s))

    def _moments(self, median: Any, shape: Any) -> tuple[Any, Any]:
        scale = median / np.log1p(_LOG_2 / shape)
        with np.errstate(all="ignore"):
            mean = scale * np.exp(shape) * special.exp1(shape)
        return np.where(shape < 500.0, mean, np.nan), np.full(len(mean), np.nan)

    def _quantile(self, p: Any, upper: bool, median: Any, shape: Any) -> np.ndarray:
        s, hazard = 1.0 / shape, -(np.log(p) if upper else np.log1p(-p))
        return median * hazard * log1p_ratio(s * hazard) / (_LOG_2 * log1p_ratio(_LOG_2 * s))

    def _to_scipy(self, median: Any, shape: Any) -> Any:
        from scipy.stats import gompertz

        return gompertz(c=float(shape), scale=float(median / np.log1p(_LOG_2 / shape)))

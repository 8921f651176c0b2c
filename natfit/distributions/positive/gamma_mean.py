"""The gamma distribution by its mean and shape, as generalised linear models have it."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
from scipy import special

from natfit.bijectors import Positive
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.regular import Regular
from natfit.distributions.contract.window_ends import End
from natfit.distributions.forms.tight import TightGamma, about_centre, divergence_of_means
from natfit.distributions.positive.gamma import Gamma, divergence, with_excess
from natfit.linops.row_curvature import Entries, RowCurvature
from natfit.numerics.incomplete import gamma_slopes
from natfit.numerics.stirling import HALF_LOG_2PI, correction, curvature, log_excess, slope
from natfit.rows import Rows

#: Shape from which divergences are computed without the difference of large terms.
_LARGE = 1e4


class GammaMean(Gamma):
    """The gamma distribution of positive y with mean m and shape k.

    ``log p(y) = k (log(y / m) - y / m) - log y + k log k - log Gamma(k)``; the variance is m^2 / k.
    eta = (log mean, log shape), Fisher information ``diag(k, k^2 psi'(k) - k)``: mean and shape
    are orthogonal. The density is that of ``gamma`` with scale = m / k.

    1 / k is the dispersion of a gamma model in statsmodels, glum and R's ``glm``, and sigma =
    1 / sqrt(k) the second parameter of gamlss' ``GA``. Here x drives the logarithm of the mean, and
    k is estimated by maximum likelihood.

    Mean ``mean``, variance ``mean^2 / shape``. In R: ``dgamma(shape, scale = mean / shape)``.

    Matches ``scipy.stats.gamma(a=shape, scale=mean / shape)``.
    """

    params = {"mean": Positive(), "shape": Positive()}
    # y / mean has a density of the shape alone.
    roles = {"mean": Role.SCALE, "shape": Role.SHAPE}
    _window_ends = (End("mean", "upper", "high", "the power law y^(shape - 1)", power=1.0),)
    _narrow = None

    def _main(self, y: Any, mean: Any, k: Any) -> tuple[Any, Any, Any]:
        """y / mean - 1, the factor log(y / mean) - (y / mean - 1) of k, and log y."""
        value, log, *excess = with_excess(self.statistics(y), k)
        ratio = value / mean
        d = ratio - 1.0
        if not excess:
            return d, log - anp.log(mean) - d, log
        with np.errstate(all="ignore"):
            far = np.log(ratio) - d
        rest = np.where(np.abs(d) < 0.5, log_excess(np.clip(d, -0.5, 0.5)), far)
        return d, rest + excess[0], log

    def _log_prob(self, y: Any, mean: Any, k: Any) -> Any:
        return _value(self._main(y, mean, k), k)

    def _score(self, y: Any, mean: np.ndarray, k: np.ndarray) -> np.ndarray:
        return _slopes(self._main(y, mean, k), k)

    def log_prob_and_score(self, y: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Both, (n,) and (n, 2), from one pass over the rows."""
        mean, k = self.native(eta)
        main = self._main(y, mean, k)
        return _value(main, k), _slopes(main, k)

    def _observed(self, y: Any, mean: np.ndarray, k: np.ndarray) -> np.ndarray:
        return self._second(y, mean, k).dense(max(len(self.statistics(y)[0]), len(k)))

    def _second(self, y: Any, mean: np.ndarray, k: np.ndarray) -> Entries:
        d, main, _ = self._main(y, mean, k)
        pull = k * d
        second = (curvature(k) + slope(k)) / k - k * main
        return Entries(2, {(0, 0): k + pull, (0, 1): -pull, (1, 1): second})

    def observed_curvature(self, y: Any, eta: np.ndarray) -> RowCurvature:
        """Negative Hessian of rows."""
        return self._second(y, *self.native(eta))

    def _fisher(self, mean: np.ndarray, k: np.ndarray) -> np.ndarray:
        out = np.zeros((len(k), 2, 2))
        out[:, 0, 0], out[:, 1, 1] = k, _of_shape(k)
        return out

    def curvature(self, eta: np.ndarray) -> RowCurvature:
        """Fisher information of rows, which is diagonal."""
        k = np.exp(eta[:, 1])
        return Entries(2, {(0, 0): k, (1, 1): _of_shape(k)})

    def _kl(self, mean: Any, k: Any, mean2: Any, k2: Any) -> np.ndarray:
        log_means = np.log(mean / mean2)
        if np.min(k) > _LARGE and np.min(k2) > _LARGE:
            return divergence_of_means(k, k2, log_means)
        return divergence(k, k2, log_means - np.log(k / k2))

    def _log_cdf(self, y: np.ndarray, mean: Any, k: Any) -> np.ndarray:
        return super()._log_cdf(y, k, mean / k)

    def _log_sf(self, y: np.ndarray, mean: Any, k: Any) -> np.ndarray:
        return super()._log_sf(y, k, mean / k)

    def _tail_slopes(self, y: np.ndarray, mean: Any, k: Any) -> tuple[np.ndarray, np.ndarray]:
        first, second = np.zeros((2, len(y))), np.zeros((2, 2, len(y)))
        # At a fixed mean, x moves with the shape.
        scale = mean / k
        x = y / scale
        slope, bend = gamma_slopes(k, x)
        score = k * (np.log(x) - special.psi(k))
        first[1] = (slope - x) * scale
        second[1, 1] = (bend + x * (x - k - 2.0 * score)) * scale
        return first, second

    def regular(self, rows: Rows) -> Regular | None:
        """The mean in units of that of the rows, where these nearly coincide."""
        return about_centre(_Tight, self, rows, abs)

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        own = super()._initial(y, weight)
        return {"mean": own["scale"] * own["shape"], "shape": own["shape"]}

    def _sample(self, rng: np.random.Generator, n: int, mean: Any, k: Any) -> np.ndarray:
        return super()._sample(rng, n, k, mean / k)

    def _moments(self, mean: Any, k: Any) -> tuple[Any, Any]:
        return super()._moments(k, mean / k)

    def _quantile(self, p: Any, upper: bool, mean: Any, k: Any) -> np.ndarray:
        return super()._quantile(p, upper, k, mean / k)

    def _crps(self, y: Any, mean: Any, k: Any) -> np.ndarray:
        return super()._crps(y, k, mean / k)

    def _to_scipy(self, mean: Any, k: Any) -> Any:
        return super()._to_scipy(k, mean / k)


class _Tight(TightGamma):
    """The same about the mean of the rows: eta = (log(mean / centre), log shape)."""

    def to_own(self, eta: np.ndarray) -> np.ndarray:
        """(log mean, log shape)."""
        return np.array([np.log(self.centre) + eta[0], eta[1]])

    def from_own(self, eta: np.ndarray) -> np.ndarray:
        """Return eta (2,) for the family's."""
        return np.array([eta[0] - np.log(self.centre), eta[1]])

    def jacobian(self, eta: np.ndarray) -> np.ndarray:
        """Derivatives (2, 2) of (log mean, log shape)."""
        return np.eye(2)


def _value(main: tuple[Any, Any, Any], k: Any) -> Any:
    return k * main[1] - main[2] + 0.5 * anp.log(k) - HALF_LOG_2PI - correction(k)


def _slopes(main: tuple[Any, Any, Any], k: np.ndarray) -> np.ndarray:
    out = np.empty((2, len(main[1])))
    out[0] = k * main[0]
    out[1] = k * main[1] + (0.5 - slope(k) / k)
    return out.T


def _of_shape(k: np.ndarray) -> np.ndarray:
    """k^2 psi'(k) - k, without a difference of large terms."""
    return 0.5 + curvature(k) / k

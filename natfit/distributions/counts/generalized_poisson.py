"""The generalized Poisson distribution of Consul and Jain."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.bijectors import Positive, Share
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.start import mean as average
from natfit.distributions.contract.support import COUNTS
from natfit.distributions.forms.summed_counts import SummedCounts
from natfit.numerics.stirling import HALF_LOG_2PI, correction, log_ratio, namespace
from natfit.rows import Rows

_SHARE = Share()


class GeneralizedPoisson(SummedCounts):
    """The generalized Poisson distribution of counts y = 0, 1, 2, ..., a spread-out Poisson.

    With mean m and dispersion d in [0, 1), ``x = m + d (y - m)`` and ``t = m (1 - d)``,
    ``log p(y) = log t + (y - 1) log x - x - log y!``; Consul's theta and lambda are t and d. The
    variance is ``m / (1 - d)^2``. It is the number of all who descend from a Poisson(t) number of
    ancestors if each has a Poisson(d) number of children. eta = (log m, arsinh(d / (1 - d))): the
    last is regular at the Poisson distribution, d = 0. With ``u = ((1 - d)(y - m) - 1) / x`` the
    score in (log m, d) is ``(t u + 1, (y - m) u - 1 / (1 - d))``. The Fisher information is the
    expectation of the squared score, by enumeration.

    If the variance of the data is below their mean, the maximum is at d = 0: the fit ends at the
    boundary, the Poisson distribution. (A negative d is left out: the probabilities then end
    where x reaches zero, and do not sum to one.) All counts zero are refused.

    scipy has no such family.

    Mean ``mean``, variance ``mean / (1 - dispersion)^2``. In R: ``VGAM::dgenpois0``.

    References
    ----------
    Consul and Jain (1973), A generalization of the Poisson distribution, Technometrics 15,
    791-799. Joe and Zhu (2005), Generalized Poisson distribution: the property of mixture of
    Poisson and comparison with negative binomial distribution, Biometrical Journal 47, 219-229.
    """

    params = {"mean": Positive(), "dispersion": _SHARE}
    roles = {"mean": Role.MEAN, "dispersion": Role.SHAPE}
    support = COUNTS
    limit_meaning = {("dispersion", "lower"): "the Poisson distribution"}

    def _moments(self, mean: Any, dispersion: Any) -> tuple[Any, Any]:
        return mean, mean / np.square(1.0 - dispersion)

    def _log_prob(self, y: Any, mean: Any, dispersion: Any) -> Any:
        xp = namespace(y, mean, dispersion)
        some = xp.where(y > 0, y, 1.0)
        gap = (1.0 - dispersion) * (mean - some)
        x = some + gap
        # The Poisson's log-probability at rate x: no term is larger than the sum.
        value = some * log_ratio(x, some + 0.0 * x, gap) - gap
        value = value - 0.5 * xp.log(some) - HALF_LOG_2PI - correction(some)
        start = mean * (1.0 - dispersion)
        return xp.where(y > 0, value + xp.log(start / x), -start)

    def _terms(self, y: Any, mean: Any, dispersion: Any) -> tuple[np.ndarray, ...]:
        """t, y - m, x and u, elementwise."""
        rest, gap = 1.0 - dispersion, y - mean
        x = mean + dispersion * gap
        return mean * rest, gap, x, (rest * gap - 1.0) / x

    def _score(self, y: Any, mean: Any, dispersion: Any) -> np.ndarray:
        t, gap, _, u = self._terms(y, mean, dispersion)
        first = _SHARE.first(_SHARE._backward(dispersion))
        second = (gap * u - 1.0 / (1.0 - dispersion)) * first
        return np.stack(np.broadcast_arrays(t * u + 1.0, second), axis=1)

    def _observed(self, y: Any, mean: Any, dispersion: Any) -> np.ndarray:
        t, gap, x, u = self._terms(y, mean, dispersion)
        eta, bend = _SHARE._backward(dispersion), -(y - 1.0) / x**2
        first, second = _SHARE.first(eta), _SHARE.second(eta)
        slope = gap * u - 1.0 / (1.0 - dispersion)
        out = np.empty((max(len(y), len(mean)), 2, 2))
        out[:, 0, 0] = -(bend * t * t + u * t)
        out[:, 0, 1] = out[:, 1, 0] = -first * (bend * t * gap - u * mean)
        curvature = bend * gap * gap - 1.0 / (1.0 - dispersion) ** 2
        out[:, 1, 1] = -(first**2 * curvature + second * slope)
        return out

    def _spread(self, mean: float, dispersion: float) -> tuple[float, float, float]:
        rest = 1.0 - dispersion
        # The ratio of neighbours tends to d exp(1 - d).
        fall = rest - np.log1p(-rest) - 2.0 * rest if rest < 0.5 else -np.log(dispersion) - rest
        return mean, np.sqrt(mean) / rest, 1.0 + 1.0 / fall

    # ---------------------------------------------------------------------- data, sampling

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """All counts zero: the dispersion is not determined."""
        self._refuse_all_zero(rows, summary, "'poisson', whose fit ends at rate = 0")

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        # By moments; half a count keeps the mean positive. Where the variance is below the mean:
        # one tenth more than the Poisson's.
        mean = average(y, weight) + 0.5 / len(y)
        ratio = max(average((y - mean) ** 2, weight) / mean, 1.1)
        return {"mean": mean, "dispersion": min(1.0 - ratio**-0.5, 0.999)}

    def _sample(self, rng: np.random.Generator, n: int, mean: Any, dispersion: Any) -> np.ndarray:
        # Generation by generation, until none is born.
        born = rng.poisson(np.minimum(mean * (1.0 - dispersion), 9e18), n).astype(np.float64)
        total, left = born.copy(), np.flatnonzero(born)
        dispersion = np.broadcast_to(dispersion, n)
        while len(left):
            born = rng.poisson(dispersion[left] * born[born > 0]).astype(np.float64)
            total[left] += born
            left = left[born > 0]
        return total

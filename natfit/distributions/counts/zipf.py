"""The Zipf distribution: whole numbers with a power law."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
from scipy import special

from natfit._validation import check_number
from natfit.bijectors import Between, Bijector, Limited
from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.start import mean
from natfit.distributions.contract.support import Support
from natfit.distributions.forms.exponential_family import ExponentialFamily
from natfit.numerics.moments import beyond, from_logs
from natfit.numerics.stirling import log_probability
from natfit.numerics.zeta import log_zeta, log_zeta_mean, zeta_moments

#: Minus the log of P(Y = xmin + 1) / P(Y = xmin) at the upper limit of the exponent: at 1e-9 a
#: larger one shows in no data, and the score has still more digits than a fit asks for.
_NONE = 20.0


class Zipf(ExponentialFamily):
    """The Zipf distribution of whole numbers y = xmin, xmin + 1, ..., a discrete power law.

    ``log p(y) = -alpha log(y / xmin) - log sum_k (k / xmin)^-alpha``, k = xmin, xmin + 1, ...;
    eta = (log(alpha - 1)). The Fisher information is the variance of log y, by Hurwitz's zeta
    function and its derivatives: sums over the tail itself would not end. If all rows are xmin,
    the maximum is at alpha = infinity: the fit ends at the boundary. Where xmin is not known,
    :func:`natfit.power_law_tail` searches for it.

    In R: ``VGAM::dzeta(alpha - 1)``.

    Matches ``scipy.stats.zipf(a=alpha)`` where xmin is 1.

    Parameters
    ----------
    xmin : int, default=1
        The first number, >= 1, which is known.

    References
    ----------
    Johnson, Kemp and Kotz (2005), Univariate Discrete Distributions, section 11.2.20. Clauset,
    Shalizi and Newman (2009), Power-law distributions in empirical data, SIAM Review 51, 661-703.
    """

    roles = {"alpha": Role.SHAPE}
    limit_meaning = {("alpha", "upper"): "all rows are xmin"}

    def __init__(self, xmin: int = 1):
        self.xmin = xmin

    @classmethod
    def examples(cls) -> list[Distribution]:
        """Return all whole numbers, and those from seven on."""
        return [cls(), cls(7)]

    @property
    def _first(self) -> float:
        return float(check_number(self.xmin, "xmin", low=1, integer=True))

    @property
    def params(self) -> dict[str, Bijector]:
        """The exponent, up to where all of the probability is on xmin."""
        high = 1.0 + _NONE / np.log1p(1.0 / self._first)
        return {"alpha": Limited(Between(1.0, np.inf), high=high)}

    @property
    def support(self) -> Support:
        """Whole numbers from xmin on."""
        return Support(low=self._first, closed=True, integer=True)

    def statistics(self, y: Any) -> tuple:
        """The sufficient statistic (log(y / xmin),), (n,)."""
        return y if isinstance(y, tuple) else (np.log(y / self._first),)

    def _log_prob_eta(self, y: Any, eta: Any) -> Any:
        (log,) = self.statistics(y)
        excess = anp.exp(eta[:, 0])
        return -(1.0 + excess) * log - log_zeta(excess, self._first)

    def _arguments(self, eta: np.ndarray) -> tuple:
        """Alpha - 1, which keeps its digits where alpha is near one."""
        return (np.exp(eta[:, 0]),)

    def _score(self, y: Any, excess: np.ndarray) -> np.ndarray:
        (log,) = self.statistics(y)
        return (excess * (log_zeta_mean(excess, self._first) - log))[:, None]

    def _observed(self, y: Any, excess: np.ndarray) -> np.ndarray:
        return self._fisher(excess) - self._score(y, excess)[:, :, None]

    def _fisher(self, excess: np.ndarray) -> np.ndarray:
        return (excess**2 * zeta_moments(excess, self._first)[2])[:, None, None]

    def _kl(self, excess: np.ndarray, excess2: np.ndarray) -> np.ndarray:
        log, centre, _ = zeta_moments(excess, self._first)
        log2 = zeta_moments(excess2, self._first)[0]
        return (excess2 - excess) * centre + log2 - log

    def _log_cdf(self, y: Any, alpha: Any) -> np.ndarray:
        below, above = self._tails(y, alpha)
        return log_probability(below, above)

    def _log_sf(self, y: Any, alpha: Any) -> np.ndarray:
        after = np.floor(y) + 1.0
        tail = zeta_moments(alpha - 1.0, after)[0] - alpha * np.log(after / self._first)
        return np.minimum(tail - zeta_moments(alpha - 1.0, self._first)[0], 0.0)

    def _tails(self, y: Any, alpha: Any) -> tuple[np.ndarray, np.ndarray]:
        above = self._log_sf(y, alpha)
        return -np.expm1(above), np.exp(above)

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        # Clauset et al. (3.7): the Pareto's estimate with xmin - 1/2; half a row is twice as large.
        first = self._first
        log = mean(np.log(y / (first - 0.5)), weight) + 0.35 / len(y)
        return {"alpha": 1.0 + min(1.0 / log, 0.9 * _NONE / np.log1p(1.0 / first))}

    def _sample(self, rng: np.random.Generator, n: int, alpha: Any) -> np.ndarray:
        # Devroye (1986), section X.6: floors of Pareto draws, accepted by the ratio of the
        # probabilities to that at xmin.
        power = np.broadcast_to(np.asarray(alpha, dtype=np.float64) - 1.0, n)
        first, out, left = self._first, np.empty(n), np.arange(n)
        while len(left):
            own = power[left]
            size = np.minimum(-np.log1p(-rng.random(len(left))) / own, 690.0 - np.log(first))
            y = np.floor(first * np.exp(size))
            ratio = _shortfall(first, own) / _shortfall(y, own)
            good = rng.random(len(left)) < ratio
            out[left[good]] = y[good]
            left = left[~good]
        return out

    def _moments(self, alpha: Any) -> tuple[Any, Any]:
        first = self._first
        with np.errstate(all="ignore"):
            log = np.log(special.zeta(alpha, first))
            mean = np.log(special.zeta(np.maximum(alpha - 1.0, 1.0), first)) - log
            second = np.log(special.zeta(np.maximum(alpha - 2.0, 1.0), first)) - log
            return from_logs(beyond(alpha > 2.0, mean), beyond(alpha > 3.0, second))

    def _to_scipy(self, alpha: Any) -> Any:
        from scipy.stats import zipf

        if self._first > 1.0:
            raise ValueError("scipy.stats.zipf begins at 1; there is no counterpart with an xmin")
        return zipf(a=float(alpha))


def _shortfall(y: Any, power: np.ndarray) -> np.ndarray:
    """y (1 - (1 + 1 / y)^-power), elementwise."""
    return -y * np.expm1(-power * np.log1p(1.0 / y))

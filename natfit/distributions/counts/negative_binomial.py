"""The negative binomial distribution."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from scipy import special

from natfit.bijectors import Positive, Reciprocal
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.expectation import Expectation
from natfit.distributions.contract.start import mean as average
from natfit.distributions.contract.support import COUNTS
from natfit.distributions.forms.tabulated_counts import Tabulated, count_rule, tabulated_sum
from natfit.numerics.stirling import (
    HALF_LOG_2PI,
    balance,
    correction,
    curvature,
    log_gap,
    log_ratio,
    namespace,
    slope,
)
from natfit.numerics.tails import log_betainc, log_gammainc, log_gammaincc
from natfit.rows import Rows

#: n beyond which slopes in 1 / n are those of the Poisson limit to rounding; its cube is finite.
_POISSON_N = 1e60

#: n from which on the tails of the Poisson distribution are used: they differ by 1e-10 y^2.
_LARGE_N = 1e10


class NegativeBinomial(Tabulated):
    """The negative binomial distribution of counts y = 0, 1, 2, ... (NB2), a spread-out Poisson.

    With mean m and size n the variance is ``m + m^2 / n``; n is a positive real number. This is a
    Poisson distribution whose rate has a gamma distribution of shape n; 1 / n is the dispersion
    (statsmodels' alpha).

    ``log p(y) = log Gamma(y + n) - log Gamma(n) - log y! + n log(n / (n + m))
    + y log(m / (n + m))``; eta = (log mean, arsinh(1 / n)): the last is regular at the Poisson
    limit, 0. With d = m - y the score in (log m, 1 / n) tends to ``(-d, (d^2 - y) / 2)``
    there. The Fisher information is diagonal, ``m n / (n + m)`` for log m; for n it is the
    expectation of the squared score, enumerated below y = 256 and by Gauss-Legendre nodes above.

    If the variance of the data is below their mean, the maximum is at n = infinity: the fit ends
    at the boundary, the Poisson distribution. If all counts are zero, the likelihood tends to 1 as
    n or the mean tends to zero, and neither is determined: such data are refused.

    Mean ``mean``, variance ``mean + mean^2 / n``. In R: ``dnbinom(size = n, mu = mean)``.

    Matches ``scipy.stats.nbinom(n=n, p=n / (n + mean))``; where n is so large that it has no
    effect, ``scipy.stats.poisson(mu=mean)``.

    References
    ----------
    Lawless (1987), Negative binomial and mixed Poisson regression, Canadian Journal of
    Statistics 15, 209-225.
    """

    params = {
        # As for the Poisson: a smaller mean is the boundary mean = 0.
        "mean": Positive(low=1e-8),
        # At n = 1e20 a count of 1e6 has the Poisson's probability to 1e-8; at n = 1e-8 the
        # probability of a positive count is below 1e-6.
        "n": Reciprocal(low=1e-8, high=1e20),
    }
    support = COUNTS
    _log_series = True
    roles = {"mean": Role.MEAN, "n": Role.SHAPE}
    zero_ends = (("mean", "lower"),)
    limit_meaning = {
        ("n", "upper"): "the Poisson distribution",
        ("mean", "lower"): "all counts are zero",
    }

    def _log_prob(self, y: Any, mean: Any, n: Any) -> Any:
        # With Stirling's formula for all three gamma functions, logarithms of ratios remain.
        xp = namespace(y, mean, n)
        some = xp.where(y > 0, y, 1.0)
        total = y + n
        # Neither of the two terms is larger than their sum: no digits are lost at any mean.
        gap = mean - some
        share, odds = n / (mean + n) * (gap / some), mean / some * (total / (mean + n))
        value = some * log_ratio(odds, xp.ones_like(share), share)
        value = value - n * log_ratio(mean + n, total, mean - y)
        value = value + 0.5 * (xp.log(n / total) - xp.log(some)) - HALF_LOG_2PI
        value = value + correction(total) - correction(n) - correction(some)
        return xp.where(y > 0, value, -n * xp.log1p(mean / n))

    # ------------------------------------------------------------------------- closed forms

    def _score(self, y: Any, mean: Any, n: Any) -> np.ndarray:
        out = np.empty((2, max(len(y), len(mean))))
        out[0] = (y - mean) / (1.0 + mean / n)
        out[1] = _chain(n) * _first(y, mean, n)[0]
        return out.T

    def _observed(self, y: Any, mean: Any, n: Any) -> np.ndarray:
        return self._curvature(y, mean, n, *_slopes(y, mean, n))

    def _curvature(self, y: Any, mean: Any, n: Any, first: Any, second: Any) -> np.ndarray:
        out = np.empty((max(len(y), len(mean)), 2, 2))
        spread, chain = 1.0 + mean / n, _chain(n)
        out[:, 0, 0] = mean * (1.0 + y / n) / spread**2
        out[:, 0, 1] = out[:, 1, 0] = chain * mean * (y - mean) / spread**2
        out[:, 1, 1] = -(chain**2) * second - first / n
        return out

    def _sum_terms(
        self, y: np.ndarray, weight: np.ndarray | None, eta: np.ndarray
    ) -> tuple[float, np.ndarray, np.ndarray]:
        mean, n = self.native(eta)
        weight = np.ones(len(y)) if weight is None else weight
        first, second = _slopes(y, mean, n)
        pull = weight @ (y - mean) / (1.0 + mean[0] / n[0])
        score = np.array([pull, _chain(n[0]) * (weight @ first)])
        observed = self._curvature(y, mean, n, first, second)
        return weight @ self._log_prob(y, mean, n), score, np.tensordot(weight, observed, 1)

    def sum_terms(
        self, y: Any, weight: np.ndarray | None, eta: np.ndarray
    ) -> tuple[float, np.ndarray, np.ndarray]:
        """Weighted sums of log p, its score (2,) and its negative Hessian (2, 2), eta (1, 2)."""
        return tabulated_sum(self._sum_terms, y, weight, eta)

    def expectation(self, eta: np.ndarray) -> Expectation:
        """Nodes and probabilities at eta (K,), at a cost that does not grow with the mean."""
        return _expectation(*eta.tolist())

    def _log_cdf(self, y: Any, mean: Any, n: Any) -> np.ndarray:
        return _log_tail(y, mean, n, False)

    def _log_sf(self, y: Any, mean: Any, n: Any) -> np.ndarray:
        return _log_tail(y, mean, n, True)

    # ---------------------------------------------------------------------- data, sampling

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """All counts zero: neither parameter is determined."""
        self._refuse_all_zero(rows, summary, "'poisson', whose fit ends at rate = 0")

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        # By moments; half a count is added to keep the mean positive.
        mean = average(y, weight) + 0.5 / len(y)
        excess = average((y - mean) ** 2, weight) - mean
        # Where the variance is below the mean: one tenth more than the Poisson's.
        return {"mean": mean, "n": min(mean * mean / max(excess, 0.1 * mean), 1e10)}

    def _sample(self, rng: np.random.Generator, n_rows: int, mean: Any, n: Any) -> np.ndarray:
        rate = mean * (rng.gamma(n, 1.0, n_rows) / n)
        return rng.poisson(np.minimum(rate, 9e18)).astype(np.float64)

    def _quantile(self, p: Any, upper: bool, mean: Any, n: Any) -> np.ndarray:
        return special.nbdtrik(1.0 - p if upper else p, n, n / (n + mean))

    def _moments(self, mean: Any, n: Any) -> tuple[Any, Any]:
        return mean, mean + mean * (mean / n)

    def _to_scipy(self, mean: Any, n: Any) -> Any:
        from scipy.stats import nbinom, poisson

        if n > _LARGE_N * (1.0 + mean):
            return poisson(mu=float(mean))
        return nbinom(n=float(n), p=float(n / (n + mean)))


def _log_tail(y: Any, mean: Any, n: Any, upper: bool) -> np.ndarray:
    """Log P(Y <= y) or log P(Y > y); that of the Poisson where n is so large that it has no effect.

    Returns
    -------
    ndarray of shape (n,)
    """
    y, mean, n = np.broadcast_arrays(np.floor(y) + 1.0, mean, n)
    out = log_betainc(n, y, n / (n + mean), mean / (n + mean), upper)
    poisson = n > _LARGE_N
    if poisson.any():
        tail = log_gammainc if upper else log_gammaincc
        out[poisson] = tail(y[poisson], mean[poisson])
    return out


def _chain(n: Any) -> Any:
    """Derivative of 1 / n in eta, 1 / n = sinh(eta); its own derivative is 1 / n."""
    return np.sqrt(1.0 + n**-2.0)


@functools.lru_cache(maxsize=64)
def _expectation(*eta: float) -> Expectation:
    """The rule at eta, kept: a fit needs it for the information and for the divergence."""
    family, at = NegativeBinomial(), np.array(eta)
    mean, n = family.native_dict(at).values()
    sd = float(np.sqrt(mean + mean * (mean / n)))
    return count_rule(family, at, float(mean), sd, float(1.0 + mean / n))


def _first(y: Any, mean: Any, n: Any) -> tuple[np.ndarray, ...]:
    """First derivative of log p in 1 / n, elementwise, and terms that the second one needs too.

    With r = (m - y) / (n + m), l = log(1 - r) + r and Stirling's e, the derivative in n is
    ``g = l + 1/2 (1 / n - 1 / (n + y)) + e(n + y) - e(n)``, that in 1 / n is -n^2 g: a sum of
    terms that stay finite as n grows, ((m - y)^2 - y) / 2 at the Poisson limit.

    Returns
    -------
    tuple of ndarray
        The derivative, then n + y, n / (n + y), r, 1 - r and the cubic rest of l.
    """
    n = np.minimum(n, _POISSON_N)
    total, share = y + n, n / (y + n)
    r, one_minus = (mean - y) / (n + mean), total / (n + mean)
    gap, cubic = log_gap(r, one_minus)
    first = -(n * n) * gap - 0.5 * y * share - (share**2 * slope(total) - slope(n))
    return first, total, share, r, one_minus, cubic


def _slopes(y: Any, mean: Any, n: Any) -> tuple[np.ndarray, np.ndarray]:
    """First and second derivative of log p in 1 / n, -n^2 g and n^3 (2 g + n g'), elementwise."""
    first, total, share, r, one_minus, cubic = _first(y, mean, n)
    n = np.minimum(n, _POISSON_N)
    # n^3 (2 l + n r^2 / ((n + m)(1 - r))), n / (n + m) = 1 - m / (n + m).
    second = n**3 * cubic - (n * r) ** 2 * (mean / (1.0 + mean / n)) / one_minus
    second = second + 0.5 * (y * share) ** 2 - share**3 * y * curvature(total)
    return first, second + share**3 * balance(total) / total - balance(n) / n

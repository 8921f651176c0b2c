"""The Poisson inverse Gaussian distribution."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.bijectors import Positive, Reciprocal
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.start import mean as average
from natfit.distributions.contract.support import COUNTS
from natfit.distributions.forms.summed_counts import SummedCounts
from natfit.numerics.bessel import log_bessel_polynomial
from natfit.numerics.stirling import HALF_LOG_2PI, correction, log_ratio
from natfit.rows import Rows


class PoissonInverseGaussian(SummedCounts):
    """The Poisson inverse Gaussian distribution of counts y = 0, 1, 2, ...

    With mean m and size n the variance is ``m + m^2 / n``, as of the negative binomial, but the
    tail is heavier: this is a Poisson distribution whose rate has an inverse Gaussian distribution
    of mean m and shape n m. 1 / n is the dispersion (sigma in gamlss' PIG).

    With ``w^2 = 1 + 2 m / n`` and Q_y the polynomial in 1 / (n w) of the modified Bessel function
    of order y - 1/2, ``K_(y-1/2)(z) = sqrt(pi / (2 z)) exp(-z) Q_y(1 / z)``,
    ``log p(y) = -2 m / (1 + w) + y log(m / w) - log y! + log Q_y``. At the Poisson limit w and Q_y
    are one. eta = (log m, arsinh(1 / n)): the last is regular there. The Fisher information is
    the expectation of the squared score, by enumeration.

    If the variance of the data is below their mean, the maximum is at n = infinity: the fit ends
    at the boundary, the Poisson distribution. All counts zero are refused.

    scipy has no such family.

    Mean ``mean``, variance ``mean + mean^2 / n``. In R:
    ``gamlss.dist::dPIG(mean, sigma = 1 / n)``.

    References
    ----------
    Sichel (1971), On a family of discrete distributions particularly suited to represent
    long-tailed frequency data. Willmot (1987), The Poisson-inverse Gaussian distribution as an
    alternative to the negative binomial, Scandinavian Actuarial Journal 1987, 113-127.
    """

    #: The recurrence of Q_y has derivatives of its own.
    differentiable = False

    params = {"mean": Positive(), "n": Reciprocal(low=1e-8, high=1e20)}
    roles = {"mean": Role.MEAN, "n": Role.SHAPE}
    support = COUNTS
    limit_meaning = {("n", "upper"): "the Poisson distribution"}

    def _moments(self, mean: Any, n: Any) -> tuple[Any, Any]:
        return mean, mean + mean * (mean / n)

    def _log_prob(self, y: Any, mean: Any, n: Any) -> np.ndarray:
        w = np.sqrt(1.0 + 2.0 * mean / n)
        rate, some = mean / w, np.where(y > 0, y, 1.0)
        # y log rate - log y! without terms that cancel: the Poisson's at rate, plus rate.
        base = some * log_ratio(rate, some + 0.0 * rate, rate - some) + some
        base = base - 0.5 * np.log(some) - HALF_LOG_2PI - correction(some)
        base = np.where(y > 0, base, 0.0)
        return base - 2.0 * mean / (1.0 + w) + log_bessel_polynomial(y, 1.0 / (n * w))[0]

    def _slopes(self, y: Any, mean: Any, n: Any) -> tuple[np.ndarray, ...]:
        """Derivatives of log p in l = log m and s = 1 / n: l, s, ll, ls, ss, elementwise."""
        s = 1.0 / n
        a = mean * s
        w2 = 1.0 + 2.0 * a
        w = np.sqrt(w2)
        w3, w4, w5 = w * w2, w2 * w2, w * w2 * w2
        _, d, e = log_bessel_polynomial(y, s / w)
        # Of t = s / w, of 2 m / (1 + w) = (w - 1) / s, which is b, and of log w.
        tl, ts = -a * s / w3, (1.0 + a) / w3
        b = 2.0 * mean / (1.0 + w)
        return (
            y * (1.0 + a) / w2 - mean / w + d * tl,
            0.5 * b * b / w - y * mean / w2 + d * ts,
            -mean * (1.0 + a) / w3 - y * a / w4 + d * a * s * (a - 1.0) / w5 + e * tl * tl,
            mean**2 / w3 - y * mean / w4 - d * a * (2.0 + a) / w5 + e * tl * ts,
            -0.5 * b * b * (b / w2 + mean / w3)
            + 2.0 * y * mean**2 / w4
            - d * mean * (2.0 + a) / w5
            + e * ts * ts,
        )

    def _score(self, y: Any, mean: Any, n: Any) -> np.ndarray:
        first, second = self._slopes(y, mean, n)[:2]
        # s = sinh(eta).
        return np.stack(np.broadcast_arrays(first, np.sqrt(1.0 + n**-2.0) * second), axis=1)

    def _observed(self, y: Any, mean: Any, n: Any) -> np.ndarray:
        _, second, ll, ls, ss = self._slopes(y, mean, n)
        chain = np.sqrt(1.0 + n**-2.0)
        out = np.empty((max(len(y), len(mean)), 2, 2))
        out[:, 0, 0] = -ll
        out[:, 0, 1] = out[:, 1, 0] = -chain * ls
        out[:, 1, 1] = -(chain**2 * ss + second / n)
        return out

    def _spread(self, mean: float, n: float) -> tuple[float, float, float]:
        return mean, np.sqrt(mean + mean * (mean / n)), 1.0 + 2.0 * mean / n

    # ---------------------------------------------------------------------- data, sampling

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """All counts zero: n is not determined."""
        self._refuse_all_zero(rows, summary, "'poisson', whose fit ends at rate = 0")

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        # By moments; half a count is added to keep the mean positive.
        mean = average(y, weight) + 0.5 / len(y)
        excess = average((y - mean) ** 2, weight) - mean
        # Where the variance is below the mean: one tenth more than the Poisson's.
        return {"mean": mean, "n": min(mean * mean / max(excess, 0.1 * mean), 1e10)}

    def _sample(self, rng: np.random.Generator, n_rows: int, mean: Any, n: Any) -> np.ndarray:
        # numpy's draws lose all digits where the shape is far above the mean squared.
        rate = np.where(n < 1e12, rng.wald(mean, np.minimum(n, 1e12) * mean, n_rows), mean)
        return rng.poisson(np.minimum(rate, 9e18)).astype(np.float64)

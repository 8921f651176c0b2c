"""The beta distribution by its mean and precision, as beta regression has it."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.bijectors import Positive, Unit
from natfit.distributions.contract.declared import Role, Width
from natfit.distributions.contract.regular import Regular
from natfit.distributions.forms.tight import TightBeta, about_centre
from natfit.distributions.interval.beta import Beta
from natfit.numerics.incomplete import beta_slopes
from natfit.rows import Rows


class BetaMean(Beta):
    """The beta distribution of y between 0 and 1 with mean m and precision phi.

    The density is that of ``beta`` with a = m phi and b = (1 - m) phi; the variance is
    m (1 - m) / (1 + phi). eta = (logit mean, log precision).

    These are the parameters of betareg in R and of ``BetaModel`` in statsmodels (Ferrari and
    Cribari-Neto, 2004); sigma of gamlss' ``BE`` is 1 / sqrt(1 + phi). Everything is computed from
    a and b, which stay exact where 1 - m rounds to zero: the closed forms take them in place of
    the mean.

    Mean ``mean``, variance ``mean (1 - mean) / (1 + precision)``. In R:
    ``dbeta(mean * precision, (1 - mean) * precision)``.

    Matches ``scipy.stats.beta(a=mean * precision, b=(1 - mean) * precision)``.
    """

    params = {"mean": Unit(), "precision": Positive()}
    roles = {"mean": Role.MEAN, "precision": Role.SHAPE}
    widths = {"precision": Width(-0.5, least=1.0)}
    _window_ends: tuple = ()
    # Of a precision of 1 a share of the probability lies within rounding of one.
    usual = {"precision": 5.0}

    def _arguments(self, eta: Any) -> tuple:
        """a and b."""
        odds, size = eta[:, 0], eta[:, 1]
        low = size - anp.logaddexp(0.0, -odds)
        return anp.exp(low), anp.exp(size - anp.logaddexp(0.0, odds))

    def _log_prob_eta(self, y: Any, eta: Any) -> Any:
        return self._log_prob(y, *self._arguments(eta))

    def _score(self, y: Any, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        score, s = super()._score(y, a, b).T, a + b
        return np.stack([score[0] * (b / s) - score[1] * (a / s), score[0] + score[1]], axis=1)

    def _observed(self, y: Any, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        score, s = super()._score(y, a, b).T, a + b
        p, q = a / s, b / s
        total = score[0] + score[1]
        # The second derivatives of log a and log b in the logit of the mean are both -p q, and
        # the negative Hessian in (log a, log b) is the information minus the score.
        out = np.repeat(self._fisher(a, b), max(len(total) // len(a), 1), axis=0)
        out[:, 0, 0] += p * q * total - (q * q * score[0] + p * p * score[1])
        cross = q * score[0] - p * score[1]
        out[:, 0, 1] -= cross
        out[:, 1, 0] -= cross
        out[:, 1, 1] -= total
        return out

    def _fisher(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        f, s = super()._fisher(a, b), a + b
        first, both, second = f[:, 0, 0], f[:, 0, 1], f[:, 1, 1]
        p, q = a / s, b / s
        out = np.empty_like(f)
        out[:, 0, 0] = q * q * first - 2.0 * p * q * both + p * p * second
        out[:, 0, 1] = out[:, 1, 0] = q * (first + both) - p * (both + second)
        out[:, 1, 1] = first + 2.0 * both + second
        return out

    def _log_cdf(self, y: Any, mean: Any, precision: Any) -> np.ndarray:
        return super()._log_cdf(y, mean * precision, (1.0 - mean) * precision)

    def _log_sf(self, y: Any, mean: Any, precision: Any) -> np.ndarray:
        return super()._log_sf(y, mean * precision, (1.0 - mean) * precision)

    def _tail_slopes(self, y: np.ndarray, a: Any, b: Any) -> tuple[np.ndarray, np.ndarray]:
        (in_a, in_b), (aa, ab, bb) = beta_slopes(a, b, y, 1.0 - y)
        p, q = a / (a + b), b / (a + b)
        both = q * (aa + ab) - p * (ab + bb)
        # The second derivatives of log a and log b in the logit of the mean are both -p q.
        odds = q * q * aa - 2.0 * p * q * ab + p * p * bb - p * q * (in_a + in_b)
        first = np.stack([q * in_a - p * in_b, in_a + in_b])
        return first, np.stack([odds, both, both, aa + 2.0 * ab + bb]).reshape(2, 2, -1)

    def regular(self, rows: Rows) -> Regular | None:
        """The mean about that of the rows, where these nearly coincide."""
        return about_centre(_Tight, self, rows, lambda centre: centre * (1.0 - centre))

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        own = super()._initial(y, weight)
        size = own["a"] + own["b"]
        return {"mean": min(own["a"] / size, 1.0 - 1e-16), "precision": size}

    def _sample(self, rng: np.random.Generator, n: int, mean: Any, precision: Any) -> np.ndarray:
        return super()._sample(rng, n, mean * precision, (1.0 - mean) * precision)

    def _moments(self, mean: Any, precision: Any) -> tuple[Any, Any]:
        return super()._moments(mean * precision, (1.0 - mean) * precision)

    def _quantile(self, p: Any, upper: bool, mean: Any, precision: Any) -> np.ndarray:
        return super()._quantile(p, upper, mean * precision, (1.0 - mean) * precision)

    def _to_scipy(self, mean: Any, precision: Any) -> Any:
        return super()._to_scipy(mean * precision, (1.0 - mean) * precision)


class _Tight(TightBeta):
    """The same about the mean of the rows: eta = (logit(mean) - logit(centre), log precision)."""

    @property
    def _middle(self) -> float:
        return float(np.log(self.centre) - np.log1p(-self.centre))

    def to_own(self, eta: np.ndarray) -> np.ndarray:
        """(logit mean, log precision)."""
        return np.array([self._middle + eta[0], eta[1]])

    def from_own(self, eta: np.ndarray) -> np.ndarray:
        """Return eta (2,) for the family's."""
        return np.array([eta[0] - self._middle, eta[1]])

    def jacobian(self, eta: np.ndarray) -> np.ndarray:
        """Derivatives (2, 2) of (logit mean, log precision)."""
        return np.eye(2)

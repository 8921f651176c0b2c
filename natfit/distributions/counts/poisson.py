"""The Poisson distribution: numbers of independent events."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
from scipy import special

from natfit.bijectors import Positive
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.start import mean, median
from natfit.distributions.contract.support import COUNTS
from natfit.distributions.forms.exponential_family import Canonical
from natfit.linops.row_curvature import Entries, RowCurvature
from natfit.numerics.tails import log_gammainc, log_gammaincc

#: Rate from which on Bessel functions are their asymptotic expansions.
_BESSEL = 1e8

#: Number of rows above which log y! is taken from a table, and the table's length.
_FEW, _TABLE = 1_000, 10_000


class Poisson(Canonical):
    """The Poisson distribution of counts y = 0, 1, 2, ...

    ``log p(y) = y log rate - rate - log y!``; eta = (log rate), Fisher information rate.
    If all rows are zero, the maximum is at rate = 0: the fit ends at the boundary.

    Mean ``rate``, variance ``rate``. In R: ``dpois(rate)``.

    Matches ``scipy.stats.poisson(mu=rate)``.
    """

    # exp(-1e-8) is 1 to eight digits: a smaller rate is the boundary rate = 0.
    params = {"rate": Positive(low=1e-8)}
    roles = {"rate": Role.MEAN}
    zero_ends = (("rate", "lower"),)
    support = COUNTS
    limit_meaning = {("rate", "lower"): "all counts are zero"}
    mean_names = ("E[y]",)

    def statistics(self, y: Any) -> tuple:
        """The sufficient statistic and the carrier, (y, log y!), (n,) each."""
        return y if isinstance(y, tuple) else (y, _log_factorial(y))

    def _log_prob(self, y: Any, rate: Any) -> Any:
        value, log_factorial = self.statistics(y)
        return value * anp.log(rate) - rate - log_factorial

    def _value(self, y: Any) -> np.ndarray:
        """Return the first statistic alone: log y! costs 20 times the rest."""
        return y[0] if isinstance(y, tuple) else y

    def _score(self, y: Any, rate: np.ndarray) -> np.ndarray:
        return (self._value(y) - rate)[:, None]

    def _fisher(self, rate: np.ndarray) -> np.ndarray:
        return rate[:, None, None]

    def curvature(self, eta: np.ndarray) -> RowCurvature:
        """The rate of each row."""
        return Entries(1, {(0, 0): np.exp(eta[:, 0])})

    def _kl(self, rate: Any, rate2: Any) -> np.ndarray:
        log_ratio = np.log(rate2 / rate)
        return rate * (np.expm1(log_ratio) - log_ratio)

    def _log_cdf(self, y: np.ndarray, rate: Any) -> np.ndarray:
        return log_gammaincc(np.floor(y) + 1.0, rate)

    def _log_sf(self, y: np.ndarray, rate: Any) -> np.ndarray:
        return log_gammainc(np.floor(y) + 1.0, rate)

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        # The median is rate - 1/3 + O(1 / rate). Where it is zero, the share of zeros, exp(-rate),
        # is used instead; half a row keeps this share inside (0, 1).
        middle = median(y, weight)
        if middle > 0:
            return {"rate": middle + 1.0 / 3.0}
        zeros = mean(y == 0, weight) * len(y)
        return {"rate": -np.log((zeros + 0.5) / (len(y) + 1.0))}

    def _sample(self, rng: np.random.Generator, n: int, rate: Any) -> np.ndarray:
        # numpy draws no more than a 64-bit integer holds.
        return rng.poisson(np.minimum(rate, 9e18), n).astype(np.float64)

    def _moments(self, rate: Any) -> tuple[Any, Any]:
        return rate, rate

    def _quantile(self, p: Any, upper: bool, rate: Any) -> np.ndarray:
        return special.pdtrik(1.0 - p if upper else p, rate)

    def _crps(self, y: Any, rate: Any) -> np.ndarray:
        k = np.floor(y)
        below = np.where(k < 0.0, 0.0, special.pdtr(np.maximum(k, 0.0), rate))
        p = np.where(k < 0.0, 0.0, np.exp(special.xlogy(k, rate) - rate - special.gammaln(k + 1.0)))
        # scipy has no Bessel functions of larger arguments; the next term is below rounding.
        small = np.minimum(rate, _BESSEL)
        spread = special.ive(0, 2.0 * small) + special.ive(1, 2.0 * small)
        large = (1.0 - 0.0625 / rate) / np.sqrt(np.pi * rate)
        spread = np.where(rate > _BESSEL, large, spread)
        return (y - rate) * (2.0 * below - 1.0) + 2.0 * rate * p - rate * spread

    def _to_scipy(self, rate: Any) -> Any:
        from scipy.stats import poisson

        return poisson(mu=float(rate))

    def _to_mean(self, origin: tuple, rate: Any) -> tuple:
        return (rate,)

    def _from_mean(self, origin: tuple, first: Any) -> dict[str, Any]:
        return {"rate": first}


def _log_factorial(y: np.ndarray) -> np.ndarray:
    """Log y!, from a table where there are many small counts: gammaln costs 18 ns per value."""
    if len(y) > _FEW and 0 <= y.min() and y.max() < _TABLE:
        count = y.astype(np.intp)
        if np.array_equal(count, y):
            return special.gammaln(np.arange(1.0, count.max() + 2.0))[count]
    return special.gammaln(y + 1.0)

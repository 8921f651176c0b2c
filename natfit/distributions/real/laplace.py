"""The Laplace distribution of real numbers."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.bijectors import Positive, Real
from natfit.distributions.base import Distribution
from natfit.distributions.contract.checks import refuse_constant, refuse_extreme
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.start import location_scale
from natfit.distributions.contract.support import REAL
from natfit.distributions.contract.velocity import stretched
from natfit.distributions.forms.joined import joined_tables, rows_of_table
from natfit.rows import Rows, distance, mean_over, table_of

_LOG_2 = 0.6931471805599453

#: Distance of a row from loc, in units of the scale and of the size of y, that is rounding.
_AT, _SIZE = 1e-11, 1e-14


class Laplace(Distribution):
    """The Laplace (double exponential) distribution about loc.

    ``log p(y) = -|y - loc| / scale - log(2 scale)`` for real y; eta = (loc, log scale), Fisher
    information diag(1 / scale^2, 1). Data that are all equal have no maximum and are refused.

    Mean ``loc``, variance ``2 scale^2``. In R: ``VGAM::dlaplace(loc, scale)``.

    Matches ``scipy.stats.laplace(loc, scale)``.

    Notes
    -----
    The score in loc is ``sign(y - loc) / scale``, which jumps at every row, so that its sum need
    not be zero at the optimum. For a summary of all rows (the distinct values with their shares
    of the weight) the score is therefore the element of the subdifferential that is nearest to
    zero; it is zero at every weighted median. The optimum has a closed form, the median and the
    mean absolute deviation from it. A fit starts there, and so ends at once; if it is given
    another start, its end is compared with the closed form. The score of a row at loc, within the
    rounding of a prediction, is the middle of its subdifferential, zero. The observed information
    of loc is zero almost everywhere: standard errors use the Fisher information.

    Source: Johnson, Kotz and Balakrishnan (1995), Continuous Univariate Distributions 2, ch. 24.
    """

    params = {"loc": Real(), "scale": Positive()}
    roles = {"loc": Role.LOCATION, "scale": Role.SCALE}
    support = REAL
    summary_proves_support = True

    def kinks(self, eta: np.ndarray) -> np.ndarray:
        """Values of y at which the log-density of eta (K,) has no derivative."""
        return eta[:1]

    def sufficient(self, rows: Rows) -> tuple:
        """Distinct values (1, M) and their shares (1, M) of the weight."""
        values, count = table_of(rows)
        return values[None], (count / count.sum())[None]

    joined_summaries = staticmethod(joined_tables)
    tabulated = staticmethod(rows_of_table)

    def _deviation(self, y: Any, loc: Any) -> Any:
        """|y - loc| of rows (n,), or its mean (1,) of a summary."""
        values = y[0] if isinstance(y, tuple) else y
        gap = values - loc
        # For autograd not abs, whose second derivative it computes as rounding instead of zero.
        gap = np.abs(gap) if isinstance(gap, np.ndarray) else anp.where(gap > 0, gap, -gap)
        return anp.sum(y[1] * gap, axis=1) if isinstance(y, tuple) else gap

    def _sign(self, y: Any, loc: Any, scale: Any) -> np.ndarray:
        """sign(y - loc) of rows, 0 at loc; of a summary the subgradient that is nearest to zero."""
        if not isinstance(y, tuple):
            return np.where(_at(y, loc, scale), 0.0, np.sign(y - loc))
        values, share = y
        total = np.sum(share * np.sign(values - loc), axis=1)
        # Rows equal to loc may contribute any number between -1 and 1 times their share.
        tied = np.sum(share * (values == loc), axis=1) + 1e-15
        return np.sign(total) * np.maximum(np.abs(total) - tied, 0.0)

    def kink_sum(
        self, y: Any, weight: np.ndarray | None, eta: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Half widths (2,) of the subdifferential, and curvatures (2,), of a sum over rows.

        Rows at loc may contribute any number between -1 and 1 over the scale. The information of
        loc is that of the density at the kink, 1 / scale^2 a row.

        Returns
        -------
        half, curvature : ndarray of shape (2,)
            Zero in the scale.
        """
        loc, scale = (v[0] for v in self.native(eta))
        weight = np.ones(len(y)) if weight is None else weight
        tied, total = weight[_at(y, loc, scale)].sum(), weight.sum()
        return np.array([tied / scale, 0.0]), np.array([total / scale**2, 0.0])

    def _log_prob(self, y: Any, loc: Any, scale: Any) -> Any:
        return -self._deviation(y, loc) / scale - anp.log(scale) - _LOG_2

    def _score(self, y: Any, loc: Any, scale: Any) -> np.ndarray:
        sign, gap = self._sign(y, loc, scale), self._deviation(y, loc)
        return np.stack([sign / scale, gap / scale - 1.0], axis=1)

    def _observed(self, y: Any, loc: Any, scale: Any) -> np.ndarray:
        sign = self._sign(y, loc, scale)
        out = np.zeros((len(sign), 2, 2))
        out[:, 0, 1] = out[:, 1, 0] = sign / scale
        out[:, 1, 1] = self._deviation(y, loc) / scale
        return out

    def _fisher(self, loc: Any, scale: Any) -> np.ndarray:
        out = np.zeros((len(scale), 2, 2))
        out[:, 0, 0] = scale**-2.0
        out[:, 1, 1] = 1.0
        return out

    def _kl(self, loc: Any, scale: Any, loc2: Any, scale2: Any) -> np.ndarray:
        log_ratio, gap = np.log(scale / scale2), np.abs(loc - loc2) / scale
        return np.expm1(log_ratio) - log_ratio + scale / scale2 * (gap + np.expm1(-gap))

    def _entropy(self, eta: Any) -> Any:
        return eta[:, 1] + 1.0 + _LOG_2

    def _mode(self, eta: np.ndarray) -> np.ndarray:
        return eta[:, 0].copy()

    def _log_cdf(self, y: Any, loc: Any, scale: Any) -> np.ndarray:
        z = (y - loc) / scale
        upper = np.log1p(-0.5 * np.exp(-np.maximum(z, 0.0)))
        return np.where(z < 0, z - _LOG_2, upper)

    def _log_sf(self, y: Any, loc: Any, scale: Any) -> np.ndarray:
        return self._log_cdf(-y, -loc, scale)

    def _velocity(self, y: np.ndarray, loc: Any, scale: Any) -> tuple[np.ndarray, np.ndarray]:
        return stretched(y - loc)

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """All rows alike: scale -> 0 and the likelihood grows without limit."""
        refuse_constant(rows, "Laplace")
        refuse_extreme(rows, "Laplace")

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        # The median absolute deviation is scale log 2.
        loc, scale = location_scale(y, weight)
        return {"loc": loc, "scale": scale / 1.0276}

    def refine_start(self, rows: Rows, eta: np.ndarray) -> np.ndarray:
        """The closed form of :meth:`nested_start`."""
        return self.nested_start(rows)

    def nested_start(self, rows: Rows) -> np.ndarray:
        """The optimum itself: the weighted median and the mean absolute deviation from it."""
        loc = _median(*table_of(rows))
        return self.eta(loc=loc, scale=mean_over(rows, distance, loc))

    def _sample(self, rng: np.random.Generator, n: int, loc: Any, scale: Any) -> np.ndarray:
        return rng.laplace(loc, scale, n)

    def _moments(self, loc: Any, scale: Any) -> tuple[Any, Any]:
        return loc, 2.0 * np.square(scale)

    def _quantile(self, p: Any, upper: bool, loc: Any, scale: Any) -> np.ndarray:
        z = np.where(p < 0.5, np.log(2.0 * p), -np.log(2.0 * (1.0 - p)))
        return loc + scale * (-z if upper else z)

    def _crps(self, y: Any, loc: Any, scale: Any) -> np.ndarray:
        z = np.abs(y - loc) / scale
        return scale * (z + np.exp(-z) - 0.75)

    def _to_scipy(self, loc: Any, scale: Any) -> Any:
        from scipy.stats import laplace

        return laplace(loc=float(loc), scale=float(scale))


def _at(y: Any, loc: Any, scale: Any) -> np.ndarray:
    """Tell which rows lie at loc, but for the rounding of a prediction."""
    found: np.ndarray = np.abs(y - loc) <= _AT * scale + _SIZE * np.abs(y)
    return found


def _median(values: np.ndarray, weight: np.ndarray) -> float:
    """Middle of the values (M,) that have at most half of the weight on either side."""
    mass = np.cumsum(weight) / weight.sum()
    low, high = (int(np.searchsorted(mass, 0.5 + s * 1e-12)) for s in (-1, 1))
    last = len(values) - 1
    return 0.5 * float(values[min(low, last)] + values[min(high, last)])

"""The normal distribution of real numbers."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
from scipy import special
from scipy.special import log_ndtr

from natfit.bijectors import Positive, Real
from natfit.distributions.contract.checks import refuse_constant
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.start import location_scale
from natfit.distributions.contract.support import REAL
from natfit.distributions.contract.velocity import stretched
from natfit.distributions.forms.exponential_family import ExponentialFamily
from natfit.distributions.forms.gaussian_distances import energy_distance, energy_metric
from natfit.distributions.forms.joined import joined_moments
from natfit.distributions.forms.standard import NORMAL, Standard
from natfit.linops.row_curvature import Entries, RowCurvature
from natfit.rows import Rows, moments_over

_LOG_2PI = 1.8378770664093453

#: Smallest accepted variance, and the reciprocal of the largest: beyond, derivatives overflow.
_TINY = 1e-280


class Normal(ExponentialFamily):
    """The normal distribution, the paper's N(mu, sigma^2).

    ``log p(y) = -1/2 log(2 pi) - log scale - (y - loc)^2 / (2 scale^2)`` for real y;
    eta = (loc, log scale), Fisher information diag(1 / scale^2, 2).

    Mean ``loc``, variance ``scale^2``. In R: ``dnorm(loc, scale)``.

    Matches ``scipy.stats.norm(loc, scale)``.
    """

    params = {"loc": Real(), "scale": Positive()}
    roles = {"loc": Role.LOCATION, "scale": Role.SCALE}
    support = REAL
    _open_rows = Standard(NORMAL)
    summary_proves_support = True

    def statistics(self, y: Any) -> tuple:
        """Mean and mean square deviation from it; for single rows, (y, 0)."""
        return y if isinstance(y, tuple) else (y, 0.0)

    def _log_prob(self, y: Any, loc: Any, scale: Any) -> Any:
        mean, spread = self.statistics(y)
        return -0.5 * ((mean - loc) ** 2 + spread) / scale**2 - anp.log(scale) - 0.5 * _LOG_2PI

    def _score(self, y: Any, loc: np.ndarray, scale: np.ndarray) -> np.ndarray:
        mean, spread = self.statistics(y)
        z = (mean - loc) / scale
        out = np.empty((2, len(z)))
        np.divide(z, scale, out=out[0])
        out[1] = z * z + spread / scale**2 - 1.0
        return out.T

    def _observed(self, y: Any, loc: np.ndarray, scale: np.ndarray) -> np.ndarray:
        mean, spread = self.statistics(y)
        z = (mean - loc) / scale
        out = np.empty((len(z), 2, 2))
        out[:, 0, 0] = 1.0 / scale**2
        out[:, 0, 1] = out[:, 1, 0] = 2.0 * z / scale
        out[:, 1, 1] = 2.0 * (z * z + spread / scale**2)
        return out

    def _fisher(self, loc: np.ndarray, scale: np.ndarray) -> np.ndarray:
        out = np.zeros((len(loc), 2, 2))
        out[:, 0, 0] = scale**-2.0
        out[:, 1, 1] = 2.0
        return out

    def curvature(self, eta: np.ndarray) -> RowCurvature:
        """diag(1 / scale^2, 2) of each row."""
        return Entries(2, {(0, 0): np.exp(-2.0 * eta[:, 1]), (1, 1): 2.0})

    def _kl(self, loc: Any, scale: Any, loc2: Any, scale2: Any) -> np.ndarray:
        log_ratio = np.log(scale / scale2)
        return 0.5 * (np.expm1(2 * log_ratio) + ((loc - loc2) / scale2) ** 2) - log_ratio

    def _wasserstein(self, loc: np.ndarray, scale: np.ndarray) -> RowCurvature:
        return Entries(2, {(0, 0): 1.0, (1, 1): np.square(scale)})

    def _half_square_wasserstein(self, loc: Any, scale: Any, loc2: Any, scale2: Any) -> np.ndarray:
        return 0.5 * (np.square(loc - loc2) + np.square(scale - scale2))

    def _energy(self, loc: np.ndarray, scale: np.ndarray) -> RowCurvature:
        return Entries(2, dict(zip(((0, 0), (1, 1)), energy_metric(scale), strict=True)))

    def _energy_distance(self, loc: Any, scale: Any, loc2: Any, scale2: Any) -> np.ndarray:
        return energy_distance(loc, scale, loc2, scale2)

    def _entropy(self, eta: Any) -> Any:
        return eta[:, 1] + 0.5 * (1.0 + _LOG_2PI)

    def _mode(self, eta: np.ndarray) -> np.ndarray:
        return eta[:, 0].copy()

    def _log_cdf(self, y: np.ndarray, loc: Any, scale: Any) -> np.ndarray:
        return log_ndtr((y - loc) / scale)

    def _log_sf(self, y: np.ndarray, loc: Any, scale: Any) -> np.ndarray:
        return log_ndtr((loc - y) / scale)

    def _velocity(self, y: np.ndarray, loc: Any, scale: Any) -> tuple[np.ndarray, np.ndarray]:
        return stretched(y - loc)

    def sufficient(self, rows: Rows) -> tuple:
        """Mean and mean square deviation, accumulated about zero or about the mean.

        About zero if the mean is at most ten standard deviations away from it, which costs no
        more than two digits. Else a second pass is made about the mean that the first one gave;
        NIST's NumAcc4 needs this.

        Returns
        -------
        tuple of ndarray of shape (1,)
            Both.
        """
        mean, spread = moments_over(rows, 0.0)
        if not mean * mean <= 100.0 * spread:
            # About the mean, not about some row, which could be an outlier.
            shift = mean if np.isfinite(mean) else float(rows.row(rows.n // 2).y[0])
            mean, spread = moments_over(rows, shift)
        return (np.array([mean]), np.array([spread]))

    def joined_summaries(self, one: Any, weight: float, two: Any, other: float) -> Any | None:
        """Mean, and mean square deviation about it, of both parts."""
        return joined_moments(one, weight, two, other)

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """All rows alike: scale -> 0 and the likelihood grows without limit."""
        if summary is None or not _TINY < summary[1][0] < 1.0 / _TINY:
            refuse_constant(rows, type(self).__name__)
            low, high = rows.extent()
            raise ValueError(
                f"y must have a variance between {_TINY:g} and {1.0 / _TINY:g} for Normal, got "
                f"values from {low:g} to {high:g}; divide them by their size"
            )

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        loc, scale = location_scale(y, weight)
        return {"loc": loc, "scale": scale}

    def _sample(self, rng: np.random.Generator, n: int, loc: Any, scale: Any) -> np.ndarray:
        return rng.normal(loc, scale, n)

    def _moments(self, loc: Any, scale: Any) -> tuple[Any, Any]:
        return loc, np.square(scale)

    def _quantile(self, p: Any, upper: bool, loc: Any, scale: Any) -> np.ndarray:
        z = special.ndtri(p)
        return loc + scale * (-z if upper else z)

    def _crps(self, y: Any, loc: Any, scale: Any) -> np.ndarray:
        z = (y - loc) / scale
        density = np.exp(-0.5 * np.square(z)) * np.sqrt(2.0 / np.pi)
        return scale * (z * special.erf(z / np.sqrt(2.0)) + density - 1.0 / np.sqrt(np.pi))

    def _to_scipy(self, loc: Any, scale: Any) -> Any:
        from scipy.stats import norm

        return norm(loc=float(loc), scale=float(scale))

    def _to_mean(self, origin: tuple, loc: Any, scale: Any) -> tuple:
        gap = loc - origin[0]
        return gap, scale**2 + gap**2

    def _from_mean(self, origin: tuple, first: Any, second: Any) -> dict[str, Any]:
        return {"loc": origin[0] + first, "scale": anp.sqrt(second - first**2)}

    mean_names = ("E[y - c]", "E[(y - c)^2]")

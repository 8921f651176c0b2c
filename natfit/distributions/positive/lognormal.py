"""The lognormal distribution of positive numbers."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
from scipy import special

from natfit.bijectors import Positive
from natfit.distributions.contract.checks import ROUNDING, refuse_constant
from natfit.distributions.contract.declared import Role, Width
from natfit.distributions.contract.start import location_scale
from natfit.distributions.contract.support import POSITIVE
from natfit.distributions.contract.velocity import powered
from natfit.distributions.forms.exponential_family import ExponentialFamily
from natfit.distributions.forms.joined import joined_moments
from natfit.distributions.forms.standard import NORMAL, Standard
from natfit.linops.row_curvature import Entries, RowCurvature
from natfit.rows import Rows, moments_over

_HALF_LOG_2PI = 0.9189385332046727


class Lognormal(ExponentialFamily):
    """The lognormal distribution of positive y: log y is normal(log scale, shape^2).

    With z = (log y - log scale) / shape,
    ``log p(y) = -1/2 log(2 pi) - log shape - log y - z^2 / 2``; scale is the median.
    eta = (log shape, log scale), Fisher information diag(2, 1 / shape^2).

    Only data whose rows are all equal have no maximum (shape -> 0): they are refused.

    Mean ``scale exp(shape^2 / 2)``, variance ``scale^2 exp(shape^2) (exp(shape^2) - 1)``. In R:
    ``dlnorm(log(scale), shape)``.

    Matches ``scipy.stats.lognorm(s=shape, scale=scale)``.
    """

    params = {"shape": Positive(), "scale": Positive()}
    roles = {"shape": Role.POWER, "scale": Role.SCALE}
    widths = {"shape": Width(1.0)}
    support = POSITIVE
    _open_rows = Standard(NORMAL, 0, 1, log=True)
    _log_name = "the normal distribution"
    # The logarithm of a number <= 0 is not finite.
    summary_proves_support = True
    mean_names = ("E[(log y - c)^2]", "E[log y - c]")

    def statistics(self, y: Any) -> tuple:
        """Mean of log y and mean square deviation from it; for single rows, (log y, 0)."""
        return y if isinstance(y, tuple) else (anp.log(y), 0.0)

    def _log_prob(self, y: Any, shape: Any, scale: Any) -> Any:
        log, spread = self.statistics(y)
        square = ((log - anp.log(scale)) ** 2 + spread) / shape**2
        return -0.5 * square - log - anp.log(shape) - _HALF_LOG_2PI

    def _score(self, y: Any, shape: np.ndarray, scale: np.ndarray) -> np.ndarray:
        log, spread = self.statistics(y)
        z = (log - np.log(scale)) / shape
        out = np.empty((2, len(z)))
        out[0] = z * z + spread / shape**2 - 1.0
        np.divide(z, shape, out=out[1])
        return out.T

    def _observed(self, y: Any, shape: np.ndarray, scale: np.ndarray) -> np.ndarray:
        log, spread = self.statistics(y)
        z = (log - np.log(scale)) / shape
        out = np.empty((len(z), 2, 2))
        out[:, 0, 0] = 2.0 * (z * z + spread / shape**2)
        out[:, 0, 1] = out[:, 1, 0] = 2.0 * z / shape
        out[:, 1, 1] = shape**-2.0
        return out

    def _fisher(self, shape: np.ndarray, scale: np.ndarray) -> np.ndarray:
        out = np.zeros((len(shape), 2, 2))
        out[:, 0, 0] = 2.0
        out[:, 1, 1] = shape**-2.0
        return out

    def curvature(self, eta: np.ndarray) -> RowCurvature:
        """diag(2, 1 / shape^2) of each row."""
        return Entries(2, {(0, 0): 2.0, (1, 1): np.exp(-2.0 * eta[:, 0])})

    def _kl(self, shape: Any, scale: Any, shape2: Any, scale2: Any) -> np.ndarray:
        ratio = np.log(shape / shape2)
        gap = np.log(scale / scale2) / shape2
        return 0.5 * (np.expm1(2.0 * ratio) + gap**2) - ratio

    def _log_cdf(self, y: Any, shape: Any, scale: Any) -> np.ndarray:
        return special.log_ndtr(np.log(y / scale) / shape)

    def _log_sf(self, y: Any, shape: Any, scale: Any) -> np.ndarray:
        return special.log_ndtr(-np.log(y / scale) / shape)

    def _velocity(self, y: np.ndarray, shape: Any, scale: Any) -> tuple[np.ndarray, np.ndarray]:
        return powered(y, np.log(y / scale), 1.0)

    def sufficient(self, rows: Rows) -> tuple:
        """Mean of log y and mean square deviation, about the mean of a few rows.

        The mean of a few rows is so near that of all that no digit of the spread is lost. Where
        it is not, because of an outlier, a second pass is made about the mean itself.

        Returns
        -------
        tuple of ndarray of shape (1,)
            Both.
        """
        with np.errstate(all="ignore"):
            shift = float(np.mean(np.log(rows.glance().y)))
            mean, spread = moments_over(rows, shift if np.isfinite(shift) else 0.0, np.log)
            if (mean - shift) ** 2 > 100.0 * spread:
                mean, spread = moments_over(rows, mean, np.log)
        return (np.array([mean]), np.array([spread]))

    def joined_summaries(self, one: Any, weight: float, two: Any, other: float) -> Any | None:
        """Mean of log y, and mean square deviation about it, of both parts."""
        return joined_moments(one, weight, two, other)

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """All rows alike: shape -> 0 and the likelihood grows without limit."""
        if summary is None or not summary[1][0] > 1e-20:
            refuse_constant(rows, type(self).__name__, relative=ROUNDING)

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        log = np.log(y)
        centre, spread = location_scale(log, weight)
        # Rows that are all equal do not determine the shape.
        return {"shape": spread if log.max() > log.min() else 1.0, "scale": np.exp(centre)}

    def _sample(self, rng: np.random.Generator, n: int, shape: Any, scale: Any) -> np.ndarray:
        return rng.lognormal(np.log(scale), shape, n)

    def _moments(self, shape: Any, scale: Any) -> tuple[Any, Any]:
        square = np.square(shape)
        with np.errstate(over="ignore"):
            mean = scale * np.exp(0.5 * square)
            return mean, np.square(mean) * np.expm1(square)

    def _quantile(self, p: Any, upper: bool, shape: Any, scale: Any) -> np.ndarray:
        z = special.ndtri(p)
        return scale * np.exp(shape * (-z if upper else z))

    def _crps(self, y: Any, shape: Any, scale: Any) -> np.ndarray:
        z = np.log(np.maximum(y, 0.0) / scale) / shape
        mean = scale * np.exp(0.5 * np.square(shape))
        part = special.ndtr(z - shape) + special.ndtr(shape / np.sqrt(2.0)) - 1.0
        return y * (2.0 * special.ndtr(z) - 1.0) - 2.0 * mean * part

    def _to_scipy(self, shape: Any, scale: Any) -> Any:
        from scipy.stats import lognorm

        return lognorm(s=float(shape), scale=float(scale))

    def _to_mean(self, origin: tuple, shape: Any, scale: Any) -> tuple:
        gap = np.log(scale / origin[1])
        return shape**2 + gap**2, gap

    def _from_mean(self, origin: tuple, second: Any, first: Any) -> dict[str, Any]:
        return {"shape": anp.sqrt(second - first**2), "scale": origin[1] * anp.exp(first)}

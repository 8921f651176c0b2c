"""The Birnbaum-Saunders distribution of positive numbers."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
from scipy import special

from natfit.bijectors import Positive
from natfit.distributions.base import Distribution
from natfit.distributions.contract.checks import ROUNDING, refuse_constant
from natfit.distributions.contract.declared import Role, Width
from natfit.distributions.contract.start import median
from natfit.distributions.contract.support import POSITIVE
from natfit.rows import Rows, means_over

_HALF_LOG_2PI = 0.9189385332046727

#: Median of |z| of a standard normal.
_QUARTILE = 0.6744897501960817


class BirnbaumSaunders(Distribution):
    """The Birnbaum-Saunders (fatigue life) distribution of positive y, such as times to failure.

    With t = log(y / scale), z = 2 sinh(t / 2) / shape is standard normal:
    ``log p(y) = -1/2 log(2 pi) - z^2 / 2 + log cosh(t / 2) - log shape - log y``; scale is the
    median. eta = (log shape, log scale), Fisher information diag(2, 1 / shape^2 + 1/2 - r / 4),
    r = E[1 / (1 + (shape z / 2)^2)] = c sqrt(pi / 2) exp(c^2 / 2) erfc(c / sqrt(2)), c = 2 / shape.

    The maximum is unique. Only data whose rows are all equal have none (shape -> 0): they are
    refused.

    Mean ``scale (1 + shape^2 / 2)``, variance ``scale^2 shape^2 (1 + 5 shape^2 / 4)``. In R:
    ``VGAM::dbisa(scale, shape)``.

    Matches ``scipy.stats.fatiguelife(c=shape, scale=scale)``.

    Source: Birnbaum and Saunders (1969), Journal of Applied Probability 6; Johnson, Kotz and
    Balakrishnan (1995), Continuous Univariate Distributions 2, ch. 33.
    """

    params = {"shape": Positive(), "scale": Positive()}
    roles = {"shape": Role.SHAPE, "scale": Role.SCALE}
    widths = {"shape": Width(1.0)}
    support = POSITIVE
    compare_after = 15

    def _log_prob(self, y: Any, shape: Any, scale: Any) -> Any:
        log = anp.log(y)
        half = 0.5 * (log - anp.log(scale))
        z = 2.0 * anp.sinh(half) / shape
        size = anp.abs(half)
        log_cosh = size + anp.log1p(anp.exp(-2.0 * size)) - np.log(2.0)
        return log_cosh - 0.5 * z * z - anp.log(shape) - log - _HALF_LOG_2PI

    def _score(self, y: Any, shape: Any, scale: Any) -> np.ndarray:
        t = np.log(y) - np.log(scale)
        out = np.empty((2, len(t)))
        np.subtract((2.0 * np.sinh(0.5 * t) / shape) ** 2, 1.0, out=out[0])
        np.subtract(np.sinh(t) / shape**2, 0.5 * np.tanh(0.5 * t), out=out[1])
        return out.T

    def _observed(self, y: Any, shape: Any, scale: Any) -> np.ndarray:
        t = np.log(y) - np.log(scale)
        out = np.empty((len(t), 2, 2))
        out[:, 0, 0] = 2.0 * (2.0 * np.sinh(0.5 * t) / shape) ** 2
        out[:, 0, 1] = out[:, 1, 0] = 2.0 * np.sinh(t) / shape**2
        out[:, 1, 1] = np.cosh(t) / shape**2 - 0.25 / np.cosh(0.5 * t) ** 2
        return out

    def _fisher(self, shape: np.ndarray, scale: np.ndarray) -> np.ndarray:
        c = 2.0 / shape
        rest = c * np.sqrt(0.5 * np.pi) * special.erfcx(c / np.sqrt(2.0))
        out = np.zeros((len(shape), 2, 2))
        out[:, 0, 0] = 2.0
        out[:, 1, 1] = shape**-2.0 + 0.5 - 0.25 * rest
        return out

    def _log_cdf(self, y: Any, shape: Any, scale: Any) -> np.ndarray:
        return special.log_ndtr(2.0 * np.sinh(0.5 * np.log(y / scale)) / shape)

    def _log_sf(self, y: Any, shape: Any, scale: Any) -> np.ndarray:
        return special.log_ndtr(-2.0 * np.sinh(0.5 * np.log(y / scale)) / shape)

    def _velocity(self, y: np.ndarray, shape: Any, scale: Any) -> tuple[np.ndarray, np.ndarray]:
        # At fixed z: dz / dy is cosh(t / 2) / (shape y). Neither changes with the shape.
        first = np.stack([2.0 * y * np.tanh(0.5 * np.log(y / scale)), y])
        return first, np.zeros((2, 2, len(y)))

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """All rows alike: shape -> 0 and the likelihood grows without limit."""
        refuse_constant(rows, type(self).__name__, relative=ROUNDING)

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        log = np.log(y)
        centre = median(log, weight)
        size = np.abs(2.0 * np.sinh(0.5 * (log - centre)))
        spread = median(size, weight)
        if not spread > 0:
            # More than half of the rows are equal: that of the others.
            other = size > 0
            some = None if weight is None else weight[other]
            spread = median(size[other], some) if other.any() else 1.0
        return {"shape": spread / _QUARTILE, "scale": np.exp(centre)}

    def refine_start(self, rows: Rows, eta: np.ndarray) -> np.ndarray:
        """A larger shape where z of the smallest or the largest row is too large."""
        # At the maximum the mean of z^2 is 1, so that no z exceeds the root of the weights' sum.
        reach = max(abs(np.log(float(end)) - eta[1]) for end in rows.extent())
        least = np.log(2.0) + 0.5 * reach - np.log(2.0) - 0.5 * np.log(rows.n + 1.0)
        return np.array([max(eta[0], least), eta[1]])

    def nested_start(self, rows: Rows) -> np.ndarray:
        """Eta (K,) of the modified moments: means of y and of 1 / y, near the optimum.

        A start at which z is large makes progress slowly. Source: Ng, Kundu and Balakrishnan
        (2003), Computational Statistics and Data Analysis 43.

        Returns
        -------
        ndarray of shape (2,)
            Eta.
        """
        unit = np.exp(0.5 * np.log(np.array(rows.extent(), dtype=float)).sum())
        up, down = means_over(rows, _moments, float(unit))
        shape = np.sqrt(2.0 * (np.sqrt(up * down) - 1.0))
        return self.eta(shape=shape, scale=unit * np.sqrt(up / down))

    def _sample(self, rng: np.random.Generator, n: int, shape: Any, scale: Any) -> np.ndarray:
        return scale * np.exp(2.0 * np.arcsinh(0.5 * shape * rng.standard_normal(n)))

    def _moments(self, shape: Any, scale: Any) -> tuple[Any, Any]:
        square = np.square(shape)
        return scale * (1.0 + 0.5 * square), np.square(scale) * square * (1.0 + 1.25 * square)

    def _quantile(self, p: Any, upper: bool, shape: Any, scale: Any) -> np.ndarray:
        z = special.ndtri(p)
        return scale * np.exp(2.0 * np.arcsinh(0.5 * shape * (-z if upper else z)))

    def _to_scipy(self, shape: Any, scale: Any) -> Any:
        from scipy.stats import fatiguelife

        return fatiguelife(c=float(shape), scale=float(scale))


def _moments(y: np.ndarray, unit: float) -> tuple[np.ndarray, np.ndarray]:
    return y / unit, unit / y

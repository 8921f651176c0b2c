"""The Gumbel distribution of maxima."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
from scipy import special

from natfit.distributions.contract.start import location_scale, quantile
from natfit.distributions.forms.location_scale import LocationScale
from natfit.distributions.forms.standard import GUMBEL, Standard
from natfit.numerics.special import log_double_tail
from natfit.rows import Rows, dot, total_weight, weighted_total

_EULER = 0.5772156649015329

#: Standard deviation of the normal distribution whose quartiles are as far apart as those of a
#: Gumbel distribution of scale 1.
_SPREAD = 1.17

#: The lowest row lies at most this many scales below loc at a start: exp(30) can be squared and
#: summed.
_DEEPEST = 30.0


class Gumbel(LocationScale):
    """The Gumbel distribution of maxima, the limit shape = 0 of the GEV.

    With z = (y - loc) / scale, ``log p(y) = -log scale - z - exp(-z)`` for real y;
    eta = (loc, log scale), Fisher information, with g = 1 - Euler's constant,
    ``[[1 / scale^2, -g / scale], [-g / scale, g^2 + pi^2 / 6]]``. For minima fit -y.
    The maximum exists and is unique unless all rows are equal, which is refused.

    Mean ``loc + EulerGamma scale``, variance ``pi^2 scale^2 / 6``. In R:
    ``evd::dgumbel(loc, scale)``.

    Matches ``scipy.stats.gumbel_r(loc, scale)``.

    Source: Johnson, Kotz and Balakrishnan (1995), Continuous Univariate Distributions 2, ch. 22.
    """

    standard_information = (1.0, _EULER - 1.0, (1.0 - _EULER) ** 2 + np.pi**2 / 6.0)
    spread = _SPREAD
    _open_rows = Standard(GUMBEL)

    def _kernel(self, z: Any) -> Any:
        return -z - anp.exp(-z)

    def _kernel_terms(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        u = np.exp(-z)
        return -z - u, u - 1.0, -u

    def sum_terms(
        self, y: Any, weight: np.ndarray | None, eta: np.ndarray
    ) -> tuple[float, np.ndarray, np.ndarray]:
        """Weighted sums of log p, its score (2,) and its negative Hessian (2, 2), eta (1, 2).

        All follow from the sums of z, u, z u and z^2 u, u = exp(-z).

        Returns
        -------
        value : float
            In nats.
        score : ndarray of shape (2,)
            In eta.
        observed : ndarray of shape (2, 2)
            In eta.
        """
        loc, scale = (v[0] for v in self.native(eta))
        z = y - loc
        z *= -1.0 / scale
        u = np.exp(z)
        n = total_weight(weight, len(z))
        z_sum = -weighted_total(z, weight)
        if weight is not None:
            u *= weight
        u_sum, zu = float(u.sum()), -dot(z, u)
        u *= z
        zzu = dot(z, u)
        value = -z_sum - u_sum - n * np.log(scale)
        score = np.array([(n - u_sum) / scale, z_sum - zu - n])
        mixed = (n - u_sum + zu) / scale
        return value, score, np.array([[u_sum / scale**2, mixed], [mixed, z_sum - zu + zzu]])

    def refine_start(self, rows: Rows, eta: np.ndarray) -> np.ndarray:
        """A wider scale where exp(-z) of the lowest row, unseen by the start, is too large."""
        return deep_enough(rows, eta)

    def _kl(self, loc: Any, scale: Any, loc2: Any, scale2: Any) -> np.ndarray:
        # With z = d + r Z of loc2, Z standard: E exp(-z) = exp(-d) Gamma(1 + r).
        ratio, gap = scale / scale2, (loc - loc2) / scale2
        log = special.gammaln(1.0 + ratio) - gap
        return np.expm1(log) + gap + _EULER * (ratio - 1.0) - np.log(ratio)

    def _entropy(self, eta: Any) -> Any:
        return eta[:, 1] + 1.0 + _EULER

    def _mode(self, eta: np.ndarray) -> np.ndarray:
        return eta[:, 0].copy()

    def _log_cdf(self, y: Any, loc: Any, scale: Any) -> np.ndarray:
        with np.errstate(over="ignore"):
            return -np.exp((loc - y) / scale)

    def _log_sf(self, y: Any, loc: Any, scale: Any) -> np.ndarray:
        return log_double_tail((y - loc) / scale)

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        return quartile_start(y, weight)

    def _sample(self, rng: np.random.Generator, n: int, loc: Any, scale: Any) -> np.ndarray:
        return rng.gumbel(loc, scale, n)

    def _moments(self, loc: Any, scale: Any) -> tuple[Any, Any]:
        return loc + np.euler_gamma * scale, np.square(np.pi * scale) / 6.0

    def _quantile(self, p: Any, upper: bool, loc: Any, scale: Any) -> np.ndarray:
        return loc - scale * np.log(-(np.log1p(-p) if upper else np.log(p)))

    def _crps(self, y: Any, loc: Any, scale: Any) -> np.ndarray:
        z = (y - loc) / scale
        return scale * (2.0 * special.exp1(np.exp(-z)) - z + np.euler_gamma - np.log(2.0))

    def _to_scipy(self, loc: Any, scale: Any) -> Any:
        from scipy.stats import gumbel_r

        return gumbel_r(loc=float(loc), scale=float(scale))


def quartile_start(y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
    """Loc and scale from the quartiles; from median and deviations where these are equal."""
    low, high = quantile(y, weight, 0.25), quantile(y, weight, 0.75)
    if not high > low:
        loc, spread = location_scale(y, weight)
        return {"loc": loc, "scale": spread / _SPREAD}
    # The quantile is loc - scale log(-log p).
    scale = (high - low) / 1.5725
    return {"loc": low + 0.3266 * scale, "scale": scale}


def deep_enough(rows: Rows, eta: np.ndarray) -> np.ndarray:
    """Widen the scale of a start (loc, log scale, ...) until no row lies 30 scales below loc."""
    depth = (eta[0] - float(rows.extent()[0])) / _DEEPEST
    return eta if depth <= np.exp(eta[1]) else np.r_[eta[0], np.log(depth), eta[2:]]

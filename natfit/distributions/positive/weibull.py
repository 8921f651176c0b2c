"""The Weibull distribution of positive numbers."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
from scipy import special

from natfit.bijectors import Positive
from natfit.distributions.base import Distribution
from natfit.distributions.contract.checks import ROUNDING, refuse_constant
from natfit.distributions.contract.declared import Role, Width
from natfit.distributions.contract.start import MANY, mean
from natfit.distributions.contract.support import POSITIVE
from natfit.distributions.contract.velocity import powered
from natfit.distributions.forms.positive import seen_by_all
from natfit.distributions.forms.standard import GUMBEL_MIN, Standard
from natfit.linops.row_curvature import Entries, RowCurvature
from natfit.numerics.moments import log_gamma_excess
from natfit.numerics.special import log1mexp
from natfit.rows import Block, Rows, dot, mean_over, total_weight, weighted_total

_EULER = np.euler_gamma

#: Maximum number of Newton steps to the estimate; the start is a few per cent away.
_MOST_NEWTON = 30


class Weibull(Distribution):
    """The Weibull distribution of positive y, such as times to failure.

    With z = shape (log y - log scale), ``log p(y) = log shape - log y + z - exp(z)``;
    shape = 1 is the exponential. eta = (log shape, log scale), Fisher information, with
    Euler's gamma::

        [ pi^2 / 6 + (1 - gamma)^2   -(1 - gamma) shape ]
        [ -(1 - gamma) shape          shape^2           ]

    Only data whose rows are all equal have no maximum (shape -> infinity): they are refused.

    Mean ``scale Gamma(1 + 1 / shape)``, variance
    ``scale^2 (Gamma(1 + 2 / shape) - Gamma(1 + 1 / shape)^2)``. In R:
    ``dweibull(shape, scale)``.

    Matches ``scipy.stats.weibull_min(c=shape, scale=scale)``.
    """

    params = {"shape": Positive(), "scale": Positive()}
    roles = {"shape": Role.POWER, "scale": Role.SCALE}
    widths = {"shape": Width(-1.0, least=1.0)}
    support = POSITIVE
    _open_rows = Standard(GUMBEL_MIN, 0, 1, 1.0, log=True)
    _log_name = "the reversed Gumbel distribution (of minima)"

    #: Where the scale is far too small, a step reduces shape * log(y / scale) only slightly.
    compare_after = 15

    def _log_prob(self, y: Any, shape: Any, scale: Any) -> Any:
        log = anp.log(y)
        z = shape * (log - anp.log(scale))
        return anp.log(shape) - log + z - anp.exp(z)

    # ------------------------------------------------------------------------- closed forms

    def log_prob_and_score(self, y: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Both, (n,) and (n, 2), from one logarithm and one exponential per row."""
        shape, scale = self.native(eta)
        log = np.log(y)
        z = shape * (log - np.log(scale))
        w = np.exp(z)
        return np.log(shape) - log + z - w, _score(z, w, shape)

    def _score(self, y: Any, shape: np.ndarray, scale: np.ndarray) -> np.ndarray:
        z = shape * (np.log(y) - np.log(scale))
        return _score(z, np.exp(z), shape)

    def _observed(self, y: Any, shape: np.ndarray, scale: np.ndarray) -> np.ndarray:
        z = shape * (np.log(y) - np.log(scale))
        w = np.exp(z)
        out = np.empty((len(z), 2, 2))
        out[:, 0, 0] = z * (w * (1.0 + z) - 1.0)
        out[:, 0, 1] = out[:, 1, 0] = shape * (1.0 - w - z * w)
        out[:, 1, 1] = shape**2 * w
        return out

    def sum_terms(
        self, y: Any, weight: np.ndarray | None, eta: np.ndarray
    ) -> tuple[float, np.ndarray, np.ndarray]:
        """Weighted sums of log p, its score (2,) and its negative Hessian (2, 2), eta (1, 2).

        They need one logarithm and one exponential per row, and the sums of w, z w and z^2 w,
        w = exp(z).

        Returns
        -------
        value : float
            In nats.
        score : ndarray of shape (2,)
            In eta.
        observed : ndarray of shape (2, 2)
            In eta.
        """
        shape, scale = (v[0] for v in self.native(eta))
        z = np.log(y)
        n = total_weight(weight, len(z))
        log = weighted_total(z, weight)
        z -= np.log(scale)
        z *= shape
        w = np.exp(z)
        if weight is not None:
            w *= weight
        total = float(w.sum())
        w *= z
        first, second = float(w.sum()), dot(z, w)
        mid = shape * (log - n * np.log(scale))
        value = n * np.log(shape) - log + mid - total
        score = np.array([n + mid - first, shape * (total - n)])
        cross = shape * (n - total - first)
        observed = np.array([[first + second - mid, cross], [cross, shape**2 * total]])
        return float(value), score, observed

    def _fisher(self, shape: np.ndarray, scale: np.ndarray) -> np.ndarray:
        out = np.empty((len(shape), 2, 2))
        out[:, 0, 0] = np.pi**2 / 6.0 + (1.0 - _EULER) ** 2
        out[:, 0, 1] = out[:, 1, 0] = -(1.0 - _EULER) * shape
        out[:, 1, 1] = shape**2
        return out

    def curvature(self, eta: np.ndarray) -> RowCurvature:
        """Fisher information of rows: that in log shape is one number."""
        shape = np.exp(eta[:, 0])
        mixed, first = (_EULER - 1.0) * shape, np.pi**2 / 6.0 + (1.0 - _EULER) ** 2
        return Entries(2, {(0, 0): first, (0, 1): mixed, (1, 1): shape * shape})

    def _kl(self, shape: Any, scale: Any, shape2: Any, scale2: Any) -> np.ndarray:
        ratio = shape2 / shape
        gap = shape2 * np.log(scale / scale2)
        power = np.expm1(gap + special.gammaln(1.0 + ratio))
        return _EULER * (ratio - 1.0) - np.log(ratio) - gap + power

    def _log_cdf(self, y: Any, shape: Any, scale: Any) -> np.ndarray:
        return log1mexp(self._log_sf(y, shape, scale))

    def _log_sf(self, y: Any, shape: Any, scale: Any) -> np.ndarray:
        return -np.exp(shape * np.log(y / scale))

    def _velocity(self, y: np.ndarray, shape: Any, scale: Any) -> tuple[np.ndarray, np.ndarray]:
        return powered(y, np.log(y / scale), -1.0)

    # ---------------------------------------------------------------------- data, sampling

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """All rows alike: shape -> infinity and the likelihood grows without limit."""
        refuse_constant(rows, type(self).__name__, relative=ROUNDING)

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        # log y has the Gumbel distribution of minima: mean log scale - gamma / shape, variance
        # pi^2 / (6 shape^2). Rows that are all equal do not determine the shape.
        log = np.log(y)
        centre = mean(log, weight)
        spread = np.sqrt(mean((log - centre) ** 2, weight))
        shape = np.pi / (np.sqrt(6.0) * spread) if log.max() > log.min() else 1.0
        return {"shape": shape, "scale": np.exp(centre + _EULER / shape)}

    def refine_start(self, rows: Rows, eta: np.ndarray) -> np.ndarray:
        """A start with a smaller shape where the largest row would be almost impossible."""
        return seen_by_all(self, rows, eta)

    def nested_start(self, rows: Rows) -> np.ndarray:
        """Eta (K,) of the exponential distribution's optimum."""
        return self.eta(shape=1.0, scale=float(mean_over(rows)))

    def _sample(self, rng: np.random.Generator, n: int, shape: Any, scale: Any) -> np.ndarray:
        return scale * rng.weibull(shape, n)

    def _moments(self, shape: Any, scale: Any) -> tuple[Any, Any]:
        with np.errstate(over="ignore"):
            mean = scale * special.gamma(1.0 + 1.0 / shape)
            return mean, np.square(mean) * np.expm1(log_gamma_excess(1.0 / shape))

    def _quantile(self, p: Any, upper: bool, shape: Any, scale: Any) -> np.ndarray:
        return scale * np.power(-(np.log(p) if upper else np.log1p(-p)), 1.0 / shape)

    def _crps(self, y: Any, shape: Any, scale: Any) -> np.ndarray:
        w = np.power(np.maximum(y, 0.0) / scale, shape)
        mean = scale * special.gamma(1.0 + 1.0 / shape)
        part = 2.0 * special.gammainc(1.0 + 1.0 / shape, w) - np.exp2(-1.0 / shape)
        return y * (1.0 - 2.0 * np.exp(-w)) - mean * part

    def _to_scipy(self, shape: Any, scale: Any) -> Any:
        from scipy.stats import weibull_min

        return weibull_min(c=float(shape), scale=float(scale))


def _score(z: np.ndarray, w: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """(n, 2) from z and w = exp(z)."""
    out = np.empty((2, len(z)))
    excess = w - 1.0
    out[0] = 1.0 - z * excess
    np.multiply(shape, excess, out=out[1])
    return out.T


def _power_part(block: Block, centre: float, shape: float) -> tuple[float, ...]:
    """Sums of 1, l = log y - centre, w = exp(shape l), w l and w l^2."""
    weight = block.weight
    log = np.log(block.y)
    log -= centre
    w = np.exp(shape * log)
    n, first = total_weight(weight, block.n), weighted_total(log, weight)
    if weight is not None:
        w *= weight
    wl = w * log
    return n, first, w.sum(), wl.sum(), dot(wl, log)


def optimum(rows: Rows) -> dict[str, float]:
    """Maximum-likelihood estimate, by Newton's iteration in log shape: the scale is profiled out.

    The equation ``1 / shape + mean log y = mean(log y exp(z)) / mean exp(z)`` has one root: its
    right side minus its left side increases with the shape.

    Returns
    -------
    dict
        Native values by name.
    """
    family, many = Weibull(), rows.few(MANY)
    start = family.eta(**family._initial(many.y, many.weight))
    log_shape, centre = seen_by_all(family, rows, start)
    shape = float(np.exp(log_shape))
    for _ in range(_MOST_NEWTON):
        n, first, total, mean, square = rows.sum(_power_part, centre, shape)
        mean, square = mean / total, square / total
        gap = shape * (mean - first / n) - 1.0
        slope = 1.0 + gap + shape**2 * (square - mean**2)
        step = float(np.clip(-gap / max(slope, 0.1), -1.0, 1.0))
        scale = np.exp(centre) * (total / n) ** (1.0 / shape)
        if abs(step) < 1e-8:
            break
        shape *= np.exp(step)
    return {"shape": shape, "scale": scale}

"""The generalised Pareto distribution of excesses over a threshold."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.bijectors import Positive
from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import Role, Width
from natfit.distributions.contract.start import mean, quantile
from natfit.distributions.contract.support import NON_NEGATIVE
from natfit.distributions.forms.extremes import (
    box_cox,
    corner,
    from_tail,
    refuse_irregular,
    shape_constraint,
    shape_inside,
    shape_velocity,
    start_shape,
    tail,
    tail_terms,
)
from natfit.numerics.moments import beyond
from natfit.rows import Rows, dot, mean_over, total_weight, weighted_total


class GeneralizedPareto(Distribution):
    """The generalised Pareto distribution of excesses y >= 0 over a threshold.

    With z = y / scale, w = 1 + shape z and t = log(w) / shape (t = z at shape 0),
    ``log p(y) = -log scale - (1 + shape) t`` where w > 0; eta = (log scale, shape). shape > 0
    has a Pareto tail, 0 is the exponential distribution, -1 the uniform on (0, scale): it is
    Coles' xi. With k = shape the Fisher information is
    ``[[1, 1 / (1 + k)], [1 / (1 + k), 2 / (1 + k)]] / (1 + 2 k)``, finite for shape > -1/2.
    `fisher` refuses shapes <= -0.45: a fit uses the covariance of the scores there, and its
    history notes this.

    Mean ``scale / (1 - shape)``, variance ``scale^2 / ((1 - shape)^2 (1 - 2 shape))``. In R:
    ``evd::dgpd(0, scale, shape)``.

    Matches ``scipy.stats.genpareto(c=shape, scale=scale)``.

    Notes
    -----
    With shape < 0 the support ends at ``-scale / shape``. If a row lies outside at some eta, its
    log-density is -inf: a step to this eta is refused and shortened. At the start all rows lie
    inside. The divergence between two members is infinite in general, so that there is none.

    For shape < -1 the likelihood grows without limit as the end of the support tends to the
    largest row. The estimate is the local maximum (Grimshaw, 1993); -1 is the
    lower limit of the shape, and a fit that finds no maximum above it ends as ``unbounded``.

    Source: Coles (2001), An Introduction to Statistical Modeling of Extreme Values, ch. 4;
    Smith (1984); Grimshaw (1993), Technometrics 35.
    """

    params = {"scale": Positive(), "shape": shape_constraint()}
    roles = {"scale": Role.SCALE, "shape": Role.SHAPE}
    widths = {"scale": Width(1.0)}
    support = NON_NEGATIVE
    _falls = True
    limit_meaning = {
        ("shape", "lower"): "the uniform distribution; below it the likelihood has no maximum"
    }

    #: The divergence is infinite unless the first support lies inside the second.
    has_kl = False

    def support_at(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ends (n,) of the support: 0, and -scale / shape where the shape is negative."""
        scale, shape = self.native(eta)
        with np.errstate(divide="ignore"):
            return np.zeros(len(eta)), np.where(shape < 0, -scale / shape, np.inf)

    def _log_prob(self, y: Any, scale: Any, shape: Any) -> Any:
        w, t = tail(y / scale, shape)
        inside = w > 0
        t = anp.where(inside, t, 0.0)
        return anp.where(inside, -anp.log(scale) - (1.0 + shape) * t, -np.inf)

    def _score(self, y: Any, scale: Any, shape: Any) -> np.ndarray:
        z = y / scale
        inverse, t, r, _ = tail_terms(z, shape)
        return np.stack([(1.0 + shape) * z * inverse - 1.0, -t - (1.0 + shape) * r], axis=1)

    def _observed(self, y: Any, scale: Any, shape: Any) -> np.ndarray:
        z = y / scale
        inverse, _, r, r2 = tail_terms(z, shape)
        v = z * inverse
        out = np.empty((len(z), 2, 2))
        out[:, 0, 0] = (1.0 + shape) * v * inverse
        out[:, 0, 1] = out[:, 1, 0] = (1.0 + shape) * v * v - v
        out[:, 1, 1] = 2.0 * r + (1.0 + shape) * r2
        return out

    def sum_terms(
        self, y: Any, weight: np.ndarray | None, eta: np.ndarray
    ) -> tuple[float, np.ndarray, np.ndarray]:
        """Weighted sums of log p, its score (2,) and its negative Hessian (2, 2), eta (1, 2)."""
        scale, shape = (v[0] for v in self.native(eta))
        z = y * (1.0 / scale)
        if not 1.0 + shape * z.max() > 0:
            return -np.inf, np.zeros(2), np.zeros((2, 2))
        n = total_weight(weight, len(z))
        inverse, *terms = tail_terms(z, shape)
        z *= inverse
        t, r, r2, v = (weighted_total(a, weight) for a in (*terms, z))
        once = z if weight is None else z * weight
        vi, vv = dot(once, inverse), dot(once, z)
        k = 1.0 + shape
        score = np.array([k * v - n, -t - k * r])
        mixed = k * vv - v
        observed = np.array([[k * vi, mixed], [mixed, 2.0 * r + k * r2]])
        return -n * np.log(scale) - k * t, score, observed

    def _fisher(self, scale: Any, shape: Any) -> np.ndarray:
        refuse_irregular(np.min(shape), "GeneralizedPareto")
        out = np.ones((len(shape), 2, 2))
        out[:, 0, 1] = out[:, 1, 0] = 1.0 / (1.0 + shape)
        out[:, 1, 1] = 2.0 / (1.0 + shape)
        return out / (1.0 + 2.0 * shape)[:, None, None]

    # ---------------------------------------------------------------------- data, sampling

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """All rows zero: scale -> 0 and the likelihood grows without limit."""
        if not rows.extent()[1] > 0:
            raise ValueError(
                f"y must not be all zero for GeneralizedPareto, got {rows.n} rows equal to 0: the "
                "likelihood grows without limit as scale -> 0; remove the column"
            )

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        # The gap from the median to the upper quartile is 2^shape medians.
        low, high = quantile(y, weight, 0.5), quantile(y, weight, 0.75)
        if not 0 < low < high:
            return {"scale": mean(y, weight) or 1.0, "shape": 0.0}
        shape = start_shape(np.log2((high - low) / low))
        scale = low / box_cox(2.0, shape)
        return {"scale": scale, "shape": shape_inside(shape, 0.0, y.max() / scale)}

    def refine_start(self, rows: Rows, eta: np.ndarray) -> np.ndarray:
        """A shape nearer to zero, so that all rows lie inside the support."""
        reach = rows.extent()[1] / np.exp(eta[0])
        return np.array([eta[0], shape_inside(float(eta[1]), 0.0, reach)])

    def nested_start(self, rows: Rows) -> np.ndarray:
        """Eta (K,) of the exponential distribution's optimum."""
        return self.eta(scale=float(mean_over(rows)), shape=0.0)

    def no_maximum(self, rows: Rows, eta: np.ndarray) -> str | None:
        """The corner shape -> -1, or scale -> 0 at rows that are equal."""
        return corner(rows, 0.0, float(np.exp(eta[0])), float(eta[1]))

    def _log_cdf(self, y: Any, scale: Any, shape: Any) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return np.log(-np.expm1(self._log_sf(y, scale, shape)))

    def _log_sf(self, y: Any, scale: Any, shape: Any) -> np.ndarray:
        w, t = tail(np.maximum(y, 0.0) / scale, shape)
        return -np.where(w > 0, t, np.inf)

    def _velocity(self, y: np.ndarray, scale: Any, shape: Any) -> tuple[np.ndarray, np.ndarray]:
        first, slope = np.empty((2, len(y))), np.zeros((2, 2, len(y)))
        first[0] = y
        first[1], _, slope[0, 1], slope[1, 1] = shape_velocity(y / scale, scale, shape)
        return first, slope

    def _sample(self, rng: np.random.Generator, n: int, scale: Any, shape: Any) -> np.ndarray:
        return scale * from_tail(rng.exponential(size=n), shape)

    def _moments(self, scale: Any, shape: Any) -> tuple[Any, Any]:
        with np.errstate(all="ignore"):
            mean = scale / (1.0 - shape)
            var = np.square(mean) / (1.0 - 2.0 * shape)
        return beyond(shape < 1.0, mean), beyond(shape < 0.5, var)

    def _quantile(self, p: Any, upper: bool, scale: Any, shape: Any) -> np.ndarray:
        return scale * from_tail(-(np.log(p) if upper else np.log1p(-p)), shape)

    def _to_scipy(self, scale: Any, shape: Any) -> Any:
        from scipy.stats import genpareto

        return genpareto(c=float(shape), scale=float(scale))

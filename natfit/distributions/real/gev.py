"""The generalised extreme-value distribution of block maxima."""

from __future__ import annotations

import functools
from typing import Any

import autograd.numpy as anp
import numpy as np
from scipy import special

from natfit.bijectors import Positive, Real
from natfit.distributions.base import Distribution
from natfit.distributions.contract.checks import refuse_constant, refuse_extreme
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.start import quantile
from natfit.distributions.contract.support import REAL
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
from natfit.distributions.forms.location_scale import information_of, observed_of, score_of
from natfit.distributions.real.gumbel import deep_enough, quartile_start
from natfit.numerics.moments import beyond, log_gamma_excess
from natfit.numerics.special import log_double_tail
from natfit.rows import Block, Rows, dot, mean_over, squared_gap, total_weight, weighted_total

_EULER = 0.5772156649015329

#: |shape| below which the closed form of the Fisher information, a difference of terms of order
#: 1 / shape^4, is replaced by a trapezoidal rule in t.
_NEAR_GUMBEL = 0.1


class Gev(Distribution):
    """The generalised extreme-value (GEV) distribution of block maxima.

    With z = (y - loc) / scale, w = 1 + shape z and t = log(w) / shape (t = z at shape 0),
    ``log p(y) = -log scale - (1 + shape) t - exp(-t)`` where w > 0; eta = (loc, log scale,
    shape). shape > 0 is heavy-tailed (Frechet), 0 the Gumbel distribution, < 0 has an upper
    end (reversed Weibull): it is Coles' xi. For minima fit -y.

    The Fisher information is finite for shape > -1/2. It has a closed form (Prescott and Walden,
    1980); near shape 0 it is computed by a trapezoidal rule in t. `fisher` refuses shapes
    <= -0.45: a fit uses the covariance of the scores there, and its history notes this.

    Mean ``loc + scale (Gamma(1 - shape) - 1) / shape``, variance
    ``scale^2 (Gamma(1 - 2 shape) - Gamma(1 - shape)^2) / shape^2``. In R:
    ``evd::dgev(loc, scale, shape)``.

    Matches ``scipy.stats.genextreme(c=-shape, loc=loc, scale=scale)``; scipy's shape has the
    opposite sign.

    Notes
    -----
    The support ends at ``loc - scale / shape``. If a row lies outside at some eta, its
    log-density is -inf: a step to this eta is refused and shortened. At the start all rows lie
    inside. The divergence between two members is infinite in general, so that there is none.

    For shape < -1 the likelihood grows without limit as the end of the support tends to the
    largest row. The estimate is the local maximum (Smith, 1985); -1 is the
    lower limit of the shape, and a fit that finds no maximum above it ends as ``unbounded``. For
    shape <= -1/2 standard errors are not those of a regular problem.

    Source: Coles (2001), An Introduction to Statistical Modeling of Extreme Values, ch. 3;
    Prescott and Walden (1980), Biometrika 67; Smith (1985), Biometrika 72.
    """

    params = {"loc": Real(), "scale": Positive(), "shape": shape_constraint()}
    roles = {"loc": Role.LOCATION, "scale": Role.SCALE, "shape": Role.SHAPE}
    support = REAL
    # An integral for each shape, and infinite for some.
    fisher_by_rows = False
    limit_meaning = {("shape", "lower"): "below it the likelihood has no maximum"}
    compare_after = 25

    #: The divergence is infinite unless the first support lies inside the second.
    has_kl = False

    def support_at(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ends (n,) of the support, one of which is loc - scale / shape if shape is not zero."""
        loc, scale, shape = self.native(eta)
        with np.errstate(divide="ignore", invalid="ignore"):
            end = loc - scale / shape
        return np.where(shape > 0, end, -np.inf), np.where(shape < 0, end, np.inf)

    def _log_prob(self, y: Any, loc: Any, scale: Any, shape: Any) -> Any:
        w, t = tail((y - loc) / scale, shape)
        inside = w > 0
        t = anp.where(inside, t, 0.0)
        return anp.where(inside, -anp.log(scale) - (1.0 + shape) * t - anp.exp(-t), -np.inf)

    def _score(self, y: Any, loc: Any, scale: Any, shape: Any) -> np.ndarray:
        z = (y - loc) / scale
        inverse, t, r, _ = tail_terms(z, shape)
        pull = np.exp(-t) - 1.0 - shape
        return score_of(z, scale, pull * inverse, pull * r - t)

    def _observed(self, y: Any, loc: Any, scale: Any, shape: Any) -> np.ndarray:
        z = (y - loc) / scale
        inverse, t, r, r2 = tail_terms(z, shape)
        return observed_of(z, scale, *_derivatives(z, inverse, np.exp(-t), r, r2, shape))

    def sum_terms(
        self, y: Any, weight: np.ndarray | None, eta: np.ndarray
    ) -> tuple[float, np.ndarray, np.ndarray]:
        """Weighted sums of log p, its score (3,) and its negative Hessian (3, 3), eta (1, 3)."""
        loc, scale, shape = (v[0] for v in self.native(eta))
        z = y - loc
        z *= 1.0 / scale
        if not (1.0 + shape * z.min() > 0 and 1.0 + shape * z.max() > 0):
            return -np.inf, np.zeros(3), np.zeros((3, 3))
        n = total_weight(weight, len(z))
        inverse, t, r, r2 = tail_terms(z, shape)
        u, v = np.exp(-t), z
        v *= inverse
        pull = u - (1.0 + shape)
        bend = shape * pull
        bend += u
        # Each sum is an inner product of two arrays; the left one holds the weights.
        times = _unweighted if weight is None else weight.__mul__
        t_sum, u_sum, r_sum = (weighted_total(x, weight) for x in (t, u, r))
        bend_v, bend_i = times(bend * v), times(bend * inverse)
        s, zs, zzs = dot(bend_i, inverse), dot(bend_i, v), dot(bend_v, v)
        u *= r
        mixed = pull * v
        mixed += u
        mixed += 1.0
        mixed, u, pull = times(mixed), times(u), times(pull)
        m, zm = dot(mixed, inverse), dot(mixed, v)
        f, zf = dot(pull, inverse), dot(pull, v)
        last = dot(pull, r2) - 2.0 * r_sum - dot(u, r)
        value = -n * np.log(scale) - (1.0 + shape) * t_sum - u_sum
        score = np.array([-f / scale, -zf - n, dot(pull, r) - t_sum])
        a, b = (zs - f) / scale, -m / scale
        observed = np.array([[s / scale**2, a, b], [a, zzs - zf, -zm], [b, -zm, -last]])
        return value, score, observed

    def _fisher(self, loc: Any, scale: Any, shape: Any) -> np.ndarray:
        return information_of(_information, scale, shape)

    # ---------------------------------------------------------------------- data, sampling

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """All rows alike: scale -> 0 and the likelihood grows without limit."""
        refuse_constant(rows, "Gev")
        refuse_extreme(rows, "Gev")

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        # For quantiles whose -log p form a geometric sequence, the ratio of their gaps is a power
        # of the sequence's ratio, and the exponent is the shape.
        depth = np.array([np.log(10.0), np.sqrt(np.log(10.0) * -np.log(0.9)), -np.log(0.9)])
        low, middle, high = (quantile(y, weight, float(np.exp(-d))) for d in depth)
        if not low < middle < high:
            return {**quartile_start(y, weight), "shape": 0.0}
        power = np.log(depth[1] / depth[2])
        shape = start_shape(np.log((high - middle) / (middle - low)) / power)
        ends = [box_cox(1.0 / d, shape) for d in depth]
        scale = (high - low) / (ends[2] - ends[0])
        loc = middle - scale * ends[1]
        inside = shape_inside(shape, (y.min() - loc) / scale, (y.max() - loc) / scale)
        return {"loc": loc, "scale": scale, "shape": inside}

    def refine_start(self, rows: Rows, eta: np.ndarray) -> np.ndarray:
        """A shape nearer to zero and a larger scale, so that all rows lie inside."""
        loc, scale, shape = (float(v) for v in self.native_dict(eta).values())
        low, high = ((float(end) - loc) / scale for end in rows.extent())
        with np.errstate(all="ignore"):
            w, t = tail(np.array([low, high]), np.full(2, shape))
        if (w > 0).all() and t[0] > -100.0:
            return eta
        eta = deep_enough(rows, eta)
        ratio = scale / np.exp(eta[1])
        return np.array([loc, eta[1], shape_inside(shape, ratio * low, ratio * high)])

    def nested_start(self, rows: Rows) -> np.ndarray:
        """The optimum of the Gumbel distribution, by Newton's method for the scale."""
        centre = float(mean_over(rows))
        scale = np.sqrt(6.0 * float(mean_over(rows, squared_gap, centre))) / np.pi
        lowest = rows.extent()[0] - centre
        for _ in range(50):
            tilt, first, second = rows.sum(_tilted_part, centre, lowest, scale)
            first, second = first / tilt, second / tilt
            # scale + first is increasing: the derivative of first is a variance over scale^2.
            step = (scale + first) / (1.0 + (second - first**2) / scale**2)
            scale = max(scale - step, 0.1 * scale)
            if abs(step) < 1e-12 * scale:
                break
        tilt = np.log(rows.sum(_tilted_part, centre, lowest, scale)[0] / rows.total)
        return self.eta(loc=centre + lowest - scale * tilt, scale=scale, shape=0.0)

    def no_maximum(self, rows: Rows, eta: np.ndarray) -> str | None:
        """The corner shape -> -1, or scale -> 0 at rows that are equal."""
        return corner(rows, float(eta[0]), float(np.exp(eta[1])), float(eta[2]))

    def _log_cdf(self, y: Any, loc: Any, scale: Any, shape: Any) -> np.ndarray:
        with np.errstate(over="ignore"):
            return -np.exp(-_gumbel((y - loc) / scale, shape))

    def _log_sf(self, y: Any, loc: Any, scale: Any, shape: Any) -> np.ndarray:
        return log_double_tail(_gumbel((y - loc) / scale, shape))

    def _velocity(
        self, y: np.ndarray, loc: Any, scale: Any, shape: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        z = (y - loc) / scale
        first, slope = np.ones((3, len(z))), np.zeros((3, 3, len(z)))
        first[1], slope[0, 1] = y - loc, -1.0
        first[2], slope[0, 2], slope[1, 2], slope[2, 2] = shape_velocity(z, scale, shape)
        return first, slope

    def _sample(self, rng: np.random.Generator, n: int, loc: Any, scale: Any, shape: Any) -> Any:
        return loc + scale * from_tail(rng.gumbel(size=n), shape)

    def _moments(self, loc: Any, scale: Any, shape: Any) -> tuple[Any, Any]:
        with np.errstate(all="ignore"):
            few = np.where(np.abs(shape) < 1e-9, 1e-9, shape)
            log = special.gammaln(1.0 - few)
            mean = beyond(shape < 1.0, loc + scale * (np.expm1(log) / few))
            square = np.square(scale * np.exp(log) / few)
            return mean, beyond(shape < 0.5, square * np.expm1(log_gamma_excess(-few)))

    def _quantile(self, p: Any, upper: bool, loc: Any, scale: Any, shape: Any) -> np.ndarray:
        t = -np.log(-(np.log1p(-p) if upper else np.log(p)))
        return loc + scale * from_tail(t, shape)

    def _to_scipy(self, loc: Any, scale: Any, shape: Any) -> Any:
        from scipy.stats import genextreme

        return genextreme(c=-float(shape), loc=float(loc), scale=float(scale))


def _gumbel(z: Any, shape: Any) -> np.ndarray:
    """The value (n,) of a standard Gumbel variable that belongs to z; infinite outside."""
    w, t = tail(z, shape)
    # Rows outside lie below the support if shape > 0, and above it if shape < 0.
    return np.where(w > 0, t, np.where(shape > 0, -np.inf, np.inf))


def _tilted_part(
    block: Block, centre: float, lowest: float, scale: float
) -> tuple[float, float, float]:
    """Sums of u = exp((lowest - gap) / scale), u gap and u gap^2, gap = y - centre."""
    gap = block.y - centre
    u = np.exp((lowest - gap) / scale)
    u = u if block.weight is None else u * block.weight
    return float(u.sum()), float(u @ gap), float(u @ gap**2)


def _derivatives(z: Any, inverse: Any, u: Any, r: Any, r2: Any, shape: Any) -> tuple:
    """Derivatives of log p + log scale in z, z z, z and shape, and shape shape; (n,) each."""
    pull = u - (1.0 + shape)
    first = pull * inverse
    second = -(u + shape * pull) * inverse**2
    mixed = -(1.0 + u * r + first * z) * inverse
    return first, second, mixed, pull * r2 - 2.0 * r - u * r * r


def _unweighted(values: np.ndarray) -> np.ndarray:
    """The values themselves."""
    return values


@functools.lru_cache(maxsize=64)
def _information(shape: float) -> np.ndarray:
    """Fisher information (3, 3) in (loc, log scale, shape) at scale = 1."""
    refuse_irregular(shape, "Gev")
    if abs(shape) < _NEAR_GUMBEL:
        return _near_gumbel(shape)
    k, one = shape, 1.0 - _EULER
    p = (1.0 + k) ** 2 * special.gamma(1.0 + 2.0 * k)
    g = special.gamma(2.0 + k)
    q = g * (special.psi(1.0 + k) + (1.0 + k) / k)
    a = -(p - g) / k
    b = -(q - p / k) / k
    c = -(one + (1.0 - g) / k - q + p / k) / k**2
    last = (np.pi**2 / 6.0 + (one + 1.0 / k) ** 2 - 2.0 * q / k + p / k**2) / k**2
    return np.array([[p, a, b], [a, (1.0 - 2.0 * g + p) / k**2, c], [b, c, last]])


def _near_gumbel(shape: float) -> np.ndarray:
    """E[s s'] over t, whose distribution is Gumbel's whatever the shape."""
    t = np.linspace(-4.2, 60.0, 1001)
    weight = np.exp(-t - np.exp(-t))
    weight *= t[1] - t[0]
    z = t if shape == 0 else np.expm1(shape * t) / shape
    score = Gev()._score(z, 0.0, 1.0, shape)
    return (score * weight[:, None]).T @ score

"""Johnson's SU distribution of real numbers."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
from scipy import special

from natfit.bijectors import Positive, Real, Reciprocal, Sinh
from natfit.distributions.contract.checks import refuse_constant, refuse_extreme
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.start import MANY, quantile
from natfit.distributions.contract.sums import block_sum
from natfit.distributions.contract.support import REAL
from natfit.distributions.forms.jets import ByJets
from natfit.distributions.forms.shift.profile import best_loc
from natfit.distributions.positive.lognormal import Lognormal
from natfit.rows import Rows, mean_over, squared_gap

_HALF_LOG_2PI = 0.9189385332046727

#: At this ``tail`` the density is that of the limit within 1e-8 nats in the middle.
_LOGNORMAL = 1e8

#: Distance in scales beyond which squares are taken of shares of it.
_FAR = 1e100

#: Ends of the skewness.
_MOST_SKEWED = 1e3


class JohnsonSU(ByJets):
    """Johnson's SU distribution of real y, in its median and coordinates regular at the normal.

    With x = (y - median) / scale, e^2 = skew^2 + 1 / tail and z standard normal,
    ``x = sinh(e z) / e + skew (cosh(e z) - 1) / e^2``, that is
    ``log p(y) = -1/2 log(2 pi) - z^2 / 2 - log R - log scale``,
    ``R^2 = 1 + 2 skew x + e^2 x^2``; 1 / (sqrt(2 pi) scale) is the density at the median.
    eta = (median, log scale, arsinh skew, arsinh(1 / tail)). The Fisher information is computed by
    quadrature.

    tail -> infinity is the lognormal distribution with a location (reversed where skew < 0), and
    with skew 0 the normal: an ordinary point of eta, at which data with lighter tails end as
    ``boundary``. In scipy's a, b, loc and scale, e is 1 / b, ``skew = -tanh(a / b) / b`` and
    ``tail = (b cosh(a / b))^2``; the normal is infinitely far away there.

    In R: ``gamlss.dist::dJSUo``.

    Matches ``scipy.stats.johnsonsu(a, b, loc, scale)`` with these.

    Notes
    -----
    As for Student's t the likelihood has no global maximum: it grows without limit as scale -> 0
    with the median at a row and ever heavier tails. The estimate is the local maximum that a fit
    reaches from the quartiles.

    Source: Johnson (1949), Biometrika 36; Johnson, Kotz and Balakrishnan (1994), Continuous
    Univariate Distributions 1, ch. 12.
    """

    params = {
        "median": Real(),
        "scale": Positive(),
        "skew": Sinh(-_MOST_SKEWED, _MOST_SKEWED),
        "tail": Reciprocal(low=1e-4, high=_LOGNORMAL),
    }
    roles = {
        "median": Role.LOCATION,
        "scale": Role.SCALE,
        "skew": Role.SHAPE,
        "tail": Role.SHAPE,
    }
    support = REAL
    limit_meaning = {("tail", "upper"): "the lognormal with a location, or the normal if skew is 0"}
    compare_after = 12

    def _log_prob(self, y: Any, median: Any, scale: Any, skew: Any, tail: Any) -> Any:
        z, root = _normal(y, median, scale, skew, tail)
        return -0.5 * z * z - anp.log(root) - anp.log(scale) - _HALF_LOG_2PI

    def _normal_jet(self, *args: Any) -> Any:
        return _normal(*args)[0]

    def _log_cdf(self, y: Any, median: Any, scale: Any, skew: Any, tail: Any) -> np.ndarray:
        return special.log_ndtr(_normal(y, median, scale, skew, tail)[0])

    def _log_sf(self, y: Any, median: Any, scale: Any, skew: Any, tail: Any) -> np.ndarray:
        return special.log_ndtr(-_normal(y, median, scale, skew, tail)[0])

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """All rows alike: scale -> 0 and the likelihood grows without limit."""
        refuse_constant(rows, "JohnsonSU")
        refuse_extreme(rows, "JohnsonSU")

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        # The quantiles of z = +-0.6745 and +-1.6449 give scale, skew and e.
        five = [quantile(y, weight, q) for q in (0.05, 0.25, 0.5, 0.75, 0.95)]
        middle, inner, outer = five[2], five[3] - five[1], five[4] - five[0]
        if not inner > 0:
            gap = np.abs(y - middle)
            spread = float(np.average(gap, weights=weight)) or abs(middle) or 1.0
            return {"median": middle, "scale": spread, "skew": 0.0, "tail": 1.0}
        # outer / inner = sinh(1.645 e) / sinh(0.6745 e), nearly 2.44 (1 + 0.375 e^2).
        heavy = float(np.clip((outer / inner / 2.4387 - 1.0) / 0.375, 0.05, 4.0))
        lean = (five[3] + five[1] - 2.0 * middle) / inner / 0.6745
        skew = float(np.clip(lean, -0.9, 0.9))
        scale = inner / 1.349 / (1.0 + 0.076 * heavy)
        excess = max(heavy - skew * skew, 0.05)
        return {"median": middle, "scale": scale, "skew": skew, "tail": 1.0 / excess}

    def nested_start(self, rows: Rows) -> np.ndarray:
        """Eta (K,) of the best optimum of the normal and of the lognormals with a location."""
        centre = float(mean_over(rows))
        sd = float(np.sqrt(mean_over(rows, squared_gap, centre)))
        found = [self.eta(median=centre, scale=sd, skew=0.0, tail=_LOGNORMAL)]
        few, law = rows.few(MANY), Lognormal()
        for sign in (1.0, -1.0):
            loc, inner = best_loc(law, sign * few.y, few.weight)
            if inner is not None:
                native = law.native_dict(inner)
                shape, size = float(native["shape"]), float(native["scale"])
                median, skew = sign * (loc + size), sign * min(shape, _MOST_SKEWED)
                found.append(
                    self.eta(median=median, scale=shape * size, skew=skew, tail=_LOGNORMAL)
                )
        values = [rows.sum(block_sum, self, "sum_value_and_score", eta[None])[0] for eta in found]
        return found[int(np.nanargmax(values))]

    def _sample(
        self, rng: np.random.Generator, n: int, median: Any, scale: Any, skew: Any, tail: Any
    ) -> np.ndarray:
        e = np.sqrt(skew * skew + 1.0 / tail)
        t = e * rng.standard_normal(n)
        # cosh t - 1, without cancellation.
        return median + scale * (np.sinh(t) / e + 2.0 * skew * np.sinh(0.5 * t) ** 2 / e**2)

    def _moments(self, median: Any, scale: Any, skew: Any, tail: Any) -> tuple[Any, Any]:
        square = np.square(skew) + 1.0 / tail
        with np.errstate(over="ignore"):
            grown = np.expm1(square)
            mean = median + scale * skew * np.expm1(0.5 * square) / square
            second = (1.0 + grown) * (1.0 + 2.0 * np.square(skew) * tail) + 1.0
            return mean, 0.5 * np.square(scale / square) * grown * second / tail

    def _quantile(
        self, p: Any, upper: bool, median: Any, scale: Any, skew: Any, tail: Any
    ) -> np.ndarray:
        z = special.ndtri(p)
        e = np.sqrt(np.square(skew) + 1.0 / tail)
        gap = -np.arcsinh(skew * np.sqrt(tail))
        unit = scale / (np.square(e) * np.sqrt(tail))
        return median + unit * (np.sinh(gap) + np.sinh((-z if upper else z) * e - gap))

    def _to_scipy(self, median: Any, scale: Any, skew: Any, tail: Any) -> Any:
        from scipy.stats import johnsonsu

        skew, tail = float(skew), float(tail)
        e = np.sqrt(skew * skew + 1.0 / tail)
        gap = -np.arcsinh(skew * np.sqrt(tail))
        unit = float(scale) / (e * e * np.sqrt(tail))
        return johnsonsu(gap / e, 1.0 / e, float(median) + unit * np.sinh(gap), unit)


def _normal(y: Any, median: Any, scale: Any, skew: Any, tail: Any) -> tuple[Any, Any]:
    """Standard normal z of y and R = dx / dz, differentiable."""
    kappa = 1.0 / tail
    square = skew * skew + kappa
    e = anp.sqrt(square)
    # One side only: where skew < 0, z of the density reflected at its median.
    sign = anp.where(skew < 0, -1.0, 1.0)
    x = sign * (y - median) / scale
    lean = sign * skew
    # R^2 = (1 + lean x)^2 + kappa x^2, a sum of squares.
    first = 1.0 + lean * x
    # Squares of far points overflow.
    size = anp.where(anp.abs(x) > _FAR, anp.abs(x), 1.0)
    root = size * anp.sqrt((first / size) ** 2 + kappa * (x / size) ** 2)
    # exp(e z) = (e^2 x + lean + e R) / (e + lean); for negative numerators, its conjugate.
    inner = square * x + lean
    low = inner < 0
    growth = (e * x + (2.0 * lean + square * x) * (x / (root + 1.0))) / (e + lean)
    direct = anp.log1p(anp.where(low, 0.0, e * growth))
    conjugate = anp.where(low, e * root - inner, 1.0)
    far = anp.log(kappa) - anp.log(e + lean) - anp.log(conjugate)
    near = low & (anp.abs(e * x) < 0.5)
    log = anp.where(low, anp.where(near, anp.log1p(anp.where(near, e * growth, 0.0)), far), direct)
    return sign * log / e, root

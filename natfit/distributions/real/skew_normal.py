"""The skew-normal distribution of real numbers."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import autograd.numpy as anp
import numpy as np
from scipy import special

from natfit.bijectors import Cubic, Positive, Real
from natfit.distributions.contract.checks import refuse_constant, refuse_extreme
from natfit.distributions.contract.declared import InformationKind, Role, Route
from natfit.distributions.contract.start import mean, quantile
from natfit.distributions.contract.sums import block_sum
from natfit.distributions.contract.support import REAL
from natfit.distributions.forms.location_scale import Standardised, observed_of, score_of
from natfit.distributions.real._skew_sums import row_sums
from natfit.distributions.real._skew_tails import log_cdf, velocity
from natfit.distributions.real._skewness import SMALL, B, C, standard_moments
from natfit.distributions.real._steep import LEAST, Jump, SteepMembers
from natfit.numerics.mills import log_ndtr
from natfit.rows import Rows, distance, mean_over, squared_gap

_LOG_2, _HALF_LOG_2PI = 0.6931471805599453, 0.9189385332046727

#: (q90 + q10 - 2 q50) / (q90 - q10) of the half-normal, the most skewed member.
_MOST_SKEWED = 0.2775


class SkewNormal(Standardised):
    """Azzalini's skew-normal distribution in its mean, standard deviation and shape.

    With b = sqrt(2 / pi), d = shape / sqrt(1 + shape^2), scale = sd / sqrt(1 - b^2 d^2) and
    loc = mean - scale b d, ``log p(y) = log 2 - log scale + log phi(z) + log Phi(shape z)``,
    z = (y - loc) / scale; eta = (mean, log sd, arsinh(shape^3) / 3). shape 0 is the normal,
    +-infinity the half-normal distribution. The Fisher information is computed by quadrature at
    mean 0 and sd 1, from which that at any mean and sd follows.

    Mean ``mean``, variance ``sd^2``. In R: ``sn::dsn``.

    Matches ``scipy.stats.skewnorm(a=shape, loc=loc, scale=scale)`` with loc and scale as above.

    Notes
    -----
    In (loc, scale, shape) the Fisher information is singular at shape 0, where the score of
    shape is a multiple of that of loc. At fixed mean and sd the likelihood depends on shape^3 to
    first order. With shape^3 = sinh(3 eta), as here, the information at shape 0 is regular:
    diag(1, 2, 3 C^2 / 2) with C = (4 - pi) / 2 b^3. This is the centred parametrisation with
    another scale for the skewness. The standard error of a shape near 0 is large: it falls only
    as n^(-1/6).

    For any n the maximum lies at shape = +-infinity with positive probability; the fit then ends
    as ``boundary`` at +-1e9. A fit that has ended is compared with the optima of the normal and
    of both half-normal distributions, which have closed forms. Data that are all equal are
    refused.

    Source: Azzalini (1985), Scandinavian Journal of Statistics 12; Arellano-Valle and
    Azzalini (2008), Journal of Multivariate Analysis 99.
    """

    params = {"mean": Real(), "sd": Positive(), "shape": Cubic()}
    roles = {"mean": Role.LOCATION, "sd": Role.SCALE, "shape": Role.SHAPE}
    support = REAL
    limit_meaning = {
        ("shape", "lower"): "the half-normal distribution, reversed",
        ("shape", "upper"): "the half-normal distribution",
    }
    information = InformationKind(Route.QUADRATURE)
    compare_after = 15
    has_limit_members = True

    def _log_prob(self, y: Any, mean: Any, sd: Any, shape: Any) -> Any:
        square = 1.0 + shape * shape
        spread = anp.sqrt((1.0 + (1.0 - B * B) * shape * shape) / square)
        z = (y - mean) / sd * spread + B * shape / anp.sqrt(square)
        constant = _LOG_2 - _HALF_LOG_2PI + anp.log(spread) - anp.log(sd)
        return constant - 0.5 * z * z + log_ndtr(shape * z)

    def _terms(self, x: np.ndarray, shape: Any) -> tuple[np.ndarray, ...]:
        """z and its two derivatives in shape, and the two of log Phi(u) in u = shape z."""
        mean, mean1, mean2, sd, sd1, sd2 = standard_moments(shape)
        z = x * sd + mean
        u = shape * z
        hazard = np.exp(-0.5 * u * u - _HALF_LOG_2PI - special.log_ndtr(u))
        return z, x * sd1 + mean1, x * sd2 + mean2, hazard, -hazard * (u + hazard)

    def _score(self, y: Any, mean: Any, sd: Any, shape: Any) -> np.ndarray:
        x = (y - mean) / sd
        z, z1, _, hazard, _ = self._terms(x, shape)
        _, _, _, spread, spread1, _ = standard_moments(shape)
        first = spread * (shape * hazard - z)
        slope = spread1 / spread - z * z1 + hazard * (z + shape * z1)
        chain = np.cosh(np.arcsinh(shape**3))
        with np.errstate(divide="ignore", invalid="ignore"):
            last = slope * chain / shape**2
        # Leading term: half of C He3(x).
        near = 0.5 * C * chain * x * (x * x - 3.0)
        return score_of(x, sd, first, np.where(np.abs(shape) < SMALL, near, last))

    def _observed(self, y: Any, mean: Any, sd: Any, shape: Any) -> np.ndarray:
        shape = np.where(np.abs(shape) < 10.0 * SMALL, 10.0 * SMALL, shape)
        x = (y - mean) / sd
        z, z1, z2, hazard, bend = self._terms(x, shape)
        _, _, _, spread, spread1, spread2 = standard_moments(shape)
        pull, ratio, u1 = shape * hazard - z, spread1 / spread, z + shape * z1
        first, second = spread * pull, spread**2 * (shape**2 * bend - 1.0)
        chain = np.cosh(np.arcsinh(shape**3)) / shape**2
        mixed = chain * (spread1 * pull + spread * (hazard + shape * bend * u1 - z1))
        slope = ratio - z * z1 + hazard * u1
        curve = spread2 / spread - ratio**2 - z1**2 - z * z2 + bend * u1**2
        curve = curve + hazard * (2.0 * z1 + shape * z2)
        last = curve * chain**2 + slope * (3.0 * shape - 2.0 * chain**2 / shape)
        return observed_of(x, sd, first, second, mixed, last)

    def sum_terms(
        self, y: Any, weight: np.ndarray | None, eta: np.ndarray
    ) -> tuple[float, np.ndarray, np.ndarray]:
        """Weighted sums of log p, its score (3,) and its negative Hessian (3, 3), eta (1, 3)."""
        # Numpy's numbers become infinite or NaN far out, where Python's raise.
        mean, sd, shape = (np.float64(v[0]) for v in self.native(eta))
        sums = row_sums(y, weight, mean, sd, shape)
        slopes = sums
        if abs(shape) < 10.0 * SMALL:
            # As for single rows: at shape 0 the curvature in eta is infinite.
            slopes = row_sums(y, weight, mean, sd, 10.0 * SMALL)
        return sums.value(sd), sums.score(sd), slopes.observed(sd)

    # ------------------------------------------------------------------------ expectations

    @staticmethod
    @functools.lru_cache(maxsize=64)
    def _rule(shape: float) -> tuple[np.ndarray, np.ndarray]:
        """Nodes and probabilities at mean 0 and sd 1, by the trapezoidal rule."""
        # The nodes resolve both the width 1 and the step of width 1 / shape.
        steep = 2.0 * max(abs(shape), 1.0)
        t = np.arange(-np.arcsinh(12.0 * steep), np.arcsinh(12.0 * steep), 0.04)
        z = np.sinh(t) / steep
        weight = 0.08 * np.cosh(t) / steep
        weight *= np.exp(-0.5 * z * z - _HALF_LOG_2PI + special.log_ndtr(shape * z))
        keep = weight > 0
        middle, _, _, spread, _, _ = standard_moments(shape)
        return (z[keep] - middle) / spread, weight[keep] / weight.sum()

    @staticmethod
    @functools.lru_cache(maxsize=64)
    def _standard_information(shape: float) -> np.ndarray:
        """Fisher information (3, 3) in eta at mean 0 and sd 1."""
        x, weight = SkewNormal._rule(shape)
        score = SkewNormal()._score(x, 0.0, 1.0, np.array([shape]))
        return (score * weight[:, None]).T @ score

    # ---------------------------------------------------------------------- data, sampling

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """All rows alike: sd -> 0 and the likelihood grows without limit."""
        refuse_constant(rows, "SkewNormal")
        refuse_extreme(rows, "SkewNormal")

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        low, middle, high = (quantile(y, weight, q) for q in (0.1, 0.5, 0.9))
        if not high > low:
            gap = y - mean(y, weight)
            spread = float(np.sqrt(mean(gap * gap, weight))) or abs(middle) or 1.0
            return {"mean": middle, "sd": spread, "shape": 0.5}
        skew = float(np.clip((high + low - 2.0 * middle) / (high - low) / _MOST_SKEWED, -1, 1))
        # Not zero: there the curvature of the log-likelihood in eta is infinite.
        shape = np.copysign(max(2.0 * np.cbrt(abs(skew)), 0.5), skew)
        centre = middle + 0.1 * skew * (high - low)
        return {"mean": centre, "sd": (high - low) / 2.56, "shape": shape}

    def nested_start(self, rows: Rows) -> np.ndarray:
        """The optima of the normal and of the two half-normal distributions.

        A half-normal may be only a local maximum, with a higher one inside the family: if it is
        the best of the three, the point that a few steps from the moments lead to is added.

        Returns
        -------
        ndarray of shape (3, 3) or (4, 3)
            Their eta.
        """
        centre = float(mean_over(rows))
        sd = float(np.sqrt(mean_over(rows, squared_gap, centre)))
        found = [self.eta(mean=centre, sd=sd, shape=0.0)]
        steep = self.params["shape"].high
        spread = float(standard_moments(steep)[3])
        for sign, end in zip((1.0, -1.0), rows.extent(), strict=True):
            scale = float(np.sqrt(mean_over(rows, squared_gap, end)))
            # Distance of loc from the last row, in scales, at which the score in loc is zero: that
            # of the last row, shape phi(u), balances that of all others.
            pull = rows.total * float(mean_over(rows, distance, end)) / scale
            room = np.sqrt(2.0 * max(np.log(steep / pull) - _HALF_LOG_2PI, 1.0)) / steep
            middle = end + sign * scale * (B - room)
            found.append(self.eta(mean=middle, sd=scale * spread, shape=sign * steep))
        values = [self._summed(rows, eta)[0] for eta in found]
        best = int(np.argmax(values))
        if best > 0:
            near = self.eta(mean=centre, sd=sd, shape=3.0 * (3 - 2 * best))
            found.append(self._climbed(rows, near))
        return np.stack(found)

    def limit_members(
        self, rows: Rows, eta: np.ndarray, value: Callable[[np.ndarray], float]
    ) -> list[np.ndarray]:
        """The best half-normals: of all, with the mean of eta, and with its standard deviation.

        Returns
        -------
        list of ndarray of shape (3,)
            Empty if the density at eta is far from both of them.
        """
        shape = float(self.native_dict(eta)["shape"])
        steep = self.params["shape"].high
        found = []
        for at, sign, end in zip(self.limits[:2], (-1.0, 1.0), rows.extent()[::-1], strict=True):
            if sign * shape > LEAST:
                jump = Jump(at[2], sign * steep, B, float(standard_moments(steep)[3]))
                scale = float(np.sqrt(mean_over(rows, squared_gap, end)))
                found += SteepMembers(jump, float(end), eta, value).best(scale)
        return found

    def _summed(self, rows: Rows, eta: np.ndarray) -> tuple[float, np.ndarray]:
        """Sums of log p and of its score (3,) at eta (3,)."""
        return rows.sum(block_sum, self, "sum_value_and_score", eta[None])

    def _climbed(self, rows: Rows, eta: np.ndarray) -> np.ndarray:
        """Eta (3,) after a few natural-gradient steps."""
        low, high, most = self.limits
        for _ in range(8):
            slope = self._summed(rows, eta)[1] / rows.total
            step = np.linalg.solve(self.fisher(eta[None])[0], slope)
            eta = np.clip(eta + step * min(1.0, (most / np.abs(step)).min()), low, high)
        return eta

    def _log_cdf(self, y: Any, mean: Any, sd: Any, shape: Any) -> np.ndarray:
        middle, _, _, spread, _, _ = standard_moments(shape)
        return log_cdf((y - mean) / sd * spread + middle, shape)

    def _log_sf(self, y: Any, mean: Any, sd: Any, shape: Any) -> np.ndarray:
        return self._log_cdf(-y, -mean, sd, -shape)

    def _velocity(
        self, y: np.ndarray, mean: Any, sd: Any, shape: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        x = (y - mean) / sd
        unit, by_x, by_shape = velocity(x, shape)
        first, slope = np.ones((3, len(x))), np.zeros((3, 3, len(x)))
        first[1], first[2] = y - mean, sd * unit
        slope[0, 1], slope[0, 2] = -1.0, -by_x
        slope[1, 2], slope[2, 2] = sd * (unit - x * by_x), sd * by_shape
        return first, slope

    def _sample(self, rng: np.random.Generator, n: int, mean: Any, sd: Any, shape: Any) -> Any:
        middle, _, _, spread, _, _ = standard_moments(shape)
        one, two = rng.standard_normal((2, n))
        z = (shape * np.abs(one) + two) / np.sqrt(1.0 + shape * shape)
        return mean + sd * (z - middle) / spread

    def _moments(self, mean: Any, sd: Any, shape: Any) -> tuple[Any, Any]:
        return mean, np.square(sd)

    def _to_scipy(self, mean: Any, sd: Any, shape: Any) -> Any:
        from scipy.stats import skewnorm

        middle, _, _, spread, _, _ = standard_moments(float(shape))
        scale = float(sd) / float(spread)
        return skewnorm(float(shape), loc=float(mean) - scale * float(middle), scale=scale)

"""The exponentially modified normal distribution of real numbers."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import autograd.numpy as anp
import numpy as np
from scipy import special

from natfit.bijectors import Positive, Real, Rooted
from natfit.distributions.base import Distribution
from natfit.distributions.contract.checks import refuse_constant, refuse_extreme
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.start import mean
from natfit.distributions.contract.sums import block_sum
from natfit.distributions.contract.support import REAL
from natfit.distributions.contract.velocity import Velocity
from natfit.distributions.forms.jets import ByJets
from natfit.distributions.forms.location_scale import Standardised
from natfit.distributions.real._steep import LEAST, Jump, SteepMembers
from natfit.numerics.mills import log_mills, log_ndtr
from natfit.numerics.special import log1mexp
from natfit.rows import Rows, mean_over, share_equal, squared_gap

_HALF_LOG_2PI = 0.9189385332046727

#: Below the first shape the density is the normal's, above the second one the exponential's, but
#: for 5e-6 nats per row.
_NORMAL, _EXPONENTIAL = 1e-3, 1e6

#: Shape below which the density is summed as a series in the cumulants: the difference of
#: logarithms has lost half of its digits there.
_SMALL = 0.02

#: Shape from which derivatives of its tails keep their digits in closed form, and need no
#: quadrature: those of the normal and of the exponential part cancel at small shapes.
_STEADY = 0.1

#: Scales above loc from which a normal variable lies there but for 3e-7.
_BEYOND = 5.0

#: Step of the trapezoidal rule, and how many of the normal's and of the exponential's units from
#: loc its nodes end: beyond are 1e-32 and 1e-17 of the probability.
_STEP, _NORMAL_TAIL, _LONG_TAIL = 0.04, 12.0, 40.0


class ExponentiallyModifiedNormal(Standardised, ByJets):
    """The exponentially modified normal (EMG) distribution of y, in its mean and sd.

    y is the sum of a normal variable (loc, scale) and an exponential one of mean shape scale, with
    scale = sd / sqrt(1 + shape^2) and loc = mean - shape scale. With x = (y - loc) / scale and
    Mills' ratio M, ``log p(y) = -log(shape scale) + log phi(x) + log M(1 / shape - x)``. shape 0 is
    the normal, infinity the exponential distribution from loc on. At fixed mean and sd the
    likelihood depends on shape^3 to first order (the skewness is 2 shape^3 / (1 + shape^2)^(3/2)):
    eta = (mean, log sd, arsinh(shape^3) / 3), in which the normal is an ordinary point. The Fisher
    information is computed by quadrature at mean 0 and sd 1, from which that at any mean and sd
    follows.

    Data that are skewed to the left end as ``boundary`` at shape -> 0, the normal; such as rise
    steeply from the smallest row on end at shape -> infinity, the exponential.

    Mean ``mean``, variance ``sd^2``. In R: ``gamlss.dist::dexGAUS``.

    Matches ``scipy.stats.exponnorm(K=shape, loc=loc, scale=scale)`` with loc and scale as above.

    Source: Grushka (1972), Analytical Chemistry 44.
    """

    params = {
        "mean": Real(),
        "sd": Positive(),
        "shape": Rooted(3, low=_NORMAL, high=_EXPONENTIAL),
    }
    roles = {"mean": Role.LOCATION, "sd": Role.SCALE, "shape": Role.SHAPE}
    support = REAL
    limit_meaning = {
        ("shape", "lower"): "the normal distribution",
        ("shape", "upper"): "the exponential distribution from the smallest row on",
    }
    compare_after = 10
    has_limit_members = True

    def _log_prob(self, y: Any, mean: Any, sd: Any, shape: Any) -> Any:
        u = (y - mean) / sd
        # One shape for each row: autograd's ``where`` does not sum over rows.
        shape = shape + 0.0 * u
        small = shape < _SMALL
        near = anp.where(small, shape, _SMALL)
        far = anp.where(small, _SMALL, shape)
        root = anp.sqrt(1.0 + far * far)
        x = u * root + far
        direct = anp.log(root / far) + _log_tail(x, 1.0 / far)
        return anp.where(small, _series(u, near), direct) - anp.log(sd)

    def _parts(self, y: Any, mean: Any, sd: Any, shape: Any) -> tuple[Any, Any]:
        """X and log phi(x)."""
        x = (y - mean) / sd * np.sqrt(1.0 + shape * shape) + shape
        return x, -0.5 * x * x - _HALF_LOG_2PI

    def _log_sf(self, y: Any, mean: Any, sd: Any, shape: Any) -> np.ndarray:
        x, _ = self._parts(y, mean, sd, shape)
        return np.logaddexp(log_ndtr(-x), _log_tail(x, 1.0 / shape))

    def velocity(self, y: np.ndarray, eta: np.ndarray) -> Velocity:
        """Derivatives of P(Y > y) in eta over the density: of jets where the shape is not small."""
        if (self.native_dict(eta)["shape"] < _STEADY).any():
            return Distribution.velocity(self, y, eta)
        return super().velocity(y, eta)

    def _log_sf_jet(self, y: Any, mean: Any, sd: Any, shape: Any) -> Any:
        root = np.sqrt(1.0 + shape * shape)
        x = (y - mean) / sd * root + shape
        return np.logaddexp(log_ndtr(-x), _log_tail(x, 1.0 / shape))

    def _log_cdf(self, y: Any, mean: Any, sd: Any, shape: Any) -> np.ndarray:
        x, log = self._parts(y, mean, sd, shape)
        upper = self._log_sf(y, mean, sd, shape)
        # In the lower half a difference of Mills' ratios, which share the factor phi(x); beyond
        # the normal part 1 less the exponential one, and less what the normal one lacks.
        first = log_mills(-np.minimum(x, _BEYOND))
        second = log_mills(1.0 / shape - np.minimum(x, _BEYOND))
        lower = log + first + log1mexp(np.minimum(second - first, -1e-300))
        with np.errstate(all="ignore"):
            rest = np.log(-np.expm1(_log_tail(x, 1.0 / shape)) - special.ndtr(-x))
        lower = np.where(x > _BEYOND, rest, lower)
        return np.where(upper > -0.5, lower, log1mexp(np.minimum(upper, 0.0)))

    @staticmethod
    @functools.lru_cache(maxsize=64)
    def _rule(shape: float) -> tuple[np.ndarray, np.ndarray]:
        """Nodes and probabilities at mean 0 and sd 1, by the trapezoidal rule."""
        # The nodes resolve the normal's width and the exponential's.
        first, last = np.arcsinh(-_NORMAL_TAIL), np.arcsinh(_NORMAL_TAIL + _LONG_TAIL * shape)
        t = np.arange(first, last, _STEP)
        root = np.sqrt(1.0 + shape * shape)
        x = (np.sinh(t) - shape) / root
        log = ExponentiallyModifiedNormal()._log_prob(x, 0.0, 1.0, np.full(len(t), shape))
        weight = np.exp(log) * np.cosh(t)
        keep = weight > 0
        return x[keep], weight[keep] / weight.sum()

    @staticmethod
    @functools.lru_cache(maxsize=64)
    def _standard_information(shape: float) -> np.ndarray:
        """Fisher information (3, 3) in eta at mean 0 and sd 1."""
        family = ExponentiallyModifiedNormal()
        x, weight = ExponentiallyModifiedNormal._rule(shape)
        score = family.score(x, family.eta(mean=0.0, sd=1.0, shape=shape)[None])
        return (score * weight[:, None]).T @ score

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """All rows alike: sd -> 0 and the likelihood grows without limit."""
        refuse_constant(rows, "ExponentiallyModifiedNormal")
        refuse_extreme(rows, "ExponentiallyModifiedNormal")

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        centre = mean(y, weight)
        sd = float(np.sqrt(mean((y - centre) ** 2, weight)))
        if not sd > 0:
            return {"mean": centre, "sd": abs(centre) or 1.0, "shape": 1.0}
        skewness = mean(((y - centre) / sd) ** 3, weight)
        # Share of the exponential in the variance, from the skewness; half of it off the optimum.
        share = float(np.clip(0.5 * skewness, 0.05, 0.85)) ** (2.0 / 3.0)
        return {"mean": centre, "sd": 1.02 * sd, "shape": np.sqrt(share / (1.0 - share))}

    def nested_start(self, rows: Rows) -> np.ndarray:
        """Eta (K,) of the optimum of the normal or of the exponential, the higher one."""
        centre = float(mean_over(rows))
        sd = float(np.sqrt(mean_over(rows, squared_gap, centre)))
        found = [self.eta(mean=centre, sd=sd, shape=_NORMAL)]
        found.append(self._exponential(rows, centre))
        values = [rows.sum(block_sum, self, "sum_value_and_score", eta[None])[0] for eta in found]
        return found[int(np.nanargmax(values))]

    def limit_members(
        self, rows: Rows, eta: np.ndarray, value: Callable[[np.ndarray], float]
    ) -> list[np.ndarray]:
        """The best exponentials: of all, with the mean of eta, and with its standard deviation.

        Returns
        -------
        list of ndarray of shape (3,)
            Empty if the density at eta is far from them.
        """
        if not self.native_dict(eta)["shape"] > LEAST:
            return []
        least = float(rows.extent()[0])
        jump = Jump(self.limits[1][2], _EXPONENTIAL, 1.0, 1.0)
        return SteepMembers(jump, least, eta, value).best(float(mean_over(rows)) - least)

    def _exponential(self, rows: Rows, centre: float) -> np.ndarray:
        """Eta (K,) of the optimum at the largest shape.

        The exponential part's mean is that of the excesses over the smallest row. Loc lies x scales
        below this row, where its score there, phi(x) / Phi(x), balances n / shape of all rows.

        Returns
        -------
        ndarray of shape (3,)
            Eta.
        """
        least = float(rows.extent()[0])
        wide = centre - least
        pull = rows.total / (_EXPONENTIAL * max(share_equal(rows, least) * rows.total, 1.0))
        x = 1.0
        for _ in range(30):
            x = np.sqrt(max(-2.0 * (np.log(pull) + log_ndtr(x) + _HALF_LOG_2PI), 0.0))
        sd = wide * np.sqrt(1.0 + _EXPONENTIAL**-2.0)
        return self.eta(mean=centre - x * wide / _EXPONENTIAL, sd=sd, shape=_EXPONENTIAL)

    def _sample(self, rng: np.random.Generator, n: int, mean: Any, sd: Any, shape: Any) -> Any:
        z, e = rng.standard_normal(n), rng.exponential(size=n)
        return mean + sd * (z + shape * (e - 1.0)) / np.sqrt(1.0 + shape * shape)

    def _moments(self, mean: Any, sd: Any, shape: Any) -> tuple[Any, Any]:
        return mean, np.square(sd)

    def _to_scipy(self, mean: Any, sd: Any, shape: Any) -> Any:
        from scipy.stats import exponnorm

        scale = float(sd) / np.sqrt(1.0 + float(shape) ** 2)
        return exponnorm(float(shape), loc=float(mean) - float(shape) * scale, scale=scale)


def _log_tail(x: Any, rate: Any) -> Any:
    """log of phi(x) M(rate - x), differentiable; far to the right -rate x, without cancellation."""
    a = rate - x
    far = a < -5.0
    near_x = anp.where(far, 0.0, x)
    near = log_mills(anp.where(far, 1.0, a)) - 0.5 * near_x * near_x - _HALF_LOG_2PI
    return anp.where(far, log_ndtr(anp.where(far, -a, 5.0)) + rate * (0.5 * rate - x), near)


def _series(u: Any, shape: Any) -> Any:
    """Log-density at mean 0 and sd 1 from the cumulants (r - 1)! rho^r of the exponential part.

    rho = shape / sqrt(1 + shape^2). Edgeworth's series up to the sixth order: the seventh is
    below 1e-9 for |u| < 6.

    Returns
    -------
    ndarray of shape (n,)
        In nats.
    """
    rho = shape / anp.sqrt(1.0 + shape * shape)
    s = u * u
    third = u * (s - 3.0)
    fourth = s * (s - 6.0) + 3.0
    fifth = u * (s * (s - 10.0) + 15.0)
    sixth = s * (s * (s - 15.0) + 45.0) - 15.0
    cube = rho**3
    terms = cube * third / 3.0 + rho**4 * fourth / 4.0 + rho**5 * fifth / 5.0
    total = terms + cube * cube * (sixth / 6.0 + sixth / 18.0)
    return anp.log1p(anp.maximum(total, -0.9)) - 0.5 * s - _HALF_LOG_2PI

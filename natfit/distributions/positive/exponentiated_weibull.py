"""The exponentiated Weibull distribution."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.bijectors import Positive
from natfit.distributions.base import Distribution
from natfit.distributions.contract.checks import ROUNDING, refuse_constant
from natfit.distributions.contract.declared import InformationKind, Role, Route, Width
from natfit.distributions.contract.start import MANY, mean
from natfit.distributions.contract.sums import block_sum
from natfit.distributions.contract.support import POSITIVE
from natfit.distributions.forms.positive import seen_by_all
from natfit.distributions.positive.weibull import optimum as weibull_optimum
from natfit.numerics.special import log1mexp
from natfit.rows import Rows, dot

#: Below exp(this) log(1 - exp(-w)) is log w; exp(z) itself stays a normal double.
_TINY = -700.0

#: Powers that are tried for the start. The limits are among them: a fit whose maximum lies at a
#: limit then need not follow the flat curve towards it.
_POWERS = np.array([1e-3, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0, 1e4, 1e6])

#: Powers besides one whose optima a fit is compared with: those of other local maxima.
_COMPARED = (_POWERS[0], 0.1, 10.0, _POWERS[-1])

#: Steps to a near-optimum at a given power.
_CLIMBS = 8


class ExponentiatedWeibull(Distribution):
    """The exponentiated Weibull distribution of positive y: a Weibull's cdf to a power.

    With z = shape (log y - log scale), w = exp(z), the cdf is (1 - exp(-w))^power and
    ``log p(y) = log power + log shape - log y + z - w + (power - 1) log(1 - exp(-w))``
    (Mudholkar and Srivastava 1993); power = 1 is the Weibull. eta = (log shape, log scale,
    log power). The Fisher information is a quadrature of 200 nodes, exact to rounding.

    A change of one parameter is nearly made up for by changes of the other two: the likelihood is
    almost flat along a curve, and standard errors are large. For power -> infinity (and
    shape -> 0) the distribution tends to the Frechet distribution, for power -> 0 (and
    shape -> infinity) to a power function on (0, scale): a fit to data that are most likely under
    one of them ends at a limit of ``power``. Only data whose rows are all equal have no maximum:
    they are refused.

    Matches ``scipy.stats.exponweib(a=power, c=shape, scale=scale)``.
    """

    params = {
        "shape": Positive(),
        "scale": Positive(),
        "power": Positive(low=_POWERS[0], high=_POWERS[-1]),
    }
    roles = {"shape": Role.POWER, "scale": Role.SCALE, "power": Role.SHAPE}
    widths = {"shape": Width(-1.0, least=1.0)}
    support = POSITIVE
    limit_meaning = {
        ("power", "upper"): "nearing the Frechet distribution",
        ("power", "lower"): "nearing a power function that ends at the scale",
    }
    compare_after = 25
    information = InformationKind(Route.QUADRATURE)
    fisher_by_rows = False
    kl_by_rows = False

    def _log_prob(self, y: Any, shape: Any, scale: Any, power: Any) -> Any:
        log = anp.log(y)
        z = shape * (log - anp.log(scale))
        w = anp.exp(anp.maximum(z, _TINY))
        q = anp.minimum(z - _TINY, 0.0) - anp.log1p(1.0 / anp.expm1(anp.minimum(w, -_TINY)))
        return anp.log(power) + anp.log(shape) - log + z - w + (power - 1.0) * q

    # ------------------------------------------------------------------------- closed forms

    def log_prob_and_score(self, y: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Both, (n,) and (n, 3), from one exponential per row."""
        shape, scale, power = self.native(eta)
        log = np.log(y)
        z = shape * (log - np.log(scale))
        w, q, b = _parts(z)
        value = np.log(power) + np.log(shape) - log + z - w + (power - 1.0) * q
        return value, _score(z, w, q, b, shape, power)

    def _score(self, y: Any, shape: Any, scale: Any, power: Any) -> np.ndarray:
        z = shape * (np.log(y) - np.log(scale))
        return _score(z, *_parts(z), shape, power)

    def _observed(self, y: Any, shape: Any, scale: Any, power: Any) -> np.ndarray:
        z = shape * (np.log(y) - np.log(scale))
        w, q, b = _parts(z)
        slope = 1.0 - w + (power - 1.0) * b
        bend = (power - 1.0) * b * (1.0 - w - b) - w
        out = np.empty((len(z), 3, 3))
        out[:, 0, 0] = -z * (slope + z * bend)
        out[:, 0, 1] = out[:, 1, 0] = shape * (slope + z * bend)
        out[:, 0, 2] = out[:, 2, 0] = -power * z * b
        out[:, 1, 1] = -(shape**2) * bend
        out[:, 1, 2] = out[:, 2, 1] = power * shape * b
        out[:, 2, 2] = -power * q
        return out

    def sum_terms(
        self, y: Any, weight: np.ndarray | None, eta: np.ndarray
    ) -> tuple[float, np.ndarray, np.ndarray]:
        """Weighted sums of log p, its score (3,) and its negative Hessian (3, 3), eta (1, 3)."""
        shape, scale, power = (v[0] for v in self.native(eta))
        z = np.log(y)
        ones = np.ones(len(z)) if weight is None else weight
        log, n = dot(ones, z), float(ones.sum())
        z = shape * (z - np.log(scale))
        w, q, b = _parts(z)
        slope = 1.0 - w + (power - 1.0) * b
        bend = (power - 1.0) * b * (1.0 - w - b) - w
        q_sum, slope_sum, bend_sum = (dot(ones, v) for v in (q, slope, bend))
        b_sum, zb, z_slope = dot(ones, b), dot(ones, z * b), dot(ones, z * slope)
        bend *= z
        z_bend, zz_bend = dot(ones, bend), dot(ones, z * bend)
        value = n * np.log(power * shape) - log + dot(ones, z - w) + (power - 1.0) * q_sum
        score = np.array([n + z_slope, -shape * slope_sum, n + power * q_sum])
        mixed = shape * (slope_sum + z_bend)
        observed = np.array(
            [
                [-z_slope - zz_bend, mixed, -power * zb],
                [mixed, -(shape**2) * bend_sum, power * shape * b_sum],
                [-power * zb, power * shape * b_sum, -power * q_sum],
            ]
        )
        return float(value), score, observed

    def _fisher(self, shape: np.ndarray, scale: np.ndarray, power: np.ndarray) -> np.ndarray:
        out = np.empty((len(shape), 3, 3))
        for i, (c, a) in enumerate(zip(shape, power, strict=True)):
            z, q = _nodes(a)
            w, _, b = _parts(z)
            score = _score(z, w, q, b, c, a)
            out[i] = (score * _SHARE[:, None]).T @ score
        return out

    def _kl(
        self, shape: Any, scale: Any, power: Any, shape2: Any, scale2: Any, power2: Any
    ) -> np.ndarray:
        z, q = _nodes(power[:, None])
        ratio = (shape2 / shape)[:, None]
        z2 = ratio * z + (shape2 * np.log(scale / scale2))[:, None]
        (w, _, _), (w2, q2, _) = _parts(z), _parts(z2)
        gap = z - z2 - w + w2 + (power[:, None] - 1.0) * q - (power2[:, None] - 1.0) * q2
        return np.log(power / power2) - np.log(ratio[:, 0]) + gap @ _SHARE

    def _log_cdf(self, y: Any, shape: Any, scale: Any, power: Any) -> np.ndarray:
        return power * _parts(np.asarray(shape * np.log(y / scale)))[1]

    def _log_sf(self, y: Any, shape: Any, scale: Any, power: Any) -> np.ndarray:
        z = np.asarray(shape * np.log(y / scale))
        w, q, _ = _parts(z)
        with np.errstate(all="ignore"):
            # Far out 1 - (1 - e^-w)^power is power e^-w.
            return np.where(w > 650.0, np.log(power) - w, log1mexp(power * q))

    def _velocity(
        self, y: np.ndarray, shape: Any, scale: Any, power: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        log = np.log(y / scale)
        w, q, b = _parts(np.asarray(shape * log))
        first, slope = np.empty((3, len(y))), np.zeros((3, 3, len(y)))
        # At a fixed cdf q power is fixed; the slope of q / b in z follows from that of b.
        first[0], first[1], first[2] = -y * log, y, -y * q / (b * shape)
        bend = y * (1.0 - q * (1.0 - w - b) / b)
        slope[0, 2], slope[1, 2] = -bend * log - first[2], bend
        return first, slope

    # ---------------------------------------------------------------------- data, sampling

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """All rows alike: shape -> infinity and the likelihood grows without limit."""
        refuse_constant(rows, type(self).__name__, relative=ROUNDING)

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        # The most likely of a few powers.
        log = np.log(y)
        best = -np.inf
        found: dict[str, Any] = {}
        for power in _POWERS:
            native = self._matched(log, weight, power)
            with np.errstate(all="ignore"):
                value = mean(self._log_prob(y, *native.values()), weight)
            if not found or value > best:
                best, found = value, native
        return found

    def _matched(self, log: np.ndarray, weight: np.ndarray | None, power: float) -> dict[str, Any]:
        """Native values with this power, and the mean and variance of log y."""
        centre = mean(log, weight)
        spread = np.sqrt(mean((log - centre) ** 2, weight)) if log.max() > log.min() else 1.0
        z = _nodes(power)[0]
        middle = z @ _SHARE
        width = np.sqrt((z - middle) ** 2 @ _SHARE)
        scale = np.exp(centre - middle * spread / width)
        return {"shape": width / spread, "scale": scale, "power": power}

    def refine_start(self, rows: Rows, eta: np.ndarray) -> np.ndarray:
        """A start with a smaller shape where the largest row would be almost impossible."""
        return seen_by_all(self, rows, eta)

    def nested_start(self, rows: Rows) -> np.ndarray:
        """The Weibull's optimum, power = 1, and near-optima at a small, a large and both limits.

        Returns
        -------
        ndarray of shape (5, 3)
            Their eta.
        """
        found = [self.eta(**weibull_optimum(rows), power=1.0)]
        many = rows.few(MANY)
        for power in _COMPARED:
            native = self._matched(np.log(many.y), many.weight, power)
            with np.errstate(all="ignore"):
                found.append(self._climbed(rows, self.eta(**native)))
        return np.stack(found)

    def _climbed(self, rows: Rows, eta: np.ndarray) -> np.ndarray:
        """Eta (3,) after a few steps of scoring in shape and scale, which have to raise log p."""
        value, score, _ = rows.sum(block_sum, self, "sum_terms", eta[None])
        length = 1.0
        for _ in range(_CLIMBS):
            step = np.linalg.solve(self.fisher(eta[None])[0][:2, :2], score[:2] / rows.total)
            step *= length / max(1.0, float(np.abs(step).max()))
            trial = eta + np.append(step, 0.0)
            higher, slope, _ = rows.sum(block_sum, self, "sum_terms", trial[None])
            if higher > value:
                eta, value, score, length = trial, higher, slope, 1.0
            else:
                length *= 0.25
        return eta

    def _sample(
        self, rng: np.random.Generator, n: int, shape: Any, scale: Any, power: Any
    ) -> np.ndarray:
        # With a tiny power a draw underflows to zero.
        with np.errstate(divide="ignore"):
            log_w = np.log(-log1mexp(-rng.exponential(size=n) / power))
        return scale * np.exp(log_w / shape)

    def _quantile(self, p: Any, upper: bool, shape: Any, scale: Any, power: Any) -> np.ndarray:
        log = np.log1p(-p) if upper else np.log(p)
        return scale * np.exp(np.log(-log1mexp(log / power)) / shape)

    def _to_scipy(self, shape: Any, scale: Any, power: Any) -> Any:
        from scipy.stats import exponweib

        return exponweib(a=float(power), c=float(shape), scale=float(scale))


def _parts(z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """w = exp(z), q = log(1 - exp(-w)) and its slope in z, b = w / expm1(w)."""
    w = np.exp(np.maximum(z, _TINY))
    kept = np.minimum(w, -_TINY)
    grown = np.expm1(kept)
    return w, np.minimum(z - _TINY, 0.0) - np.log1p(1.0 / grown), kept / grown


def _score(z: Any, w: Any, q: Any, b: Any, shape: Any, power: Any) -> np.ndarray:
    """(n, 3) from z and its parts."""
    slope = 1.0 - w + (power - 1.0) * b
    out = np.empty((3, len(z)))
    out[0] = 1.0 + z * slope
    out[1] = -shape * slope
    out[2] = 1.0 + power * q
    return out.T


# v = -log of the cdf = -power q has an exponential distribution. The double-exponential rule
# v = exp(t - exp(-t)) is accurate for integrands that are logarithmic at the ends of v, as these
# are whatever the power.
_T = np.linspace(-5.5, 4.4, 200)
_V = np.exp(_T - np.exp(-_T))
_SHARE = np.exp(-_V) * _V * (1.0 + np.exp(-_T))
_SHARE /= _SHARE.sum()


def _nodes(power: Any) -> tuple[np.ndarray, np.ndarray]:
    """z and q at the nodes of a rule in which _SHARE is the probability, (..., 200)."""
    q = -_V / power
    # exp(-w) = 1 - exp(q). With a power below 0.05, w underflows at some nodes, where z = q.
    return np.where(q < _TINY, q, np.log(-log1mexp(np.maximum(q, _TINY)))), q

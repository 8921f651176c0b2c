"""The generalised gamma distribution of positive numbers."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
from scipy import special

from natfit.bijectors import Positive, Sinh
from natfit.distributions.contract.checks import ROUNDING, refuse_constant
from natfit.distributions.contract.declared import Role, Width
from natfit.distributions.contract.start import mean, median
from natfit.distributions.contract.sums import block_sum
from natfit.distributions.contract.support import POSITIVE
from natfit.distributions.contract.velocity import by_quadrature
from natfit.distributions.forms.jets import ByJets
from natfit.distributions.positive.weibull import optimum as weibull_optimum
from natfit.numerics.incomplete import gamma_slopes
from natfit.numerics.jets import Jet
from natfit.numerics.moments import beyond, from_logs
from natfit.numerics.stirling import correction, curvature, slope
from natfit.numerics.tails import log_gammainc, log_gammaincc
from natfit.rows import Rows, mean_over

_HALF_LOG_2PI = 0.9189385332046727

#: |q| below which the correction of log Gamma is the first terms of its series, exact to 1e-16.
_SMALL_Q = 0.02

#: |x| below which (e^x - 1 - x) / x^2 is summed as a series, and its coefficients 1 / (k + 2)!.
_SMALL_X = 0.5
_SERIES = 1.0 / special.factorial(np.arange(2, 17))

#: |q| below which a draw and a probability are the lognormal's, within 1e-7.
_NORMAL_Q = 1e-7

#: |q| from which on derivatives of the tails are those of the incomplete gamma function.
_CLOSED = 0.2

#: |q| at which the family is nearly a power function.
_LIMIT = 1e3


#: |q| below which logarithms of gamma functions of 1 / q^2 leave too few digits for moments.
_LOST_Q = 1e-2


class GeneralizedGamma(ByJets):
    """The generalised gamma distribution of positive y, in Prentice's form.

    With w = (log y - log scale) / sigma, ``exp(q w) / q^2`` has the gamma distribution of shape
    k = 1 / q^2: ``log p(y) = log |q| + k log k - log Gamma(k) + k (q w - exp(q w)) - log sigma -
    log y``. q = 0 is the lognormal distribution, an ordinary point; q = 1 the Weibull, q = sigma
    the gamma, q = -1 the Frechet and q = -sigma the inverse gamma distribution.
    eta = (log scale, log sigma, arsinh q). The Fisher information is computed by quadrature.

    As q -> infinity (and sigma -> 0) it is a power function that ends at the largest row, as
    q -> -infinity the Pareto distribution from the smallest row on: a fit to data that are most
    likely under one of them ends there as ``boundary``. Only data whose rows are all equal have no
    maximum (sigma -> 0): they are refused.

    Mean ``scale (q^2)^(sigma / q) Gamma(1 / q^2 + sigma / q) / Gamma(1 / q^2)``, variance
    ``scale^2 (q^2)^(2 sigma / q) (Gamma(1 / q^2 + 2 sigma / q) / Gamma(1 / q^2) - Gamma(1 / q^2 +
    sigma / q)^2 / Gamma(1 / q^2)^2)``.
    In R: ``flexsurv::dgengamma(log(scale), sigma, q)``.

    Matches ``scipy.stats.gengamma(a=1 / q**2, c=q / sigma, scale=scale * q**(2 * sigma / q))``.

    Source: Stacy (1962), Annals of Mathematical Statistics 33; Prentice (1974), Biometrika 61.
    """

    params = {"scale": Positive(), "sigma": Positive(), "q": Sinh(-_LIMIT, _LIMIT)}
    roles = {"scale": Role.SCALE, "sigma": Role.POWER, "q": Role.SHAPE}
    widths = {"sigma": Width(1.0)}
    support = POSITIVE
    limit_meaning = {
        ("q", "upper"): "a power function that ends at the largest row",
        ("q", "lower"): "the Pareto distribution from the smallest row on",
    }
    stretches = True
    compare_after = 12

    def _log_prob(self, y: Any, scale: Any, sigma: Any, q: Any) -> Any:
        log = anp.log(y)
        w = (log - anp.log(scale)) / sigma
        return -w * w * _curve(q * w) - _correction(q) - anp.log(sigma) - log - _HALF_LOG_2PI

    def _log_cdf(self, y: Any, scale: Any, sigma: Any, q: Any) -> np.ndarray:
        return self._tail(np.log(y / scale) / sigma, q, 1.0)

    def _log_sf(self, y: Any, scale: Any, sigma: Any, q: Any) -> np.ndarray:
        return self._tail(np.log(y / scale) / sigma, q, -1.0)

    def _tail(self, w: np.ndarray, q: Any, side: float) -> np.ndarray:
        """Log-probability of the values below w (side 1) or above it (-1)."""
        w, q = np.broadcast_arrays(w, q)
        normal = np.abs(q) < _NORMAL_Q
        safe = np.where(normal, 1.0, q)
        k = safe**-2.0
        log_x = np.log(k) + np.minimum(safe * w, 690.0)
        x = np.exp(log_x)
        out = np.where(side * safe > 0, log_gammainc(k, x, log_x), log_gammaincc(k, x))
        return np.where(normal, special.log_ndtr(side * w), out)

    def _tail_slopes(
        self, y: np.ndarray, scale: Any, sigma: Any, q: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        y, scale, sigma, q = np.broadcast_arrays(y, scale, sigma, q)
        first, second = np.zeros((3, len(y))), np.zeros((3, 3, len(y)))
        near = np.abs(q) < _CLOSED
        if near.any():
            few = (v[near] for v in (scale, sigma, q))
            eta = np.stack([f(v) for f, v in zip((np.log, np.log, np.arcsinh), few, strict=True)])
            found = by_quadrature(self, y[near], eta.T)
            first[:, near], second[:, :, near] = found.first, found.second
        if not near.all():
            far = ~near
            slopes = self._far_slopes(y[far], scale[far], sigma[far], q[far])
            first[:, far], second[:, :, far] = slopes
        return first, second

    def _far_slopes(
        self, y: np.ndarray, scale: np.ndarray, sigma: np.ndarray, q: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Those in sigma and q, where q is not so small that gamma's terms cancel."""
        first, second = np.zeros((3, len(y))), np.zeros((3, 3, len(y)))
        log = np.log(y / scale)
        w, k = log / sigma, q**-2.0
        x = k * np.exp(np.minimum(q * w, 690.0))
        slope, bend = gamma_slopes(k, x)
        # Derivatives of log k and log x in q; their own derivatives are both 2 / q^2.
        a, own = -2.0 / q, 2.0 / q**2
        b = a + w
        pull = k * (np.log(x) - special.psi(k))
        in_q = slope * a - x * b
        twice = bend * a * a - 2.0 * x * pull * a * b - x * (k - x) * b * b + own * (slope - x)
        # dx / dy is x |q| / (sigma y), and the tail is the lower one of x where q < 0.
        unit = sigma * y / (x * q)
        chain = np.sqrt(1.0 + q * q)
        score = self.score(y, np.stack([np.log(scale), np.log(sigma), np.arcsinh(q)], axis=1))
        first[1], first[2] = y * log, unit * in_q * chain
        second[1, 1] = score[:, 1] * first[1]
        second[1, 2] = second[2, 1] = score[:, 2] * first[1]
        second[2, 2] = unit * (twice * chain * chain + in_q * q)
        return first, second

    def _quantile(self, p: Any, upper: bool, scale: Any, sigma: Any, q: Any) -> np.ndarray:
        normal = np.abs(q) < _NORMAL_Q
        safe = np.where(normal, 1.0, q)
        k = safe**-2.0
        above = upper != (safe < 0.0)
        x = np.where(above, special.gammainccinv(k, p), special.gammaincinv(k, p))
        gauss = special.ndtri(p)
        w = np.where(normal, -gauss if upper else gauss, np.log(x / k) / safe)
        return scale * np.exp(sigma * w)

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """All rows alike: sigma -> 0 and the likelihood grows without limit."""
        refuse_constant(rows, type(self).__name__, relative=ROUNDING)

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        # Skewness of log y is about -q. The gamma's mean of log y is log scale - sigma q / 2.
        log = np.log(y)
        gap = log - mean(log, weight)
        spread = float(np.sqrt(mean(gap * gap, weight)))
        if not spread > 0:
            return {"scale": np.exp(median(log, weight)), "sigma": 1.0, "q": 0.1}
        skewness = mean((gap / spread) ** 3, weight)
        q = float(np.clip(-skewness, -1.0, 1.0))
        sigma = spread / np.sqrt(special.polygamma(1, 1.0 / max(q * q, 1e-4)) / max(q * q, 1e-4))
        centre = mean(log, weight) + 0.5 * sigma * q
        return {"scale": np.exp(centre), "sigma": sigma, "q": q}

    def refine_start(self, rows: Rows, eta: np.ndarray) -> np.ndarray:
        """A smaller |q| where exp(q w) of the smallest or the largest row is too large."""
        q = float(np.sinh(eta[2]))
        w = (np.log(np.array(rows.extent(), dtype=float)) - eta[0]) / np.exp(eta[1])
        # At the maximum the mean of exp(q w) is 1.
        reach, most = float(np.max(q * w)), float(np.log(rows.n + 1.0))
        return eta if reach <= most else np.array([*eta[:2], np.arcsinh(q * most / reach)])

    def nested_start(self, rows: Rows) -> np.ndarray:
        """Eta (K,) of the optimum of a simpler family: the highest of four.

        They are the lognormal, the Weibull, and the limits q -> +-infinity.

        Returns
        -------
        ndarray of shape (3,)
            Eta.
        """
        log = float(mean_over(rows, np.log))
        spread = float(np.sqrt(mean_over(rows, _square_of, log)))
        weibull = weibull_optimum(rows)
        found = [
            self.eta(scale=np.exp(log), sigma=spread, q=0.0),
            self.eta(scale=weibull["scale"], sigma=1.0 / weibull["shape"], q=1.0),
        ]
        for sign, end in zip((-1.0, 1.0), np.log(rows.extent()), strict=True):
            # The exponent of the power function is 1 / (q sigma).
            sigma = abs(end - log) / _LIMIT
            found.append(self.eta(scale=np.exp(end), sigma=sigma, q=sign * _LIMIT))
        values = [rows.sum(block_sum, self, "sum_value_and_score", eta[None])[0] for eta in found]
        return found[int(np.nanargmax(values))]

    def _sample(
        self, rng: np.random.Generator, n: int, scale: Any, sigma: Any, q: Any
    ) -> np.ndarray:
        q = np.broadcast_to(q, n)
        normal, w = np.abs(q) < _NORMAL_Q, rng.standard_normal(n)
        safe = np.where(normal, 1.0, q)
        k = safe**-2.0
        # log of a gamma variable, also of a shape so small that the variable itself underflows.
        log = np.log(rng.gamma(k + 1.0)) - rng.exponential(size=n) / k
        w = np.where(normal, w, (log - np.log(k)) / safe)
        return np.clip(scale * np.exp(sigma * w), np.finfo(float).tiny, np.finfo(float).max)

    def _moments(self, scale: Any, sigma: Any, q: Any) -> tuple[Any, Any]:
        few = np.where(np.abs(q) < _NORMAL_Q, 1.0, q)
        size, step = 1.0 / np.square(few), sigma / few

        def log_moment(k: float) -> np.ndarray:
            log = special.gammaln(size + k * step) - special.gammaln(size) - k * step * np.log(size)
            normal = 0.5 * np.square(k * sigma)
            log = np.where(np.abs(q) < _NORMAL_Q, normal, log)
            return k * np.log(scale) + beyond(size + k * step > 0.0, log)

        # Differences of logarithms of large gamma functions have lost their digits.
        with np.errstate(all="ignore"):
            mean, var = from_logs(log_moment(1.0), log_moment(2.0))
        lost = (np.abs(q) >= _NORMAL_Q) & (np.abs(q) < _LOST_Q)
        return np.where(lost, np.nan, mean), np.where(lost, np.nan, var)

    def _to_scipy(self, scale: Any, sigma: Any, q: Any) -> Any:
        from scipy.stats import gengamma, lognorm

        if abs(q) < _NORMAL_Q:
            return lognorm(s=float(sigma), scale=float(scale))
        log_unit = float(np.log(scale) + 2.0 * sigma / q * np.log(np.abs(q)))
        if abs(log_unit) > 700.0:
            raise ValueError(
                f"q must be farther from 0 for scipy's gengamma, got {float(q):.3g}: its scale "
                f"would be exp({log_unit:.4g}); the lognormal, q = 0, is near"
            )
        return gengamma(a=float(q) ** -2.0, c=float(q / sigma), scale=np.exp(log_unit))


def _curve(x: Any) -> Any:
    """(e^x - 1 - x) / x^2, differentiable, also of jets; 1/2 at x = 0."""
    if isinstance(x, Jet):
        return x.chain(_curve(x.value), *_curve_slopes(x.value))
    small = anp.abs(x) < _SMALL_X
    near, total = anp.where(small, x, 0.0), 0.0
    for coefficient in _SERIES[::-1]:
        total = coefficient + near * total
    safe = anp.minimum(anp.where(small, 1.0, x), 690.0)
    return anp.where(small, total, (anp.expm1(safe) - safe) / safe**2)


def _curve_slopes(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first two derivatives of :func:`_curve`; zero where its exponential is cut off."""
    small, cut = np.abs(x) < _SMALL_X, x > 690.0
    near, safe = np.where(small, x, 0.0), np.where(small | cut, 1.0, x)
    first, second = (np.polyval(np.polyder(_SERIES[::-1], k), near) for k in (1, 2))
    grown = np.expm1(safe)
    rest = grown - safe
    far = grown / safe**2 - 2.0 * rest / safe**3
    bend = (grown + 1.0) / safe**2 - 4.0 * grown / safe**3 + 6.0 * rest / safe**4
    pairs = ((first, far), (second, bend))
    one, two = (np.where(small, a, np.where(cut, 0.0, b)) for a, b in pairs)
    return one, two


def _correction(q: Any) -> Any:
    """log Gamma(k) minus Stirling's formula, k = 1 / q^2, differentiable; 0 at q = 0."""
    small = anp.abs(q) < _SMALL_Q
    near, safe = anp.where(small, q, 0.0), anp.where(small, 1.0, q)
    square = near * near
    series = square * (1 / 12 - square**2 * (1 / 360 - square**2 / 1260))
    return anp.where(small, series, _stirling(1.0 / safe**2))


def _stirling(k: Any) -> Any:
    """:func:`natfit.numerics.stirling.correction`, also of jets."""
    if not isinstance(k, Jet):
        return correction(k)
    v = k.value
    return k.chain(correction(v), slope(v) / v**2, curvature(v) / v**3)


def _square_of(y: np.ndarray, centre: float) -> np.ndarray:
    return (np.log(y) - centre) ** 2

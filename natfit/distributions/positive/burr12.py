"""The Burr distribution of type XII of positive numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from natfit.bijectors import Positive, Reciprocal
from natfit.distributions.contract.checks import ROUNDING, refuse_constant
from natfit.distributions.contract.declared import Role, Width
from natfit.distributions.contract.start import quantile
from natfit.distributions.contract.sums import block_sum
from natfit.distributions.contract.support import POSITIVE
from natfit.distributions.forms.burr import (
    burr_draws,
    burr_log_prob,
    burr_quantile,
    burr_scale,
    survival,
)
from natfit.distributions.forms.jets import ByJets
from natfit.distributions.positive.weibull import optimum as weibull_optimum
from natfit.numerics.highest import highest
from natfit.numerics.moments import beyond, from_logs
from natfit.numerics.special import log1mexp
from natfit.rows import Rows, mean_over

_LOG_2 = np.log(2.0)

#: At this shape the Weibull differs by less than 1e-8 nats per row.
_WEIBULL = 1e9

#: At this shape, and a power of its inverse, it is the Pareto within about 1e-5 nats.
_PARETO = 1e-6

#: Logarithms of exponents between which the Pareto distribution's is looked for, relative to that
#: of the exact rows.
_AROUND = np.array([-5.0, 3.0])

#: Shapes that are tried for the start.
_SHAPES = np.array([0.05, 0.3, 1.0, 4.0, 1e3])


class Burr12(ByJets):
    """The Burr XII (Singh-Maddala) distribution of positive y, such as incomes, in its median.

    With scale = median / (2^(1 / shape) - 1)^(1 / power) and z = (y / scale)^power,
    ``log p(y) = log(shape power) + log z - log y - (shape + 1) log(1 + z)``. power = 1 is the
    Lomax, shape = 1 the log-logistic distribution; the exponent of the tail is shape power.
    eta = (log power, log median, arsinh(1 / shape)). The Fisher information is computed by
    quadrature.

    shape -> infinity is the Weibull distribution, an ordinary point of eta; shape -> 0 (with power
    going to infinity) is the Pareto distribution from the smallest row on. A fit to data that are
    most likely under one of them ends there as ``boundary``. Only data whose rows are all equal
    have no maximum (power -> infinity): they are refused. scipy's ``burr`` is of type III: see
    :class:`Dagum`, the distribution of 1 / y.

    Mean ``shape s B(shape - 1 / power, 1 + 1 / power)``, variance
    ``shape s^2 B(shape - 2 / power, 1 + 2 / power) - (shape s B(shape - 1 / power, 1 + 1 /
    power))^2``,
    where ``s = median / (2^(1 / shape) - 1)^(1 / power)``. In R:
    ``actuar::dburr(shape1 = shape, shape2 = power, scale = s)``.

    Matches ``scipy.stats.burr12(c=power, d=shape, scale=scale)``.

    Source: Burr (1942), Annals of Mathematical Statistics 13; Singh and Maddala (1976),
    Econometrica 44; Johnson, Kotz and Balakrishnan (1994), Continuous Univariate Distributions 1,
    ch. 12.
    """

    params = {
        "power": Positive(),
        "median": Positive(),
        "shape": Reciprocal(low=_PARETO, high=_WEIBULL),
    }
    roles = {"power": Role.POWER, "median": Role.SCALE, "shape": Role.SHAPE}
    widths = {"power": Width(-1.0, least=1.0)}
    support = POSITIVE
    limit_meaning = {
        ("shape", "upper"): "the Weibull distribution",
        ("shape", "lower"): "the Pareto distribution from the smallest row on",
    }
    compare_after = 12

    def _log_prob(self, y: Any, power: Any, median: Any, shape: Any) -> Any:
        return burr_log_prob(y, power, median, shape)

    def _log_sf(self, y: Any, power: Any, median: Any, shape: Any) -> np.ndarray:
        return -survival(power * np.log(y / median), 1.0 / shape)

    _log_sf_jet = _log_sf

    def _log_cdf(self, y: Any, power: Any, median: Any, shape: Any) -> np.ndarray:
        return log1mexp(self._log_sf(y, power, median, shape))

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """All rows alike: power -> infinity and the likelihood grows without limit."""
        refuse_constant(rows, type(self).__name__, relative=ROUNDING)

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        # For each of a few shapes the power follows from the quartiles; the start is the most
        # likely of these.
        low, middle, high = (quantile(y, weight, q) for q in (0.25, 0.5, 0.75))
        best, found = -np.inf, {"power": 1.0, "median": middle, "shape": 1.0}
        if not high > low:
            return found
        for shape in _SHAPES:
            gap = np.diff(np.log(np.expm1(-np.log([0.75, 0.25]) / shape)))[0]
            native = {"power": gap / np.log(high / low), "median": middle, "shape": shape}
            with np.errstate(all="ignore"):
                value = float(np.average(self._log_prob(y, *native.values()), weights=weight))
            if value > best:
                best, found = value, native
        return found

    def nested_start(self, rows: Rows) -> np.ndarray:
        """Eta (K,) of the optimum of the Weibull or of the Pareto distribution, the higher one."""
        native = weibull_optimum(rows)
        middle = native["scale"] * _LOG_2 ** (1.0 / native["shape"])
        found = [
            self.eta(power=native["shape"], median=middle, shape=_WEIBULL),
            self._pareto(rows),
        ]
        values = [rows.sum(block_sum, self, "sum_value_and_score", eta[None])[0] for eta in found]
        return found[int(np.nanargmax(values))]

    def _pareto(self, rows: Rows) -> np.ndarray:
        """Eta (K,) of the Pareto distribution's optimum, at the lowest shape."""
        least = np.log(float(rows.extent()[0]))
        exponent = 1.0 / float(mean_over(rows, _log_of) - least)
        return self._member(rows.n, least, exponent)

    def _member(self, n: float, least: float, exponent: float) -> np.ndarray:
        """Eta (K,) of the Pareto distribution from a row on, at the lowest shape."""
        power = exponent / _PARETO
        # The smallest row, with the slope power (1 - F), balances the pull of all others.
        room = np.log(max(1.0 / (n * _PARETO) - 1.0, 1.0))
        middle = np.exp(least - room / power + _LOG_2 / exponent)
        return self.eta(power=power, median=middle, shape=_PARETO)

    has_limit_members = True

    def limit_members(
        self, rows: Rows, eta: np.ndarray, value: Callable[[np.ndarray], float]
    ) -> list[np.ndarray]:
        """The best Pareto distribution from the smallest exact row on."""
        least = np.log(float(rows.extent()[0]))
        gap = float(mean_over(rows, _log_of) - least)
        if not gap > 0.0:
            return []

        def at(log: float) -> float:
            return value(self._member(rows.n, least, float(np.exp(log))))

        best = highest(at, *(np.log(1.0 / gap) + _AROUND))
        return [self._member(rows.n, least, float(np.exp(best)))]

    def _sample(
        self, rng: np.random.Generator, n: int, power: Any, median: Any, shape: Any
    ) -> np.ndarray:
        return burr_draws(rng, n, power, median, shape)

    def _moments(self, power: Any, median: Any, shape: Any) -> tuple[Any, Any]:
        log_scale = np.log(burr_scale(power, median, shape))

        def log_moment(k: float) -> np.ndarray:
            log = np.log(shape) + special.betaln(shape - k / power, 1.0 + k / power)
            return beyond(power * shape > k, k * log_scale + log)

        with np.errstate(all="ignore"):
            return from_logs(log_moment(1.0), log_moment(2.0))

    def _quantile(self, p: Any, upper: bool, power: Any, median: Any, shape: Any) -> np.ndarray:
        return burr_quantile(power, median, shape, p, upper)

    def _to_scipy(self, power: Any, median: Any, shape: Any) -> Any:
        from scipy.stats import burr12

        scale = float(burr_scale(power, median, shape))
        return burr12(c=float(power), d=float(shape), scale=scale)


def _log_of(y: np.ndarray) -> np.ndarray:
    return np.log(y)

"""The Dagum distribution of positive numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd.numpy as anp
import numpy as np
from scipy import special

from natfit.distributions.contract.declared import Role, Width
from natfit.distributions.contract.support import POSITIVE
from natfit.distributions.forms.burr import burr_scale
from natfit.distributions.forms.transformed import Transformed
from natfit.distributions.positive.burr12 import Burr12
from natfit.numerics.moments import beyond, from_logs
from natfit.rows import Rows


class Dagum(Transformed):
    """The Dagum (Burr III) distribution of positive y, such as incomes: 1 / y is of Burr type XII.

    With scale = median (2^(1 / shape) - 1)^(1 / power) and z = (y / scale)^-power,
    ``log p(y) = log(shape power) + log z - log y - (shape + 1) log(1 + z)``. shape = 1 is the
    log-logistic distribution; the exponent of the tail is the power. eta = (log power, log median,
    arsinh(1 / shape)). The Fisher information is computed by quadrature.

    shape -> infinity is the Frechet distribution, an ordinary point of eta; shape -> 0 (with power
    going to infinity) is a power function that ends at the largest row. Only data whose rows are
    all equal have no maximum (power -> infinity): they are refused.

    Mean ``shape s B(shape + 1 / power, 1 - 1 / power)``, variance
    ``shape s^2 B(shape + 2 / power, 1 - 2 / power) - (shape s B(shape + 1 / power, 1 - 1 /
    power))^2``,
    where ``s = median (2^(1 / shape) - 1)^(1 / power)``. In R:
    ``VGAM::ddagum(scale = s, shape1.a = power, shape2.p = shape)``.

    Matches ``scipy.stats.burr(c=power, d=shape, scale=scale)``.

    Source: Burr (1942), Annals of Mathematical Statistics 13; Dagum (1977), Economie Appliquee 30;
    Johnson, Kotz and Balakrishnan (1994), Continuous Univariate Distributions 1, ch. 12.
    """

    params = Burr12.params
    roles = {"power": Role.POWER, "median": Role.SCALE, "shape": Role.SHAPE}
    widths = {"power": Width(-1.0, least=1.0)}
    support = POSITIVE
    limit_meaning = {
        ("shape", "upper"): "the Frechet distribution",
        ("shape", "lower"): "a power function that ends at the largest row",
    }
    compare_after = 12
    base = Burr12()
    to_base = np.diag([1.0, -1.0, 1.0]), np.zeros(3)
    falls = True

    def _forward(self, y: Any) -> Any:
        return 1.0 / y

    def _backward(self, t: np.ndarray) -> np.ndarray:
        return 1.0 / t

    def _log_slope(self, y: Any) -> Any:
        return -2.0 * anp.log(y)

    def nested_start(self, rows: Rows) -> np.ndarray:
        """Eta (K,) of the optimum of the Frechet distribution or of a power function."""
        return self._reduced(self.base.nested_start(self._seen(rows)))

    has_limit_members = True

    def limit_members(
        self, rows: Rows, eta: np.ndarray, value: Callable[[np.ndarray], float]
    ) -> list[np.ndarray]:
        """The best power function up to the largest exact row."""

        def own(base: np.ndarray) -> float:
            return value(self._reduced(base))

        found = self.base.limit_members(self._seen(rows), self._full(eta[None])[0], own)
        return [self._reduced(each) for each in found]

    def _moments(self, power: Any, median: Any, shape: Any) -> tuple[Any, Any]:
        log_scale = -np.log(burr_scale(power, 1.0 / median, shape))

        def log_moment(k: float) -> np.ndarray:
            log = np.log(shape) + special.betaln(shape + k / power, 1.0 - k / power)
            return beyond(power > k, k * log_scale + log)

        with np.errstate(all="ignore"):
            return from_logs(log_moment(1.0), log_moment(2.0))

    def _to_scipy(self, power: Any, median: Any, shape: Any) -> Any:
        from scipy.stats import burr

        scale = 1.0 / float(burr_scale(power, 1.0 / median, shape))
        return burr(c=float(power), d=float(shape), scale=scale)

"""The log-Pearson type III distribution of positive numbers."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.bijectors import Positive, Real
from natfit.distributions.contract.declared import Role, Width
from natfit.distributions.contract.support import POSITIVE
from natfit.distributions.forms.transformed import Transformed
from natfit.distributions.real.pearson3 import Pearson3
from natfit.numerics.moments import beyond
from natfit.rows import Rows


class LogPearson3(Transformed):
    """The log-Pearson type III distribution of positive y, such as floods: log y is Pearson III.

    loc, scale and skew are the mean, the standard deviation and the skewness of the natural
    logarithm of y; ``log p(y) = log f(log y) - log y`` with f the density of
    :class:`natfit.distributions.Pearson3`. eta = (loc, log scale, skew). skew 0 is the lognormal
    distribution, a regular point; skew > 0 has a lower end and a power tail with the exponent
    2 / (skew scale), < 0 an upper end.

    What is said of Pearson III holds here too: the support moves with the parameters, the estimate
    is a local maximum with abs(skew) < 2, and a fit that finds none ends as ``unbounded``.

    scipy has no such distribution: log y is ``scipy.stats.pearson3(skew, loc, scale)``.

    Source: England et al. (2018), Guidelines for Determining Flood Flow Frequency, Bulletin 17C.
    """

    params = {"loc": Real(), "scale": Positive(), "skew": Real(low=-2.0, high=2.0, max_step=0.5)}
    roles = {"loc": Role.SHAPE, "scale": Role.SHAPE, "skew": Role.SHAPE}
    widths = {"scale": Width(1.0)}
    support = POSITIVE
    limit_meaning = Pearson3.limit_meaning
    compare_after = 25
    has_kl = False
    base = Pearson3()
    to_base = np.eye(3), np.zeros(3)

    def support_at(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ends (n,) of the support, exp(loc - 2 scale / skew) and 0 or infinity."""
        low, high = self.base.support_at(eta)
        with np.errstate(over="ignore"):
            return np.exp(low), np.exp(high)

    def _moments(self, loc: Any, scale: Any, skew: Any) -> tuple[Any, Any]:
        small = np.abs(skew) < 1e-6
        few = np.where(small, 1.0, skew)
        size, step = 4.0 / np.square(few), 0.5 * few * scale
        with np.errstate(all="ignore"):
            log = np.where(small, 0.5 * np.square(scale), -size * (np.log1p(-step) + step))
            mean = np.exp(loc + log)
            gap = np.where(
                small, np.square(scale), -size * np.log1p(-np.square(step / (1.0 - step)))
            )
            var = np.square(mean) * np.expm1(gap)
        lost = ~small & (np.abs(step) < 1e-4)
        mean = np.where(lost, np.nan, beyond(small | (step < 1.0), mean))
        return mean, np.where(lost, np.nan, beyond(small | (step < 0.5), var))

    def _forward(self, y: Any) -> Any:
        return anp.log(y)

    def _backward(self, t: np.ndarray) -> np.ndarray:
        return np.exp(t)

    def _log_slope(self, y: Any) -> Any:
        return -anp.log(y)

    def nested_start(self, rows: Rows) -> np.ndarray | None:
        """The optimum of the lognormal distribution."""
        return self.base.nested_start(self._seen(rows))

    def no_maximum(self, rows: Rows, eta: np.ndarray) -> str | None:
        """The end of the support of log y tends to the last row."""
        why = self.base.no_maximum(self._seen(rows), eta)
        return None if why is None else f"of log y: {why}"

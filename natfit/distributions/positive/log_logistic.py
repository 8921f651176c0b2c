"""The log-logistic distribution of positive numbers."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.bijectors import Positive
from natfit.distributions.contract.declared import Role, Width
from natfit.distributions.contract.support import POSITIVE
from natfit.distributions.forms.standard import LOGISTIC, Standard
from natfit.distributions.forms.transformed import Transformed
from natfit.distributions.real.logistic import Logistic
from natfit.numerics.moments import beyond, tangent_excess


class LogLogistic(Transformed):
    """The log-logistic (Fisk) distribution of positive y: log y is logistic.

    With z = shape (log y - log scale), ``log p(y) = log shape - log y + z - 2 log(1 + exp(z))``;
    scale is the median, and y has a power tail with the exponent shape. eta = (log shape,
    log scale), Fisher information diag((3 + pi^2) / 9, shape^2 / 3). The maximum is unique; data
    whose rows are all equal have none (shape -> infinity) and are refused.

    Mean ``scale (pi / shape) / sin(pi / shape)``, variance
    ``scale^2 ((2 pi / shape) / sin(2 pi / shape) - (pi / shape)^2 / sin(pi / shape)^2)``. In R:
    ``flexsurv::dllogis(shape, scale)``.

    Matches ``scipy.stats.fisk(c=shape, scale=scale)``.

    Source: Johnson, Kotz and Balakrishnan (1995), Continuous Univariate Distributions 2, ch. 23.
    """

    params = {"shape": Positive(), "scale": Positive()}
    roles = {"shape": Role.POWER, "scale": Role.SCALE}
    widths = {"shape": Width(-1.0, least=1.0)}
    support = POSITIVE
    _log_name = "the logistic distribution"
    _open_rows = Standard(LOGISTIC, 0, 1, 1.0, log=True)
    base = Logistic()
    to_base = np.array([[0.0, 1.0], [-1.0, 0.0]]), np.zeros(2)

    def _forward(self, y: Any) -> Any:
        return anp.log(y)

    def _backward(self, t: np.ndarray) -> np.ndarray:
        return np.exp(t)

    def _log_slope(self, y: Any) -> Any:
        return -anp.log(y)

    def _entropy(self, eta: Any) -> Any:
        return eta[:, 1] - eta[:, 0] + 2.0

    def _moments(self, shape: Any, scale: Any) -> tuple[Any, Any]:
        b = np.pi / shape
        with np.errstate(all="ignore"):
            mean = scale * (b / np.sin(b))
            var = np.square(mean) * tangent_excess(b)
        return beyond(shape > 1.0, mean), beyond(shape > 2.0, var)

    def _to_scipy(self, shape: Any, scale: Any) -> Any:
        from scipy.stats import fisk

        return fisk(c=float(shape), scale=float(scale))

"""The Pareto distribution of numbers above a scale."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.bijectors import Positive
from natfit.distributions.contract.declared import Width
from natfit.distributions.contract.support import POSITIVE
from natfit.distributions.forms.ends import LogExponential
from natfit.numerics.moments import beyond
from natfit.numerics.special import log1mexp


class Pareto(LogExponential):
    """The Pareto distribution (type I) of y >= scale: log(y / scale) is exponential.

    ``log p(y) = log shape + shape log scale - (shape + 1) log y``; eta = (log shape, scale). The
    likelihood grows with the scale until the smallest row: the estimate is this row, and the fit
    ends as ``boundary``. The estimate of the shape is 1 / mean log(y / scale). A scale that is
    known is fixed: ``fixed={"scale": 1.0}``; it must not exceed any row.

    Data whose rows are all equal have no maximum (shape -> infinity) and are refused.

    Mean ``shape scale / (shape - 1)``, variance
    ``shape scale^2 / ((shape - 1)^2 (shape - 2))``. In R: ``VGAM::dpareto(scale, shape)``.

    Matches ``scipy.stats.pareto(b=shape, scale=scale)``.

    Parameters
    ----------
    least, greatest : float, optional
        The smallest and the largest row. Without them, :meth:`bind` takes them from the data.

    Notes
    -----
    Source: Johnson, Kotz and Balakrishnan (1994), Continuous Univariate Distributions 1, ch. 20.
    """

    others = {"shape": Positive()}
    row_ends = {"scale": "lower"}
    widths = {"shape": Width(-1.0, least=1.0)}
    support = POSITIVE

    def _mode(self, eta: np.ndarray) -> np.ndarray:
        return eta[:, 1].copy()

    def _log_sf(self, y: np.ndarray, shape: Any, scale: Any) -> np.ndarray:
        return self._log_outer(y, shape, scale)

    def _log_cdf(self, y: np.ndarray, shape: Any, scale: Any) -> np.ndarray:
        return log1mexp(self._log_outer(y, shape, scale))

    def _moments(self, shape: Any, scale: Any) -> tuple[Any, Any]:
        with np.errstate(all="ignore"):
            mean = beyond(shape > 1.0, scale * (shape / (shape - 1.0)))
            var = np.square(scale / (shape - 1.0)) * (shape / (shape - 2.0))
        return mean, beyond(shape > 2.0, var)

    def _quantile(self, p: Any, upper: bool, shape: Any, scale: Any) -> np.ndarray:
        return scale * np.exp(-(np.log(p) if upper else np.log1p(-p)) / shape)

    def _to_scipy(self, shape: Any, scale: Any) -> Any:
        from scipy.stats import pareto

        return pareto(b=float(shape), scale=float(scale))

"""The power-function distribution of positive numbers below a scale."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.bijectors import Positive
from natfit.distributions.contract.declared import Width
from natfit.distributions.contract.support import POSITIVE
from natfit.distributions.forms.ends import LogExponential
from natfit.numerics.special import log1mexp


class PowerLaw(LogExponential):
    """The power-function distribution of 0 < y <= scale: log(scale / y) is exponential.

    ``log p(y) = log shape + (shape - 1) log y - shape log scale``; eta = (log shape, scale). It is
    scipy's ``powerlaw``; for a power law of large values see the Pareto distribution, to which
    1 / y belongs. The likelihood grows as the scale falls to the largest row: the estimate is this
    row, and the fit ends as ``boundary``. The estimate of the shape is 1 / mean log(scale / y). A
    scale that is known is fixed: ``fixed={"scale": 1.0}``; no row may exceed it.

    Data whose rows are all equal have no maximum (shape -> infinity) and are refused.

    Mean ``shape scale / (shape + 1)``, variance
    ``shape scale^2 / ((shape + 1)^2 (shape + 2))``. In R: ``dbeta(shape, 1) of y / scale``.

    Matches ``scipy.stats.powerlaw(a=shape, scale=scale)``.

    Parameters
    ----------
    least, greatest : float, optional
        The smallest and the largest row. Without them, :meth:`bind` takes them from the data.

    Notes
    -----
    Source: Johnson, Kotz and Balakrishnan (1995), Continuous Univariate Distributions 2, ch. 25.
    """

    others = {"shape": Positive()}
    row_ends = {"scale": "upper"}
    widths = {"shape": Width(-1.0, least=1.0)}
    support = POSITIVE

    def _log_cdf(self, y: np.ndarray, shape: Any, scale: Any) -> np.ndarray:
        return self._log_outer(y, shape, scale)

    def _log_sf(self, y: np.ndarray, shape: Any, scale: Any) -> np.ndarray:
        return log1mexp(self._log_outer(y, shape, scale))

    def _moments(self, shape: Any, scale: Any) -> tuple[Any, Any]:
        mean = scale * (shape / (shape + 1.0))
        return mean, np.square(scale / (shape + 1.0)) * (shape / (shape + 2.0))

    def _quantile(self, p: Any, upper: bool, shape: Any, scale: Any) -> np.ndarray:
        return scale * np.exp((np.log1p(-p) if upper else np.log(p)) / shape)

    def _to_scipy(self, shape: Any, scale: Any) -> Any:
        from scipy.stats import powerlaw

        return powerlaw(a=float(shape), scale=float(scale))

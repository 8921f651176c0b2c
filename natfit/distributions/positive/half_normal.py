"""The half-normal distribution of sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import erfinv, ndtri

from natfit.distributions.contract.support import NON_NEGATIVE
from natfit.distributions.forms.chi import Chi


class HalfNormal(Chi):
    """The half-normal distribution of the size y >= 0 of a normal variable with mean zero.

    ``log p(y) = 1/2 log(2 / pi) - log scale - y^2 / (2 scale^2)``, scale in the unit of y;
    eta = (log scale), Fisher information 2. The estimate is the root mean square of y.

    Mean ``scale sqrt(2 / pi)``, variance ``scale^2 (1 - 2 / pi)``. In R:
    ``VGAM::dfoldnorm(0, scale)``.

    Matches ``scipy.stats.halfnorm(scale=scale)``.

    Source: Johnson, Kotz and Balakrishnan (1994), Continuous Univariate Distributions 1, ch. 13.
    """

    degrees = 1
    support = NON_NEGATIVE
    _falls = True

    def _moments(self, scale: Any) -> tuple[Any, Any]:
        return np.sqrt(2.0 / np.pi) * scale, (1.0 - 2.0 / np.pi) * np.square(scale)

    def _quantile(self, p: Any, upper: bool, scale: Any) -> np.ndarray:
        return scale * (-ndtri(0.5 * p) if upper else np.sqrt(2.0) * erfinv(p))

    def _to_scipy(self, scale: Any) -> Any:
        from scipy.stats import halfnorm

        return halfnorm(scale=float(scale))

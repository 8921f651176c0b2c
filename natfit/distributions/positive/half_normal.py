"""The half-normal distribution of sizes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import erfinv, ndtri

from natfit.distributions.contract.support import NON_NEGATIVE
from natfit.distributions.forms.chi import Chi


class HalfNormal(Chi):
    """The half-normal distribution of the size y >= 0 of a normal variable with mean zero.

    ``log p(y) = 1/2 log(2 / pi) - log scale - y^2 / (2 scale^2)``, scale in the unit of y;
    eta = (log scale), Fisher information 2. The estimate is the root mean square of y.

    Matches ``scipy.stats.halfnorm(scale=scale)``.

    Source: Johnson, Kotz and Balakrishnan (1994), Continuous Univariate Distributions 1, ch. 13.
    """

    degrees = 1
    support = NON_NEGATIVE
    _falls = True

    def quantile_formula(self, eta: np.ndarray) -> Callable | None:
        """Quantiles at eta (1, 1), in closed form."""
        scale = float(np.exp(eta[0, 0]))
        root = np.sqrt(2.0) * scale
        return lambda p, upper: -scale * ndtri(0.5 * p) if upper else root * erfinv(p)

    def _to_scipy(self, scale: Any) -> Any:
        from scipy.stats import halfnorm

        return halfnorm(scale=float(scale))

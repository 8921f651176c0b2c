# Copy to natfit/distributions/positive/half_cauchy.py: the folder says where y lies.
"""The half-Cauchy distribution of positive numbers."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.bijectors import Positive
from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.start import median
from natfit.distributions.contract.support import POSITIVE


class HalfCauchy(Distribution):
    """The half-Cauchy distribution of the size y > 0 of a Cauchy variable centred at zero.

    ``log p(y) = log(2 / pi) - log scale - log(1 + (y / scale)^2)``, scale in the unit of y, which
    is the median; eta = (log scale).

    Matches ``scipy.stats.halfcauchy(scale=scale)``.

    Source: Johnson, Kotz and Balakrishnan (1994), Continuous Univariate Distributions 1, ch. 16.
    """

    params = {"scale": Positive()}
    roles = {"scale": Role.SCALE}
    support = POSITIVE

    def _log_prob(self, y: Any, scale: Any) -> Any:
        z = y / scale
        return np.log(2.0 / np.pi) - anp.log(scale) - anp.log1p(z * z)

    def _sample(self, rng: np.random.Generator, n: int, scale: Any) -> np.ndarray:
        return scale * np.abs(rng.standard_cauchy(n))

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, Any]:
        return {"scale": median(y, weight)}

    def _to_scipy(self, scale: Any) -> Any:
        from scipy.stats import halfcauchy

        return halfcauchy(scale=float(scale))

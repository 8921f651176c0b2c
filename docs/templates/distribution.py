# Copy to natfit/distributions/positive/rayleigh.py: the folder says where y lies.
"""The Rayleigh distribution of lengths of vectors."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.bijectors import Positive
from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.start import median
from natfit.distributions.contract.support import POSITIVE


class Rayleigh(Distribution):
    """The Rayleigh distribution of the length y > 0 of a vector with two equal normal components.

    ``log p(y) = log y - 2 log scale - y^2 / (2 scale^2)``, scale in the unit of y;
    eta = (log scale).

    Matches ``scipy.stats.rayleigh(scale=scale)``.

    Source: Johnson, Kotz and Balakrishnan (1994), Continuous Univariate Distributions 1, ch. 18.
    """

    params = {"scale": Positive()}
    roles = {"scale": Role.SCALE}
    support = POSITIVE

    def _log_prob(self, y: Any, scale: Any) -> Any:
        z = y / scale
        return anp.log(z) - anp.log(scale) - 0.5 * z * z

    def _sample(self, rng: np.random.Generator, n: int, scale: Any) -> np.ndarray:
        return rng.rayleigh(scale, n)

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, Any]:
        # The median is scale times the root of log 4.
        return {"scale": median(y, weight) / np.sqrt(np.log(4.0))}

    def _to_scipy(self, scale: Any) -> Any:
        from scipy.stats import rayleigh

        return rayleigh(scale=float(scale))

"""The Rayleigh distribution of lengths of vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.distributions.contract.support import POSITIVE
from natfit.distributions.forms.chi import Chi


class Rayleigh(Chi):
    """The Rayleigh distribution of the length y > 0 of a vector with two equal normal components.

    ``log p(y) = log y - 2 log scale - y^2 / (2 scale^2)``, scale in the unit of y;
    eta = (log scale), Fisher information 4. The estimate is the root mean square of y over sqrt(2).

    Mean ``scale sqrt(pi / 2)``, variance ``scale^2 (2 - pi / 2)``. In R:
    ``VGAM::drayleigh(scale)``.

    Matches ``scipy.stats.rayleigh(scale=scale)``.

    Source: Johnson, Kotz and Balakrishnan (1994), Continuous Univariate Distributions 1, ch. 18.
    """

    degrees = 2
    support = POSITIVE

    def _moments(self, scale: Any) -> tuple[Any, Any]:
        return np.sqrt(0.5 * np.pi) * scale, (2.0 - 0.5 * np.pi) * np.square(scale)

    def _to_scipy(self, scale: Any) -> Any:
        from scipy.stats import rayleigh

        return rayleigh(scale=float(scale))

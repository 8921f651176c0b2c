"""The Maxwell distribution of speeds."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.distributions.contract.support import POSITIVE
from natfit.distributions.forms.chi import Chi


class Maxwell(Chi):
    """The Maxwell distribution of the length y > 0 of a vector with three equal normal components.

    ``log p(y) = 1/2 log(2 / pi) + 2 log y - 3 log scale - y^2 / (2 scale^2)``, scale in the unit of
    y; eta = (log scale), Fisher information 6. The estimate is the root mean square of y over
    sqrt(3).

    Mean ``2 scale sqrt(2 / pi)``, variance ``scale^2 (3 - 8 / pi)``. In R:
    ``VGAM::dmaxwell(rate = 1 / scale^2)``.

    Matches ``scipy.stats.maxwell(scale=scale)``.

    Source: Johnson, Kotz and Balakrishnan (1994), Continuous Univariate Distributions 1, ch. 18.
    """

    degrees = 3
    support = POSITIVE

    def _moments(self, scale: Any) -> tuple[Any, Any]:
        return 2.0 * np.sqrt(2.0 / np.pi) * scale, (3.0 - 8.0 / np.pi) * np.square(scale)

    def _to_scipy(self, scale: Any) -> Any:
        from scipy.stats import maxwell

        return maxwell(scale=float(scale))

"""The Gumbel distribution of minima."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.bijectors import Positive, Real
from natfit.distributions.contract.checks import refuse_constant, refuse_extreme
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.support import REAL
from natfit.distributions.forms.standard import GUMBEL_MIN, Standard
from natfit.distributions.forms.transformed import Transformed
from natfit.distributions.real.gumbel import Gumbel
from natfit.rows import Rows


class GumbelMin(Transformed):
    """The Gumbel distribution of minima: -y has the Gumbel distribution of maxima.

    With z = (y - loc) / scale, ``log p(y) = -log scale + z - exp(z)`` for real y;
    eta = (loc, log scale), Fisher information, with g = 1 - Euler's constant,
    ``[[1 / scale^2, g / scale], [g / scale, g^2 + pi^2 / 6]]``. It is the distribution of the
    logarithm of a Weibull variable. The maximum exists and is unique unless all rows are equal,
    which is refused.

    Mean ``loc - EulerGamma scale``, variance ``pi^2 scale^2 / 6``. In R:
    ``gamlss.dist::dGU(loc, scale)``.

    Matches ``scipy.stats.gumbel_l(loc, scale)``.

    Source: Johnson, Kotz and Balakrishnan (1995), Continuous Univariate Distributions 2, ch. 22.
    """

    params = {"loc": Real(), "scale": Positive()}
    roles = {"loc": Role.LOCATION, "scale": Role.SCALE}
    support = REAL
    _open_rows = Standard(GUMBEL_MIN)
    base = Gumbel()
    to_base = np.diag([-1.0, 1.0]), np.zeros(2)
    falls = True

    def _forward(self, y: Any) -> Any:
        return -y

    def _backward(self, t: np.ndarray) -> np.ndarray:
        return -t

    def _log_slope(self, y: Any) -> Any:
        return 0.0 * y

    def _entropy(self, eta: Any) -> Any:
        return self.base._entropy(self._full(eta))

    def _mode(self, eta: np.ndarray) -> np.ndarray:
        return eta[:, 0].copy()

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """All rows alike: scale -> 0 and the likelihood grows without limit."""
        refuse_constant(rows, "GumbelMin")
        refuse_extreme(rows, "GumbelMin")

    def _moments(self, loc: Any, scale: Any) -> tuple[Any, Any]:
        return loc - np.euler_gamma * scale, np.square(np.pi * scale) / 6.0

    def _to_scipy(self, loc: Any, scale: Any) -> Any:
        from scipy.stats import gumbel_l

        return gumbel_l(loc=float(loc), scale=float(scale))

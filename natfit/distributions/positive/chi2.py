"""The chi-squared distribution of positive numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.bijectors import Positive
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.start import median
from natfit.distributions.contract.support import POSITIVE
from natfit.distributions.forms.transformed import Transformed
from natfit.distributions.positive.gamma import Gamma
from natfit.rows import Rows

_LOG_2 = np.log(2.0)


class Chi2(Transformed):
    """The chi-squared distribution of positive y: the gamma of shape df / 2 and scale 2.

    ``log p(y) = (df / 2 - 1) log y - y / 2 - df / 2 log 2 - log Gamma(df / 2)``;
    eta = (log df), Fisher information ``df^2 psi'(df / 2) / 4``. The maximum exists for all
    data and is unique. It has no scale: a multiple of it is a gamma distribution.

    Mean ``df``, variance ``2 df``. In R: ``dchisq(df)``.

    Matches ``scipy.stats.chi2(df)``.

    Source: Johnson, Kotz and Balakrishnan (1994), Continuous Univariate Distributions 1, ch. 18.
    """

    params = {"df": Positive()}
    roles = {"df": Role.SHAPE}
    support = POSITIVE
    base = Gamma()
    to_base = np.array([[1.0], [0.0]]), np.array([-_LOG_2, _LOG_2])

    def _forward(self, y: Any) -> Any:
        return y

    def _backward(self, t: np.ndarray) -> np.ndarray:
        return t

    def _log_slope(self, y: Any) -> Any:
        return 0.0 * y

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """Accept all data: each has a maximum."""

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        # The median is nearly df - 2/3.
        return {"df": median(y, weight) + 2.0 / 3.0}

    def initial(self, few: Any, rng: np.random.Generator) -> np.ndarray:
        """Df from the median of a few rows."""
        return self.eta(**self._initial(few.y, few.weight))

    def _moments(self, df: Any) -> tuple[Any, Any]:
        return df, 2.0 * df

    def _to_scipy(self, df: Any) -> Any:
        from scipy.stats import chi2

        return chi2(df=float(df))

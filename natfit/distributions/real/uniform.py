"""The uniform distribution on an interval."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.distributions.base import Distribution
from natfit.distributions.contract.checks import refuse_constant
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.support import REAL
from natfit.distributions.forms.ends import Ended
from natfit.rows import Rows, total_weight


class Uniform(Ended):
    """The uniform distribution of y between low and high.

    ``log p(y) = -log(high - low)`` for low <= y <= high; eta = (low, high). The likelihood grows
    as the ends come nearer to the rows: the estimates are the smallest and the largest row, and the
    fit ends as ``boundary``. Ends that are known are fixed: ``fixed={"low": 0.0}``. E[s s'] is
    ``[[1, -1], [-1, 1]] / (high - low)^2``.

    Data whose rows are all equal have no maximum and are refused.

    Mean ``(low + high) / 2``, variance ``(high - low)^2 / 12``. In R: ``dunif(low, high)``.

    Matches ``scipy.stats.uniform(loc=low, scale=high - low)``.

    Parameters
    ----------
    least, greatest : float, optional
        The smallest and the largest row. Without them, :meth:`bind` takes them from the data.

    Notes
    -----
    Source: Johnson, Kotz and Balakrishnan (1995), Continuous Univariate Distributions 2, ch. 26.
    """

    row_ends = {"low": "lower", "high": "upper"}
    roles = {"low": Role.SHAPE, "high": Role.SHAPE}
    support = REAL

    def support_at(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The ends low and high (n,)."""
        return np.asarray(eta[:, 0], dtype=float), np.asarray(eta[:, 1], dtype=float)

    def _log_prob(self, y: Any, low: Any, high: Any) -> Any:
        inside = (y >= low) & (y <= high)
        return anp.where(inside, -anp.log(high - low), -np.inf)

    def _score(self, y: Any, low: Any, high: Any) -> np.ndarray:
        slope = np.broadcast_to(1.0 / (high - low), len(y))
        return np.stack([slope, -slope], axis=1)

    def _observed(self, y: Any, low: Any, high: Any) -> np.ndarray:
        return np.broadcast_to(-self._fisher(low, high), (len(y), 2, 2))

    def sum_terms(
        self, y: Any, weight: np.ndarray | None, eta: np.ndarray
    ) -> tuple[float, np.ndarray, np.ndarray]:
        """Weighted sums of log p, its score (2,) and its negative Hessian (2, 2), eta (1, 2)."""
        low, high = eta[0]
        if not (y.min() >= low and y.max() <= high and high > low):
            return -np.inf, np.zeros(2), np.zeros((2, 2))
        n = total_weight(weight, len(y))
        slope = n / (high - low)
        value = -n * np.log(high - low)
        return value, np.array([slope, -slope]), -n * self._fisher(eta[:, 0], eta[:, 1])[0]

    def _fisher(self, low: Any, high: Any) -> np.ndarray:
        return np.array([[1.0, -1.0], [-1.0, 1.0]]) / ((high - low) ** 2)[:, None, None]

    def _velocity(self, y: np.ndarray, low: Any, high: Any) -> tuple[np.ndarray, np.ndarray]:
        width = high - low
        below, above = (y - low) / width, (high - y) / width
        first, slope = np.stack([above, below]), np.empty((2, 2, len(y)))
        slope[0] = above / width, -above / width
        slope[1] = below / width, -below / width
        return first, slope

    def _log_cdf(self, y: np.ndarray, low: Any, high: Any) -> np.ndarray:
        return np.log(np.clip((y - low) / (high - low), 0.0, 1.0))

    def _log_sf(self, y: np.ndarray, low: Any, high: Any) -> np.ndarray:
        return np.log(np.clip((high - y) / (high - low), 0.0, 1.0))

    def _entropy(self, eta: Any) -> Any:
        return anp.log(eta[:, 1] - eta[:, 0])

    def _mode(self, eta: np.ndarray) -> np.ndarray:
        return eta[:, 0].copy()

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """All rows alike: the interval shrinks to a point."""
        refuse_constant(rows, "Uniform")

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        low, high = self._extent(y)
        return {"low": low, "high": high}

    def _sample(self, rng: np.random.Generator, n: int, low: Any, high: Any) -> np.ndarray:
        return rng.uniform(low, high, n)

    def _moments(self, low: Any, high: Any) -> tuple[Any, Any]:
        return 0.5 * (low + high), np.square(high - low) / 12.0

    def _quantile(self, p: Any, upper: bool, low: Any, high: Any) -> np.ndarray:
        return high - p * (high - low) if upper else low + p * (high - low)

    def _to_scipy(self, low: Any, high: Any) -> Any:
        from scipy.stats import uniform

        return uniform(loc=float(low), scale=float(high - low))

    @classmethod
    def examples(cls) -> list[Distribution]:
        """Return one of rows from -1 to 1: without rows any two numbers could be the ends."""
        return [cls(-1.0, 1.0)]

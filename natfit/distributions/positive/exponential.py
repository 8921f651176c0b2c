"""The exponential distribution of positive numbers."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.bijectors import Positive
from natfit.distributions.contract.declared import Role, Width
from natfit.distributions.contract.start import mean, median
from natfit.distributions.contract.support import NON_NEGATIVE
from natfit.distributions.contract.window_ends import End
from natfit.distributions.forms.exponential_family import ExponentialFamily
from natfit.distributions.forms.standard import below_hazard
from natfit.linops.row_curvature import Entries, RowCurvature
from natfit.rows import Rows


class Exponential(ExponentialFamily):
    """The exponential distribution of waiting times y >= 0.

    ``log p(y) = log rate - rate y``, rate in 1/[y]; eta = (log rate), Fisher information 1.

    Mean ``1 / rate``, variance ``1 / rate^2``. In R: ``dexp(rate)``.

    Matches ``scipy.stats.expon(scale=1 / rate)``.
    """

    params = {"rate": Positive()}
    roles = {"rate": Role.RATE}
    widths = {"rate": Width(-1.0)}
    support = NON_NEGATIVE
    _window_ends = (End("rate", "lower", "high", "the uniform distribution", power=-1.0),)
    _falls = True
    mean_names = ("E[y]",)

    def statistics(self, y: Any) -> tuple:
        """The sufficient statistics (y,), (n,) each."""
        return y if isinstance(y, tuple) else (y,)

    def _log_prob(self, y: Any, rate: Any) -> Any:
        (value,) = self.statistics(y)
        return anp.log(rate) - rate * value

    def _score(self, y: Any, rate: np.ndarray) -> np.ndarray:
        (value,) = self.statistics(y)
        return (1.0 - rate * value)[:, None]

    def _observed(self, y: Any, rate: np.ndarray) -> np.ndarray:
        (value,) = self.statistics(y)
        return (rate * value)[:, None, None]

    def _fisher(self, rate: np.ndarray) -> np.ndarray:
        return np.ones((len(rate), 1, 1))

    def curvature(self, eta: np.ndarray) -> RowCurvature:
        """One of each row."""
        return Entries(1, {(0, 0): 1.0})

    def _kl(self, rate: Any, rate2: Any) -> np.ndarray:
        log_ratio = np.log(rate2 / rate)
        return np.expm1(log_ratio) - log_ratio

    def _log_cdf(self, y: np.ndarray, rate: Any) -> np.ndarray:
        return np.log(-np.expm1(-rate * y))

    def _log_sf(self, y: np.ndarray, rate: Any) -> np.ndarray:
        return -rate * y

    def _velocity(self, y: np.ndarray, rate: Any) -> tuple[np.ndarray, np.ndarray]:
        return -y[None], np.zeros((1, 1, len(y)))

    def _open_rows(
        self, end: np.ndarray, exact: np.ndarray, above: np.ndarray, eta: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, dict]:
        w = np.exp(eta[:, 0]) * np.clip(end, 0.0, None)
        value, score = np.where(exact, eta[:, 0], 0.0) - w, exact - w
        second = -w
        below = ~(exact | above)
        if below.any():
            value[below], score[below], second[below] = below_hazard(w[below])
        return value, score[None], {(0, 0): -second}

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """All rows zero: rate -> infinity and the likelihood grows without limit."""
        if rows.extent()[1] == 0:
            raise ValueError(
                f"y must not be all zero for Exponential, got {rows.n} rows equal to 0: the "
                "likelihood grows without limit as the rate does; remove the column, or use a "
                "discrete family"
            )

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        middle = median(y, weight)
        if middle > 0:
            return {"rate": np.log(2.0) / middle}
        # More than half of the rows are zero; in a subsample all may be.
        centre = mean(y, weight)
        return {"rate": 1.0 / centre if centre > 0 else 1.0}

    def _sample(self, rng: np.random.Generator, n: int, rate: Any) -> np.ndarray:
        return rng.exponential(1.0 / rate, n)

    def _moments(self, rate: Any) -> tuple[Any, Any]:
        return 1.0 / rate, np.square(1.0 / rate)

    def _quantile(self, p: Any, upper: bool, rate: Any) -> np.ndarray:
        return -(np.log(p) if upper else np.log1p(-p)) / rate

    def _crps(self, y: Any, rate: Any) -> np.ndarray:
        below = np.where(y > 0.0, -np.expm1(-rate * np.maximum(y, 0.0)), 0.0)
        return np.abs(y) - 2.0 * below / rate + 0.5 / rate

    def _to_scipy(self, rate: Any) -> Any:
        from scipy.stats import expon

        return expon(scale=1.0 / float(rate))

    def _to_mean(self, origin: tuple, rate: Any) -> tuple:
        return (1.0 / rate,)

    def _from_mean(self, origin: tuple, first: Any) -> dict[str, Any]:
        return {"rate": 1.0 / first}

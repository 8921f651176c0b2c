"""Lengths of vectors of k independent normal components with mean zero and one variance."""

from __future__ import annotations

from typing import Any, ClassVar

import autograd.numpy as anp
import numpy as np
from scipy import special

from natfit.bijectors import Positive
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.start import mean, median
from natfit.distributions.forms.exponential_family import ExponentialFamily
from natfit.numerics.tails import log_gammainc, log_gammaincc
from natfit.rows import Rows


class Chi(ExponentialFamily):
    """A family with ``log p(y) = (k - 1) log y - y^2 / (2 scale^2) - k log scale + constant``.

    ``k = degrees`` is the family's own constant, y^2 / scale^2 has the chi-squared distribution
    with k degrees of freedom; eta = (log scale), Fisher information 2 k. The estimate is the root
    mean square of y over sqrt(k).
    """

    params = {"scale": Positive()}
    roles = {"scale": Role.SCALE}
    mean_names = ("E[y^2]",)

    #: k.
    degrees: ClassVar[int]

    def statistics(self, y: Any) -> tuple:
        """(y^2, (k - 1) log y), (n,) each."""
        if isinstance(y, tuple):
            return y
        more = self.degrees - 1
        return y * y, more * anp.log(y) if more else 0.0 * y

    def _log_prob(self, y: Any, scale: Any) -> Any:
        square, log = self.statistics(y)
        half = 0.5 * self.degrees
        constant = (1.0 - half) * np.log(2.0) - special.gammaln(half)
        return log - 0.5 * square / scale**2 - self.degrees * anp.log(scale) + constant

    def _score(self, y: Any, scale: np.ndarray) -> np.ndarray:
        square, _ = self.statistics(y)
        return (square / scale**2 - self.degrees)[:, None]

    def _observed(self, y: Any, scale: np.ndarray) -> np.ndarray:
        square, _ = self.statistics(y)
        return (2.0 * square / scale**2)[:, None, None]

    def _fisher(self, scale: np.ndarray) -> np.ndarray:
        return np.full((len(scale), 1, 1), 2.0 * self.degrees)

    def _kl(self, scale: Any, scale2: Any) -> np.ndarray:
        log_ratio = 2.0 * np.log(scale / scale2)
        return 0.5 * self.degrees * (np.expm1(log_ratio) - log_ratio)

    def _log_cdf(self, y: np.ndarray, scale: Any) -> np.ndarray:
        with np.errstate(divide="ignore"):
            log = 2.0 * np.log(y / scale) - np.log(2.0)
        return log_gammainc(0.5 * self.degrees, 0.5 * (y / scale) ** 2, log)

    def _log_sf(self, y: np.ndarray, scale: Any) -> np.ndarray:
        return log_gammaincc(0.5 * self.degrees, 0.5 * (y / scale) ** 2)

    def _quantile(self, p: Any, upper: bool, scale: Any) -> np.ndarray:
        inverse = special.gammainccinv if upper else special.gammaincinv
        return scale * np.sqrt(2.0 * inverse(0.5 * self.degrees, p))

    def _velocity(self, y: np.ndarray, scale: Any) -> tuple[np.ndarray, np.ndarray]:
        return y[None], np.zeros((1, 1, len(y)))

    def _entropy(self, eta: Any) -> Any:
        half = 0.5 * self.degrees
        bend = (half - 0.5) * special.psi(half) if self.degrees > 1 else 0.0
        return eta[:, 0] + special.gammaln(half) + half - bend - 0.5 * np.log(2.0)

    def _mode(self, eta: np.ndarray) -> np.ndarray:
        return np.exp(eta[:, 0]) * np.sqrt(self.degrees - 1.0)

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """All rows zero: scale -> 0 and the likelihood grows without limit."""
        if not rows.extent()[1] > 0:
            raise ValueError(
                f"y must not be all zero for {type(self).__name__}, got {rows.n} rows equal to 0: "
                "the likelihood grows without limit as scale -> 0; remove the column"
            )

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        middle = median(y, weight)
        if middle > 0:
            return {"scale": middle / np.sqrt(2.0 * special.gammaincinv(0.5 * self.degrees, 0.5))}
        # More than half of the rows are zero; in a subsample all may be.
        return {"scale": mean(y, weight) or 1.0}

    def _sample(self, rng: np.random.Generator, n: int, scale: Any) -> np.ndarray:
        return scale * np.sqrt(rng.chisquare(self.degrees, n))

    def _to_mean(self, origin: tuple, scale: Any) -> tuple:
        return (self.degrees * scale**2,)

    def _from_mean(self, origin: tuple, first: Any) -> dict[str, Any]:
        return {"scale": anp.sqrt(first / self.degrees)}

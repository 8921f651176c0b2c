"""Probability papers: axes on which the distribution functions of a family are straight lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

#: Probabilities that are marked on an axis, those before which others give way first.
TICKS = np.array(
    [0.5, 0.1, 0.9, 0.01, 0.99, 1e-3, 0.999, 1e-4, 0.9999, 0.2, 0.8, 0.05, 0.95, 0.3, 0.7]
)

#: Least distance of two marks, in the height of the axis.
_APART = 0.04


def _gumbel_min(log_p: np.ndarray, log_q: np.ndarray) -> np.ndarray:
    return np.log(-log_q)


def _gumbel(log_p: np.ndarray, log_q: np.ndarray) -> np.ndarray:
    return -np.log(-log_p)


def _normal(log_p: np.ndarray, log_q: np.ndarray) -> np.ndarray:
    # Each half from the tail that is known more precisely.
    return np.where(log_p < log_q, special.ndtri_exp(log_p), -special.ndtri_exp(log_q))


@dataclass(frozen=True)
class Paper:
    """The axes of a paper.

    Attributes
    ----------
    log : bool
        Whether the axis of values is logarithmic.
    height : callable
        ``height(log_p, log_q)``: where P(Y <= y) = p lies on the other axis, from the logarithms
        of p and 1 - p.
    """

    log: bool
    height: Callable[[np.ndarray, np.ndarray], np.ndarray]

    def of(self, p: Any) -> np.ndarray:
        """Return where probabilities lie on the axis, shape of p."""
        p = np.asarray(p, dtype=np.float64)
        return self.height(np.log(p), np.log1p(-p))

    def of_curves(self, fitted: Any, x: np.ndarray) -> np.ndarray:
        """Return where P(Y <= x), (n,), lies on the axis; infinite where it is zero or one."""
        with np.errstate(all="ignore"):
            return self.height(fitted.logcdf(x), fitted.logsf(x))

    def ticks(self, low: float, high: float) -> np.ndarray:
        """Return the probabilities to mark between two heights, in ascending order."""
        kept: dict[float, float] = {}
        for p, at in zip(TICKS.tolist(), self.of(TICKS).tolist(), strict=True):
            apart = all(abs(at - other) >= _APART * (high - low) for other in kept.values())
            if low <= at <= high and apart:
                kept[p] = at
        return np.sort(list(kept))

    def grid(self, low: float, high: float, n: int) -> np.ndarray:
        """Return n values from low to high, at equal distances on the paper."""
        return np.geomspace(low, high, n) if self.log else np.linspace(low, high, n)


#: Meeker and Escobar (1998), Statistical Methods for Reliability Data, section 6.2; Gumbel's is
#: that of largest values (Gumbel, 1958, Statistics of Extremes, section 1.2.7).
PAPERS = {
    "weibull": Paper(True, _gumbel_min),
    "lognormal": Paper(True, _normal),
    "normal": Paper(False, _normal),
    "gumbel": Paper(False, _gumbel),
}

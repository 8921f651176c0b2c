"""Families that end at a parameter in which the likelihood is monotone: order statistics.

No row may lie beyond an end, and the likelihood grows as the end comes nearer to the rows: the
estimate is the smallest or the largest row. It is no root of a score, and standard errors do not
apply to it. It is a limit that the data set: :meth:`Ended.bind` takes it from the rows, the active
set of the loop keeps the end there, and the fit ends as ``boundary``, which names the row.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar, Literal, Self

import autograd.numpy as anp
import numpy as np

from natfit.bijectors import Bijector, End
from natfit.distributions.base import Distribution
from natfit.distributions.contract.checks import ROUNDING, refuse_constant
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.start import mean, median
from natfit.rows import Rows, total_weight, weighted_total

Side = Literal["lower", "upper"]

#: What the limit of an end is, by the end of the support that the parameter is.
MEANING = {
    "lower": "the smallest row, at which the support begins",
    "upper": "the largest row, at which the support ends",
}


def end_at(side: Side, row: float | None, positive: bool = False) -> End:
    """Return the constraint of an end that no row may pass.

    Parameters
    ----------
    side : "lower" or "upper"
        Which end of the support the parameter is.
    row : float or None
        The smallest row for a lower end, the largest for an upper one; None before it is known.
    positive : bool
        Whether the end is a positive number.

    Returns
    -------
    End
    """
    if row is None:
        return End(positive=positive)
    return End(high=row, positive=positive) if side == "lower" else End(row, positive=positive)


class Ended(Distribution):
    """A family whose support ends at parameters that are estimated by order statistics.

    A family declares ``row_ends``, ``others`` (the constraints of its other parameters),
    ``positive_ends``, and ``roles``, ``support`` and ``support_at``.

    Parameters
    ----------
    least, greatest : float, optional
        The smallest and the largest row. Without them, :meth:`bind` takes them from the data.
    """

    #: Constraints of the other parameters, which come first.
    others: ClassVar[Mapping[str, Bijector]] = {}

    #: Whether the ends are positive numbers.
    positive_ends: ClassVar[bool] = False

    #: Infinite where one support does not lie inside the other.
    has_kl = False

    def __init__(self, least: float | None = None, greatest: float | None = None):
        self.least = least
        self.greatest = greatest

    @cached_property
    def params(self) -> dict[str, Bijector]:
        """The constraints: no end may pass a row."""
        row = {"lower": self.least, "upper": self.greatest}
        ends = {n: end_at(side, row[side], self.positive_ends) for n, side in self.row_ends.items()}
        return {**self.others, **ends}

    @property
    def limit_meaning(self) -> dict[tuple[str, str], str]:
        """The order statistic at which each end is held."""
        inner = {"lower": "upper", "upper": "lower"}
        return {(name, inner[side]): MEANING[side] for name, side in self.row_ends.items()}

    def bind(self, rows: Rows) -> Self:
        """Return the family whose ends may not pass the smallest and the largest row.

        Several columns have ends of their own: each is bound when it is fitted.

        Returns
        -------
        Distribution
            A family of the same kind.
        """
        if rows.event_shape:
            return self
        least, greatest = (float(row) for row in rows.extent())
        return type(self)(least, greatest)

    def _extent(self, y: np.ndarray) -> tuple[float, float]:
        """The smallest and the largest row, of a few where those of all are not known."""
        least, greatest = float(y.min()), float(y.max())
        return (
            least if self.least is None else min(least, self.least),
            greatest if self.greatest is None else max(greatest, self.greatest),
        )

    def kinks(self, eta: np.ndarray) -> np.ndarray:
        """The ends, at which the density jumps."""
        return np.array([eta[self.blocks[name].start] for name in self.row_ends])


class LogExponential(Ended):
    """A family in which |log y - log scale| is exponential, on one side of its scale.

    With u = |log y - log scale|, ``log p(y) = log shape - log y - shape u`` for y on the declared
    side; eta = (log shape, scale). E[s s'] is diag(1, (shape / scale)^2).
    """

    roles = {"shape": Role.POWER, "scale": Role.SCALE}
    # The scale is an end of the support, which the rows themselves determine.
    driven = "shape"
    positive_ends = True

    @property
    def _sign(self) -> float:
        """1 where the scale is the lower end, -1 where it is the upper end."""
        return 1.0 if self.row_ends["scale"] == "lower" else -1.0

    def support_at(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ends (n,) of the support: from the scale on, or from zero to the scale."""
        scale = np.asarray(eta[:, 1], dtype=float)
        if self._sign > 0:
            return scale, np.full(len(eta), np.inf)
        return np.zeros(len(eta)), scale

    def _outwards(self, y: Any, scale: Any) -> tuple[Any, Any, Any]:
        """Log y, u (zero where y lies beyond the end) and where y lies inside."""
        log = anp.log(y)
        # A row at the end itself belongs to the support, whatever the rounding of logarithms.
        inside = self._sign * (y - scale) >= 0
        return log, anp.where(inside, self._sign * (log - anp.log(scale)), 0.0), inside

    def _log_prob(self, y: Any, shape: Any, scale: Any) -> Any:
        log, u, inside = self._outwards(y, scale)
        return anp.where(inside, anp.log(shape) - log - shape * u, -np.inf)

    def _score(self, y: Any, shape: Any, scale: Any) -> np.ndarray:
        _, u, _ = self._outwards(y, scale)
        return np.stack(np.broadcast_arrays(1.0 - shape * u, self._sign * shape / scale), axis=1)

    def _observed(self, y: Any, shape: Any, scale: Any) -> np.ndarray:
        _, u, _ = self._outwards(y, scale)
        out = np.empty((len(u), 2, 2))
        slope = self._sign * shape / scale
        out[:, 0, 0] = shape * u
        out[:, 0, 1] = out[:, 1, 0] = -slope
        out[:, 1, 1] = slope / scale
        return out

    def sum_terms(
        self, y: Any, weight: np.ndarray | None, eta: np.ndarray
    ) -> tuple[float, np.ndarray, np.ndarray]:
        """Weighted sums of log p, its score (2,) and its negative Hessian (2, 2), eta (1, 2)."""
        shape, scale = (float(v[0]) for v in self.native(eta))
        if not np.all(self._sign * (y - scale) >= 0):
            return -np.inf, np.zeros(2), np.zeros((2, 2))
        n = total_weight(weight, len(y))
        log = weighted_total(np.log(y), weight)
        u = shape * self._sign * (log - n * np.log(scale))
        slope = self._sign * n * shape / scale
        observed = np.array([[u, -slope], [-slope, slope / scale]])
        return n * np.log(shape) - log - u, np.array([n - u, slope]), observed

    def _fisher(self, shape: Any, scale: Any) -> np.ndarray:
        out = np.zeros((len(shape), 2, 2))
        out[:, 0, 0] = 1.0
        out[:, 1, 1] = (shape / scale) ** 2
        return out

    def _velocity(self, y: np.ndarray, shape: Any, scale: Any) -> tuple[np.ndarray, np.ndarray]:
        first, slope = np.empty((2, len(y))), np.zeros((2, 2, len(y)))
        first[0] = -y * np.log(y / scale)
        first[1] = y / scale
        slope[1, 1] = -first[1] / scale
        return first, slope

    def _entropy(self, eta: Any) -> Any:
        return anp.log(eta[:, 1]) - eta[:, 0] + self._sign * anp.exp(-eta[:, 0]) + 1.0

    def _log_outer(self, y: np.ndarray, shape: Any, scale: Any) -> np.ndarray:
        """Log-probability of the values beyond y, seen from the end."""
        return -shape * np.maximum(self._sign * np.log(y / scale), 0.0)

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """All rows alike: shape -> infinity and the likelihood grows without limit."""
        refuse_constant(rows, type(self).__name__, relative=ROUNDING)

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        least, greatest = self._extent(y)
        scale = least if self._sign > 0 else greatest
        middle = abs(np.log(median(y, weight) / scale))
        # The median of u is log 2 / shape; it is zero where half of the rows lie at the end.
        middle = middle or abs(mean(np.log(y / scale), weight)) or 1.0
        return {"shape": np.log(2.0) / middle, "scale": scale}

    def _sample(self, rng: np.random.Generator, n: int, shape: Any, scale: Any) -> np.ndarray:
        y = scale * np.exp(self._sign * rng.exponential(size=n) / shape)
        # Far out a draw may overflow, or underflow to zero.
        return np.clip(y, np.finfo(float).tiny, np.finfo(float).max)

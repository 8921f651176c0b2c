"""A distribution of scipy with ends of its support held at the outermost rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from natfit.bijectors import Bijector
from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import InformationKind, Role, Route, Yardstick
from natfit.distributions.contract.support import Support
from natfit.distributions.contract.velocity import Velocity
from natfit.distributions.custom._ends import Chart, Hold, natural_units
from natfit.numerics.differences import FIRST, SECOND, gradient, hessian
from natfit.rows import Block, Rows

#: What is level as a parameter runs away.
_AWAY = {
    "loc": (
        "loc and scale grow together with shapes; the limit is a family without this location, "
        "such as the normal"
    ),
    "scale": (
        "scale and shapes run away together; the limit is a family without these shapes, such as "
        "the lognormal"
    ),
}


@dataclass(frozen=True)
class _Ordered:
    """The map of a family with held parameters to all of eta, in another order."""

    held: Held
    order: np.ndarray

    def full(self, eta: np.ndarray) -> np.ndarray:
        return self.held.full(eta)[:, self.order]

    @property
    def free(self) -> np.ndarray:
        return np.argsort(self.order)[self.held.free]

    @property
    def held_coordinates(self) -> tuple[int, ...]:
        return tuple(np.argsort(self.order)[list(self.held.held_coordinates)].tolist())


class Held(Distribution):
    """A distribution of scipy some of whose parameters follow from the others and the rows.

    At the outermost row the density is positive, and the likelihood grows as the end of the
    support tends to it. The parameter that moves the end is held where the end is at the row; the
    other parameters are free.

    Parameters
    ----------
    inner : ScipyDistribution
        The distribution.
    chart : Chart
        The ends that are held, and the rows at which they are held.
    infinite : bool
        Whether the density is infinite at an end.
    order : sequence of int, optional
        The coordinates of the distribution's eta in the order of a wrapper's.
    """

    differentiable = False
    by_differences = True

    def __init__(
        self,
        inner: Any,
        chart: Chart,
        infinite: bool = False,
        order: Sequence[int] | None = None,
    ):
        self.inner = inner
        self.chart = chart
        self.infinite = infinite
        self.order = order

    @cached_property
    def params(self) -> dict[str, Bijector]:
        """Those of the distribution that are free."""
        away = {hold.name for hold in self.chart.holds}
        return {k: c for k, c in self.inner.params.items() if k not in away}

    @cached_property
    def roles(self) -> dict[str, Role]:
        """Those of the parameters that are free."""
        return {k: role for k, role in self.inner.roles.items() if k in self.params}

    @property
    def support(self) -> Support | None:
        """The support of the whole distribution."""
        return self.inner.support

    @property
    def information(self) -> InformationKind:
        """The observed information: the expected one is infinite where an end moves."""
        return InformationKind(Route.NONE, yardstick=Yardstick.OBSERVED)

    @property
    def note(self) -> str | None:
        """The ends and the order statistics, for messages; None where no end is held."""
        rows = {"lower": ("smallest", self.chart.least), "upper": ("largest", self.chart.most)}
        words = []
        for hold in self._ends:
            size, value = rows[hold.kind]
            place = f"the {size} row" if np.isnan(hold.value) else "an end of an interval"
            words.append(
                f"{hold.name} is such that the {hold.kind} end of the support is {place}, {value:g}"
            )
        away = [hold for hold in self.chart.holds if hold.kind == "value" and hold.name in _AWAY]
        if away:
            name, value = away[0].name, away[0].value
            below = "-inf" if name == "loc" else "0"
            side = below if value < self.chart.least else "inf"
            return (
                f"{name} -> {side}, held at {value:g}: the likelihood grows and levels off as "
                f"{_AWAY[name]}"
            )
        edges = [hold for hold in self.chart.holds if hold.kind == "edge"]
        if edges:
            name, value = edges[0].name, edges[0].value
            return (
                f"{name} is held at {value:g}: the likelihood grows beyond, as other parameters "
                "run away with it, but scipy's log-density has no values there"
            )
        if not words:
            return self._wall
        end = "the likelihood grows as the end of the support tends to that row"
        end += ", where the density is infinite" if self.infinite else ""
        return f"{' and '.join(words)}: {end}"

    @property
    def _wall(self) -> str | None:
        """That the density is infinite at a row inside, for messages; None where it is not."""
        for hold in self.chart.holds:
            if hold.kind == "wall":
                return (
                    f"{hold.name} is such that the density is infinite at the row {hold.value:g}: "
                    "the likelihood grows without limit as it tends to this row"
                )
        return None

    @property
    def _ends(self) -> list[Hold]:
        """The ends that are held."""
        return [hold for hold in self.chart.holds if hold.end]

    @cached_property
    def free(self) -> np.ndarray:
        """Indices (K',) of the coordinates of the distribution's eta that are free."""
        kept = np.ones(self.inner.n_params, dtype=bool)
        kept[self.chart.at] = False
        return np.flatnonzero(kept)

    @property
    def held_coordinates(self) -> tuple[int, ...]:
        """Indices of the coordinates of the distribution's eta that are held."""
        return tuple(self.chart.at)

    def full(self, eta: np.ndarray) -> np.ndarray:
        """All of eta (n, K) for the free coordinates (n, K')."""
        u = np.full((len(eta), self.inner.n_params), -np.inf)
        u[:, self.free] = eta
        return self.chart.to_eta(u)

    def reduce(self, eta: np.ndarray) -> np.ndarray:
        """The free coordinates (K',) of one point (K,)."""
        return np.asarray(eta)[self.free]

    def ordered(self, order: Sequence[int]) -> Distribution:
        """Return the same family for a wrapper with another order of coordinates."""
        return type(self)(self.inner, self.chart, self.infinite, order)

    @property
    def completed(self) -> Any:
        """The map to all of eta, in the order of a wrapper where there is one."""
        return self if self.order is None else _Ordered(self, np.asarray(self.order))

    def log_prob(self, y: Any, eta: np.ndarray) -> np.ndarray:
        """Log-density of each row, (n,) nats."""
        return self.inner.log_prob(y, self.full(eta))

    def log_stack(self, y: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Log-density (m, n) of each row at points (m, n or 1, K')."""
        whole = self.full(points.reshape(-1, points.shape[2]))
        return self.inner.log_stack(y, whole.reshape(*points.shape[:2], -1))

    def _steps(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Unit of each coordinate, (n or 1, K')."""
        unit = self.inner._unit(y, self.full(eta[:1]))[:, self.free]
        unit = natural_units(lambda points: self.log_stack(y, points), eta, unit)
        return self.inner._safe(y, eta, unit, self.full)

    def log_prob_and_score(self, y: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Log-density (n,), and score (n, K') by differences."""
        value = self.log_prob(y, eta)
        if not self.n_params:
            return value, np.empty((len(value), 0))
        with np.errstate(all="ignore"):
            first = FIRST * self._steps(y, eta)
            return value, gradient(
                lambda points: self.log_stack(y, points), eta, first, stacked=True
            )

    def observed(self, y: Any, eta: np.ndarray) -> np.ndarray:
        """Negative Hessian (n, K', K'), by differences."""
        if not self.n_params:
            return np.empty((len(y), 0, 0))
        with np.errstate(all="ignore"):
            second = SECOND * self._steps(y, eta)
            return -hessian(lambda points: self.log_stack(y, points), eta, second, stacked=True)

    # ------------------------------------------------------------------------------ intervals

    @property
    def has_cdf(self) -> bool:
        """Whether the distribution has a distribution function."""
        return self.inner.has_cdf

    def support_at(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ends (n,) of the support at each row of eta."""
        return self.inner.support_at(self.full(eta))

    def log_cdf(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Log P(Y <= y) of each row, (n,) nats."""
        return self.inner.log_cdf(y, self.full(eta))

    def log_sf(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Log P(Y > y) of each row, (n,) nats."""
        return self.inner.log_sf(y, self.full(eta))

    def velocity(self, y: np.ndarray, eta: np.ndarray) -> Velocity:
        """The distribution's velocities, by the chain rule.

        Returns
        -------
        Velocity
            In the unit of y.
        """
        if not self.n_params:
            return Velocity(np.empty((0, len(y))), np.empty((0, 0, len(y))))
        whole = self.full(eta)
        found = self.inner.velocity(y, whole)
        unit = self.inner._unit(y, whole)[:, self.free]

        def each(derive: Callable, size: float) -> np.ndarray:
            return np.stack(
                [
                    derive(lambda e, k=k: self.full(e)[:, k], eta, size * unit)
                    for k in range(self.inner.n_params)
                ]
            )

        slope, bend = each(gradient, FIRST), each(hessian, SECOND)
        n = (len(y),)
        slope = np.broadcast_to(slope, (slope.shape[0], *n, *slope.shape[2:]))
        bend = np.broadcast_to(bend, (bend.shape[0], *n, *bend.shape[2:]))
        second = np.einsum("ina,ijn,jnb->abn", slope, found.second, slope)
        second += np.einsum("in,inab->abn", found.first, bend)
        return Velocity(np.einsum("in,ina->an", found.first, slope), second)

    # ----------------------------------------------------------------------------------- data

    def check(self, rows: Rows) -> None:
        """Raise ValueError for the first row outside the support, as the distribution does."""
        self.inner.check(rows)

    def initial(self, few: Block, rng: np.random.Generator) -> np.ndarray:
        """The distribution's start, reduced."""
        return self.reduce(self.inner.initial(few, rng))

    def no_maximum(self, rows: Rows, eta: np.ndarray) -> str | None:
        """The density is infinite at an end that the free parameters do not keep from there."""
        if not (self.infinite and self.n_params):
            return None
        if self._wall is not None:
            return self._wall
        sides = [hold.kind for hold in self._ends]
        names = " and ".join(f"the {side} end" for side in sides)
        return (
            f"{names} of the support tends to the outermost row, where the density is infinite: "
            "the likelihood grows without limit"
        )

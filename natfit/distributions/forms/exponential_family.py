"""What exponential families share: summaries that replace the data, and mean parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import autograd.numpy as anp
import numpy as np

from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import InformationKind
from natfit.distributions.contract.sums import n_rows
from natfit.distributions.forms.joined import joined_means
from natfit.linops.row_curvature import RowCurvature
from natfit.rows import Block, Rows, dot


@cache
def _agreeing(kind: InformationKind) -> InformationKind:
    """Return a kind of information that is the observed one at the optimum."""
    return replace(kind, agrees=True)


class ExponentialFamily(Distribution):
    """A family whose log-density is linear in statistics T(y), apart from a function of y.

    The weighted mean of T over the data is then a summary, which replaces all rows by one: every
    method that takes ``y`` also takes the tuple that :meth:`sufficient` returns. With a constant
    model the data are therefore read once, and the iterations need only the summary.

    A family writes ``statistics(y)``, which returns the tuple T for rows, and a summary
    unchanged. The tuple may hold terms that do not depend on the parameters, such as log y!.
    """

    # Each of these families writes its score in terms of the statistics.
    _score: Callable

    # Declared only by classes, as params and roles are.
    if TYPE_CHECKING:

        @property
        def mean_names(self) -> tuple[str, ...] | None:
            """A name for each mean parameter; None where there is no closed-form inverse."""

    else:
        mean_names = None

    @property
    def information(self) -> InformationKind:
        """At the optimum of a constant model the expected information is the observed one."""
        return _agreeing(super().information)

    @property
    def mean_sizes(self) -> tuple[int, ...]:
        """Length of the mean of each statistic; one unless a family says otherwise."""
        return (1,) * self.n_params

    def statistics(self, y: Any) -> tuple:
        """The tuple of statistics of every row; a summary is returned as it is."""
        raise NotImplementedError

    def sufficient(self, rows: Rows) -> tuple:
        """Weighted means of the statistics, each with a leading axis of one row."""
        total, *sums = rows.sum(self._statistics_part, wide=True)
        return tuple(np.asarray(s / total)[None] for s in sums)

    def joined_summaries(self, one: Any, weight: float, two: Any, other: float) -> Any | None:
        """Weighted means of both summaries."""
        return joined_means(one, weight, two, other)

    def _statistics_part(self, block: Block) -> tuple:
        """Sums of the weights and of the statistics."""
        values, weight = self.statistics(block.y), block.weight
        if weight is None:
            return (float(block.n), *(np.sum(v, axis=0) for v in values))
        return (weight.sum(), *(dot(weight, v) for v in values))

    def log_prob_and_score(self, y: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Both, (n,) and (n, K), from one pass over the statistics."""
        statistics, arguments = self.statistics(y), self._arguments(eta)
        if type(self)._log_prob_eta is not Distribution._log_prob_eta:
            return self._log_prob_eta(statistics, eta), self._score(statistics, *arguments)
        return self._log_prob(statistics, *arguments), self._score(statistics, *arguments)

    # ------------------------------------------------------------------ mean parameters

    def _to_mean(self, origin: tuple, *native: Any) -> tuple:
        raise NotImplementedError

    def _from_mean(self, origin: tuple, *mean: Any) -> dict[str, Any]:
        raise NotImplementedError

    def expectation_coordinates(self, origin: np.ndarray) -> MeanCoordinates:
        """Maps between eta and E[T(y)], T taken about the native values at ``origin`` (K,)."""
        if self.mean_names is None:
            return super().expectation_coordinates(origin)
        return MeanCoordinates(self, self.native(np.reshape(origin, (1, -1))))


class Canonical(ExponentialFamily):
    """An exponential family whose eta are its natural parameters.

    The Hessian of the log-density does not depend on y then: the observed information of every
    row is the Fisher information.
    """

    # Each of these families writes its Fisher information.
    _fisher: Callable

    def _observed(self, y: Any, *arguments: np.ndarray) -> np.ndarray:
        fisher = self._fisher(*arguments)
        return np.broadcast_to(fisher, (max(n_rows(y), len(fisher)), *fisher.shape[1:]))

    def observed_curvature(self, y: Any, eta: np.ndarray) -> RowCurvature:
        """The Fisher information, unless a family has another observed one."""
        own = type(self)._observed is Canonical._observed
        if own and type(self).observed is Distribution.observed and len(eta) == n_rows(y):
            return self.curvature(eta)
        return super().observed_curvature(y, eta)


@dataclass(frozen=True)
class MeanCoordinates:
    """Expectation coordinates m = E[T(y)] of an exponential family, flattened to (K,)."""

    family: ExponentialFamily
    origin: tuple

    @property
    def names(self) -> list[str]:
        """A name for each coordinate."""
        return list(self.family.mean_names or ())

    def from_eta(self, eta: np.ndarray) -> np.ndarray:
        """Mean parameters (K,) of eta (K,)."""
        parts = self.family._to_mean(self.origin, *self.family.native(eta[None]))
        return np.concatenate([np.reshape(part, -1) for part in parts])

    def to_eta(self, mean: Any) -> Any:
        """Unconstrained vector (K,) of mean parameters (K,); differentiable, NaN outside."""
        ends = np.cumsum(self.family.mean_sizes)
        starts = ends - self.family.mean_sizes
        parts = [mean[a:b] for a, b in zip(starts, ends, strict=True)]
        native = self.family._from_mean(self.origin, *parts)
        try:
            values = [c.to_eta(native[name]) for name, c in self.family.params.items()]
        except np.linalg.LinAlgError:  # a second moment whose covariance has no factor
            return np.full(self.family.n_params, np.nan)
        return anp.concatenate([anp.reshape(v, (-1,)) for v in values])

"""Families whose y, transformed, has the density of another family at other coordinates."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from natfit.distributions.base import Distribution
from natfit.distributions.contract.checks import ROUNDING, refuse_constant
from natfit.distributions.contract.declared import InformationKind
from natfit.distributions.contract.expectation import Expectation
from natfit.distributions.contract.intervals import Moments, moments
from natfit.distributions.contract.velocity import Velocity
from natfit.distributions.forms.exponential_family import ExponentialFamily
from natfit.distributions.forms.joined import joined_means
from natfit.linops.row_curvature import Entries, Entry, RowCurvature
from natfit.rows import Block, Rows, mean_over, rows_as, weighted_total


class Transformed(Distribution):
    """A family of y for which t = T(y) has the density of ``base`` at A eta + b.

    ``log p(y) = log f(T(y)) + log |dT / dy|``. The map of the coordinates is affine, so that the
    score is A' s and both informations are A' F A; divergences are the base's, since they do not
    change with y's transform. A summary is the base's, with the mean of the logarithm of the slope
    behind it.

    A family declares ``params``, ``roles``, ``support``, ``base``, ``to_base`` (A and b) and
    writes T, its inverse and the logarithm of its slope.
    """

    #: The family of t.
    base: ClassVar[Distribution]

    #: A (K of the base, K) and b (K of the base,).
    to_base: ClassVar[tuple[np.ndarray, np.ndarray]]

    #: Whether T falls as y grows.
    falls: ClassVar[bool] = False

    def _forward(self, y: Any) -> Any:
        """T(y), differentiable; values below the support are mapped to the base's lower end."""
        raise NotImplementedError

    def _backward(self, t: np.ndarray) -> np.ndarray:
        """The inverse of T."""
        raise NotImplementedError

    def _log_slope(self, y: Any) -> Any:
        """Log of |dT / dy|, differentiable."""
        raise NotImplementedError

    # --------------------------------------------------------------------------- coordinates

    def _full(self, eta: Any) -> Any:
        """The base's eta (n, K) of this family's; differentiable."""
        matrix, offset = self.to_base
        return eta @ matrix.T + offset

    def _reduced(self, full: np.ndarray) -> np.ndarray:
        """The eta (K,) of the base's (K,), for families with a regular A."""
        matrix, offset = self.to_base
        return np.linalg.solve(matrix, full - offset)

    def _split(self, y: Any) -> tuple[Any, Any]:
        """t and the logarithm of the slope, of rows or of a summary."""
        if isinstance(y, tuple):
            return y[:-1], y[-1]
        return self._forward(y), self._log_slope(y)

    def _t(self, y: Any) -> Any:
        return y[:-1] if isinstance(y, tuple) else self._forward(y)

    # ----------------------------------------------------------------- density and derivatives

    @property
    def information(self) -> InformationKind:
        """What is known of the base's information, which holds here too."""
        return self.base.information

    @property
    def fisher_by_rows(self) -> bool:
        """Whether the base's information is cheap, which holds here too."""
        return self.base.fisher_by_rows

    @property
    def kl_by_rows(self) -> bool:
        """Whether the base's divergence is a closed form."""
        return self.base.kl_by_rows

    @property
    def summary_proves_support(self) -> bool:  # type: ignore[override]  # the base decides
        """Whether the base's summary does."""
        return self.base.summary_proves_support

    def _log_prob_eta(self, y: Any, eta: Any) -> Any:
        t, slope = self._split(y)
        return self.base._log_prob_eta(t, self._full(eta)) + slope

    def log_prob(self, y: Any, eta: np.ndarray) -> np.ndarray:
        """Log-density of each row, (n,) nats."""
        t, slope = self._split(y)
        return self.base.log_prob(t, self._full(eta)) + slope

    def score(self, y: Any, eta: np.ndarray) -> np.ndarray:
        """A' s, (n, K)."""
        return self.base.score(self._t(y), self._full(eta)) @ self.to_base[0]

    def log_prob_and_score(self, y: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Both, (n,) and (n, K)."""
        t, slope = self._split(y)
        value, score = self.base.log_prob_and_score(t, self._full(eta))
        return value + slope, score @ self.to_base[0]

    def observed(self, y: Any, eta: np.ndarray) -> np.ndarray:
        """A' O A, (n, K, K)."""
        return self._squared(self.base.observed(self._t(y), self._full(eta)))

    def curvature(self, eta: np.ndarray) -> RowCurvature:
        """A' F A by its entries."""
        return self._entries(self.base.curvature(self._full(eta)))

    def observed_curvature(self, y: Any, eta: np.ndarray) -> RowCurvature:
        """A' O A by its entries."""
        return self._entries(self.base.observed_curvature(self._t(y), self._full(eta)))

    def _entries(self, inside: RowCurvature) -> RowCurvature:
        """A' C A by the entries of C: most of A are zero."""
        matrix = self.to_base[0]
        found: dict[tuple[int, int], Entry] = {}
        for i, j, entry in inside.items():
            for k, m in itertools.product(range(matrix.shape[1]), repeat=2):
                # C is symmetric, and of the sum only the part with k <= m is kept.
                times = matrix[i, k] * matrix[j, m]
                times += matrix[j, k] * matrix[i, m] if i != j else 0.0
                if k <= m and times:
                    found[k, m] = found.get((k, m), 0.0) + times * entry
        return Entries(matrix.shape[1], found)

    def fisher(self, eta: np.ndarray) -> np.ndarray:
        """A' F A, (n, K, K)."""
        return self._squared(self.base.fisher(self._full(eta)))

    def sum_value_and_score(
        self, y: Any, weight: np.ndarray | None, eta: np.ndarray
    ) -> tuple[float, np.ndarray]:
        """Weighted sums over rows of log p and of its score (K,), for eta (1, K)."""
        t, slope = self._split(y)
        value, score = self.base.sum_value_and_score(t, weight, self._full(eta))
        return value + weighted_total(slope, weight), score @ self.to_base[0]

    def sum_observed(self, y: Any, weight: np.ndarray | None, eta: np.ndarray) -> np.ndarray:
        """Weighted sum over rows of the negative Hessian, (K, K), for eta (1, K)."""
        return self._squared(self.base.sum_observed(self._t(y), weight, self._full(eta)))

    @property
    def sum_terms(self) -> Callable | None:  # type: ignore[override]  # the base decides
        """All three sums from one pass, where the base has them."""
        return None if self.base.sum_terms is None else self._sum_terms

    def _sum_terms(self, y: Any, weight: np.ndarray | None, eta: np.ndarray) -> tuple:
        t, slope = self._split(y)
        value, score, observed = self.base.sum_terms(t, weight, self._full(eta))  # type: ignore[misc]  # asked before
        matrix = self.to_base[0]
        return value + weighted_total(slope, weight), score @ matrix, self._squared(observed)

    def _squared(self, inner: np.ndarray) -> np.ndarray:
        matrix = self.to_base[0]
        return matrix.T @ inner @ matrix

    def kl(self, eta: np.ndarray, eta2: np.ndarray) -> np.ndarray:
        """KL(eta || eta2) of each row, (n,) nats: the base's."""
        return self.base.kl(self._full(eta), self._full(eta2))

    def expectation(self, eta: np.ndarray) -> Expectation:
        """The base's nodes, transformed back."""
        rule = self.base.expectation(self._full(eta[None])[0])
        return Expectation(self._backward(rule.y), rule.weight)

    # ------------------------------------------------------------------- probabilities, draws

    @property
    def has_cdf(self) -> bool:
        """Whether the base has tail probabilities."""
        return self.base.has_cdf

    @property
    def can_sample(self) -> bool:
        """Whether the base has a sampler."""
        return self.base.can_sample

    def _tail(self, lower: bool, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        tail = self.base.log_cdf if lower else self.base.log_sf
        with np.errstate(all="ignore"):
            t = self._forward(np.maximum(np.asarray(y, dtype=float), self.known_support.low))
        return tail(t, self._full(eta))

    def quantile_formula(self, eta: np.ndarray) -> Callable | None:
        """Quantiles at eta (1, K): the base's, mapped back."""
        formula = self.base.quantile_formula(self._full(eta))
        return formula and (lambda p, upper: self._backward(formula(p, upper != self.falls)))

    def log_cdf(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Log P(Y <= y) of each row, (n,) nats."""
        return self._tail(not self.falls, y, eta)

    def log_sf(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Log P(Y > y) of each row, (n,) nats."""
        return self._tail(self.falls, y, eta)

    def interval_moments(self, lower: np.ndarray, upper: np.ndarray, eta: np.ndarray) -> Moments:
        """Log-probability of intervals and its derivatives: the base's, of intervals of t."""
        low = self.known_support.low
        with np.errstate(all="ignore"):
            ends = self._forward(np.maximum(lower, low)), self._forward(np.maximum(upper, low))
        found = moments(self.base, *(ends[::-1] if self.falls else ends), self._full(eta))
        score = found.score @ self.to_base[0]
        return Moments(found.log_mass, score, self._squared(found.gap))

    @property
    def closed_velocity(self) -> bool:
        """Whether the base's velocities are closed forms."""
        return self.base.closed_velocity

    def velocity(self, y: np.ndarray, eta: np.ndarray) -> Velocity:
        """Derivatives of P(Y > y) in eta over the density, from the base's at t."""
        found, matrix = self.base.velocity(self._forward(y), self._full(eta)), self.to_base[0]
        unit = (-1.0 if self.falls else 1.0) * np.exp(-self._log_slope(y))
        second = self._squared(np.moveaxis(found.second, -1, 0))
        return Velocity(matrix.T @ found.first * unit, np.moveaxis(second, 0, -1) * unit)

    def sample(self, eta: np.ndarray, rng: np.random.Generator, size: int | None = None) -> Any:
        """Draws of the base, transformed back."""
        return self._backward(self.base.sample(self._full(eta), rng, size))

    # ------------------------------------------------------------------------ data and starts

    def sufficient(self, rows: Rows) -> tuple | None:
        """The base's summary of t, and the mean of the logarithm of the slope."""
        if not isinstance(self.base, ExponentialFamily):
            return None
        summary = self.base.sufficient(self._seen(rows))
        return *summary, np.asarray(mean_over(rows, _slope_of, self))[None]

    def joined_summaries(self, one: Any, weight: float, two: Any, other: float) -> Any | None:
        """The base's, and the mean of the logarithms of the slope."""
        rest = self.base.joined_summaries(one[:-1], weight, two[:-1], other)
        return None if rest is None else (*rest, *joined_means(one[-1:], weight, two[-1:], other))

    def _seen(self, rows: Rows) -> Rows:
        """The rows as t."""
        return rows_as(rows, _forward_part, self)

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """All rows alike: the likelihood grows without limit."""
        refuse_constant(rows, type(self).__name__, relative=ROUNDING)

    def initial(self, few: Block, rng: np.random.Generator) -> np.ndarray:
        """The base's start for t."""
        return self._reduced(self.base.initial(replace(few, y=self._forward(few.y)), rng))

    def refine_start(self, rows: Rows, eta: np.ndarray) -> np.ndarray:
        """The base's start, corrected once all rows are seen."""
        full = self._full(eta[None])[0]
        refined = self.base.refine_start(self._seen(rows), full)
        return eta if refined is full else self._reduced(refined)


def _forward_part(block: Block, family: Transformed) -> np.ndarray:
    return family._forward(block.y)


def _slope_of(y: np.ndarray, family: Transformed) -> np.ndarray:
    return family._log_slope(y)

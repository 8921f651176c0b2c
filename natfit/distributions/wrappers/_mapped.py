"""A family's density at another eta: all derivatives by the chain rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from natfit.distributions.contract.expectation import Expectation
from natfit.distributions.contract.intervals import Moments, moments
from natfit.distributions.contract.velocity import Velocity
from natfit.distributions.wrappers.base import Restricted, passed_on
from natfit.linops.row_curvature import RowCurvature


class Mapped(Restricted):
    """A family whose density is the inner one's at ``full(eta)``; J is the derivative of this map.

    A subclass with another map writes ``full``, ``reduce``, ``_pull`` and ``_pull_square``.
    """

    summary_proves_support = passed_on()
    has_kl = passed_on()
    fisher_by_rows = passed_on()
    kl_by_rows = passed_on()
    one_mean = passed_on()
    has_entropy = passed_on()
    has_mode = passed_on()
    has_typical = passed_on()
    fisher_by_rows = passed_on()
    kl_by_rows = passed_on()

    def _pull(self, eta: np.ndarray, score: np.ndarray) -> np.ndarray:
        """J' s of every row, (n, K')."""
        return score

    def _pull_square(self, eta: np.ndarray, matrix: np.ndarray, score: Any = None) -> np.ndarray:
        """J' M J of every row; with a score, minus the second derivative of the map times it."""
        return matrix

    # ------------------------------------------------------------------- derivatives in eta

    def fisher(self, eta: np.ndarray) -> np.ndarray:
        """J' F J, (n, K', K')."""
        return self._pull_square(eta, self.inner.fisher(self.full(eta)))

    def curvature(self, eta: np.ndarray) -> RowCurvature:
        """The inner family's entries where eta is the same; else those of J' F J."""
        if type(self)._pull_square is Mapped._pull_square:
            return self.inner.curvature(self.full(eta))
        return super().curvature(eta)

    def score(self, y: Any, eta: np.ndarray) -> np.ndarray:
        """J' s, (n, K')."""
        return self._pull(eta, self.inner.score(y, self.full(eta)))

    def log_prob_and_score(self, y: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Both, (n,) and (n, K')."""
        value, score = self.inner.log_prob_and_score(y, self.full(eta))
        return value, self._pull(eta, score)

    def observed(self, y: Any, eta: np.ndarray) -> np.ndarray:
        """Negative Hessian in this eta, (n, K', K')."""
        full = self.full(eta)
        return self._pull_square(eta, self.inner.observed(y, full), self.inner.score(y, full))

    @property
    def sum_terms(self) -> Callable | None:  # type: ignore[override]  # the inner decides
        """All three sums from one pass, where the inner family has them."""
        return None if self.inner.sum_terms is None else self._sum_terms

    def sum_value_and_score(
        self, y: Any, weight: np.ndarray | None, eta: np.ndarray
    ) -> tuple[float, np.ndarray]:
        """Weighted sums of log p and of its score (K',), eta (1, K'): a trial needs no Hessian."""
        if self.sum_terms is not None:
            return super().sum_value_and_score(y, weight, eta)
        value, score = self.inner.sum_value_and_score(y, weight, self.full(eta))
        return value, self._pull(eta, score[None])[0]

    def sum_observed(self, y: Any, weight: np.ndarray | None, eta: np.ndarray) -> np.ndarray:
        """Weighted sum over rows of the negative Hessian, (K', K'), for eta (1, K')."""
        if self.sum_terms is not None:
            return super().sum_observed(y, weight, eta)
        return self._sum_terms(y, weight, eta)[2]

    def _sum_terms(self, y: Any, weight: np.ndarray | None, eta: np.ndarray) -> tuple:
        value, score, observed = self._inner_terms(y, weight, self.full(eta))
        square = self._pull_square(eta, observed[None], score[None])
        return value, self._pull(eta, score[None])[0], square[0]

    def entropy_and_grad(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Entropy (n,) nats and its gradient in this eta, (n, K')."""
        value, slope = self.inner.entropy_and_grad(self.full(eta))
        return value, self._pull(eta, slope)

    @property
    def interval_moments(self) -> Callable | None:  # type: ignore[override]  # the inner decides
        """Probabilities of intervals and their derivatives, where the inner family has its own."""
        return None if self.inner.interval_moments is None else self._interval_moments

    def _interval_moments(self, lower: np.ndarray, upper: np.ndarray, eta: np.ndarray) -> Moments:
        found = moments(self.inner, lower, upper, self.full(eta))
        score = self._pull(eta, found.score)
        observed = self._pull_square(eta, found.observed, found.score)
        return Moments(found.log_mass, score, observed - score[:, :, None] * score[:, None, :])

    @property
    def kink_sum(self) -> Callable | None:  # type: ignore[override]  # the inner decides
        """The inner family's, in this eta."""
        return None if self.inner.kink_sum is None else self._kink_sum

    def _kink_sum(self, y: Any, weight: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        half, curve = self.inner.kink_sum(y, weight, self.full(eta))  # type: ignore[misc]  # asked
        square = self._pull_square(eta, np.diag(curve)[None])[0]
        return np.abs(self._pull(eta, half[None])[0]), np.diagonal(square)

    # -------------------------------------------------------------------- the same at full eta

    def log_density(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Log-density of each row at eta, (n,) nats: the inner family's."""
        return self.inner.log_density(y, self.full(eta))

    def log_cdf(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Log P(Y <= y) of each row, (n,) nats: the inner family's."""
        return self.inner.log_cdf(y, self.full(eta))

    def log_sf(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Log P(Y > y) of each row, (n,) nats: the inner family's."""
        return self.inner.log_sf(y, self.full(eta))

    def velocity(self, y: np.ndarray, eta: np.ndarray) -> Velocity:
        """Derivatives of P(Y > y) in this eta over the density: the inner family's, by J."""
        found = self.inner.velocity(y, self.full(eta))
        first, second = found.first.T, np.moveaxis(found.second, -1, 0)
        # The second derivative of a function is minus what an observed information is.
        second = -self._pull_square(eta, -second, first)
        return Velocity(self._pull(eta, first).T, np.moveaxis(second, 0, -1))

    def kl(self, eta: np.ndarray, eta2: np.ndarray) -> np.ndarray:
        """KL(eta || eta2) of each row, (n,) nats: the inner family's."""
        return self.inner.kl(self.full(eta), self.full(eta2))

    def sample(self, eta: np.ndarray, rng: np.random.Generator, size: int | None = None) -> Any:
        """Draws of the inner family, in the unit of y."""
        return self.inner.sample(self.full(eta), rng, size)

    def entropy(self, eta: np.ndarray) -> np.ndarray:
        """Entropy of the inner family at each row of eta, (n,) nats."""
        return self.inner.entropy(self.full(eta))

    def mode(self, eta: np.ndarray) -> np.ndarray:
        """The most probable value of the inner family at each row of eta."""
        return self.inner.mode(self.full(eta))

    def typical(self, eta: np.ndarray) -> np.ndarray:
        """The inner family's typical y at its own eta."""
        return self.inner.typical(self.full(eta))

    def kinks(self, eta: np.ndarray) -> np.ndarray:
        """Values of y at which the inner family's density has a kink at eta."""
        return self.inner.kinks(self._full(eta))

    def quantile_formula(self, eta: np.ndarray) -> Callable | None:
        """Quantiles at eta (1, K): the inner family's."""
        return self.inner.quantile_formula(self.full(eta))

    def moments(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Means and variances (n,) at each row of eta: the inner family's."""
        return self.inner.moments(self.full(eta))

    def expectation(self, eta: np.ndarray) -> Expectation:
        """Nodes and probabilities (M,) of the inner family at eta, for expectations."""
        return self.inner.expectation(self._full(eta))

    def counterpart(self, eta: np.ndarray) -> Any:
        """The frozen ``scipy.stats`` distribution of the inner family at eta."""
        return self.inner.counterpart(self._full(eta))

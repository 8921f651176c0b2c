"""Families whose score and Hessian are those of their log-density, by forward differentiation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from natfit.distributions.base import Distribution
from natfit.distributions.contract.velocity import Velocity
from natfit.numerics.jets import Jet
from natfit.rows import weighted_total


class ByJets(Distribution):
    """A family with single-number parameters that writes ``_log_prob`` alone.

    Value, score and observed information of all rows come from one pass over jets
    (:mod:`natfit.numerics.jets`), without autograd.
    """

    #: ``log P(Y > y)`` of native parameters, where it is made of functions that jets know; or the
    #: standard normal variable, which rises with y, of which y is a transform.
    _log_sf_jet: Callable | None = None
    _normal_jet: Callable | None = None

    def jet(self, y: Any, eta: np.ndarray, order: int = 2) -> Jet:
        """Log-density of each row with its first or first two derivatives in eta (n, K), (1, K)."""
        return self._jet_of(self._log_prob, y, eta, order)

    def velocity(self, y: np.ndarray, eta: np.ndarray) -> Velocity:
        """Derivatives of P(Y > y) in eta over the density, of a jet where the family has one."""
        if self._log_sf_jet is not None:
            jet = self._jet_of(self._log_sf_jet, y, eta)
            pull, scale = 1.0, np.exp(jet.value - self.log_prob(y, eta))
        elif self._normal_jet is not None:
            jet = self._jet_of(self._normal_jet, y, eta)
            density = -0.5 * jet.value**2 - 0.5 * np.log(2.0 * np.pi)
            pull, scale = -jet.value, -np.exp(density - self.log_prob(y, eta))
        else:
            return super().velocity(y, eta)
        first = np.broadcast_to(jet.first, (self.n_params, len(y)))
        return Velocity(first * scale, (jet.second + pull * first[:, None] * first) * scale)

    def _jet_of(self, of: Callable, y: Any, eta: np.ndarray, order: int = 2) -> Jet:
        """``of(y, *native)`` of each row with its derivatives in eta (n, K) or (1, K)."""
        unit = np.eye(self.n_params)[:, :, None]
        native = []
        for k, constraint in enumerate(self.params.values()):
            column = eta[:, k]
            value = constraint.to_native(eta[:, k : k + 1])
            jet = Jet(value, unit[k] * constraint.first(column))
            if order == 2:
                jet.second = unit[k] * unit[k, :, None] * constraint.second(column)
            native.append(jet)
        with np.errstate(all="ignore"):
            return of(y, *native)

    def log_prob_and_score(self, y: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Log-density (n,) and score (n, K), from one pass."""
        jet = self.jet(y, eta, order=1)
        return jet.value, np.broadcast_to(jet.first, (self.n_params, len(jet.value))).T

    def score(self, y: Any, eta: np.ndarray) -> np.ndarray:
        """Gradient of log p(y | eta) in eta, (n, K)."""
        return self.log_prob_and_score(y, eta)[1]

    def observed(self, y: Any, eta: np.ndarray) -> np.ndarray:
        """Negative Hessian of log p(y | eta) in eta, (n, K, K)."""
        return -np.moveaxis(self.jet(y, eta).second, 2, 0)

    def sum_value_and_score(
        self, y: Any, weight: np.ndarray | None, eta: np.ndarray
    ) -> tuple[float, np.ndarray]:
        """Weighted sums over rows of log p and of its score (K,), for eta (1, K)."""
        value, score = self.log_prob_and_score(y, eta)
        return weighted_total(value, weight), np.array([weighted_total(s, weight) for s in score.T])

    def sum_observed(self, y: Any, weight: np.ndarray | None, eta: np.ndarray) -> np.ndarray:
        """Weighted sum over rows of the negative Hessian, (K, K), for eta (1, K)."""
        return self.sum_terms(y, weight, eta)[2]

    def sum_terms(
        self, y: Any, weight: np.ndarray | None, eta: np.ndarray
    ) -> tuple[float, np.ndarray, np.ndarray]:
        """Weighted sums of log p, its score (K,) and its negative Hessian (K, K), eta (1, K)."""
        jet, size = self.jet(y, eta), self.n_params
        score = np.array([weighted_total(jet.first[k], weight) for k in range(size)])
        second = np.empty((size, size))
        for i in range(size):
            for j in range(i + 1):
                second[i, j] = second[j, i] = weighted_total(jet.second[i, j], weight)
        return weighted_total(jet.value, weight), score, -second

# Copy to natfit/models/squares.py.
"""The linear model on features and their squares."""

from __future__ import annotations

import numpy as np

from natfit.models._conditional import Conditional
from natfit.models._layers import with_ones
from natfit.models.linear import LinearRows


class Squares(Conditional):
    """eta_varying = (x, x^2, 1)' W, squares elementwise.

    theta = (W (2 D + 1, Kv) row by row, constants (Kc,)). It starts at W = 0, the intercept apart.
    """

    def _map_size(self) -> int:
        return (2 * self.n_features + 1) * len(self.varying)

    def _map_init(self, rng: np.random.Generator, eta0: np.ndarray) -> np.ndarray:
        theta = np.zeros(self._map_size())
        theta[-len(eta0) :] = eta0
        return theta

    def _map_names(self, eta_names: list[str]) -> list[str]:
        columns = [f"x{d}" for d in range(self.n_features)]
        inputs = [*columns, *(f"{x}^2" for x in columns), "intercept"]
        return [f"{name}[{x}]" for x in inputs for name in eta_names]

    def _map_rows(self, theta: np.ndarray, X: np.ndarray) -> LinearRows:
        inputs = with_ones(np.hstack([X, X * X]))
        return LinearRows(inputs, theta.reshape(-1, len(self.varying)))

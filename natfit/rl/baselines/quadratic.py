"""Ridge regression on columns, squares and products: exact for linear-quadratic tasks."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit._validation import check_number
from natfit.rl.baselines.base import Ridge

#: Largest number of features: a fit to 1,000 rows then takes seconds.
MOST_FEATURES = 20_000


class QuadraticBaseline(Ridge):
    """Ridge regression on an intercept, the standardised columns, their squares and products.

    Parameters
    ----------
    penalty : float, default=1e-3
        Ridge penalty per row, >= 1e-8; see :class:`natfit.rl.baselines.base.Ridge`.
    most_crossed : int, default=32
        Largest D for which the D (D - 1) / 2 products of pairs of columns are features.

    Raises
    ------
    ValueError
        By ``fit``, if there are more than 20,000 features.
    """

    def __init__(self, penalty: float = 1e-3, most_crossed: int = 32):
        self.penalty = penalty
        self.most_crossed = most_crossed

    def check(self) -> None:
        """Check that the penalty is >= 1e-8 and ``most_crossed`` is >= 0."""
        super().check()
        check_number(self.most_crossed, "baseline__most_crossed", low=0, integer=True, hint="32")

    def _fit(
        self, z: np.ndarray, target: np.ndarray, before: dict | None, rng: Any
    ) -> dict[str, np.ndarray]:
        d = z.shape[1]
        n_features = d * (d + 3) // 2 if d <= self.most_crossed else 2 * d
        if n_features > MOST_FEATURES:
            raise ValueError(
                f"baseline='quadratic' has {n_features} features for observations of {d} numbers, "
                f"and at most {MOST_FEATURES} are possible; use baseline='fourier', 'mlp' or "
                "'constant', a lower baseline__most_crossed, or smaller observations"
            )
        return super()._fit(z, target, before, rng)

    def _features(self, parts: dict[str, np.ndarray], z: np.ndarray) -> np.ndarray:
        if z.shape[1] > self.most_crossed:
            return np.hstack([z, z * z])
        first, second = np.triu_indices(z.shape[1])
        return np.hstack([z, z[:, first] * z[:, second]])

# Copy to natfit/rl/baselines/linear.py.
"""Ridge regression on the features alone."""

from __future__ import annotations

import numpy as np

from natfit.rl.baselines.base import Ridge


class LinearBaseline(Ridge):
    """V(s) = w' z + c, where z are the standardised features of a state.

    Parameters
    ----------
    penalty : float, default=1e-3
        Ridge penalty per row, >= 1e-8; see :class:`natfit.rl.baselines.base.Ridge`.
    """

    def __init__(self, penalty: float = 1e-3):
        self.penalty = penalty

    def _features(self, parts: dict[str, np.ndarray], z: np.ndarray) -> np.ndarray:
        # A copy: the base centres features in place.
        return z.copy()

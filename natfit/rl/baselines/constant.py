"""The mean of the returns, for every state."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.rl.baselines.base import Baseline, mean_of


class ConstantBaseline(Baseline):
    """The mean of the targets, for every state."""

    uses_columns = False

    def _fit(
        self, z: np.ndarray, target: np.ndarray, before: dict | None, rng: Any
    ) -> dict[str, np.ndarray]:
        return {"mean": np.array(mean_of(target))}

    def _predict(self, parts: dict[str, np.ndarray], z: np.ndarray) -> np.ndarray:
        return np.full(len(z), parts["mean"])

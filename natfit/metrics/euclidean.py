"""G = I: plain gradient descent."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.linops import Diagonal
from natfit.metrics.base import Metric
from natfit.objectives import Objective


class EuclideanMetric(Metric):
    """The identity: the natural gradient is the gradient (the paper's second section)."""

    def at(self, objective: Objective, iterate: Any, rng: np.random.Generator) -> Diagonal:
        """Ones on the diagonal."""
        return Diagonal(np.ones(objective.n_params))

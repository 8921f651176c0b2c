# Copy to natfit/metrics/diagonal.py.
"""The diagonal of the Fisher information: every parameter in its own unit."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.linops import Diagonal
from natfit.metrics.base import Metric, need_likelihood
from natfit.objectives import Objective


class DiagonalFisher(Metric):
    """G = diag(F) with the exact Fisher information F: cheap to invert, blind to correlations.

    The gradient in this metric does not depend on the units of the parameters, but it does
    depend on the coordinates.
    """

    def prepare(self, objective: Objective) -> DiagonalFisher:
        """Return the metric itself, if there is a likelihood."""
        need_likelihood(self, objective)
        return self

    def at(self, objective: Objective, iterate: Any, rng: np.random.Generator) -> Diagonal:
        """Return the diagonal at the iterate's theta, an operator of size P."""
        return Diagonal(objective.fisher(iterate.theta).diag())

"""The Hessian of the objective at the data, which gives Newton's method."""

from __future__ import annotations

import numpy as np

from natfit.linops import LinearOperator
from natfit.metrics.base import Metric, Point
from natfit.objectives import Objective


class ObservedInformation(Metric):
    """The Hessian of the objective: for a likelihood, the mean of -d2 log p / d theta2 over rows.

    It may fail to be positive definite away from an optimum. The solver then replaces negative
    eigenvalues by their absolute values, and ``history_.notes`` says so.
    """

    is_information = True

    def at(self, objective: Objective, iterate: Point, rng: np.random.Generator) -> LinearOperator:
        """Return the Hessian at the iterate, an operator of size P."""
        return objective.hessian(iterate.theta)

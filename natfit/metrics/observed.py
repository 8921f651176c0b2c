"""The Hessian of the objective at the data, which gives Newton's method."""

from __future__ import annotations

import numpy as np

from natfit.linops import LinearOperator
from natfit.metrics.base import Metric, Point
from natfit.objectives import Objective


class ObservedInformation(Metric):
    """The full Hessian of the objective, -d2 log p / d theta2 at the data.

    It need not be positive definite away from an optimum; the solver then shifts eigenvalues
    and says so.
    """

    is_information = True

    def at(self, objective: Objective, iterate: Point, rng: np.random.Generator) -> LinearOperator:
        """Hessian at the iterate."""
        return objective.hessian(iterate.theta)

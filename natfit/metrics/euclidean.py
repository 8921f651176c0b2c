"""The Euclidean metric G = I, which gives plain gradient descent."""

from __future__ import annotations

import numpy as np

from natfit.linops import Diagonal
from natfit.metrics.base import Metric, Point
from natfit.objectives import Objective


class EuclideanMetric(Metric):
    """The identity matrix: the natural gradient is the gradient (the paper's second section).

    A radius limits half the squared distance |theta2 - theta|^2 / 2, in the parameters' own units.
    """

    divergence_is_kl = False

    def prepare(self, objective: Objective) -> Metric:
        """Return the metric, which for a plain function says nothing of the length of a step."""
        if objective.probabilistic or not self.unit_step:
            return self
        found = type(self)()
        found.unit_step = False
        return found

    def at(self, objective: Objective, iterate: Point, rng: np.random.Generator) -> Diagonal:
        """Return the identity, an operator of size P."""
        return Diagonal(np.ones(objective.n_params))

    def divergence(self, objective: Objective, theta: np.ndarray, theta2: np.ndarray) -> float:
        """Return half the squared distance between the two points."""
        delta = theta2 - theta
        return 0.5 * float(delta @ delta)

"""The empirical Fisher: outer products of the scores at the data."""

from __future__ import annotations

import numpy as np

from natfit.linops import LinearOperator
from natfit.metrics.base import Metric, Point, need_likelihood
from natfit.objectives import Objective


class EmpiricalFisher(Metric):
    """1/W sum_i w_i s_i s_i', s_i the score of row i at the data.

    It is neither the Fisher information nor the Hessian unless the model is right and the
    sample large (Kunstner, Balles and Hennig, 2019): 33 % off with 400 rows of a correct
    model. It needs no sampler and no integral, only scores.
    """

    def prepare(self, objective: Objective) -> EmpiricalFisher:
        """Check that there is a likelihood."""
        need_likelihood(self, objective)
        return self

    def at(self, objective: Objective, iterate: Point, rng: np.random.Generator) -> LinearOperator:
        """One pass over the rows."""
        return need_likelihood(self, objective).scores(iterate.theta)

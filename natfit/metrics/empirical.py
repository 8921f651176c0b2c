"""The empirical Fisher: outer products of the scores at the data."""

from __future__ import annotations

import numpy as np

from natfit.linops import LinearOperator
from natfit.metrics.base import Metric, Point, need_likelihood
from natfit.objectives import Objective


class EmpiricalFisher(Metric):
    """1/W sum_i w_i s_i s_i', where s_i is the score of row i at the data.

    It is close to the Fisher information and to the Hessian only if the model is right and the
    sample is large (Kunstner, Balles and Hennig, 2019). With 400 rows of a correct Student-t
    distribution (df = 5), its relative error in the Frobenius norm is 23 % on average, if all
    matrices are scaled so that the Fisher information has a unit diagonal. It needs only scores:
    no sampler, quadrature or closed form.
    """

    def prepare(self, objective: Objective) -> EmpiricalFisher:
        """Check that there is a likelihood."""
        need_likelihood(self, objective)
        return self

    def at(self, objective: Objective, iterate: Point, rng: np.random.Generator) -> LinearOperator:
        """Return the matrix at the iterate, an operator of size P, by one pass over the rows."""
        return need_likelihood(self, objective).scores(iterate.theta)

    def rank_limit(self, objective: Objective) -> tuple[int, str] | None:
        """Return the number of rows, if they are fewer than parameters."""
        likelihood = need_likelihood(self, objective)
        n = likelihood.rows.n
        return None if n >= likelihood.n_params else (n, f"there are {n} rows; give more")

"""The metric of censored rows, which have no expected information."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.linops import LinearOperator
from natfit.metrics.base import Metric
from natfit.objectives import Objective


class ObservedOrComplete(Metric):
    """Observed information where it is positive definite, else that of complete rows.

    How the exact rows would have been censored is not known, so that an expected information is
    undefined. The complete rows' one bounds it from above: a metric whose unit step is an EM
    step's equal to first order. Which of the two served is recorded in ``history_.notes``.
    """

    def at(self, objective: Objective, iterate: Any, rng: np.random.Generator) -> LinearOperator:
        """The Hessian, or the fallback."""
        hessian = objective.hessian(iterate.theta)
        matrix = hessian.dense()
        size = np.sqrt(np.abs(np.diagonal(matrix)))
        size = np.where(size > 0, size, 1.0)
        try:
            np.linalg.cholesky(matrix / np.outer(size, size) - 1e-10 * np.eye(len(size)))
        except np.linalg.LinAlgError:
            complete = objective.fisher(iterate.theta)
            complete.note = "expected information of complete rows"
            return complete
        hessian.positive = True
        hessian.note = "observed"
        return hessian

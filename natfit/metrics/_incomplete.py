"""The metric of families whose expected information is undefined or infinite."""

from __future__ import annotations

import numpy as np

from natfit.linops import LinearOperator
from natfit.metrics.base import Metric, Point, need_likelihood
from natfit.objectives import Likelihood, Objective


class ObservedOrComplete(Metric):
    """The observed information if it is positive definite, else the expected one, else the scores'.

    How exact rows would have been censored is not known, so that the expected information of
    censored data is undefined. That of complete rows is an upper limit for it, and is the metric of
    the EM algorithm. If the expected information of a family is infinite, the outer products of
    the scores are used. ``history_.notes`` says which of them was used.
    """

    def at(self, objective: Objective, iterate: Point, rng: np.random.Generator) -> LinearOperator:
        """Return the Hessian at the iterate, or the fallback, an operator of size P."""
        hessian = objective.hessian(iterate.theta)
        matrix = hessian.dense()
        size = np.sqrt(np.abs(np.diagonal(matrix)))
        size = np.where(size > 0, size, 1.0)
        try:
            np.linalg.cholesky(matrix / np.outer(size, size) - 1e-10 * np.eye(len(size)))
        except np.linalg.LinAlgError:
            return self._fallback(objective, iterate.theta)
        hessian.positive = True
        hessian.note = "observed"
        return hessian

    def _fallback(self, objective: Objective, theta: np.ndarray) -> LinearOperator:
        likelihood = need_likelihood(self, objective)
        try:
            expected = likelihood.fisher(theta)
        except ValueError as error:
            return empirical_instead(likelihood, theta, error)
        complete = likelihood.distribution.information.complete
        expected.note = "expected" if complete else "expected information of complete rows"
        return expected


def empirical_instead(
    likelihood: Likelihood, theta: np.ndarray, error: ValueError
) -> LinearOperator:
    """Return the empirical Fisher information, noting why the exact one could not be computed."""
    scores = likelihood.scores(theta)
    scores.note = f"empirical: the exact Fisher information could not be computed ({error})"
    return scores

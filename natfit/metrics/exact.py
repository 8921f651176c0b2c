"""The exact Fisher information, which gives the natural gradient proper."""

from __future__ import annotations

import numpy as np

from natfit.distributions.contract.declared import Yardstick
from natfit.linops import LinearOperator
from natfit.metrics._incomplete import ObservedOrComplete
from natfit.metrics.base import Metric, Point, need_likelihood
from natfit.objectives import Objective

#: Predicted decrease of the objective, nats per row, below which the endgame is tried.
_NEAR = 0.1

#: Smallest eigenvalue of the observed information relative to the expected one at which it is
#: used: a Newton step is then at most 20 times Fisher's. Nearer to the optimum, 1000 times.
_LEAST, _NEARER, _LEAST_NEARER = 0.05, 1e-3, 1e-3


class ExactFisher(Metric):
    """F = 1/W sum_i w_i J_i' E[s s'] J_i: closed form, else quadrature or enumeration.

    Parameters
    ----------
    endgame : bool, default=False
        Near the optimum use the observed information where it is positive definite. Fisher
        scoring converges only linearly when the model is wrong for the data; this makes the
        end quadratic. Exponential families with a constant model need none: both informations
        agree at their optimum. Where quadrature fails the empirical Fisher stands in; both
        are recorded in ``history_.notes``.
    """

    is_information = True

    def __init__(self, endgame: bool = False):
        self.endgame = endgame

    def prepare(self, objective: Objective) -> Metric:
        """Check that the family has an exact Fisher."""
        likelihood = need_likelihood(self, objective)
        family = likelihood.distribution
        if not family.information.exists:
            raise ValueError(
                f"metric='exact' needs a Fisher information, and {type(family).__name__} has "
                "neither a closed form nor a univariate support to integrate over; use "
                "metric='monte_carlo' (needs a sampler) or metric='empirical'"
            )
        if family.information.yardstick is Yardstick.OBSERVED and likelihood.model.shared:
            return ObservedOrComplete()
        return self

    def at(self, objective: Objective, iterate: Point, rng: np.random.Generator) -> LinearOperator:
        """Expected information, or the observed one in the endgame."""
        likelihood = need_likelihood(self, objective)
        try:
            fisher = likelihood.fisher(iterate.theta)
        except ValueError:
            if not self.endgame:
                raise
            # It is infinite here, or quadrature did not reach its accuracy; scores always exist.
            fisher = likelihood.scores(iterate.theta)
            fisher.note = "empirical: the exact Fisher information was not to be had"
        same = likelihood.distribution.information.agrees and not likelihood.penalised
        if not self.endgame or not likelihood.model.shared or same:
            return fisher
        if iterate.decrease > _NEAR:
            return fisher
        hessian = likelihood.hessian(iterate.theta)
        least = _LEAST if iterate.decrease > _NEARER else _LEAST_NEARER
        if _comparable(hessian.dense(), fisher.dense(), least):
            hessian.positive = True
            hessian.note = "observed"
            return hessian
        return fisher

    @classmethod
    def examples(cls) -> list[Metric]:
        """Return one metric with and one without the endgame."""
        return [cls(), cls(endgame=True)]


def _comparable(hessian: np.ndarray, fisher: np.ndarray, least: float) -> bool:
    """Whether the smallest eigenvalue of the observed information is ``least`` expected ones."""
    if not np.all(np.isfinite(hessian)):
        return False
    try:
        root = np.linalg.cholesky(fisher)
        half = np.linalg.solve(root, hessian)
        np.linalg.cholesky(np.linalg.solve(root, half.T) - least * np.eye(len(fisher)))
    except np.linalg.LinAlgError:
        return False
    return True

"""The exact Fisher information, which gives the natural gradient proper."""

from __future__ import annotations

import numpy as np

from natfit._validation import check_bool
from natfit.distributions.contract.declared import Yardstick
from natfit.linops import LinearOperator
from natfit.metrics._incomplete import ObservedOrComplete, empirical_instead
from natfit.metrics.base import Metric, Point, need_likelihood
from natfit.objectives import Objective

#: Predicted decrease of the objective, in nats per row, below which the endgame begins.
_NEAR = 0.1

#: Smallest eigenvalue of the observed information, relative to the expected one, with which it is
#: used: a step with it is at most 20 times as long as one with the expected information. Nearer to
#: the optimum it may be 1000 times as long.
_LEAST, _NEARER, _LEAST_NEARER = 0.05, 1e-3, 1e-3

#: Iterations after which an observed information will do that is small, or has small negative
#: eigenvalues relative to the expected one, where more than this decrease is predicted: at shapes
#: of 3 of extreme values the expected information is thousands of times larger, and its steps are
#: as much too short.
_LONG, _SMALL, _CREEPING = 15, -0.1, 1e-7


class ExactFisher(Metric):
    """F = 1/W sum_i w_i J_i' E[s s'] J_i, in closed form, or else by quadrature or enumeration.

    Parameters
    ----------
    endgame : bool, default=False
        Whether to use the observed information near the optimum, if it is positive definite.
        With the expected information a fit converges only linearly if the model is wrong for
        the data; with the observed one it converges quadratically, as Newton's method does.
        Exponential families with a constant model have no endgame, because both informations
        agree at their optimum. If quadrature fails, the empirical Fisher is used instead.
        ``history_.notes`` says which matrix was used.
    """

    is_information = True

    def __init__(self, endgame: bool = False):
        self.endgame = endgame

    def prepare(self, objective: Objective) -> Metric:
        """Return the metric itself if the family has an exact Fisher information, else raise."""
        check_bool(self.endgame, "metric__endgame")
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
        """Return the expected information, or the observed one in the endgame, of size P."""
        likelihood = need_likelihood(self, objective)
        try:
            fisher = likelihood.fisher(iterate.theta)
        except ValueError as error:
            if not self.endgame:
                raise
            # The information is infinite, or quadrature missed its accuracy; scores always exist.
            fisher = empirical_instead(likelihood, iterate.theta, error)
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
        creeps = iterate.n_iter >= _LONG and iterate.decrease > _CREEPING
        if creeps and _comparable(hessian.dense(), fisher.dense(), _SMALL):
            hessian.note = "observed"
            return hessian
        return fisher

    @classmethod
    def examples(cls) -> list[Metric]:
        """Return one metric with and one without the endgame."""
        return [cls(), cls(endgame=True)]


def _comparable(hessian: np.ndarray, fisher: np.ndarray, least: float) -> bool:
    """Tell whether the observed information is at least ``least`` times the expected one."""
    if not np.all(np.isfinite(hessian)):
        return False
    try:
        root = np.linalg.cholesky(fisher)
        half = np.linalg.solve(root, hessian)
        np.linalg.cholesky(np.linalg.solve(root, half.T) - least * np.eye(len(fisher)))
    except np.linalg.LinAlgError:
        return False
    return True

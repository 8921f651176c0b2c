"""The default: the best metric that the family allows."""

from __future__ import annotations

from natfit._warnings import warn
from natfit.distributions.contract.declared import Yardstick
from natfit.metrics._incomplete import ObservedOrComplete
from natfit.metrics.base import Metric, need_likelihood
from natfit.metrics.empirical import EmpiricalFisher
from natfit.metrics.euclidean import EuclideanMetric
from natfit.metrics.exact import ExactFisher
from natfit.metrics.monte_carlo import MonteCarloFisher
from natfit.metrics.secant import SecantFisher
from natfit.objectives import Likelihood, Objective
from natfit.solvers.auto import DENSE_LIMIT, KERNEL_LIMIT


class AutoMetric(Metric):
    """The exact Fisher information with its endgame, else Monte Carlo, else the empirical Fisher.

    A large network for several entries of eta, with at most 3,000 rows, gets one draw a row: a
    solve is then exact. A regression with linear predictors keeps its information
    (:class:`natfit.metrics.SecantFisher`).
    A family whose yardstick is the observed information has this one as its metric.

    In the endgame, near the optimum, the observed information is used (see
    :class:`natfit.metrics.ExactFisher`). The empirical Fisher is chosen with a warning. A plain
    function gets the Euclidean metric.
    """

    def prepare(self, objective: Objective) -> Metric:
        """Return the metric that was chosen."""
        if not objective.probabilistic:
            return EuclideanMetric().prepare(objective)
        likelihood = need_likelihood(self, objective)
        if likelihood.regresses and likelihood.model.linear:
            return SecantFisher().prepare(objective)
        family = likelihood.distribution
        if family.information.yardstick is Yardstick.OBSERVED and likelihood.model.shared:
            # Draws would decide the estimate where there is an information without them.
            return ObservedOrComplete()
        if _many_columns(likelihood):
            return MonteCarloFisher(n_draws=1, per="row").prepare(objective)
        if family.information.exists:
            return ExactFisher(endgame=True).prepare(objective)
        if family.can_sample:
            return MonteCarloFisher().prepare(objective)
        warn(
            f"{type(family).__name__} has no exact Fisher information and no sampler; the "
            "empirical Fisher is used instead, which can be far from it; pass fisher=, support= "
            "or sample= to from_log_prob, or ask for metric='observed'",
            UserWarning,
        )
        return EmpiricalFisher()


def _many_columns(likelihood: Likelihood) -> bool:
    """Tell whether one draw a row makes a large network's solve exact, and the K of eta do not."""
    rows, family = likelihood.rows.n, likelihood.distribution
    large = not likelihood.model.shared and likelihood.n_params > DENSE_LIMIT
    few = rows <= KERNEL_LIMIT < rows * family.n_params
    return large and few and family.can_sample

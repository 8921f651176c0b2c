"""Metrics that are wrong on purpose."""

import numpy as np

from natfit import testing
from natfit.linops import Dense, Diagonal
from natfit.metrics.base import Metric
from natfit.metrics.euclidean import EuclideanMetric
from natfit.metrics.monte_carlo import MonteCarloFisher
from natfit.testing.problems import metric_problems
from tests.broken import caught_by

CHECKS = testing.METRIC_CHECKS


def arguments(metric):
    """The metric, an objective and a theta."""
    return metric, *metric_problems()["no summary"]


def _mean_part(block):
    return np.mean(np.square(block.y)), 1


@caught_by("ignores_chunks")
class DependsOnChunks(Metric):
    """Averages chunk means without their sizes."""

    def at(self, objective, iterate, rng):
        total, count = objective.rows.sum(_mean_part)
        return Diagonal(np.full(objective.n_params, total / count))


@caught_by("follows_seed", "ignores_chunks")
class OwnGenerator(MonteCarloFisher):
    """Draws from a generator of its own."""

    def at(self, objective, iterate, rng):
        return super().at(objective, iterate, np.random.default_rng())


@caught_by("follows_seed")
class NotDeclaredRandom(MonteCarloFisher):
    """Draws, and says that it does not."""

    random = False

    def prepare(self, objective):
        return self


@caught_by("random_is_unbiased")
class Biased(MonteCarloFisher):
    """Divides by the draws less a few."""

    def at(self, objective, iterate, rng):
        operator = super().at(objective, iterate, rng)
        found = Dense(1.05 * operator.dense())
        found.standard_error = operator.standard_error
        return found


@caught_by("error_is_honest")
class Boasts(MonteCarloFisher):
    """Reports a tenth of its standard error."""

    def at(self, objective, iterate, rng):
        operator = super().at(objective, iterate, rng)
        operator.standard_error *= 0.1
        return operator


@caught_by("operator_is_sound")
class Lopsided(Metric):
    """Not symmetric."""

    def at(self, objective, iterate, rng):
        return Dense(np.eye(objective.n_params) + np.triu(np.ones((objective.n_params,) * 2), 1))


@caught_by("leaves_objective_alone")
class MovesTheta(Metric):
    """Changes the iterate that it is given."""

    def at(self, objective, iterate, rng):
        iterate.theta[0] += 1e-3
        return Dense(np.eye(objective.n_params))


@caught_by("divergence_is_sound")
class Distance(EuclideanMetric):
    """The distance, and not half its square."""

    def divergence(self, objective, theta, theta2):
        return float(np.linalg.norm(theta2 - theta))


@caught_by("divergence_is_sound")
class ClaimsKL(EuclideanMetric):
    """Half the squared distance would be recorded as a Kullback-Leibler divergence."""

    divergence_is_kl = True


@caught_by("prepared_stays_prepared")
class PreparesAlways(EuclideanMetric):
    """A copy each time that it is asked."""

    def prepare(self, objective):
        return type(self)()

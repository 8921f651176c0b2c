"""The distance to the optimum is in standard errors, whatever the metric, coordinates, damping."""

import numpy as np
import pytest

import natfit
from natfit._component import resolve
from natfit.damping.base import Damping
from natfit.damping.relative import RelativeDamping
from natfit.distributions import Normal
from natfit.metrics.base import Metric
from natfit.objectives import Function
from natfit.optimize import Engine, run
from natfit.solvers.auto import AutoSolver
from natfit.steps.backtracking import BacktrackingStep
from natfit.testing.problems import likelihood
from natfit.testing.steps import trace

RNG = np.random.default_rng(0)
Y = 12.0 + 4.0 * RNG.standard_normal(200)


def start(metric="exact", objective=None, callback=None, **options):
    objective = objective or likelihood(Normal(), Y)
    engine = Engine(
        resolve(metric, Metric),
        AutoSolver(),
        options.pop("step", BacktrackingStep()),
        resolve(options.pop("damping", "none"), Damping),
        options.pop("tol", 1e-6),
        50,
    )
    return run(objective, engine, np.array([0.0, 0.0]), np.random.default_rng(0), callback)


def test_distance_is_in_standard_errors():
    """sqrt(W g' I^-1 g) of the mean one standard error away from its estimate is one."""
    scale = Y.std()
    objective = likelihood(Normal(), Y)
    theta = np.array([Y.mean() + scale / np.sqrt(len(Y)), np.log(scale)])
    _, iterates = trace(BacktrackingStep(), objective, theta, "exact")
    assert iterates[0].distance == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("metric", ["exact", "euclidean", "empirical", "observed"])
def test_distance_does_not_depend_on_the_metric(metric):
    objective = likelihood(Normal(), Y)
    theta = [Y.mean() + 0.01, np.log(Y.std())]
    _, iterates = trace(BacktrackingStep(), objective, theta, metric, max_iter=1)
    want = np.sqrt(len(Y)) * 0.01 / Y.std()
    assert iterates[0].distance == pytest.approx(want, rel=1e-3)


@pytest.mark.parametrize("coordinates", ["unconstrained", "native", "expectation"])
def test_distance_does_not_depend_on_the_coordinates(coordinates):
    family = Normal()
    eta = family.eta(loc=11.0, scale=3.0)
    objective = likelihood(family, Y, coordinates, origin=eta)
    theta = objective.model.coordinates.from_eta(eta)
    _, iterates = trace(BacktrackingStep(), objective, theta, "exact", max_iter=1)
    reference = likelihood(family, Y)
    _, plain = trace(BacktrackingStep(), reference, eta, "exact", max_iter=1)
    assert iterates[0].distance == pytest.approx(plain[0].distance, rel=1e-9)


def test_damping_does_not_shorten_the_distance():
    """Convergence is measured without damping, whatever the steps use."""
    plain = start(damping="none", callback=lambda i, ended: True)
    damped = start(damping=RelativeDamping(100.0), callback=lambda i, ended: True)
    assert damped.iterate.distance == plain.iterate.distance


def test_an_indefinite_information_measures_nothing():
    """At a saddle the gradient vanishes; that is no optimum."""
    objective = Function(lambda x: x[0] ** 2 - x[1] ** 2, 2)
    _, iterates = trace(BacktrackingStep(), objective, [0.0, 0.0], "observed", max_iter=3)
    assert iterates[0].distance == np.inf


def test_a_gradient_whose_square_overflows_is_far_away_and_not_undefined():
    """Of a start that is off by far: the fit goes on from there."""
    x = np.random.default_rng(0).weibull(40.0, 200)
    model = natfit.fit("weibull", x, start_params={"shape": 45.0, "scale": 1e-4})
    assert model.status_ == "converged"
    assert model.history_["natural_gradient_norm"][0] == np.inf

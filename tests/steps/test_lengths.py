"""A length is measured in the matrix that made the direction, and checked where it is realised."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from natfit import NaturalMLE, NaturalPolicyEstimator
from natfit._component import registered
from natfit.damping import FixedDamping, LevenbergDamping, NoDamping, RelativeDamping
from natfit.metrics import TensorMetric
from natfit.objectives import Function
from natfit.optimize import Engine, advance
from natfit.solvers import CGSolver, CholeskySolver
from natfit.steps import BacktrackingStep, KLStep, TrustRegionStep
from natfit.steps.base import BEYOND, Step

#: Rules that hold a divergence, with one for the second part.
HOLDING = [rule for _, rule in registered(Step) if hasattr(rule, "epsilon")]

G = np.array([[4.0, 1.0, 0.0], [1.0, 2.0, 0.0], [0.0, 0.0, 1e-14]])


def nearly_flat(x):
    """A function whose third coordinate the metric hardly knows."""
    return 0.5 * x @ x, x


@pytest.mark.parametrize("solver", [CholeskySolver(), CGSolver(max_iter=2, precondition=False)])
@pytest.mark.parametrize("damping", [FixedDamping(0.1), RelativeDamping(0.1), LevenbergDamping()])
@pytest.mark.parametrize("rule", [KLStep(0.01), TrustRegionStep(0.01, max_backtracks=40)])
def test_the_length_is_that_of_the_damped_metric(rule, damping, solver):
    """1/2 delta' (G + D) delta = epsilon, also for a direction that CG has not finished."""
    start = np.array([1.0, -2.0, 3.0])
    engine = Engine(TensorMetric(G), solver, rule, damping, 0.0, 1)
    _, end = advance(Function(nearly_flat, 3, jac=True), engine, start, np.random.default_rng(0))
    strength = damping.start()
    absolute = isinstance(damping, FixedDamping)
    added = strength * (np.ones(3) if absolute else np.diag(G))
    delta = end.theta - start
    assert_allclose(end.predicted_kl, 0.5 * delta @ ((G + np.diag(added)) @ delta), rtol=1e-9)
    if isinstance(rule, KLStep):
        assert_allclose(end.predicted_kl, rule.epsilon, rtol=1e-9)
        # In G alone the step would be longer by orders of magnitude.
        assert np.abs(delta).max() < 1.0 or not absolute


@pytest.mark.parametrize("seed", range(10))
def test_a_policy_with_a_nearly_singular_metric_learns(seed):
    """Steps along a direction that only the damping determines used to have no length."""
    agent = NaturalPolicyEstimator.preset(
        "npg", "two_state", policy="linear", max_iter=60, random_state=seed
    ).fit()
    assert agent.score() > 190
    ratio = agent.history_["divergence_ratio"]
    assert np.all(ratio[np.isfinite(ratio)] <= BEYOND)


# Radii that do not shrink end fits at a distance from the optimum.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("rule", [KLStep(50.0), KLStep(5.0), TrustRegionStep(5.0)], ids=repr)
@pytest.mark.parametrize("family", ["normal", "gamma", "logistic", "student_t"])
def test_a_realised_divergence_far_beyond_the_predicted_one_shortens_the_step(rule, family):
    """Radii of many nats, where the quadratic prediction means nothing."""
    y = np.random.default_rng(0).gamma(3.0, 2.0, 200)
    model = NaturalMLE(family, step=rule, max_iter=15, tol=0.0).fit(y[:, None])
    kl = model.history_["kl"][1:]
    assert np.all(kl[np.isfinite(kl)] <= BEYOND * rule.epsilon * (1 + 1e-9))


def test_a_shortened_step_says_so():
    y = np.random.default_rng(0).gamma(3.0, 2.0, 200)
    model = NaturalMLE("normal", step=KLStep(50.0), max_iter=15, tol=0.0).fit(y[:, None])
    assert any("step shortened" in note for note in model.history_.notes)
    ratio = model.history_["divergence_ratio"]
    assert np.isnan(ratio[0])
    assert_allclose(ratio[1:], (model.history_["kl"] / model.history_["predicted_kl"])[1:])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("rule", [BacktrackingStep(0.05), *HOLDING], ids=repr)
def test_every_rule_that_holds_a_length_is_within_three_times_of_it(rule):
    y = np.random.default_rng(1).standard_t(3.0, 300)
    model = NaturalMLE("student_t", step=rule, damping=NoDamping(), max_iter=10, tol=0.0).fit(
        y[:, None]
    )
    ratio = model.history_["divergence_ratio"][1:]
    radius = max(rule.epsilon or 0.5, np.nanmax(model.history_["predicted_kl"]))
    assert np.all(model.history_["kl"][1:] <= BEYOND * radius * (1 + 1e-9))
    assert np.isfinite(ratio).any()


@pytest.mark.parametrize("metric", ["exact", "observed", "empirical", "wasserstein", "crps"])
@pytest.mark.parametrize("family", ["normal", "gamma", "weibull"])
def test_a_trust_region_of_a_fit_ends_at_the_optimum(family, metric):
    """No step is longer than the one to the optimum of the model, whatever unit the metric has."""
    y = np.random.default_rng(0).gamma(2.0, 3.0, 300)[:, None]
    model = NaturalMLE(family, metric=metric, step="trust_region", max_iter=200).fit(y)
    assert model.status_ == "converged"

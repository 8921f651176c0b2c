"""The divergence that belongs to a metric: what a radius limits."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from natfit.distributions import Gev, Normal
from natfit.iterate import Why
from natfit.metrics import (
    EmpiricalFisher,
    EuclideanMetric,
    ExactFisher,
    MonteCarloFisher,
    ObservedInformation,
    TensorMetric,
)
from natfit.steps import BacktrackingStep, FixedStep, KLStep, TrustRegionStep
from natfit.testing.problems import likelihood, quadratic
from natfit.testing.steps import trace

Y = np.random.default_rng(0).normal(12.0, 4.0, 100)
A, B = np.array([11.0, 1.2]), np.array([11.5, 1.3])


class Ruler(EuclideanMetric):
    """A metric with its own divergence, which is a hundred times the Euclidean one."""

    asked = 0

    def divergence(self, objective, theta, theta2):
        type(self).asked += 1
        return 100.0 * super().divergence(objective, theta, theta2)


@pytest.fixture(autouse=True)
def nobody_has_asked():
    Ruler.asked = 0


@pytest.mark.parametrize(
    "metric",
    [ExactFisher(), MonteCarloFisher(), EmpiricalFisher(), ObservedInformation()],
    ids=repr,
)
def test_fisher_metrics_measure_kl(metric):
    objective = likelihood(Normal(), Y)
    s, t = np.exp(A[1]), np.exp(B[1])
    want = np.log(t / s) + (s**2 + (A[0] - B[0]) ** 2) / (2 * t**2) - 0.5
    assert metric.divergence_is_kl
    assert_allclose(metric.divergence(objective, A, B), want, rtol=1e-12)


def test_the_euclidean_metric_measures_half_a_squared_distance():
    want = 0.5 * (0.5**2 + 0.1**2)
    for objective in (likelihood(Normal(), Y), quadratic(np.eye(2), np.ones(2))):
        assert_allclose(EuclideanMetric().divergence(objective, A, B), want, rtol=1e-12)


def test_a_tensor_measures_kl_where_there_is_one():
    metric = TensorMetric(np.eye(2))
    objective = likelihood(Normal(), Y)
    assert metric.divergence(objective, A, B) == objective.kl(A, B)
    assert metric.divergence(quadratic(np.eye(2), np.ones(2)), A, B) is None


def test_families_that_differ_in_support_have_none():
    objective = likelihood(Gev(), Y)
    theta = np.append(A, 0.1)
    assert ExactFisher().divergence(objective, theta, theta + 0.01) is None
    step = TrustRegionStep(0.01)
    _, iterates = trace(step, objective, [10.0, 1.3, 0.1], "observed", max_iter=3)
    # The quadratic one stands in, and the history says that there is no other.
    assert np.isnan([i.kl for i in iterates]).all()
    assert np.isnan([i.divergence for i in iterates]).all()
    assert max(i.predicted_kl for i in iterates[1:]) <= 0.01


def test_a_trust_region_asks_the_metric():
    objective, start = quadratic(np.eye(2), np.ones(2)), np.array([9.0, 9.0])
    _, (_, plain, *_) = trace(TrustRegionStep(0.5), objective, start, "euclidean", max_iter=1)
    _, (_, ruled, *_) = trace(TrustRegionStep(0.5), objective, start, Ruler(), max_iter=1)
    assert_allclose(np.linalg.norm(plain.theta - start), 1.0)
    # 100 |delta|^2 / 2 <= 0.5 where |delta| <= 0.1, which the first trial's divergence tells.
    assert 0.09 < np.linalg.norm(ruled.theta - start) <= 0.1
    assert_allclose(ruled.divergence, 50.0 * np.sum((ruled.theta - start) ** 2), rtol=1e-8)
    assert {trial.why for trial in ruled.trials} == {Why.DIVERGENCE}
    assert_allclose([t.divergence for t in ruled.trials], [50.0], rtol=1e-8)
    assert Ruler.asked == 2


def test_backtracking_asks_the_metric():
    objective, start = quadratic(np.eye(2), np.ones(2)), np.array([9.0, 9.0])
    step = BacktrackingStep(0.5, adaptive=False, kl_slack=4.0)
    _, (_, plain, *_) = trace(step, objective, start, "euclidean", max_iter=1)
    _, (_, ruled, *_) = trace(step, objective, start, Ruler(), max_iter=1)
    assert_allclose(np.linalg.norm(plain.theta - start), 1.0)
    # Four times the radius are allowed: 100 |delta|^2 / 2 <= 2.
    assert_allclose(np.linalg.norm(ruled.theta - start), 1.0 / 8.0)
    assert {trial.why for trial in ruled.trials} == {Why.DIVERGENCE}
    assert_allclose(ruled.divergence, 50.0 / 64.0)
    assert Ruler.asked == 4


@pytest.mark.parametrize("step", [KLStep(0.5), FixedStep(0.1)], ids=repr)
def test_what_a_prescribed_length_spends_is_asked_of_the_metric(step):
    """A prescribed length fixes 1/2 delta' G delta or the multiple, as in the paper."""
    objective, start = quadratic(np.eye(2), np.ones(2)), np.array([9.0, 9.0])
    _, (_, first, *_) = trace(step, objective, start, Ruler(), max_iter=1)
    assert_allclose(first.divergence, 100.0 * first.predicted_kl)
    if isinstance(step, KLStep):
        # A divergence of more than three times the length that is held shortens the step.
        assert first.divergence <= 3.0 * step.epsilon
        assert Ruler.asked == 2
    else:
        assert Ruler.asked == 1


@pytest.mark.parametrize(
    "step", [TrustRegionStep(1e-4), BacktrackingStep(), KLStep(1e-6), FixedStep(0.1)], ids=repr
)
def test_the_history_records_kl_whatever_the_metric_measures(step):
    objective = likelihood(Normal(), Y)
    for metric in (Ruler(), EuclideanMetric(), ExactFisher()):
        _, (start, first, *_) = trace(step, objective, A, metric, max_iter=1)
        assert np.any(first.theta != start.theta)
        assert_allclose(first.kl, objective.kl(start.theta, first.theta), rtol=1e-12)
        if metric.divergence_is_kl:
            assert first.divergence == first.kl
        else:
            assert first.divergence == metric.divergence(objective, start.theta, first.theta)


@pytest.mark.parametrize("step", [TrustRegionStep(), BacktrackingStep(), KLStep()], ids=repr)
def test_kl_is_computed_once_a_trial(step):
    calls = []
    objective = likelihood(Normal(), Y)

    class Watched(type(objective)):
        def kl(self, theta, theta2):
            calls.append(theta2)
            return super().kl(theta, theta2)

    objective.__class__ = Watched
    _, (_, first, *_) = trace(step, objective, A, "exact", max_iter=1)
    measured = sum(not np.isnan(trial.divergence) for trial in first.trials)
    assert len(calls) == measured + 1

"""An accepted step gains more than rounding, whatever the objective's scale is."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose

from natfit.damping import NoDamping
from natfit.distributions import Normal
from natfit.iterate import noise
from natfit.metrics import ExactFisher, TensorMetric
from natfit.models import Linear
from natfit.objectives import Function, PolicySurrogate
from natfit.optimize import advance, run
from natfit.optimize.engine import Engine, resolve_engine
from natfit.rows import Memory
from natfit.solvers import CholeskySolver
from natfit.steps import BacktrackingStep, ExactLineSearch, KLStep, TrustRegionStep

SCALES = [1e-9, 1.0, 1e9]

#: A step of prescribed radius does not depend on the rewards' unit; a unit step does.
RADII = [TrustRegionStep(0.1), KLStep(0.1)]
CASES = [(s, scale) for s in RADII for scale in SCALES]
CASES += [(BacktrackingStep(0.1), 1.0), (ExactLineSearch(), 1.0)]


class Flat(PolicySurrogate):
    """Lower by ``gain`` of its scale everywhere but at the start; its gradient as small."""

    gain = 0.0

    def _away(self, theta):
        return self.gain * self.scale * (not np.array_equal(theta, self.theta_old))

    def value(self, theta):
        return super().value(self.theta_old) - self._away(theta)

    def value_and_grad(self, theta):
        value, grad = super().value_and_grad(self.theta_old)
        # The slope turns at some distance: at the start itself it would be none.
        turned = np.linalg.norm(theta - self.theta_old) > 1e-2
        return value - self._away(theta), self.gain * (-grad if turned else grad)


def surrogate(kind, scale, seed=0, entropy_bonus=0.0):
    rng = np.random.default_rng(seed)
    model = Linear().bind(2, Normal(), ("scale",))
    X, theta = rng.standard_normal((60, 2)), np.append(rng.standard_normal(3), -0.3)
    y = X @ theta[:2] + theta[2] + np.exp(theta[3]) * rng.standard_normal(60)
    advantage = scale * rng.standard_normal(60)
    bonus = scale * entropy_bonus
    return kind(Normal(), model, Memory(y, X), advantage, theta, entropy_bonus=bonus), theta


def go(objective, theta, step):
    engine = Engine(ExactFisher(), CholeskySolver(), step, NoDamping(), 0.0, 1)
    return advance(objective, engine.prepared(objective), theta, np.random.default_rng(0))


@pytest.mark.parametrize(("step", "scale"), CASES)
def test_a_policy_does_not_move_for_rounding(step, scale):
    flat, theta = surrogate(Flat, scale)
    # What the last bits of two sums differ by.
    flat.gain = 1e-13
    start, end = go(flat, theta, step)
    assert end.status == "no_descent"
    assert end.theta.tobytes() == theta.tobytes()
    assert end.value == start.value
    # A gain that is more than rounding is one: the test can fail.
    flat.gain = 1e-3
    _, end = go(flat, theta, step)
    assert end.status is None
    assert not np.array_equal(end.theta, theta)


@pytest.mark.parametrize("bonus", [0.0, 0.5])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("step", RADII, ids=repr)
def test_a_policys_step_does_not_see_the_rewards_unit(step, seed, bonus):
    ends = []
    for scale in SCALES:
        start, end = go(*surrogate(PolicySurrogate, scale, seed, bonus), step)
        assert end.status is None
        if step.descends:
            assert start.value - end.value > 1e-6 * scale
        ends.append(end.theta)
    assert_allclose(ends[0], ends[1], rtol=1e-6)
    assert_allclose(ends[2], ends[1], rtol=1e-6)


@pytest.mark.parametrize("scale", SCALES)
def test_the_scale_of_a_surrogate(scale):
    objective, theta = surrogate(PolicySurrogate, scale, entropy_bonus=2.0)
    rows, weight = objective.rows, np.arange(60.0) + 1.0
    advantage = rows.extra[0]
    assert_allclose(objective.scale, np.abs(advantage).mean() + 2.0 * scale, rtol=1e-12)
    objective = PolicySurrogate(
        objective.distribution, objective.model, Memory(rows.y, rows.X, weight), advantage, theta,
        entropy_bonus=2.0 * scale,
    )  # fmt: skip
    want = weight @ np.abs(advantage) / 1830.0 + 2.0 * scale
    assert_allclose(objective.scale, want, rtol=1e-12)


def test_noise():
    assert noise(0.0) == noise(1.0) == 1e-10
    assert noise(0.0, 0.5) == 5e-11
    assert noise(1e9) == 256.0 * np.spacing(1e9)
    assert noise(1.0, 0.0) == 256.0 * np.spacing(1.0)


@pytest.mark.parametrize("scale", [1e-13, 1.0, 1e13])
@pytest.mark.parametrize("step", [TrustRegionStep(1e-4), BacktrackingStep()], ids=repr)
def test_a_function_of_any_unit_is_minimised(step, scale):
    """Its values prove nothing below 1e-10, but its gradient does."""

    def fun(x):
        return 0.5 * scale * (x @ x), scale * x

    objective = Function(fun, 2, jac=True)
    metric = TensorMetric(scale * np.eye(2))
    # Radii are in the metric's norm, and so in units of the function.
    if isinstance(step, TrustRegionStep):
        step = TrustRegionStep(scale * step.epsilon)
    engine = Engine(metric, CholeskySolver(), step, NoDamping(), 1e-4, 60)
    start, rng = np.array([0.05, -0.02]), np.random.default_rng(0)
    fit = run(objective, engine.prepared(objective), start, rng)
    assert np.abs(fit.theta).max() < 1e-3


def valley(x):
    return 0.5 * (x[0] ** 2 + 1e4 * x[1] ** 2)


def rosen(x):
    return (1.0 - x[0]) ** 2 + 100.0 * (x[1] - x[0] ** 2) ** 2


@pytest.mark.parametrize("step", ["backtracking", "trust_region"])
@pytest.mark.parametrize("metric", ["euclidean", "observed"])
@pytest.mark.parametrize("offset", [0.0, 1e8, 1e12])
@pytest.mark.parametrize("fun", [valley, rosen])
def test_a_step_gains_more_than_rounding_or_shortens_the_gradient(fun, offset, metric, step):
    """Of values alone: a gain that the last bits may have made is no proof."""
    shifted = Function(lambda x: offset + fun(x), 2)
    engine = resolve_engine(metric, "auto", step, None, 1e-8, 60)
    seen = []
    run(
        shifted,
        engine,
        np.array([-1.2, 1.0]),
        np.random.default_rng(0),
        lambda i, _: seen.append(i),
    )
    for before, after in itertools.pairwise(seen):
        if after.n_iter == before.n_iter:
            continue  # The end of a search, at the same point.
        gain = before.value - after.value
        assert gain >= -noise(before.value)
        if not gain > noise(before.value):
            operator = engine.metric.prepare(shifted).at(shifted, before, None)
            norms = [g @ np.linalg.solve(operator.dense(), g) for g in (before.grad, after.grad)]
            assert norms[1] < norms[0]

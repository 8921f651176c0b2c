"""The trust region: steps never go beyond the radius and never raise the objective."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from natfit.damping import NoDamping
from natfit.distributions import Normal
from natfit.metrics import ExactFisher, TensorMetric
from natfit.models import Linear
from natfit.objectives import Function, PolicySurrogate
from natfit.optimize import Engine, advance
from natfit.rows import Memory
from natfit.solvers import CholeskySolver
from natfit.steps import TrustRegionStep


def policy(n=60, seed=0, limits=None, offset=0.0):
    """A Gaussian policy, its theta, and its rows."""
    rng = np.random.default_rng(seed)
    family = Normal()
    model = Linear().bind(2, family, ("scale",))
    X, theta = rng.standard_normal((n, 2)), np.append(rng.standard_normal(3), -0.3)
    y = X @ theta[:2] + theta[2] + np.exp(theta[3]) * rng.standard_normal(n)
    advantage = offset + rng.standard_normal(n)
    return PolicySurrogate(family, model, Memory(y, X), advantage, theta, limits=limits), theta


def kl(surrogate, a, b):
    """Mean KL of the normals before and after, by the textbook's formula."""
    X = surrogate.rows.X
    gap = X @ (a - b)[:2] + (a - b)[2]
    s, t = np.exp(a[3]), np.exp(b[3])
    return np.mean(np.log(t / s) + (s**2 + gap**2) / (2 * t**2) - 0.5)


def go(objective, theta, step):
    engine = Engine(ExactFisher(), CholeskySolver(), step, NoDamping(), 0.0, 1)
    return advance(objective, engine, theta, np.random.default_rng(0))


@pytest.mark.parametrize("epsilon", [1e-6, 1e-3, 0.01, 0.1, 1.0, 30.0])
@pytest.mark.parametrize("seed", range(5))
def test_an_accepted_step_is_inside_and_lower(epsilon, seed):
    surrogate, theta = policy(seed=seed)
    start, end = go(surrogate, theta, TrustRegionStep(epsilon))
    assert end.status is None
    spent = kl(surrogate, theta, end.theta)
    assert 0 < spent <= epsilon
    assert_allclose(end.kl, spent, rtol=1e-6, atol=1e-14)
    assert surrogate.value(end.theta) == end.value < start.value
    assert end.backtracks <= 10
    # A sensible radius is used, unless a longer step spends too much of it or gains less.
    longer = theta - 1.3 * end.step_length * direction(surrogate, theta)
    spends_too_much = kl(surrogate, theta, longer) > epsilon
    used = spent >= 0.75 * epsilon or spends_too_much or epsilon > 1.0
    assert used or not surrogate.value(longer) < end.value
    full = np.sqrt(2 * epsilon / surrogate.fisher(theta).quad(direction(surrogate, theta)))
    assert end.step_length <= full


def direction(surrogate, theta):
    dense = np.column_stack([surrogate.fisher(theta) @ e for e in np.eye(len(theta))])
    return np.linalg.solve(dense, surrogate.value_and_grad(theta)[1])


def test_a_failed_search_moves_nothing():
    # Far away no action is likely any more: all that was gained is lost.
    surrogate, theta = policy(offset=2.0)
    kept = theta.copy()
    start, end = go(surrogate, theta, TrustRegionStep(1e6, max_backtracks=0))
    assert end.status == "no_descent"
    assert end.theta.tobytes() == kept.tobytes() == theta.tobytes()
    assert end.value == start.value


class Hostile(PolicySurrogate):
    """An objective that is higher or undefined everywhere but at the start."""

    elsewhere = 1.0

    def value(self, theta):
        return super().value(theta) if np.array_equal(theta, self.theta_old) else self.elsewhere


@pytest.mark.parametrize("elsewhere", [1e9, np.nan, np.inf])
def test_a_hostile_objective_moves_nothing(elsewhere):
    surrogate, theta = policy()
    hostile = Hostile(
        surrogate.distribution,
        surrogate.model,
        surrogate.rows,
        surrogate.rows.extra[-2],
        theta,
    )
    hostile.elsewhere = elsewhere
    _, end = go(hostile, theta, TrustRegionStep())
    assert end.status == "no_descent"
    assert end.theta.tobytes() == theta.tobytes()


@pytest.mark.parametrize("shrink", [0.5, 0.8])
def test_shrink_is_the_factor_where_the_objective_does_not_fall(shrink):
    surrogate, theta = policy()
    args = surrogate.distribution, surrogate.model, surrogate.rows, surrogate.rows.extra[-2], theta
    _, end = go(Hostile(*args), theta, TrustRegionStep(0.01, shrink, max_backtracks=4))
    lengths = np.array([trial.length for trial in end.trials])
    assert len(lengths) == 5
    assert_allclose(lengths[1:], shrink * lengths[:-1], rtol=1e-12)


class Undivided(PolicySurrogate):
    """The divergence cannot be computed."""

    def kl(self, theta, theta2):
        return np.nan


def test_a_divergence_that_is_nan_is_no_permission():
    one, theta = policy()
    args = one.distribution, one.model, one.rows, one.rows.extra[-2], theta
    _, end = go(Undivided(*args), theta, TrustRegionStep())
    assert end.status == "no_descent"
    assert end.theta.tobytes() == theta.tobytes()


@pytest.mark.parametrize("scale", [0.0, np.nan])
def test_no_gradient_no_step(scale):
    surrogate, theta = policy()
    advantage = scale * surrogate.rows.extra[-2]
    surrogate = PolicySurrogate(
        surrogate.distribution, surrogate.model, surrogate.rows, advantage, theta
    )
    _, end = go(surrogate, theta, TrustRegionStep())
    assert end.status in ("no_descent", "non_finite")
    assert end.theta.tobytes() == theta.tobytes()


def test_without_a_divergence_the_quadratic_one_stands_in():
    """A step of the whole radius, which rounding must not reject."""
    h = np.array([[3.0, 1.0], [1.0, 2.0]])

    def fun(x):
        return 0.5 * x @ h @ x, h @ x

    for seed in range(50):
        start = 5.0 + np.random.default_rng(seed).random(2)
        objective = Function(fun, 2, jac=True)
        parts = TensorMetric(h), CholeskySolver(), TrustRegionStep(0.01), NoDamping()
        _, end = advance(objective, Engine(*parts, 0.0, 1), start, np.random.default_rng(0))
        assert end.backtracks == 0
        gap = end.theta - start
        assert 0.5 * gap @ h @ gap <= 0.01 * (1 + 1e-12)
        assert_allclose(0.5 * gap @ h @ gap, 0.01, rtol=1e-8)


def test_limits_are_kept():
    _, theta = policy()
    low, high = np.full(4, -np.inf), np.full(4, np.inf)
    low[3] = theta[3] - 1e-3
    high[3] = theta[3] + 1e-3
    surrogate, theta = policy(limits=(low, high))
    start, end = go(surrogate, theta, TrustRegionStep(0.05))
    assert end.status is None
    assert low[3] <= end.theta[3] <= high[3]
    assert kl(surrogate, theta, end.theta) <= 0.05
    assert end.value < start.value


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epsilon": 0.0}, "step__epsilon.*> 0.*got 0"),
        ({"epsilon": -1.0}, "step__epsilon"),
        ({"epsilon": np.nan}, "step__epsilon"),
        ({"shrink": 1.0}, "step__shrink.*got 1"),
        ({"shrink": 0.0}, "step__shrink"),
        ({"max_backtracks": -1}, "step__max_backtracks.*got -1"),
        ({"max_backtracks": 1.5}, "step__max_backtracks"),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        TrustRegionStep(**options).check()


def test_repr_and_equality():
    assert repr(TrustRegionStep(0.02)) == "TrustRegionStep(epsilon=0.02)"
    assert TrustRegionStep(0.02) == TrustRegionStep(epsilon=0.02)
    assert TrustRegionStep().radius(None) == 0.01
    assert_array_equal(TrustRegionStep().converges, False)

"""Limits of standard deviations in all coordinates, starts, and what the history keeps."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from natfit import NaturalPolicyEstimator
from natfit.distributions.vectors.multivariate_normal import MultivariateNormal
from natfit.models import MLP, Constant
from natfit.rl import Box, Discrete
from natfit.rl.environments import Environment
from natfit.rl.history import MOST_KEPT
from natfit.rl.policy import action_distribution, spread_limits, start_eta
from natfit.steps import KLStep


class Shrink(Environment):
    """The reward is largest for a standard deviation of zero."""

    name = "shrink"
    observation_space = Box([-1.0], [1.0])
    action_space = Box([-2.0], [2.0])
    time_limit = 5

    def start(self, rng, n):
        return np.zeros((n, 1))

    def step(self, state, action):
        return state, -np.abs(action).sum(axis=1), np.zeros(len(state), dtype=bool)


class Silent(Environment):
    """Episodes last for 40 steps, and their return is the number of their steps."""

    name = "silent"
    observation_space = Box([-1.0], [1.0])
    action_space = Discrete(2)
    time_limit = 40

    def start(self, rng, n):
        return np.zeros((n, 1))

    def step(self, state, action):
        return state, np.ones(len(state)), np.zeros(len(state), dtype=bool)


def deviations(family, eta):
    """Standard deviations (or scales) at eta (1, K), by the distribution's native values."""
    name = next(n for n in ("scale", "covariance") if n in family.params)
    scale = family.native(eta)[list(family.params).index(name)][0]
    return np.sqrt(np.diagonal(scale)) if np.ndim(scale) == 2 else np.atleast_1d(scale)


FAMILIES = ["normal", "laplace", "logistic", "gumbel", "cauchy", "student_t"]
WIDE = [MultivariateNormal(c) for c in ("diag", "full", "spherical")]


@pytest.mark.parametrize("distribution", [*FAMILIES, *WIDE], ids=str)
def test_limits_are_the_same_standard_deviations_in_all_coordinates(distribution):
    one = Box([-2.0], [2.0])
    space = one if isinstance(distribution, str) else Box([-2.0, -8.0], [2.0, np.inf])
    found = {}
    for coordinates in ("native", "unconstrained"):
        family = action_distribution(space, distribution)
        model = Constant(coordinates).bind(1, family)
        middle = model.init(np.random.default_rng(0), start_eta(family, space, 1.0))
        ends = spread_limits(model, space, (0.5, 3.0))
        ends = [np.where(np.isfinite(end), end, middle) for end in ends]
        found[coordinates] = [deviations(family, model.eta(end, None)) for end in ends]
    # In units of the Box, whatever its width.
    for low, high in found.values():
        assert_allclose(low, 0.5)
        assert_allclose(high, 3.0)


@pytest.mark.parametrize("coordinates", ["native", "unconstrained"])
@pytest.mark.parametrize("distribution", ["normal", "multivariate_normal", "student_t"])
def test_standard_deviations_end_at_their_limit(distribution, coordinates):
    agent = NaturalPolicyEstimator(
        Shrink(), Constant(coordinates), distribution=distribution, std_bounds=(0.5, 2.0),
        metric="empirical", step=KLStep(0.05), solver="auto", batch_size=200, max_iter=40,
        random_state=0,
    ).fit()  # fmt: skip
    policy = agent.policy_
    kept = [
        deviations(policy.distribution, policy.model.eta(t, None)) for t in agent.history_.theta
    ]
    assert np.min(kept) >= 0.5 - 1e-9
    assert_allclose(kept[-1], 0.5, rtol=0.05)


def test_limits_that_coordinates_cannot_honour_are_refused():
    agent = NaturalPolicyEstimator("drift", Constant("expectation"), distribution="normal")
    with pytest.raises(ValueError, match=r"std_bounds.*Constant\('native'\)"):
        agent.fit()


@pytest.mark.parametrize("distribution", [None, "normal"])
@pytest.mark.parametrize("policy", ["constant", Constant("native"), "linear"], ids=str)
def test_the_start_of_the_paper(policy, distribution):
    agent = NaturalPolicyEstimator(
        "drift", policy, distribution=distribution, start_params="paper", batch_size=10,
        batch_unit="episodes", max_iter=1, step=KLStep(1e-12), random_state=0,
    ).fit()  # fmt: skip
    native = agent.policy_.params(np.zeros((1, 1)))
    assert_allclose(np.ravel(native["loc"]), 10.0, rtol=1e-3)
    spread = native["scale"] if "scale" in native else np.sqrt(native["covariance"])
    assert_allclose(np.ravel(spread), 14.0, rtol=1e-3)


def test_only_an_environment_that_declares_a_start_has_one():
    with pytest.raises(ValueError, match="start_params.*'paper'.*'pendulum'.*start_params=None"):
        NaturalPolicyEstimator("pendulum", start_params="paper").fit()
    with pytest.raises(ValueError, match="start_params.*'best'"):
        NaturalPolicyEstimator("drift", start_params="best").fit()


def test_the_history_keeps_theta():
    agent = NaturalPolicyEstimator(
        "cartpole", "linear", batch_size=64, max_iter=3, warm_start=True, random_state=0
    ).fit()
    assert agent.history_.theta.shape == (3, 5)
    assert_array_equal(agent.history_.theta[-1], agent.theta_)
    first = agent.history_.theta
    agent.set_params(max_iter=5).fit()
    assert_array_equal(agent.history_.theta[:3], first)
    assert agent.history_.head(2).theta.shape == (2, 5)
    rows = np.zeros((20, 4)), np.zeros(20), np.ones(20), np.arange(20), np.full(20, np.log(0.5))
    agent.set_params(warm_start=False, max_iter=2).fit_logged(*rows)
    assert agent.history_.theta.shape == (agent.history_.n_rows, 5)


def test_the_history_of_a_large_policy_says_where_theta_is():
    agent = NaturalPolicyEstimator(
        "cartpole", MLP((64, 64)), batch_size=64, max_iter=2, random_state=0
    ).fit()
    assert agent.theta_.size > MOST_KEPT and agent.history_.n_rows == 2
    with pytest.raises(AttributeError, match=r"at most 2000 parameters.*theta_.*callback"):
        agent.history_.theta  # noqa: B018
    again = pickle.loads(pickle.dumps(agent.history_))
    assert again.n_rows == 2 and "mean_return" in repr(again) and again.head(1).n_rows == 1


def test_returns_are_carried_where_no_episode_ended():
    agent = NaturalPolicyEstimator(
        Silent(), "linear", batch_size=16, n_envs=1, max_iter=6, random_state=0
    ).fit()
    history = agent.history_
    assert_array_equal(history["episodes_ended"], [0, 0, 1, 0, 1, 0])
    assert_array_equal(history["episodes"], np.cumsum(history["episodes_ended"]))
    # Before the first episode has ended there is no return.
    assert_array_equal(history["mean_return"], [np.nan, np.nan, 40.0, 40.0, 40.0, 40.0])
    assert_array_equal(history["std_return"], [np.nan, np.nan, 0.0, 0.0, 0.0, 0.0])

"""Trust regions in Wasserstein distance: how far the actions of a policy may move."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from natfit import NaturalPolicyEstimator
from natfit.metrics import WassersteinMetric
from natfit.rl.environments.base import Environment
from natfit.rl.spaces import Box
from natfit.steps import KLStep, TrustRegionStep


class Slope(Environment):
    """The reward is the action, whose unit is half the width of its Box."""

    observation_space = Box([-np.inf], [np.inf])
    action_space = Box([-1.0], [1.0])

    def start(self, rng, n):
        return np.zeros((n, 1))

    def step(self, state, action):
        return state, action[:, 0].copy(), np.ones(len(state), dtype=bool)


def trained(step, std=1.0, **options):
    options = {"batch_size": 500, "n_envs": 50, "random_state": 0, "max_iter": 1, **options}
    return NaturalPolicyEstimator.preset(
        "wasserstein", Slope(), policy="constant", step=step, init_std=std, **options
    ).fit()


def test_the_preset_limits_how_far_actions_move():
    agent = NaturalPolicyEstimator.preset("wasserstein")
    assert agent.metric == "wasserstein"
    assert isinstance(agent.step, TrustRegionStep) and agent.step.epsilon == 0.005


@pytest.mark.parametrize("std", [0.02, 1.0])
def test_an_update_stays_within_the_radius_of_means_and_deviations(std):
    agent = trained(TrustRegionStep(0.005), std)
    params = agent.policy_.distribution.native_dict(agent.theta_)
    moved = np.square(params["loc"]).sum() + np.square(params["scale"] - std).sum()
    assert 0.0 < 0.5 * moved <= 0.005
    assert agent.history_["kl"][0] > 0


@pytest.mark.parametrize("std", [0.01, 1.0])
def test_a_step_of_given_length_moves_as_far_whatever_the_spread(std):
    agent = trained(KLStep(1e-8), std, damping=None)
    params = agent.policy_.distribution.native_dict(agent.theta_)
    moved = np.square(params["loc"]).sum() + np.square(params["scale"] - std).sum()
    assert_allclose(0.5 * moved, 1e-8, rtol=0.02)


def test_states_weigh_as_they_were_visited():
    agent = NaturalPolicyEstimator.preset(
        "wasserstein", "pendulum", policy="linear", max_iter=2, batch_size=400, random_state=0
    ).fit()
    assert isinstance(agent.metric_, WassersteinMetric)
    assert np.all(agent.history_["predicted_kl"] > 0)
    assert np.all(np.isfinite(agent.history_["kl"]))


def test_classes_have_no_such_distance():
    agent = NaturalPolicyEstimator.preset("wasserstein", "cartpole", max_iter=1, random_state=0)
    with pytest.raises(ValueError, match=r"those of Categorical are whole numbers.*use metric='ex"):
        agent.fit()
    assert not hasattr(agent, "theta_")
    ground = WassersteinMetric(ground=[[0.0, 1.0], [1.0, 0.0]])
    agent.set_params(metric=ground, step=TrustRegionStep(1e-3)).fit()
    assert agent.theta_.any()

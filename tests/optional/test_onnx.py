"""Policies as graphs of ONNX, evaluated by its own reference, against the function of numpy alone."""

import numpy as np
import pytest

from natfit import NaturalPolicyEstimator
from natfit.models import MLP, Linear, Predictor
from tests.rl.worlds import Bandit

onnx = pytest.importorskip("onnx")

# The package's own warnings say nothing about natfit.
pytestmark = pytest.mark.filterwarnings("default")

SEE, ACT = ["discrete", "binary", "box"], ["discrete", "multi", "binary", "box", "matrix"]
MODELS = ["linear", "constant", Linear(intercept=False)]
MODELS += [MLP((5, 3), a) for a in ("tanh", "relu", "softplus", "sigmoid", "identity")]
ROWS = np.random.default_rng(0).standard_normal((200, 3)) * [1.0, 5.0, 50.0]


def agent(env, policy="linear", **options):
    options = {"max_iter": 2, "batch_size": 128, "random_state": 0, **options}
    return NaturalPolicyEstimator(env, policy, **options).fit()


def check(model, rows):
    from onnx.reference import ReferenceEvaluator

    graph, want = model.policy_.to_onnx(), model.policy_.to_numpy()(rows)
    for n in (len(rows), 1, 0):
        feed = {"observations": rows[:n].astype(np.float64)}
        (found,) = ReferenceEvaluator(graph).run(["actions"], feed)
        assert found.shape == want[:n].shape and found.dtype == want.dtype
        np.testing.assert_allclose(found, want[:n], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("policy", ["linear", "constant", MLP((4,))], ids=repr)
@pytest.mark.parametrize("act", ACT)
@pytest.mark.parametrize("see", SEE)
def test_acts_as_the_policy_on_every_space(see, act, policy):
    world = Bandit(see, act)
    check(agent(world, policy), world.observe(np.arange(20.0)[:, None] % 2))


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("policy", MODELS, ids=repr)
def test_acts_as_the_policy_for_every_model(policy, normalize):
    check(agent("pendulum", policy, normalize_observations=normalize), ROWS)


@pytest.mark.parametrize("depends", [False, True])
@pytest.mark.parametrize("distribution", ["beta", "squashed_normal", None])
def test_acts_as_the_policy_for_every_distribution(distribution, depends):
    check(agent("pendulum", distribution=distribution, state_dependent_std=depends), ROWS)


def test_observations_far_away_and_actions_at_their_limits():
    model = agent("pendulum", start_theta=[0.0, 0.0, 9.0, 0.5, 0.0], max_env_steps=1)
    check(model, np.array([[1.0, 0.0, 8.0], [1.0, 0.0, -8.0], [1e9, -1e9, 1e9]]))


def test_a_first_policy_with_equal_probabilities_breaks_ties_alike():
    for act in ("discrete", "multi", "binary"):
        world = Bandit("box", act)
        check(agent(world, max_env_steps=1), world.observe(np.array([[1.0], [0.0]])))


def test_the_file_holds_the_graph(tmp_path):
    policy = agent("cartpole").policy_
    graph = policy.to_onnx(tmp_path / "policy.onnx")
    assert onnx.load(tmp_path / "policy.onnx") == graph


def test_what_cannot_be_exported_is_refused(tmp_path):
    custom = agent("cartpole", Predictor(lambda theta, X: (X @ theta)[:, None], np.full(4, 0.1)))
    with pytest.raises(ValueError, match="exports the models constant, linear and mlp"):
        custom.policy_.to_onnx(tmp_path / "policy.onnx")
    assert not list(tmp_path.iterdir())
    with pytest.raises(TypeError, match="path must be"):
        agent("cartpole").policy_.to_onnx(3)

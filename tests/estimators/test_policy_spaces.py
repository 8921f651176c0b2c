"""Policies on every space of observations and actions, and what they import."""

import json
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from natfit import NaturalPolicyEstimator
from natfit.models import MLP, Predictor
from natfit.steps import TrustRegionStep
from tests.rl.worlds import Bandit, Single

SEE = ["discrete", "binary", "box"]
ACT = ["discrete", "multi", "binary", "box", "matrix"]


def agent(world, **options):
    return NaturalPolicyEstimator(
        world,
        **{
            "policy": "linear", "step": TrustRegionStep(0.1), "max_iter": 12, "batch_size": 200,
            "random_state": 0, **options,
        },
    )  # fmt: skip


def chance(world):
    """Mean reward of actions drawn from the first policy, by 20,000 draws."""
    first = agent(world, max_env_steps=1).fit()
    state = world.start(np.random.default_rng(0), 20_000)
    return world.worth(first.sample(world.observe(state), 0), state[:, 0]).mean()


@pytest.mark.parametrize("act", ACT)
@pytest.mark.parametrize("see", SEE)
def test_learns_above_chance(see, act):
    world = Bandit(see, act)
    model = agent(world).fit()
    state = np.array([[0.0], [1.0]])
    observations = world.observe(state)
    actions = model.predict(observations)
    assert actions.shape == (2, *world.action_space.shape)
    assert world.action_space.contains(actions).all()
    worth = world.worth(actions, state[:, 0])
    assert worth.mean() > chance(world) + 0.3
    assert model.score(range(20)) > 0.8
    assert model.history_["mean_return"][-1] > model.history_["mean_return"][0] + 0.1
    drawn = model.sample(np.repeat(observations, 50, axis=0), 0)
    assert world.action_space.contains(drawn).all()


@pytest.mark.parametrize("act", ACT)
def test_singles_of_gymnasiums_form_learn_alike(act):
    model = agent(lambda: Single(Bandit("box", act)), max_iter=8).fit()
    assert model.history_["mean_return"][-1] > model.history_["mean_return"][0] + 0.1


@pytest.mark.parametrize("act", ["discrete", "multi", "binary"])
@pytest.mark.parametrize("policy", ["linear", "mlp", "constant"])
def test_probabilities(act, policy):
    """Those of the draws."""
    world = Bandit("box", act)
    model = agent(world, policy=policy, max_iter=3).fit()
    observations = np.repeat(world.observe(np.array([[0.0], [1.0]])), 20_000, axis=0)
    p = model.predict_proba(observations)
    drawn = model.sample(observations, 0).reshape(40_000, -1)
    for half in (slice(0, 20_000), slice(20_000, None)):
        d = drawn[half]
        if act == "discrete":
            want = [np.mean(d == v) for v in (-4, -3, -2)]
        elif act == "multi":
            want = [
                *(np.mean(d[:, 0] == v) for v in range(2)),
                *(np.mean(d[:, 1] == v) for v in range(3)),
            ]
        else:
            want = d.mean(axis=0)
        assert_allclose(p[half][0], want, atol=0.015)
        assert_array_equal(p[half], np.repeat(p[half][:1], 20_000, axis=0))


def test_probabilities_agree_with_log_prob():
    model = agent(Bandit("discrete", "discrete"), max_iter=3).fit()
    x = np.array([5, 6, 5])
    want = np.exp([model.log_prob(x, np.full(3, a)) for a in (-4, -3, -2)]).T
    assert_allclose(model.predict_proba(x), want, rtol=1e-12)
    assert_allclose(model.predict_proba(x).sum(axis=1), 1.0, rtol=1e-12)
    assert_array_equal(model.predict(x), want.argmax(axis=1) - 4)


def test_no_probabilities_of_real_actions():
    model = agent(Bandit("box", "box"), max_iter=1).fit()
    assert not hasattr(model, "predict_proba")
    with pytest.raises(AttributeError, match="predict_proba"):
        model.predict_proba(np.zeros((1, 1, 2)))


@pytest.mark.slow
def test_distributions_of_one_real_action():
    for distribution in ("normal", "student_t", "multivariate_normal"):
        model = agent(Bandit("box", "box"), distribution=distribution).fit()
        # The first policy's mean reward is 0.3.
        assert model.evaluate(greedy=False).mean > 0.6, distribution


def wave(theta, X):
    import autograd.numpy as anp

    return anp.tanh(anp.dot(X, theta[:6].reshape((2, 3))))[:, :2] * theta[6]


@pytest.mark.slow
def test_policies_of_every_kind():
    world = Bandit("box", "discrete")
    predictor = Predictor(wave, np.append(np.zeros(6), 2.0))
    for policy in (MLP((8,), "relu"), MLP((4, 4), "softplus"), predictor):
        model = agent(world, policy=policy, max_iter=20).fit()
        assert model.score(range(20)) == 1.0, policy


def test_weighing_the_state_or_not():
    """A policy that ignores the state is right half of the time at best."""
    model = agent(Bandit("discrete", "discrete"), policy="constant").fit()
    assert model.score(range(200)) < 0.7
    assert model.predict([5, 6, 5]).shape == (3,)


# ------------------------------------------------------------------------------ imports

CODE = """
import json, sys
import natfit
import natfit.rl, natfit.rl.environments, natfit.rl.training
from natfit import NaturalPolicyEstimator
NaturalPolicyEstimator("CartPole-v1", max_iter=1).fit().score([1])
print(json.dumps([m for m in ("gymnasium", "matplotlib", "torch") if m in sys.modules]))
"""


@pytest.mark.slow
def test_no_extra_is_imported():
    # What one line brought in would still be there at the end.
    out = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert json.loads(out.stdout) == []


@pytest.mark.slow
def test_works_without_gymnasium():
    code = """
import sys
sys.modules["gymnasium"] = None
from natfit import NaturalPolicyEstimator
agent = NaturalPolicyEstimator("CartPole-v1", max_iter=1, random_state=0).fit()
assert agent.score([1]) >= 1
try: NaturalPolicyEstimator("Acrobot-v9").fit()
except ImportError as error: assert "natfit[rl]" in str(error)
else: raise AssertionError
"""
    subprocess.run([sys.executable, "-c", code], check=True)

"""One observation or many, values of states, and evaluations in another environment."""

import pickle

import gymnasium
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from natfit import NaturalPolicyEstimator
from natfit.rl.environments import CartPole, TwoState
from natfit.steps import KLStep
from tests.rl.worlds import Bandit, Single

SEE, ACT = ["discrete", "binary", "box"], ["discrete", "multi", "binary", "box", "matrix"]


def agent(env="cartpole", policy="linear", **options):
    options = {"max_iter": 1, "batch_size": 128, "random_state": 0, **options}
    return NaturalPolicyEstimator(env, policy, **options)


# ----------------------------------------------------------------------- one observation


@pytest.mark.parametrize("policy", ["linear", "constant"])
@pytest.mark.parametrize("act", ACT)
@pytest.mark.parametrize("see", SEE)
def test_one_observation_gives_the_first_row_of_a_batch_of_one(see, act, policy):
    world = Bandit(see, act)
    model = agent(world, policy).fit()
    batch = world.observe(np.array([[1.0]]))
    one = batch[0].tolist()
    action = model.predict(one)
    assert np.shape(action) == world.action_space.shape
    assert_array_equal(action, model.predict(batch)[0])
    assert_array_equal(model.sample(one, 3), model.sample(batch, 3)[0])
    assert model.log_prob(one, action) == model.log_prob(batch, [action])[0]
    assert np.ndim(model.log_prob(one, action)) == np.ndim(model.value(one)) == 0
    assert model.value(one) == model.value(batch)[0]
    if act not in ("box", "matrix"):
        assert_array_equal(model.predict_proba(one), model.predict_proba(batch)[0])
    # A batch of one stays a batch.
    assert model.predict(batch).shape == (1, *world.action_space.shape)


def test_what_is_neither_one_nor_a_batch_is_refused():
    model = agent().fit()
    for wrong in (0.5, np.zeros(3), np.zeros((2, 3)), np.zeros((1, 1, 4)), [[0, 0, 0, 0], [0]]):
        for method in (model.predict, model.sample, model.predict_proba, model.value):
            with pytest.raises(ValueError, match="observations|inhomogeneous"):
                method(wrong)
    with pytest.raises(ValueError, match="observations must be finite"):
        model.predict([0.0, np.nan, 0.0, 0.0])
    with pytest.raises(ValueError, match=r"actions must be one action of shape \(\)"):
        model.log_prob(np.zeros(4), [0])
    with pytest.raises(ValueError, match="one row for each of the 2"):
        model.log_prob(np.zeros((2, 4)), [0])
    discrete = agent("two_state").fit()
    with pytest.raises(ValueError, match="must lie in Discrete"):
        discrete.predict(2)
    with pytest.raises(ValueError, match="must be numbers"):
        discrete.predict(None)


# ------------------------------------------------------------------------- values of states


@pytest.mark.parametrize("baseline", ["fourier", "quadratic", "mlp"])
def test_values_solve_bellmans_equation(baseline):
    """The policy that stays or moves with equal probability hardly changes by tiny steps."""
    model = agent(
        "two_state",
        baseline=baseline,
        discount=0.8,
        step=KLStep(1e-12),
        batch_size=8000,
        max_iter=3,
    ).fit()
    # V = r + 0.8 P V with P = 1/2 everywhere and mean rewards 1/2 and 1.
    exact = np.linalg.solve(np.eye(2) - 0.4 * np.ones((2, 2)), [0.5, 1.0])
    # The mean return of 8,000 steps varies by about 0.03, and values less than that.
    assert_allclose(model.value([0, 1]), exact, atol=0.1)
    assert_array_equal(model.baseline_.predict([0, 1]), model.value([0, 1]))


def test_values_of_raw_observations_are_in_the_frame_of_their_fit():
    """After one update the normaliser has seen a batch that the baseline was fitted to raw."""
    wide = Bandit("box", "discrete")
    model = agent(wide, baseline="quadratic", max_iter=1, batch_size=400).fit()
    plain = agent(
        wide, baseline="quadratic", max_iter=1, batch_size=400, normalize_observations=False
    ).fit()
    rows = wide.observe(np.array([[0.0], [1.0]]))
    assert_array_equal(model.value(rows), plain.value(rows))
    assert_array_equal(pickle.loads(pickle.dumps(model)).value(rows), model.value(rows))


def test_no_value_without_a_baseline():
    none = agent(baseline="none").fit()
    with pytest.raises(ValueError, match="needs a baseline that learns"):
        none.value(np.zeros(4))
    assert none.baseline_.predict(np.zeros((3, 4))).tolist() == [0.0] * 3
    early = agent(max_env_steps=1).fit()
    with pytest.raises(ValueError, match="has learnt from an update"):
        early.value(np.zeros(4))


def test_a_warm_start_keeps_the_baseline_unless_it_was_replaced():
    model = agent(warm_start=True).fit()
    before = model.baseline_
    model.set_params(max_iter=2).fit()
    whole = agent(max_iter=2).fit()
    assert_array_equal(model.value(np.eye(4)), whole.value(np.eye(4)))
    assert_array_equal(model.theta_, whole.theta_)
    # The fitted object of the first fit is what it was.
    assert not np.array_equal(before.predict(np.eye(4)), model.value(np.eye(4)))
    model.set_params(baseline="constant", max_iter=3).fit()
    assert np.ptp(model.value(np.eye(4))) == 0


# --------------------------------------------------------------------- another environment


class Short(CartPole):
    """Episodes of at most 20 steps."""

    time_limit = 20


class Counting(Single):
    """Counts how many of its environments are open."""

    open = 0

    def __init__(self):
        super().__init__(Short())
        Counting.open += 1

    def close(self):
        Counting.open -= 1


def _vector(n=2):
    return gymnasium.vector.SyncVectorEnv(
        [lambda: gymnasium.make("CartPole-v1", max_episode_steps=20) for _ in range(n)]
    )


def test_evaluates_in_any_other_environment():
    model = agent().fit()
    short = model.evaluate(4, env=Short())
    assert short.lengths.max() <= 20 < model.evaluate(4).lengths.max()
    for same in (lambda: Short(), Counting, Single(Short())):
        found = model.evaluate(4, env=same)
        assert_allclose(found.returns, short.returns)
    assert Counting.open == 0
    assert model.evaluate(4, env=_vector()).lengths.max() <= 20
    for same in ("cartpole", "CartPole-v1", CartPole):
        assert_allclose(model.evaluate(4, env=same).returns, model.evaluate(4).returns)
    # The training goes on as if nothing had happened.
    model.set_params(warm_start=True, max_iter=2).fit()
    assert_array_equal(model.theta_, agent(max_iter=2).fit().theta_)


def test_an_environment_with_other_spaces_is_refused_and_closed():
    model = agent().fit()
    for other in ("pendulum", TwoState(), lambda: Single(TwoState())):
        with pytest.raises(ValueError, match=r"observation_space of environment .* is .*, not Box"):
            model.evaluate(env=other)
    pusher = agent(Bandit("discrete", "discrete")).fit()
    with pytest.raises(ValueError, match="the action_space of environment 'bandit'"):
        pusher.evaluate(env=Bandit("discrete", "multi"))
    stranger = agent(Bandit("discrete", "box")).fit()
    with pytest.raises(ValueError, match="env must have the spaces"):
        stranger.evaluate(env=Counting)
    assert Counting.open == 0
    with pytest.raises(TypeError, match="env must be a name, an environment"):
        model.evaluate(env=3)
    with pytest.raises(ValueError, match="env must be one of"):
        model.evaluate(env="cartpol")

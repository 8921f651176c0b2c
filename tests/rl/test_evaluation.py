"""Evaluations against episodes played one after the other."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from natfit.rl import Batched, OneByOne, Simulated
from natfit.rl.environments import CartPole, Pendulum
from natfit.rl.evaluation import Evaluation, evaluate
from tests.rl.test_rollout import policy
from tests.rl.worlds import Single, Walk


def by_hand(world, pi, seed):
    """Return and length of the greedy policy's episode from one seed."""
    state, total, steps = world.start(np.random.default_rng(seed), 1), 0.0, 0
    while True:
        features = world.observation_space.encode(world.observe(state))
        action = pi.to_space(pi.greedy(features))
        state, reward, ends = world.step(state, action)
        total, steps = total + reward[0], steps + 1
        if ends[0] or (world.time_limit and steps >= world.time_limit):
            return total, steps


@pytest.mark.parametrize("world", [CartPole(), Pendulum(), Walk()], ids=repr)
@pytest.mark.parametrize("n", [1, 3, 8])
def test_one_episode_from_each_seed(world, n):
    seeds = [3, 1, 4, 1, 5]
    env = Simulated(world, n)
    pi = policy(env, 0.3)
    found = evaluate(env, pi, seeds, longest=1000)
    want = np.array([by_hand(world, pi, seed) for seed in seeds])
    assert_allclose(found.returns, want[:, 0], rtol=1e-10)
    assert_array_equal(found.lengths, want[:, 1])
    assert found.returns[1] == found.returns[3]


def test_processes_do_not_matter():
    seeds = list(range(5))
    pi = policy(Simulated(Walk(), 3), 0.3)
    runs = [
        evaluate(OneByOne([Single(Walk()) for _ in range(3)]), pi, seeds, greedy=g, longest=9, n_jobs=j)
        for g in (True, False)
        for j in (1, 2)
    ]  # fmt: skip
    for a, b in (runs[:2], runs[2:]):
        assert_array_equal(a.returns, b.returns)
        assert_array_equal(a.lengths, b.lengths)


def test_drawn_actions_differ_from_the_greedy_ones():
    env = Simulated(CartPole(), 4)
    pi = policy(env, 0.5)
    greedy = evaluate(env, pi, range(20), longest=1000)
    drawn = evaluate(env, pi, range(20), greedy=False, longest=1000)
    again = evaluate(env, pi, range(20), greedy=False, longest=1000)
    assert not np.array_equal(greedy.returns, drawn.returns)
    assert_array_equal(drawn.returns, again.returns)


@pytest.mark.parametrize("mode", ["NEXT_STEP", "SAME_STEP", "DISABLED"])
def test_vector_environments(mode):
    gymnasium = pytest.importorskip("gymnasium")
    vector = gymnasium.make_vec(
        "CartPole-v1", 2, "sync", vector_kwargs={"autoreset_mode": gymnasium.vector.AutoresetMode[mode]}
    )  # fmt: skip
    env = Batched(vector)
    pi = policy(env, 0.5)
    found = evaluate(env, pi, [7, 8, 9], longest=1000)
    # The reward of CartPole is 1 a step: rows that only reset are not counted.
    assert_array_equal(found.returns, found.lengths)
    assert found.lengths.min() >= 8
    vector.close()


def test_numbers():
    one = Evaluation(np.array([1.0, 2.0, 6.0]), np.array([1, 1, 1]))
    assert one.mean == 3.0
    assert_allclose(one.standard_error, np.sqrt(7.0 / 3.0))
    assert repr(one) == "Evaluation(mean=3, standard_error=1.53, n_episodes=3)"
    assert Evaluation(np.ones(1), np.ones(1)).standard_error == np.inf

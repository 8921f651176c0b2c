"""Evaluations against episodes played one after the other."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from natfit import NaturalPolicyEstimator
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


@pytest.mark.slow
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


@pytest.mark.parametrize("jobs", [1, 2])
def test_fewer_episodes_than_rows(jobs):
    env = OneByOne([Single(Walk()) for _ in range(4)])
    pi = policy(env, 0.3)
    found = evaluate(env, pi, [3], longest=9, n_jobs=jobs)
    assert (found.returns[0], found.lengths[0]) == by_hand(Walk(), pi, 3)


@pytest.mark.parametrize("seeds", [[1], [1, 2, 3]])
def test_vectors_of_a_factory_are_scored_and_closed(seeds):
    gymnasium = pytest.importorskip("gymnasium")
    made = []

    def factory():
        made.append(gymnasium.make_vec("CartPole-v1", 2, "sync"))
        return made[-1]

    options = {"policy": "linear", "batch_size": 20, "max_iter": 1, "random_state": 0}
    model = NaturalPolicyEstimator(factory, **options).fit()
    assert model.n_env_steps_ <= 20
    assert model.evaluate(seeds=seeds).returns.min() >= 8
    assert [m.closed for m in made] == [True, True]


def test_a_close_that_raises_loses_no_score():
    class Stuck(Single):
        def close(self):
            raise OSError("stuck")

    def factory():
        return Stuck(Walk())

    model = NaturalPolicyEstimator(factory, "linear", batch_size=16, max_iter=1, random_state=0)
    with pytest.warns(RuntimeWarning, match="stuck"):
        model.fit()
    with pytest.warns(RuntimeWarning, match="stuck"):
        assert np.isfinite(model.score([3]))


@pytest.mark.parametrize("seeds", [[2**63], [2**64], [1, 2**63]])
def test_seeds_beyond_64_bits_are_refused(seeds):
    with pytest.raises(ValueError, match=r"integers >= 0 and below 2\*\*63"):
        NaturalPolicyEstimator("cartpole").fit(seeds)

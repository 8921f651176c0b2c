"""Rollouts against a loop over single episodes."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from natfit.models import Linear
from natfit.rl import Batched, Discrete, EnvironmentFailure, OneByOne, Simulated
from natfit.rl.environments import CartPole, Pendulum
from natfit.rl.policy import Policy, action_distribution, start_eta
from natfit.rl.rollout import Rollout, begin, rollout
from tests.rl.worlds import Forever, Single, Walk


def policy(env, scale=0.0):
    family = action_distribution(env.action_space)
    constant = () if isinstance(env.action_space, Discrete) else ("scale",)
    model = Linear().bind(env.observation_space.width, family, constant)
    theta = model.init(np.random.default_rng(0), start_eta(family, env.action_space, 1.0))
    theta = theta + scale * np.sin(np.arange(len(theta)))
    return Policy(family, model, theta, env.observation_space, env.action_space)


def play(env, pi, seeds, steps, stream=(1, 2)):
    """What the rollout must be: nested loops, one generator for all actions."""
    rng = np.random.default_rng(stream)
    observation, out = env.reset(seeds), []
    for _ in range(steps):
        action = pi.act(observation, rng)
        step = env.step(pi.clipped(action))
        out.append((observation, action, step))
        observation = step.observation
    return out


@pytest.mark.parametrize("world", [CartPole(), Pendulum(), Walk()], ids=repr)
def test_what_happened_comes_back(world):
    env, twin = Simulated(world, 3), Simulated(world, 3)
    pi = policy(env)
    want = play(twin, pi, [1, 2, 3], 40)
    env_after, got = rollout(env, pi, env.reset([1, 2, 3]), (1, 2), None, steps=40, longest=1000)
    assert env_after is env
    for t, (observation, action, step) in enumerate(want):
        assert_array_equal(got.observation[t], observation)
        assert_array_equal(got.action[t], action)
        assert_array_equal(got.reward[t], step.reward)
        assert_array_equal(got.terminated[t], step.terminated)
        assert_array_equal(got.truncated[t], step.truncated)
    assert got.valid.all()
    assert got.n_steps == 120
    assert_array_equal(got.last, want[-1][2].observation)
    ends = [(t, e) for t in range(40) for e in range(3) if got.ended[t, e]]
    assert len(got.final) == len(ends)
    for (t, e), final in zip(ends, got.final, strict=True):
        assert_array_equal(final, want[t][2].final[e])


@pytest.mark.parametrize("world", [CartPole(), Walk()], ids=repr)
def test_returns_of_episodes_across_batches(world):
    env = Simulated(world, 4)
    pi = policy(env)
    observation, running = env.reset(range(4)), np.zeros((2, 4))
    sums, lengths, found, wanted = np.zeros(4), np.zeros(4), [], []
    for k in range(4):
        env, batch = rollout(env, pi, observation, (k,), None, steps=9 + k, longest=1000)
        observation = batch.last
        for t in range(len(batch.reward)):
            sums += batch.reward[t]
            lengths += 1
            for e in np.flatnonzero(batch.ended[t]):
                wanted.append((sums[e], lengths[e]))
                sums[e] = lengths[e] = 0.0
        gained, running = batch.episodes(running)
        found += gained.T.tolist()
        assert_allclose(running, [sums, lengths], atol=1e-12)
    assert len(wanted) > 5
    assert_allclose(found, wanted, atol=1e-12)


def test_a_quota_of_whole_episodes():
    env = Simulated(Walk(), 3)
    pi = policy(env)
    quota = np.array([2, 0, 3])
    env, batch = rollout(env, pi, env.reset([0, 1, 2]), (5,), None, quota=quota, longest=100)
    assert_array_equal(batch.ended.sum(axis=0), quota)
    for e in range(3):
        ends = np.flatnonzero(batch.ended[:, e])
        last = ends[-1] if len(ends) else -1
        # Nothing counts after the last end.
        assert_array_equal(batch.valid[:, e], np.arange(len(batch.valid)) <= last)
    assert batch.valid.any(axis=1).all()
    gained, running = batch.episodes(np.zeros((2, 3)))
    assert gained.shape == (2, 5)
    assert_array_equal(running, 0.0)


@pytest.mark.slow
def test_the_generator_serves_all_rows_whatever_their_parts():
    env = Simulated(Walk(), 4)
    pi = policy(env, 0.1)
    whole = OneByOne([Single(Walk()) for _ in range(4)])
    parted = OneByOne([Single(Walk()) for _ in range(4)])
    for options in ({"steps": 15}, {"quota": np.array([3, 1, 0, 2])}):
        runs = []
        for env, jobs in ((whole, 1), (parted, 2)):
            env.plan = [[e, 10 + e] for e in range(4)]
            start = begin(env, (0,))
            runs.append(rollout(env, pi, start, (3, 4), jobs, longest=100, **options))
        (_, a), (after, b) = runs
        assert_array_equal(a.valid, b.valid)
        assert a.valid.all() == ("steps" in options)
        for name in ("observation", "action", "reward", "terminated", "truncated"):
            assert_array_equal(getattr(a, name)[a.valid], getattr(b, name)[a.valid], err_msg=name)
        assert_array_equal(a.final, b.final)
        assert after.plan == whole.plan
        assert after._position == whole._position
        parted = after


def test_whole_episodes_take_the_seeds_in_turn():
    """Also those of rows that wait for the others: no seed is left out."""
    log = []
    env = OneByOne([Single(Walk(), log) for _ in range(2)])
    env.plan = [[1, 2, 3, 4, 5], [101, 102, 103, 104, 105]]
    pi = policy(env)
    played = []
    for k, quota in enumerate(([1, 2], [2, 0], [1, 2])):
        start = begin(env, (0,))
        _, batch = rollout(env, pi, start, (k,), None, quota=np.array(quota), longest=99)
        first = np.vstack([np.ones((1, 2), bool), batch.ended[:-1]]) & batch.valid
        played.append(first.sum(axis=0).tolist())
    assert played == [[1, 2], [2, 0], [1, 2]]
    assert env._position == [4, 4]


def test_begin_takes_the_plan_or_draws():
    env = Simulated(CartPole(), 2)
    env.plan = [[4, 6], [5]]
    assert_array_equal(begin(env, (9,)), Simulated(CartPole(), 2).reset([4, 5]))
    assert_array_equal(begin(env, (9,)), Simulated(CartPole(), 2).reset([6, 5]))
    env.plan = None
    first = begin(env, (9,))
    assert_array_equal(begin(env, (9,)), first)
    assert not np.array_equal(begin(env, (10,)), first)


@pytest.mark.parametrize("options", [{"quota": np.array([1, 1])}])
def test_an_episode_without_end_is_given_up(options):
    class Endless(Forever):
        time_limit = None

    env = Simulated(Endless(), 2)
    with pytest.raises(EnvironmentFailure, match="not ended after 50 steps.*max_episode_steps=50"):
        rollout(env, policy(env), env.reset([0, 1]), (0,), None, longest=50, **options)


def test_greedy_draws_nothing():
    env = Simulated(Walk(), 2)
    pi = policy(env, 0.5)
    _, batch = rollout(env, pi, env.reset([0, 1]), (0,), None, steps=8, greedy=True, longest=9)
    eta = pi.eta(batch.observation.reshape(16, 2))[:, 0]
    # Class 0 has the logit, the last class is the reference.
    assert_array_equal(batch.action.ravel(), (eta <= 0).astype(int))


@pytest.mark.parametrize("seed", range(3))
def test_returns_against_a_loop_where_they_differ_in_size(seed):
    """Also with rows not valid, ends on the last step and none at all."""
    rng = np.random.default_rng(seed)
    shape = (12, 5)
    reward = np.round(10.0 ** rng.uniform(0, 17, shape)) * rng.choice([-1, 1], shape)
    valid = rng.random(shape) < 0.8
    ended = (rng.random(shape) < 0.3) & valid
    ended[:, 2], ended[-1, 3] = False, True
    valid[-1, 3] = True
    x = np.zeros((*shape, 1))
    none = np.zeros(shape, dtype=bool)
    batch = Rollout(x, reward, reward, ended, none, valid, x[0], x[0])
    running = np.array([rng.uniform(-9, 9, 5), rng.integers(0, 9, 5)])
    parts, lengths, wanted = [[v] for v in running[0]], running[1].copy(), []
    for t, e in np.ndindex(shape):
        if valid[t, e]:
            parts[e].append(reward[t, e])
            lengths[e] += 1
        if ended[t, e]:
            wanted.append((math.fsum(parts[e]), lengths[e]))
            parts[e], lengths[e] = [], 0.0
    gained, left = batch.episodes(running)
    # An error is that of the episode's own terms, never of another's.
    assert_allclose(gained[0], [w[0] for w in wanted], rtol=1e-12)
    assert_array_equal(gained[1], [w[1] for w in wanted])
    assert_allclose(left[0], [math.fsum(p) for p in parts], rtol=1e-12)
    assert_array_equal(left[1], lengths)


@pytest.mark.parametrize("jobs", [1, 2])
def test_rows_that_are_done_are_not_stepped(jobs):
    env = OneByOne([Single(Walk()) for _ in range(4)])
    pi = policy(env)
    quota = np.array([2, 1, 0, 3])
    after, batch = rollout(env, pi, env.reset(range(4)), (0,), jobs, quota=quota, longest=9)
    calls = [e.calls for e in after.environments]
    assert calls == batch.valid.sum(axis=0).tolist()
    assert sum(calls) == batch.n_steps


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_quota_that_leaves_a_part_without_episodes(jobs):
    env = OneByOne([Single(Walk()) for _ in range(4)])
    pi = policy(env)
    quota = np.array([1, 0, 0, 0])
    _, batch = rollout(env, pi, env.reset(range(4)), (0,), jobs, quota=quota, longest=9)
    assert_array_equal(batch.ended.sum(axis=0), quota)


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_the_row_of_an_endless_episode_is_that_of_the_whole(jobs):
    rows = [Single(Forever(3)), Single(Forever(3)), Single(Forever(3)), Single(Forever(99))]
    env = OneByOne(rows)
    quota = np.ones(4, dtype=int)
    with pytest.raises(EnvironmentFailure, match="row 3: the episode has not ended after 20 steps"):
        rollout(env, policy(env), env.reset(range(4)), (0,), jobs, quota=quota, longest=20)


@pytest.mark.parametrize("mode", ["NEXT_STEP", "SAME_STEP", "DISABLED"])
def test_a_time_limit_of_max_episode_steps_in_every_mode(mode):
    gymnasium = pytest.importorskip("gymnasium")
    mode = gymnasium.vector.AutoresetMode[mode]

    def make():
        return gymnasium.make("Pendulum-v1", max_episode_steps=7)

    env = Batched(gymnasium.vector.SyncVectorEnv([make] * 2, autoreset_mode=mode))
    quota = np.array([3, 1])
    pi = policy(env)
    _, batch = rollout(env, pi, env.reset([0, 1]), (0,), None, quota=quota, longest=7)
    assert_array_equal(batch.valid.sum(axis=0), 7 * quota)
    with pytest.raises(EnvironmentFailure, match="not ended after 6 steps"):
        rollout(env, pi, env.reset([0, 1]), (0,), None, quota=quota, longest=6)


def test_small_returns_beside_a_huge_one_keep_their_digits():
    reward = np.array([[4e17], [2.0], [2.0], [4.0]])
    ended = np.array([[True], [False], [True], [True]])
    none = np.zeros((4, 1), dtype=bool)
    x = np.zeros((4, 1, 1))
    batch = Rollout(x, reward, reward, ended, none, ~none, np.zeros((3, 1)), np.zeros((1, 1)))
    gained, running = batch.episodes(np.array([[1.0], [3.0]]))
    assert gained.tolist() == [[4e17 + 1.0, 4.0, 4.0], [4.0, 2.0, 1.0]]
    assert running.tolist() == [[0.0], [0.0]]

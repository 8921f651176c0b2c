"""What environments and batches once got wrong."""

import numpy as np
import pytest

from natfit import NaturalPolicyEstimator
from natfit.rl import EnvironmentFailure, make_environment
from natfit.rl.rollout import Rollout

gymnasium = pytest.importorskip("gymnasium")


def vector(n=2, mode="NextStep", limit=None):
    from gymnasium.vector import AutoresetMode, SyncVectorEnv
    from gymnasium.wrappers import TimeLimit

    def one():
        env = gymnasium.make("Pendulum-v1", disable_env_checker=True).unwrapped
        return TimeLimit(env, limit or 200)

    return SyncVectorEnv([one] * n, autoreset_mode=AutoresetMode(mode))


def test_small_returns_beside_a_huge_one_keep_their_digits():
    reward = np.array([[4e17], [2.0], [2.0], [4.0]])
    ended = np.array([[True], [False], [True], [True]])
    none = np.zeros((4, 1), dtype=bool)
    x = np.zeros((4, 1, 1))
    batch = Rollout(x, reward, reward, ended, none, ~none, np.zeros((3, 1)), np.zeros((1, 1)))
    gained, running = batch.episodes(np.array([[1.0], [3.0]]))
    assert gained.tolist() == [[4e17 + 1.0, 4.0, 4.0], [4.0, 2.0, 1.0]]
    assert running.tolist() == [[0.0], [0.0]]


@pytest.mark.parametrize("mode", ["Foo", 3])
def test_an_unknown_autoreset_mode_is_refused(mode):
    env = vector()
    env.metadata = {**env.metadata, "autoreset_mode": mode}
    with pytest.raises(ValueError, match="NEXT_STEP"):
        make_environment(env)
    env.close()


def test_a_factory_of_vectors_is_trained_and_scored():
    model = NaturalPolicyEstimator(vector, "linear", batch_size=16, max_iter=2, random_state=0)
    model.fit()
    assert model.score() < 0
    assert model.evaluate(3).returns.shape == (3,)


def test_the_reset_of_a_vector_is_no_step_of_an_episode():
    model = NaturalPolicyEstimator(
        lambda: vector(limit=20),
        "linear",
        batch_unit="episodes",
        batch_size=4,
        max_episode_steps=20,
        max_iter=2,
    ).fit()
    assert model.history_["env_steps"].tolist() == [80, 160]


def test_finished_episodes_are_not_played_on():
    calls = []

    class Counting(gymnasium.Wrapper):
        def step(self, action):
            calls.append(1)
            return self.env.step(action)

    def made():
        return Counting(gymnasium.make("CartPole-v1", disable_env_checker=True))

    model = NaturalPolicyEstimator(
        made, "linear", n_envs=4, batch_unit="episodes", batch_size=4, max_iter=3, random_state=0
    ).fit()
    assert len(calls) == model.n_env_steps_


class Failing(gymnasium.Wrapper):
    """Raises in its k-th step."""

    def __init__(self, env, k):
        super().__init__(env)
        self.left = k

    def step(self, action):
        self.left -= 1
        if not self.left:
            raise RuntimeError("broken")
        return self.env.step(action)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_the_row_is_named_wherever_it_runs(n_jobs):
    number = iter(range(100))

    def made():
        env = gymnasium.make("CartPole-v1", disable_env_checker=True)
        return Failing(env, 5 if next(number) == 3 else 10**9)

    model = NaturalPolicyEstimator(made, "linear", n_envs=4, n_jobs=n_jobs, random_state=0)
    with pytest.raises(EnvironmentFailure, match="row 3.*broken"):
        model.fit()


def test_a_reset_that_raises_is_named():
    class Bad(gymnasium.Wrapper):
        def reset(self, **options):
            raise RuntimeError("boom")

    env = Bad(gymnasium.make("CartPole-v1", disable_env_checker=True))
    with pytest.raises(EnvironmentFailure, match="boom"):
        NaturalPolicyEstimator(env, "linear").fit()

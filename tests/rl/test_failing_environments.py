"""Environments that raise are named by row, wherever they run."""

import pytest

from natfit import NaturalPolicyEstimator
from natfit.rl import EnvironmentFailure

gymnasium = pytest.importorskip("gymnasium")


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

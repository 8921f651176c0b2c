"""Vectors of Gymnasium: modes, factories, resets that are no steps."""

import pytest

from natfit import NaturalPolicyEstimator
from natfit.rl import make_environment

gymnasium = pytest.importorskip("gymnasium")


def vector(n=2, mode="NextStep", limit=None):
    from gymnasium.vector import AutoresetMode, SyncVectorEnv
    from gymnasium.wrappers import TimeLimit

    def one():
        env = gymnasium.make("Pendulum-v1", disable_env_checker=True).unwrapped
        return TimeLimit(env, limit or 200)

    return SyncVectorEnv([one] * n, autoreset_mode=AutoresetMode(mode))


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

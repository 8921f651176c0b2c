"""Batches of whole episodes: rows that have finished their episodes are not stepped."""

import pytest

from natfit import NaturalPolicyEstimator

gymnasium = pytest.importorskip("gymnasium")


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

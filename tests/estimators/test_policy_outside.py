"""Observations outside of their declared limits: noted once, counted, used as they are."""

import numpy as np
import pytest
from gymnasium import Env, spaces
from gymnasium.vector import SyncVectorEnv

from natfit import NaturalPolicyEstimator
from natfit.rl import Box, Discrete, Environment, EnvironmentFailure, MultiBinary

#: Declared limits, and what is observed in the steps 0, 1, 2 (the last) of an episode.
CASES = {
    "inside": ([0.0, 1.0, 0.5], 0),
    "rounding": ([0.0, 1.0 + 1e-7, -1e-7], 0),
    "a little": ([0.0, 1.001, 0.5], 1),
    "both sides": ([-0.1, 1.2, 0.5], 2),
    "the last": ([0.5, 0.5, 3.0], 1),
    "far": ([0.5, -1e6, 1e6], 2),
}


class Shows(Env):
    """Shows three values in turn, in the second of two columns; episodes have two steps."""

    action_space = spaces.Discrete(2)

    def __init__(self, values, space=None):
        self.values = values
        self.observation_space = space or spaces.Box(
            np.float32([-9.0, 0.0]), np.float32([9.0, 1.0])
        )

    def seen(self):
        return np.array([0.0, self.values[self.t]])

    def reset(self, *, seed=None, options=None):
        self.t = 0
        return self.seen(), {}

    def step(self, action):
        self.t += 1
        return self.seen(), float(action), self.t == 2, False, {}


class Dynamics(Environment):
    """The same as array arithmetic."""

    name = "shows"
    observation_space = Box([-9.0, 0.0], [9.0, 1.0])
    action_space = Discrete(2)

    def __init__(self, values=(0.0, 0.0, 0.0)):
        self.values = values

    def start(self, rng, n):
        return np.zeros((n, 1))

    def step(self, state, action):
        return state + 1.0, action.astype(float), state[:, 0] >= 1.0

    def observe(self, state):
        return np.column_stack(
            [np.zeros(len(state)), np.take(self.values, state[:, 0].astype(int))]
        )


def fitted(env, **options):
    options = {"n_envs": 2, "batch_size": 8, "max_iter": 3, "random_state": 0, **options}
    return NaturalPolicyEstimator(env, "linear", baseline="constant", **options).fit()


def kinds(values):
    return {
        "single": lambda: Shows(values),
        "vector": lambda: SyncVectorEnv([lambda: Shows(values)] * 2, autoreset_mode="SameStep"),
        "dynamics": Dynamics(values),
    }


@pytest.mark.parametrize("kind", ["single", "vector", "dynamics"])
@pytest.mark.parametrize("case", CASES)
def test_they_are_counted_and_noted_once(case, kind):
    values, per_episode = CASES[case]
    agent = fitted(kinds(values)[kind])
    # Eight steps of an update are four episodes.
    assert agent.history_["outside"].tolist() == [4 * per_episode * k for k in (1, 2, 3)]
    noted = ["outside of observation_space" in note for note in agent.history_.notes]
    assert noted == [per_episode > 0, False, False]
    assert agent.evaluate(3).returns.shape == (3,)
    assert agent.predict([[0.0, v] for v in values]).shape == (3,)


def test_they_are_noted_once_over_warm_starts():
    values = CASES["both sides"][0]
    agent = fitted(lambda: Shows(values), warm_start=True, max_iter=1)
    agent.set_params(max_iter=3).fit()
    assert agent.history_["outside"].tolist() == [8, 16, 24]
    assert ["up to 0.2 in column 1" in note for note in agent.history_.notes] == [
        True,
        False,
        False,
    ]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", ["single", "vector", "dynamics"])
def test_numbers_that_are_not_finite_end_a_training(value, kind):
    with pytest.raises(EnvironmentFailure, match="is not finite"):
        fitted(kinds([0.0, value, 0.5])[kind])


@pytest.mark.parametrize(
    "space",
    [spaces.MultiBinary(2), spaces.MultiDiscrete([2, 2]), MultiBinary(2)],
    ids=lambda s: type(s).__name__,
)
def test_values_outside_of_discrete_spaces_end_a_training(space):
    with pytest.raises(EnvironmentFailure, match="outside its space"):
        fitted(lambda: Shows([0.0, 2.0, 0.0], space))

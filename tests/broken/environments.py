"""Environments that are wrong on purpose."""

import numpy as np

from natfit import testing
from natfit.rl.environments.drift import Drift
from natfit.rl.environments.pendulum import Pendulum
from tests.broken import caught_by

CHECKS = testing.ENVIRONMENT_CHECKS


@caught_by("shapes")
class RewardColumn(Drift):
    """Rewards are a column."""

    def step(self, state, action):
        new, reward, terminated = super().step(state, action)
        return new, reward[:, None], terminated


@caught_by("episodes_end", "shapes")
class EndsAreNumbers(Drift):
    """Ends are floats."""

    def step(self, state, action):
        new, reward, terminated = super().step(state, action)
        return new, reward, terminated.astype(float)


@caught_by("copies_alike", "follows_generator", "rows_independent")
class Remembers(Drift):
    """The object counts its steps and rewards with the count."""

    count = 0

    def step(self, state, action):
        self.count += 1
        new, reward, terminated = super().step(state, action)
        return new, reward - self.count, terminated


@caught_by("starts_differ")
class OneStart(Pendulum):
    """One start for all rows."""

    def start(self, rng, n):
        return np.repeat(super().start(rng, 1), n, axis=0)


@caught_by("arguments_kept", "rows_independent")
class InPlace(Drift):
    """The state is updated in place."""

    def step(self, state, action):
        new, reward, terminated = super().step(state, action)
        state[:] = new
        return new, reward, terminated


@caught_by("arguments_kept")
class Aliased(Drift):
    """The observation is a view of the state."""

    def observe(self, state):
        return state[:, :1]


@caught_by("rows_independent")
class RowsMix(Drift):
    """The reward is the mean of all rows'."""

    def step(self, state, action):
        new, reward, terminated = super().step(state, action)
        return new, np.full(len(new), reward.mean()), terminated


@caught_by("observations_in_space")
class SpaceTooSmall(Pendulum):
    """Speeds leave the declared box."""

    def observe(self, state):
        return 1.5 * super().observe(state)


@caught_by("copies_alike", "follows_generator", "rewards_finite", "rows_independent")
class RewardNaN(Drift):
    """A logarithm of a negative action."""

    def step(self, state, action):
        new, reward, terminated = super().step(state, action)
        with np.errstate(invalid="ignore"):
            return new, np.log(action[:, 0]), terminated


class LosesParameter(Drift):
    """What is set after construction is lost in a clone."""

    def __init__(self, horizon=10):
        super().__init__(horizon)
        self.shift = 0.0

    def step(self, state, action):
        new, reward, terminated = super().step(state, action)
        return new, reward + self.shift, terminated


@caught_by("copies_alike")
def loses_what_is_set():
    """A parameter that a clone does not carry over."""
    environment = LosesParameter()
    environment.shift = 1.0
    return environment


@caught_by("episodes_end")
class Endless(Pendulum):
    """Neither a limit nor an end."""

    time_limit = None


@caught_by("parameters_valid")
def no_horizon():
    """An episode of no step."""
    return Drift(horizon=0)

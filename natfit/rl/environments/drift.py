"""The toy task of the natural policy gradient: do nothing, learned."""

from __future__ import annotations

import numpy as np

from natfit._validation import check_number
from natfit.rl.environments.base import Environment
from natfit.rl.spaces import Box


class Drift(Environment):
    """Stay at the origin of a line, where every action is a displacement.

    s_0 = 0, r(s, a) = -s^2 - a^2 with s before the move, s <- s + a. The episode terminates
    after ``horizon`` actions. The observation is s. For actions N(mu, sigma^2) regardless of s,
    the expected return is

        -T (mu^2 + sigma^2) - sum_{t<T} (t^2 mu^2 + t sigma^2),

    T being the horizon, so that the optimum is mu = sigma = 0.

    Parameters
    ----------
    horizon : int, default=10
        Number of actions T in an episode.
    """

    name = "drift"

    observation_space = Box([-np.inf], [np.inf])
    action_space = Box([-np.inf], [np.inf])

    def __init__(self, horizon: int = 10):
        self.horizon = horizon

    def check(self) -> None:
        """Horizon >= 1."""
        check_number(self.horizon, "horizon", low=1, integer=True, unit="steps")

    def start(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """(s, number of steps) = (0, 0), (n, 2)."""
        return np.zeros((n, 2))

    def step(
        self, state: np.ndarray, action: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """One move."""
        s, a = state[:, 0], action[:, 0]
        # A square that overflows is reported with its row by whoever steps.
        with np.errstate(over="ignore"):
            reward = -(s * s) - a * a
            new = np.column_stack([s + a, state[:, 1] + 1.0])
        return new, reward, new[:, 1] >= self.horizon

    def observe(self, state: np.ndarray) -> np.ndarray:
        """s, (n, 1)."""
        return state[:, :1].copy()

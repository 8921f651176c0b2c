"""The toy task of the natural policy gradient: to learn to do nothing."""

from __future__ import annotations

import numpy as np

from natfit._validation import check_number
from natfit.rl.environments.base import Environment
from natfit.rl.spaces import Box


class Drift(Environment):
    """Stay at the origin of a line, where every action is a displacement.

    The start is s = 0. An action a at s gives the reward -s^2 - a^2 and moves s to s + a. The
    observation is s. The episode terminates after ``horizon`` actions. If actions are drawn from
    N(mu, sigma^2) whatever s is, the expected return is

        -T (mu^2 + sigma^2) - sum_{t<T} (t^2 mu^2 + t sigma^2),

    where T is the horizon, so that the optimum is mu = sigma = 0. The paper (Hoagland, *Natural
    gradient methods for optimization and applications to reinforcement learning*, figure 4) starts
    at (mu, sigma) = (10, 14), and so does a policy estimator with ``start_params="paper"``.

    Parameters
    ----------
    horizon : int, default=10
        Number of actions T in an episode.
    """

    name = "drift"
    paper_start = (10.0, 14.0)

    observation_space = Box([-np.inf], [np.inf])
    action_space = Box([-np.inf], [np.inf])

    def __init__(self, horizon: int = 10):
        self.horizon = horizon

    def check(self) -> None:
        """Check that the horizon is an integer >= 1."""
        check_number(self.horizon, "horizon", low=1, integer=True, unit="steps")

    def start(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Return states (n, 2) of zeros: s and the number of steps so far."""
        return np.zeros((n, 2))

    def step(
        self, state: np.ndarray, action: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Move each s by its action; return states (n, 2), rewards (n,) and terminations (n,)."""
        s, a = state[:, 0], action[:, 0]
        # The caller checks rewards, and reports a square that overflows with its row.
        with np.errstate(over="ignore"):
            reward = -(s * s) - a * a
            new = np.column_stack([s + a, state[:, 1] + 1.0])
        return new, reward, new[:, 1] >= self.horizon

    def observe(self, state: np.ndarray) -> np.ndarray:
        """Return s of each episode, (n, 1)."""
        return state[:, :1].copy()

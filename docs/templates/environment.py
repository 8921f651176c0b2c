# Copy to natfit/rl/environments/thermostat.py.
"""A room that a weak heater is to keep at its temperature."""

from __future__ import annotations

import numpy as np

from natfit._validation import check_number
from natfit.rl.environments.base import Environment
from natfit.rl.spaces import Box


class Thermostat(Environment):
    """s <- (1 - leak) s + a and r = -s^2 after the move, for a in [-1, 1]; s_0 ~ N(0, 5^2).

    The state, and the observation, is the difference s from the temperature wanted.

    Parameters
    ----------
    leak : float, default=0.1
        Share of the difference that is lost in a step, in [0, 1].
    """

    name = "thermostat"
    observation_space = Box([-np.inf], [np.inf])
    action_space = Box([-1.0], [1.0])
    time_limit = 50

    def __init__(self, leak: float = 0.1):
        self.leak = leak

    def check(self) -> None:
        """Check that the leak is a number in [0, 1]."""
        check_number(self.leak, "leak", low=0.0, high=1.0, hint="0.1")

    def start(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Draw the first states of n episodes, (n, 1)."""
        return rng.normal(0.0, 5.0, (n, 1))

    def step(
        self, state: np.ndarray, action: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the next states (n, 1), rewards (n,) and whether each episode ended (n,)."""
        new = (1.0 - self.leak) * state + action
        return new, -np.square(new[:, 0]), np.zeros(len(new), dtype=bool)

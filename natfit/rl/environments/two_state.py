"""Two states and two actions: from some starts the plain policy gradient gets stuck."""

from __future__ import annotations

import numpy as np

from natfit._validation import check_number
from natfit.rl.environments.base import Environment
from natfit.rl.spaces import Discrete


class TwoState(Environment):
    """Stay for a reward of 1 in state 0 or 2 in state 1, or move for a reward of 0.

    Action 0 stays, action 1 moves to the other state. The best policy moves to state 1 and
    stays there. While state 1 is rarely visited, the plain gradient for it is small. From a policy
    that leaves state 1 at once and mostly stays in state 0, it first learns to stay there, which
    makes visits to state 1 rarer still. With exact gradients of the average reward in the log odds
    of staying, and steps of length 1, it is still below 1.1 of 2 after 10,000 updates from
    probabilities of staying of (0.9, 0.1), and after 300 also from (0.5, 0.1); the natural gradient
    takes 4 and 3 updates to 1.9. From equal probabilities, with which policies here begin by
    default, the plain gradient does not get stuck: it takes 15 updates, the natural one 2. The task
    never terminates and is truncated after ``time_limit`` steps.

    Parameters
    ----------
    start_probability : float, default=0.8
        Probability that an episode starts in state 0.
    time_limit : int, default=100
        Number of steps of an episode.

    References
    ----------
    Kakade (2001), A natural policy gradient, Advances in Neural Information Processing
    Systems 14, section 4.
    """

    name = "two_state"
    trusted = True

    observation_space = Discrete(2)
    action_space = Discrete(2)

    def __init__(self, start_probability: float = 0.8, time_limit: int = 100):
        self.start_probability = start_probability
        self.time_limit = time_limit

    def check(self) -> None:
        """Check that the probability is in [0, 1] and the time limit >= 1."""
        check_number(self.start_probability, "start_probability", low=0.0, high=1.0)
        check_number(self.time_limit, "time_limit", low=1, integer=True, unit="steps")

    def start(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Return state 0 with ``start_probability``, else state 1, for each episode, (n, 1)."""
        return (rng.random((n, 1)) >= self.start_probability).astype(np.float64)

    def step(
        self, state: np.ndarray, action: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Stay or move; return states (n, 1), rewards (n,) and terminations (n,), all False."""
        s = state[:, 0]
        moves = action == 1
        new = np.where(moves, 1.0 - s, s)[:, None]
        return new, np.where(moves, 0.0, 1.0 + s), np.zeros(len(s), dtype=bool)

    def observe(self, state: np.ndarray) -> np.ndarray:
        """Return the number of each state, (n,)."""
        return state[:, 0].astype(np.int64)

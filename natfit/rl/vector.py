"""n episodes side by side: what rollouts step, whatever the environment is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from natfit.rl import _checks
from natfit.rl.environments.base import Environment
from natfit.rl.spaces import Space


class Step(NamedTuple):
    """What one step of n episodes returns.

    Attributes
    ----------
    observation : ndarray of shape (n, D)
        Encoded; where an episode ended, the first of the next one.
    reward : ndarray of shape (n,)
        Of the actions given.
    terminated, truncated : ndarray of shape (n,)
        Ends by the task itself, and by a limit from outside (never both).
    final : ndarray of shape (n, D) or None
        The last observation of the episodes that ended, in their rows; other rows are
        arbitrary. None where none ended.
    valid : ndarray of shape (n,) or None
        False where the call only began a new episode and the action was ignored. None: all
        are valid.
    """

    observation: np.ndarray
    reward: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    final: np.ndarray | None = None
    valid: np.ndarray | None = None


class VectorEnvironment:
    """Base of everything that rollouts step.

    Attributes
    ----------
    name : str
        What messages call it.
    n : int
        Number of episodes side by side.
    observation_space, action_space : Space
        Of one episode.
    can_seed : bool
        Whether the start of every episode can be seeded, by ``reset`` and by ``plan``.
    """

    name: str
    n: int
    observation_space: Space
    action_space: Space
    can_seed: bool = True

    _plan: list[list[int]] | None = None
    _position: list[int]

    @property
    def plan(self) -> list[list[int]] | None:
        """Seeds of the episodes that begin when another ends: None, or n lists of ints.

        Row e's next episodes take ``plan[e]`` in order, from its beginning when the plan is
        set, again and again. None: the environment's own generators go on.

        Raises
        ------
        ValueError
            If the environment cannot seed, or the plan is not n lists that are not empty.
        """
        return self._plan

    @plan.setter
    def plan(self, plan: Sequence[Sequence[int]] | None) -> None:
        if plan is not None:
            if not self.can_seed:
                raise ValueError(
                    f"environment {self.name!r} resets by itself and cannot seed its episodes; "
                    "set plan=None"
                )
            plan = [[int(seed) for seed in row] for row in plan]
            if len(plan) != self.n or not all(plan):
                raise ValueError(
                    f"plan must be {self.n} lists with a seed or more each, got {plan!r}"
                )
        self._plan = plan
        self._position = [0] * self.n

    def _next_seed(self, row: int) -> int | None:
        """Seed of the row's next episode by the plan; moves on."""
        if self._plan is None:
            return None
        seeds, position = self._plan[row], self._position[row]
        self._position[row] = position + 1
        return seeds[position % len(seeds)]

    def _check_seeds(self, seeds: Sequence[int | None] | None) -> list[int | None]:
        """One seed or None a row."""
        if seeds is None:
            return [None] * self.n
        if len(seeds) != self.n:
            raise ValueError(f"seeds must be {self.n}, one a row, got {len(seeds)}")
        return [None if seed is None else int(seed) for seed in seeds]

    def reset(self, seeds: Sequence[int | None] | None = None) -> np.ndarray:
        """Begin n episodes and return their observations, encoded (n, D) float64.

        Parameters
        ----------
        seeds : sequence of n ints or None, optional
            One a row; None goes on with the generator there is.
        """
        raise NotImplementedError

    def step(self, actions: np.ndarray) -> Step:
        """Take one action in each episode; those that end give way to new ones.

        Parameters
        ----------
        actions : ndarray of shape (n,) or (n, A)
            Class indices from 0, or real numbers clipped to the space.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Release what was made for these episodes."""


class Simulated(VectorEnvironment):
    """n episodes of a built-in environment.

    A seed alone determines where its episode starts. Without a plan, episodes that begin when
    another ends start from one generator: the one that goes on behind the first seeded row.

    Parameters
    ----------
    environment : Environment
        The dynamics.
    n : int
        Number of episodes side by side.
    """

    def __init__(self, environment: Environment, n: int):
        environment.check()
        self.environment = environment
        self.n = n
        self.name = environment.name
        self.observation_space = environment.observation_space
        self.action_space = environment.action_space
        # Inherited trust says nothing about what a subclass changed.
        self._trusted = vars(type(environment)).get("trusted", False)
        self._limit = environment.time_limit
        self._rng = np.random.default_rng()
        self._steps = np.zeros(n, dtype=np.int64)
        self._state: np.ndarray | None = None
        self.plan = None

    def reset(self, seeds: Sequence[int | None] | None = None) -> np.ndarray:
        """Begin n episodes; see :meth:`VectorEnvironment.reset`."""
        seeds = self._check_seeds(seeds)
        generators = [None if seed is None else np.random.default_rng(seed) for seed in seeds]
        self._state = self._starts(generators)
        self._rng = next((g for g in generators if g is not None), self._rng)
        self._steps = np.zeros(self.n, dtype=np.int64)
        return self._observe(self._state, np.arange(self.n))

    def _starts(self, generators: Sequence[np.random.Generator | None]) -> np.ndarray:
        """First states (k, S), one generator a row; all rows of None at once from our own."""
        start = self.environment.start
        unseeded = [i for i, g in enumerate(generators) if g is None]
        own = start(self._rng, len(unseeded)) if unseeded else None
        if len(unseeded) == len(generators):
            return own
        seeded = [i for i, g in enumerate(generators) if g is not None]
        states = np.concatenate([start(generators[i], 1) for i in seeded])
        if own is None:
            return states
        return np.concatenate([own, states])[np.argsort([*unseeded, *seeded])]

    def _observe(self, state: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Encoded observations of states; checked unless the dynamics are trusted."""
        observation = self.environment.observe(state)
        if not self._trusted:
            space = self.observation_space
            observation = _checks.stacked(self.name, space, observation, rows, self._steps)
        return self.observation_space.encode(observation)

    def step(self, actions: np.ndarray) -> Step:
        """Take one action in each episode; see :meth:`VectorEnvironment.step`."""
        if self._state is None:
            raise RuntimeError(f"environment {self.name!r} must be reset before it is stepped")
        action = self.action_space.decode(actions)
        state, reward, terminated = self.environment.step(self._state, action)
        self._steps += 1
        if not self._trusted:
            reward = _checks.rewards(self.name, reward, self._steps)
            terminated = _checks.flags(self.name, "terminated", terminated, self._steps)
        observation = self._observe(state, np.arange(self.n) if not self._trusted else None)
        ended, truncated = terminated, np.zeros(self.n, dtype=bool)
        if self._limit is not None:
            # Without the episodes that terminated: a > b is a and not b.
            truncated = np.greater(self._steps >= self._limit, terminated)
            ended = terminated | truncated
        rows = ended.nonzero()[0]
        final = None
        if rows.size:
            final, observation = observation, observation.copy()
            state = state.copy(order="K")
            state[rows] = started = self._restart(rows)
            self._steps[rows] = 0
            observation[rows] = self._observe(started, rows)
        self._state = state
        return Step(observation, reward, terminated, truncated, final)

    def _restart(self, rows: np.ndarray) -> np.ndarray:
        """First states of the episodes that follow in these rows."""
        if self._plan is None:
            return self.environment.start(self._rng, len(rows))
        return self._starts([np.random.default_rng(self._next_seed(row)) for row in rows])

"""n episodes side by side: what rollouts step, whatever the environment is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from natfit.rl import _checks
from natfit.rl.environments.base import Environment
from natfit.rl.spaces import Discrete, MultiDiscrete, Space

_STEP = ("state", "reward", "terminated")


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
    can_wait : bool
        Whether ``step`` takes ``active``, a mask (n,) of the rows to be stepped: one or more.
        The others return their last observation, reward 0 and no end, and are not valid.
    first_row : int
        Number of the first row among those of the whole, for messages of parts.
    """

    name: str
    n: int
    observation_space: Space
    action_space: Space
    can_seed: bool = True
    can_wait: bool = False
    first_row: int = 0

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
        own = None
        if plan is not None:
            if not self.can_seed:
                raise ValueError(
                    f"environment {self.name!r} resets by itself and cannot seed its episodes; "
                    "set plan=None"
                )
            own = [[int(seed) for seed in row] for row in plan]
            if len(own) != self.n or not all(own):
                raise ValueError(
                    f"plan must be {self.n} lists with a seed or more each, got {own!r}"
                )
        self._plan = own
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
        cls = type(environment)
        unnamed = environment.name == Environment.name
        self.name = cls.__name__ if unnamed else environment.name
        for kind in ("observation_space", "action_space"):
            space = getattr(environment, kind, None)
            if not isinstance(space, Space):
                raise TypeError(
                    f"environment {self.name!r} ({cls.__name__}) must have {kind}, a Discrete, "
                    f"MultiDiscrete, MultiBinary or Box of natfit.rl, got {space!r}"
                )
            setattr(self, kind, space)
        check_choice(self.action_space, self.name)
        # Inherited trust says nothing about what a subclass changed.
        self._trusted = vars(cls).get("trusted", False)
        self._limit = environment.time_limit
        self._rng = np.random.default_rng()
        self._rows = np.arange(n)
        self._steps = np.zeros(n, dtype=np.int64)
        self._state: np.ndarray | None = None
        self._shape: tuple[int, ...] | None = None
        self.plan = None

    def reset(self, seeds: Sequence[int | None] | None = None) -> np.ndarray:
        """Begin n episodes; see :meth:`VectorEnvironment.reset`."""
        seeds = self._check_seeds(seeds)
        generators = [None if seed is None else np.random.default_rng(seed) for seed in seeds]
        self._steps = np.zeros(self.n, dtype=np.int64)
        self._shape = None
        self._state = self._starts(generators, self._rows)
        self._rng = next((g for g in generators if g is not None), self._rng)
        return self._observe(self._state, self._rows)

    def _call(self, verb: str, rows: np.ndarray, *args: Any) -> Any:
        """What a method of the dynamics returns for some rows."""
        try:
            return getattr(self.environment, verb)(*args)
        except Exception as error:
            raise _checks.raised(self, int(rows[0]), verb, error) from error

    def _checked(self, verb: str, state: Any, rows: np.ndarray) -> np.ndarray:
        """States of some rows; checked unless the dynamics are trusted."""
        if self._trusted:
            return state
        state = _checks.states(self, verb, state, rows, self._shape)
        self._shape = state.shape[1:]
        return state

    def _start(self, rng: np.random.Generator, rows: np.ndarray) -> np.ndarray:
        """First states (k, S) of some rows, from one generator."""
        return self._checked("start", self._call("start", rows, rng, len(rows)), rows)

    def _starts(
        self, generators: Sequence[np.random.Generator | None], rows: np.ndarray
    ) -> np.ndarray:
        """First states (k, S), one generator a row; all rows of None at once from our own."""
        unseeded = [i for i, g in enumerate(generators) if g is None]
        own = self._start(self._rng, rows[unseeded]) if unseeded else None
        if own is not None and len(unseeded) == len(generators):
            return own
        seeded = [(i, g) for i, g in enumerate(generators) if g is not None]
        states = np.concatenate([self._start(g, rows[i : i + 1]) for i, g in seeded])
        if own is None:
            return states
        return np.concatenate([own, states])[np.argsort([*unseeded, *(i for i, _ in seeded)])]

    def _observe(self, state: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Encoded observations of states; checked unless the dynamics are trusted."""
        observation = self._call("observe", rows, state)
        if not self._trusted:
            observation = _checks.stacked(self, observation, rows)
        return self.observation_space.encode(observation)

    def step(self, actions: np.ndarray) -> Step:
        """Take one action in each episode; see :meth:`VectorEnvironment.step`."""
        if self._state is None:
            raise RuntimeError(f"environment {self.name!r} must be reset before it is stepped")
        action = self.action_space.decode(actions)
        rows = self._rows
        self._steps += 1
        out = self._call("step", rows, self._state, action)
        state, reward, terminated = _checks.unpacked(self, 0, "step", out, _STEP)
        if not self._trusted:
            state = self._checked("step", state, rows)
            reward = _checks.rewards(self, reward, rows)
            terminated = _checks.flags(self, "terminated", terminated, rows)
        observation = self._observe(state, rows)
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
            self._steps[rows] = 0
            state[rows] = started = self._restart(rows)
            observation[rows] = self._observe(started, rows)
        self._state = state
        return Step(observation, reward, terminated, truncated, final)

    def _restart(self, rows: np.ndarray) -> np.ndarray:
        """First states of the episodes that follow in these rows."""
        if self._plan is None:
            return self._start(self._rng, rows)
        return self._starts([np.random.default_rng(self._next_seed(row)) for row in rows], rows)


def check_choice(space: Space, name: str) -> None:
    """Raise unless an action space leaves a choice.

    Parameters
    ----------
    space : Space
        The actions.
    name : str
        The environment, for the message.

    Raises
    ------
    ValueError
        For a Discrete of one value, or a MultiDiscrete with an element of one value.
    """
    counts = {Discrete: "n", MultiDiscrete: "nvec"}.get(type(space))
    if counts is not None and np.min(getattr(space, counts)) < 2:
        raise ValueError(
            f"action_space of environment {name!r} must have two actions or more to choose from "
            f"(in every element), got {space}"
        )

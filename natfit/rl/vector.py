"""Vector environments: n episodes side by side, which rollouts step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from natfit.rl import _checks
from natfit.rl.composites import Composite
from natfit.rl.environments.base import Environment
from natfit.rl.masks import mask_width
from natfit.rl.spaces import Discrete, MultiDiscrete, Space

_STEP = ("state", "reward", "terminated")


class Step(NamedTuple):
    """What one step of n episodes returns.

    Attributes
    ----------
    observation : ndarray of shape (n, D)
        Encoded observations; where an episode ended, the first of the next one.
    reward : ndarray of shape (n,)
        Rewards of the actions.
    terminated, truncated : ndarray of shape (n,)
        Whether the episode ended by the task itself, or by a limit from outside (never both).
    final : ndarray of shape (n, D) or None
        The last observation of each episode that ended, in its row; other rows are
        arbitrary. None if no episode ended.
    valid : ndarray of shape (n,) or None
        False where the call only began a new episode and ignored the action. None if all rows
        are valid.
    infos : sequence or None
        For each row the ``info`` of its step if its episode ended; other entries are arbitrary.
        None if there are none.
    """

    observation: np.ndarray
    reward: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    final: np.ndarray | None = None
    valid: np.ndarray | None = None
    infos: Sequence[Any] | None = None


class VectorEnvironment:
    """Base of everything that rollouts step.

    Attributes
    ----------
    name : str
        Name in messages.
    n : int
        Number of episodes side by side.
    observation_space, action_space : Space
        Spaces of one episode.
    can_seed : bool
        Whether the start of every episode can be seeded, by ``reset`` and by ``plan``.
    can_wait : bool
        Whether ``step`` accepts ``active``, a mask (n,) of the rows to step, at least one. The
        other rows return their last observation and reward 0, do not end, and are not valid.
    first_row : int
        For messages of a part: the number of its first row in the whole environment.
    mask : ndarray of bool, shape (n, M), or None
        Which actions the last observations allow, see :mod:`natfit.rl.masks`; None if all.
    made_here : bool
        Whether natfit made it, and therefore closes it.
    at : tuple or None
        The training and the update up to which its episodes were played; None if not known.
    spent : float or None
        Seconds in ``step`` during the last rollout in this process; None before one.
    """

    name: str
    n: int
    observation_space: Space
    action_space: Space
    can_seed: bool = True
    can_wait: bool = False
    first_row: int = 0
    mask: np.ndarray | None = None
    made_here: bool = False
    at: tuple[int, int] | None = None
    spent: float | None = None

    @property
    def keeps_episodes(self) -> bool:
        """Whether its running episodes survive a pickle."""
        return True

    _plan: list[list[int]] | None = None
    _position: list[int]

    @property
    def plan(self) -> list[list[int]] | None:
        """Seeds of the episodes that begin when another ends: None, or n lists of ints.

        The next episodes of row e take the seeds in ``plan[e]`` in order, and then from the first
        again. With None the environment continues with its own generators.

        Raises
        ------
        ValueError
            If the environment cannot seed episodes, or the plan is not n non-empty lists.
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
                    f"plan must be {self.n} lists, each with at least one seed, got {own!r}"
                )
        self._plan = own
        self._position = [0] * self.n

    def _next_seed(self, row: int) -> int | None:
        """Return the seed of the row's next episode, and advance in the plan."""
        if self._plan is None:
            return None
        seeds, position = self._plan[row], self._position[row]
        self._position[row] = position + 1
        return seeds[position % len(seeds)]

    def _check_seeds(self, seeds: Sequence[int | None] | None) -> list[int | None]:
        """Return one seed or None per row."""
        if seeds is None:
            return [None] * self.n
        if len(seeds) != self.n:
            raise ValueError(f"seeds must have length {self.n}, one per row, got {len(seeds)}")
        return [None if seed is None else int(seed) for seed in seeds]

    def reset(self, seeds: Sequence[int | None] | None = None) -> np.ndarray:
        """Begin n episodes and return their encoded observations, (n, D) float64.

        Parameters
        ----------
        seeds : sequence of n ints or None, optional
            One per row; None continues with the existing generator.
        """
        raise NotImplementedError

    def step(self, actions: np.ndarray) -> Step:
        """Take one action in each episode; new episodes replace those that end.

        Parameters
        ----------
        actions : ndarray of shape (n,) or (n, A)
            Class indices from 0, or real numbers clipped to the space.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Release the resources that were made for these episodes."""


class Simulated(VectorEnvironment):
    """n episodes of a built-in environment, side by side.

    The seed alone determines where an episode starts. Without a plan, all episodes that begin when
    another ends are started by one generator: that of the first seeded row, which continues.

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
                    f"MultiDiscrete, MultiBinary, Box, Dict or Tuple of natfit.rl, got {space!r}"
                )
            setattr(self, kind, space)
        check_choice(self.action_space, self.name)
        # A subclass may have changed what its base class was trusted for.
        self._trusted = vars(cls).get("trusted", False)
        self._has_masks = mask_width(self.action_space) > 0 and hasattr(environment, "action_masks")
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
        self._see_masks()
        return self._observe(self._state, self._rows)

    def _see_masks(self) -> None:
        """Take the masks of the states from dynamics that have ``action_masks(state)``."""
        if self._has_masks:
            masks = self._call("action_masks", self._rows, self._state)
            self.mask = _checks.masks(
                self, _checks.counted(self, "action masks", masks, self._rows), self._rows
            )

    def _call(self, verb: str, rows: np.ndarray, *args: Any) -> Any:
        """Return the result of a method of the dynamics for some rows."""
        try:
            return getattr(self.environment, verb)(*args)
        except Exception as error:
            raise _checks.raised(self, int(rows[0]), verb, error) from error

    def _checked(self, verb: str, state: Any, rows: np.ndarray) -> np.ndarray:
        """Return the states of some rows, after a check unless the dynamics are trusted."""
        if self._trusted:
            return state
        state = _checks.states(self, verb, state, rows, self._shape)
        self._shape = state.shape[1:]
        return state

    def _start(self, rng: np.random.Generator, rows: np.ndarray) -> np.ndarray:
        """Return first states (k, S) of some rows, from one generator."""
        return self._checked("start", self._call("start", rows, rng, len(rows)), rows)

    def _starts(
        self, generators: Sequence[np.random.Generator | None], rows: np.ndarray
    ) -> np.ndarray:
        """Return first states (k, S), one generator per row; rows with None share the own one."""
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
        """Return encoded observations of states, after a check unless the dynamics are trusted."""
        observation = self._call("observe", rows, state)
        if not self._trusted:
            return _checks.encoded(self, observation, rows)
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
            # Excludes the episodes that terminated: for bools, a > b means a and not b.
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
        self._see_masks()
        return Step(observation, reward, terminated, truncated, final)

    def _restart(self, rows: np.ndarray) -> np.ndarray:
        """Return the first states of the episodes that follow in these rows."""
        if self._plan is None:
            return self._start(self._rng, rows)
        return self._starts([np.random.default_rng(self._next_seed(row)) for row in rows], rows)


def check_choice(space: Space, name: str) -> None:
    """Raise ValueError unless an action space leaves a choice.

    Parameters
    ----------
    space : Space
        The action space.
    name : str
        Name of the environment, for the message.

    Raises
    ------
    ValueError
        For a Discrete of one value, or a MultiDiscrete with an element of one value.
    """
    if isinstance(space, Composite):
        for part in space.parts.values():
            check_choice(part, name)
        return
    counts = {Discrete: "n", MultiDiscrete: "nvec"}.get(type(space))
    if counts is not None and np.min(getattr(space, counts)) < 2:
        raise ValueError(
            f"action_space of environment {name!r} must have at least two actions to choose from "
            f"(in every element), got {space}"
        )

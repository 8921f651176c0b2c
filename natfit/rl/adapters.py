"""Environments of Gymnasium's form, single or vectorised, as a :class:`VectorEnvironment`.

Nothing here imports Gymnasium: an environment is known by its methods.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from natfit.rl import _checks
from natfit.rl.spaces import Box, Discrete, from_gymnasium
from natfit.rl.vector import Step, VectorEnvironment


class _Adapter(VectorEnvironment):
    """What both adapters share: spaces, actions in the form that is wanted, step numbers."""

    def __init__(self, name: str, n: int, observation_space: Any, action_space: Any, owned: bool):
        self.name, self.n, self.owned = name, n, owned
        self.observation_space = from_gymnasium(
            observation_space, f"observation_space of environment {name!r}"
        )
        self.action_space = from_gymnasium(action_space, f"action_space of environment {name!r}")
        self._dtype = np.dtype(getattr(action_space, "dtype", None) or np.float64)
        if isinstance(self.action_space, Box) and self._dtype.kind != "f":
            raise ValueError(
                f"action_space of environment {name!r} must be a Box of floats, got "
                f"{action_space!r}; declare whole numbers as Discrete or MultiDiscrete"
            )
        self._steps = np.zeros(n, dtype=np.int64)
        self._started = False
        self.plan = None

    def _actions(self, actions: np.ndarray) -> np.ndarray:
        """Actions (n, *shape) in the space's own type."""
        if not self._started:
            raise RuntimeError(f"environment {self.name!r} must be reset before it is stepped")
        actions = self.action_space.decode(actions)
        return actions.astype(self._dtype) if self._dtype.kind in "fiu" else actions

    def _encode(self, observations: Any, rows: np.ndarray) -> np.ndarray:
        """Checked observations of some rows, (k, D)."""
        space = self.observation_space
        return space.encode(_checks.stacked(self.name, space, observations, rows, self._steps))

    def _raised(self, row: int, step: int, what: str, error: Exception) -> Exception:
        """The error that says where an environment raised."""
        raised = f"{what} raised {type(error).__name__}: {error}"
        return _checks.failure(self.name, row, step, raised, "its own error is above")

    def _unpack(self, out: Any, what: str, size: int, row: int, step: int) -> Any:
        """The tuple that a method must return."""
        if isinstance(out, tuple) and len(out) == size:
            return out
        wanted = {
            2: "(observation, info)",
            5: "(observation, reward, terminated, truncated, info)",
        }[size]
        got = f"{len(out)} values" if isinstance(out, tuple) else type(out).__name__
        raise _checks.failure(
            self.name, row, step, f"{what} returned {got}", f"it must return a tuple {wanted}"
        )


class OneByOne(_Adapter):
    """Single environments, stepped one after the other.

    Parameters
    ----------
    environments : sequence of object
        Each with ``reset(seed=) -> (observation, info)``, ``step(action) -> (observation,
        reward, terminated, truncated, info)`` and the two spaces, which are read from the first.
    name : str, optional
        What messages call it; by default the id or the class of the first.
    owned : bool, default=False
        Whether ``close`` closes them.
    """

    def __init__(self, environments: Sequence[Any], name: str | None = None, owned: bool = False):
        self.environments = list(environments)
        first = self.environments[0]
        super().__init__(
            name or name_of(first),
            len(self.environments),
            first.observation_space,
            first.action_space,
            owned,
        )

    def reset(self, seeds: Sequence[int | None] | None = None) -> np.ndarray:
        """Begin n episodes; see :meth:`VectorEnvironment.reset`."""
        seeds = self._check_seeds(seeds)
        self._steps[:] = 0
        self._started = True
        return self._begin(np.arange(self.n), seeds)

    def _begin(self, rows: np.ndarray, seeds: Sequence[int | None]) -> np.ndarray:
        """Reset some rows and return their encoded observations."""
        observations = []
        for row, seed in zip(rows.tolist(), seeds, strict=True):
            try:
                out = self.environments[row].reset(seed=seed)
            except Exception as error:
                raise self._raised(row, 0, f"reset(seed={seed})", error) from error
            observations.append(self._unpack(out, "reset", 2, row, 0)[0])
        return self._encode(observations, rows)

    def step(self, actions: np.ndarray) -> Step:
        """Take one action in each episode; see :meth:`VectorEnvironment.step`."""
        actions = self._actions(actions)
        if isinstance(self.action_space, Discrete):
            actions = actions.tolist()
        elif not self.action_space.shape:
            # A row would be a number, which Gymnasium's Box does not contain.
            actions = [np.asarray(action) for action in actions]
        self._steps += 1
        steps = self._steps.tolist()
        outs = []
        row = 0
        try:
            for row, environment in enumerate(self.environments):
                outs.append(environment.step(actions[row]))
        except Exception as error:
            what = f"step({actions[row]!r})"
            raise self._raised(row, steps[row], what, error) from error
        for row, out in enumerate(outs):
            self._unpack(out, "step", 5, row, steps[row])
        observations, rewards, terminated, truncated, _ = zip(*outs, strict=True)
        reward = _checks.rewards(self.name, rewards, self._steps)
        terminated = _checks.flags(self.name, "terminated", terminated, self._steps)
        truncated = _checks.flags(self.name, "truncated", truncated, self._steps)
        truncated = np.greater(truncated, terminated)
        observation = self._encode(observations, np.arange(self.n))
        rows = (terminated | truncated).nonzero()[0]
        final = None
        if rows.size:
            final, observation = observation, observation.copy()
            self._steps[rows] = 0
            observation[rows] = self._begin(rows, [self._next_seed(row) for row in rows])
        return Step(observation, reward, terminated, truncated, final)

    def part(self, rows: slice) -> OneByOne:
        """The same environments of some rows, with their plan and running episodes."""
        other = OneByOne(self.environments[rows], self.name)
        other._steps, other._started = self._steps[rows].copy(), self._started
        other._plan = None if self._plan is None else self._plan[rows]
        other._position = self._position[rows]
        return other

    @staticmethod
    def join(parts: Sequence[OneByOne]) -> OneByOne:
        """Put parts together again, in this order."""
        whole = OneByOne([e for part in parts for e in part.environments], parts[0].name)
        whole._steps = np.concatenate([part._steps for part in parts])
        whole._started = all(part._started for part in parts)
        if all(part._plan is not None for part in parts):
            whole._plan = [row for part in parts for row in part._plan]
        whole._position = [p for part in parts for p in part._position]
        return whole

    def close(self) -> None:
        """Close the environments that were made here."""
        if self.owned:
            for environment in self.environments:
                getattr(environment, "close", lambda: None)()


class Batched(_Adapter):
    """A vector environment of Gymnasium's form, in any of its autoreset modes.

    Only one whose mode is DISABLED lets every episode be seeded: the others reset by
    themselves. One that takes a single seed gets that of the first row.

    Parameters
    ----------
    environment : object
        With ``num_envs``, ``single_observation_space``, ``single_action_space``,
        ``reset(seed=, options=)`` and ``step(actions)``; ``metadata["autoreset_mode"]`` says
        what follows the end of an episode (absent: NEXT_STEP).
    name : str, optional
        What messages call it.
    owned : bool, default=False
        Whether ``close`` closes it.
    """

    def __init__(self, environment: Any, name: str | None = None, owned: bool = False):
        mode = (getattr(environment, "metadata", None) or {}).get("autoreset_mode", "NextStep")
        self.mode = getattr(mode, "value", mode)
        # Those made of single environments take a seed for each.
        inner = getattr(environment, "unwrapped", environment)
        self._seeds_rows = hasattr(inner, "env_fns")
        self.can_seed = self.mode == "Disabled" and self._seeds_rows
        self.environment = environment
        super().__init__(
            name or name_of(environment),
            int(environment.num_envs),
            environment.single_observation_space,
            environment.single_action_space,
            owned,
        )
        self._pending = np.zeros(self.n, dtype=bool)

    def reset(self, seeds: Sequence[int | None] | None = None) -> np.ndarray:
        """Begin n episodes; see :meth:`VectorEnvironment.reset`."""
        seeds = self._check_seeds(seeds)
        self._steps[:] = 0
        self._pending[:] = False
        self._started = True
        return self._encode(self._reset(seeds), np.arange(self.n))

    def _reset(self, seeds: list[int | None], mask: np.ndarray | None = None) -> Any:
        """Raw observations (n, ...) after a reset of all rows, or of those in a mask."""
        seed = seeds if self._seeds_rows else next((s for s in seeds if s is not None), None)
        options = {} if mask is None else {"options": {"reset_mask": mask}}
        if all(s is None for s in seeds):
            seed = None
        row = 0 if mask is None else int(mask.argmax())
        try:
            out = self.environment.reset(seed=seed, **options)
        except Exception as error:
            raise self._raised(row, 0, f"reset(seed={seed})", error) from error
        # A copy: the environment may write into its own array later.
        return np.array(self._unpack(out, "reset", 2, row, 0)[0])

    def step(self, actions: np.ndarray) -> Step:
        """Take one action in each episode; see :meth:`VectorEnvironment.step`."""
        actions = self._actions(actions)
        valid = ~self._pending
        self._steps += valid
        first = int(self._steps[0])
        try:
            out = self.environment.step(actions)
        except Exception as error:
            raise self._raised(0, first, "step(actions of all rows)", error) from error
        observations, reward, terminated, truncated, info = self._unpack(out, "step", 5, 0, first)
        reward = _checks.rewards(self.name, reward, self._steps)
        terminated = _checks.flags(self.name, "terminated", terminated, self._steps) & valid
        truncated = _checks.flags(self.name, "truncated", truncated, self._steps) & valid
        truncated = np.greater(truncated, terminated)
        observation = self._encode(np.array(observations), np.arange(self.n))
        ended = terminated | truncated
        rows = ended.nonzero()[0]
        final = None
        if self.mode == "NextStep":
            self._pending = ended
            # The call that follows resets these rows, and only them.
            final = observation if rows.size else None
            self._steps[rows] = 0
            return Step(observation, reward, terminated, truncated, final, valid)
        if rows.size and self.mode == "SameStep":
            final = observation.copy()
            final[rows] = self._encode(self._finals(info, rows), rows)
            self._steps[rows] = 0
        elif rows.size:
            self._steps[rows] = 0
            seeds = [self._next_seed(row) if ended[row] else None for row in range(self.n)]
            final, observation = observation, observation.copy()
            observation[rows] = self._encode(self._reset(seeds, ended)[rows], rows)
        return Step(observation, reward, terminated, truncated, final)

    def _finals(self, info: dict, rows: np.ndarray) -> list[Any]:
        """Last observations of the rows that ended, from the infos."""
        finals = info.get("final_obs", info.get("final_observation"))
        row = int(rows[0])
        if finals is None:
            raise _checks.failure(
                self.name,
                row,
                int(self._steps[row]),
                "an episode ended without its last observation",
                "an environment in the mode SAME_STEP must return it in infos['final_obs']",
            )
        return [finals[i] for i in rows]

    def close(self) -> None:
        """Close the environment if it was made here."""
        if self.owned:
            self.environment.close()


def name_of(environment: Any) -> str:
    """The id that an environment was registered by, or its class."""
    spec = getattr(environment, "spec", None)
    inner = getattr(environment, "unwrapped", environment)
    return str(getattr(spec, "id", None) or type(inner).__name__)

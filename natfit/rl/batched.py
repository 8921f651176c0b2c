"""An adapter that makes a Gymnasium vector environment a :class:`VectorEnvironment`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from natfit.rl import _checks
from natfit.rl.adapters import _RESET, _STEP, Adapter, keeps_episode, method_of, name_of
from natfit.rl.composites import Composite
from natfit.rl.infos import row_of
from natfit.rl.vector import Step

#: What follows the end of an episode in a vector environment: Gymnasium's names and values.
_MODES = {"NEXT_STEP": "NextStep", "SAME_STEP": "SameStep", "DISABLED": "Disabled"}


class Batched(Adapter):
    """A Gymnasium vector environment, in any of its autoreset modes.

    Every episode can be seeded only in the mode DISABLED; in the other modes the environment resets
    by itself. An environment that takes a single seed is given that of the first row.

    Parameters
    ----------
    environment : object
        Has ``num_envs``, ``single_observation_space``, ``single_action_space``,
        ``reset(seed=, options=)`` and ``step(actions)``; ``metadata["autoreset_mode"]`` says
        what follows the end of an episode (NEXT_STEP if absent).
    name : str, optional
        Name in messages; by default the environment's id or class.
    owned : bool, default=False
        Whether ``close`` closes it.

    Raises
    ------
    ValueError
        If the mode is unknown, or a space is not supported.
    """

    def __init__(self, environment: Any, name: str | None = None, owned: bool = False):
        self.mode = _mode_of(environment)
        # Vector environments made of single ones take a seed for each.
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
        rows = getattr(inner, "envs", None) or ()
        by_rows = len(rows) > 0 and all(method_of(row) is not None for row in rows)
        by_rows = by_rows and hasattr(environment, "call")
        self._asked = method_of(environment) is not None or by_rows

    def reset(self, seeds: Sequence[int | None] | None = None) -> np.ndarray:
        """Begin n episodes; see :meth:`VectorEnvironment.reset`."""
        seeds = self._check_seeds(seeds)
        self._steps[:] = 0
        self._pending[:] = False
        self._started, self.mask = True, None
        return self._encode(self._reset(seeds), self._rows)

    def _see_masks(self, info: Any, rows: np.ndarray) -> None:
        """Take the masks of some rows from the infos, or else from ``action_masks()``."""
        if not self._masks or not rows.size:
            return
        found: Any = None
        if isinstance(info, dict) and info.get("action_mask") is not None:
            found = _checks.counted(self, "action masks", info["action_mask"], self._rows)
            has = info.get("_action_mask", np.ones(self.n, dtype=bool))
            found = [mask if there else None for mask, there in zip(found, has, strict=True)]
        elif self._asked:
            try:
                found = self._ask()
            except Exception as error:
                raise _checks.raised(self, 0, "action_masks()", error) from error
            found = _checks.counted(self, "action masks", found, self._rows)
        picked = [None] * len(rows) if found is None else [found[row] for row in rows]
        self.mask = _checks.masks(self, picked, rows, self.mask)

    def _ask(self) -> Any:
        """Return the masks of all rows, by the environment's own method or by those of its rows."""
        own = method_of(self.environment)
        return self.environment.call("action_masks") if own is None else own()

    def _reset(self, seeds: list[int | None], mask: np.ndarray | None = None) -> Any:
        """Return raw observations (n, ...) after a reset of all rows, or of those in a mask."""
        seed = seeds if self._seeds_rows else next((s for s in seeds if s is not None), None)
        options = {} if mask is None else {"options": {"reset_mask": mask}}
        if all(s is None for s in seeds):
            seed = None
        row = 0 if mask is None else int(mask.argmax())
        try:
            out = self.environment.reset(seed=seed, **options)
        except Exception as error:
            raise _checks.raised(self, row, f"reset(seed={seed})", error) from error
        observations, info = _checks.unpacked(self, row, "reset", out, _RESET)
        self._see_masks(info, self._rows if mask is None else mask.nonzero()[0])
        if not isinstance(self.observation_space, Composite):
            _checks.counted(self, "observations", observations, self._rows)
        return _own(observations)

    def step(self, actions: np.ndarray) -> Step:
        """Take one action in each episode; see :meth:`VectorEnvironment.step`."""
        actions = self._actions(actions)
        valid = ~self._pending
        self._steps += valid
        try:
            out = self.environment.step(actions)
        except Exception as error:
            raise _checks.raised(self, 0, "step(actions of all rows)", error) from error
        out = _checks.unpacked(self, 0, "step", out, _STEP)
        reward, terminated, truncated = self._outcome(out, self._rows)
        terminated, truncated = terminated & valid, truncated & valid
        observation = self._encode(_own(out[0]), self._rows)
        ended = terminated | truncated
        # The masks of rows that ended come with their reset, in SAME_STEP the one just done.
        on = ~ended | (self.mode == "SameStep")
        if self.mask is not None:
            self.mask = self.mask | ~on[:, None]
        self._see_masks(out[4], on.nonzero()[0])
        rows = ended.nonzero()[0]
        final = None
        infos = None
        if rows.size:
            infos = [row_of(out[4], row) if ended[row] else None for row in range(self.n)]
        if self.mode == "NextStep":
            self._pending = ended
            # The call that follows resets these rows, and only them.
            final = observation if rows.size else None
            self._steps[rows] = 0
            return Step(observation, reward, terminated, truncated, final, valid, infos)
        if rows.size and self.mode == "SameStep":
            final = observation.copy()
            final[rows] = self._encode(self._finals(out[4], rows), rows)
            self._steps[rows] = 0
        elif rows.size:
            self._steps[rows] = 0
            seeds = [self._next_seed(row) if ended[row] else None for row in range(self.n)]
            begun = self._reset(seeds, ended)
            final, observation = observation, observation.copy()
            observation[rows] = self._encode(_taken(begun, rows), rows)
        return Step(observation, reward, terminated, truncated, final, None, infos)

    def _finals(self, info: Any, rows: np.ndarray) -> Any:
        """Return the last observations of the rows that ended, taken from the infos."""
        finals = None
        if isinstance(info, dict):
            finals = info.get("final_obs", info.get("final_observation"))
        if finals is None:
            raise _checks.EnvironmentFailure(
                _checks.at_row(
                    self,
                    int(rows[0]),
                    "an episode ended without its last observation",
                    "an environment in the mode SAME_STEP must return it in infos['final_obs']",
                )
            )
        if not isinstance(finals, dict | tuple):
            _checks.counted(self, "last observations", finals, self._rows)
        return _taken(finals, rows)

    @property
    def keeps_episodes(self) -> bool:
        """Whether its running episodes survive a pickle."""
        return keeps_episode(self.environment)

    def close(self) -> None:
        """Close the environment if it was made here."""
        if self.owned:
            self._close(self.environment)


def _own(observations: Any) -> Any:
    """Return a copy of arrays, since the environment may write into them later."""
    if isinstance(observations, dict):
        return {key: _own(part) for key, part in observations.items()}
    if isinstance(observations, tuple):
        return tuple(_own(part) for part in observations)
    return observations.copy() if isinstance(observations, np.ndarray) else observations


def _taken(observations: Any, rows: np.ndarray) -> Any:
    """Return the observations of some rows, in parts if they are given so."""
    if isinstance(observations, dict):
        return {key: _taken(part, rows) for key, part in observations.items()}
    if isinstance(observations, tuple):
        return tuple(_taken(part, rows) for part in observations)
    return [observations[row] for row in rows]


def _mode_of(environment: Any) -> str:
    """Return the value of a vector environment's autoreset mode, NextStep if absent."""
    given = (getattr(environment, "metadata", None) or {}).get("autoreset_mode", "NextStep")
    mode = getattr(given, "value", given)
    for name, value in _MODES.items():
        if isinstance(mode, str) and mode.upper() in (name, value.upper()):
            return value
    raise ValueError(
        f"metadata['autoreset_mode'] of environment {name_of(environment)!r} must be one of "
        f"{list(_MODES)} (gymnasium.vector.AutoresetMode), got {given!r}"
    )

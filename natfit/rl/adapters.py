"""Adapters that make Gymnasium environments, single or vectorised, a :class:`VectorEnvironment`.

Nothing here imports Gymnasium: an environment is recognised by its methods.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from natfit.rl import _checks
from natfit.rl.composites import Composite, count, from_gymnasium
from natfit.rl.masks import mask_width
from natfit.rl.spaces import Box, Discrete, Space
from natfit.rl.vector import Step, VectorEnvironment, check_choice

_RESET = ("observation", "info")
_STEP = ("observation", "reward", "terminated", "truncated", "info")


class Adapter(VectorEnvironment):
    """What both adapters share: spaces, the conversion of actions, and counts of steps."""

    def __init__(self, name: str, n: int, observation_space: Any, action_space: Any, owned: bool):
        self.name, self.n, self.owned = name, n, owned
        self.observation_space = from_gymnasium(
            observation_space, f"observation_space of environment {name!r}"
        )
        self.action_space = from_gymnasium(action_space, f"action_space of environment {name!r}")
        check_choice(self.action_space, name)
        self._dtypes = _dtypes(action_space, self.action_space, name)
        self._rows = np.arange(n)
        self._steps = np.zeros(n, dtype=np.int64)
        self._started = False
        self._masks = not isinstance(self.action_space, Box)
        self.plan = None

    def _actions(self, actions: np.ndarray) -> Any:
        """Return actions (n, *shape) in the type of the action space."""
        if not self._started:
            raise RuntimeError(f"environment {self.name!r} must be reset before it is stepped")
        return _typed(self.action_space.decode(actions), self._dtypes)

    def _encode(self, observations: Any, rows: np.ndarray) -> np.ndarray:
        """Return the checked and encoded observations (k, D) of some rows."""
        return _checks.encoded(self, observations, rows)

    def _outcome(self, out: Sequence[Any], rows: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return checked reward, terminated and truncated (never both) of some rows, (k,) each."""
        reward = _checks.rewards(self, out[1], rows)
        terminated = _checks.flags(self, "terminated", out[2], rows)
        truncated = _checks.flags(self, "truncated", out[3], rows)
        return reward, terminated, np.greater(truncated, terminated)

    def _close(self, environment: Any) -> None:
        """Close one environment; a failure is only a warning, so that results are not lost."""
        try:
            getattr(environment, "close", lambda: None)()
        except Exception as error:
            warnings.warn(
                f"environment {self.name!r}: close() raised {type(error).__name__}: {error}; "
                "what was played before is not affected",
                RuntimeWarning,
                stacklevel=3,
            )


class OneByOne(Adapter):
    """Single environments that are stepped one after the other.

    Parameters
    ----------
    environments : sequence of object
        Each has ``reset(seed=) -> (observation, info)``, ``step(action) -> (observation,
        reward, terminated, truncated, info)`` and two spaces, which are the same in all.
    name : str, optional
        Name in messages; by default the id or the class of the first environment.
    owned : bool, default=False
        Whether ``close`` closes them.

    Raises
    ------
    ValueError
        If the spaces are not supported, or not the same in all rows.
    """

    can_wait = True

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
        for row, environment in enumerate(self.environments):
            for kind in ("observation_space", "action_space"):
                space, one = getattr(environment, kind), getattr(first, kind)
                what = f"{kind} of environment {self.name!r}"
                if space is not one and from_gymnasium(space, what) != getattr(self, kind):
                    raise ValueError(
                        f"{what} must be the same in all rows, got {one} in row 0 and {space} in "
                        f"row {row}"
                    )
        self._seen = np.zeros((self.n, self.observation_space.width))
        self._asked = [self._masks and method_of(e) is not None for e in self.environments]

    def _see_masks(self, infos: Sequence[Any], rows: np.ndarray) -> None:
        """Take the masks of some rows from their infos, or else from ``action_masks()``."""
        if not self._masks:
            return
        found: list[Any] = []
        for row, info in zip(rows.tolist(), infos, strict=True):
            mask = info.get("action_mask") if isinstance(info, dict) else None
            if mask is None and self._asked[row]:
                try:
                    mask = method_of(self.environments[row])()  # type: ignore[misc]  # it is one
                except Exception as error:
                    raise _checks.raised(self, row, "action_masks()", error) from error
            found.append(mask)
        self.mask = _checks.masks(self, found, rows, self.mask)

    def reset(self, seeds: Sequence[int | None] | None = None) -> np.ndarray:
        """Begin n episodes; see :meth:`VectorEnvironment.reset`."""
        seeds = self._check_seeds(seeds)
        self._steps[:] = 0
        self._started, self.mask = True, None
        self._seen = self._begin(self._rows, seeds)
        return self._seen.copy()

    def _begin(self, rows: np.ndarray, seeds: Sequence[int | None]) -> np.ndarray:
        """Reset some rows and return their encoded observations."""
        observations, infos = [], []
        for row, seed in zip(rows.tolist(), seeds, strict=True):
            try:
                out = self.environments[row].reset(seed=seed)
            except Exception as error:
                raise _checks.raised(self, row, f"reset(seed={seed})", error) from error
            observation, info = _checks.unpacked(self, row, "reset", out, _RESET)
            observations.append(observation)
            infos.append(info)
        encoded = self._encode(observations, rows)
        self._see_masks(infos, rows)
        return encoded

    def step(self, actions: np.ndarray, active: np.ndarray | None = None) -> Step:
        """Take one action in each active episode; see :meth:`VectorEnvironment.step`."""
        whole = self._actions(actions)
        chosen = _by_row(self.action_space, whole, self.n)
        rows = self._rows if active is None else active.nonzero()[0]
        self._steps[rows] += 1
        outs = []
        try:
            for row in rows.tolist():
                outs.append(self.environments[row].step(chosen[row]))
        except Exception as error:
            raise _checks.raised(self, row, f"step({chosen[row]!r})", error) from error
        for row, out in zip(rows.tolist(), outs, strict=True):
            _checks.unpacked(self, row, "step", out, _STEP)
        outs = list(zip(*outs, strict=True))
        outcome = self._outcome(outs, rows)
        observation = self._encode(list(outs[0]), rows)
        infos = dict(zip(rows.tolist(), outs[4], strict=True))
        if active is not None:
            everywhere = tuple(np.zeros(self.n, dtype=part.dtype) for part in outcome)
            for full, part in zip(everywhere, outcome, strict=True):
                full[rows] = part
            seen, outcome = self._seen.copy(), everywhere
            seen[rows], observation = observation, seen
        reward, terminated, truncated = outcome
        ended = terminated | truncated
        # No action follows on the last observation of an episode, whatever its mask.
        on = ~ended[rows]
        self._see_masks([info for info, goes in zip(outs[4], on, strict=True) if goes], rows[on])
        rows = ended.nonzero()[0]
        final = None
        if rows.size:
            final, observation = observation, observation.copy()
            self._steps[rows] = 0
            observation[rows] = self._begin(rows, [self._next_seed(row) for row in rows])
        self._seen = observation
        ends = None if final is None else [infos.get(row) for row in range(self.n)]
        return Step(observation, reward, terminated, truncated, final, active, ends)

    @property
    def keeps_episodes(self) -> bool:
        """Whether its running episodes survive a pickle."""
        return all(keeps_episode(environment) for environment in self.environments)

    def part(self, rows: slice) -> OneByOne:
        """Return the environments of some rows, with their plan and running episodes."""
        other = OneByOne(self.environments[rows], self.name, self.owned)
        other.made_here = self.made_here
        other.first_row = self.first_row + rows.indices(self.n)[0]
        other._steps, other._started = self._steps[rows].copy(), self._started
        other._seen = self._seen[rows].copy()
        other.mask = None if self.mask is None else self.mask[rows]
        other._plan = None if self._plan is None else self._plan[rows]
        other._position = self._position[rows]
        return other

    @staticmethod
    def join(parts: Sequence[OneByOne]) -> OneByOne:
        """Return the environments of all parts as one, in this order."""
        made = [e for part in parts for e in part.environments]
        whole = OneByOne(made, parts[0].name, all(part.owned for part in parts))
        whole.first_row, whole.made_here = parts[0].first_row, parts[0].made_here
        whole._steps = np.concatenate([part._steps for part in parts])
        whole._seen = np.concatenate([part._seen for part in parts])
        if any(part.mask is not None for part in parts):
            free = [np.ones((part.n, mask_width(whole.action_space)), dtype=bool) for part in parts]
            each = [f if p.mask is None else p.mask for p, f in zip(parts, free, strict=True)]
            whole.mask = np.concatenate(each)
        whole._started = all(part._started for part in parts)
        plans = [part._plan for part in parts if part._plan is not None]
        if len(plans) == len(parts):
            whole._plan = [row for plan in plans for row in plan]
        whole._position = [p for part in parts for p in part._position]
        return whole

    def close(self) -> None:
        """Close the environments if they were made here."""
        if self.owned:
            for environment in self.environments:
                self._close(environment)


def _dtypes(theirs: Any, ours: Space, name: str) -> Any:
    """Return the types of an action's numbers, in a dict or tuple as the action is."""
    if isinstance(ours, Composite):
        spaces = getattr(theirs, "spaces", theirs)
        found = {k: _dtypes(spaces[k], part, name) for k, part in ours.parts.items()}
        return (
            found
            if isinstance(ours.decode(np.zeros((1, count(ours)))), dict)
            else (tuple(found.values()))
        )
    dtype = np.dtype(getattr(theirs, "dtype", None) or np.float64)
    if isinstance(ours, Box) and dtype.kind != "f":
        raise ValueError(
            f"action_space of environment {name!r} must be a Box of floats, got {theirs!r}; "
            "declare whole numbers as Discrete or MultiDiscrete"
        )
    return dtype


def _typed(actions: Any, dtypes: Any) -> Any:
    """Return actions with numbers of these types."""
    if isinstance(actions, dict):
        return {key: _typed(part, dtypes[key]) for key, part in actions.items()}
    if isinstance(actions, tuple):
        return tuple(_typed(*pair) for pair in zip(actions, dtypes, strict=True))
    return actions.astype(dtypes) if dtypes.kind in "fiu" else actions


def _by_row(space: Space, actions: Any, n: int) -> list[Any]:
    """Return the action of each of n rows."""
    if isinstance(actions, dict):
        parts = {key: _by_row(space.parts[key], own, n) for key, own in actions.items()}  # type: ignore[attr-defined]  # a Dict
        return [{key: own[row] for key, own in parts.items()} for row in range(n)]
    if isinstance(actions, tuple):
        pairs = zip(space.parts.values(), actions, strict=True)  # type: ignore[attr-defined]  # a Tuple
        return list(zip(*(_by_row(part, own, n) for part, own in pairs), strict=True))
    # A row of an array of shape (n,) is a number, which Gymnasium's Box does not contain.
    return (
        actions.tolist()
        if isinstance(space, Discrete)
        else [np.asarray(action) for action in actions]
    )


def method_of(environment: Any) -> Callable | None:
    """Return the method ``action_masks`` of an environment or of what it wraps, None without."""
    found = getattr(environment, "action_masks", None)
    if found is None and hasattr(environment, "get_wrapper_attr"):
        try:
            found = environment.get_wrapper_attr("action_masks")
        except AttributeError:
            found = None
    return found if callable(found) else None


def name_of(environment: Any) -> str:
    """Return the id under which an environment was registered, or its class's name."""
    spec = getattr(environment, "spec", None)
    inner = getattr(environment, "unwrapped", environment)
    return str(getattr(spec, "id", None) or type(inner).__name__)


def keeps_episode(environment: Any) -> bool:
    """Tell whether a running episode survives a pickle.

    Environments with ``gymnasium.utils.EzPickle``, such as those of MuJoCo and Box2D, are made anew
    from their arguments when they are read.

    Returns
    -------
    bool
        False if the environment, or one that it wraps or steps, is made anew.
    """
    while environment is not None:
        held = getattr(environment, "__dict__", {})
        inside = held.get("envs", ())
        if "_ezpickle_args" in held or not all(keeps_episode(one) for one in inside):
            return False
        environment = held.get("env")
    return True

"""Property checks of environments whose dynamics are array arithmetic."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.base import clone

from natfit.rl.composites import Composite
from natfit.rl.spaces import Box, Discrete, MultiDiscrete, Space
from natfit.testing._core import NotApplicable, close, require, run_checks

#: Numbers of rows and of steps of a random walk.
_N, _STEPS = 5, 60

#: Number of steps within which random actions must end an episode without a time limit.
_LONG = 5000


def check_environment(environment: Any) -> dict[str, str]:
    """Run every check of :data:`ENVIRONMENT_CHECKS` on an environment.

    Parameters
    ----------
    environment : Environment
        One of :mod:`natfit.rl.environments`, or a user-supplied one.

    Returns
    -------
    dict
        Names of the checks that do not apply, each with the reason.

    Raises
    ------
    AssertionError
        If a check fails; the message has one line for each that does.
    """
    return run_checks(ENVIRONMENT_CHECKS, environment)


def _actions(space: Space, rng: np.random.Generator, n: int) -> np.ndarray:
    """Return random values (n, *shape) of a space; about (-2, 2) where a box is unbounded."""
    if isinstance(space, Box):
        drawn = rng.uniform(-2.0, 2.0, (n, *space.shape))
        bounded = np.isfinite(space.low) & np.isfinite(space.high)
        low, high = np.where(bounded, space.low, 0.0), np.where(bounded, space.high, 1.0)
        inside = low + (high - low) * rng.random((n, *space.shape))
        return np.where(bounded, inside, np.clip(drawn, space.low, space.high))
    if isinstance(space, Discrete):
        return space.decode(rng.integers(space.n, size=n))
    most = space.nvec if isinstance(space, MultiDiscrete) else 2
    return space.decode(rng.integers(most, size=(n, *space.shape)))


def _seen(environment: Any, state: np.ndarray) -> np.ndarray:
    """Return observations of states as one array: those of a Dict or a Tuple are encoded."""
    seen, space = environment.observe(state), environment.observation_space
    return space.encode(seen) if isinstance(space, Composite) else seen


def _walk(environment: Any, n: int = _N, steps: int = _STEPS) -> Iterator[tuple]:
    """Yield (state, action, next state, reward, terminated) of random actions."""
    rng = np.random.default_rng(3)
    state = environment.start(rng, n)
    for _ in range(steps):
        action = _actions(environment.action_space, rng, n)
        new, reward, terminated = environment.step(state, action)
        yield state, action, new, reward, terminated
        state = np.array(new)
        rows = np.flatnonzero(terminated)
        state[rows] = environment.start(rng, len(rows))


def _same_walks(what: str, a: Any, b: Any) -> None:
    """Require that two environments behave alike under the same generator."""
    for one, other in zip(_walk(a), _walk(b), strict=True):
        names = ("state", "action", "next state", "reward", "terminated")
        for name, x, y in zip(names, one, other, strict=True):
            close(f"{name} of {what}", y, x)


def shapes(environment: Any) -> None:
    """For any n, states are (n, S), observations (n, *shape), and rewards and ends (n,)."""
    space = environment.observation_space
    for n in (1, _N):
        for state, _, new, reward, terminated in _walk(environment, n):
            require(
                np.ndim(state) == 2 and len(state) == n and state.shape == new.shape,
                f"states of {n} rows have shapes {np.shape(state)} and {np.shape(new)}",
            )
            require(np.shape(reward) == (n,), f"rewards of {n} rows: {np.shape(reward)}")
            ends = np.asarray(terminated)
            require(
                ends.shape == (n,) and ends.dtype == bool,
                f"terminated of {n} rows has shape {ends.shape} and dtype {ends.dtype}",
            )
            seen = np.shape(_seen(environment, new))
            shape = (space.width,) if isinstance(space, Composite) else space.shape
            require(seen == (n, *shape), f"observations of {n} rows have shape {seen}")


def follows_generator(environment: Any) -> None:
    """The same generator and actions give the same episodes: nothing else is remembered."""
    _same_walks("a second run", environment, environment)


def starts_differ(environment: Any) -> None:
    """Rows start differently, if single rows from different generators do."""
    alone = [environment.start(np.random.default_rng(seed), 1)[0] for seed in range(20)]
    if np.ptp(np.array(alone), axis=0).max() == 0.0:
        raise NotApplicable("every episode starts in the same state")
    together = environment.start(np.random.default_rng(0), 20)
    require(np.ptp(together, axis=0).max() > 0.0, "all rows start in the same state")


def arguments_kept(environment: Any) -> None:
    """step() and observe() do not modify their arguments, and return new arrays."""
    rng = np.random.default_rng(4)
    state = environment.start(rng, _N)
    action = _actions(environment.action_space, rng, _N)
    kept = state.copy(), action.copy()
    new, reward, _ = environment.step(state, action)
    observation = _seen(environment, state)
    close("the state after step()", state, kept[0])
    close("the action after step()", action, kept[1])
    for name, array in (("next state", new), ("reward", reward), ("observation", observation)):
        require(not np.shares_memory(array, state), f"{name} shares memory with the state")


def rows_independent(environment: Any) -> None:
    """A row behaves among others as it behaves alone."""
    for state, action, *wholes in _walk(environment):
        wholes.append(_seen(environment, state))
        for row in (0, _N - 1):
            part = slice(row, row + 1)
            alone = [*environment.step(state[part], action[part]), _seen(environment, state[part])]
            names = ("next state", "reward", "terminated", "observation")
            for name, got, whole in zip(names, alone, wholes, strict=True):
                close(f"{name} of a row alone", got, np.asarray(whole)[part], rtol=1e-12)


def observations_in_space(environment: Any) -> None:
    """Observations lie in the observation space."""
    space = environment.observation_space
    for state, _, new, *_ in _walk(environment):
        for observation in (environment.observe(state), environment.observe(new)):
            inside = space.contains(observation)
            if not np.all(inside):
                row = int(np.argmin(inside))
                raise AssertionError(f"the observation of row {row} is not in {space}")


def rewards_finite(environment: Any) -> None:
    """The reward of every step is finite."""
    for _, action, _, reward, _ in _walk(environment):
        finite = np.isfinite(reward)
        require(np.all(finite), f"the reward of action {action[np.argmin(finite)]} is not finite")


def copies_alike(environment: Any) -> None:
    """Clones and pickled copies behave like the original."""
    _same_walks("a clone", environment, clone(environment))
    _same_walks("a pickled copy", environment, pickle.loads(pickle.dumps(environment)))


def parameters_valid(environment: Any) -> None:
    """check() accepts the parameters of the environment."""
    try:
        environment.check()
    except (TypeError, ValueError) as error:
        raise AssertionError(f"check() refuses the environment: {error}") from error


def episodes_end(environment: Any) -> None:
    """There is a time limit, or random actions end every episode."""
    limit = environment.time_limit
    if limit is not None:
        require(isinstance(limit, int) and limit >= 1, f"time_limit is {limit!r}")
        return
    ended = np.zeros(_N, dtype=bool)
    for *_, terminated in _walk(environment, steps=_LONG):
        ended |= terminated
        if ended.all():
            return
    raise AssertionError(f"no time limit, and an episode goes on after {_LONG} steps")


#: Every check that :func:`check_environment` runs, each called with an environment.
ENVIRONMENT_CHECKS = [
    shapes,
    follows_generator,
    starts_differ,
    arguments_kept,
    rows_independent,
    observations_in_space,
    rewards_finite,
    copies_alike,
    parameters_valid,
    episodes_end,
]

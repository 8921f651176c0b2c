"""The environments of policy estimators: who makes them, who plays in them, who closes them."""

from __future__ import annotations

import copy
import pickle
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import numpy as np

from natfit._component import same
from natfit._validation import check_number
from natfit.estimators._policy_options import as_played, same_environment
from natfit.estimators.base import NaturalEstimator
from natfit.rl.environments.base import Environment
from natfit.rl.make import adopt, copied, make_environment, release
from natfit.rl.training import Paused, State
from natfit.rl.vector import VectorEnvironment

#: Number of episodes side by side in training, and their maximum number in an evaluation.
_ENVS, _MOST_ENVS = 8, 64

#: Attributes that belong to one object, and not to what is stored or copied of it.
_OWN = ("_lent", "_closer")

#: Attributes of a fit that is under way.
_SESSION = (
    "_skl_callbacks", "_callback_fit_ctx", "_skl_callbacks_to_teardown", "_parent_callback_ctx",
)  # fmt: skip


class PlaysEpisodes(NaturalEstimator):
    """A policy estimator's environments.

    What natfit makes it closes: after an evaluation, after a fit, and after an error. With
    ``warm_start=True`` the environments of the training stay open for the next fit, until
    :meth:`close`, the end of a ``with`` block, another fit, or garbage collection. Without, the
    running episodes are kept as bytes. Environments that users made are never closed.
    """

    env: Any
    env_kwargs: Any
    n_envs: int | None
    warm_start: bool
    _state: State
    _lent: bool = False

    # ------------------------------------------------------------------------------ making

    def _made(self, n: int | None, at_will: bool = False) -> VectorEnvironment:
        """Return n new episodes of ``env`` side by side."""
        return make_environment(self.env, n, at_will, self.env_kwargs)

    def _training_environment(self) -> VectorEnvironment:
        """Return new episodes side by side, as many as ``n_envs`` says."""
        if self.n_envs is not None:
            return self._made(int(check_number(self.n_envs, "n_envs", low=1, integer=True)))
        return self._made(None if _is_vector(self.env) else _ENVS, at_will=True)

    def _kept_environment(self, seeds: np.ndarray | None) -> VectorEnvironment | None:
        """Return the environment of the previous fit if this fit goes on in it, else None."""
        before = self._state
        if before.env is None or not before.runs:
            return None
        played, options = self._played
        kept = self.n_envs in (None, before.env.n) and same_environment(self.env, played)
        kept = kept and _same_options(self.env_kwargs, options)
        if not kept or not _equal(seeds, before.seeds):
            return None
        if isinstance(before.env, Paused):
            return before.env.opened()
        if not self._lent:
            return before.env
        # The training that lent it goes on in the same object.
        if not before.env.keeps_episodes:
            return None
        try:
            return adopt(copied(before.env))
        except ValueError:
            return None

    def _evaluation_environment(self, n: int, env: Any = None) -> tuple[VectorEnvironment, bool]:
        """Return episodes for an evaluation, and whether they share an object with the training.

        Another ``env`` than the training's may be given. While a training plays in an object that
        a user made, a copy of it is evaluated.

        Returns
        -------
        env : VectorEnvironment
            The episodes, not yet begun.
        shared : bool
            Whether the training plays its episodes in the same object.

        Raises
        ------
        ValueError
            If it cannot be copied.
        """
        other = env is not None and not _is_one(env, self.env)
        env, options = (env, None) if other else (self.env, self.env_kwargs)
        vector = _is_vector(env)
        single = hasattr(env, "step") and not isinstance(env, type | Environment)
        if not vector and (other or self.n_envs != 1 or not single):
            most = min(max(n, 2), _MOST_ENVS)
            return make_environment(env, most, at_will=True, env_kwargs=options), False
        shared = not other
        if shared and (self._lent or self._fits):
            try:
                env, shared = copied(env), False
            except ValueError as error:
                raise ValueError(
                    f"{error}, so that an evaluation would disturb the training that plays in it; "
                    "pass another one as env="
                ) from error
        found = make_environment(env, None if vector else 1, env_kwargs=options)
        return (found if shared or other else adopt(found)), shared

    @property
    def _fits(self) -> bool:
        """Whether a fit of this estimator is under way, for instance in a callback."""
        return hasattr(self, "_callback_fit_ctx")

    def _as_played(self) -> tuple[Any, Any]:
        """Return what identifies the environment of this training later."""
        options = self.env_kwargs
        return as_played(self.env), dict(options) if isinstance(options, dict) else options

    # ----------------------------------------------------------------------------- closing

    def close(self) -> None:
        """Close the environments that natfit made for the training.

        The policy remains and can predict and be evaluated; a warm start begins new episodes.
        Environments that were passed as objects stay open. A ``with`` block calls this at its end.
        """
        state = getattr(self, "_state", None)
        if state is not None:
            if not (self._lent or self._fits):
                self._let_go()
                release(state.env)
            self._state = state.without_episodes()

    def __enter__(self) -> Self:
        """Return the estimator, which is closed at the end of the block."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the environments that natfit made."""
        self.close()

    def _settle(self, state: State) -> None:
        """Keep the last state of a fit, and close what no warm start will go on with."""
        before, lent = getattr(self, "_state", None), self._lent
        self._let_go()
        self._state = state if self.warm_start else state.paused()
        self._played = self._as_played()
        self.__dict__.pop("_lent", None)
        self._hold()
        if self._state is not state:
            release(state.env)
        # Episodes that went on in other processes, and came back as other objects, do not run.
        if before is not None and before.env is not state.env and before.runs and not lent:
            release(before.env)

    def _hold(self) -> None:
        """Close the environments of the training when this object is garbage."""
        state = getattr(self, "_state", None)
        if state is not None and isinstance(state.env, VectorEnvironment) and state.env.made_here:
            self._closer = weakref.finalize(self, release, state.env)

    def _let_go(self) -> None:
        """Leave the environments of the training open when this object is garbage."""
        closer = self.__dict__.pop("_closer", None)
        if closer is not None:
            closer.detach()

    # ------------------------------------------------------------------- copying and storing

    def _attributes(self) -> dict[str, Any]:
        """Return the attributes without those of one object or of a fit that is under way."""
        # A callback that keeps estimators with their callbacks would keep itself.
        own = (*_OWN, *_SESSION) if self._fits else _OWN
        return {name: value for name, value in self.__dict__.items() if name not in own}

    def __copy__(self) -> Self:
        """Return another object with the same attributes, which plays in no episode of this one."""
        other = object.__new__(type(self))
        other.__dict__.update(self._attributes())
        other._lent = True
        return other

    def __deepcopy__(self, memo: dict) -> Self:
        """Return a copy with running episodes of its own, or none if they cannot be copied."""
        other = object.__new__(type(self))
        memo[id(self)] = other
        attributes = self._attributes()
        state: State | None = attributes.pop("_state", None)
        if hasattr(self.env, "step") and not isinstance(self.env, type | Environment):
            memo[id(self.env)] = copied(self.env)
        other.__dict__.update(copy.deepcopy(attributes, memo))
        if state is not None:
            state = state.paused()
            held = isinstance(state.env, VectorEnvironment) and not state.env.keeps_episodes
            other._state = copy.deepcopy(state.without_episodes() if held else state, memo)
        return other

    def __getstate__(self) -> dict:
        """Return the attributes to pickle; episodes that cannot be pickled will begin anew."""
        attributes = self._attributes()
        _check_stored(self.env, "env")
        _check_stored(self.env_kwargs, "env_kwargs")
        state: State | None = attributes.get("_state")
        if state is None:
            return attributes
        played = attributes["_played"][0] if "_played" in attributes else None
        if played is not self.env and not isinstance(played, Environment):
            # Another environment was set after the fit; the old one may not be picklable.
            attributes["_played"] = (None, None)
        state = state.paused()
        if isinstance(state.env, VectorEnvironment):
            try:
                pickle.dumps(state.env)
                kept = state.env.keeps_episodes
            except Exception:
                kept = False
            state = state if kept else state.without_episodes()
        attributes["_state"] = state
        return attributes


@contextmanager
def released_on_error(env: Any) -> Iterator[None]:
    """Close what natfit made for an environment if anything is raised."""
    try:
        yield
    except BaseException:
        release(env)
        raise


def _is_vector(env: Any) -> bool:
    """Tell whether ``env`` is a vector environment; a class is a callable that makes one."""
    made = hasattr(env, "num_envs") or isinstance(env, VectorEnvironment)
    return made and not isinstance(env, type)


def _is_one(a: Any, b: Any) -> bool:
    """Tell whether two environments are one object, which may be wrapped."""
    inner = getattr(a, "unwrapped", a)
    return a is b or (hasattr(b, "step") and inner is getattr(b, "unwrapped", b))


def _equal(a: np.ndarray | None, b: np.ndarray | None) -> bool:
    """Tell whether both are the same seeds, or both are None."""
    return a is b is None or (a is not None and b is not None and np.array_equal(a, b))


def _same_options(a: dict | None, b: dict | None) -> bool:
    """Tell whether two sets of keyword arguments are equal, arrays included."""
    a, b = a or {}, b or {}
    return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)


def _check_stored(value: Any, name: str) -> None:
    """Raise PicklingError for what the pickle at work cannot store, and say what to do."""
    if value is None or isinstance(value, str) or _sends_code():
        return
    try:
        pickle.dumps(value)
    except Exception as error:
        raise pickle.PicklingError(
            f"{name}={value!r} cannot be pickled ({error}); for env, pass a module-level function "
            "or class, functools.partial of one, an id or a name, with env_kwargs for its "
            "arguments, and in env_kwargs values that can be pickled"
        ) from error


def _sends_code() -> bool:
    """Tell whether cloudpickle is at work, as in joblib's processes: it sends lambdas too."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_globals.get("__name__", "").endswith("cloudpickle.cloudpickle"):
            return True
        frame = frame.f_back  # type: ignore[assignment]
    return False

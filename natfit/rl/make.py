"""Construction of n episodes side by side from a name, an environment or a callable."""

from __future__ import annotations

import copy
import difflib
import functools
import inspect
import io
import pickle
import secrets
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from natfit._component import available, component_class
from natfit._extras import missing
from natfit._validation import check_number, keywords, nearest
from natfit.rl._checks import EnvironmentFailure
from natfit.rl.adapters import Adapter, OneByOne, name_of
from natfit.rl.batched import Batched
from natfit.rl.environments.base import Environment
from natfit.rl.vector import Simulated, VectorEnvironment

_FORCED = "gymnasium:"


def make_environment(
    env: Any,
    n: int | None = None,
    at_will: bool = False,
    env_kwargs: Mapping[str, Any] | None = None,
) -> VectorEnvironment:
    """Return n episodes of an environment, ready to be reset and stepped.

    Parameters
    ----------
    env : str, Environment, object or callable
        One of:

        - the name of a file in ``natfit.rl.environments``, such as "cartpole", or an object of its
          class;
        - a Gymnasium id. If its dynamics are built in ("CartPole-v1"), it gives the built-in
          environment; "gymnasium:CartPole-v1" gives Gymnasium's own;
        - an environment with Gymnasium's interface, used as it is for n = 1, else copied n times;
        - a vector environment with Gymnasium's interface, used as it is;
        - a callable without arguments that returns any of these objects; it is called n times if
          it returns single environments;
        - a :class:`VectorEnvironment`, returned as it is.
    n : int, optional
        Number of episodes side by side; by default that of a vector environment, or 1.
    at_will : bool, default=False
        Whether a vector environment that a callable returns may have another number than n.
    env_kwargs : mapping of str, optional
        Keyword arguments for what is made from a name, an id or a callable. An id whose dynamics
        are built in is made by Gymnasium if only Gymnasium's environment takes these keywords.

    Returns
    -------
    VectorEnvironment
        n episodes side by side. Its attribute ``made_here`` says whether natfit made
        environments for them, which :func:`release` closes.

    Raises
    ------
    ValueError
        For an unknown name, a space that is not supported, an n other than that of a vector
        environment, an environment that cannot be copied, or keyword arguments for an object that
        was made before.
    TypeError
        For an object that is not an environment, or a keyword that is not taken.
    ImportError
        If Gymnasium is needed and not installed.
    """
    if n is not None:
        n = check_number(n, "n_envs", low=1, integer=True)
    options = _options(env_kwargs)
    if isinstance(env, str):
        return _by_name(env, n or 1, options)
    if isinstance(env, type) and issubclass(env, Environment):
        return Simulated(_simulation(env, options), n or 1)
    made = not isinstance(env, type)
    many = made and (isinstance(env, VectorEnvironment) or hasattr(env, "num_envs"))
    single = made and hasattr(env, "step") and hasattr(env, "reset")
    if options and (many or single or isinstance(env, Environment)):
        raise ValueError(
            f"env_kwargs must be None for an environment that is made already, got {options!r} for "
            f"{env.name if isinstance(env, Environment) else name_of(env)!r}; pass its class, a "
            "function that makes it, an id or a name as env"
        )
    if many:
        return _vector(env, n)
    if isinstance(env, Environment):
        return Simulated(env, n or 1)
    if single:
        _check_form(env)
        return OneByOne([env]) if n in (None, 1) else _copies(env, n)
    if callable(env):
        return _by_factory(env, n, at_will, options)
    raise TypeError(
        "env must be a name, an environment (with reset(seed=) and step(action)) or a callable "
        f"that returns one, got {type(env).__name__}; names are {available(Environment)}"
    )


def release(env: Any) -> None:
    """Close what natfit made for an environment, once; what users made stays open.

    The environment cannot be gone on with after that.
    """
    if isinstance(env, VectorEnvironment) and env.made_here:
        env.at, env.made_here = None, False
        env.close()


def adopt(env: VectorEnvironment) -> VectorEnvironment:
    """Return an environment as one that natfit made: :func:`release` closes it."""
    if isinstance(env, Adapter):
        env.owned = True
    env.made_here = True
    return env


class _Dump(pickle.Pickler):
    """A pickler for a copy in this process: functions and classes are kept as they are."""

    def __init__(self, file: Any, kept: list[Any]):
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self.kept = kept

    def persistent_id(self, obj: Any) -> int | None:
        if not isinstance(obj, type | types.FunctionType | types.ModuleType):
            return None
        self.kept.append(obj)
        return len(self.kept) - 1


class _Load(pickle.Unpickler):
    """Reads what :class:`_Dump` has written."""

    def __init__(self, file: Any, kept: list[Any]):
        super().__init__(file)
        self.kept = kept

    def persistent_load(self, pid: int) -> Any:
        return self.kept[pid]


def copied(env: Any) -> Any:
    """Return a copy of an environment that runs, made through bytes unless it copies itself.

    Where a part cannot be copied nothing is made. ``copy.deepcopy`` would have copied other parts
    by then, such as connections, and these close the original's when they are garbage.

    Returns
    -------
    object
        The copy, in the state of the original.

    Raises
    ------
    ValueError
        If it cannot be copied.
    """
    file, kept = io.BytesIO(), list[Any]()
    try:
        if hasattr(type(env), "__deepcopy__"):
            return copy.deepcopy(env)
        _Dump(file, kept).dump(env)
        file.seek(0)
        return _Load(file, kept).load()
    except Exception as error:
        name = env.name if isinstance(env, VectorEnvironment) else name_of(env)
        raise ValueError(f"environment {name!r} cannot be copied ({error})") from error


@contextmanager
def _closed_on_error(made: list[Any]) -> Iterator[None]:
    """Close the environments that are in the list when anything is raised."""
    try:
        yield
    except BaseException:
        for one in made:
            with suppress(Exception):
                one.close()
        raise


def _options(env_kwargs: Any) -> dict[str, Any]:
    """Return keyword arguments as a dict, after a check that they are some."""
    if env_kwargs is None:
        return {}
    if not isinstance(env_kwargs, Mapping) or not all(isinstance(key, str) for key in env_kwargs):
        raise TypeError(
            "env_kwargs must be None or a dict of keyword arguments, such as {'time_limit': 100}, "
            f"got {env_kwargs!r}"
        )
    return dict(env_kwargs)


def _check_taken(options: Mapping[str, Any], known: tuple[str, ...] | None, what: str) -> None:
    """Raise TypeError for the first keyword that is not among the known; None takes all."""
    for key in options:
        if known is not None and key not in known:
            near = nearest(key, known)
            raise TypeError(
                f"env_kwargs has {key!r}, which {what} does not take"
                + (f"; did you mean {near!r}?" if near else "")
                + f"; it takes {sorted(known) if known else 'no keyword arguments'}"
            )


def _simulation(cls: type[Environment], options: Mapping[str, Any]) -> Environment:
    """Return a built-in environment with these parameters."""
    _check_taken(options, tuple(cls._get_param_names()), f"environment {cls.name!r}")
    return cls(**options)


def _by_name(name: str, n: int, options: Mapping[str, Any]) -> VectorEnvironment:
    """Return a built-in environment by its name or Gymnasium id, else one made by Gymnasium."""
    names = available(Environment)
    if name in names:
        return Simulated(_simulation(component_class(name, Environment), options), n)
    for known in names:
        cls = component_class(known, Environment)
        if cls.gymnasium_id == name and set(options) <= set(cls._get_param_names()):
            return Simulated(_simulation(cls, options), n)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    try:
        import gymnasium
    except ImportError as error:
        what = f"with env_kwargs={options!r} " if options else ""
        what = f"environment {name!r} {what}is not built in (built in are {names}{hint}) and"
        raise ImportError(missing(what, "Gymnasium", "rl")) from error
    unknown = (
        gymnasium.error.UnregisteredEnv,
        gymnasium.error.NamespaceNotFound,
        gymnasium.error.DeprecatedEnv,
    )
    own_id = name.removeprefix(_FORCED)
    _check_taken(options, _taken_by_id(gymnasium, own_id), f"environment {name!r}")
    made: list[Any] = []
    with _closed_on_error(made):
        try:
            for _ in range(n):
                # Every step is checked by natfit already.
                made.append(gymnasium.make(own_id, **{"disable_env_checker": True, **options}))
        except gymnasium.error.Error as error:
            # For an invalid id, such as "", the error is of the base class itself.
            if not isinstance(error, unknown) and type(error) is not gymnasium.error.Error:
                raise
            raise ValueError(
                f"env must be one of {names} or an id that Gymnasium knows, got {name!r}{hint} "
                f"(Gymnasium: {error})"
            ) from error
        return adopt(OneByOne(made))


def _taken_by_id(gymnasium: Any, name: str) -> tuple[str, ...] | None:
    """Return the keywords of a Gymnasium id, or None if they are not known."""
    try:
        spec = gymnasium.spec(name)
        creator = spec.entry_point
        if isinstance(creator, str):
            creator = gymnasium.envs.registration.load_env_creator(creator)
        known = keywords(creator)
    except (gymnasium.error.Error, ImportError, AttributeError, TypeError, ValueError):
        return None
    return None if known is None else (*known, "max_episode_steps", "disable_env_checker")


def _by_factory(
    factory: Any, n: int | None, at_will: bool, options: Mapping[str, Any]
) -> VectorEnvironment:
    """Return what a callable returns; it is called n times for single environments."""
    if options:
        try:
            known = keywords(factory)
        except (TypeError, ValueError):
            known = None
        name = getattr(factory, "__name__", type(factory).__name__)
        _check_taken(options, known, f"the callable {name!r} given as env")
        factory = functools.partial(factory, **options)
    first = factory()
    if isinstance(first, VectorEnvironment) or hasattr(first, "num_envs"):
        with _closed_on_error([first]):
            return adopt(_vector(first, None if at_will else n))
    if isinstance(first, Environment):
        return Simulated(first, n or 1)
    made = [first]
    with _closed_on_error(made):
        for _ in range((n or 1) - 1):
            made.append(factory())
        for one in made:
            if not (hasattr(one, "step") and hasattr(one, "reset")):
                raise TypeError(
                    "the callable given as env must return an environment with reset(seed=) and "
                    f"step(action), but it returned {type(one).__name__}"
                )
        if len({id(one) for one in made}) < len(made):
            raise ValueError(
                "the callable given as env must return a new environment each time, but returned "
                "the same object twice; build it inside the callable"
            )
        for one in made:
            _check_form(one)
        return adopt(OneByOne(made))


def _vector(env: Any, n: int | None) -> VectorEnvironment:
    """Return a vector environment, after a check that its number of episodes is n."""
    have = int(env.n if isinstance(env, VectorEnvironment) else env.num_envs)
    if n not in (None, have):
        raise ValueError(
            f"n_envs must be {have} (or None), the number of episodes of the vector environment "
            f"{name_of(env)}, got {n}"
        )
    return env if isinstance(env, VectorEnvironment) else Batched(env)


def _copies(env: Any, n: int) -> VectorEnvironment:
    """Return n copies with generators of their own; the original is not modified."""
    copies: list[Any] = []
    with _closed_on_error(copies):
        try:
            for _ in range(n):
                copies.append(copy.deepcopy(env))
        except Exception as error:
            raise ValueError(
                f"environment {name_of(env)!r} cannot be copied {n} times ({error}); give a "
                "callable that makes one, such as a function or the class itself"
            ) from error
        for one in copies:
            # Copied generators would draw the same episodes.
            try:
                one.reset(seed=secrets.randbits(31))
            except Exception as error:
                raise EnvironmentFailure(
                    f"environment {name_of(env)!r}: reset raised {type(error).__name__}: {error}; "
                    "its own error is above"
                ) from error
        return adopt(OneByOne(copies))


def _check_form(env: Any) -> None:
    """Raise unless an environment has spaces and its reset takes a seed."""
    for name in ("observation_space", "action_space"):
        if not hasattr(env, name):
            raise TypeError(f"environment {name_of(env)!r} must have an attribute {name}")
    try:
        parameters = inspect.signature(env.reset).parameters.values()
    except (TypeError, ValueError):
        return
    if not any(p.name == "seed" or p.kind is p.VAR_KEYWORD for p in parameters):
        raise TypeError(
            f"environment {name_of(env)!r} must have reset(seed=None), which returns "
            "(observation, info) and makes the episode follow the seed"
        )

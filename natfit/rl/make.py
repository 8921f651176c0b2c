"""Construction of n episodes side by side from a name, an environment or a callable."""

from __future__ import annotations

import copy
import difflib
import inspect
import secrets
from typing import Any

from natfit._component import available, component_class, resolve
from natfit._validation import check_number
from natfit.rl._checks import EnvironmentFailure
from natfit.rl.adapters import OneByOne, name_of
from natfit.rl.batched import Batched
from natfit.rl.environments.base import Environment
from natfit.rl.vector import Simulated, VectorEnvironment

_FORCED = "gymnasium:"


def make_environment(env: Any, n: int | None = None, at_will: bool = False) -> VectorEnvironment:
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

    Returns
    -------
    VectorEnvironment
        n episodes side by side.

    Raises
    ------
    ValueError
        For an unknown name, a space that is not supported, an n other than that of a vector
        environment, or an environment that cannot be copied.
    TypeError
        For an object that is not an environment.
    ImportError
        If Gymnasium is needed and not installed.
    """
    if n is not None:
        n = check_number(n, "n_envs", low=1, integer=True)
    if isinstance(env, str):
        return _by_name(env, n or 1)
    if isinstance(env, type) and issubclass(env, Environment):
        env = resolve(env, Environment)
    made = not isinstance(env, type)
    if made and (isinstance(env, VectorEnvironment) or hasattr(env, "num_envs")):
        return _vector(env, n, owned=False)
    if isinstance(env, Environment):
        return Simulated(env, n or 1)
    if made and hasattr(env, "step") and hasattr(env, "reset"):
        _check_form(env)
        return OneByOne([env]) if n in (None, 1) else OneByOne(_copies(env, n), owned=True)
    if callable(env):
        return _by_factory(env, n, at_will)
    raise TypeError(
        "env must be a name, an environment (with reset(seed=) and step(action)) or a callable "
        f"that returns one, got {type(env).__name__}; names are {available(Environment)}"
    )


def _by_name(name: str, n: int) -> VectorEnvironment:
    """Return a built-in environment by its name or Gymnasium id, else one made by Gymnasium."""
    names = available(Environment)
    if name in names:
        return Simulated(component_class(name, Environment)(), n)
    for known in names:
        cls = component_class(known, Environment)
        if cls.gymnasium_id == name:
            return Simulated(cls(), n)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    try:
        import gymnasium
    except ImportError as error:
        raise ImportError(
            f"environment {name!r} is not built in (built in are {names}) and Gymnasium is not "
            f"installed: pip install natfit[rl]{hint}"
        ) from error
    unknown = (
        gymnasium.error.UnregisteredEnv,
        gymnasium.error.NamespaceNotFound,
        gymnasium.error.DeprecatedEnv,
    )
    made: list[Any] = []
    try:
        for _ in range(n):
            # Every step is checked by natfit already.
            made.append(gymnasium.make(name.removeprefix(_FORCED), disable_env_checker=True))
    except gymnasium.error.Error as error:
        # For an invalid id, such as "", the error is of the base class itself.
        if not isinstance(error, unknown) and type(error) is not gymnasium.error.Error:
            raise
        raise ValueError(
            f"env must be one of {names} or an id that Gymnasium knows, got {name!r}{hint} "
            f"(Gymnasium: {error})"
        ) from error
    return OneByOne(made, owned=True)


def _by_factory(factory: Any, n: int | None, at_will: bool) -> VectorEnvironment:
    """Return what a callable returns; it is called n times for single environments."""
    first = factory()
    if isinstance(first, VectorEnvironment) or hasattr(first, "num_envs"):
        return _vector(first, None if at_will else n, owned=True)
    if isinstance(first, Environment):
        return Simulated(first, n or 1)
    made = [first, *(factory() for _ in range((n or 1) - 1))]
    for one in made:
        if not (hasattr(one, "step") and hasattr(one, "reset")):
            raise TypeError(
                "the callable given as env must return an environment with reset(seed=) and "
                f"step(action), but it returned {type(one).__name__}"
            )
    if len({id(one) for one in made}) < len(made):
        raise ValueError(
            "the callable given as env must return a new environment each time, but returned the "
            "same object twice; build it inside the callable"
        )
    for one in made:
        _check_form(one)
    return OneByOne(made, owned=True)


def _vector(env: Any, n: int | None, owned: bool) -> VectorEnvironment:
    """Return a vector environment, after a check that its number of episodes is n."""
    have = int(env.n if isinstance(env, VectorEnvironment) else env.num_envs)
    if n not in (None, have):
        raise ValueError(
            f"n_envs must be {have} (or None), the number of episodes of the vector environment "
            f"{name_of(env)}, got {n}"
        )
    return env if isinstance(env, VectorEnvironment) else Batched(env, owned=owned)


def _copies(env: Any, n: int) -> list[Any]:
    """Return n copies with generators of their own; the original is not modified."""
    try:
        copies = [copy.deepcopy(env) for _ in range(n)]
    except Exception as error:
        raise ValueError(
            f"environment {name_of(env)!r} cannot be copied {n} times ({error}); give a callable "
            "that makes one, such as env=lambda: MyEnvironment()"
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
    return copies


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

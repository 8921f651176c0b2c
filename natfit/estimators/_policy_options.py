"""The plan and the first state of a training, made from the options of a policy estimator."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import clone

from natfit._component import available, resolve
from natfit._validation import check_bool, check_jobs, check_number, check_option
from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import Role
from natfit.estimators._policy_presets import default_solver
from natfit.estimators._policy_start import started
from natfit.models import Model
from natfit.objectives.clipped import checked_range
from natfit.optimize.engine import resolve_engine
from natfit.rl.actions import ActionUnits, has_two_limits, unsquashed
from natfit.rl.baselines import Baseline
from natfit.rl.compatible import COMPATIBLE
from natfit.rl.composites import Composite, is_real
from natfit.rl.environments.base import Environment
from natfit.rl.evaluation import alike
from natfit.rl.infos import check_info_keys
from natfit.rl.normalizer import RunningNormalizer
from natfit.rl.policy import (
    Policy,
    action_distribution,
    first_value,
    start_eta,
)
from natfit.rl.spaces import Box, Space
from natfit.rl.spreads import spread_limits, spread_powers, with_bounded_spread
from natfit.rl.training import Plan, State
from natfit.rl.vector import VectorEnvironment
from natfit.rng import bridge_rng

#: Values of ``advantage``.
ADVANTAGES = ("gae", "reward_to_go", "total_return", *COMPATIBLE)


def checked_plan(options: Any, env: VectorEnvironment) -> tuple[Plan, Policy]:
    """Validate the options of an estimator; return the plan and a policy without parameters.

    The policy has no theta yet.

    Returns
    -------
    plan : Plan
        The resolved options.
    policy : Policy
        With an empty theta.

    Raises
    ------
    ValueError
        If an option has a value that is not allowed; the message has the rule and the remedy.
    TypeError
        If an option has a wrong type.
    """
    o = options
    solver = default_solver() if o.solver is None else o.solver
    engine = resolve_engine(o.metric, solver, o.step, o.damping, 0.0, o.max_iter)
    baseline = resolve(o.baseline, Baseline)
    baseline.check()
    space, squashed = env.action_space, unsquashed(o.distribution)[1]
    family = action_distribution(space, o.distribution)
    _check_family(family, o.entropy_bonus, squashed)
    init_std = _init_std(o.init_std, space)
    std_bounds = _std_bounds(o.std_bounds, init_std, space)
    model = _model(o, env, family, std_bounds)
    family, units = model.family, None
    if isinstance(space, Box | Composite):
        units = ActionUnits.of(space, init_std, family, squashed)
    eta0 = _start(o.start_params, family, env, units, init_std)
    unit = check_option(o.batch_unit, "batch_unit", ("steps", "episodes"))
    steps, target = o.max_env_steps, o.target_return
    plan = Plan(
        engine,
        baseline,
        _advantage(o.advantage, unit),
        check_number(o.discount, "discount", low=0.0, high=1.0, hint="0.99"),
        check_number(o.gae_lambda, "gae_lambda", low=0.0, high=1.0, hint="0.95"),
        int(check_number(o.batch_size, "batch_size", low=1, integer=True, hint="1024")),
        unit == "episodes",
        check_bool(o.normalize_advantage, "normalize_advantage"),
        check_bool(o.normalize_observations, "normalize_observations"),
        float(o.entropy_bonus),
        int(check_number(o.max_episode_steps, "max_episode_steps", low=1, integer=True)),
        _limits(o, model, space, std_bounds, eta0),
        check_jobs(o.n_jobs),
        engine.max_iter,
        None if steps is None else int(check_number(steps, "max_env_steps", low=1, integer=True)),
        None if target is None else check_number(target, "target_return"),
        **_several_steps(o, unit),
    )
    policy = Policy(family, model, eta0, env.observation_space, space, units=units)
    return plan, policy


def _advantage(value: Any, unit: str) -> str:
    """Return the advantage's name; some need whole episodes."""
    advantage = check_option(value, "advantage", ADVANTAGES)
    if advantage in ("total_return", "enac") and unit != "episodes":
        instead = "reward_to_go" if advantage == "total_return" else "lstd_q"
        raise ValueError(
            f"advantage={advantage!r} needs whole episodes, got batch_unit='steps'; set "
            f"batch_unit='episodes', or advantage={instead!r}"
        )
    return advantage


def _several_steps(options: Any, unit: str) -> dict[str, Any]:
    """Return the options of the objective, of updates of several steps, and of the history."""
    o = options
    kind = check_option(o.objective, "objective", ("surrogate", "clipped"))
    clip = checked_range(o.clip_range)
    size, target = o.minibatch_size, o.target_kl
    if size is not None:
        size = int(check_number(size, "minibatch_size", low=1, integer=True, hint="64"))
        if unit == "steps" and size > o.batch_size:
            raise ValueError(
                f"minibatch_size must be at most batch_size={o.batch_size}, got {size}; raise "
                "batch_size, or set minibatch_size=None for steps on the whole batch"
            )
    if target is not None:
        target = check_number(
            target, "target_kl", low=0.0, closed_low=False, unit="nats", hint="0.02"
        )
    return {
        "clip": clip if kind == "clipped" else None,
        "n_epochs": int(check_number(o.n_epochs, "n_epochs", low=1, integer=True, hint="10")),
        "minibatch_size": size,
        "target_kl": target,
        "info_keys": check_info_keys(o.info_keys),
    }


def _check_family(family: Distribution, entropy_bonus: Any, squashed: bool) -> None:
    """Raise a ValueError if the distribution lacks what a policy needs."""
    if not family.has_typical:
        raise ValueError(
            f"distribution must define a mode, which the greedy policy needs, and {family!r} has "
            "none; use 'normal' or 'multivariate_normal'"
        )
    bonus = check_number(entropy_bonus, "entropy_bonus", low=0.0, hint="0.01")
    if bonus > 0 and (squashed or not family.has_entropy):
        what = "a squashed distribution" if squashed else repr(family)
        raise ValueError(
            f"entropy_bonus={bonus:g} needs an entropy in closed form, and {what} has none; "
            "set entropy_bonus=0"
        )


def _model(
    options: Any, env: VectorEnvironment, family: Distribution, std_bounds: tuple[float, float]
) -> Model:
    """Return the bound model of the policy, whose family is the one of the actions.

    For a Box only the location depends on the state, or the mode, and with ``state_dependent_std``
    also the spread; a family without either depends on the state as a whole.

    Returns
    -------
    Model
        Bound to the features.

    Raises
    ------
    TypeError
        If the policy is no string and no model.
    ValueError
        If there is no such model, or it has no deviations that could depend on the state.
    """
    spec, depends = options.policy, check_bool(options.state_dependent_std, "state_dependent_std")
    if not isinstance(spec, str | Model):
        hint = "; pass a function of (theta, X) as natfit.models.Predictor(fun, start)"
        raise TypeError(
            f"policy must be a string or a Model object, got {type(spec).__name__}"
            f"{hint if callable(spec) else ''}; strings are {available(Model)}"
        )
    if isinstance(spec, str) and spec not in available(Model):
        raise ValueError(
            f"policy must be one of {available(Model)} or a Model object, got {spec!r}"
        )
    model, varying = resolve(spec, Model), set(family.params)
    if depends:
        _check_depends(model, family, env.action_space)
    if is_real(env.action_space) and not model.shared:
        # The probabilities of discrete parts depend on the observation, too.
        free = {Role.LOCATION, Role.MODE}
        if isinstance(env.action_space, Composite):
            free.add(Role.SHARE)
        central = {n for n, r in family.roles.items() if r in free}
        spread = set(spread_powers(family))
        if central:
            varying = central | spread if depends else central
        if spread & varying:
            family = with_bounded_spread(family, std_bounds)
    constant = tuple(n for n in family.params if n not in varying)
    return model.bind(env.observation_space.width, family, constant)


def _check_depends(model: Model, family: Distribution, space: Space) -> None:
    """Raise a ValueError if there are no deviations that could depend on the observation."""
    remedy = "set state_dependent_std=False"
    if isinstance(space, Composite):
        why = f"the deviations of parts of actions, as in {space}, are the same in every state"
    elif not isinstance(space, Box):
        why = f"actions in {space} have no standard deviation"
    elif model.shared:
        why = f"the policy {model!r} ignores the observation"
    elif Role.COVARIANCE in family.roles.values():
        why = f"{family!r} has a whole matrix, which std_bounds could not hold"
        remedy += ", or use MultivariateNormal(covariance='diag')"
    else:
        return
    raise ValueError(f"state_dependent_std must be False, because {why}; {remedy}")


def _init_std(value: Any, space: Space) -> Any:
    """Return the first standard deviation, a number or one for each element (A,) of a Box."""
    if not isinstance(value, list | tuple) and np.ndim(value) == 0:
        return check_number(value, "init_std", low=0.0, closed_low=False, hint="1.0")
    if not isinstance(space, Box):
        why = "several parts" if isinstance(space, Composite) else "no standard deviation"
        raise ValueError(
            f"init_std must be a number for actions in {space}, which have {why}, got {value!r}; "
            "leave the default"
        )
    try:
        array = np.asarray(value)
    except ValueError:  # rows of different lengths
        array = np.array(None)
    if array.dtype.kind not in "fiu" or array.shape != space.shape:
        raise ValueError(
            f"init_std must be a number, or an array of numbers of shape {space.shape}, one for "
            f"each element of the actions, got {value!r}"
        )
    if not (np.isfinite(array) & (array > 0.0)).all():
        raise ValueError(f"init_std must be finite and > 0, got {value!r}; try 1.0")
    return array.astype(np.float64).ravel()


def _std_bounds(bounds: Any, init_std: Any, space: Space) -> tuple[float, float]:
    """Return the limits of standard deviations in units of the Box, which hold the first ones."""
    try:
        low, high = (float(b) for b in bounds)
    except (TypeError, ValueError):
        low, high = np.nan, np.nan
    if not 0.0 < low <= high < np.inf:
        raise ValueError(
            "std_bounds must be (low, high), two numbers with 0 < low <= init_std <= high, got "
            f"{bounds!r}; try (1e-3, 10.0)"
        )
    # Elements without two limits have the first standard deviation as their unit.
    two = has_two_limits(space)
    first = np.where(two, init_std, 1.0)
    outside = np.flatnonzero((first < low) | (first > high))
    if len(outside):
        rule = "low <= init_std <= high" if two[outside[0]] else "low <= 1 <= high"
        why = "" if two[outside[0]] else ", in multiples of init_std without two limits"
        raise ValueError(
            f"std_bounds must be (low, high) with 0 < {rule}{why}, got {bounds!r} with "
            f"init_std={init_std!r}; try (1e-3, 10.0)"
        )
    return low, high


def _limits(
    options: Any, model: Model, space: Space, bounds: tuple, eta0: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the limits (P,) of theta, which give way to the start of a publication."""
    low, high = spread_limits(model, space, bounds)
    if isinstance(options.start_params, str):
        theta = model.init(np.random.default_rng(0), eta0)
        return np.minimum(low, theta), np.maximum(high, theta)
    return low, high


def _published(params: str, family: Distribution, env: VectorEnvironment) -> dict[str, Any]:
    """Return the native parameters, in the unit of the actions, with which a publication starts."""
    at = getattr(getattr(env, "environment", None), "paper_start", None)
    if params != "paper" or at is None:
        raise ValueError(
            "start_params must be a dict of native values, or 'paper' for an environment that "
            f"declares paper_start (drift does), got {params!r} for {env.name!r}; leave "
            "start_params=None to start in the middle"
        )
    location, scale = (np.full(env.action_space.width, value) for value in at)
    if family.event_shape == ():
        location, scale = location[0], scale[0]
    return {
        name: location
        if family.roles.get(name) is Role.LOCATION
        else first_value(family, name, scale)
        for name in family.params
    }


def _start(
    params: Any,
    family: Distribution,
    env: VectorEnvironment,
    units: ActionUnits | None,
    init_std: Any,
) -> np.ndarray:
    """Return eta (K,) of the first policy."""
    if params is None:
        return start_eta(family, env.action_space, init_std)
    if isinstance(params, str):
        params = _published(params, family, env)
    if not isinstance(params, dict):
        raise TypeError(
            "start_params must be a dict with a native value for each of "
            f"{list(family.params)}, got {params!r}"
        )
    try:
        return family.eta(**(params if units is None else units.from_native(family, params)))
    except (TypeError, ValueError) as error:
        raise ValueError(f"start_params must be valid native values: {error}") from error


def first_state(options: Any, plan: Plan, policy: Policy) -> State:
    """Return the state before the first update; ``random_state`` is read here, once."""
    if options.start_theta is not None and options.start_params is not None:
        raise ValueError(
            "start_params must be None where start_theta says where the policy starts, got "
            f"{options.start_params!r}; set one of them to None"
        )
    rng = bridge_rng(options.random_state)
    root = int(rng.integers(2**63))
    theta = policy.model.init(np.random.default_rng((root, 0, 3)), policy.theta)
    normalizer = None
    if options.normalize_observations:
        normalizer = RunningNormalizer.empty(policy.observation_space.width)
    theta, normalizer = started(options.start_theta, policy, theta, normalizer)
    low, high = plan.limits
    # A start at a limit is there but for rounding.
    slack = 1e-12 * (1.0 + np.abs(theta))
    outside = np.flatnonzero((theta < low - slack) | (theta > high + slack))
    if len(outside):
        name = policy.model.names()[outside[0]]
        given = "start_params" if options.start_theta is None else "start_theta"
        raise ValueError(
            f"{given} must lie inside std_bounds={options.std_bounds!r}, which are in half "
            "widths of a bounded Box, or in multiples of init_std where there are no two limits, "
            f"but {name!r} does not; widen std_bounds"
        )
    theta = np.clip(np.asarray(theta, dtype=np.float64), low, high)
    policy = replace(policy, theta=theta, normalizer=normalizer)
    return State(policy, root, normalizer=normalizer)


def resumable(options: Any, state: State, plan: Plan, policy: Policy) -> State:
    """Return the last state of the previous fit if it has this policy and these spaces.

    If the baseline was replaced, it begins anew, and so does a normaliser if there was none.

    Returns
    -------
    State
        The state, with the model and the limits of this policy.

    Raises
    ------
    ValueError
        If the policy, the distribution or the spaces have changed.
    """
    old = state.policy
    changed = []
    for name in ("observation_space", "action_space"):
        was, now = getattr(old, name), getattr(policy, name)
        if not alike(was, now):
            changed.append(f"{name} was {was} and is {now}")
    if type(old.model) is not type(policy.model) or old.model != policy.model:
        changed.append(f"policy was {old.model} and is {policy.model}")
    if old.distribution != policy.distribution:
        changed.append(f"distribution was {old.distribution} and is {policy.distribution}")
    if policy.units is not None and old.units is not None:
        if old.units.squashed != policy.units.squashed:
            ways = ["squashed" if u.squashed else "not squashed" for u in (old.units, policy.units)]
            changed.append(f"distribution was {ways[0]} and is {ways[1]}")
    if changed:
        raise ValueError(
            "warm_start=True needs the policy and the spaces of the previous fit or checkpoint, "
            f"but policy, distribution or env have changed ({'; '.join(changed)}); set "
            "warm_start=False"
        )
    if plan.baseline != options.baseline_.options:
        state = replace(state, baseline=None)
    if type(plan.engine.step) is not type(options.step_):
        # Another rule cannot read what this one kept.
        state = replace(state, memory=None)
    if plan.normalize_observations and state.normalizer is None:
        empty = RunningNormalizer.empty(policy.observation_space.width)
        state = replace(state, normalizer=empty, policy=replace(old, normalizer=empty))
    return state


def as_played(env: Any) -> Any:
    """Return what identifies an environment later: its class and parameters, or itself.

    Returns
    -------
    object
        A copy without state of a built-in environment.

    Raises
    ------
    TypeError
        If a built-in environment does not store what its constructor takes.
    """
    if not isinstance(env, Environment):
        return env
    try:
        return clone(env)
    except (AttributeError, RuntimeError, TypeError) as error:
        raise TypeError(
            f"env must store each argument of {type(env).__name__}.__init__ as an attribute of its "
            f"name, unchanged, as scikit-learn's estimators do: {error}"
        ) from error


def same_environment(env: Any, played: Any) -> bool:
    """Tell whether an environment is the one that was played."""
    if isinstance(env, Environment) or isinstance(env, str):
        return type(env) is type(played) and env == played
    return env is played

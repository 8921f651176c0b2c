"""Export of policies: a function of numpy alone with everything that a policy does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from natfit.distributions.wrappers.constrained import Constrained
from natfit.models.constant import Constant
from natfit.models.linear import Linear
from natfit.models.mlp import MLP, cut
from natfit.rl import _numpy_policy
from natfit.rl.normalizer import LIMIT
from natfit.rl.spaces import Box, Discrete, MultiBinary, MultiDiscrete, Space

if TYPE_CHECKING:
    from natfit.rl.policy import Policy

#: Rows of observations on which an export is compared with the policy.
_ROWS = 50


def to_numpy(policy: Policy) -> _numpy_policy.NumpyPolicy:
    """Return a policy as a function of numpy alone, which can be pickled and needs no natfit.

    It encodes and standardises observations, evaluates the model, and returns actions in their
    unit, cut to their limits. Its methods are ``predict`` (which it is itself when called),
    ``sample``, ``predict_proba`` for discrete actions, and ``save``, which writes an .npz.

    Returns
    -------
    NumpyPolicy
        Arrays and the text of its own class; compared with the policy on random observations.

    Raises
    ------
    ValueError
        If the policy's model, distribution or spaces cannot be exported.
    """
    parts = {**_observations(policy), **_model(policy), **_actions(policy)}
    source = Path(_numpy_policy.__file__).read_text(encoding="utf-8")
    found = _numpy_policy.NumpyPolicy(parts, source)
    rows = _some(policy)
    want = policy.to_space(policy.greedy(policy.encoded(rows)))
    if not np.allclose(found(rows), want, rtol=1e-6, atol=1e-9):
        raise ValueError(
            f"natfit cannot export actions of {policy.distribution!r} in {policy.action_space}: "
            "the export would act otherwise than the policy; use a normal distribution"
        )
    return found


def _observations(policy: Policy) -> dict[str, Any]:
    """Return the parts that encode and standardise observations."""
    space, normalizer = policy.observation_space, policy.normalizer
    if not isinstance(space, Discrete | MultiDiscrete | Box | MultiBinary):
        raise ValueError(f"natfit cannot export observations in {space}; flatten them to a Box")
    parts: dict[str, Any] = {"observation_shape": np.array(space.shape, dtype=np.int64)}
    if isinstance(space, Discrete | MultiDiscrete):
        parts["observation_counts"], parts["observation_start"] = _counts(space)
    if normalizer is not None:
        parts |= {"mean": normalizer.mean, "scale": normalizer.scale, "limit": LIMIT}
    return parts


def _counts(space: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return number of values and smallest value of every element of a space."""
    if isinstance(space, Discrete):
        return np.array([space.n]), np.array([space.start])
    return space.nvec.ravel(), space.start.ravel()


def _model(policy: Policy) -> dict[str, Any]:
    """Return the weights of a linear model or a network as layers, or the eta of a constant."""
    model, theta = policy.model, policy.theta
    if type(model) is Constant:
        return {"eta": model.eta(theta, None)[0]}
    if type(model) is Linear:
        weights = theta[: model._size].reshape(-1, len(model.varying))
        if not model.intercept:
            weights = np.vstack([weights, np.zeros(weights.shape[1])])
        layers, activation = [weights], ""
    elif type(model) is MLP:
        layers, activation = cut(theta[: model._size], model._shapes), model.activation
    else:
        raise ValueError(
            f"natfit exports the models constant, linear and mlp, got {model!r}; a function of "
            "the user's is not natfit's to export"
        )
    own = {"varying": model.varying, "constant": model.constant, "constants": theta[model._size :]}
    named = {f"layer{k}": np.array(layer) for k, layer in enumerate(layers)}
    return {**own, **named, "layers": len(layers), "activation": activation}


def _actions(policy: Policy) -> dict[str, Any]:
    """Return the parts that make actions of the model's outputs."""
    space, family = policy.action_space, policy.distribution
    if not isinstance(space, Discrete | MultiDiscrete | Box | MultiBinary):
        raise ValueError(
            f"natfit cannot export actions in {space}, which have several parts; make them one "
            "Box or MultiDiscrete"
        )
    shape = np.array(space.shape, dtype=np.int64)
    if isinstance(space, Discrete | MultiDiscrete):
        counts, start = _counts(space)
        kind = {"action_counts": counts, "action_start": start}
        return {"actions": "multi_discrete", "action_shape": shape, **kind}
    if isinstance(space, MultiBinary):
        return {"actions": "multi_binary", "action_shape": shape}
    units, inner = policy.units, family
    curve: dict[str, Any] = {}
    if isinstance(family, Constrained):
        # Deviations that depend on the observation: their logarithm follows a curve.
        inner, (held, *_) = family.inner, family.given.values()
        curve = dict(zip(("spread_middle", "spread_half"), held.middle, strict=True))
    names, named = list(inner.params), type(inner).__name__
    normal = names == ["loc", "scale"] and "Normal" in named
    if units is None or not (normal or named == "MultiBeta"):
        raise ValueError(
            f"natfit exports normal distributions of real actions with own deviations, and beta "
            f"distributions, got {family!r}; leave distribution=None"
        )
    width = len(units.origin)
    place = np.arange(family.n_params)
    loc, spread = (place[family.blocks[name]] for name in names)
    limits = {"origin": units.origin, "unit": units.unit, "low": units.low, "high": units.high}
    own = {"loc": loc, "log_spread": np.resize(spread, width), **limits, **curve}
    own |= {"squashed": np.array(units.squashed), "beta": np.array(not normal)}
    return {"actions": "box", "action_shape": shape, **own}


def _some(policy: Policy) -> np.ndarray:
    """Return some observations, near those that the normaliser has seen."""
    rng, space = np.random.default_rng(0), policy.observation_space
    if isinstance(space, Box):
        rows = rng.standard_normal((_ROWS, space.width))
        if policy.normalizer is not None:
            rows = policy.normalizer.mean + policy.normalizer.scale * rows
        return rows.reshape(_ROWS, *space.shape)
    return _whole(space, rng)


def _whole(space: Space, rng: np.random.Generator) -> np.ndarray:
    """Return some values of a discrete space."""
    if isinstance(space, MultiBinary):
        return rng.integers(2, size=(_ROWS, *space.shape))
    counts, start = _counts(space)
    rows = start + rng.integers(counts, size=(_ROWS, len(counts)))
    return rows.reshape(_ROWS, *space.shape)

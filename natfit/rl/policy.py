"""Policies: a conditional model and a distribution between two spaces."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from natfit._component import resolve
from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import Role
from natfit.models import Model
from natfit.rl.normalizer import LIMIT, RunningNormalizer
from natfit.rl.spaces import Box, Discrete, MultiBinary, MultiDiscrete, Space
from natfit.rows import Memory


@dataclass(frozen=True)
class Policy:
    """pi(a | s) = p(a | eta(theta, x(s))) with the normalised features x of a state.

    Attributes
    ----------
    distribution : Distribution
        The distribution of actions, bound to the action space.
    model : Model
        The model, bound to the features and the distribution.
    theta : ndarray of shape (P,)
        Parameters of the model.
    observation_space, action_space : Space
        Spaces of one episode.
    normalizer : RunningNormalizer or None
        Standardises observations; None leaves them as they are.
    """

    distribution: Distribution
    model: Model
    theta: np.ndarray
    observation_space: Space
    action_space: Space
    normalizer: RunningNormalizer | None = None

    def with_theta(self, theta: np.ndarray) -> Policy:
        """Return the policy with another theta."""
        return replace(self, theta=theta)

    @cached_property
    def _frame(self) -> tuple[np.ndarray, np.ndarray] | None:
        normalizer = self.normalizer
        return None if normalizer is None else (normalizer.mean, normalizer.scale)

    def normalised(self, encoded: np.ndarray) -> np.ndarray:
        """Return the features x (n, D) of encoded observations (n, D), standardised and clipped."""
        if self._frame is None:
            return encoded
        mean, scale = self._frame
        out = (encoded - mean) / scale
        return np.minimum(np.maximum(out, -LIMIT, out=out), LIMIT, out=out)

    def eta(self, encoded: np.ndarray) -> np.ndarray:
        """Return eta (n, K) of encoded observations (n, D); (1, K) for a constant model."""
        return self.model.eta(self.theta, self.normalised(encoded))

    def act(self, encoded: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw an action for each encoded observation (n, D), as a value y of the distribution."""
        eta = self.eta(encoded)
        if len(eta) == len(encoded):
            return self.distribution.sample(eta, rng)
        return self.distribution.sample(eta, rng, len(encoded))

    def greedy(self, encoded: np.ndarray) -> np.ndarray:
        """Return the most probable action for each encoded observation, as the distribution's y."""
        mode = self.distribution.mode(self.eta(encoded))
        return mode if len(mode) == len(encoded) else np.repeat(mode, len(encoded), axis=0)

    @cached_property
    def _edges(self) -> tuple[np.ndarray, np.ndarray] | None:
        space = self.action_space
        return (space.low.ravel(), space.high.ravel()) if isinstance(space, Box) else None

    def clipped(self, actions: np.ndarray) -> np.ndarray:
        """Return the actions that the environment is given: a Box's are clipped to its limits.

        The log-density is always that of the action drawn, not of the clipped one.

        Returns
        -------
        ndarray
            Actions of the same shape, (n, A) for a Box.
        """
        if self._edges is None:
            return actions
        low, high = self._edges
        return np.minimum(np.maximum(actions.reshape(len(actions), -1), low), high)

    def to_space(self, actions: np.ndarray) -> np.ndarray:
        """Return actions as values of the action space, (n, *shape)."""
        return self.action_space.decode(self.clipped(actions))

    def encoded(self, observations: Any) -> np.ndarray:
        """Return the features (n, D) of observations (n, *shape).

        Returns
        -------
        ndarray of shape (n, D)
            Features in float64, not normalised.

        Raises
        ------
        ValueError
            If the shape differs, or an observation is not finite or not in a discrete space.
        """
        space = self.observation_space
        values = np.asarray(observations)
        if values.dtype.kind not in "fiub":
            raise ValueError(f"observations must be numbers, got dtype {values.dtype}")
        if values.ndim != 1 + len(space.shape) or values.shape[1:] != space.shape:
            want = ", ".join(["n", *map(str, space.shape)])
            one = "; pass [observation] for one" if values.shape == space.shape else ""
            raise ValueError(f"observations must have shape ({want}), got {values.shape}{one}")
        if len(values) == 0:
            raise ValueError("observations must have at least one row, got none")
        encoded = space.encode(values)
        fine = np.isfinite(encoded).all(axis=1)
        if not fine.all():
            where = int(np.argmin(fine))
            raise ValueError(f"observations must be finite, got {values[where]} at row {where}")
        if not isinstance(space, Box) and not np.all(space.contains(values)):
            where = int(np.argmin(space.contains(values)))
            raise ValueError(
                f"observations must lie in {space}, got {values[where]} at row {where}"
            )
        return encoded

    def from_space(self, actions: Any) -> np.ndarray:
        """Return actions of the action space as the distribution's y, (n,) or (n, A).

        Returns
        -------
        ndarray of shape (n,) or (n, A)
            Class indices from 0, or real numbers.

        Raises
        ------
        ValueError
            If the shape is not that of n actions, or a discrete action is not in the space.
        """
        space = self.action_space
        values = np.asarray(actions, dtype=np.float64)
        if values.ndim != 1 + len(space.shape) or values.shape[1:] != space.shape:
            raise ValueError(
                f"actions must have shape (n, {', '.join(map(str, space.shape))}) for {space}, "
                f"got {values.shape}"
            )
        if not np.all(np.isfinite(values)):
            where = int(
                np.flatnonzero(~np.isfinite(values.reshape(len(values), -1)).all(axis=1))[0]
            )
            raise ValueError(f"actions must be finite, got {values[where]} at row {where}")
        if not isinstance(space, Box):
            inside = space.contains(values)
            if not np.all(inside):
                where = int(np.argmin(inside))
                raise ValueError(f"actions must lie in {space}, got {values[where]} at row {where}")
            values = values - getattr(space, "start", 0)
            return values.reshape((len(values), *self.distribution.event_shape))
        return values.reshape((len(values), *self.distribution.event_shape))


def action_distribution(space: Space, distribution: Any = None) -> Distribution:
    """Return the distribution of actions in a space, bound to it.

    The default is a categorical for Discrete, independent categoricals for MultiDiscrete,
    independent Bernoullis for MultiBinary, and independent normals with their own variances for
    a Box. ``distribution`` replaces the default.

    Returns
    -------
    Distribution
        Distribution of A numbers, the elements of an action.

    Raises
    ------
    ValueError
        If the distribution does not fit the space.
    """
    width = int(np.prod(space.shape, dtype=int))
    if distribution is None:
        if isinstance(space, Discrete):
            return _family("categorical", n=space.n)
        if isinstance(space, MultiDiscrete):
            return _family("multi_categorical", nvec=tuple(space.nvec.ravel().tolist()))
        if isinstance(space, MultiBinary):
            return _family("multi_bernoulli", dim=width)
        return _family("multivariate_normal", covariance="diag", dim=width)
    family = resolve(distribution, Distribution)
    if isinstance(space, Box):
        example = np.zeros((2, width)) if family.event_shape != () else np.zeros(2)
        family = family.bind(Memory(example))
        fits = family.event_shape == (width,) or (family.event_shape == () and width == 1)
    else:
        default = action_distribution(space)
        options = {k: v for k, v in default.get_params().items() if hasattr(family, k)}
        family = type(family)(**{**family.get_params(deep=False), **options})
        fits = family.event_shape == default.event_shape and type(family) is type(default)
    if not fits or (
        isinstance(space, Box) and family.support is not None and family.support.integer
    ):
        raise ValueError(
            f"distribution {family!r} does not describe actions in {space}; leave "
            "distribution=None to take the one that fits"
        )
    return family


def _family(name: str, **options: Any) -> Distribution:
    """Return a distribution by the name of its file."""
    return type(resolve(name, Distribution))(**options)


def start_eta(family: Distribution, space: Space, init_std: float) -> np.ndarray:
    """Return eta (K,) of the first policy: a Box's centre, equal probabilities if discrete.

    ``init_std`` is in units of half the width of a bounded Box, and of 1 for an unbounded one.

    Returns
    -------
    ndarray of shape (K,)
        Eta in the distribution's order.
    """
    if not isinstance(space, Box):
        return np.zeros(family.n_params)
    centre, half = box_units(space)
    if family.event_shape == ():
        centre, half = centre[0], half[0]
    return family.eta(**{n: _first(family, n, centre, init_std * half) for n in family.params})


def _first(family: Distribution, name: str, centre: np.ndarray, scale: np.ndarray) -> Any:
    """Return a parameter of the first policy; 10 for one that is no location or scale (df)."""
    role = family.roles.get(name)
    if role is Role.LOCATION:
        return centre
    if role is Role.COVARIANCE:
        return np.diag(scale**2)
    if role is not Role.SCALE:
        return 10.0
    return scale if family.params[name].shape else np.sqrt(np.mean(np.square(scale)))


def box_units(space: Box) -> tuple[np.ndarray, np.ndarray]:
    """Return centre and half width of every element of a Box, (A,) each.

    They are 0 and 1 where an element has no limits. Where it has a limit on one side only, the
    centre is moved to be at least one unit inside that limit.

    Returns
    -------
    centre, half : ndarray of shape (A,)
        In the unit of the actions.
    """
    low, high = np.ravel(space.low), np.ravel(space.high)
    bounded = np.isfinite(low) & np.isfinite(high)
    with np.errstate(invalid="ignore", over="ignore"):
        width = high - low
        bounded &= np.isfinite(width)
        # With one limit only: one unit inside it.
        inside = np.clip(0.0, np.minimum(low + 1.0, high), np.maximum(high - 1.0, low))
        centre = np.where(bounded, low + 0.5 * width, inside)
        half = np.where(bounded, 0.5 * width, 1.0)
    return centre, np.where(half > 0, half, 1.0)


def spread_limits(
    model: Model, space: Space, std_bounds: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Return limits (P,) of theta: the model's, with standard deviations in ``std_bounds``."""
    low, high, steps = model.limits()
    low, high = low.copy(), high.copy()
    logs = np.flatnonzero(np.isfinite(steps) & _spreads(model))
    if isinstance(space, Box) and len(logs):
        _, half = box_units(space)
        half = half if len(half) == len(logs) else np.full(len(logs), np.exp(np.log(half).mean()))
        low[logs] = np.maximum(low[logs], np.log(half * std_bounds[0]))
        high[logs] = np.minimum(high[logs], np.log(half * std_bounds[1]))
    return low, high


def _spreads(model: Model) -> list[bool]:
    """Tell which entries of theta (P,) are coordinates of a scale that no x changes."""
    family, spread = model.family, (Role.SCALE, Role.COVARIANCE)
    names, own = family.eta_names(), set()
    for name, block in family.blocks.items():
        if family.roles.get(name) in spread:
            own.update(names[block])
    return [name in own for name in model.names()]

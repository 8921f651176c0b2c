"""A policy: a conditional model and a distribution, between two spaces."""

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


@dataclass(frozen=True)
class Policy:
    """pi(a | s) = p(a | eta(theta, x(s))), x the normalised features of a state.

    Attributes
    ----------
    distribution : Distribution
        Bound to the action space.
    model : Model
        Bound to the features and the distribution.
    theta : ndarray of shape (P,)
    observation_space, action_space : Space
    normalizer : RunningNormalizer or None
    """

    distribution: Distribution
    model: Model
    theta: np.ndarray
    observation_space: Space
    action_space: Space
    normalizer: RunningNormalizer | None = None

    def with_theta(self, theta: np.ndarray) -> Policy:
        """The policy at another theta."""
        return replace(self, theta=theta)

    @cached_property
    def _frame(self) -> tuple[np.ndarray, np.ndarray] | None:
        normalizer = self.normalizer
        return None if normalizer is None else (normalizer.mean, normalizer.scale)

    def normalised(self, encoded: np.ndarray) -> np.ndarray:
        """Features x (n, D) of encoded observations (n, D), as the normaliser has them."""
        if self._frame is None:
            return encoded
        mean, scale = self._frame
        out = (encoded - mean) / scale
        return np.minimum(np.maximum(out, -LIMIT, out=out), LIMIT, out=out)

    def eta(self, encoded: np.ndarray) -> np.ndarray:
        """Eta (n, K) of encoded observations (n, D); (1, K) from a constant model."""
        return self.model.eta(self.theta, self.normalised(encoded))

    def act(self, encoded: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw an action for each observation, as the distribution's y."""
        eta = self.eta(encoded)
        if len(eta) == len(encoded):
            return self.distribution.sample(eta, rng)
        return self.distribution.sample(eta, rng, len(encoded))

    def greedy(self, encoded: np.ndarray) -> np.ndarray:
        """The most probable action for each observation, as the distribution's y."""
        mode = self.distribution.mode(self.eta(encoded))
        return mode if len(mode) == len(encoded) else np.repeat(mode, len(encoded), axis=0)

    @cached_property
    def _edges(self) -> tuple[np.ndarray, np.ndarray] | None:
        space = self.action_space
        return (space.low.ravel(), space.high.ravel()) if isinstance(space, Box) else None

    def clipped(self, actions: np.ndarray) -> np.ndarray:
        """What the environment gets: numbers inside the box, (n, A); classes as they are.

        The log-density is that of the action drawn, never of the one clipped.

        Returns
        -------
        ndarray
            Of the actions' shape, (n, A) for a Box.
        """
        if self._edges is None:
            return actions
        low, high = self._edges
        return np.minimum(np.maximum(actions.reshape(len(actions), -1), low), high)

    def to_space(self, actions: np.ndarray) -> np.ndarray:
        """Actions as values of the space, (n, *shape)."""
        return self.action_space.decode(self.clipped(actions))

    def encoded(self, observations: Any) -> np.ndarray:
        """Features (n, D) of observations (n, *shape).

        Returns
        -------
        ndarray of shape (n, D)
            In float64, not normalised.

        Raises
        ------
        ValueError
            If the shape is another, or an observation is not finite.
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
            raise ValueError("observations must have a row or more, got none")
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
        """Actions of the space as the distribution's y, (n,) or (n, A).

        Returns
        -------
        ndarray of shape (n,) or (n, A)
            Classes counted from 0, or real numbers.

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
    """The distribution of actions in a space, bound.

    Categorical for Discrete, independent ones for MultiDiscrete and MultiBinary, a normal with
    its own variance for each number of a Box. ``distribution`` replaces the default.

    Returns
    -------
    Distribution
        Of dimension A, the number of numbers or elements of an action.

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
        family = family.bind(example)
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
    """A distribution by its file's name."""
    return type(resolve(name, Distribution))(**options)


def start_eta(family: Distribution, space: Space, init_std: float) -> np.ndarray:
    """Eta (K,) of the first policy: the middle of the space, all discrete actions alike.

    A bounded Box has half its width as the unit of ``init_std``, an unbounded one 1.

    Returns
    -------
    ndarray of shape (K,)
        In the distribution's order.
    """
    if not isinstance(space, Box):
        return np.zeros(family.n_params)
    centre, half = box_units(space)
    if family.event_shape == ():
        centre, half = centre[0], half[0]
    return family.eta(**{n: _first(family, n, centre, init_std * half) for n in family.params})


def _first(family: Distribution, name: str, centre: np.ndarray, scale: np.ndarray) -> Any:
    """A parameter of the first policy; an ordinary value beyond location and scale (df)."""
    role = family.roles.get(name)
    if role is Role.LOCATION:
        return centre
    if role is Role.COVARIANCE:
        return np.diag(scale**2)
    if role is not Role.SCALE:
        return 10.0
    return scale if family.params[name].shape else np.sqrt(np.mean(np.square(scale)))


def box_units(space: Box) -> tuple[np.ndarray, np.ndarray]:
    """Centre and half width of every number of a Box, (A,) each.

    Where it is unbounded 0 and 1, the centre moved one unit inside a bound on one side.

    Returns
    -------
    centre, half : ndarray of shape (A,)
        In the actions' unit.
    """
    low, high = np.ravel(space.low), np.ravel(space.high)
    bounded = np.isfinite(low) & np.isfinite(high)
    with np.errstate(invalid="ignore", over="ignore"):
        width = high - low
        bounded &= np.isfinite(width)
        # Bounded on one side: one unit inside.
        inside = np.clip(0.0, np.minimum(low + 1.0, high), np.maximum(high - 1.0, low))
        centre = np.where(bounded, low + 0.5 * width, inside)
        half = np.where(bounded, 0.5 * width, 1.0)
    return centre, np.where(half > 0, half, 1.0)


def spread_limits(
    model: Model, space: Space, std_bounds: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Limits (P,) of theta: those of the model, log standard deviations inside ``std_bounds``."""
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
    """Which of theta (P,) are coordinates of a scale or covariance that no x changes."""
    family, spread = model.family, (Role.SCALE, Role.COVARIANCE)
    names, own = family.eta_names(), set()
    for name, block in family.blocks.items():
        if family.roles.get(name) in spread:
            own.update(names[block])
    return [name in own for name in model.names()]

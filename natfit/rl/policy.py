"""Policies: a conditional model and a distribution between two spaces.

The distribution of real actions describes z, actions in units of the Box: see
:mod:`natfit.rl.actions`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from natfit._component import resolve
from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import Role
from natfit.models import Model
from natfit.rl.actions import ActionUnits, has_two_limits
from natfit.rl.normalizer import LIMIT, RunningNormalizer
from natfit.rl.spaces import Box, Discrete, MultiBinary, MultiDiscrete, Space
from natfit.rows import Memory


@dataclass(frozen=True)
class Policy:
    """pi(a | s) = p(a | eta(theta, x(s))) with the normalised features x of a state.

    Attributes
    ----------
    distribution : Distribution
        The distribution of actions, bound to the action space: of y, which are class indices from
        0 or numbers in units of a Box.
    model : Model
        The model, bound to the features and the distribution.
    theta : ndarray of shape (P,)
        Parameters of the model.
    observation_space, action_space : Space
        Spaces of one episode.
    normalizer : RunningNormalizer or None
        Standardises observations; None leaves them as they are.
    units : ActionUnits or None
        Units of the actions of a Box; by default those of its limits.
    """

    distribution: Distribution
    model: Model
    theta: np.ndarray
    observation_space: Space
    action_space: Space
    normalizer: RunningNormalizer | None = None
    units: ActionUnits | None = None

    def __post_init__(self) -> None:
        """Set the units of a Box if none are given."""
        if self.units is None and isinstance(self.action_space, Box):
            object.__setattr__(self, "units", ActionUnits.of(self.action_space))

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

    def params(self, observations: Any) -> dict[str, np.ndarray]:
        """Return the native parameters of the distribution of actions for each observation.

        Locations, scales and covariances of real actions are in the unit of the actions.

        Parameters
        ----------
        observations : array-like of shape (n, *observation_space.shape)
            Values of the observation space.

        Returns
        -------
        dict
            Parameter name to values, (n, ...).

        Raises
        ------
        ValueError
            If the observations have another shape or are not finite.
        """
        encoded = self.encoded(observations)
        eta = self.eta(encoded)
        names = self.distribution.params
        values = dict(zip(names, map(np.asarray, self.distribution.native(eta)), strict=True))
        if self.units is not None:
            values = self.units.to_native(self.distribution, values)
        n = len(encoded)
        return {k: v if len(v) == n else np.repeat(v, n, axis=0) for k, v in values.items()}

    def log_prob(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Return log pi(a | s), (n,) in nats, of y (n, ...) and eta (n or 1, K).

        It is a density per unit of the actions: that of y is divided by half a width for each
        element of a Box.

        Returns
        -------
        ndarray of shape (n,)
            Not limited to actions inside of a Box.
        """
        log_prob = self.distribution.log_prob(y, eta)
        return log_prob if self.units is None else log_prob - self.units.log_jacobian(y)

    def clipped(self, y: np.ndarray) -> np.ndarray:
        """Return the actions that the environment is given: a Box's are clipped to its limits.

        The log-density is always that of the action drawn, not of the clipped one.

        Returns
        -------
        ndarray
            Class indices as they are; actions (n, A) of a Box, in its own unit.
        """
        return y if self.units is None else self.units.clipped(y)

    def to_space(self, y: np.ndarray) -> np.ndarray:
        """Return the distribution's y as values of the action space, (n, *shape)."""
        return self.action_space.decode(self.clipped(y))

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
            Class indices from 0, or real numbers in units of the Box.

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
        if self.units is None:
            inside = space.contains(values)
            if not np.all(inside):
                where = int(np.argmin(inside))
                raise ValueError(f"actions must lie in {space}, got {values[where]} at row {where}")
            values = values - getattr(space, "start", 0)
        else:
            values = self.units.standardised(values.reshape(len(values), -1))
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


def start_eta(family: Distribution, space: Space, init_std: Any = 1.0) -> np.ndarray:
    """Return eta (K,) of the first policy: a Box's centre, equal probabilities if discrete.

    ``init_std``, a number or one for each element, is the standard deviation in units of half the
    width of the elements with two limits. For the others it is the unit itself.

    Returns
    -------
    ndarray of shape (K,)
        Eta in the distribution's order.
    """
    if not isinstance(space, Box):
        return np.zeros(family.n_params)
    scale = np.where(has_two_limits(space), init_std, 1.0)
    if family.event_shape == ():
        scale = scale[0]
    return family.eta(**{name: _first(family, name, scale) for name in family.params})


def _first(family: Distribution, name: str, scale: np.ndarray) -> Any:
    """Return a parameter of the first policy; 10 for one that is no location or scale (df)."""
    role = family.roles.get(name)
    if role is Role.LOCATION:
        return np.zeros_like(scale)
    if role is Role.COVARIANCE:
        return np.diag(scale**2)
    if role is not Role.SCALE:
        return 10.0
    return scale if family.params[name].shape else np.sqrt(np.mean(np.square(scale)))


def spread_limits(
    model: Model, space: Space, std_bounds: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Return limits (P,) of theta: the model's, with standard deviations in ``std_bounds``.

    The bounds are in units of the Box, as the distribution is.

    Returns
    -------
    low, high : ndarray of shape (P,)
        Infinite where there is no limit.
    """
    low, high, steps = model.limits()
    low, high = low.copy(), high.copy()
    if isinstance(space, Box):
        logs = np.isfinite(steps) & _spreads(model)
        low[logs] = np.maximum(low[logs], np.log(std_bounds[0]))
        high[logs] = np.minimum(high[logs], np.log(std_bounds[1]))
    return low, high


def _spreads(model: Model) -> list[bool]:
    """Tell which entries of theta (P,) are coordinates of a scale that no x changes."""
    family, spread = model.family, (Role.SCALE, Role.COVARIANCE)
    names, own = family.eta_names(), set()
    for name, block in family.blocks.items():
        if family.roles.get(name) in spread:
            own.update(names[block])
    return [name in own for name in model.names()]

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
from natfit.rl.actions import ActionUnits, has_two_limits, unsquashed
from natfit.rl.composites import Composite
from natfit.rl.masks import MaskedModel, masked
from natfit.rl.normalizer import LIMIT, RunningNormalizer
from natfit.rl.product import Product
from natfit.rl.spaces import Box, Discrete, MultiBinary, MultiDiscrete, Space
from natfit.rl.spreads import spread_limits as spread_limits
from natfit.rl.spreads import spread_powers
from natfit.rows import Memory

#: Largest difference between one and the sum of an action's shares.
_SHARES = 1e-6


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
        if self.units is None and isinstance(self.action_space, Box | Composite):
            units = ActionUnits.of(self.action_space, family=self.distribution)
            object.__setattr__(self, "units", units)

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

    def eta(self, encoded: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
        """Return eta (n, K) of encoded observations (n, D); (1, K) for a constant model.

        Returns
        -------
        ndarray of shape (n, K)
            With masks (n, M), eta of the distribution over the actions that they allow.
        """
        eta = self.model.eta(self.theta, self.normalised(encoded))
        return eta if mask is None else masked(self.action_space, eta, mask)

    def act(
        self, encoded: np.ndarray, rng: np.random.Generator, mask: np.ndarray | None = None
    ) -> np.ndarray:
        """Draw an action for each encoded observation (n, D), as a value y of the distribution."""
        eta = self.eta(encoded, mask)
        if len(eta) == len(encoded):
            return self.distribution.sample(eta, rng)
        return self.distribution.sample(eta, rng, len(encoded))

    def greedy(self, encoded: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
        """Return the most probable action for each encoded observation, as the distribution's y.

        A density without a highest point has its mean instead, and squashed actions their median.

        Returns
        -------
        ndarray of shape (n, ...)
            One row for each observation.
        """
        mode = self.distribution.typical(self.eta(encoded, mask))
        return mode if len(mode) == len(encoded) else np.repeat(mode, len(encoded), axis=0)

    def with_masks(
        self, features: np.ndarray, mask: np.ndarray | None
    ) -> tuple[Policy, np.ndarray]:
        """Return the policy that obeys masks (n, M), and its features; itself without masks."""
        if mask is None:
            return self, features
        model = MaskedModel(self.model, self.action_space)
        return replace(self, model=model), np.concatenate([features, mask], axis=1)

    def params(self, observations: Any) -> dict[str, np.ndarray]:
        """Return the native parameters of the distribution of actions for each observation.

        Locations, modes, scales and covariances of real actions are in the unit of the actions;
        those of squashed actions are of u before tanh.

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

    def to_numpy(self) -> Any:
        """Return a function of numpy alone, see :func:`natfit.rl.export.to_numpy`."""
        from natfit.rl.export import to_numpy

        return to_numpy(self)

    def to_onnx(self, path: Any = None) -> Any:
        """Return a graph of ONNX, or write it too, see :func:`natfit.rl.onnx_export.to_onnx`."""
        from natfit.rl.onnx_export import to_onnx

        return to_onnx(self, path)

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
        if isinstance(space, Composite):
            return self._encoded_parts(space, observations)
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

    def _encoded_parts(self, space: Composite, observations: Any) -> np.ndarray:
        """Return the features (n, D) of a dict or tuple of parts with n rows each."""
        try:
            pieces = space.split(observations)
        except (TypeError, ValueError) as error:
            raise ValueError(f"observations must have n rows in {space}: {error}") from error
        if not pieces:
            raise ValueError("observations must have at least one row, got none")
        found = []
        for (key, part), values in zip(space.parts.items(), pieces, strict=True):
            try:
                found.append(replace(self, observation_space=part).encoded(values))
            except ValueError as error:
                raise ValueError(f"observations[{key!r}]: {error}") from error
        counts = [len(own) for own in found]
        if len(set(counts)) > 1:
            raise ValueError(
                "observations must have the same number of rows in every part, got "
                f"{dict(zip(space.parts, counts, strict=True))}"
            )
        return np.concatenate(found, axis=1)

    def from_space(self, actions: Any) -> np.ndarray:
        """Return actions of the action space as the distribution's y, (n,) or (n, A).

        Returns
        -------
        ndarray of shape (n,) or (n, A)
            Class indices from 0, or real numbers in units of the Box.

        Raises
        ------
        ValueError
            If the shape is not that of n actions, or an action is one that the policy never takes:
            a discrete one outside of the space, or one that a beta, Dirichlet or squashed
            distribution excludes.
        """
        space = self.action_space
        if isinstance(space, Composite) and self.units is not None:
            return self.units.standardised(_columns_of(space, actions, "actions"))
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
        if self.units is None or self.units.share or self.units.squashed:
            inside, support = space.contains(values), self.distribution.support
            if support is not None and support.whole_rows:
                sums = values.reshape(len(values), -1).sum(axis=1)
                inside = inside & (np.abs(sums - 1.0) <= _SHARES)
            if not np.all(inside):
                where = int(np.argmin(inside))
                rule = " and sum to one" if support is not None and support.whole_rows else ""
                raise ValueError(
                    f"actions must lie in {space}{rule}, got {values[where]} at row {where}"
                )
        if self.units is None:
            values = values - getattr(space, "start", 0)
        else:
            values = self.units.standardised(values.reshape(len(values), -1))
        return values.reshape((len(values), *self.distribution.event_shape))


def _columns_of(space: Composite, actions: Any, name: str) -> np.ndarray:
    """Return checked actions of a dict or tuple space as columns (n, A): class indices from 0."""
    try:
        pieces = space.split(actions)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must have n rows in {space}: {error}") from error
    found = []
    for (key, part), values in zip(space.parts.items(), pieces, strict=True):
        own = f"{name}[{key!r}]"
        if isinstance(part, Composite):
            found.append(_columns_of(part, values, own))
            continue
        array = np.asarray(values, dtype=np.float64)
        if array.ndim != 1 + len(part.shape) or array.shape[1:] != part.shape:
            raise ValueError(f"{own} must be n values in {part}, got shape {array.shape}")
        if not part.usable(array).all():
            raise ValueError(f"{own} must lie in {part}, and be finite, got {array.tolist()}")
        found.append((array - getattr(part, "start", 0)).reshape(len(array), -1))
    if len({len(own) for own in found}) != 1:
        raise ValueError(f"{name} must have the same number of rows, at least one, in every part")
    return np.concatenate(found, axis=1)


def action_distribution(space: Space, distribution: Any = None) -> Distribution:
    """Return the distribution of actions in a space, bound to it.

    The default is a categorical for Discrete, independent categoricals for MultiDiscrete,
    independent Bernoullis for MultiBinary, and independent normals with their own variances for
    a Box. ``distribution`` replaces the default: for a Box by a family on the real line with a
    location, by ``beta`` for one with limits, by ``dirichlet`` for one that holds the simplex, or
    by a :class:`natfit.rl.actions.Squashed` one, of which the family inside is returned.

    Returns
    -------
    Distribution
        Distribution of A numbers, the elements of an action.

    Raises
    ------
    ValueError
        If the distribution does not fit the space.
    """
    if isinstance(space, Composite):
        given = distribution if isinstance(distribution, dict) else {}
        if distribution is not given and distribution is not None or given.keys() - space.leaves:
            raise ValueError(
                "distribution must be None or a dict of distributions by part, "
                f"{list(space.leaves)}, for actions in {space}, got {distribution!r}"
            )
        found = [_of_part(k, leaf, given.get(k)) for k, leaf in space.leaves.items()]
        return Product(tuple(space.leaves), tuple(found))
    distribution, squashed = unsquashed(distribution)
    if squashed and not (isinstance(space, Box) and has_two_limits(space).all()):
        raise ValueError(
            f"a squashed distribution needs a Box with two limits for every element, got {space}; "
            "leave distribution=None to take the one that fits"
        )
    if distribution is None:
        return _default(space)
    family = resolve(distribution, Distribution)
    if isinstance(space, Box):
        family, why = _of_box(family, space, squashed)
    else:
        default = _default(space)
        options = {k: v for k, v in default.get_params().items() if hasattr(family, k)}
        family = type(family)(**{**family.get_params(deep=False), **options})
        fits = family.event_shape == default.event_shape and type(family) is type(default)
        why = "" if fits else " "
    if why:
        raise ValueError(
            f"distribution {family!r} does not describe actions in {space}{why.rstrip()}; leave "
            "distribution=None to take the one that fits"
        )
    return family


def _of_part(name: str, space: Space, distribution: Any) -> Distribution:
    """Return the distribution of one of several parts: those of real numbers have a location."""
    squashed = unsquashed(distribution)[1]
    family = action_distribution(space, distribution)
    real = family.support is None or (family.support.low, family.support.top) == (-np.inf, np.inf)
    if squashed or (isinstance(space, Box) and not real):
        raise ValueError(
            f"distribution[{name!r}] must be a family on the real line that is not squashed, "
            f"because {name!r} is one of several parts of the actions, got {distribution!r}; use "
            "'multivariate_normal', whose actions are clipped to the Box"
        )
    return family


def _default(space: Space) -> Distribution:
    """Return the distribution of actions that fits a space."""
    width = int(np.prod(space.shape, dtype=int))
    if isinstance(space, Discrete):
        return _family("categorical", n=space.n)
    if isinstance(space, MultiDiscrete):
        return _family("multi_categorical", nvec=tuple(space.nvec.ravel().tolist()))
    if isinstance(space, MultiBinary):
        return _family("multi_bernoulli", dim=width)
    return _family("multivariate_normal", covariance="diag", dim=width)


def _of_box(family: Distribution, space: Box, squashed: bool) -> tuple[Distribution, str]:
    """Return the family bound to a Box, and why it does not fit, or an empty string."""
    if type(family) is type(resolve("beta", Distribution)):
        family = _family("multi_beta")
    width = space.low.size
    family = family.bind(Memory(np.zeros((2, width)) if family.event_shape != () else np.zeros(2)))
    if family.event_shape != (width,) and not (family.event_shape == () and width == 1):
        return family, f", which have {width} elements"
    support = family.support
    if support is not None and support.integer:
        return family, ": it is one of whole numbers"
    if support is not None and (support.low, support.top) != (-np.inf, np.inf):
        if squashed or (support.low, support.top) != (0.0, 1.0):
            return family, f": it has {support.describe()} only"
        if support.whole_rows and not ((space.low <= 0.0) & (space.high >= 1.0)).all():
            return family, ", which does not hold the simplex of shares from 0 to 1"
        if not support.whole_rows and not has_two_limits(space).all():
            return family, ", of which an element has no limit on a side"
    elif Role.LOCATION not in family.roles.values():
        return family, ": it has no location that an observation could move"
    return family, ""


def _family(name: str, **options: Any) -> Distribution:
    """Return a distribution by the name of its file."""
    return type(resolve(name, Distribution))(**options)


def start_eta(family: Distribution, space: Space, init_std: Any = 1.0) -> np.ndarray:
    """Return eta (K,) of the first policy: a Box's centre, equal probabilities if discrete.

    ``init_std``, a number or one for each element, is the standard deviation in units of half the
    width of the elements with two limits. For the others it is the unit itself. The concentration
    of a beta or Dirichlet distribution begins at 1 / init_std^2.

    Returns
    -------
    ndarray of shape (K,)
        Eta in the distribution's order.
    """
    if isinstance(family, Product) and isinstance(space, Composite):
        pairs = zip(family.parts, space.leaves.values(), strict=True)
        return np.concatenate([start_eta(part, leaf, init_std) for part, leaf in pairs])
    if not isinstance(space, Box):
        return np.zeros(family.n_params)
    scale = np.where(has_two_limits(space), init_std, 1.0)
    if family.event_shape == ():
        scale = scale[0]
    return family.eta(**{name: first_value(family, name, scale) for name in family.params})


def first_value(family: Distribution, name: str, scale: np.ndarray) -> Any:
    """Return a parameter of the first policy; 10 for one that is no location or spread (df)."""
    role, own = family.roles.get(name), family.params[name]
    if role is Role.LOCATION:
        return np.zeros_like(scale)
    if role is Role.MODE:
        return np.full_like(scale, 0.5)
    if role is Role.COVARIANCE:
        return np.diag(scale**2)
    power = spread_powers(family).get(name)
    if power is None:
        return 10.0
    value = scale if own.shape else np.sqrt(np.mean(np.square(scale)))
    low, high = own.native_bounds
    value = value ** (1.0 / power)
    if 0.0 < low < high < np.inf:
        # Between two ends: a hundredth inside, where the curve of its logarithm is not flat.
        edge = (high / low) ** 0.01
        value = np.clip(value, low * edge, high / edge)
    return value

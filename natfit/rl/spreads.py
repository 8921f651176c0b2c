"""How far actions spread: which parameters say so, and how their limits hold."""

from __future__ import annotations

import numpy as np

from natfit.bijectors import Bijector, LogBetween
from natfit.coordinates.native import Native
from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import Role
from natfit.distributions.wrappers.constrained import Constrained
from natfit.models import Model
from natfit.rl.composites import is_real
from natfit.rl.product import Product
from natfit.rl.spaces import Space


def spread_powers(family: Distribution) -> dict[str, float]:
    """Return the parameters that say how far actions spread, and the power of the deviation.

    The deviation is the parameter to that power: 1 for scales (and covariances, whose coordinates
    are logarithms of deviations), -1/2 for the concentration of a beta distribution.

    Returns
    -------
    dict
        Parameter name to power.
    """
    if isinstance(family, Product):
        each = zip(family.names, family.parts, strict=True)
        return {f"{k}.{name}": p for k, part in each for name, p in spread_powers(part).items()}
    scales = (Role.SCALE, Role.COVARIANCE)
    found = {name: 1.0 for name in family.params if family.roles.get(name) in scales}
    return found or {name: width.power for name, width in family.widths.items()}


def with_bounded_spread(family: Distribution, std_bounds: tuple[float, float]) -> Distribution:
    """Return the family whose deviations are held inside ``std_bounds`` by a curve of their log.

    This is for deviations that depend on the observation: limits of theta could not hold them.

    Returns
    -------
    Distribution
        The same densities, with :class:`natfit.bijectors.LogBetween` for the spread.
    """
    held: dict[str, Bijector] = {}
    for name, power in spread_powers(family).items():
        low, high = sorted(bound ** (1.0 / power) for bound in std_bounds)
        held[name] = LogBetween(family.params[name].shape, low, high)
    return Constrained(family, held)


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
    if not is_real(space):
        return low, high
    if not model.unconstrained:
        return _native_limits(model, std_bounds, low, high)
    for name, power in spread_powers(model.family).items():
        logs = np.isfinite(steps) & _entries(model, name)
        least, most = sorted(np.log(bound) / power for bound in std_bounds)
        low[logs] = np.maximum(low[logs], least)
        high[logs] = np.minimum(high[logs], most)
    return low, high


def _native_limits(
    model: Model, bounds: tuple[float, float], low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return limits of theta in native coordinates: a scale's own, a covariance's on variances."""
    family = model.family
    for name, power in spread_powers(family).items():
        if not isinstance(getattr(model, "coordinates", None), Native):
            raise ValueError(
                f"std_bounds cannot limit {name} in the coordinates of {model!r}, whose entries "
                "are no standard deviations; use Constant('unconstrained') or Constant('native')"
            )
        block = family.blocks[name]
        where = slice(block.start, block.stop)
        if family.roles.get(name) is Role.COVARIANCE:
            # The variances come first, the covariances after them.
            where, power = slice(block.start, block.start + family.event_shape[0]), 0.5
        least, most = sorted(bound ** (1.0 / power) for bound in bounds)
        # An end of the support has limits of its own, which exclude these.
        open_ = (least < high[where]) & (most > low[where])
        low[where] = np.where(open_, np.maximum(low[where], least), low[where])
        high[where] = np.where(open_, np.minimum(high[where], most), high[where])
    return low, high


def _entries(model: Model, name: str) -> list[bool]:
    """Tell which entries of theta (P,) are coordinates of a parameter that no x changes."""
    own = set(model.family.eta_names()[model.family.blocks[name]])
    return [entry in own for entry in model.names()]

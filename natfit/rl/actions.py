"""Units of actions: a policy's distribution describes z, and the action is origin + unit * z.

Whether the numbers of a Box are metres or millimetres is then no matter of the policy: theta, the
damping and the metric are the same in any unit. A squashed policy describes u, with z = tanh(u).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from natfit._component import Component
from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import Role
from natfit.rl.composites import Composite, count
from natfit.rl.product import Product
from natfit.rl.spaces import Box, Space

#: A limit of this size or more, the largest number in float32, stands for none.
_NO_LIMIT = float(np.finfo(np.float32).max)

#: Relative difference of the scales of a spherical distribution that is taken for rounding.
_ROUNDING = 1e-12

#: The largest double below 1: actions at a limit are taken as the ones next to it.
_BELOW_ONE = 1.0 - np.finfo(float).epsneg


class Squashed(Component):
    """Actions of a bounded Box that are middle + half width * tanh(u), with u from a distribution.

    No action leaves the Box, so that none is clipped. Score, Fisher information and divergence
    are those of u, exactly; log pi has the Jacobian of the map.

    Parameters
    ----------
    family : str or Distribution, optional
        The distribution of u, on the real line; independent normals by default.
    """

    _package = "natfit.rl"

    def __init__(self, family: str | Distribution | None = None):
        self.family = family


def unsquashed(distribution: Any) -> tuple[Any, bool]:
    """Return the distribution inside, and whether it is squashed: ``"squashed_normal"`` is."""
    if isinstance(distribution, Squashed):
        return distribution.family, True
    if isinstance(distribution, str) and distribution == "squashed_normal":
        return None, True
    return distribution, False


@dataclass(frozen=True, eq=False)
class ActionUnits:
    """The map a = origin + unit * z, or origin + unit * tanh(z), to actions of a Box.

    Attributes
    ----------
    origin, unit : ndarray of shape (A,)
        In the unit of the actions, for each of their A elements; unit > 0.
    low, high : ndarray of shape (A,)
        Limits to which actions are clipped; they may be infinite.
    squashed : bool
        Whether tanh comes first.
    share : bool
        Whether z lies between 0 and 1, because the distribution does.
    """

    origin: np.ndarray
    unit: np.ndarray
    low: np.ndarray
    high: np.ndarray
    squashed: bool = False
    share: bool = False

    @classmethod
    def of(
        cls,
        space: Space,
        init_std: Any = 1.0,
        family: Distribution | None = None,
        squashed: bool = False,
    ) -> ActionUnits:
        """Return the units of a space of actions for a distribution.

        Parameters
        ----------
        space : Space
            The action space; elements that are whole numbers are their own units.
        init_std : float or ndarray of shape (A,), default=1.0
            First standard deviation of the elements without two limits, which is their unit.
        family : Distribution, optional
            The distribution; on the real line by default.
        squashed : bool, default=False
            Whether tanh comes first.

        Returns
        -------
        ActionUnits
            With the units of :func:`box_units`; for a family on (0, 1) the lower limits and the
            widths, for one on the simplex 0 and 1.
        """
        if isinstance(space, Composite):
            # Parts are on the real line or whole numbers, neither squashed nor shares.
            each = [cls.of(leaf, init_std) for leaf in space.leaves.values()]
            return cls(
                np.concatenate([one.origin for one in each]),
                np.concatenate([one.unit for one in each]),
                np.concatenate([one.low for one in each]),
                np.concatenate([one.high for one in each]),
            )
        if not isinstance(space, Box):
            # Whole numbers are their own units.
            zero = np.zeros(count(space))
            return cls(zero, zero + 1.0, zero - np.inf, zero + np.inf)
        origin, unit = box_units(space, init_std)
        support = None if family is None else family.support
        share = support is not None and (support.low, support.top) == (0.0, 1.0)
        if support is not None and support.whole_rows:
            origin, unit = np.zeros_like(origin), np.ones_like(unit)
        elif share:
            origin, unit = space.low.ravel(), 2.0 * unit
        return cls(origin, unit, np.ravel(space.low), np.ravel(space.high), squashed, share)

    def of_columns(self, columns: slice) -> ActionUnits:
        """Return the units of some elements."""
        return replace(
            self,
            origin=self.origin[columns],
            unit=self.unit[columns],
            low=self.low[columns],
            high=self.high[columns],
        )

    @cached_property
    def _log_unit(self) -> float:
        return float(np.log(self.unit).sum())

    def actions(self, z: np.ndarray) -> np.ndarray:
        """Return the actions (n, A) of z, (n,) or (n, A); they are not clipped."""
        z = z.reshape(len(z), -1)
        return self.origin + self.unit * (np.tanh(z) if self.squashed else z)

    def clipped(self, z: np.ndarray) -> np.ndarray:
        """Return the actions (n, A) of z, (n,) or (n, A), clipped to the limits."""
        actions = self.actions(z)
        np.maximum(actions, self.low, out=actions)
        return np.minimum(actions, self.high, out=actions)

    def standardised(self, actions: np.ndarray) -> np.ndarray:
        """Return z (n, A) of actions (n, A); those at a limit that z never is are moved inside."""
        z = (actions - self.origin) / self.unit
        if self.share:
            return np.clip(z, np.finfo(float).tiny, _BELOW_ONE)
        return np.arctanh(np.clip(z, -_BELOW_ONE, _BELOW_ONE)) if self.squashed else z

    def log_jacobian(self, z: np.ndarray) -> Any:
        """Return log |da / dz| of each z, (n,) or one number, in nats."""
        if not self.squashed:
            return self._log_unit
        # log(1 - tanh^2) is 2 log 2 - 2 |z| - 2 log(1 + exp(-2 |z|)), which never overflows.
        size = np.abs(z.reshape(len(z), -1))
        slope = 2.0 * (np.log(2.0) - size - np.log1p(np.exp(-2.0 * size)))
        return self._log_unit + slope.sum(axis=1)

    def to_native(self, family: Distribution, values: dict[str, Any]) -> dict[str, Any]:
        """Return native values of z, (n, ...) by name, as those of the actions.

        Returns
        -------
        dict
            Locations, modes, scales and covariances in the unit of the actions, other values as
            they are. A scale common to all elements becomes one for each if their units differ.
            Squashed ones stay those of u, which has no unit.
        """
        if isinstance(family, Product):
            return family.by_parts(values, lambda p, c, own: self.of_columns(c).to_native(p, own))
        if self.squashed:
            return dict(values)
        origin, unit = self._of(family)
        out = {}
        for name, value in values.items():
            role = family.roles.get(name)
            if role in (Role.LOCATION, Role.MODE):
                value = origin + unit * value
            elif role is Role.COVARIANCE:
                value = value * np.outer(unit, unit)
            elif role is Role.SCALE:
                value = value * unit if _fits(family, name, unit) else _spread(value, unit)
            out[name] = value
        return out

    def from_native(self, family: Distribution, values: dict[str, Any]) -> dict[str, Any]:
        """Return native values of the actions, by name, as those of z; see :meth:`to_native`.

        Returns
        -------
        dict
            Native values of z.

        Raises
        ------
        ValueError
            If the family has a scale common to all elements, but the values differ in units of
            the elements.
        """
        if isinstance(family, Product):
            return family.by_parts(values, lambda p, c, own: self.of_columns(c).from_native(p, own))
        if self.squashed:
            return dict(values)
        origin, unit = self._of(family)
        out = {}
        for name, value in values.items():
            role, own = family.roles.get(name), family.params.get(name)
            one = role is Role.SCALE and own is not None and not _fits(family, name, unit)
            if own is not None and (one or np.shape(value) == own.shape):
                if role in (Role.LOCATION, Role.MODE):
                    value = (np.asarray(value, dtype=np.float64) - origin) / unit
                elif role is Role.COVARIANCE:
                    value = np.asarray(value, dtype=np.float64) / np.outer(unit, unit)
                elif role is Role.SCALE:
                    value = np.asarray(value, dtype=np.float64) / unit
                    value = _common(name, value, unit) if one else value
            # A value of another name or shape is refused by the family.
            out[name] = value
        return out

    def _of(self, family: Distribution) -> tuple[Any, Any]:
        """Return origin and unit as the family's locations have them: numbers for one number."""
        if family.event_shape == ():
            return self.origin[0], self.unit[0]
        return self.origin, self.unit


def _fits(family: Distribution, name: str, unit: Any) -> bool:
    """Tell whether a scale has one value for each element of the actions."""
    return np.shape(unit) == () or family.params[name].shape == np.shape(unit)


def _spread(value: Any, unit: np.ndarray) -> Any:
    """Return a scale common to all elements in the unit of each; one number if they agree."""
    if np.ptp(unit) <= _ROUNDING * unit.max():
        return value * unit[0]
    return np.asarray(value)[..., None] * unit


def _common(name: str, value: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Return the one scale that all elements have in their units."""
    if np.ptp(value) > _ROUNDING * np.abs(value).max():
        raise ValueError(
            f"start_params[{name!r}] must be the same in units of every element of the actions, "
            f"because the distribution has one scale for all, got {value.tolist()} in units of "
            f"{unit.tolist()}; pass multiples of these units, or use covariance='diag'"
        )
    return value[0]


def box_units(space: Box, init_std: Any = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Return origin and unit of every element of a Box, (A,) each.

    The unit of an element with two limits is half its width, and its origin the middle. The unit of
    any other is ``init_std``, and its origin 0, or as far from 0 as needed to be one unit inside
    its limit. A limit beyond the range of float32 stands for none.

    Returns
    -------
    origin, unit : ndarray of shape (A,)
        In the unit of the actions; unit > 0, and 1 where an element can have one value only.
    """
    low, high = space.low.ravel(), space.high.ravel()
    low = np.where(low <= -_NO_LIMIT, -np.inf, low)
    high = np.where(high >= _NO_LIMIT, np.inf, high)
    std = np.broadcast_to(np.asarray(init_std, dtype=np.float64), low.shape)
    bounded = np.isfinite(low) & np.isfinite(high)
    with np.errstate(invalid="ignore"):
        inside = np.clip(0.0, np.minimum(low + std, high), np.maximum(high - std, low))
        origin = np.where(bounded, 0.5 * low + 0.5 * high, inside)
        unit = np.where(bounded, 0.5 * high - 0.5 * low, std)
    return origin, np.where(unit > 0, unit, 1.0)


def has_two_limits(space: Space) -> np.ndarray:
    """Tell which elements of actions, (A,) bool, have a lower and an upper limit."""
    if not isinstance(space, Box):
        parts = space.leaves.values() if isinstance(space, Composite) else ()
        found = [has_two_limits(part) for part in parts]
        return np.concatenate(found) if found else np.ones(count(space), dtype=bool)
    return ((space.low > -_NO_LIMIT) & (space.high < _NO_LIMIT)).ravel()

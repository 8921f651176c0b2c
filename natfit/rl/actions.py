"""Units of actions: a policy's distribution describes z, and the action is centre + half * z.

Whether the numbers of a Box are metres or millimetres is then no matter of the policy: theta, the
damping and the metric are the same in any unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import Role
from natfit.rl.spaces import Box

#: A limit of this size or more, the largest number in float32, stands for none.
_NO_LIMIT = float(np.finfo(np.float32).max)

#: Relative difference of the scales of a spherical distribution that is taken for rounding.
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class ActionUnits:
    """The map a = centre + half * z from z, whose distribution a policy has, to actions of a Box.

    Attributes
    ----------
    centre, half : ndarray of shape (A,)
        In the unit of the actions, for each of their A elements; half > 0.
    low, high : ndarray of shape (A,)
        Limits to which actions are clipped; they may be infinite.
    """

    centre: np.ndarray
    half: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def of(cls, space: Box, init_std: Any = 1.0) -> ActionUnits:
        """Return the units of a Box.

        Parameters
        ----------
        space : Box
            The action space.
        init_std : float or ndarray of shape (A,), default=1.0
            First standard deviation of the elements without two limits, which is their unit.

        Returns
        -------
        ActionUnits
            With the units of :func:`box_units`.
        """
        return cls(*box_units(space, init_std), np.ravel(space.low), np.ravel(space.high))

    @cached_property
    def _log_half(self) -> float:
        return float(np.log(self.half).sum())

    def actions(self, z: np.ndarray) -> np.ndarray:
        """Return the actions (n, A) of z, (n,) or (n, A); they are not clipped."""
        return self.centre + self.half * z.reshape(len(z), -1)

    def clipped(self, z: np.ndarray) -> np.ndarray:
        """Return the actions (n, A) of z, (n,) or (n, A), clipped to the limits."""
        actions = self.actions(z)
        np.maximum(actions, self.low, out=actions)
        return np.minimum(actions, self.high, out=actions)

    def standardised(self, actions: np.ndarray) -> np.ndarray:
        """Return z (n, A) of actions (n, A)."""
        return (actions - self.centre) / self.half

    def log_jacobian(self, z: np.ndarray) -> Any:
        """Return log |da / dz| of each z, (n,) or one number, in nats."""
        return self._log_half

    def to_native(self, family: Distribution, values: dict[str, Any]) -> dict[str, Any]:
        """Return native values of z, (n, ...) by name, as those of the actions.

        Returns
        -------
        dict
            Locations, scales and covariances in the unit of the actions, other values as they
            are. A scale common to all elements becomes one for each if their units differ.
        """
        centre, half = self._of(family)
        out = {}
        for name, value in values.items():
            role = family.roles.get(name)
            if role is Role.LOCATION:
                value = centre + half * value
            elif role is Role.COVARIANCE:
                value = value * np.outer(half, half)
            elif role is Role.SCALE:
                value = value * half if _fits(family, name, half) else _spread(value, half)
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
        centre, half = self._of(family)
        out = {}
        for name, value in values.items():
            role, own = family.roles.get(name), family.params.get(name)
            one = role is Role.SCALE and own is not None and not _fits(family, name, half)
            if own is not None and (one or np.shape(value) == own.shape):
                if role is Role.LOCATION:
                    value = (np.asarray(value, dtype=np.float64) - centre) / half
                elif role is Role.COVARIANCE:
                    value = np.asarray(value, dtype=np.float64) / np.outer(half, half)
                elif role is Role.SCALE:
                    value = np.asarray(value, dtype=np.float64) / half
                    value = _common(name, value, half) if one else value
            # A value of another name or shape is refused by the family.
            out[name] = value
        return out

    def _of(self, family: Distribution) -> tuple[Any, Any]:
        """Return centre and half as the family's locations have them: numbers for one number."""
        if family.event_shape == ():
            return self.centre[0], self.half[0]
        return self.centre, self.half


def _fits(family: Distribution, name: str, half: Any) -> bool:
    """Tell whether a scale has one value for each element of the actions."""
    return np.shape(half) == () or family.params[name].shape == np.shape(half)


def _spread(value: Any, half: np.ndarray) -> Any:
    """Return a scale common to all elements in the unit of each; one number if they agree."""
    if np.ptp(half) <= _ROUNDING * half.max():
        return value * half[0]
    return np.asarray(value)[..., None] * half


def _common(name: str, value: np.ndarray, half: np.ndarray) -> np.ndarray:
    """Return the one scale that all elements have in their units."""
    if np.ptp(value) > _ROUNDING * np.abs(value).max():
        raise ValueError(
            f"start_params[{name!r}] must be the same in units of every element of the actions, "
            f"because the distribution has one scale for all, got {value.tolist()} in units of "
            f"{half.tolist()}; pass multiples of these units, or use covariance='diag'"
        )
    return value[0]


def box_units(space: Box, init_std: Any = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Return centre and unit of every element of a Box, (A,) each.

    The unit of an element with two limits is half its width. That of any other is ``init_std``,
    and its centre is 0, or as far from 0 as needed to be one unit inside its limit. A limit beyond
    the range of float32 stands for none.

    Returns
    -------
    centre, half : ndarray of shape (A,)
        In the unit of the actions; half > 0, and 1 where an element can have one value only.
    """
    low, high = space.low.ravel(), space.high.ravel()
    low = np.where(low <= -_NO_LIMIT, -np.inf, low)
    high = np.where(high >= _NO_LIMIT, np.inf, high)
    unit = np.broadcast_to(np.asarray(init_std, dtype=np.float64), low.shape)
    bounded = np.isfinite(low) & np.isfinite(high)
    with np.errstate(invalid="ignore"):
        inside = np.clip(0.0, np.minimum(low + unit, high), np.maximum(high - unit, low))
        centre = np.where(bounded, 0.5 * low + 0.5 * high, inside)
        half = np.where(bounded, 0.5 * high - 0.5 * low, unit)
    return centre, np.where(half > 0, half, 1.0)


def has_two_limits(space: Box) -> np.ndarray:
    """Tell which elements of a Box, (A,) bool, have a lower and an upper limit."""
    return ((space.low > -_NO_LIMIT) & (space.high < _NO_LIMIT)).ravel()

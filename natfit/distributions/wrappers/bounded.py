"""A family inside user-supplied limits."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from natfit.bijectors import Bijector, Limited
from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import InformationKind
from natfit.distributions.contract.elsewhere import unknown_parameter
from natfit.distributions.wrappers._mapped import Mapped
from natfit.rows import Rows


class Bounded(Mapped):
    """A family whose named parameters stay inside user-supplied native limits; eta is the same.

    The density is the family's.

    Parameters
    ----------
    family : str or Distribution, default="normal"
        The family inside.
    bounds : dict
        Parameter name to (low, high); None for no limit.

    Raises
    ------
    ValueError
        On first use, if a name is unknown, a parameter is no number or vector of numbers, a pair
        is not low < high, or no limits are given.
    """

    has_given_limits = True

    def __init__(self, family: str | Distribution = "normal", bounds: dict[str, Any] | None = None):
        super().__init__(family)
        self.bounds = bounds

    @property
    def given(self) -> dict[str, Any]:
        """The limits by name.

        Raises
        ------
        ValueError
            If it is no dict.
        """
        if not isinstance(self.bounds, dict):
            raise ValueError(
                f"bounds must give the limits of Bounded by name, got {self.bounds!r}; pass "
                "Bounded('normal', {'scale': (0.1, None)}), or bounds={'scale': (0.1, None)} to "
                "NaturalMLE"
            )
        return self.bounds

    def _admit(self, inner: Distribution) -> None:
        given = self.given
        # The parameters of a family of vectors are known once it is bound.
        if None not in inner.event_shape:
            _limits(inner, given)

    @classmethod
    def examples(cls) -> list[Distribution]:
        """Return a gamma inside limits that its points keep."""
        return [cls("gamma", {"shape": (0.01, 100.0), "scale": (None, 1e3)})]

    @cached_property
    def _limited(self) -> dict[str, Limited]:
        return _limits(self.inner, self.given)

    @property
    def params(self) -> dict[str, Bijector]:
        """The family's, inside the limits."""
        return {**self.inner.params, **self._limited}

    @property
    def information(self) -> InformationKind:
        """What is known of the inner family's information."""
        return self.inner.information

    @property
    def limit_meaning(self) -> dict[tuple[str, str], str]:
        """The family's, except for limits that a user-supplied one replaces."""
        own = self.inner.limit_meaning
        return {k: v for k, v in own.items() if k[0] not in self.given or not self._cut(*k)}

    def limit_at(self, rows: Rows, eta: np.ndarray) -> str | None:
        """A limit of several parameters may lie outside the limits: None is returned."""
        return None

    def refine_start(self, rows: Rows, eta: np.ndarray) -> np.ndarray:
        """The family's, for a start that is moved inside the limits first."""
        low, high, _ = self.limits
        return np.clip(super().refine_start(rows, np.clip(eta, low, high)), low, high)

    def no_maximum(self, rows: Rows, eta: np.ndarray) -> str | None:
        """The family's answer, unless a user-supplied limit is what ends the way there."""
        low, high, _ = self.limits
        own_low, own_high, _ = self.inner.limits
        held = (eta <= low) & (low > own_low) | (eta >= high) & (high < own_high)
        return None if held.any() else super().no_maximum(rows, eta)

    def _cut(self, name: str, side: str) -> bool:
        limit, own = self._limited[name], self.inner.params[name]
        return own.valid(np.full(own.shape, limit.low if side == "lower" else limit.high))


def _limits(inner: Distribution, bounds: dict[str, Any]) -> dict[str, Limited]:
    """The constraints with their limits.

    Returns
    -------
    dict
        Parameter name to constraint.

    Raises
    ------
    ValueError
        If a name is unknown or names no numbers.
    """
    found = {}
    for name, pair in bounds.items():
        own = inner.params.get(name)
        if own is None or not own.elementwise:
            scalars = [n for n, c in inner.params.items() if c.elementwise]
            rule = f"bounds must name some of {scalars}"
            raise ValueError(unknown_parameter(inner, name, rule, scalars))
        found[name] = Limited(own, *_pair(name, pair, own))
    return found


def _pair(name: str, pair: Any, own: Bijector) -> tuple[float, float]:
    """Limits as numbers, low < high, that overlap the constraint.

    Returns
    -------
    low, high : float
        In native values.

    Raises
    ------
    ValueError
        If they are none.
    """
    try:
        low, high = (
            default if v is None else float(v)
            for v, default in zip(pair, (-np.inf, np.inf), strict=True)
        )
    except (TypeError, ValueError):
        low, high = np.nan, np.nan
    inside = own.native_bounds
    if low == high:
        raise ValueError(
            f"bounds[{name!r}] must be (low, high), low < high, got {pair!r}; for a known value "
            f"pass fixed={{{name!r}: {low:g}}}"
        )
    if not (low < high and low < inside[1] and high > inside[0]):
        raise ValueError(
            f"bounds[{name!r}] must be (low, high), low < high, that overlap {inside}, got {pair!r}"
        )
    return low, high

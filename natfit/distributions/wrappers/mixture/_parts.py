"""What a family made of several others knows of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from natfit._component import resolve
from natfit._validation import check_number
from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import InformationKind, Yardstick
from natfit.distributions.contract.support import Support


class Composed(Distribution):
    """Components, the slices of eta that they own, and the support that they have together.

    Parameters
    ----------
    components : sequence of str or Distribution, or one of these
    n_components : int, optional
        How many, where ``components`` is one family.
    """

    def __init__(
        self,
        components: str | Distribution | Sequence[str | Distribution] = ("normal", "normal"),
        n_components: int | None = None,
    ):
        self.components = components
        self.n_components = n_components

    @cached_property
    def parts(self) -> tuple[Distribution, ...]:
        """The components, as objects."""
        given = self.components
        if isinstance(given, str | Distribution):
            check_number(self.n_components, "n_components", low=2, integer=True, hint="2")
            given = [given] * self.n_components
        elif self.n_components not in (None, len(given)) or len(given) < 2:
            raise ValueError(
                f"components must be two or more, as many as n_components where that is given, "
                f"got {len(given)} and n_components={self.n_components}"
            )
        parts = tuple(resolve(part, Distribution) for part in given)
        kinds = {(len(p.event_shape), p.support and p.support.integer) for p in parts}
        dims = {p.event_shape for p in parts if None not in p.event_shape}
        if len(kinds) > 1 or len(dims) > 1 or any(p.support is None for p in parts):
            raise ValueError(
                "components must all be densities or all be counts, with a declared support and "
                f"one dimension, got {[type(p).__name__ for p in parts]}"
            )
        if parts[0].event_shape != () and len({p.support for p in parts}) > 1:
            raise ValueError(f"components of vectors must have one support, got {list(given)}")
        return parts

    @cached_property
    def cuts(self) -> list[slice]:
        """The slice of eta that each component owns."""
        ends = np.cumsum([len(self.parts) - 1, *(part.n_params for part in self.parts)]).tolist()
        return [slice(a, b) for a, b in zip(ends[:-1], ends[1:], strict=True)]

    @property
    def event_shape(self) -> tuple:
        """The components'."""
        return self.parts[0].event_shape

    @cached_property
    def support(self) -> Support:
        """From the lowest end of the components' to the highest."""
        all_ = [part.support for part in self.parts]
        if all(own == all_[0] for own in all_):
            return all_[0]
        low, high = min(s.low for s in all_), max(s.high for s in all_)
        return Support(low, high, all(s.closed for s in all_), all_[0].integer)

    def seen(self, k: int, y: np.ndarray) -> np.ndarray | None:
        """Which rows lie in component k's support; None where all of them must."""
        own, whole = self.parts[k].support, self.support
        if self.event_shape != () or (own.low, own.high) == (whole.low, whole.high):
            return None
        return own.contains(y)

    @property
    def information(self) -> InformationKind:
        """The yardstick is the observed information where it is that of a component."""
        observed = any(p.information.yardstick is Yardstick.OBSERVED for p in self.parts)
        found = super().information
        return replace(found, yardstick=Yardstick.OBSERVED) if observed else found

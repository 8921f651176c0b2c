"""The parameter blocks of a distribution: from eta to native values by name, and back."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from natfit._component import Component
from natfit.bijectors import Bijector
from natfit.distributions.contract.declared import Role, Width


class Parametrised(Component):
    """K unconstrained numbers eta, cut into one block for each declared parameter.

    Attributes
    ----------
    params : dict
        Parameter name to constraint, in the order of the blocks of eta.
    roles : dict
        Parameter name to :class:`Role`: what each parameter is. One that is not named counts as a
        shape.
    """

    # What is declared is set by classes alone: as an attribute, or as a property that computes it.
    if TYPE_CHECKING:

        @property
        def params(self) -> Mapping[str, Bijector]:
            """Parameter name to constraint."""

        @property
        def roles(self) -> Mapping[str, Role]:
            """Parameter name to what the parameter is."""

    else:
        roles = {}

    @property
    def widths(self) -> dict[str, Width]:
        """Parameters that the width of the density follows, and how.

        By default the scales of a family with a location: such a density shrinks onto a row as
        its scale goes to zero. Other families declare what makes them narrow.
        """
        if Role.LOCATION not in self.roles.values():
            return {}
        spread = (Role.SCALE, Role.COVARIANCE)
        return {name: Width(1.0) for name, role in self.roles.items() if role in spread}

    @property
    def n_params(self) -> int:
        """K, the number of unconstrained parameters."""
        return self._layout[1]

    @cached_property
    def _layout(self) -> tuple[dict[str, slice], int]:
        start, blocks = 0, {}
        for name, constraint in self.params.items():
            blocks[name] = slice(start, start + constraint.size)
            start += constraint.size
        return blocks, start

    @property
    def blocks(self) -> dict[str, slice]:
        """The slice of eta that each parameter owns."""
        return self._layout[0]

    def native(self, eta: Any) -> tuple:
        """Native values of every parameter: (n, *shape) each, for eta (n, K)."""
        blocks = self.blocks
        return tuple(c.to_native(eta[:, blocks[name]]) for name, c in self.params.items())

    def native_dict(self, eta: np.ndarray) -> dict[str, np.ndarray]:
        """Native values by name at one point eta (K,)."""
        values = self.native(np.reshape(eta, (1, -1)))
        return {name: v[0] for name, v in zip(self.params, values, strict=True)}

    def eta(self, **native: Any) -> np.ndarray:
        """Unconstrained vector (K,) of native values given by name.

        Raises
        ------
        ValueError
            If a name is missing or unknown, or a value violates its constraint.
        """
        if set(native) != set(self.params):
            raise ValueError(f"parameters must be {list(self.params)}, got {list(native)}")
        parts = []
        for name, constraint in self.params.items():
            value = np.asarray(native[name], dtype=np.float64)
            if value.shape != constraint.shape:
                if value.size != max(1, int(np.prod(constraint.shape, dtype=int))):
                    raise ValueError(
                        f"{name} must have shape {constraint.shape}, got {value.shape}"
                    )
                value = value.reshape(constraint.shape)
            if not constraint.valid(value):
                raise ValueError(f"{name} must be {type(constraint).__name__}, got {value}")
            parts.append(constraint.to_eta(value[None])[0])
        return np.concatenate(parts) if parts else np.empty(0)

    def eta_names(self) -> list[str]:
        """A name for each of the K coordinates: ``loc``, ``scale``, ``covariance[0,1]``."""
        names = []
        for name, constraint in self.params.items():
            if constraint.size == 1 and constraint.shape == ():
                names.append(name)
            elif hasattr(constraint, "entries"):
                names += [f"{name}[{i},{j}]" for i, j in zip(*constraint.entries, strict=True)]
            else:
                names += [f"{name}[{i}]" for i in range(constraint.size)]
        return names

    @cached_property
    def limits(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Lower limit, upper limit and largest step of each coordinate, (K,) each."""
        pairs = [c.limits() for c in self.params.values()]
        steps = [c.steps() for c in self.params.values()]
        join = np.concatenate
        return join([p[0] for p in pairs]), join([p[1] for p in pairs]), join(steps)

    @cached_property
    def cut_together(self) -> list[slice]:
        """Blocks whose coordinates a step cuts by one factor."""
        return [self.blocks[name] for name, c in self.params.items() if c.cut_as_one]

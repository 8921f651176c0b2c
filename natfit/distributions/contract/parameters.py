"""The parameter blocks of a distribution: from eta to native values by name, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from natfit.bijectors import Bijector


@dataclass(frozen=True, eq=False)
class Parameters:
    """K unconstrained numbers eta, cut into one block for each parameter.

    Parameters
    ----------
    constraints : dict
        Parameter name to constraint, in the order of the blocks.
    """

    constraints: Mapping[str, Bijector]

    @cached_property
    def blocks(self) -> dict[str, slice]:
        """The slice of eta that belongs to each parameter."""
        start, blocks = 0, {}
        for name, constraint in self.constraints.items():
            blocks[name] = slice(start, start + constraint.size)
            start += constraint.size
        return blocks

    @cached_property
    def size(self) -> int:
        """K, the number of unconstrained numbers."""
        return sum(constraint.size for constraint in self.constraints.values())

    def native(self, eta: Any) -> tuple:
        """Native values of every parameter: (n, *shape) each, for eta (n, K); differentiable."""
        return tuple(c.to_native(eta[:, self.blocks[n]]) for n, c in self.constraints.items())

    def eta(self, values: dict[str, Any]) -> np.ndarray:
        """Unconstrained vector (K,) of native values given by name.

        Returns
        -------
        ndarray of shape (K,)
            In the order of the parameters' blocks.

        Raises
        ------
        ValueError
            If a name is missing or unknown, or a value violates its constraint.
        """
        if set(values) != set(self.constraints):
            raise ValueError(f"parameters must be {list(self.constraints)}, got {list(values)}")
        parts = []
        for name, constraint in self.constraints.items():
            value = np.asarray(values[name], dtype=np.float64)
            if value.shape != constraint.shape:
                if value.size != max(1, int(np.prod(constraint.shape, dtype=int))):
                    raise ValueError(
                        f"{name} must have shape {constraint.shape}, got {value.shape}"
                    )
                value = value.reshape(constraint.shape)
            if not constraint.valid(value):
                raise ValueError(f"{name} must be {constraint.rule}, got {value}")
            parts.append(constraint.to_eta(value[None])[0])
        return np.concatenate(parts) if parts else np.empty(0)

    def names(self) -> list[str]:
        """A name for each of the K coordinates: ``loc``, ``scale``, ``covariance[0,1]``."""
        names = []
        for name, constraint in self.constraints.items():
            if constraint.size == 1 and constraint.shape == ():
                names.append(name)
            elif constraint.entries is not None:
                names += [f"{name}[{i},{j}]" for i, j in zip(*constraint.entries, strict=True)]
            else:
                names += [f"{name}[{i}]" for i in range(constraint.size)]
        return names

    @cached_property
    def limits(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Lower limit, upper limit and largest step of each coordinate, (K,) each."""
        if not self.constraints:
            return np.empty(0), np.empty(0), np.empty(0)
        pairs = [c.limits() for c in self.constraints.values()]
        steps = [c.steps() for c in self.constraints.values()]
        join = np.concatenate
        return join([p[0] for p in pairs]), join([p[1] for p in pairs]), join(steps)

    @cached_property
    def row_limits(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper limit (K,) of eta in a row whose parameters follow features."""
        if not self.constraints:
            return np.empty(0), np.empty(0)
        pairs = [c.row_limits() for c in self.constraints.values()]
        return np.concatenate([p[0] for p in pairs]), np.concatenate([p[1] for p in pairs])

    @cached_property
    def cut_together(self) -> list[slice]:
        """Blocks whose coordinates are shortened by one factor where a step is too long."""
        return [self.blocks[name] for name, c in self.constraints.items() if c.cut_as_one]

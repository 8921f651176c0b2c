"""A family in other coordinates, in which it is regular at its limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from natfit.distributions.base import Distribution


@dataclass(frozen=True)
class Regular:
    """A family in other coordinates, and the maps between these and the family's own eta.

    Attributes
    ----------
    family : Distribution
        The same densities, with K other coordinates.
    to_own : callable
        Own eta (K,) of other coordinates (K,); finite at limits too.
    from_own : callable
        The inverse.
    jacobian : callable
        Derivatives (K, K) of own eta in the other coordinates (K,).
    """

    family: Distribution
    to_own: Callable[[np.ndarray], np.ndarray]
    from_own: Callable[[np.ndarray], np.ndarray]
    jacobian: Callable[[np.ndarray], np.ndarray]

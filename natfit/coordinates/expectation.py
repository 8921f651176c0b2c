"""theta = E[T(y)], the mean parameters of an exponential family."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.coordinates.base import Coordinates


class Expectation(Coordinates):
    """Mean parameters: one unit natural-gradient step is the exact MLE.

    T is taken about the start's location, an affine change of the textbook's E[y], E[y^2] that
    the natural gradient does not notice and that keeps the digits of data far from zero.

    Raises
    ------
    ValueError
        At ``bind``, where the family has no closed-form inverse; the message says why.
    """

    def _prepare(self, origin: np.ndarray) -> None:
        self._maps = self.family.expectation_coordinates(origin)

    def to_eta(self, theta: Any) -> Any:
        """Closed-form inverse of the mean."""
        return self._maps.to_eta(theta)

    def from_eta(self, eta: np.ndarray) -> np.ndarray:
        """E[T(y)]."""
        return self._maps.from_eta(eta)

    def names(self) -> list[str]:
        """E[...] of every statistic."""
        return self._maps.names

    def in_domain(self, theta: np.ndarray) -> bool:
        """Whether the mean parameters are those of a distribution (variance > 0)."""
        with np.errstate(all="ignore"):
            try:
                return super().in_domain(theta)
            except np.linalg.LinAlgError:
                return False

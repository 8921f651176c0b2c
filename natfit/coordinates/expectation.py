"""theta = E[T(y)], the mean parameters of an exponential family."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.coordinates.base import Coordinates


class Expectation(Coordinates):
    """Mean parameters: one natural-gradient step of length 1 gives the exact MLE.

    The statistics T are centred at the location of the start. This affine change of the textbook's
    E[y], E[y^2] leaves natural-gradient steps as they are and keeps the digits of data far from
    zero.

    Raises
    ------
    ValueError
        At ``bind``, where the family has no closed-form inverse; the message says why.
    """

    def _prepare(self, origin: np.ndarray) -> None:
        self._maps = self.family.expectation_coordinates(origin)

    def to_eta(self, theta: Any) -> Any:
        """Map mean parameters (K,) to eta (K,) by their closed-form inverse."""
        return self._maps.to_eta(theta)

    def from_eta(self, eta: np.ndarray) -> np.ndarray:
        """Return the mean parameters E[T(y)], (K,), of eta (K,)."""
        return self._maps.from_eta(eta)

    def names(self) -> list[str]:
        """Return a name ``E[...]`` for each of the K mean parameters."""
        return self._maps.names

    def in_domain(self, theta: np.ndarray) -> bool:
        """Whether the mean parameters are those of a distribution (variance > 0)."""
        with np.errstate(all="ignore"):
            try:
                return super().in_domain(theta)
            except np.linalg.LinAlgError:
                return False

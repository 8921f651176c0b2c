# Copy to natfit/coordinates/centred.py.
"""theta = eta - start: every fit begins at zero."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.coordinates.base import Coordinates


class Centred(Coordinates):
    """Unconstrained parameters less those of the start; steps are those of ``unconstrained``."""

    def _prepare(self, origin: np.ndarray) -> None:
        self._origin = np.array(origin)

    def to_eta(self, theta: Any) -> Any:
        """Return eta (K,) of theta (K,)."""
        return theta + self._origin

    def from_eta(self, eta: np.ndarray) -> np.ndarray:
        """Return theta (K,) of eta (K,)."""
        return eta - self._origin

    def limits(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the family's limits, shifted, and its largest steps, (K,) each."""
        low, high, steps = self.family.limits
        return low - self._origin, high - self._origin, steps

    def cut_together(self) -> list[slice]:
        """Return the family's blocks that one factor shortens."""
        return self.family.cut_together

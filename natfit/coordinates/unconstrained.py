"""theta = eta: logarithms of scales, logits of probabilities."""

from __future__ import annotations

import numpy as np

from natfit.coordinates.base import Coordinates


class Unconstrained(Coordinates):
    """The default: theta is eta itself, so that every step stays inside the constraints."""

    unconstrained = True

    def to_eta(self, theta: np.ndarray) -> np.ndarray:
        """Return theta (K,) itself, which is eta."""
        return theta

    def from_eta(self, eta: np.ndarray) -> np.ndarray:
        """Return eta (K,) itself, which is theta."""
        return eta

    def jacobian(self, theta: np.ndarray) -> None:
        """Return None, which stands for the identity."""

    def curvature(self, theta: np.ndarray, u: np.ndarray) -> np.ndarray:
        """Return zeros (K, K), since eta is linear in theta."""
        return np.zeros((len(theta), len(theta)))

    def labels(self) -> list[str]:
        """Return the names in the form of their constraints, such as ``log scale``."""
        forms = [c.label for c in self.family.params.values() for _ in range(c.size)]
        return [form.format(name) for form, name in zip(forms, self.names(), strict=True)]

    def limits(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the lower limits, upper limits and largest steps (K,) of the family."""
        return self.family.limits

    def cut_together(self) -> list[slice]:
        """Return the family's blocks that one factor shortens."""
        return self.family.cut_together

    def in_domain(self, theta: np.ndarray) -> bool:
        """Whether theta lies inside the family's limits."""
        low, high, _ = self.family.limits
        return bool((theta >= low).all() and (theta <= high).all())

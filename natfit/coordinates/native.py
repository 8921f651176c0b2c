"""theta = the native parameters themselves, the paper's (mu, sigma)."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.coordinates.base import Coordinates


class Native(Coordinates):
    """The paper's coordinates: (mu, sigma), not (mu, log sigma).

    A step may violate the constraints (sigma <= 0). :meth:`in_domain` says so, and every step
    asks it before it evaluates the objective.
    """

    def _prepare(self, origin: np.ndarray) -> None:
        start, self._blocks = 0, []
        for constraint in self.family.params.values():
            self._blocks.append((slice(start, start + constraint.native_size), constraint))
            start += constraint.native_size
        self._scalar = all(c.elementwise for _, c in self._blocks)

    def to_eta(self, theta: Any) -> Any:
        """Map native values (K,) to eta (K,) by the inverse of each constraint."""
        parts = [anp.reshape(c.to_eta(c.unpack(theta[b][None])), (-1,)) for b, c in self._blocks]
        return anp.concatenate(parts)

    def from_eta(self, eta: np.ndarray) -> np.ndarray:
        """Return the native values of eta (K,), flattened to (K,)."""
        values = self.family.native(eta[None])
        return np.concatenate(
            [c.pack(v[0]) for (_, c), v in zip(self._blocks, values, strict=True)]
        )

    def jacobian(self, theta: np.ndarray) -> np.ndarray:
        """Return d eta / d theta (K, K), the inverse of d native / d eta block by block."""
        eta = self.to_eta(theta)
        out = np.zeros((len(theta), len(theta)))
        for (block, constraint), where in zip(
            self._blocks, self.family.blocks.values(), strict=True
        ):
            out[where, block] = np.linalg.inv(constraint.jacobian(eta[where]))
        return out

    def curvature(self, theta: np.ndarray, u: np.ndarray) -> np.ndarray:
        """Return the curvature (K, K): -u second / first^3 where elementwise, else by autograd."""
        if not self._scalar:
            return super().curvature(theta, u)
        eta = self.to_eta(theta)
        first = np.concatenate([c.first(eta[b]) for b, c in self._blocks])
        second = np.concatenate([c.second(eta[b]) for b, c in self._blocks])
        return np.diag(-u * second / first**3)

    def limits(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the practical limits that constraints declare, such as df <= 1e10; no others.

        A constraint such as sigma > 0 is not a limit: a step that violates it is rejected, whereas
        a step beyond a limit is moved to the limit.

        Returns
        -------
        low, high, step : ndarray of shape (K,)
            Lower limits, upper limits and the largest change in one step.
        """
        low, high, steps = super().limits()
        for block, constraint in self._blocks:
            low[block], high[block] = constraint.native_limits
        return low, high, steps

    def in_domain(self, theta: np.ndarray) -> bool:
        """Whether every native value satisfies its constraint, e.g. sigma > 0."""
        for block, constraint in self._blocks:
            if not constraint.valid(constraint.unpack(theta[block][None])[0]):
                return False
        return super().in_domain(theta)

"""The contract of coordinates: what theta means in a constant model."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit._component import Component
from natfit.numerics import autodiff


class Coordinates(Component):
    """A smooth one-to-one map from theta (K,) to eta (K,).

    To first order the direction of the natural gradient does not depend on this map. The path,
    the convergence far from the optimum and the limits of a step do.
    """

    _package = "natfit.coordinates"
    family: Any

    #: The eta (K,) of the start, which bound coordinates may depend on.
    origin: np.ndarray

    #: Whether theta is eta itself.
    unconstrained = False

    def bind(self, family: Any, origin: np.ndarray) -> Coordinates:
        """Return a copy for one distribution; ``origin`` (K,) is the eta of the start."""
        bound = type(self)(**self.get_params(deep=False))
        bound.family, bound.origin = family, origin
        bound._prepare(origin)
        return bound

    def _prepare(self, origin: np.ndarray) -> None:
        """Set up what the map needs."""

    def to_eta(self, theta: Any) -> Any:
        """Map theta (K,) to eta (K,); differentiable by autograd."""
        raise NotImplementedError

    def from_eta(self, eta: np.ndarray) -> np.ndarray:
        """Map eta (K,) to theta (K,)."""
        raise NotImplementedError

    def jacobian(self, theta: np.ndarray) -> np.ndarray | None:
        """Return d eta / d theta (K, K), or None for the identity."""
        return autodiff.jacobian(self.to_eta, theta)

    def curvature(self, theta: np.ndarray, u: np.ndarray) -> np.ndarray:
        """Return the sum over k of u_k d2 eta_k / d theta2, (K, K)."""
        import autograd.numpy as anp

        return autodiff.hessian(lambda t: anp.dot(u, self.to_eta(t)), theta)

    def names(self) -> list[str]:
        """Return a name for each of the K coordinates."""
        return self.family.eta_names()

    def labels(self) -> list[str]:
        """Return an axis label for each coordinate: ``log scale`` where the name is ``scale``."""
        return self.names()

    def limits(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the lower limit, the upper limit and the largest step of each coordinate, (K,)."""
        infinite = np.full(self.family.n_params, np.inf)
        return -infinite, infinite, infinite

    def cut_together(self) -> list[slice]:
        """Return the blocks that one factor shortens when an entry exceeds its largest step."""
        return []

    def in_domain(self, theta: np.ndarray) -> bool:
        """Whether theta gives a finite eta inside the family's limits."""
        with np.errstate(all="ignore"):
            eta = self.to_eta(theta)
        low, high, _ = self.family.limits
        return bool(np.all(np.isfinite(eta)) and np.all(eta >= low) and np.all(eta <= high))

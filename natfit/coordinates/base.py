"""What theta means in a constant model."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit._component import Component
from natfit.numerics import autodiff


class Coordinates(Component):
    """A smooth one-to-one map from theta (K,) to eta (K,).

    The natural gradient's direction does not depend on it to first order; the path, the
    convergence far from the optimum and what is capped do.
    """

    _package = "natfit.coordinates"
    family: Any

    #: Whether theta is eta itself.
    unconstrained = False

    def bind(self, family: Any, origin: np.ndarray) -> Coordinates:
        """Return a copy for one distribution; ``origin`` (K,) is the eta of the start."""
        bound = type(self)(**self.get_params(deep=False))
        bound.family = family
        bound._prepare(origin)
        return bound

    def _prepare(self, origin: np.ndarray) -> None:
        """Set up what the map needs."""

    def to_eta(self, theta: Any) -> Any:
        """Eta (K,) of theta (K,); differentiable."""
        raise NotImplementedError

    def from_eta(self, eta: np.ndarray) -> np.ndarray:
        """Theta (K,) of eta (K,)."""
        raise NotImplementedError

    def jacobian(self, theta: np.ndarray) -> np.ndarray | None:
        """d eta / d theta, (K, K); None is the identity."""
        return autodiff.jacobian(self.to_eta, theta)

    def curvature(self, theta: np.ndarray, u: np.ndarray) -> np.ndarray:
        """Sum over k of u_k d2 eta_k / d theta2, (K, K)."""
        import autograd.numpy as anp

        return autodiff.hessian(lambda t: anp.dot(u, self.to_eta(t)), theta)

    def names(self) -> list[str]:
        """A name for each coordinate."""
        return self.family.eta_names()

    def labels(self) -> list[str]:
        """How each coordinate is written on an axis: ``log scale`` where its name is ``scale``."""
        return self.names()

    def limits(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Lower limit, upper limit and largest step of each coordinate."""
        infinite = np.full(self.family.n_params, np.inf)
        return -infinite, infinite, infinite

    def cut_together(self) -> list[slice]:
        """Blocks of coordinates that are cut by one factor where one exceeds its largest step."""
        return []

    def in_domain(self, theta: np.ndarray) -> bool:
        """Whether theta gives a finite eta inside the family's limits."""
        with np.errstate(all="ignore"):
            eta = self.to_eta(theta)
        low, high, _ = self.family.limits
        return bool(np.all(np.isfinite(eta)) and np.all(eta >= low) and np.all(eta <= high))

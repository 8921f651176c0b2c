"""The constraint's contract, and what elementwise constraints share."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit._component import Component
from natfit.numerics import autodiff

#: exp(690) is still a finite double; beyond it every density here is 0 or infinite.
LOG_RANGE = 690.0


class Bijector(Component):
    """A constraint: a smooth one-to-one map from R^size to the native values of one parameter.

    Attributes
    ----------
    size : int
        Number of unconstrained coordinates (its share of K).
    shape : tuple
        Shape of one native value.
    max_step : float
        Largest change of an unconstrained coordinate in one optimiser step. Coordinates that
        are logarithms have a natural unit: a change of 3 is a factor of 20. Locations have
        none and their limit is infinite.
    """

    _package = "natfit.bijectors"

    max_step = np.inf

    #: Whether the native value falls as eta grows.
    decreasing = False

    #: Whether its coordinates are cut together where one exceeds its largest step: the entries of
    #: a Cholesky factor only make sense with its diagonal.
    cut_as_one = False

    #: How an unconstrained coordinate is written, given the parameter's name.
    label = "{}"

    def __init__(self, shape: tuple = ()):
        self.shape = shape

    @property
    def size(self) -> int:
        """Number of unconstrained coordinates."""
        return int(np.prod(self.shape, dtype=int))

    @property
    def native_size(self) -> int:
        """Number of free native numbers (a covariance counts its lower triangle)."""
        return self.size

    def to_native(self, eta: Any) -> Any:
        """Map (n, size) unconstrained coordinates to (n, *shape) native values."""
        return self._forward(eta).reshape((eta.shape[0], *self.shape))

    def to_eta(self, native: Any) -> Any:
        """Map (n, *shape) native values to (n, size) unconstrained coordinates."""
        return self._backward(anp.reshape(native, (native.shape[0], -1)))

    def _forward(self, eta: Any) -> Any:
        raise NotImplementedError

    def _backward(self, native: Any) -> Any:
        raise NotImplementedError

    def pack(self, native: np.ndarray) -> np.ndarray:
        """Flatten one native value (*shape) to its free numbers (native_size,)."""
        return np.reshape(native, -1)

    def unpack(self, free: Any) -> Any:
        """Inverse of :meth:`pack` for rows: (n, native_size) to (n, *shape)."""
        return anp.reshape(free, (free.shape[0], *self.shape))

    def valid(self, native: np.ndarray) -> bool:
        """Tell whether one native value satisfies the constraint."""
        return bool(np.all(np.isfinite(native)))

    def jacobian(self, eta: np.ndarray) -> np.ndarray:
        """d pack(native) / d eta at one point: (native_size, size)."""
        return autodiff.jacobian(lambda e: self.to_native(e[None])[0].reshape(-1), eta)

    @property
    def bounds(self) -> tuple[float, float]:
        """Limits of the unconstrained coordinates inside which arithmetic is finite."""
        return (-np.inf, np.inf)

    @property
    def native_bounds(self) -> tuple[float, float]:
        """The infimum and supremum of the native values, for messages."""
        return (-np.inf, np.inf)

    @property
    def domain(self) -> tuple[float, float]:
        """The ends beyond which no native value is valid."""
        return self.native_bounds

    def limits(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper limit (size,) of every unconstrained coordinate."""
        low, high = self.bounds
        return np.full(self.size, low), np.full(self.size, high)

    def steps(self) -> np.ndarray:
        """Largest change (size,) of every unconstrained coordinate in one step."""
        return np.full(self.size, self.max_step)

    @classmethod
    def examples(cls) -> list[Bijector]:
        """Return a scalar and a vector constraint."""
        return [cls(), cls((3,))]


class Elementwise(Bijector):
    """A constraint that maps every coordinate by one scalar function."""

    def first(self, eta: np.ndarray) -> np.ndarray:
        """d native / d eta, elementwise."""
        raise NotImplementedError

    def second(self, eta: np.ndarray) -> np.ndarray:
        """Second derivative d2 native / d eta2, elementwise."""
        raise NotImplementedError

    def jacobian(self, eta: np.ndarray) -> np.ndarray:
        """Diagonal matrix of :meth:`first`."""
        return np.diag(self.first(eta))

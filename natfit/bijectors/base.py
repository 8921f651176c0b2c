"""The contract of constraints, and what elementwise constraints share."""

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
        Number of unconstrained coordinates, which the parameter adds to K.
    shape : tuple
        Shape of one native value.
    max_step : float
        Largest change of an unconstrained coordinate in one step of the optimiser. Logarithms
        have a natural unit: a change of 3 is a factor of 20. Locations have no such unit, and
        their largest change is infinite.
    """

    _package = "natfit.bijectors"

    max_step = np.inf

    #: Whether the native value falls as eta grows.
    decreasing = False

    #: Whether all its coordinates are shortened by one factor when one exceeds its largest step:
    #: the entries of a Cholesky factor only make sense together with its diagonal.
    cut_as_one = False

    #: Whether one scalar function maps every coordinate; it then has ``first`` and ``second``.
    elementwise = False

    #: Label of an unconstrained coordinate, formatted with the parameter's name.
    label = "{}"

    def __init__(self, shape: tuple = ()):
        self.shape = shape

    @property
    def size(self) -> int:
        """Number of unconstrained coordinates."""
        return int(np.prod(self.shape, dtype=int))

    @property
    def entries(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Row and column (size,) of the matrix entry of every coordinate; None of no matrix."""
        return None

    @property
    def native_size(self) -> int:
        """Number of free numbers in one native value; for a covariance, its lower triangle."""
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
        """Return d pack(native) / d eta at one point eta (size,), (native_size, size)."""
        return autodiff.jacobian(lambda e: self.to_native(e[None])[0].reshape(-1), eta)

    @property
    def bounds(self) -> tuple[float, float]:
        """Lower and upper limit of every unconstrained coordinate, where arithmetic is finite."""
        return (-np.inf, np.inf)

    @property
    def native_bounds(self) -> tuple[float, float]:
        """Infimum and supremum of the native values, for messages."""
        return (-np.inf, np.inf)

    @property
    def native_limits(self) -> tuple[float, float]:
        """Native values at which an estimate rests; a value beyond one is moved to it.

        Infinite where there is none: the open ends of :attr:`domain` are no limits, because no
        estimate reaches them.
        """
        return (-np.inf, np.inf)

    @property
    def domain(self) -> tuple[float, float]:
        """Lower and upper end beyond which no native value is valid."""
        return self.native_bounds

    @property
    def rule(self) -> str:
        """What a native value must be, for messages: the constraint, and its range."""
        name, (low, high) = type(self).__name__, self.domain
        ends = [f"> {low:g}"] if np.isfinite(low) else []
        ends += [f"< {high:g}"] if np.isfinite(high) else []
        return f"{name} ({' and '.join(ends)})" if self.elementwise and ends else name

    def limits(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the lower and the upper limit (size,) of the unconstrained coordinates."""
        low, high = self.bounds
        return np.full(self.size, low), np.full(self.size, high)

    def row_limits(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the limits (size,) of the coordinates in a row whose value follows features."""
        # An estimate rests at a limit; one row among others needs only those of arithmetic.
        return self.limits()

    def steps(self) -> np.ndarray:
        """Return the largest change (size,) of the unconstrained coordinates in one step."""
        return np.full(self.size, self.max_step)

    @classmethod
    def examples(cls) -> list[Bijector]:
        """Return a scalar and a vector constraint."""
        return [cls(), cls((3,))]


class Elementwise(Bijector):
    """A constraint that maps every coordinate by one scalar function.

    A native value has a scale on which it stays exact near the ends of its range: its logarithm,
    or its log odds. A constraint names it in ``scale`` and maps eta to it and back, so that a
    parameter can change its constraint where the native value itself rounds to an end.
    """

    elementwise = True

    #: "log" or "logit", the scale between constraints; the native value itself by default.
    scale: str | None = None

    def to_scale(self, eta: Any) -> Any:
        """Return the native value of eta on the scale, elementwise; differentiable."""
        return self._forward(eta)

    def to_scale_slopes(self, eta: np.ndarray) -> tuple[Any, Any]:
        """Return the first and the second derivative of :meth:`to_scale`, elementwise."""
        return self.first(eta), self.second(eta)

    def of_scale(self, value: Any) -> Any:
        """Return eta of a value on the scale, elementwise; differentiable."""
        return self._backward(value)

    def of_scale_slopes(self, value: np.ndarray) -> tuple[Any, Any]:
        """Return the first and the second derivative of :meth:`of_scale`, elementwise."""
        return self._inverse_slopes(self.of_scale(value), self.to_scale_slopes)

    def onto(self, other: Elementwise, eta: Any) -> Any:
        """Return eta of another constraint at the same native value; differentiable."""
        if self.scale == other.scale:
            return other.of_scale(self.to_scale(eta))
        return other._backward(self._forward(eta))

    def onto_slopes(self, other: Elementwise, eta: np.ndarray) -> tuple[Any, Any]:
        """Return the first and the second derivative of :meth:`onto`, elementwise."""
        if self.scale == other.scale:
            (a, b), at = self.to_scale_slopes(eta), self.to_scale(eta)
            first, second = other.of_scale_slopes(at)
        else:
            a, b = self.first(eta), self.second(eta)
            first, second = self._inverse_slopes(
                other._backward(self._forward(eta)), lambda e: (other.first(e), other.second(e))
            )
        return first * a, second * a * a + first * b

    def _inverse_slopes(self, at: np.ndarray, slopes: Any) -> tuple[Any, Any]:
        """Return the derivatives of the inverse of a map, at the argument of the map."""
        first, second = slopes(at)
        return 1.0 / first, -second / first**3

    @property
    def open_ends(self) -> tuple[float, float]:
        """Ends of eta between which the map is defined; the whole line by default."""
        return (-np.inf, np.inf)

    def first(self, eta: np.ndarray) -> np.ndarray:
        """Return the first derivative d native / d eta, elementwise."""
        raise NotImplementedError

    def second(self, eta: np.ndarray) -> np.ndarray:
        """Return the second derivative d2 native / d eta2, elementwise."""
        raise NotImplementedError

    def jacobian(self, eta: np.ndarray) -> np.ndarray:
        """Return the diagonal matrix (size, size) of :meth:`first`."""
        return np.diag(self.first(eta))

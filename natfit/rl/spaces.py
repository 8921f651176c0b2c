"""Sets of observations and actions: whole numbers, vectors of them, boxes of real vectors.

A policy sees an observation as D floats (``encode``). It answers with class indices from 0 or with
real numbers, which ``decode`` turns into values of the space.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

#: Relative tolerance at the limits of a box, for rounding in float32.
_TOLERANCE = 1e-5


@dataclass(frozen=True, eq=False)
class Space:
    """Base of all spaces."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one value of the space."""
        raise NotImplementedError

    @property
    def width(self) -> int:
        """Number D of float features that :meth:`encode` makes of one value."""
        raise NotImplementedError

    def contains(self, values: np.ndarray) -> np.ndarray:
        """Tell whether each of values (n, *shape) belongs to the space, (n,) bool."""
        raise NotImplementedError

    def usable(self, values: np.ndarray) -> np.ndarray:
        """Tell which values (n, *shape) can be observations, (n,) bool; by default those inside."""
        return self.contains(values)

    def outside(self, encoded: np.ndarray) -> np.ndarray:
        """Return how far encoded values (n, D) lie outside of the limits, (n, D), 0 if inside."""
        return np.zeros(encoded.shape)

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Return values (n, *shape) as float64 features (n, D)."""
        raise NotImplementedError

    def decode(self, actions: np.ndarray) -> Any:
        """Return a policy's actions, (n,) or (n, A), as values of the space (n, *shape)."""
        raise NotImplementedError

    @property
    def feature_names(self) -> list[str]:
        """Names of the D features, such as ``x[0]`` of a vector and ``x=0`` of a whole number."""
        return self.names_in("x")

    def names_in(self, name: str) -> list[str]:
        """Return names of the D features of a value that is called ``name``."""
        return [name + _place(index) for index in np.ndindex(self.shape)]

    def __eq__(self, other: object) -> bool:
        """Compare by type and fields."""
        if type(self) is not type(other):
            return NotImplemented
        return all(
            np.array_equal(getattr(self, f.name), getattr(other, f.name)) for f in fields(self)
        )

    def __hash__(self) -> int:
        """Hash by type and shape."""
        return hash((type(self).__name__, self.shape))


@dataclass(frozen=True, eq=False)
class Discrete(Space):
    """Whole numbers start, ..., start + n - 1; each is encoded as n indicators.

    Parameters
    ----------
    n : int
        Number of values.
    start : int, default=0
        The smallest value.
    """

    n: int
    start: int = 0

    def __post_init__(self) -> None:
        """Check that n is an integer >= 1."""
        _whole("n", self.n)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape () of one value, which is a number."""
        return ()

    @property
    def width(self) -> int:
        """Number D = n of features: one indicator per value."""
        return self.n

    def contains(self, values: np.ndarray) -> np.ndarray:
        """Tell whether each of values (n,) is whole and between the ends, (n,) bool."""
        values = np.asarray(values)
        index = values - self.start
        return (index >= 0) & (index < self.n) & (np.floor(index) == index)

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Return the indicators (n, D) of values (n,)."""
        index = np.asarray(values) - self.start
        return (index[:, None] == np.arange(self.n)).astype(np.float64)

    def decode(self, actions: np.ndarray) -> np.ndarray:
        """Return class indices from 0, (n,), as values of the space."""
        index = np.asarray(actions).astype(np.int64, copy=False)
        return index + self.start if self.start else index

    def names_in(self, name: str) -> list[str]:
        """Return names of the D features of a value that is called ``name``."""
        return [f"{name}={self.start + k}" for k in range(self.n)]


@dataclass(frozen=True, eq=False, init=False)
class MultiDiscrete(Space):
    """Arrays of whole numbers, element j among start_j, ..., start_j + nvec_j - 1.

    Parameters
    ----------
    nvec : array-like of int
        Number of values of each element; its shape is that of a value.
    start : array-like of int, default=0
        The smallest value of each element.
    """

    nvec: np.ndarray
    start: np.ndarray

    def __init__(self, nvec: Any, start: Any = 0):
        """Check the counts and store them as arrays."""
        counts = np.array(nvec)
        for value in counts.ravel().tolist():
            _whole("nvec", value)
        if counts.size == 0:
            raise ValueError("nvec must have at least one element")
        object.__setattr__(self, "nvec", _frozen(counts.astype(np.int64)))
        least = np.broadcast_to(np.asarray(start, dtype=np.int64), counts.shape)
        object.__setattr__(self, "start", _frozen(least.copy()))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one value, which is that of nvec."""
        return self.nvec.shape

    @property
    def width(self) -> int:
        """Number D of features: the indicators of all elements."""
        return int(self.nvec.sum())

    def contains(self, values: np.ndarray) -> np.ndarray:
        """Tell whether all elements of each value are whole and between their ends, (n,) bool."""
        index = np.asarray(values) - self.start
        inside = (index >= 0) & (index < self.nvec) & (np.floor(index) == index)
        return inside.reshape(len(inside), -1).all(axis=1)

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Return the indicators of all elements side by side, (n, D)."""
        index = (np.asarray(values) - self.start).reshape(len(values), -1)
        element = np.repeat(np.arange(self.nvec.size), self.nvec.ravel())
        value = np.concatenate([np.arange(k) for k in self.nvec.ravel()])
        return (index[:, element] == value).astype(np.float64)

    def decode(self, actions: np.ndarray) -> np.ndarray:
        """Return class indices from 0, (n, A), as values of the space."""
        index = np.asarray(actions).astype(np.int64, copy=False)
        return index.reshape(len(index), *self.shape) + self.start

    def names_in(self, name: str) -> list[str]:
        """Return names of the D features of a value that is called ``name``."""
        return [
            f"{name}{_place(index)}={self.start[index] + k}"
            for index in np.ndindex(self.shape)
            for k in range(self.nvec[index])
        ]


@dataclass(frozen=True, eq=False)
class MultiBinary(Space):
    """Arrays of zeros and ones.

    Parameters
    ----------
    n : int or tuple of int
        Number of elements, or shape of a value.
    """

    n: int | tuple[int, ...]

    def __post_init__(self) -> None:
        """Check that n or its entries are integers >= 1."""
        for value in self.shape:
            _whole("n", value)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one value: (n,), or n itself if it is a tuple."""
        return tuple(np.atleast_1d(self.n).tolist())

    @property
    def width(self) -> int:
        """Number D of features: one per element."""
        return int(np.prod(self.shape))

    def contains(self, values: np.ndarray) -> np.ndarray:
        """Tell whether all elements of each value are 0 or 1, (n,) bool."""
        values = np.asarray(values)
        inside = (values == 0) | (values == 1)
        return inside.reshape(len(inside), -1).all(axis=1)

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Return the elements as floats, (n, D)."""
        return np.asarray(values, dtype=np.float64).reshape(len(values), -1)

    def decode(self, actions: np.ndarray) -> np.ndarray:
        """Return zeros and ones (n, A) as int8 values of the space's shape."""
        actions = np.asarray(actions).astype(np.int8)
        return actions.reshape(len(actions), *self.shape)


@dataclass(frozen=True, eq=False, init=False)
class Box(Space):
    """Real arrays between two arrays of limits, which may be infinite.

    Parameters
    ----------
    low, high : array-like
        Lower and upper limits, low <= high, of the shape of a value.
    """

    low: np.ndarray
    high: np.ndarray

    def __init__(self, low: Any, high: Any):
        """Check the limits and store them in float64."""
        least, most = (np.array(b, dtype=np.float64) for b in (low, high))
        if least.shape != most.shape:
            raise ValueError(
                f"low and high must have equal shapes, got {least.shape} and {most.shape}"
            )
        if least.size == 0:
            raise ValueError("low and high must have at least one element")
        if not np.all(least <= most):
            raise ValueError(f"low must be <= high, got {low} and {high}")
        object.__setattr__(self, "low", _frozen(least))
        object.__setattr__(self, "high", _frozen(most))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one value, which is that of the limits."""
        return self.low.shape

    @property
    def width(self) -> int:
        """Number D of features: one per element."""
        return self.low.size

    def contains(self, values: np.ndarray) -> np.ndarray:
        """Tell whether each value is finite and between the limits, up to rounding in float32."""
        values = np.asarray(values, dtype=np.float64)
        low, high = self._tolerated
        inside = (values >= low) & (values <= high) & np.isfinite(values)
        return inside.reshape(len(inside), -1).all(axis=1)

    @cached_property
    def _tolerated(self) -> tuple[np.ndarray, np.ndarray]:
        """The limits, widened by rounding in float32."""
        low, high = self.low, self.high
        # A limit near the largest double becomes infinite, which is no limit.
        with np.errstate(invalid="ignore", over="ignore"):
            low = np.where(np.isfinite(low), low - _TOLERANCE * (1.0 + np.abs(low)), low)
            high = np.where(np.isfinite(high), high + _TOLERANCE * (1.0 + np.abs(high)), high)
        return low, high

    def usable(self, values: np.ndarray) -> np.ndarray:
        """Tell which values are finite, (n,) bool; limits of observations are a declaration."""
        return np.isfinite(values).reshape(len(values), -1).all(axis=1)

    def outside(self, encoded: np.ndarray) -> np.ndarray:
        """Return how far encoded values (n, D) lie outside of the limits, (n, D), 0 if inside.

        Within rounding in float32 they count as inside.

        Returns
        -------
        ndarray of shape (n, D)
            Distances to the limits, in the unit of the values.
        """
        low, high = (limit.ravel() for limit in self._tolerated)
        beyond = np.maximum(self.low.ravel() - encoded, encoded - self.high.ravel())
        return np.where((encoded < low) | (encoded > high), beyond, 0.0)

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Return the elements of each value side by side, (n, D)."""
        return np.asarray(values, dtype=np.float64).reshape(len(values), -1)

    def decode(self, actions: np.ndarray) -> np.ndarray:
        """Return real actions (n, A) in the space's shape."""
        actions = np.asarray(actions, dtype=np.float64)
        return actions.reshape(len(actions), *self.shape)


def _place(index: tuple[int, ...]) -> str:
    """Return how an element of an array is written; nothing for a number."""
    return f"[{', '.join(map(str, index))}]" if index else ""


def _whole(name: str, value: Any) -> None:
    """Raise unless a count is an integer >= 1."""
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} must be an integer >= 1, got {value!r}")


def _frozen(array: np.ndarray) -> np.ndarray:
    """Make an array read-only."""
    array.setflags(write=False)
    return array

"""Constraints on parameters, one spelling each: maps from unconstrained to native values.

A distribution declares ``params = {"loc": Real(), "scale": Positive()}``. Each constraint maps
a block of the unconstrained vector eta to the native value, here ``scale = exp(eta)``:

======================  ====================  =========================================
constraint              native values         map
======================  ====================  =========================================
``Real(shape)``         real                  identity
``Positive(shape)``     > 0                   exp
``Reciprocal(shape)``   > 0, infinity at 0    1 / sinh
``Unit(shape)``         in (0, 1)             logistic function
``Simplex(n)``          n numbers, sum 1      softmax against the last
``CholeskyFactor(d)``   lower triangle, d x d  exp on the diagonal
``Covariance(d)``       positive definite     L L' of the Cholesky factor
======================  ====================  =========================================

All maps are written in ``autograd.numpy`` and take a leading axis of rows.
"""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit import autodiff
from natfit._component import Component

#: exp(690) is still a finite double; beyond it every density here is 0 or infinite.
_LOG_RANGE = 690.0


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

    max_step = np.inf

    #: Whether the native value falls as eta grows.
    decreasing = False

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


class _Elementwise(Bijector):
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


class Real(_Elementwise):
    """Any real number: the identity."""

    def _forward(self, eta: Any) -> Any:
        return eta

    def _backward(self, native: Any) -> Any:
        return native

    def first(self, eta: np.ndarray) -> np.ndarray:
        """One."""
        return np.ones_like(eta)

    def second(self, eta: np.ndarray) -> np.ndarray:
        """Zero."""
        return np.zeros_like(eta)


class Positive(_Elementwise):
    """Positive numbers: native = exp(eta).

    Parameters
    ----------
    shape : tuple
        Shape of the native value.
    low, high : float
        Practical limits of the native value: where the family is numerically at its limit
        (Student-t with df = 1e10 is the normal). A fit that reaches one ends as ``boundary``.
    """

    max_step = 3.0

    def __init__(self, shape: tuple = (), low: float = 0.0, high: float = np.inf):
        super().__init__(shape)
        self.low = low
        self.high = high

    def _forward(self, eta: Any) -> Any:
        return anp.exp(eta)

    def _backward(self, native: Any) -> Any:
        return anp.log(native)

    def first(self, eta: np.ndarray) -> np.ndarray:
        """exp(eta)."""
        return np.exp(eta)

    def second(self, eta: np.ndarray) -> np.ndarray:
        """exp(eta)."""
        return np.exp(eta)

    def valid(self, native: np.ndarray) -> bool:
        """Finite and > 0."""
        return super().valid(native) and bool(np.all(np.asarray(native) > 0))

    @property
    def bounds(self) -> tuple[float, float]:
        """Logarithms of low and high, inside the range of doubles."""
        low = np.log(self.low) if self.low > 0 else -_LOG_RANGE
        high = np.log(self.high) if self.high < np.inf else _LOG_RANGE
        return (max(low, -_LOG_RANGE), min(high, _LOG_RANGE))

    @property
    def native_bounds(self) -> tuple[float, float]:
        """Zero and infinity."""
        return (0.0, np.inf)

    @classmethod
    def examples(cls) -> list[Bijector]:
        """Return a scalar, a vector and a limited constraint."""
        return [cls(), cls((3,)), cls(low=1e-6, high=1e6)]


class Reciprocal(_Elementwise):
    """Positive numbers for which infinity is an ordinary point: native = 1 / sinh(eta).

    Degrees of freedom, whose infinity is the normal distribution, are regular in 1 / df: the
    score and the Fisher information have finite limits there, so that a fit reaches the bound
    in a few steps. In log df both vanish, and every step is worth one unit of log df. Small
    native values are logarithmic, as those of ``Positive``: eta = log(2 / native).

    eta is positive and falls as the native value grows.

    Parameters
    ----------
    shape : tuple
        Shape of the native value.
    low, high : float
        Practical limits of the native value; a fit that reaches one ends as ``boundary``.
    """

    max_step = 3.0
    decreasing = True

    def __init__(self, shape: tuple = (), low: float = 1e-10, high: float = 1e10):
        super().__init__(shape)
        self.low = low
        self.high = high

    def _forward(self, eta: Any) -> Any:
        return 1.0 / anp.sinh(eta)

    def _backward(self, native: Any) -> Any:
        return anp.arcsinh(1.0 / native)

    def first(self, eta: np.ndarray) -> np.ndarray:
        """-cosh / sinh^2."""
        return -np.cosh(eta) / np.sinh(eta) ** 2

    def second(self, eta: np.ndarray) -> np.ndarray:
        """(1 + cosh^2) / sinh^3."""
        return (1.0 + np.cosh(eta) ** 2) / np.sinh(eta) ** 3

    def valid(self, native: np.ndarray) -> bool:
        """Finite and > 0."""
        return super().valid(native) and bool(np.all(np.asarray(native) > 0))

    @property
    def bounds(self) -> tuple[float, float]:
        """Of eta: the ends swap."""
        return (float(np.arcsinh(1.0 / self.high)), float(np.arcsinh(1.0 / self.low)))

    @property
    def native_bounds(self) -> tuple[float, float]:
        """Zero and infinity."""
        return (0.0, np.inf)


class Unit(_Elementwise):
    """Numbers in (0, 1): native = 1 / (1 + exp(-eta)).

    Parameters
    ----------
    shape : tuple
        Shape of the native value.
    margin : float
        Practical distance from 0 and 1; a fit that reaches it ends as ``boundary``.
    """

    max_step = 3.0

    def __init__(self, shape: tuple = (), margin: float = 0.0):
        super().__init__(shape)
        self.margin = margin

    def _forward(self, eta: Any) -> Any:
        # exp of a negative number only: no overflow at either end.
        e = anp.exp(-anp.abs(eta))
        return anp.where(eta >= 0, 1.0 / (1.0 + e), e / (1.0 + e))

    def _backward(self, native: Any) -> Any:
        return anp.log(native) - anp.log1p(-native)

    def first(self, eta: np.ndarray) -> np.ndarray:
        """p (1 - p)."""
        e = np.exp(-np.abs(eta))
        return e / (1.0 + e) ** 2

    def second(self, eta: np.ndarray) -> np.ndarray:
        """p (1 - p) (1 - 2 p)."""
        return self.first(eta) * np.tanh(-eta / 2.0)

    def valid(self, native: np.ndarray) -> bool:
        """Inside (0, 1)."""
        native = np.asarray(native)
        return super().valid(native) and bool(np.all((native > 0) & (native < 1)))

    @property
    def bounds(self) -> tuple[float, float]:
        """Logit of the margin; +-36 without one, where 1 - p is the last double below 1."""
        edge = np.log1p(-self.margin) - np.log(self.margin) if self.margin > 0 else 36.0
        return (-edge, edge)

    @property
    def native_bounds(self) -> tuple[float, float]:
        """Zero and one."""
        return (0.0, 1.0)

    @classmethod
    def examples(cls) -> list[Bijector]:
        """Return a scalar, a vector and a limited constraint."""
        return [cls(), cls((3,)), cls(margin=1e-8)]


class Simplex(Bijector):
    """Probabilities of n classes: softmax of (eta_1, ..., eta_{n-1}, 0).

    Parameters
    ----------
    n : int
        Number of classes, >= 2.
    """

    max_step = 3.0

    def __init__(self, n: int = 2):
        self.n = n

    @property
    def shape(self) -> tuple:
        """(n,)."""
        return (self.n,)

    @property
    def size(self) -> int:
        """n - 1."""
        return self.n - 1

    def _forward(self, eta: Any) -> Any:
        logits = anp.concatenate([eta, anp.zeros((eta.shape[0], 1))], axis=1)
        logits = logits - anp.max(logits, axis=1, keepdims=True)
        odds = anp.exp(logits)
        return odds / anp.sum(odds, axis=1, keepdims=True)

    def _backward(self, native: Any) -> Any:
        logs = anp.log(native)
        return logs[:, :-1] - logs[:, -1:]

    def pack(self, native: np.ndarray) -> np.ndarray:
        """All but the last probability."""
        return np.asarray(native)[..., :-1].reshape(-1)

    def unpack(self, free: Any) -> Any:
        """Append the last probability."""
        return anp.concatenate([free, 1.0 - anp.sum(free, axis=1, keepdims=True)], axis=1)

    def valid(self, native: np.ndarray) -> bool:
        """All positive, sum one."""
        native = np.asarray(native)
        return super().valid(native) and bool(np.all(native > 0) and abs(native.sum() - 1) < 1e-8)

    def jacobian(self, eta: np.ndarray) -> np.ndarray:
        """diag(p) - p p' of the first n - 1 classes."""
        p = self.to_native(eta[None])[0, :-1]
        return np.diag(p) - np.outer(p, p)

    @property
    def bounds(self) -> tuple[float, float]:
        """Log odds of +-36, where a probability is the last double below 1."""
        return (-36.0, 36.0)

    @property
    def native_bounds(self) -> tuple[float, float]:
        """Zero and one."""
        return (0.0, 1.0)

    @classmethod
    def examples(cls) -> list[Bijector]:
        """Return two and four classes."""
        return [cls(2), cls(4)]


class CholeskyFactor(Bijector):
    """Lower-triangular d x d matrices L with a positive diagonal.

    The unconstrained vector holds the logarithms of the diagonal first, then the entries below
    it, row by row.

    Parameters
    ----------
    d : int
        Dimension, >= 1.
    """

    def __init__(self, d: int = 1):
        self.d = d

    @property
    def shape(self) -> tuple:
        """(d, d)."""
        return (self.d, self.d)

    @property
    def size(self) -> int:
        """d (d + 1) / 2."""
        return self.d * (self.d + 1) // 2

    @property
    def entries(self) -> tuple[np.ndarray, np.ndarray]:
        """Row and column of every unconstrained coordinate, in order."""
        low = np.tril_indices(self.d, -1)
        diag = np.arange(self.d)
        return np.concatenate([diag, low[0]]), np.concatenate([diag, low[1]])

    def _scatter(self) -> np.ndarray:
        """0/1 matrix (size, d * d) that places coordinates in the matrix."""
        row, col = self.entries
        place = np.zeros((self.size, self.d * self.d))
        place[np.arange(self.size), row * self.d + col] = 1.0
        return place

    def _factor(self, eta: Any) -> Any:
        """(n, size) to (n, d, d)."""
        values = anp.concatenate([anp.exp(eta[:, : self.d]), eta[:, self.d :]], axis=1)
        if isinstance(values, np.ndarray):
            row, col = self.entries
            out = np.zeros((len(values), self.d, self.d))
            out[:, row, col] = values
            return out
        return anp.reshape(anp.dot(values, self._scatter()), (eta.shape[0], self.d, self.d))

    def _forward(self, eta: Any) -> Any:
        return self._factor(eta)

    def to_eta(self, native: Any) -> Any:
        """Logarithms of the diagonal, then the entries below it."""
        row, col = self.entries
        values = native[:, row, col]
        return anp.concatenate([anp.log(values[:, : self.d]), values[:, self.d :]], axis=1)

    @property
    def native_size(self) -> int:
        """The lower triangle."""
        return self.size

    def pack(self, native: np.ndarray) -> np.ndarray:
        """Lower triangle, diagonal first."""
        return np.asarray(native)[..., self.entries[0], self.entries[1]].reshape(-1)

    def unpack(self, free: Any) -> Any:
        """Lower triangle to matrix."""
        return anp.reshape(anp.dot(free, self._scatter()), (free.shape[0], self.d, self.d))

    def valid(self, native: np.ndarray) -> bool:
        """Lower triangular, positive diagonal."""
        native = np.asarray(native)
        return (
            super().valid(native)
            and bool(np.all(np.diagonal(native) > 0))
            and not np.any(np.triu(native, 1))
        )

    def jacobian(self, eta: np.ndarray) -> np.ndarray:
        """Diagonal: exp(eta) on the diagonal's coordinates, one below it."""
        return np.diag(np.concatenate([np.exp(eta[: self.d]), np.ones(self.size - self.d)]))

    def steps(self) -> np.ndarray:
        """Largest change of each coordinate in one step: 3 for logarithms."""
        return np.concatenate([np.full(self.d, 3.0), np.full(self.size - self.d, np.inf)])

    def limits(self) -> tuple[np.ndarray, np.ndarray]:
        """Limits of each coordinate: logarithms inside the range of doubles."""
        high = np.concatenate([np.full(self.d, _LOG_RANGE / 2), np.full(self.size - self.d, np.inf)])
        return -high, high

    @classmethod
    def examples(cls) -> list[Bijector]:
        """Return dimensions one and three."""
        return [cls(1), cls(3)]


class Covariance(CholeskyFactor):
    """Symmetric positive definite d x d matrices: L L' of the Cholesky factor L.

    ``pack`` gives the lower triangle in the order of the coordinates (diagonal first).
    """

    def _forward(self, eta: Any) -> Any:
        factor = self._factor(eta)
        return anp.einsum("nij,nkj->nik", factor, factor)

    def to_eta(self, native: Any) -> Any:
        """Coordinates of the Cholesky factor."""
        return super().to_eta(anp.linalg.cholesky(native))

    def unpack(self, free: Any) -> Any:
        """Lower triangle to symmetric matrix."""
        lower = super().unpack(free)
        return lower + anp.transpose(lower, (0, 2, 1)) * (1.0 - np.eye(self.d))

    def valid(self, native: np.ndarray) -> bool:
        """Finite, symmetric, and a Cholesky factor exists."""
        native = np.asarray(native, dtype=float)
        if not np.all(np.isfinite(native)):
            return False
        scale = np.abs(native).max()
        if np.abs(native - native.T).max() > 1e-8 * scale:
            return False
        try:
            np.linalg.cholesky(native)
        except np.linalg.LinAlgError:
            return False
        return True

    def jacobian(self, eta: np.ndarray) -> np.ndarray:
        """dSigma = dL L' + L dL', one row for each entry of the lower triangle."""
        row, col = self.entries
        factor = self._factor(eta[None])[0]
        scale = np.concatenate([np.diagonal(factor), np.ones(self.size - self.d)])
        # Entry (i, j) of dL adds L[b, j] to dSigma[i, b] and to dSigma[b, i].
        columns = factor[:, col]
        out = np.where(row[:, None] == row[None, :], columns[col, :], 0.0)
        out += np.where(col[:, None] == row[None, :], columns[row, :], 0.0)
        return out * scale

"""Values with their first two derivatives: forward differentiation of row-wise functions.

A :class:`Jet` is what a function of K parameters is at n rows, with its gradient and its Hessian.
numpy's functions of jets are jets, and autograd's pass them on to numpy: a log-density that is
written in ``autograd.numpy`` gives value, score and Hessian of all rows in one pass, with a few
calls of numpy for each operation. Two nested backward passes of autograd cost twenty times as much
for a few hundred rows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

#: Of v: value, first and second derivative.
_UNARY: dict[Any, Callable] = {
    np.exp: lambda v: (e := np.exp(v), e, e),
    np.expm1: lambda v: (np.expm1(v), e := np.exp(v), e),
    np.log: lambda v: (np.log(v), 1.0 / v, -1.0 / v**2),
    np.log1p: lambda v: (np.log1p(v), r := 1.0 / (1.0 + v), -r * r),
    np.sqrt: lambda v: (r := np.sqrt(v), 0.5 / r, -0.25 / (r * v)),
    np.sinh: lambda v: (s := np.sinh(v), np.cosh(v), s),
    np.absolute: lambda v: (np.abs(v), np.sign(v), 0.0 * v),
    np.negative: lambda v: (-v, -1.0 + 0.0 * v, 0.0 * v),
}

_COMPARED = (np.less, np.less_equal, np.greater, np.greater_equal)


class Jet(np.lib.mixins.NDArrayOperatorsMixin):
    """A row-wise function of K parameters with its derivatives.

    Parameters
    ----------
    value : ndarray of shape (n,) or (1,)
        At each row, or the same at all.
    first : ndarray of shape (K, n) or (K, 1)
        Its gradient.
    second : ndarray of shape (K, K, n) or (K, K, 1), optional
        Its Hessian. Without one, what is made of this jet has the gradient alone, which costs K
        times less.
    """

    def __init__(self, value: Any, first: Any, second: Any = None):
        self.value = value
        self.first = first
        self.second = second

    def chain(self, value: Any, first: Any, second: Any) -> Jet:
        """Return f of this jet, from f and its two derivatives at the value."""
        if self.second is None:
            return Jet(value, first * self.first)
        outer = self.first[:, None] * self.first[None]
        return Jet(value, first * self.first, first * self.second + second * outer)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Return the jet of one of numpy's elementwise functions, or what a comparison says."""
        if method != "__call__" or kwargs:
            return NotImplemented
        if ufunc in _COMPARED:
            return ufunc(*(a.value if isinstance(a, Jet) else a for a in inputs))
        if ufunc in _UNARY:
            return self.chain(*_UNARY[ufunc](self.value))
        known = _BINARY.get(ufunc)
        return NotImplemented if known is None else known(*inputs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """Return the jet that ``numpy.where`` chooses at each row."""
        if func is not np.where or kwargs:
            return NotImplemented
        condition, a, b = args
        a, b = (_lift(x, self) for x in (a, b))
        pairs = [(a.value, b.value), (a.first, b.first)]
        if a.second is not None:
            pairs.append((a.second, b.second))
        return Jet(*(np.where(condition, x, z) for x, z in pairs))


def _lift(x: Any, like: Jet) -> Jet:
    """A constant as a jet."""
    if isinstance(x, Jet):
        return x
    size = len(like.first)
    flat = None if like.second is None else np.zeros((size, size, 1))
    return Jet(x, np.zeros((size, 1)), flat)


def _add(a: Any, b: Any) -> Jet:
    if not isinstance(a, Jet):
        return Jet(a + b.value, b.first, b.second)
    if not isinstance(b, Jet):
        return Jet(a.value + b, a.first, a.second)
    second = None if a.second is None else a.second + b.second
    return Jet(a.value + b.value, a.first + b.first, second)


def _subtract(a: Any, b: Any) -> Jet:
    return _add(a, -b)


def _multiply(a: Any, b: Any) -> Jet:
    if not isinstance(a, Jet):
        return Jet(a * b.value, a * b.first, None if b.second is None else a * b.second)
    if not isinstance(b, Jet):
        return _multiply(b, a)
    value, first = a.value * b.value, a.value * b.first + b.value * a.first
    if a.second is None:
        return Jet(value, first)
    cross = a.first[:, None] * b.first[None]
    second = a.value * b.second + b.value * a.second + cross + np.swapaxes(cross, 0, 1)
    return Jet(value, first, second)


def _divide(a: Any, b: Any) -> Jet:
    if not isinstance(b, Jet):
        return _multiply(a, 1.0 / b)
    r = 1.0 / b.value
    return _multiply(a, b.chain(r, -r * r, 2.0 * r**3))


def _power(a: Any, b: Any) -> Jet:
    v = a.value
    return a.chain(v**b, b * v ** (b - 1), b * (b - 1) * v ** (b - 2))


def _extreme(pick: Any) -> Callable:
    def of(a: Any, b: Any) -> Jet:
        a, b = (a, b) if isinstance(a, Jet) else (b, a)
        return np.where(pick(a.value, b), a, b)

    return of


def _logaddexp(a: Any, b: Any) -> Jet:
    if isinstance(a, Jet) and isinstance(b, Jet):
        # Not the larger one first: near the smaller one only its share keeps digits.
        return _add(a, _logaddexp(0.0, b - a))
    a, b = (a, b) if isinstance(b, Jet) else (b, a)
    share = special.expit(b.value - a)
    return b.chain(np.logaddexp(a, b.value), share, share * (1.0 - share))


_BINARY = {
    np.add: _add,
    np.subtract: _subtract,
    np.multiply: _multiply,
    np.divide: _divide,
    np.power: _power,
    np.minimum: _extreme(np.less),
    np.maximum: _extreme(np.greater),
    np.logaddexp: _logaddexp,
}

"""Derivatives by autograd; the only file that imports its operators.

autograd keeps its trace in a module-level stack. Every function here holds one re-entrant lock,
so that fits in several threads are correct; they compute one derivative at a time.

Python integers and float32 inputs are cast to float64: the first raise inside a trace, the
second would give every derivative in single precision.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from autograd import numpy as anp
from autograd.core import VJPNode, backward_pass, vspace
from autograd.extend import defvjp
from autograd.numpy.numpy_vjps import unbroadcast_f
from autograd.tracer import isbox, new_box, trace_stack

_LOCK = threading.RLock()

# autograd's own rule returns the gradient in the shape of the result, also for an argument that
# was broadcast: the derivative in a parameter that all rows share then has the wrong shape.
# Newer versions wrap the primitive in a function of the same name.
defvjp(
    getattr(anp, "_original_where", anp.where),
    None,
    lambda ans, c, x, y: unbroadcast_f(x, lambda g: anp.where(c, g, anp.zeros(anp.shape(g)))),
    lambda ans, c, x, y: unbroadcast_f(y, lambda g: anp.where(c, anp.zeros(anp.shape(g)), g)),
)


def make_vjp(fun: Callable, x: Any) -> tuple[Callable, Any]:
    """Return pullback and value as autograd does, but do not warn where the pullback is zero.

    A derivative that vanishes everywhere is a valid result. autograd's warning could only be
    silenced by a filter, and filters are shared by all threads.

    Returns
    -------
    pullback : callable
        Maps u of the value's shape to J' u.
    value : ndarray or float
        ``fun(x)``.
    """
    root = VJPNode.new_root()
    with trace_stack.new_trace() as t:
        start = new_box(x, t, root)
        end = fun(start)
        traced = isbox(end) and end._trace == start._trace
        value, node = (end._value, end._node) if traced else (end, None)
    if node is None:
        return (lambda g: vspace(x).zeros()), value
    return (lambda g: backward_pass(g, node)), value


def grad(fun: Callable) -> Callable:
    """Return the gradient function of a scalar function; autograd can trace it again."""

    def gradient(x: Any) -> Any:
        pull, value = make_vjp(fun, x)
        return pull(vspace(value).ones())

    return gradient


def _cast(x: Any) -> np.ndarray:
    return np.asarray(x, dtype=np.float64)


def value_and_grad(fun: Callable, x: Any) -> tuple[float, np.ndarray]:
    """Return value and gradient of a scalar function by one forward and one backward pass.

    Parameters
    ----------
    fun : callable
        Maps an array to a scalar; written in ``autograd.numpy``.
    x : array-like
        The point at which to evaluate.

    Returns
    -------
    value : float
    gradient : ndarray, of the shape of ``x``
    """
    x = _cast(x)
    with _LOCK:
        vjp, value = make_vjp(fun, x)
        return float(value), _cast(vjp(vspace(value).ones()))


def vjp(fun: Callable, x: Any) -> tuple[np.ndarray, Callable[[Any], np.ndarray]]:
    """Return the value of a function and its pullback ``u -> J' u``; the graph is kept.

    The pullback may be called many times; each call costs one backward pass and no forward pass.

    Returns
    -------
    value : ndarray
        ``fun(x)``.
    pullback : callable
        Maps u of the value's shape to J' u of x's shape.
    """
    x = _cast(x)
    with _LOCK:
        pull, value = make_vjp(fun, x)

    def pullback(u: Any) -> np.ndarray:
        with _LOCK:
            return _cast(pull(_cast(u)))

    return _cast(value), pullback


def jvp(fun: Callable, x: Any) -> Callable[[Any], np.ndarray]:
    """Return ``v -> J v``, by two pullbacks.

    autograd has no forward mode for several functions used here (gammaln, solve, cholesky);
    the pullback of the pullback exists for all of them.

    Returns
    -------
    callable
        Maps v of x's shape to J v of the value's shape.
    """
    x = _cast(x)
    with _LOCK:
        _, value = make_vjp(fun, x)
        shape = np.shape(value)

        def pull(u: Any) -> Any:
            return make_vjp(fun, x)[0](u)

        push, _ = make_vjp(pull, np.zeros(shape))

    def pushforward(v: Any) -> np.ndarray:
        with _LOCK:
            return _cast(push(_cast(v)))

    return pushforward


def hvp(fun: Callable, x: Any) -> Callable[[Any], np.ndarray]:
    """Return ``v -> H v`` for a scalar function; the gradient's graph is kept."""
    x = _cast(x)
    with _LOCK:
        pull, _ = make_vjp(grad(fun), x)

    def product(v: Any) -> np.ndarray:
        with _LOCK:
            return _cast(pull(_cast(v)))

    return product


def hessian(fun: Callable, x: Any) -> np.ndarray:
    """Return the Hessian (P, P) of a scalar function by P products with unit vectors."""
    product = hvp(fun, x)
    size = np.size(x)
    matrix = np.stack([product(row) for row in np.eye(size)]) if size else np.zeros((0, 0))
    return 0.5 * (matrix + matrix.T)


def jacobian(fun: Callable, x: Any) -> np.ndarray:
    """Return the Jacobian (M, P) of a vector function by one pullback per component."""
    value, pull = vjp(fun, x)
    return np.stack([pull(row) for row in np.eye(value.size)])


def row_value_and_grad(fun: Callable, rows: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return value (n,) and gradient (n, K) of a row-wise function by one backward pass.

    Row i of the value must depend on row i of ``rows`` alone; then the gradient of the sum
    holds every row's gradient.

    Returns
    -------
    value : ndarray of shape (n,)
        One number per row.
    gradient : ndarray of shape (n, K)
        Row i holds the gradient of value i with respect to row i of ``rows``.
    """
    value, pull = vjp(fun, rows)
    return value, pull(np.ones_like(value))


def row_grad(fun: Callable, rows: Any) -> np.ndarray:
    """Return the gradient (n, K) of a row-wise function of ``rows`` (n, K)."""
    return row_value_and_grad(fun, rows)[1]


def row_hessian(fun: Callable, rows: Any) -> np.ndarray:
    """Return the Hessians (n, K, K) of a row-wise function by K passes for all rows together."""
    rows = _cast(rows)
    with _LOCK:
        pull, _ = make_vjp(grad(lambda r: anp.sum(fun(r))), rows)
        out = np.empty((*rows.shape, rows.shape[1]))
        for k in range(rows.shape[1]):
            unit = np.zeros_like(rows)
            unit[:, k] = 1.0
            out[:, :, k] = pull(unit)
    return 0.5 * (out + np.swapaxes(out, 1, 2))

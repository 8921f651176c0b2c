"""Any differentiable function: the paper's Algorithm 1 does not need data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from natfit.linops import Dense
from natfit.numerics import autodiff
from natfit.objectives.base import Objective

#: Share of a value of f below which a gradient of its size may be rounding: the root of the
#: relative spacing of doubles.
_ROUNDED = float(np.sqrt(np.finfo(float).eps))


class Function(Objective):
    """f(x) of a vector x (P,).

    Parameters
    ----------
    fun : callable
        ``fun(x, *args) -> float``; written in ``autograd.numpy`` unless ``jac`` is given.
    n_params : int
        P.
    jac : callable, True or None
        Gradient ``jac(x, *args) -> (P,)``. True: ``fun`` returns (value, gradient). None:
        autograd differentiates ``fun``.
    args : tuple
        Further arguments.
    bounds : (low, high), optional
        Limits of x, (P,) each.
    """

    def __init__(
        self,
        fun: Callable,
        n_params: int,
        jac: Callable | Literal[True] | None = None,
        args: tuple = (),
        bounds: tuple[np.ndarray, np.ndarray] | None = None,
    ):
        self.fun = fun
        self.n_params = n_params
        self.jac = jac
        self.args = args
        self.bounds = bounds
        # The function's own warnings are its author's, whatever the loop does about its sums.
        self._errors = np.geterr()
        #: Calls of ``fun``, and gradients that were computed.
        self.n_fun = self.n_jac = 0
        self._unsized = True

    def _sized(self, theta: np.ndarray, value: float, grad: np.ndarray) -> None:
        """Take the unit of f from the first point: the tests of rounding are relative to it."""
        long = max(1.0, float(np.abs(theta).max(initial=0.0)))
        # A constant that is added to f is no size, but its rounding is one.
        size = max(long * float(np.abs(grad).max(initial=0.0)), _ROUNDED * abs(value))
        if self._unsized and 0.0 < size < np.inf:
            self.scale, self._unsized = size, False
            self.yardstick = 1.0 / self.scale

    def _fun(self, x: Any) -> Any:
        self.n_fun += 1
        return self.fun(x, *self.args)

    def _jac(self, x: np.ndarray) -> Any:
        self.n_jac += 1
        return self.jac(x, *self.args)  # type: ignore[operator, misc]  # only where it is callable

    def value_and_grad(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Return f and its gradient; the first call sets ``scale`` and ``yardstick``.

        Returns
        -------
        value : float
            f.
        gradient : ndarray of shape (P,)
            Of f.

        Raises
        ------
        ValueError
            If ``fun`` does not return a number, autograd cannot differentiate it, or ``jac``
            returns another shape than (P,).
        """
        value, grad = self._evaluated(theta)
        if self._unsized:
            self._sized(theta, value, grad)
        return value, grad

    def _evaluated(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        self.evaluations += 1
        with np.errstate(**self._errors):
            if self.jac is None:
                return self._by_autograd(theta)
            if self.jac is True:
                self.n_jac += 1
                value, grad = self._pair(self._fun(theta))
            else:
                value, grad = self._fun(theta), self._jac(theta)
        return self._scalar(value), self._vector(grad, theta)

    @staticmethod
    def _vector(grad: Any, theta: np.ndarray) -> np.ndarray:
        """Return a gradient of ``jac`` as an array (P,); raise ValueError for another shape."""
        try:
            grad = np.asarray(grad, dtype=np.float64)
        except (TypeError, ValueError):
            raise ValueError(f"jac must return shape {theta.shape}, got {grad!r}") from None
        if grad.shape != theta.shape:
            raise ValueError(f"jac must return shape {theta.shape}, got {grad.shape}")
        return grad

    @staticmethod
    def _pair(found: Any) -> tuple[Any, Any]:
        if not (isinstance(found, tuple | list) and len(found) == 2):
            raise ValueError(
                f"fun must return (value, gradient) with jac=True, got {found!r}; return both, or "
                "leave out jac"
            )
        return found[0], found[1]

    def _scalar(self, value: Any) -> float:
        if np.iscomplexobj(value):
            raise ValueError(f"fun must return a real number, got {value!r}")
        array = np.asarray(value, dtype=np.float64)
        if array.size != 1:
            raise ValueError(f"fun must return one number, got shape {array.shape}")
        return float(array.reshape(()))

    def _real(self, x: Any) -> Any:
        """Call ``fun`` under autograd; raise ValueError for complex values, which have no order."""
        value = self._fun(x)
        if np.iscomplexobj(getattr(value, "_value", value)):
            raise ValueError("fun must return a real number, got a complex one")
        return value

    def _by_autograd(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        self.n_jac += 1
        try:
            return autodiff.value_and_grad(self._real, theta)
        except (TypeError, AttributeError, ValueError) as error:
            # Tell a function that fails in any case from one that only autograd cannot follow.
            self._scalar(self._fun(theta))
            raise ValueError(
                "fun could not be differentiated: write it in autograd.numpy (no float(), no item "
                f"assignment, no scipy.stats), or pass jac; autograd said: {error}"
            ) from error

    def _gradient(self, theta: np.ndarray) -> np.ndarray:
        """Return the gradient (P,), without the value unless both come together."""
        if self.jac is True:
            return self.value_and_grad(theta)[1]
        self.evaluations += 1
        with np.errstate(**self._errors):
            return self._vector(self._jac(theta), theta)

    def hessian(self, theta: np.ndarray) -> Dense:
        """Return the Hessian, by autograd, or by central differences of ``jac`` if it was given."""
        if self.jac is None:
            matrix = autodiff.hessian(self._fun, theta)
            return Dense(matrix, positive=False)
        from scipy.differentiate import jacobian

        def columns(x: np.ndarray) -> np.ndarray:
            flat = x.reshape(len(theta), -1)
            grads = [self._gradient(c) for c in flat.T]
            return np.stack(grads, axis=1).reshape(x.shape)

        matrix = jacobian(columns, theta).df
        return Dense(0.5 * (matrix + matrix.T), positive=False)

    def limits(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the bounds; there is no largest step."""
        if self.bounds is None:
            return super().limits()
        return *self.bounds, np.full(self.n_params, np.inf)

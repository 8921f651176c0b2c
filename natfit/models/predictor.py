"""A user-supplied function of theta and X as a model, differentiated by autograd."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit._validation import check_vector
from natfit.models._conditional import Conditional
from natfit.models.base import Linearization
from natfit.numerics import autodiff


class Predictor(Conditional):
    """A user-supplied map eta_varying = fun(theta, X), written in ``autograd.numpy``.

    Row i of the result must depend on row i of X alone. theta = (the function's own parameters
    (P0,), constants (Kc,)).

    Parameters
    ----------
    fun : callable
        Maps theta (P0,) and X (n, D) to eta_varying (n, Kv).
    start : array-like of shape (P0,) or callable
        The start of theta, or a function that draws it from a numpy Generator. It is used as it
        is; eta0 sets the constants alone.
    """

    starts_at_eta = False

    def __init__(self, fun: Any = None, start: Any = None):
        self.fun = fun
        self.start = start

    @classmethod
    def examples(cls) -> list[Predictor]:
        """Return one model: a saturating trend of a location and a linear trend of a scale."""
        return [cls(_Trend(), _Normal(4))]

    def _prepare(self) -> None:
        if not callable(self.fun):
            raise TypeError(
                f"fun must be a function of theta and X, got {self.fun!r}; pass "
                "natfit.models.Predictor(fun, start)"
            )
        self._map_size_known = len(self._map_init(np.random.default_rng(0), np.empty(0)))

    def _map_size(self) -> int:
        return self._map_size_known

    def _map_init(self, rng: np.random.Generator, eta0: np.ndarray) -> np.ndarray:
        size = getattr(self, "_map_size_known", None)
        return check_vector(self.start(rng) if callable(self.start) else self.start, "start", size)

    def _map_names(self, eta_names: list[str]) -> list[str]:
        return [f"theta[{p}]" for p in range(self._map_size())]

    def _check(self, value: Any, n_rows: int) -> Any:
        want = (n_rows, len(self.varying))
        if np.shape(value) != want:
            raise ValueError(
                f"fun must return an array of shape (n, Kv) = {want}, got {np.shape(value)}; one "
                f"column for each of {[self.family.eta_names()[k] for k in self.varying]}"
            )
        return value

    def _map_eta(self, theta: np.ndarray, X: np.ndarray) -> np.ndarray:
        return np.asarray(self._check(self.fun(theta, X), len(X)), dtype=np.float64)

    def _map_rows(self, theta: np.ndarray, X: np.ndarray) -> PredictorRows:
        theta = theta.copy()
        return PredictorRows(lambda t: self._check(self.fun(t, X), len(X)), theta)


class PredictorRows(Linearization):
    """A function's derivatives on a chunk of rows, by autograd's graphs, which are kept.

    Parameters
    ----------
    fun : callable
        Maps theta (P,) to eta (n, K).
    theta : ndarray of shape (P,)
        The point of the linearization.
    """

    linear = False

    def __init__(self, fun: Callable, theta: np.ndarray):
        self._fun, self._theta = fun, theta
        self.eta, self._pull = autodiff.vjp(fun, theta)

    @cached_property
    def _push(self) -> Callable[[np.ndarray], np.ndarray]:
        return autodiff.jvp(self._fun, self._theta)

    def jvp(self, v: np.ndarray) -> np.ndarray:
        """Return J v, (n, K), by the pullback of the pullback."""
        return self._push(v)

    def vjp(self, u: np.ndarray) -> np.ndarray:
        """Return the sum over rows of J_i' u_i, (P,)."""
        return self._pull(u)

    @cached_property
    def _jacobian(self) -> np.ndarray:
        """J (n, K, P), by one product per parameter or per output of a row, whichever are fewer."""
        (n, k), size = self.eta.shape, len(self._theta)
        if size <= n * k:
            out = np.empty((n, k, size))
            for p, unit in enumerate(np.eye(size)):
                out[:, :, p] = self.jvp(unit)
            return out
        units = np.eye(n * k).reshape(n * k, n, k)
        return np.stack([self.vjp(unit) for unit in units]).reshape(n, k, size)

    def gram(self, c: np.ndarray) -> np.ndarray:
        """Return the sum over rows of J_i' C_i J_i, (P, P), from J (n, K, P)."""
        jac = self._jacobian
        flat = jac.reshape(-1, jac.shape[2])
        return flat.T @ np.matmul(c, jac).reshape(flat.shape)

    def diag(self, c: np.ndarray) -> np.ndarray:
        """Return the diagonal (P,) of :meth:`gram`, without J where products give its columns."""
        size = len(self._theta)
        if "_jacobian" in vars(self) or size > self.eta.size:
            return np.einsum("nkp,nkp->p", self._jacobian, np.matmul(c, self._jacobian))
        out = np.empty(size)
        unit = np.zeros(size)
        for p in range(size):
            unit[p] = 1.0
            column = self.jvp(unit)
            unit[p] = 0.0
            out[p] = np.einsum("nk,nkl,nl->", column, c, column)
        return out

    def pull_columns(self, b: np.ndarray) -> np.ndarray:
        """Return the columns J_i' b_ir of all rows and r, (P, n R), from J."""
        pulled = np.matmul(np.swapaxes(self._jacobian, 1, 2), b)
        return np.swapaxes(pulled, 0, 1).reshape(len(self._theta), -1)

    def curvature(self, u: np.ndarray) -> np.ndarray:
        """Return the sum of u_ik d2 eta_ik / d theta2, (P, P), by P products."""
        return autodiff.hessian(lambda t: anp.sum(u * self._fun(t)), self._theta)


class _Trend:
    """(t0 + t1 tanh x0, t2 + t3 x0): a location and a scale."""

    def __call__(self, theta: Any, X: np.ndarray) -> Any:
        x = X[:, 0]
        return anp.stack([theta[0] + theta[1] * anp.tanh(x), theta[2] + theta[3] * x], axis=1)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Trend)

    def __hash__(self) -> int:
        return hash(_Trend)

    def __repr__(self) -> str:
        return "trend"


class _Normal:
    """A draw of independent standard normal parameters."""

    def __init__(self, size: int):
        self.size = size

    def __call__(self, rng: np.random.Generator) -> np.ndarray:
        return rng.standard_normal(self.size)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Normal) and other.size == self.size

    def __hash__(self) -> int:
        return hash((_Normal, self.size))

    def __repr__(self) -> str:
        return f"normal({self.size})"

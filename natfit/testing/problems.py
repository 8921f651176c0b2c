"""Test problems for metrics, solvers and steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit._component import component_class
from natfit.coordinates import Coordinates
from natfit.distributions.base import Distribution
from natfit.linops import LinearOperator
from natfit.models import Constant, Linearization, Model
from natfit.objectives import Function, Likelihood
from natfit.rows import Block, Memory


def quadratic(hessian: np.ndarray, optimum: np.ndarray) -> Function:
    """Return the objective f(x) = 1/2 (x - optimum)' H (x - optimum), with its gradient."""

    def fun(x: np.ndarray) -> tuple[float, np.ndarray]:
        gap = x - optimum
        return 0.5 * float(gap @ hessian @ gap), hessian @ gap

    return Function(fun, len(optimum), jac=True)


def rosenbrock() -> Function:
    """Return (1 - x0)^2 + 100 (x1 - x0^2)^2 (Rosenbrock, 1960), whose start is (-1.2, 1)."""
    return Function(lambda x: (1.0 - x[0]) ** 2 + 100.0 * (x[1] - x[0] ** 2) ** 2, 2)


def likelihood(
    family: Distribution,
    y: np.ndarray,
    coordinates: str = "unconstrained",
    weight: np.ndarray | None = None,
    origin: np.ndarray | None = None,
) -> Likelihood:
    """Return a constant model's likelihood; ``origin`` (K,) is the family's start by default."""
    if origin is None:
        origin = family.initial(Block(y, weight=weight), np.random.default_rng(0))
    bound = component_class(coordinates, Coordinates)().bind(family, origin)
    return Likelihood(family, Constant(bound), Memory(y, weight=weight))


class LinearModel(Model):
    """A conditional model for tests: eta_i = x_i' B, with B (D, K) flattened to theta.

    Parameters
    ----------
    n_features : int
        D, the number of columns of X.
    n_outputs : int
        K, the number of entries of eta.
    """

    def __init__(self, n_features: int = 2, n_outputs: int = 2):
        self.n_features = n_features
        self.n_outputs = n_outputs

    @property
    def n_params(self) -> int:
        """P = D K, the number of entries of B."""
        return self.n_features * self.n_outputs

    def linearize(self, theta: np.ndarray, X: np.ndarray) -> LinearRows:
        """Return eta (n, K) and J at theta (P,)."""
        return LinearRows(X, theta.reshape(self.n_features, self.n_outputs))


class LinearRows(Linearization):
    """The linear model on a chunk of rows: J_i v = x_i' V."""

    def __init__(self, X: np.ndarray, coefficients: np.ndarray):
        self.X = X
        self._shape = coefficients.shape
        self.eta = X @ coefficients

    def jvp(self, v: np.ndarray) -> np.ndarray:
        """Return J v = X V, (n, K)."""
        return self.X @ v.reshape(self._shape)

    def vjp(self, u: np.ndarray) -> np.ndarray:
        """Return X' U for u (n, K), flattened to (P,)."""
        return (self.X.T @ u).ravel()

    def gram(self, c: np.ndarray) -> np.ndarray:
        """Return the sum over rows of x_i x_i' (x) C_i, (P, P)."""
        size = int(np.prod(self._shape))
        return np.einsum("na,nkl,nb->akbl", self.X, c, self.X).reshape(size, size)

    def pull_columns(self, b: np.ndarray) -> np.ndarray:
        """Return x_i (x) b_ir for every row and column, (P, n R)."""
        return np.einsum("na,nkr->aknr", self.X, b).reshape(int(np.prod(self._shape)), -1)


def regression(n: int = 3_000, weighted: bool = True) -> tuple[Likelihood, np.ndarray]:
    """Return a heteroscedastic normal regression, and a theta (4,) near its optimum."""
    rng = np.random.default_rng(12)
    X = np.column_stack([np.ones(n), rng.standard_normal(n)])
    theta = np.array([1.0, -0.2, 0.5, 0.3])
    eta = X @ theta.reshape(2, 2)
    y = eta[:, 0] + np.exp(eta[:, 1]) * rng.standard_normal(n)
    weight = rng.integers(1, 4, n).astype(float) if weighted else None
    family = component_class("normal", Distribution)()
    return Likelihood(family, LinearModel(), Memory(y, X, weight)), theta


def metric_problems() -> dict[str, tuple[Any, np.ndarray]]:
    """Return objectives of every kind that a metric can meet: name -> (objective, theta)."""
    rng = np.random.default_rng(13)
    normal, student, wide = (
        component_class("normal", Distribution)(),
        component_class("student_t", Distribution)(),
        component_class("multivariate_normal", Distribution)(dim=3),
    )
    weight = rng.integers(1, 4, 3_000).astype(float)
    y = 1.0 + 2.0 * rng.standard_normal(3_000)
    heavy = 1.0 + 2.0 * rng.standard_t(6.0, 3_000)
    few = rng.standard_normal((7, 3))
    return {
        "constant": (likelihood(normal, y, weight=weight), np.array([0.8, 0.6])),
        "native": (likelihood(normal, y, "native"), np.array([0.8, 1.9])),
        # The third coordinate is about 1 / df.
        "no summary": (likelihood(student, heavy, weight=weight), np.array([0.9, 0.6, 0.2])),
        "few rows": (likelihood(wide, few), 0.1 * rng.standard_normal(9)),
        # Not more rows: the kernel of a factor is as large as their square.
        "conditional": regression(800),
        "function": (rosenbrock(), np.array([1.1, 1.3])),
    }


def dense(operator: LinearOperator) -> np.ndarray:
    """Return the matrix (P, P) of an operator by products with unit vectors."""
    return np.stack([operator @ row for row in np.eye(operator.size)], axis=1)

"""A user-supplied metric tensor G(x): the paper's Algorithm 1."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import issparse
from scipy.sparse.linalg import LinearOperator as ScipyOperator

from natfit.linops import Dense, Given
from natfit.metrics.base import Metric, Point
from natfit.objectives import Objective

#: Relative difference from the transpose that counts as none.
_SAME = 1e-8

_COMPLEX = "metric G must be real, got complex numbers; use G.real if its imaginary part is zero"
_ASYMMETRIC = "metric G must be symmetric; use (G + G.T) / 2"


class TensorMetric(Metric):
    """G(x), a symmetric positive definite matrix at every point.

    A radius limits a likelihood's Kullback-Leibler divergence, and a plain function's half squared
    length 1/2 delta' G(x) delta at the point x from which the step is taken.

    Parameters
    ----------
    G : array-like, sparse matrix or LinearOperator of shape (P, P), or callable
        One matrix for all points, as an array, in one of scipy's sparse formats, or as a
        ``scipy.sparse.linalg.LinearOperator``, of which only products are used, by conjugate
        gradients; or ``G(x)``, which returns one of these.
    """

    def __init__(self, G: Any = None):
        self.G = G

    def prepare(self, objective: Objective) -> TensorMetric:
        """Return the metric itself if G was given, else raise: the string ``tensor`` gives none."""
        if self.G is None:
            raise ValueError(
                "metric 'tensor' needs a G: pass natfit.metrics.TensorMetric(G), where G is a "
                "matrix or a callable G(x), or use metric='euclidean' for the identity"
            )
        return self

    @classmethod
    def examples(cls) -> list[Metric]:
        """Return the identity as a callable."""
        return [cls(_Identity())]

    def at(self, objective: Objective, iterate: Point, rng: np.random.Generator) -> Dense | Given:
        """Return G at the iterate, after a check.

        Parameters
        ----------
        objective : Objective
            Gives P.
        iterate : Iterate
            Gives x.
        rng : numpy.random.Generator
            Not used.

        Returns
        -------
        Dense or Given
            G(x).

        Raises
        ------
        ValueError
            If G is not (P, P), real, finite, symmetric and positive semidefinite. Of a sparse
            matrix or a LinearOperator only what products show is checked.
        """
        value = self.G
        if callable(value) and not isinstance(value, ScipyOperator):
            value = value(iterate.theta)
        size = objective.n_params
        if isinstance(value, ScipyOperator) or issparse(value):
            return Given(_checked_products(value, size))
        if np.iscomplexobj(value):
            raise ValueError(_COMPLEX)
        matrix = np.asarray(value, dtype=np.float64)
        if matrix.shape != (size, size):
            raise ValueError(f"metric G must have shape {(size, size)}, got {matrix.shape}")
        if not np.all(np.isfinite(matrix)):
            raise ValueError(f"metric G must be finite, got {matrix.tolist()} at {iterate.theta}")
        scale = np.abs(matrix).max()
        if np.abs(matrix - matrix.T).max() > _SAME * scale:
            raise ValueError(_ASYMMETRIC)
        low = np.linalg.eigvalsh(matrix)[0]
        if low < -1e-10 * scale:
            raise ValueError(
                f"metric G must be positive semidefinite, got smallest eigenvalue {low:.3g} at "
                f"{iterate.theta}; use metric='observed', which shifts negative ones"
            )
        return Dense(matrix)


def _checked_products(G: Any, size: int) -> Any:
    """Return a sparse matrix or a LinearOperator of scipy after the checks that are cheap.

    Two products with fixed random vectors tell whether it is symmetric and finite, and one of them
    whether it is not positive.

    Returns
    -------
    object
        G itself.

    Raises
    ------
    ValueError
        If a check fails.
    """
    if G.shape != (size, size):
        raise ValueError(f"metric G must have shape {(size, size)}, got {G.shape}")
    if np.issubdtype(G.dtype, np.complexfloating):
        raise ValueError(_COMPLEX)
    u, v = np.random.default_rng(0).standard_normal((2, size))
    left, right = (np.asarray(G @ w).reshape(-1) for w in (u, v))
    if np.iscomplexobj(left):
        raise ValueError(_COMPLEX)
    if left.shape != u.shape:
        raise ValueError(
            f"metric G must return products of shape {u.shape} with vectors, got {left.shape}"
        )
    if not (np.isfinite(left).all() and np.isfinite(right).all()):
        raise ValueError("metric G must be finite, got products with NaN or infinite numbers")
    length = float(np.linalg.norm(left) * np.linalg.norm(v))
    if abs(float(left @ v) - float(u @ right)) > _SAME * length:
        raise ValueError(_ASYMMETRIC)
    if float(u @ left) < -_SAME * float(np.linalg.norm(left) * np.linalg.norm(u)):
        raise ValueError(
            f"metric G must be positive semidefinite, got v' G v = {float(u @ left):.3g} for a "
            "vector v; use metric='observed', which shifts negative eigenvalues"
        )
    return G


class _Identity:
    """I (P, P) at every point."""

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return np.eye(len(x))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity)

    def __hash__(self) -> int:
        return hash(_Identity)

    def __repr__(self) -> str:
        return "identity"

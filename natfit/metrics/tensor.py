"""A user-supplied metric tensor G(x): the paper's Algorithm 1."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from natfit.linops import Dense
from natfit.metrics.base import Metric, Point
from natfit.objectives import Objective


class TensorMetric(Metric):
    """G(x), a symmetric positive definite matrix at every point.

    A radius limits a likelihood's Kullback-Leibler divergence, and a plain function's half squared
    length 1/2 delta' G(x) delta at the point x from which the step is taken.

    Parameters
    ----------
    G : callable or array-like of shape (P, P)
        ``G(x) -> (P, P)``, or one matrix for all points.
    """

    def __init__(self, G: Callable[[np.ndarray], np.ndarray] | np.ndarray | None = None):
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

    def at(self, objective: Objective, iterate: Point, rng: np.random.Generator) -> Dense:
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
        Dense
            G(x).

        Raises
        ------
        ValueError
            If G is not (P, P), not finite, not symmetric, or not positive semidefinite.
        """
        size = objective.n_params
        value = self.G(iterate.theta) if callable(self.G) else self.G
        matrix = np.asarray(value, dtype=np.float64)
        if matrix.shape != (size, size):
            raise ValueError(f"metric G must have shape {(size, size)}, got {matrix.shape}")
        if not np.all(np.isfinite(matrix)):
            raise ValueError(f"metric G must be finite, got {matrix.tolist()} at {iterate.theta}")
        scale = np.abs(matrix).max()
        if np.abs(matrix - matrix.T).max() > 1e-8 * scale:
            raise ValueError("metric G must be symmetric; use (G + G.T) / 2")
        low = np.linalg.eigvalsh(matrix)[0]
        if low < -1e-10 * scale:
            raise ValueError(
                f"metric G must be positive semidefinite, got smallest eigenvalue {low:.3g} at "
                f"{iterate.theta}; use metric='observed', which shifts negative ones"
            )
        return Dense(matrix)


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

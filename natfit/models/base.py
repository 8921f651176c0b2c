"""The model's contract: it alone knows J = d eta / d theta."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from natfit._component import Component


class Linearization:
    """A model at one theta on a chunk of rows: eta and its derivative J in theta.

    Attributes
    ----------
    eta : ndarray of shape (n, K)
        Or (1, K) when all rows are alike.
    """

    eta: np.ndarray

    #: Whether eta is linear in theta, so that :meth:`curvature` vanishes.
    linear = True

    #: Whether :meth:`kernel` needs no P x n R columns.
    matrix_free = False

    def jvp(self, v: np.ndarray) -> np.ndarray:
        """J v, (n, K)."""
        raise NotImplementedError

    def vjp(self, u: np.ndarray) -> np.ndarray:
        """Sum over rows of J_i' u_i, (P,), for u (n, K)."""
        raise NotImplementedError

    def gram(self, c: np.ndarray) -> np.ndarray:
        """Sum over rows of J_i' C_i J_i, (P, P), for C (n, K, K)."""
        raise NotImplementedError

    def diag(self, c: np.ndarray) -> np.ndarray:
        """Diagonal of :meth:`gram`, (P,)."""
        return np.diagonal(self.gram(c))

    def pull_columns(self, b: np.ndarray) -> np.ndarray:
        """Columns J_i' b_ir of all rows and r, (P, n R), for B (n, K, R)."""
        raise NotImplementedError

    def kernel(self, b: np.ndarray) -> np.ndarray:
        """Inner products of :meth:`pull_columns`, B_i' J_i J_j' B_j, (n R, n R).

        What Woodbury's identity solves with where P exceeds n R; a model may know it without
        the P n R entries of the columns.

        Returns
        -------
        ndarray of shape (n R, n R)
            Symmetric, positive semidefinite.
        """
        columns = self.pull_columns(b)
        return columns.T @ columns

    def curvature(self, u: np.ndarray) -> np.ndarray:
        """Sum over rows and k of u_ik d2 eta_ik / d theta2, (P, P)."""
        size = self.vjp(u).size
        return np.zeros((size, size))


class Model(Component):
    """A map from theta (P,) and a row of X to eta (K,).

    The constructor takes hyperparameters alone; :meth:`bind` gives the copy that knows the
    number of features D and the distribution, and has theta.

    Attributes
    ----------
    shared : bool
        Whether all rows have the same eta: then a chunk's eta is (1, K).
    family : Distribution
        The distribution that the model is bound to.
    """

    family: Any
    _package = "natfit.models"

    shared: bool = False

    #: Whether :meth:`init` gives eta0.
    starts_at_eta: bool = True

    #: Whether theta is unconstrained; else limits are those of native values.
    unconstrained: bool = True

    def bind(
        self,
        n_features: int,
        family: Any,
        constant: Sequence[str] = (),
        origin: np.ndarray | None = None,
    ) -> Model:
        """Return a copy for D features and one distribution.

        Parameters
        ----------
        n_features : int
            D, columns of X.
        family : Distribution
            Bound, so that K is known.
        constant : sequence of str
            Names of the family's parameters that do not depend on x.
        origin : ndarray of shape (K,), optional
            The eta of the start, about which coordinates may be taken; default zero.
        """
        raise NotImplementedError

    def init(self, rng: np.random.Generator, eta0: np.ndarray) -> np.ndarray:
        """Start theta (P,) at which eta is about eta0 (K,) for every x."""
        raise NotImplementedError

    @property
    def n_params(self) -> int:
        """P."""
        raise NotImplementedError

    def linearize(self, theta: np.ndarray, X: Any) -> Linearization:
        """Return eta and J at theta for a chunk of rows."""
        raise NotImplementedError

    def eta(self, theta: np.ndarray, X: Any) -> np.ndarray:
        """Eta alone, (n, K) or (1, K)."""
        return self.linearize(theta, X).eta

    def names(self) -> list[str]:
        """A name for each coordinate of theta, (P,)."""
        return [f"theta[{p}]" for p in range(self.n_params)]

    def limits(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Lower limit, upper limit and largest step of each coordinate of theta."""
        infinite = np.full(self.n_params, np.inf)
        return -infinite, infinite, infinite

    def cut_together(self) -> list[slice]:
        """Blocks of coordinates that are cut by one factor where one exceeds its largest step."""
        return []

    def in_domain(self, theta: np.ndarray) -> bool:
        """Whether theta gives a valid eta."""
        return bool(np.all(np.isfinite(theta)))

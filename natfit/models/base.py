"""The contract of models, which alone know J = d eta / d theta."""

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
        Shape (1, K) if all rows have the same eta.
    """

    eta: np.ndarray

    #: Whether eta is linear in theta, so that :meth:`curvature` vanishes.
    linear = True

    #: Whether :meth:`kernel` works without the columns (P, n R).
    matrix_free = False

    #: Whether the map is made of layers, see :meth:`factors`.
    layered = False

    #: Whether :meth:`gram` and :meth:`diag` also take C as a
    #: :class:`natfit.linops.row_curvature.RowCurvature`.
    takes_entries = False

    def jvp(self, v: np.ndarray) -> np.ndarray:
        """Return J v, (n, K), for v (P,)."""
        raise NotImplementedError

    def vjp(self, u: np.ndarray) -> np.ndarray:
        """Return the sum over rows of J_i' u_i, (P,), for u (n, K)."""
        raise NotImplementedError

    def moved(self, start: np.ndarray, theta: np.ndarray) -> Linearization | None:
        """Return the model at ``theta`` (P,) from this one at ``start``, where that is cheap."""
        return None

    def refill(self, theta: np.ndarray, X: Any) -> bool:
        """Take another theta and as many rows X (n, D) in the same memory, if that is possible.

        After the first call :meth:`vjp` returns an array that the next call overwrites.

        Returns
        -------
        bool
            False, the default, if nothing was changed and another linearization is needed.
        """
        return False

    def gram(self, c: np.ndarray) -> np.ndarray:
        """Return the sum over rows of J_i' C_i J_i, (P, P), for C (n, K, K)."""
        raise NotImplementedError

    def diag(self, c: np.ndarray) -> np.ndarray:
        """Return the diagonal (P,) of :meth:`gram`."""
        return np.diagonal(self.gram(c))

    def squares(self, b: np.ndarray) -> np.ndarray:
        """Return the diagonal (P,) of the sum over rows of J_i' B_i B_i' J_i, for B (n, K, R)."""
        return self.diag(np.matmul(b, np.swapaxes(b, 1, 2)))

    def pull_columns(self, b: np.ndarray) -> np.ndarray:
        """Return the columns J_i' b_ir of all rows and r, (P, n R), for B (n, K, R)."""
        raise NotImplementedError

    def kernel(self, b: np.ndarray) -> np.ndarray:
        """Return the inner products B_i' J_i J_j' B_j of :meth:`pull_columns`, (n R, n R).

        Woodbury's identity solves with this matrix where P exceeds n R. A model may compute it
        without the P n R entries of the columns, and in single precision if b has no more.

        Returns
        -------
        ndarray of shape (n R, n R)
            Symmetric, positive semidefinite.
        """
        columns = self.pull_columns(b)
        return columns.T @ columns

    def factors(
        self, b: np.ndarray, share: np.ndarray | float
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return each layer's sums of share_i a_i a_i' and of D_i' D_i, where it has layers.

        a_i (A,) are the inputs of a layer, with a 1 for the intercept, and D_i (R, H) the deltas
        of B (n, K, R): its part of J_i' b_ir is a_i (x) d_ir.

        Parameters
        ----------
        b : ndarray of shape (n, K, R)
            Square roots of C_i, which carry the weights.
        share : ndarray of shape (n,) or float
            The weights of the rows.

        Returns
        -------
        list of (ndarray of shape (A, A), ndarray of shape (H, H))
            In the order of theta.
        """
        raise NotImplementedError

    def curvature(self, u: np.ndarray) -> np.ndarray:
        """Return the sum over rows and k of u_ik d2 eta_ik / d theta2, (P, P)."""
        size = self.vjp(u).size
        return np.zeros((size, size))


class Model(Component):
    """A map from theta (P,) and a row of X to eta (K,).

    The constructor takes hyperparameters alone. :meth:`bind` returns a copy that knows the number
    of features D and the distribution, and therefore has a theta.

    Attributes
    ----------
    shared : bool
        Whether all rows have the same eta; a chunk's eta then has shape (1, K).
    family : Distribution
        The distribution that the model is bound to.
    """

    family: Any
    _package = "natfit.models"

    shared: bool = False

    #: Whether linearizations take C as entries, see :class:`Linearization`.
    takes_entries: bool = False

    #: Whether linearizations have layers, see :class:`Linearization`.
    layered: bool = False

    #: Whether eta is linear in theta, so that a likelihood has a Hessian J' H J.
    linear: bool = False

    #: Whether eta at the theta of :meth:`init` is about eta0.
    starts_at_eta: bool = True

    #: Whether theta is unconstrained; else the limits are those of native values.
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
            D, the number of columns of X.
        family : Distribution
            The distribution, bound, so that K is known.
        constant : sequence of str
            Names of the family's parameters that do not depend on x.
        origin : ndarray of shape (K,), optional
            The eta of the start, which coordinates may take as their origin; zero by default.
        """
        raise NotImplementedError

    def init(self, rng: np.random.Generator, eta0: np.ndarray) -> np.ndarray:
        """Return a start theta (P,) at which eta is about eta0 (K,) for every x."""
        raise NotImplementedError

    @property
    def n_params(self) -> int:
        """P, the number of parameters in theta."""
        raise NotImplementedError

    def linearize(self, theta: np.ndarray, X: Any) -> Linearization:
        """Return eta (n, K) or (1, K) and J at theta (P,) for a chunk of rows X (n, D)."""
        raise NotImplementedError

    def through(self, theta: np.ndarray, X: Any, pull: Any) -> tuple[Any, np.ndarray] | None:
        """Return the rows at theta and the sum of J_i' u_i, where ``pull(part, eta)`` is u.

        Returns
        -------
        tuple or None
            None, the default, where a single pass over X saves nothing.
        """
        return None

    def eta(self, theta: np.ndarray, X: Any) -> np.ndarray:
        """Return eta (n, K) or (1, K) at theta (P,) for rows X (n, D)."""
        return self.linearize(theta, X).eta

    def names(self) -> list[str]:
        """Return a name for each of the P entries of theta."""
        return [f"theta[{p}]" for p in range(self.n_params)]

    def penalty(self, alpha: np.ndarray) -> np.ndarray:
        """Return lambda (P,) of a ridge penalty of strength alpha (K,) on what multiplies x.

        Raises
        ------
        ValueError
            If the model has no coefficients that a ridge penalty could shrink.
        """
        raise ValueError(
            f"alpha must be 0 for the model {type(self).__name__}, which has no coefficients of x"
        )

    def limits(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return lower limit, upper limit and largest step (P,) of each entry of theta."""
        infinite = np.full(self.n_params, np.inf)
        return -infinite, infinite, infinite

    def cut_together(self) -> list[slice]:
        """Return the blocks that one factor shortens when an entry exceeds its largest step."""
        return []

    def in_domain(self, theta: np.ndarray) -> bool:
        """Tell whether theta gives a valid eta."""
        return bool(np.all(np.isfinite(theta)))

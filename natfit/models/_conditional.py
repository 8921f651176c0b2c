"""What all conditional models share: which entries of eta depend on x, and which are constant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from natfit._validation import check_number
from natfit.models.base import Linearization, Model


def check_constant(family: Any, constant: Sequence[str]) -> tuple[str, ...]:
    """Return the names as a tuple if each is a parameter of the family.

    Returns
    -------
    tuple of str
        The names.

    Raises
    ------
    ValueError
        If a name is not a parameter of the family.
    """
    names = (constant,) if isinstance(constant, str) else tuple(constant)
    unknown = [name for name in names if name not in family.blocks]
    if unknown:
        raise ValueError(
            f"constant must name parameters of {type(family).__name__}, {list(family.blocks)}, "
            f"got {unknown[0]!r}"
        )
    return names


class Conditional(Model):
    """theta = (parameters of a map x -> eta_varying, eta_constant).

    A subclass defines the map by ``_prepare``, ``_map_size``, ``_map_init``, ``_map_names``
    and ``_map_rows``. The entries of eta are in the family's order.

    Attributes
    ----------
    n_features : int
        D; set by :meth:`bind`.
    family : Distribution
        The distribution; set by :meth:`bind`.
    varying, constant : ndarray of int
        Indices of the entries of eta that depend on x, (Kv,), and that do not, (Kc,).
    """

    n_features: int
    family: Any = None
    varying: np.ndarray
    constant: np.ndarray

    def bind(
        self,
        n_features: int,
        family: Any,
        constant: Sequence[str] = (),
        origin: np.ndarray | None = None,
    ) -> Conditional:
        """Return a copy for D features and one distribution; ``origin`` is not used.

        Returns
        -------
        Conditional
            A model of the same kind, which has theta.

        Raises
        ------
        TypeError
            If D is not an integer, or a hyperparameter has a wrong type.
        ValueError
            If D < 1, a name in ``constant`` is not a parameter, ``constant`` names all of them, or
            a hyperparameter is not valid.
        """
        n_features = check_number(n_features, "n_features", low=1, integer=True)
        names = check_constant(family, constant)
        fixed = np.zeros(family.n_params, dtype=bool)
        for name in names:
            fixed[family.blocks[name]] = True
        if fixed.all():
            raise ValueError(
                f"constant must leave a parameter that depends on x, got {list(names)}, all of "
                f"{type(family).__name__}; use the model 'constant'"
            )
        bound = type(self)(**self.get_params(deep=False))
        bound.n_features, bound.family = n_features, family
        bound.varying, bound.constant = np.flatnonzero(~fixed), np.flatnonzero(fixed)
        bound._prepare()
        bound._size = bound._map_size()
        return bound

    # ------------------------------------------------------------------ what a subclass gives

    def _prepare(self) -> None:
        """Check the hyperparameters and set up what the map needs."""

    def _map_size(self) -> int:
        """Return the number of the map's parameters."""
        raise NotImplementedError

    def _map_init(self, rng: np.random.Generator, eta0: np.ndarray) -> np.ndarray:
        """Return parameters of the map at which its value is about eta0 (Kv,)."""
        raise NotImplementedError

    def _map_names(self, eta_names: list[str]) -> list[str]:
        """Return a name for each of the map's parameters."""
        raise NotImplementedError

    def _map_rows(self, theta: np.ndarray, X: np.ndarray) -> Linearization:
        """Return the map on a chunk of rows: a linearization with Kv parameters eta."""
        raise NotImplementedError

    def _map_eta(self, theta: np.ndarray, X: np.ndarray) -> np.ndarray:
        """Return the map's value alone, (n, Kv)."""
        return self._map_rows(theta, X).eta

    # ------------------------------------------------------------------------ the contract

    def _require_bound(self) -> None:
        if self.family is None:
            raise ValueError(
                f"{type(self).__name__} has no parameters yet; call bind(n_features, family)"
            )

    @property
    def n_params(self) -> int:
        """P, the number of the map's parameters and of the constants."""
        self._require_bound()
        return self._size + len(self.constant)

    def init(self, rng: np.random.Generator, eta0: np.ndarray) -> np.ndarray:
        """Return a start theta (P,) at which eta is about eta0 (K,) for every x.

        Returns
        -------
        ndarray of shape (P,)
            Theta.

        Raises
        ------
        ValueError
            If the shape of eta0 is not (K,).
        """
        self._require_bound()
        eta0 = np.asarray(eta0, dtype=np.float64)
        if eta0.shape != (self.family.n_params,):
            raise ValueError(f"eta0 must have shape ({self.family.n_params},), got {eta0.shape}")
        return np.concatenate([self._map_init(rng, eta0[self.varying]), eta0[self.constant]])

    def _arguments(self, theta: np.ndarray, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return theta and X as float64 arrays, after a check of their shapes."""
        n_params = self.n_params
        theta, X = np.asarray(theta, dtype=np.float64), np.asarray(X, dtype=np.float64)
        if theta.shape != (n_params,):
            raise ValueError(f"theta must have shape ({n_params},), got {theta.shape}")
        if X.ndim != 2 or X.shape[1] != self.n_features:
            raise ValueError(f"X must have shape (n, {self.n_features}), got {X.shape}")
        return theta, X

    def linearize(self, theta: np.ndarray, X: Any) -> Linearization:
        """Return eta (n, K) and J at theta (P,) for a chunk of rows X (n, D).

        Returns
        -------
        Linearization
            The model at theta on these rows.

        Raises
        ------
        ValueError
            If theta or X has another shape.
        """
        theta, X = self._arguments(theta, X)
        inner = self._map_rows(theta[: self._size], X)
        if not len(self.constant):
            return inner
        return WithConstants(inner, self.varying, self.constant, theta[self._size :])

    def eta(self, theta: np.ndarray, X: Any) -> np.ndarray:
        """Return eta (n, K) for theta (P,) and X (n, D) without preparing any derivative."""
        theta, X = self._arguments(theta, X)
        return self._join(self._map_eta(theta[: self._size], X), theta[self._size :])

    def _join(self, value: np.ndarray, constants: np.ndarray) -> np.ndarray:
        if not len(constants):
            return value
        return join(value, self.varying, self.constant, constants)

    def names(self) -> list[str]:
        """Return P names: those of the map's parameters, then those of the constants."""
        self._require_bound()
        names = self.family.eta_names()
        mapped = self._map_names([names[k] for k in self.varying])
        return [*mapped, *(names[k] for k in self.constant)]

    def limits(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return limits and largest steps (P,): the family's for constants, none for the map."""
        low, high, step = (side.copy() for side in super().limits())
        for ours, theirs in zip((low, high, step), self.family.limits, strict=True):
            ours[self._size :] = theirs[self.constant]
        return low, high, step

    def cut_together(self) -> list[slice]:
        """Return the family's blocks, among the constants, that one factor shortens."""
        found = []
        for block in self.family.cut_together:
            inside = (self.constant >= block.start) & (self.constant < block.stop)
            if inside.any():
                where = self._size + np.flatnonzero(inside)
                found.append(slice(int(where[0]), int(where[-1]) + 1))
        return found

    def in_domain(self, theta: np.ndarray) -> bool:
        """Whether theta is finite and its constants lie inside the family's limits."""
        constants = theta[self._size :]
        low, high, _ = (limit[self.constant] for limit in self.family.limits)
        inside = (constants >= low).all() and (constants <= high).all()
        return bool(inside and np.isfinite(theta).all())


def join(
    value: np.ndarray, varying: np.ndarray, constant: np.ndarray, constants: np.ndarray
) -> np.ndarray:
    """Return rows (n, K) of varying columns (n, Kv) and constants (Kc,), in the order of eta."""
    out = np.empty((len(value), len(varying) + len(constant)))
    out[:, varying] = value
    out[:, constant] = constants
    return out


class WithConstants(Linearization):
    """A linearization of the varying columns of eta, with constants appended to theta.

    Parameters
    ----------
    inner : Linearization
        Linearization of the map, with eta (n, Kv).
    varying, constant : ndarray of int
        Columns of eta, (Kv,) and (Kc,).
    constants : ndarray of shape (Kc,)
        Values of the constant columns.
    """

    def __init__(
        self,
        inner: Linearization,
        varying: np.ndarray,
        constant: np.ndarray,
        constants: np.ndarray,
    ):
        self.inner, self.varying, self.constant = inner, varying, constant
        self.linear = inner.linear
        self.matrix_free, self.layered = inner.matrix_free, inner.layered
        self.eta = join(inner.eta, varying, constant, constants)
        self._out: np.ndarray | None = None

    def refill(self, theta: np.ndarray, X: np.ndarray) -> bool:
        """Take another theta and other rows, if the map can; see :class:`Linearization`."""
        size = len(theta) - len(self.constant)
        if not self.inner.refill(theta[:size], X):
            return False
        self.eta[:, self.varying] = self.inner.eta
        self.eta[:, self.constant] = theta[size:]
        if self._out is None:
            self._out = np.empty(len(theta))
        return True

    def jvp(self, v: np.ndarray) -> np.ndarray:
        """Return J v, (n, K), for v (P,)."""
        size = len(v) - len(self.constant)
        return join(self.inner.jvp(v[:size]), self.varying, self.constant, v[size:])

    def vjp(self, u: np.ndarray) -> np.ndarray:
        """Return the sum over rows of J_i' u_i, (P,), for u (n, K)."""
        parts = self.inner.vjp(u[:, self.varying]), u[:, self.constant].sum(axis=0)
        return np.concatenate(parts, out=self._out)

    def gram(self, c: np.ndarray) -> np.ndarray:
        """Return the sum over rows of J_i' C_i J_i, (P, P), whose cross block takes pullbacks."""
        across = c[:, self.varying[:, None], self.constant]
        cross = np.stack(
            [self.inner.vjp(across[:, :, k]) for k in range(len(self.constant))], axis=1
        )
        block = c[:, self.constant[:, None], self.constant].sum(axis=0)
        inner = self.inner.gram(c[:, self.varying[:, None], self.varying])
        return np.block([[inner, cross], [cross.T, block]])

    def diag(self, c: np.ndarray) -> np.ndarray:
        """Return the diagonal (P,) of :meth:`gram`."""
        inner = self.inner.diag(c[:, self.varying[:, None], self.varying])
        return np.concatenate([inner, c[:, self.constant, self.constant].sum(axis=0)])

    def squares(self, b: np.ndarray) -> np.ndarray:
        """Return the diagonal (P,) of the sum over rows of J_i' B_i B_i' J_i."""
        inner = self.inner.squares(b[:, self.varying])
        return np.concatenate([inner, np.square(b[:, self.constant]).sum(axis=(0, 2))])

    def _constant_columns(self, b: np.ndarray) -> np.ndarray:
        """Return the rows (Kc, n R) of B (n, K, R) that belong to the constants."""
        return np.swapaxes(b[:, self.constant], 0, 1).reshape(len(self.constant), -1)

    def pull_columns(self, b: np.ndarray) -> np.ndarray:
        """Return the columns J_i' b_ir of all rows and r, (P, n R), for B (n, K, R)."""
        inner = self.inner.pull_columns(b[:, self.varying])
        return np.concatenate([inner, self._constant_columns(b)])

    def factors(
        self, b: np.ndarray, share: np.ndarray | float
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return the map's factors; the constants are a layer with the single input 1."""
        columns = self._constant_columns(b)
        total = np.broadcast_to(share, len(b)).sum().reshape(1, 1)
        return [*self.inner.factors(b[:, self.varying], share), (total, columns @ columns.T)]

    def kernel(self, b: np.ndarray) -> np.ndarray:
        """Return the sum of the map's kernel and that of the constants, (n R, n R)."""
        columns = self._constant_columns(b)
        out = self.inner.kernel(b[:, self.varying])
        out += columns.T @ columns
        return out

    def curvature(self, u: np.ndarray) -> np.ndarray:
        """Return the map's curvature padded with zeros for the constants, (P, P)."""
        return np.pad(self.inner.curvature(u[:, self.varying]), (0, len(self.constant)))

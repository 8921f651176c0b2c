"""A map on features that are centred and scaled, whose values have the units of eta."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.sparse import issparse

from natfit._validation import check_vector
from natfit.models.base import Linearization, Model
from natfit.models.mlp import MLP


class Standardised(Model):
    """eta = u m(theta, (x - shift) / scale) with the map m of another conditional model.

    The unit u of an entry of eta is one over the square root of its Fisher information at the start
    of a fit: the standard deviation of y for a mean, for instance. Weights of a network, and lambda
    of a damping lambda I, then have the same meaning in whatever units x and y are given.

    Parameters
    ----------
    model : Model, optional
        A conditional model, not yet bound; ``MLP()`` by default.
    shift, scale : array-like of shape (D,), optional
        Centre and unit of each feature, 0 and 1 by default.
    columns : sequence of int, optional
        Indices of the features that the map is given, in its order; all of them by default.
    """

    def __init__(
        self,
        model: Model | None = None,
        shift: Any = None,
        scale: Any = None,
        columns: Sequence[int] | None = None,
    ):
        self.model = model
        self.shift = shift
        self.scale = scale
        self.columns = columns

    n_features: int
    family: Any = None

    @classmethod
    def examples(cls) -> list[Standardised]:
        """Return a network of four hidden units."""
        return [cls(MLP((4,)))]

    def bind(
        self,
        n_features: int,
        family: Any,
        constant: Sequence[str] = (),
        origin: np.ndarray | None = None,
    ) -> Standardised:
        """Return a copy for D features and one distribution; ``origin`` gives eta its units.

        Returns
        -------
        Standardised
            A model of the same kind, which has theta.

        Raises
        ------
        TypeError
            If D is not an integer.
        ValueError
            If D < 1, the shape of ``shift`` or ``scale`` is not (D,), or the other model refuses.
        IndexError
            If an index in ``columns`` is not below D.
        """
        bound = type(self)(**self.get_params(deep=False))
        inner = MLP() if self.model is None else self.model
        every = range(n_features)
        bound._own = None if self.columns is None else [every[j] for j in self.columns]
        seen = n_features if bound._own is None else len(bound._own)
        bound._inner = inner.bind(seen, family, constant, origin)
        bound.n_features, bound.family = n_features, family
        bound.layered = bound._inner.layered
        zero, one = np.zeros(n_features), np.ones(n_features)
        bound._shift = zero if self.shift is None else check_vector(self.shift, "shift", n_features)
        bound._scale = one if self.scale is None else check_vector(self.scale, "scale", n_features)
        if bound._own is not None:
            bound._shift, bound._scale = bound._shift[bound._own], bound._scale[bound._own]
        bound._unit = _unit(family, origin)
        # Coordinates of theta beyond the map are constants of eta.
        bound._constants = np.ones(bound._inner.n_params)
        at = getattr(bound._inner, "constant", np.empty(0, dtype=int))
        if len(at):
            bound._constants[-len(at) :] = bound._unit[at]
        return bound

    _inner: Model
    _own: list[int] | None
    _shift: np.ndarray
    _scale: np.ndarray
    _unit: np.ndarray
    _constants: np.ndarray

    def _require_bound(self) -> None:
        if self.family is None:
            raise ValueError("Standardised has no parameters yet; call bind(n_features, family)")

    @property
    def starts_at_eta(self) -> bool:  # type: ignore[override]  # the other model decides
        """Whether the other model starts there."""
        return True if self.family is None else self._inner.starts_at_eta

    @property
    def n_params(self) -> int:
        """P, the number of parameters of the other model."""
        self._require_bound()
        return self._inner.n_params

    def init(self, rng: np.random.Generator, eta0: np.ndarray) -> np.ndarray:
        """Return a start theta (P,) at which eta is about eta0 (K,) for every x."""
        self._require_bound()
        eta0 = np.asarray(eta0, dtype=np.float64)
        if eta0.shape != self._unit.shape:
            raise ValueError(f"eta0 must have shape {self._unit.shape}, got {eta0.shape}")
        return self._inner.init(rng, eta0 / self._unit)

    def _standard(self, X: Any) -> np.ndarray:
        """Return the rows of X, centred and scaled; a sparse block becomes dense."""
        X = X if issparse(X) else np.asarray(X)
        if X.ndim != 2 or X.shape[1] != self.n_features:
            raise ValueError(f"X must have shape (n, {self.n_features}), got {X.shape}")
        X = X if self._own is None else X[:, self._own]
        X = X.toarray() if issparse(X) else X
        out = np.subtract(X, self._shift, dtype=np.float64)
        out /= self._scale
        return out

    def linearize(self, theta: np.ndarray, X: Any) -> InUnits:
        """Return eta (n, K) and J at theta (P,) for a chunk of rows X (n, D)."""
        self._require_bound()
        return InUnits(self._inner.linearize(theta, self._standard(X)), self._unit)

    def eta(self, theta: np.ndarray, X: Any) -> np.ndarray:
        """Return eta (n, K) for theta (P,) and X (n, D) without preparing any derivative."""
        self._require_bound()
        return self._inner.eta(theta, self._standard(X)) * self._unit

    def names(self) -> list[str]:
        """Return P names, those of the other model."""
        self._require_bound()
        return list(self._inner.names())

    def penalty(self, alpha: np.ndarray) -> np.ndarray:
        """Return lambda (P,) of a ridge penalty of the weights on standardised features."""
        return self._inner.penalty(alpha)

    def limits(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return limits and largest steps (P,) of the other model, in its units."""
        low, high, step = self._inner.limits()
        return low / self._constants, high / self._constants, step / self._constants

    def constants(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the constants of eta: their places in theta and in eta, and their units."""
        self._require_bound()
        index = np.asarray(getattr(self._inner, "constant", ()), dtype=np.intp)
        return np.arange(self.n_params - len(index), self.n_params), index, self._unit[index]

    def cut_together(self) -> list[slice]:
        """Return the blocks of the other model that one factor shortens."""
        return self._inner.cut_together()

    def in_domain(self, theta: np.ndarray) -> bool:
        """Whether theta is finite and inside the limits."""
        low, high, _ = self.limits()
        return bool(np.isfinite(theta).all() and (theta >= low).all() and (theta <= high).all())


def _unit(family: Any, origin: np.ndarray | None) -> np.ndarray:
    """Return the unit (K,) of each entry of eta: one where there is no information to tell it."""
    out = np.ones(family.n_params)
    if origin is None:
        return out
    try:
        with np.errstate(all="ignore"):
            found = np.diagonal(family.fisher(np.asarray(origin, dtype=float)[None])[0])
    except (ValueError, NotImplementedError):
        return out
    known = np.isfinite(found) & (found > 0)
    out[known] = 1.0 / np.sqrt(found[known])
    return out


class InUnits(Linearization):
    """A linearization whose eta has other units.

    Parameters
    ----------
    inner : Linearization
        The linearization.
    unit : ndarray of shape (K,)
        What its entries of eta are multiplied by.
    """

    def __init__(self, inner: Linearization, unit: np.ndarray):
        self.inner, self.unit = inner, unit
        self.linear, self.matrix_free = inner.linear, inner.matrix_free
        self.layered = inner.layered
        self.eta = inner.eta * unit

    def jvp(self, v: np.ndarray) -> np.ndarray:
        """Return J v, (n, K), for v (P,)."""
        return self.inner.jvp(v) * self.unit

    def vjp(self, u: np.ndarray) -> np.ndarray:
        """Return the sum over rows of J_i' u_i, (P,), for u (n, K)."""
        return self.inner.vjp(u * self.unit)

    def _c(self, c: np.ndarray) -> np.ndarray:
        return c * (self.unit[:, None] * self.unit)

    def gram(self, c: np.ndarray) -> np.ndarray:
        """Return the sum over rows of J_i' C_i J_i, (P, P), for C (n, K, K)."""
        return self.inner.gram(self._c(c))

    def diag(self, c: np.ndarray) -> np.ndarray:
        """Return the diagonal (P,) of :meth:`gram`."""
        return self.inner.diag(self._c(c))

    def squares(self, b: np.ndarray) -> np.ndarray:
        """Return the diagonal (P,) of the sum over rows of J_i' B_i B_i' J_i."""
        return self.inner.squares(b * self.unit[:, None])

    def pull_columns(self, b: np.ndarray) -> np.ndarray:
        """Return the columns J_i' b_ir of all rows and r, (P, n R), for B (n, K, R)."""
        return self.inner.pull_columns(b * self.unit[:, None])

    def factors(
        self, b: np.ndarray, share: np.ndarray | float
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return the factors of the layers, whose deltas have the units of eta."""
        return self.inner.factors(b * self.unit[:, None], share)

    def kernel(self, b: np.ndarray) -> np.ndarray:
        """Return B_i' J_i J_j' B_j, (n R, n R)."""
        return self.inner.kernel((b * self.unit[:, None]).astype(b.dtype, copy=False))

    def curvature(self, u: np.ndarray) -> np.ndarray:
        """Return the sum over rows and k of u_ik d2 eta_ik / d theta2, (P, P)."""
        return self.inner.curvature(u * self.unit)

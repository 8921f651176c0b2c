"""Linear predictors, one for each parameter: eta_k = z' theta_k on the features of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import issparse

from natfit._validation import check_number
from natfit.models._conditional import check_constant
from natfit.models._design import Design, Pull
from natfit.models._predictor_rows import LinearPredictorRows
from natfit.models.base import Model

#: Numbers of X that stay in a core's cache. With fewer rows at a time, or fewer predictors, calls
#: cost more than they save.
_STRIP, _FEWEST, _SEVERAL = 100_000, 256, 4


class LinearPredictors(Model):
    """eta_k = b_k + sum over the features j of k of beta_kj x_j, for each entry k of eta.

    theta holds, for each entry of eta in the family's order, the coefficients of its features and
    then its intercept, of features that are centred and scaled by ``shift`` and ``scale``:
    ``beta_kj = theta_kj / scale_j``. A predictor without an intercept has features that are scaled
    but not centred. :meth:`raw` returns the coefficients of x itself.

    Parameters
    ----------
    columns : dict, optional
        Name of a parameter to the indices of its features, or None for all; a parameter that is
        left out has an intercept alone. By default every parameter has all features.
    intercept : bool or dict, default=True
        Whether there is an intercept; a dict says so for each parameter, True for those left out.
        A predictor without features always has one.
    shift, scale : array-like of shape (D,), optional
        Centre and unit of each feature, 0 and 1 by default. A unit of 0 is that of a constant
        column, equal to its centre: an intercept does all that it can do.
    feature_names : sequence of str, optional
        Names of the D features, x0, x1, ... by default.
    labels : sequence of str, optional
        What names call the entries of eta, the family's own names by default; of classes, whose
        eta are log odds against the last one, the labels of all.
    """

    def __init__(
        self,
        columns: Mapping[str, Sequence[int] | None] | None = None,
        intercept: bool | Mapping[str, bool] = True,
        shift: Any = None,
        scale: Any = None,
        feature_names: Sequence[str] | None = None,
        labels: Sequence[str] | None = None,
    ):
        self.feature_names = feature_names
        self.columns = columns
        self.intercept = intercept
        self.shift = shift
        self.scale = scale
        self.labels = labels

    linear = True
    takes_entries = True

    n_features: int
    family: Any = None

    @classmethod
    def examples(cls) -> list[LinearPredictors]:
        """Return one with all features, and one without an intercept."""
        return [cls(), cls(intercept=False)]

    @property
    def starts_at_eta(self) -> bool:  # type: ignore[override]  # the intercepts decide
        """Whether all predictors have an intercept, which can take the value eta0."""
        return self.family is None or all(has for _, has in self._predictors)

    def bind(
        self,
        n_features: int,
        family: Any,
        constant: Sequence[str] = (),
        origin: np.ndarray | None = None,
    ) -> LinearPredictors:
        """Return a copy for D features and one distribution; ``origin`` is not used.

        Parameters
        ----------
        n_features : int
            D.
        family : Distribution
            The distribution, bound.
        constant : sequence of str
            Names of parameters that have an intercept alone.
        origin : ndarray of shape (K,), optional
            Not used.

        Returns
        -------
        LinearPredictors
            A model of the same kind, which has theta.

        Raises
        ------
        TypeError
            If D is not an integer.
        ValueError
            If D < 1, or a name is not a parameter of the family.
        """
        n_features = check_number(n_features, "n_features", low=1, integer=True)
        names = check_constant(family, constant)
        check_constant(family, tuple(self.columns or ()))
        options = self.columns, self.intercept, self.shift, self.scale, self.feature_names
        bound = type(self)(*options, self.labels)
        bound.n_features, bound.family = n_features, family
        predictors: list[tuple[np.ndarray, bool]] = []
        for name, block in family.blocks.items():
            features = np.arange(n_features)
            if self.columns is not None:
                chosen = self.columns.get(name, ())
                if chosen is not None:
                    features = np.asarray(chosen, dtype=int)
            if name in names:
                features = features[:0]
            has = self.intercept
            if isinstance(has, Mapping):
                has = has.get(name, True)
            predictors += [(features, bool(has) or not len(features))] * (block.stop - block.start)
        bound._predictors = predictors
        bound._prepare()
        return bound

    _predictors: list[tuple[np.ndarray, bool]]

    @property
    def constant(self) -> np.ndarray:
        """Which entries of theta (P,) belong to features that are constant in all rows."""
        flat = np.append(self.design.flat, False)
        return np.concatenate([flat[at] for at in self.at])

    def opened(self, units: np.ndarray) -> LinearPredictors:
        """Return the model for rows in which columns that were constant may vary.

        Nothing is known of their entries of theta, which are zero, so that their unit is free.

        Parameters
        ----------
        units : ndarray of shape (D,)
            By how much each column varies about its centre now; 0 where it stays constant.

        Returns
        -------
        LinearPredictors
            Itself if no such column varies.
        """
        varies = self.design.flat & (units > 0.0)
        if not varies.any():
            return self
        found = copy(self)
        if any(moved is not None for moved in self._moved):
            # A predictor without an intercept has known something of the column.
            units = self.design.scale
        flat = self.design.flat & ~varies
        scale = np.where(varies, units, self.design.scale)
        # A unit of zero says that a column is constant.
        found.shift, found.scale = self.design.shift, np.where(flat, 0.0, scale)
        found.design = Design(self.design.shift, scale, flat)
        found.__dict__.pop("transform", None)
        return found

    def _prepare(self) -> None:
        """Lay out theta: where each of its entries is in B (A, K)."""
        centred = any(has and len(f) for f, has in self._predictors)
        zero, one = np.zeros(self.n_features), np.ones(self.n_features)
        shift = zero if self.shift is None or not centred else np.asarray(self.shift, dtype=float)
        scale = one if self.scale is None else np.asarray(self.scale, dtype=float)
        flat = scale == 0.0
        scale = np.where(flat, np.where(shift == 0.0, 1.0, np.abs(shift)), scale)
        self.design = Design(shift, scale, flat & centred)
        width, size = self.design.width, 0
        self.parts: list[slice] = []
        self.at: list[np.ndarray] = []
        for features, has in self._predictors:
            at = np.append(features, width - 1) if has else features
            self.at.append(at)
            self.parts.append(slice(size, size + len(at)))
            size += len(at)
        self._size = size
        #: Without an intercept a feature is not centred: x / scale = z + (shift / scale) 1.
        self._moved = [
            None if has or not shift.any() else (shift / scale)[features]
            for features, has in self._predictors
        ]
        #: Whether every predictor has all features and an intercept.
        self.whole = all(len(at) == width for at in self.at)
        with_features = np.flatnonzero([len(f) > 0 for f, _ in self._predictors])
        every = len(with_features) == len(self.at)
        #: Which entries of eta have features.
        self.driven: np.ndarray | slice = slice(None) if every else with_features

    @property
    def n_params(self) -> int:
        """P, the number of coefficients and intercepts of all predictors."""
        if self.family is None:
            raise ValueError(
                "LinearPredictors has no parameters yet; call bind(n_features, family)"
            )
        return self._size

    def init(self, rng: np.random.Generator, eta0: np.ndarray) -> np.ndarray:
        """Return the theta (P,) at which eta is eta0 (K,), except where there is no intercept.

        Returns
        -------
        ndarray of shape (P,)
            Theta.

        Raises
        ------
        ValueError
            If the shape of eta0 is not (K,).
        """
        theta = np.zeros(self.n_params)
        eta0 = np.asarray(eta0, dtype=np.float64)
        if eta0.shape != (self.family.n_params,):
            raise ValueError(f"eta0 must have shape ({self.family.n_params},), got {eta0.shape}")
        for part, (_, has), value in zip(self.parts, self._predictors, eta0, strict=True):
            if has:
                theta[part.stop - 1] = value
        return theta

    # ------------------------------------------------------------------- theta and matrices

    def matrix(self, theta: np.ndarray) -> np.ndarray:
        """Return theta (P,) as B (A, K), the coefficients of z of each predictor."""
        if self.whole:
            return theta.reshape(len(self.at), -1).T
        out = np.zeros((self.design.width, len(self.at)))
        for k, (at, part, moved) in enumerate(zip(self.at, self.parts, self._moved, strict=True)):
            out[at, k] = theta[part]
            if moved is not None:
                out[-1, k] = moved @ theta[part]
        return out

    def gather(self, g: np.ndarray) -> np.ndarray:
        """Return the adjoint of :meth:`matrix`: (P,) of a gradient (A, K) in B."""
        if self.whole:
            return g.T.reshape(-1)
        out = np.empty(self._size)
        for k, (at, part, moved) in enumerate(zip(self.at, self.parts, self._moved, strict=True)):
            out[part] = g[at, k]
            if moved is not None:
                out[part] += moved * g[-1, k]
        return out

    @cached_property
    def transform(self) -> np.ndarray:
        """T (P, P): raw coefficients = T theta, those of x itself and its intercepts."""
        out = np.zeros((self._size, self._size))
        for (features, has), part in zip(self._predictors, self.parts, strict=True):
            own = np.arange(part.start, part.start + len(features))
            out[own, own] = 1.0 / self.design.scale[features]
            if has:
                out[part.stop - 1, part.stop - 1] = 1.0
                out[part.stop - 1, own] = -(self.design.shift / self.design.scale)[features]
        return out

    def raw(self, theta: np.ndarray) -> list[tuple[np.ndarray, float]]:
        """Return for each entry of eta the coefficients (D,) of x, zero if it has none, and b."""
        found = []
        for (features, has), part in zip(self._predictors, self.parts, strict=True):
            own = theta[part]
            coef = np.zeros(self.n_features)
            coef[features] = own[: len(features)] / self.design.scale[features]
            base = 0.0
            if has:
                base = float(own[-1] - self.design.shift[features] @ coef[features])
            found.append((coef, base))
        return found

    def of_raw(self, raw: Sequence[tuple[np.ndarray, float]]) -> np.ndarray:
        """Return the theta (P,) of coefficients and intercepts, the inverse of :meth:`raw`."""
        theta = np.zeros(self._size)
        for (features, has), part, (coef, base) in zip(
            self._predictors, self.parts, raw, strict=True
        ):
            own = theta[part]
            own[: len(features)] = coef[features] * self.design.scale[features]
            if has:
                own[-1] = base + self.design.shift[features] @ coef[features]
        return theta

    def narrow(self, z: np.ndarray, k: int) -> np.ndarray:
        """Return T_k' M, (P_k, m), for M (A, m), with Z_k = Z T_k for predictor k."""
        moved = self._moved[k]
        out = z[self.at[k]]
        return out if moved is None else out + np.outer(moved, z[-1])

    def cut(self, gram: np.ndarray, k: int, m: int) -> np.ndarray:
        """Return T_k' M T_m, (P_k, P_m), for M (A, A)."""
        return self.narrow(self.narrow(gram, k).T, m).T

    def add(self, out: np.ndarray, k: int, m: int, block: np.ndarray) -> None:
        """Add a block and its mirror image to a symmetric matrix (P, P), in place."""
        out[self.parts[k], self.parts[m]] += block
        if k != m:
            out[self.parts[m], self.parts[k]] += block.T

    def add_product(self, out: np.ndarray, inner: np.ndarray, gram: np.ndarray) -> np.ndarray:
        """Add the part of C (x) M that theta has to a matrix (P, P), in place, and return it.

        Parameters
        ----------
        out : ndarray of shape (P, P)
            The matrix.
        inner : ndarray of shape (K, K)
            C.
        gram : ndarray of shape (A, A)
            M.

        Returns
        -------
        ndarray of shape (P, P)
            The matrix.
        """
        kept: dict[tuple[bytes, bytes], np.ndarray] = {}
        for k in range(len(self.parts)):
            for m in range(k + 1):
                if inner[k, m] == 0.0:
                    continue
                key = self.at[k].tobytes(), self.at[m].tobytes()
                if not self.whole or key not in kept:
                    kept[key] = self.cut(gram, k, m)
                self.add(out, k, m, inner[k, m] * kept[key])
        return out

    def penalty(self, alpha: np.ndarray) -> np.ndarray:
        """Return lambda (P,): alpha_k for the coefficients of x in predictor k, in theta's unit."""
        out = np.zeros(self._size)
        for (features, _), part, strength in zip(self._predictors, self.parts, alpha, strict=True):
            own = slice(part.start, part.start + len(features))
            out[own] = strength / np.square(self.design.scale[features])
        return out

    def linearize(self, theta: np.ndarray, X: Any) -> LinearPredictorRows:
        """Return eta (n, K) and J at theta (P,) for a chunk of rows X (n, D).

        Returns
        -------
        LinearPredictorRows
            The model at theta on these rows.

        Raises
        ------
        ValueError
            If theta or X has another shape.
        """
        theta = np.asarray(theta, dtype=np.float64)
        if theta.shape != (self.n_params,):
            raise ValueError(f"theta must have shape ({self.n_params},), got {theta.shape}")
        if not issparse(X):
            X = np.asarray(X)
        if X.ndim != 2 or X.shape[1] != self.n_features:
            raise ValueError(f"X must have shape (n, {self.n_features}), got {X.shape}")
        return LinearPredictorRows(self, X, self.design.matmul(X, self.matrix(theta)))

    def through(self, theta: np.ndarray, X: Any, pull: Pull) -> tuple[Any, np.ndarray] | None:
        """Return the rows at theta, and the sum of J_i' u_i, (P,), by one pass over X.

        Parameters
        ----------
        theta : ndarray of shape (P,)
            The point.
        X : ndarray or CSR array of shape (n, D)
            The rows.
        pull : callable
            ``pull(part, eta)`` returns u (m, K) of a slice of rows with their eta, which it may
            change in place.

        Returns
        -------
        tuple or None
            None where two passes, one for eta and one for the sum, cost no more.
        """
        size = _STRIP // self.n_features
        if issparse(X) or len(self.at) < _SEVERAL or not _FEWEST <= size < X.shape[0]:
            return None
        eta, g = self.design.through(X, self.matrix(theta), pull, size)
        return LinearPredictorRows(self, X, eta), self.gather(g)

    def names(self) -> list[str]:
        """Return P names, those of the entries of eta with the feature or the intercept."""
        # A model that is not bound has none.
        found, own = list[str](), self.feature_names if self.n_params else None
        for eta, (features, has) in zip(self.eta_names, self._predictors, strict=True):
            if not len(features):
                found.append(eta)
                continue
            found += [f"{eta}[{f'x{j}' if own is None else own[j]}]" for j in features]
            found += [f"{eta}[intercept]"] * has
        return found

    @property
    def eta_names(self) -> list[str]:
        """What the entries of eta are called, K names."""
        return list(self.labels or self.family.eta_names())[: self.family.n_params]

    def intercepts(self) -> list[int | None]:
        """Return the index in theta of the intercept of each entry of eta; None without one."""
        return [
            part.stop - 1 if has else None
            for (_, has), part in zip(self._predictors, self.parts, strict=True)
        ]

    def limits(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return limits and largest steps (P,): the family's for predictors without features."""
        low, high, step = self._limits
        return low.copy(), high.copy(), step.copy()

    @cached_property
    def _limits(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        low, high, step = (side.copy() for side in super().limits())
        for k, ((features, _), part) in enumerate(zip(self._predictors, self.parts, strict=True)):
            if not len(features):
                for ours, theirs in zip((low, high, step), self.family.limits, strict=True):
                    ours[part] = theirs[k]
        return low, high, step

    def in_domain(self, theta: np.ndarray) -> bool:
        """Whether theta is finite and inside the limits."""
        low, high, _ = self._limits
        return bool(np.isfinite(theta).all() and (theta >= low).all() and (theta <= high).all())

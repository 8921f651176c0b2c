"""Linear predictors on a chunk of rows: products with J, its adjoint, and J' C J."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.sparse import issparse

from natfit.linops.row_curvature import DiagonalMinusOuter, Entries, RowCurvature
from natfit.models.base import Linearization

#: Moves along lines after which eta is computed anew, and the distance of a point from a line, as a
#: share of its size, that rounding explains.
_MOVES, _ON_LINE = 30, 2.0**-46


class LinearPredictorRows(Linearization):
    """Linear predictors on a chunk of rows.

    Parameters
    ----------
    model : LinearPredictors
        The model, bound.
    X : ndarray or CSR array of shape (n, D)
        The rows; no copy is kept.
    eta : ndarray of shape (n, K)
        Their eta.
    """

    #: Whether products take a :class:`natfit.linops.row_curvature.RowCurvature` as C.
    takes_entries = True

    matrix_free = True

    def __init__(self, model: Any, X: Any, eta: np.ndarray):
        self._model, self._X, self.eta = model, X, eta
        #: The last v and J v of a sparse X, whose products cost more than sums of columns.
        self._last: tuple[np.ndarray, np.ndarray] | None = None
        self._moves = 0

    def jvp(self, v: np.ndarray) -> np.ndarray:
        """Return J v, (n, K), for v (P,); it may not be changed."""
        found = self._model.design.matmul(self._X, self._model.matrix(v))
        if issparse(self._X):
            self._last = v.copy(), found
        return found

    def moved(self, start: np.ndarray, theta: np.ndarray) -> LinearPredictorRows | None:
        """Return the model at ``theta`` (P,), on the line from ``start`` of the last :meth:`jvp`.

        Returns
        -------
        LinearPredictorRows or None
            None at points off this line, and after many moves, which add their rounding errors.
        """
        if self._last is None or self._moves >= _MOVES:
            return None
        v, motion = self._last
        delta = theta - start
        square = float(v @ v)
        length = float(v @ delta) / square if 0.0 < square < np.inf else 0.0
        delta -= length * v
        if not (np.abs(delta) <= _ON_LINE * (np.abs(start) + np.abs(theta))).all():
            return None
        found = LinearPredictorRows(self._model, self._X, self.eta + length * motion)
        found._last, found._moves = self._last, self._moves + 1
        return found

    def vjp(self, u: np.ndarray) -> np.ndarray:
        """Return the sum over rows of J_i' u_i, (P,), for u (n, K)."""
        model = self._model
        return model.gather(model.design.rmatmul(self._X, u, model.driven))

    def gram(self, c: np.ndarray | RowCurvature, single: bool = False) -> np.ndarray:
        """Return the sum over rows of J_i' C_i J_i, (P, P), perhaps in single precision."""
        model = self._model
        dense = model.whole and not issparse(self._X)
        # Many small products, one for each pair of classes, are slower than one large product.
        if dense and isinstance(c, DiagonalMinusOuter) and c.size > model.design.width:
            return self._gram_of_classes(c, single)
        out = np.zeros((model.n_params,) * 2, dtype=np.float32 if single else np.float64)
        alone = [len(features) == 0 for features, _ in model._predictors]
        unit: np.ndarray | None = None
        wide: list[tuple[int, int, np.ndarray]] = []
        for k, m, entry in self._entries(c).items():
            if not isinstance(entry, np.ndarray):
                if unit is None:
                    unit = self.unit_gram(single)
                found = float(entry) * model.cut(unit, k, m)
            elif alone[k] or alone[m]:
                found = self._narrow_block(k, m, entry, alone)
            else:
                wide.append((k, m, entry))
                continue
            model.add(out, k, m, found)
        grams = model.design.grams(self._X, [entry for _, _, entry in wide], single)
        for (k, m, _), gram in zip(wide, grams, strict=True):
            model.add(out, k, m, model.cut(gram, k, m))
        return out

    def _gram_of_classes(self, c: DiagonalMinusOuter, single: bool) -> np.ndarray:
        """Return the sum of J_i' C_i J_i of classes, whose pairs are one product together."""
        model = self._model
        out = -model.design.outer_gram(self._X, c.root, single)
        # From p - p^2 a probability near 1 would leave no digit.
        grams = model.design.grams(self._X, [c.own(k) for k in range(c.size)], single)
        for part, gram in zip(model.parts, grams, strict=True):
            out[part, part] = gram
        return out

    def unit_gram(self, single: bool = False, weight: np.ndarray | None = None) -> np.ndarray:
        """Return Z' diag(weight) Z of all columns of z, (A, A)."""
        return self._model.design.gram(self._X, weight, single)

    def _entries(self, c: np.ndarray | RowCurvature) -> RowCurvature:
        return c if isinstance(c, RowCurvature) else Entries.of(c)

    def _narrow_block(self, k: int, m: int, c: np.ndarray, alone: list[bool]) -> np.ndarray:
        """Return Z_k' diag(c) Z_m, (P_k, P_m), where one of both has an intercept alone."""
        if alone[k] and alone[m]:
            return np.full((1, 1), c.sum())
        sums = self._model.design.rmatmul(self._X, c[:, None])
        return self._model.narrow(sums, m).T if alone[k] else self._model.narrow(sums, k)

    def diag(self, c: np.ndarray | RowCurvature) -> np.ndarray:
        """Return the diagonal of :meth:`gram`, (P,)."""
        model, n = self._model, len(self.eta)
        found = np.zeros((n, model.family.n_params))
        for k, m, entry in self._entries(c).items():
            if k == m:
                found[:, k] = entry
        squares = model.design.diag(self._X, found)
        sums = None
        out = np.empty(model.n_params)
        for k, (at, part, moved) in enumerate(
            zip(model.at, model.parts, model._moved, strict=True)
        ):
            out[part] = squares[at, k]
            if moved is not None:
                sums = model.design.rmatmul(self._X, found) if sums is None else sums
                out[part] += moved * (2.0 * sums[at, k] + moved * sums[-1, k])
        return out

    def features(self) -> list[np.ndarray]:
        """Return Z_k (n, P_k) of each predictor, for few rows."""
        z = self._model.design.rows(self._X)
        return [self._model.narrow(z.T, k).T for k in range(len(self._model.at))]

    def pull_columns(self, b: np.ndarray) -> np.ndarray:
        """Return the columns J_i' b_ir of all rows and r, (P, n R), for B (n, K, R)."""
        n, _, r = b.shape
        out = np.empty((self._model.n_params, n, r))
        for k, (part, z) in enumerate(zip(self._model.parts, self.features(), strict=True)):
            out[part] = z.T[:, :, None] * b[:, k][None]
        return out.reshape(self._model.n_params, n * r)

    def kernel(self, b: np.ndarray) -> np.ndarray:
        """Return B_i' J_i J_j' B_j, (n R, n R): the sum over k of (z_ki . z_kj) b_ikr b_jks."""
        n, _, r = b.shape
        out = np.zeros((n, r, n, r))
        for near, k in self._near():
            out += near[:, None, :, None] * (b[:, k, :, None, None] * b[None, None, :, k, :])
        return out.reshape(n * r, n * r)

    def _near(self) -> Iterator[tuple[np.ndarray, int]]:
        """Yield Z_k Z_k' (n, n) of each predictor."""
        kept: dict[tuple, np.ndarray] = {}
        features: list[np.ndarray] | None = None
        for k, at in enumerate(self._model.at):
            key = (at.tobytes(), self._model._moved[k] is None)
            if key not in kept:
                features = self.features() if features is None else features
                kept[key] = features[k] @ features[k].T
            yield kept[key], k

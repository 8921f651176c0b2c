"""The matrix of features of a linear predictor, centred and scaled without a copy.

    z = ((x - shift) / scale, 1)        A = D + 1 columns

Sums over rows are computed from x and corrected, so that z is never formed for more rows than fit
a small buffer. A feature of size 1e4 that varies by 1e-2 then keeps its digits, and no step
depends on the units of the features.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.linalg.blas import dsyrk, ssyrk
from scipy.sparse import issparse

#: Largest count of numbers in a buffer of rows: two megabytes stay in a core's cache.
_ROOM = 1 << 18

#: Centres of features, in their units, up to which sums of products are corrected for them.
_NEAR = 30.0

#: Centres of features, in their units, from which each row is centred before any product.
_FAR = 1e5

#: Fewest rows of a buffer: with fewer, a matrix product of them is slow.
_FEWEST = 256


@dataclass(frozen=True, eq=False)
class Design:
    """How rows of X become rows of z; the rows themselves are given to each method.

    Attributes
    ----------
    shift, scale : ndarray of shape (D,)
        Centre and unit of each feature.
    flat : ndarray of bool, shape (D,)
        Features that are constant, equal to their centre: sums over rows of their z are zero.
    """

    shift: np.ndarray
    scale: np.ndarray
    flat: np.ndarray

    @cached_property
    def _far(self) -> np.ndarray:
        """Indices of the features that are centred before any product."""
        return np.flatnonzero(np.abs(self.shift) > _FAR * self.scale)

    def _gaps(self, X: np.ndarray) -> np.ndarray:
        """Return x - shift of the features that are far from zero, (n, F)."""
        return np.asarray(X[:, self._far], dtype=np.float64) - self.shift[self._far]

    @property
    def width(self) -> int:
        """A = D + 1, the number of columns of z; the last one is 1."""
        return len(self.shift) + 1

    def matmul(self, X: Any, b: np.ndarray) -> np.ndarray:
        """Return Z B, (n, K), for X (n, D) and B (A, K); its columns are contiguous."""
        raw = b[:-1] / self.scale[:, None]
        apart = None if issparse(X) or not len(self._far) else raw[self._far]
        if apart is not None:
            raw[self._far] = 0.0
        base = b[-1] - self.shift @ raw
        if issparse(X):
            one = raw.shape[1] == 1
            out = (X @ raw[:, 0])[:, None] if one else np.asarray(X @ raw)
        elif X.dtype == np.float64:
            out = (raw.T @ X.T).T
        else:
            out = np.empty((b.shape[1], X.shape[0])).T
            for part, rows in self._parts(X):
                np.matmul(rows, raw, out=out[part])
        out += base
        if apart is not None:
            out += self._gaps(X) @ apart
        return out

    def rmatmul(self, X: Any, u: np.ndarray) -> np.ndarray:
        """Return Z' U, (A, K), for X (n, D) and U (n, K)."""
        out = np.empty((self.width, u.shape[1]))
        total = u.sum(axis=0)
        if issparse(X):
            one = u.shape[1] == 1
            got = (X.T @ u[:, 0])[:, None] if one else np.asarray(X.T @ u)
        elif X.dtype == np.float64:
            got = (u.T @ X).T
        else:
            got = sum(rows.T @ u[part] for part, rows in self._parts(X))
        out[:-1] = (got - np.outer(self.shift, total)) / self.scale[:, None]
        if len(self._far) and not issparse(X):
            out[self._far] = self._gaps(X).T @ u / self.scale[self._far, None]
        out[:-1][self.flat] = 0.0
        out[-1] = total
        return out

    def gram(self, X: Any, c: np.ndarray | None, single: bool = False) -> np.ndarray:
        """Return Z' diag(c) Z, (A, A), for c (n,) of any sign.

        Parameters
        ----------
        X : ndarray or CSR array of shape (n, D)
            The rows.
        c : ndarray of shape (n,) or None
            Weights of the rows; None for 1.
        single : bool
            Whether products are summed in single precision, as a preconditioner needs them.

        Returns
        -------
        ndarray of shape (A, A)
            Symmetric, in double precision.
        """
        if issparse(X):
            return self._sparse_gram(X, np.ones(X.shape[0]) if c is None else c)
        # Features that are not far from zero are centred afterwards: a pass less.
        near = bool((np.abs(self.shift) <= _NEAR * self.scale).all())
        kind = np.float32 if single else np.float64
        product = ssyrk if single else dsyrk
        sign = np.sign(c) if c is not None and bool((c < 0).any()) else None
        root = None if c is None else np.sqrt(np.abs(c)).astype(kind)
        out = np.zeros((self.width, self.width), dtype=kind, order="F")
        size = max(_FEWEST, _ROOM // self.width)
        buffer = np.empty((min(size, X.shape[0]), self.width), dtype=kind)
        for start in range(0, X.shape[0], size):
            part = slice(start, min(start + size, X.shape[0]))
            z, some = buffer[: part.stop - start], 1.0 if root is None else root[part, None]
            if not near:
                np.subtract(X[part], self.shift, out=z[:, :-1], casting="same_kind")
                z[:, :-1] *= some
            elif root is None:
                z[:, :-1] = X[part]
            else:
                np.multiply(X[part], some, out=z[:, :-1], casting="same_kind")
            z[:, -1:] = some
            if sign is None:
                # z in rows is z' in Fortran's order.
                product(1.0, z.T, beta=1.0, c=out, lower=1, overwrite_c=1)
            else:
                out += z.T @ (z * sign[part, None])
        found = out.astype(np.float64)
        if sign is None:
            found = np.tril(found) + np.tril(found, -1).T
        if near:
            self._centre(found)
        return self._in_units(found)

    def _in_units(self, gram: np.ndarray) -> np.ndarray:
        """Return sums of products of (x - shift, 1) in units of the features."""
        unit = np.append(self.scale, 1.0)
        out = gram / np.outer(unit, unit)
        flat = np.flatnonzero(self.flat)
        out[flat] = 0.0
        out[:, flat] = 0.0
        return out

    def _centre(self, gram: np.ndarray) -> None:
        """Turn sums of products of (x, 1) into those of (x - shift, 1), in place."""
        total, first = gram[-1, -1], gram[:-1, -1].copy()
        cross = np.outer(self.shift, first)
        gram[:-1, :-1] += total * np.outer(self.shift, self.shift) - cross - cross.T
        gram[:-1, -1] = gram[-1, :-1] = first - self.shift * total

    def diag(self, X: Any, c: np.ndarray) -> np.ndarray:
        """Return the diagonal (A, M) of Z' diag(c_m) Z for the columns of c (n, M)."""
        if issparse(X):
            total = c.sum(axis=0)
            first = np.asarray(X.T @ c)
            second = np.asarray(X.multiply(X).T @ c)
            shift = self.shift[:, None]
            second += shift * (shift * total - 2.0 * first)
            second[self.flat] = 0.0
            return np.vstack([second / np.square(self.scale)[:, None], total])
        out = np.zeros((self.width, c.shape[1]))
        for part, z in self._standard(X):
            out += np.square(z, out=z).T @ c[part]
        out[:-1][self.flat] = 0.0
        return out

    def rows(self, X: Any) -> np.ndarray:
        """Return Z (n, A) itself, for few rows."""
        dense = X.toarray() if issparse(X) else X
        out = np.ones((dense.shape[0], self.width))
        np.subtract(dense, self.shift, out=out[:, :-1])
        out[:, :-1] /= self.scale
        return out

    def _parts(self, X: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield slices of rows, with these rows as float64."""
        size = max(_FEWEST, _ROOM // self.width)
        for start in range(0, X.shape[0], size):
            part = slice(start, min(start + size, X.shape[0]))
            yield part, np.asarray(X[part], dtype=np.float64)

    def _standard(self, X: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield slices of rows, with their z in a buffer that is used again."""
        size = max(_FEWEST, _ROOM // self.width)
        buffer = np.empty((min(size, X.shape[0]), self.width))
        for start in range(0, X.shape[0], size):
            part = slice(start, min(start + size, X.shape[0]))
            z = buffer[: part.stop - start]
            np.subtract(X[part], self.shift, out=z[:, :-1])
            z[:, :-1] /= self.scale
            z[:, -1] = 1.0
            yield part, z

    def _sparse_gram(self, X: Any, c: np.ndarray) -> np.ndarray:
        out = np.empty((self.width, self.width))
        out[:-1, :-1] = (X.T @ X.multiply(c[:, None]).tocsr()).toarray()
        out[:-1, -1] = out[-1, :-1] = X.T @ c
        out[-1, -1] = c.sum()
        self._centre(out)
        return self._in_units(out)

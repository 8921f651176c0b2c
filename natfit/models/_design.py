"""The matrix of features of a linear predictor, centred and scaled without a copy.

    z = ((x - shift) / scale, 1)        A = D + 1 columns

Sums over rows are computed from x and corrected, so that z is never formed for more rows than fit
a small buffer. A feature of size 1e4 that varies by 1e-2 then keeps its digits, and no step
depends on the units of the features.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.linalg.blas import dsyrk, ssyrk
from scipy.sparse import issparse

#: What maps a slice of rows and their eta (m, K) to (m, K), as :meth:`Design.through` asks for it.
Pull = Callable[[slice, np.ndarray], np.ndarray]

#: Numbers of rows of which several products are made at a time.
_BUFFER = 1 << 17

#: Largest count of numbers in a buffer of rows: half a megabyte stays in a core's cache.
_ROOM = 1 << 16

#: Centres of features, in their units, up to which sums of products are corrected for them.
_NEAR = 30.0

#: Centres of features, in their units, from which each row is centred before any product.
_FAR = 1e5

#: Columns up to which a symmetric product is no faster than another.
_NARROW = 32

#: Columns of B up to which products with each, of rows that stay in a cache, are faster than one.
_COLUMNS = 3

#: Numbers up to which the centred rows themselves are formed, which takes the fewest calls.
_TINY = 4_096

#: Features up to which one after the other is taken out of rows.
_SOME = 8

#: Fewest rows of a buffer: with fewer, a matrix product of them is slow. Most: sums of so many
#: products in single precision keep their digits.
_FEWEST, _MOST = 256, 4_096


def units_of(X: Any, design: Design) -> np.ndarray:
    """Return by how much constant features of a design vary about their centres, else 0; (D,).

    Parameters
    ----------
    X : ndarray or sparse array of shape (n, D)
        Rows in which they may vary.
    design : Design
        That of rows in which they are constant.

    Returns
    -------
    ndarray of shape (D,)
        The root of the mean square.
    """
    out = np.zeros(len(design.scale))
    for j in np.flatnonzero(design.flat):
        column = X[:, [j]].toarray().ravel() if issparse(X) else np.asarray(X[:, j], dtype=float)
        gap = column - design.shift[j]
        # What the centre's own rounding makes is none.
        if np.abs(gap).max(initial=0.0) > 64.0 * np.spacing(abs(design.shift[j])):
            out[j] = np.sqrt(np.mean(np.square(gap)))
    return out


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

    def _gaps(self, X: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield slices of rows, with x - shift of the features that are far from zero, (F, n)."""
        for part in self._slices(X):
            if len(self._far) > _SOME:
                yield part, (X[part][:, self._far] - self.shift[self._far]).T
                continue
            out = np.empty((len(self._far), part.stop - part.start))
            for j, row in zip(self._far, out, strict=True):
                np.subtract(X[part, j], self.shift[j], out=row)
            yield part, out

    def _slices(self, X: Any) -> Iterator[slice]:
        """Yield slices of rows of which a buffer stays in a core's cache."""
        n, size = X.shape[0], min(max(_FEWEST, _ROOM // self.width), _MOST)
        for start in range(0, n, size):
            yield slice(start, min(start + size, n))

    @property
    def width(self) -> int:
        """A = D + 1, the number of columns of z; the last one is 1."""
        return len(self.shift) + 1

    def matmul(self, X: Any, b: np.ndarray) -> np.ndarray:
        """Return Z B, (n, K), for X (n, D) and B (A, K); its columns are contiguous."""
        raw = b[:-1] / self.scale[:, None]
        apart = None
        if len(self._far) and not issparse(X):
            apart = raw[self._far]
            raw[self._far] = 0.0
        base = b[-1] - self.shift @ raw
        driven = raw.any(axis=0)
        if driven.all():
            out = self._times(X, raw)
            out += base
        else:
            # What no feature drives is the same in every row.
            out = np.empty((b.shape[1], X.shape[0])).T
            products = iter(self._times(X, raw[:, driven]).T if driven.any() else ())
            for column, has, middle in zip(out.T, driven, base, strict=True):
                column[:] = next(products) + middle if has else middle
        if apart is not None:
            for part, gaps in self._gaps(X):
                out[part] += (apart.T @ gaps).T
        return out

    def _times(self, X: Any, raw: np.ndarray) -> np.ndarray:
        """Return X B, (n, K), for B (D, K); its columns are contiguous."""
        if issparse(X):
            one = raw.shape[1] == 1
            return (X @ raw[:, 0])[:, None] if one else np.asarray(X @ raw)
        few = len(raw) >= _NARROW and 1 < raw.shape[1] <= _COLUMNS
        if X.dtype == np.float64 and not few:
            return (raw.T @ X.T).T
        out = np.empty((raw.shape[1], X.shape[0])).T
        for part, rows in self._parts(X):
            if few:
                for k in range(raw.shape[1]):
                    np.dot(rows, raw[:, k], out=out[part, k])
            else:
                np.matmul(rows, raw, out=out[part])
        return out

    def rmatmul(
        self, X: Any, u: np.ndarray, driven: np.ndarray | slice = slice(None)
    ) -> np.ndarray:
        """Return Z' U, (A, K), for X (n, D) and U (n, K).

        Parameters
        ----------
        X : ndarray or CSR array of shape (n, D)
            The rows.
        u : ndarray of shape (n, K)
            A number for each row and predictor.
        driven : ndarray of int, optional
            The columns of U whose sums with the features are needed; the others have zeros there.

        Returns
        -------
        ndarray of shape (A, K)
        """
        out = np.zeros((self.width, u.shape[1]))
        out[-1] = total = u.sum(axis=0)
        own = u[:, driven]
        if own.shape[1]:
            first = self._adjoint(X, own) - np.outer(self.shift, total[driven])
            first /= self.scale[:, None]
            if len(self._far) and not issparse(X):
                apart = sum(gaps @ own[part] for part, gaps in self._gaps(X))
                first[self._far] = apart / self.scale[self._far, None]
            first[self.flat] = 0.0
            out[:-1, driven] = first
        return out

    def _adjoint(self, X: Any, u: np.ndarray) -> np.ndarray:
        """Return X' U, (D, K), for U (n, K)."""
        if issparse(X):
            one = u.shape[1] == 1
            return (X.T @ u[:, 0])[:, None] if one else np.asarray(X.T @ u)
        few = X.shape[1] >= _NARROW and 1 < u.shape[1] <= _COLUMNS
        if X.dtype == np.float64 and not few:
            return (u.T @ X).T
        out = np.zeros((X.shape[1], u.shape[1]))
        for part, rows in self._parts(X):
            if few:
                for k in range(u.shape[1]):
                    out[:, k] += u[part, k] @ rows
            else:
                out += rows.T @ u[part]
        return out

    def through(
        self, X: np.ndarray, b: np.ndarray, pull: Pull, size: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return Z B (n, K) and Z' U (A, K), where U follows from Z B, by one pass over X.

        Parameters
        ----------
        X : ndarray of shape (n, D)
            The rows.
        b : ndarray of shape (A, K)
            B.
        pull : callable
            ``pull(part, eta)`` returns U (m, K) of a slice of rows with their Z B, which it may
            change in place.
        size : int
            The number of rows of a slice, which stay in a core's cache.

        Returns
        -------
        eta, sums : ndarray
            Z B as ``pull`` has left it, and Z' U.
        """
        raw = np.ascontiguousarray(b[:-1] / self.scale[:, None])
        # Features that are far from zero lose their digits unless they are centred at once.
        centre = self.shift if len(self._far) else np.zeros_like(self.shift)
        base = b[-1] - (self.shift - centre) @ raw
        eta = np.empty((X.shape[0], b.shape[1]))
        got, total = np.zeros_like(raw.T), np.zeros(b.shape[1])
        buffer = np.empty((size, len(centre)))
        for start in range(0, X.shape[0], size):
            part = slice(start, min(start + size, X.shape[0]))
            rows, some = buffer[: part.stop - start], eta[part]
            # A copy is in the cache when it is multiplied; rows in memory are not.
            rows[:] = X[part]
            if centre.any():
                rows -= centre
            np.matmul(rows, raw, out=some)
            some += base
            u = pull(part, some)
            got += u.T @ rows
            total += np.add.reduce(u, axis=0)
        out = np.empty_like(b)
        out[:-1] = (got.T - np.outer(self.shift - centre, total)) / self.scale[:, None]
        out[:-1][self.flat] = 0.0
        out[-1] = total
        return eta, out

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
        if X.shape[0] * self.width <= _TINY:
            z = self.rows(X)
            z[:, :-1][:, self.flat] = 0.0
            tiny: np.ndarray = z.T @ (z if c is None else z * c[:, None])
            return tiny
        kind, product = (np.float32, ssyrk) if single else (np.float64, dsyrk)
        # A symmetric product takes half the operations, of which few columns have few.
        halves = self.width > _NARROW and (c is None or bool((c >= 0).all()))
        weight = np.ones(X.shape[0]) if c is None else np.sqrt(c) if halves else c
        out = np.zeros((self.width, self.width))
        products = np.zeros((self.width - 1, self.width - 1), dtype=kind, order="F")
        for part, z in self._centred(X, kind):
            own = weight[part].astype(kind, copy=False)
            if halves:
                if c is not None:
                    z *= own[:, None]
                # z in rows is z' in Fortran's order.
                product(1.0, z.T, beta=1.0, c=products, lower=1, overwrite_c=1)
            else:
                products += (z if c is None else z * own[:, None]).T @ z
            out[-1, :-1] += own @ z
        out[:-1, :-1] = products
        out[-1, -1] = X.shape[0] if c is None else c.sum()
        out = np.tril(out) + np.tril(out, -1).T
        self._centre(out, np.where(self._apart, 0.0, self.shift))
        return self._in_units(out)

    @cached_property
    def _apart(self) -> np.ndarray:
        """Which features (D,) are centred before their products are summed, and not afterwards."""
        found: np.ndarray = np.abs(self.shift) > _NEAR * self.scale
        return np.full_like(found, True) if 2 * np.count_nonzero(found) > len(found) else found

    def _centred(self, X: np.ndarray, kind: Any) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield slices of rows with their x, of which some features are centred, in a buffer."""
        # Copied first: a product that changes the type as well takes twice as long.
        buffer = np.empty((min(_MOST, X.shape[0]), self.width - 1), dtype=kind)
        some, every = np.flatnonzero(self._apart), bool(self._apart.all())
        for part in self._slices(X):
            z = buffer[: part.stop - part.start]
            z[...] = X[part] - self.shift if every else X[part]
            for j in () if every else some:
                np.subtract(X[part, j], self.shift[j], out=z[:, j], casting="same_kind")
            yield part, z

    def grams(
        self, X: Any, cs: list[np.ndarray | None], single: bool = False
    ) -> Iterator[np.ndarray]:
        """Yield :meth:`gram` for each of several weights of the rows, after one pass over X."""
        if issparse(X) or len(cs) < 2:
            for c in cs:
                yield self.gram(X, c, single)
            return
        kind = np.float32 if single else np.float64
        outs = [np.zeros((self.width, self.width), dtype=kind, order="F") for _ in cs]
        roots = [_root(c, kind) for c in cs]
        size = max(_FEWEST, _BUFFER // self.width)
        buffer = np.empty((min(size, X.shape[0]), self.width), dtype=kind)
        other = np.empty_like(buffer)
        for start in range(0, X.shape[0], size):
            part = slice(start, min(start + size, X.shape[0]))
            z, rows = buffer[: part.stop - start], other[: part.stop - start]
            np.subtract(X[part], self.shift, out=z[:, :-1], casting="same_kind")
            z[:, -1] = 1.0
            for out, (root, sign) in zip(outs, roots, strict=True):
                if root is not None:
                    np.multiply(z, root[part, None], out=rows)
                _add_products(out, z if root is None else rows, sign, part)
        for out in outs:
            found = np.tril(out).astype(np.float64)
            found += np.tril(found, -1).T
            yield self._in_units(found)

    def outer_gram(self, X: np.ndarray, u: np.ndarray, single: bool = False) -> np.ndarray:
        """Return the sum over rows of (u u') (x) (z z'), (K A, K A), for U (n, K), in one product.

        Parameters
        ----------
        X : ndarray of shape (n, D)
            The rows.
        u : ndarray of shape (n, K)
            A number for each row and predictor.
        single : bool
            Whether products are summed in single precision.

        Returns
        -------
        ndarray of shape (K A, K A)
        """
        kind, product = (np.float32, ssyrk) if single else (np.float64, dsyrk)
        width = self.width * u.shape[1]
        out = np.zeros((width, width), dtype=kind, order="F")
        size = min(max(_FEWEST, _BUFFER // width), X.shape[0])
        z, rows = np.empty((size, self.width)), np.empty((size, *u.shape[1:], self.width), kind)
        for start in range(0, X.shape[0], size):
            part = slice(start, min(start + size, X.shape[0]))
            own, some = z[: part.stop - part.start], rows[: part.stop - part.start]
            np.subtract(X[part], self.shift, out=own[:, :-1])
            own[:, :-1] /= self.scale
            own[:, :-1][:, self.flat] = 0.0
            own[:, -1] = 1.0
            np.multiply(u[part, :, None], own[:, None, :], out=some, casting="same_kind")
            # Rows are the transpose in Fortran's order.
            product(1.0, some.reshape(len(some), -1).T, beta=1.0, c=out, lower=1, overwrite_c=1)
        out += np.tril(out, -1).T
        return out

    def _in_units(self, gram: np.ndarray) -> np.ndarray:
        """Return sums of products of (x - shift, 1) in units of the features."""
        unit = np.append(self.scale, 1.0)
        out = gram / np.outer(unit, unit)
        flat = np.flatnonzero(self.flat)
        out[flat] = 0.0
        out[:, flat] = 0.0
        return out

    def _centre(self, gram: np.ndarray, shift: np.ndarray) -> None:
        """Turn sums of products of (x, 1) into those of (x - shift, 1), in place."""
        total, first = gram[-1, -1], gram[:-1, -1].copy()
        cross = np.outer(shift, first)
        gram[:-1, :-1] += total * np.outer(shift, shift) - (cross + cross.T)
        gram[:-1, -1] = gram[-1, :-1] = first - shift * total

    def diag(self, X: Any, c: np.ndarray) -> np.ndarray:
        """Return the diagonal (A, M) of Z' diag(c_m) Z for the columns of c (n, M)."""
        if issparse(X):
            total = c.sum(axis=0)
            first = np.asarray(X.T @ c)
            squares = type(X)((np.square(X.data), X.indices, X.indptr), shape=X.shape, copy=False)
            second = np.asarray(squares.T @ c)
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
        for part in self._slices(X):
            yield part, np.asarray(X[part], dtype=np.float64)

    def _standard(self, X: Any) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield slices of rows, with their z in a buffer that is used again."""
        buffer = np.empty((min(_MOST, X.shape[0]), self.width))
        for part in self._slices(X):
            z = buffer[: part.stop - part.start]
            np.subtract(X[part], self.shift, out=z[:, :-1])
            z[:, :-1] /= self.scale
            z[:, -1] = 1.0
            yield part, z

    def _sparse_gram(self, X: Any, c: np.ndarray) -> np.ndarray:
        out = np.empty((self.width, self.width))
        out[:-1, :-1] = (X.T @ X.multiply(c[:, None]).tocsr()).toarray()
        out[:-1, -1] = out[-1, :-1] = X.T @ c
        out[-1, -1] = c.sum()
        self._centre(out, self.shift)
        return self._in_units(out)


def _root(c: np.ndarray | None, kind: type) -> tuple[np.ndarray | None, Any]:
    """Return the roots (n,) of the sizes of weights, and their sign: a number, or one for each."""
    if c is None:
        return None, 1.0
    root = np.sqrt(np.abs(c)).astype(kind)
    if not bool((c < 0).any()):
        return root, 1.0
    return root, np.sign(c).astype(kind) if bool((c > 0).any()) else -1.0


def _add_products(out: np.ndarray, z: np.ndarray, sign: Any, part: slice) -> None:
    """Add Z' diag(sign) Z to the lower triangle of ``out``, in place."""
    if isinstance(sign, np.ndarray):
        out += z.T @ (z * sign[part, None])
        return
    product = ssyrk if out.dtype == np.float32 else dsyrk
    # z in rows is z' in Fortran's order.
    product(sign, z.T, beta=1.0, c=out, lower=1, overwrite_c=1)

"""Maps made of layers a -> a W + b: inputs and deltas represent J without its entries.

A layer has inputs a_i (with a 1 for the intercept) and deltas d_ik, the derivative of output k of
the map with respect to the layer's outputs. For row i, the layer's part of J is a_i (x) d_ik, where
(x) is the Kronecker product. A layer's parameters are the matrix (W; b), row by row.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from operator import iadd
from typing import Any

import numpy as np

from natfit.models.base import Linearization

#: Largest count of numbers in a temporary array: a few megabytes.
_ROOM = 1 << 20


def with_ones(X: np.ndarray) -> np.ndarray:
    """Return X (n, D) with a column of ones for the intercept appended, (n, D + 1)."""
    out = np.empty((X.shape[0], X.shape[1] + 1))
    out[:, :-1] = X
    out[:, -1] = 1.0
    return out


def blocks(n_rows: int, width: int) -> Iterator[slice]:
    """Yield slices of rows whose temporaries, of ``width`` numbers per row, are small."""
    size = max(1, _ROOM // max(width, 1))
    for start in range(0, n_rows, size):
        yield slice(start, min(start + size, n_rows))


class Layers(Linearization):
    """A linearization whose products need only each layer's inputs and deltas.

    Attributes
    ----------
    inputs : list of ndarray of shape (n, A)
        The inputs of each layer, with a 1 for the intercept.
    """

    matrix_free = True
    layered = True

    inputs: list[np.ndarray]

    def deltas(self, b: np.ndarray, part: slice) -> list[np.ndarray]:
        """Return each layer's deltas (m, R, H) of the combinations B (m, K, R) of outputs.

        ``part`` is the slice of rows that B belongs to.
        """
        raise NotImplementedError

    def _unit_deltas(self, part: slice) -> list[np.ndarray]:
        k = self.eta.shape[1]
        rows = part.stop - part.start
        return self.deltas(np.broadcast_to(np.eye(k), (rows, k, k)), part)

    def gram(self, c: np.ndarray) -> np.ndarray:
        """Return the sum over rows of J_i' C_i J_i, (P, P), from J of a few rows at a time."""
        return reduce(iadd, self._grams(c))

    def _grams(self, c: np.ndarray) -> Iterator[np.ndarray]:
        """Yield the terms of :meth:`gram`, each of a few rows."""
        n, k = self.eta.shape
        for part in blocks(n, k * self._size()):
            jac = self._jacobian(part)
            flat = jac.reshape(-1, jac.shape[2])
            yield flat.T @ np.matmul(c[part], jac).reshape(flat.shape)

    def _size(self) -> int:
        """Return P."""
        widths = [d.shape[2] for d in self._unit_deltas(slice(0, 1))]
        return sum(a.shape[1] * h for a, h in zip(self.inputs, widths, strict=True))

    def _jacobian(self, part: slice) -> np.ndarray:
        """Return J of some rows, (m, K, P)."""
        parts = []
        for a, delta in zip(self.inputs, self._unit_deltas(part), strict=True):
            outer = a[part, None, :, None] * delta[:, :, None, :]
            parts.append(outer.reshape(*outer.shape[:2], -1))
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2)

    def diag(self, c: np.ndarray) -> np.ndarray:
        """Return the diagonal of :meth:`gram`, (P,): sum_i a_i^2 (x) (d_i' C_i d_i), without J."""
        return reduce(iadd, self._diags(c))

    def _diags(self, c: np.ndarray) -> Iterator[np.ndarray]:
        """Yield the terms of :meth:`diag`, each of a few rows."""
        n, k = self.eta.shape
        for part in blocks(n, k * max(a.shape[1] for a in self.inputs)):
            terms = []
            for a, delta in zip(self.inputs, self._unit_deltas(part), strict=True):
                square = np.einsum("nkh,nkh->nh", delta, np.matmul(c[part], delta))
                terms.append((np.square(a[part]).T @ square).ravel())
            yield np.concatenate(terms)

    def squares(self, b: np.ndarray) -> np.ndarray:
        """Return the diagonal (P,) of the sum over rows of J_i' B_i B_i' J_i, without J or C."""
        n, _, r = b.shape
        if r >= self.eta.shape[1]:
            return super().squares(b)
        terms = []
        for a, delta in zip(self.inputs, self.deltas(b, slice(0, n)), strict=True):
            square = np.einsum("nrh,nrh->nh", delta, delta)
            terms.append((np.square(a).T @ square).ravel())
        return np.concatenate(terms)

    def factors(
        self, b: np.ndarray, share: np.ndarray | float
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return each layer's sums of share_i a_i a_i' (A, A) and of D_i' D_i (H, H)."""
        left = [(a.T * share) @ a for a in self.inputs]
        return list(zip(left, self._spreads(b), strict=True))

    def _spreads(self, b: np.ndarray) -> list[np.ndarray]:
        """Return the sum of D_i' D_i of each layer, (H, H), from a few rows at a time."""
        n, _, r = b.shape
        found: list[Any] = [0.0] * len(self.inputs)
        for part in blocks(n, r * max(a.shape[1] for a in self.inputs)):
            flat = [d.reshape(-1, d.shape[2]) for d in self.deltas(b[part], part)]
            found = [total + d.T @ d for total, d in zip(found, flat, strict=True)]
        return found

    def pull_columns(self, b: np.ndarray) -> np.ndarray:
        """Return the columns J_i' b_ir of all rows and r, (P, n R), for B (n, K, R)."""
        n, r = b.shape[0], b.shape[2]
        deltas = self.deltas(b, slice(0, n))
        sizes = [a.shape[1] * d.shape[2] for a, d in zip(self.inputs, deltas, strict=True)]
        out = np.empty((sum(sizes), n * r))
        start = 0
        for a, delta, size in zip(self.inputs, deltas, sizes, strict=True):
            left = np.repeat(a.T, r, axis=1)
            right = np.ascontiguousarray(delta.reshape(n * r, -1).T)
            view = out[start : start + size].reshape(len(left), len(right), n * r)
            np.multiply(left[:, None], right, out=view)
            start += size
        return out

    def kernel(self, b: np.ndarray) -> np.ndarray:
        """Return B_i' J_i J_j' B_j, (n R, n R): sum over layers of (a_i . a_j) (d_ir . d_js).

        Returns
        -------
        ndarray of shape (n R, n R)
            Of the precision of b.
        """
        return reduce(iadd, self._kernels(b))

    def _kernels(self, b: np.ndarray) -> Iterator[np.ndarray]:
        """Yield the term of each layer in :meth:`kernel`, in the precision of b."""
        n, r = b.shape[0], b.shape[2]
        for a, delta in zip(self.inputs, self.deltas(b, slice(0, n)), strict=True):
            a = np.asarray(a, dtype=b.dtype)
            flat = np.ascontiguousarray(delta.reshape(n * r, -1), dtype=b.dtype)
            added = flat @ flat.T
            near = a @ a.T
            if r > 1:
                near = np.repeat(near, r, axis=1)
            added.reshape(n, r, n * r)[...] *= near[:, None]
            yield added

"""The inner matrices C_i (K, K) of many rows, without an array of N x K x K numbers.

A family says which entries of C it has. An entry (k, m) is an array (n,), one number where it is
the same in every row, or absent where it is zero in every row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

#: An entry of all C_i: one number for each row, or one for all rows.
Entry = np.ndarray | float


def number(entry: np.ndarray) -> Entry:
    """Return an entry (n,) as it is, and one of a single value (1,) as a number for all rows."""
    return float(entry[0]) if len(entry) == 1 else entry


class RowCurvature:
    """The symmetric matrices C_i of n rows, as a sandwich J' C J uses them."""

    #: K, the number of rows and of columns of each C_i.
    size: int

    def items(self) -> Iterator[tuple[int, int, Entry]]:
        """Yield (k, m, entry) for each pair k <= m whose entry is not zero in every row."""
        raise NotImplementedError

    def weighted(self, weight: Entry) -> RowCurvature:
        """Return the matrices times a number for each row (n,), or one for all rows."""
        raise NotImplementedError

    def times(self, u: np.ndarray) -> np.ndarray:
        """Return C_i u_i of every row, (n, K), for u (n, K)."""
        raise NotImplementedError

    def form(self, u: np.ndarray) -> float:
        """Return the sum over rows of u_i' C_i u_i."""
        return float((u * self.times(u)).sum())

    def dense(self, n: int) -> np.ndarray:
        """Return C (n, K, K), for few rows."""
        out = np.zeros((n, self.size, self.size))
        for k, m, entry in self.items():
            out[:, k, m] = entry
            out[:, m, k] = entry
        return out

    def total(self, n: int) -> np.ndarray:
        """Return the sum over the n rows, (K, K)."""
        out = np.zeros((self.size, self.size))
        for k, m, entry in self.items():
            out[k, m] = out[m, k] = np.sum(entry) if np.ndim(entry) else n * float(entry)
        return out


class Entries(RowCurvature):
    """Matrices whose entries are given one by one.

    Parameters
    ----------
    size : int
        K.
    entries : dict
        (k, m) with k <= m to an array (n,) or a number; what is left out is zero.
    """

    def __init__(self, size: int, entries: Mapping[tuple[int, int], Entry]):
        self.size = size
        self.entries = dict(entries)

    @classmethod
    def of(cls, c: np.ndarray) -> Entries:
        """Return the entries of C (n, K, K), without those that are zero in every row."""
        size = c.shape[1]
        found = {}
        for k in range(size):
            for m in range(k, size):
                entry = c[:, k, m]
                if k == m or entry.any():
                    found[k, m] = np.ascontiguousarray(entry)
        return cls(size, found)

    def items(self) -> Iterator[tuple[int, int, Entry]]:
        """Yield (k, m, entry) for each pair k <= m that is given."""
        for (k, m), entry in self.entries.items():
            yield k, m, entry

    def weighted(self, weight: Entry) -> Entries:
        """Return the matrices times a number for each row (n,), or one for all rows."""
        return Entries(self.size, {key: entry * weight for key, entry in self.entries.items()})

    def times(self, u: np.ndarray) -> np.ndarray:
        """Return C_i u_i of every row, (n, K), for u (n, K)."""
        out = np.zeros((len(u), self.size))
        for (k, m), entry in self.entries.items():
            out[:, k] += entry * u[:, m]
            if k != m:
                out[:, m] += entry * u[:, k]
        return out


class DiagonalMinusOuter(RowCurvature):
    """C_i = w_i (diag(p_i) - p_i p_i'): the information of one of several classes.

    Parameters
    ----------
    p : ndarray of shape (n, K)
        Probabilities of all classes but the last.
    weight : ndarray of shape (n,) or float, optional
        The factors w_i, >= 0; 1 by default.
    """

    def __init__(self, p: np.ndarray, weight: Entry | None = None):
        self.p = p
        self.weight = weight
        self.size = p.shape[1]

    def _each(self) -> Any:
        """The factors as a column, (n, 1), or a number."""
        return self.weight[:, None] if isinstance(self.weight, np.ndarray) else self.weight

    def items(self) -> Iterator[tuple[int, int, Entry]]:
        """Yield all pairs k <= m; each entry is computed when it is asked for."""
        for k in range(self.size):
            yield k, k, self.own(k)
            mine = self.p[:, k] if self.weight is None else self.p[:, k] * self.weight
            for m in range(k + 1, self.size):
                yield k, m, mine * -self.p[:, m]

    def own(self, k: int) -> np.ndarray:
        """Return the entry (k, k), (n,)."""
        mine = self.p[:, k] * (1.0 - self.p[:, k])
        return mine if self.weight is None else mine * self.weight

    @property
    def root(self) -> np.ndarray:
        """U (n, K), whose u_i u_i' are what is taken from the diagonals."""
        return self.p if self.weight is None else self.p * np.sqrt(self._each())

    def weighted(self, weight: Entry) -> DiagonalMinusOuter:
        """Return the matrices times a number for each row (n,), or one for all rows."""
        return DiagonalMinusOuter(self.p, weight if self.weight is None else self.weight * weight)

    def times(self, u: np.ndarray) -> np.ndarray:
        """Return C_i u_i of every row, (n, K): p u - p (p' u)."""
        out = self.p * u
        out -= self.p * out.sum(axis=1)[:, None]
        if self.weight is not None:
            out *= self._each()
        return out

    def total(self, n: int) -> np.ndarray:
        """Return the sum over the n rows, (K, K)."""
        mine = self.p if self.weight is None else self.p * self._each()
        return np.diag(mine.sum(axis=0)) - mine.T @ self.p


def made_positive(
    curvature: RowCurvature, n: int, share: float, unit: np.ndarray | None = None
) -> Entries:
    """Return the matrices C_i with the absolute values of their eigenvalues.

    Parameters
    ----------
    curvature : RowCurvature
        The matrices of n rows.
    n : int
        The number of rows.
    share : float
        Eigenvalues are at least this share of the largest one of their row, unless C is diagonal.
    unit : ndarray of shape (K,), optional
        The eigenvalues are those of C_kl / (unit_k unit_l), which have no unit; 1 by default.

    Returns
    -------
    Entries
        Positive definite where C is not zero.
    """
    size = curvature.size
    entries = {(k, m): entry for k, m, entry in curvature.items()}
    if all(k == m for k, m in entries):
        return Entries(size, {key: np.abs(entry) for key, entry in entries.items()})
    if unit is not None:
        square = np.outer(unit, unit)
        scaled = Entries(size, {key: entry / square[key] for key, entry in entries.items()})
        found = made_positive(scaled, n, share)
        return Entries(size, {key: entry * square[key] for key, entry in found.entries.items()})
    if not all(np.isfinite(entry).all() for entry in entries.values()):
        # Where a row has no curvature, the matrix is not finite, and is refused as such.
        return Entries(size, entries)
    if size == 2:
        a, b, c = (entries.get(key, 0.0) for key in ((0, 0), (0, 1), (1, 1)))
        return _pair_made_positive(a, b, c, share)
    values, vectors = np.linalg.eigh(curvature.dense(n))
    values = np.abs(values)
    values = np.maximum(values, share * values.max(axis=1, keepdims=True))
    return Entries.of((vectors * values[:, None, :]) @ np.swapaxes(vectors, 1, 2))


def _pair_made_positive(a: Entry, b: Entry, c: Entry, share: float) -> Entries:
    """Return :func:`made_positive` of [[a, b], [b, c]].

    With eigenvalues p >= q, a function f of the matrix C is s C + (f(p) - s p) I, where s is
    (f(p) - f(q)) / (p - q).

    Returns
    -------
    Entries
        Three.
    """
    gap = np.maximum(np.hypot(a - c, 2.0 * b), 1e-300)
    high, low = 0.5 * (a + c + gap), 0.5 * (a + c - gap)
    up, down = np.abs(high), np.abs(low)
    least = share * np.maximum(up, down)
    up, down = np.maximum(up, least), np.maximum(down, least)
    slope = (up - down) / gap
    shift = up - slope * high
    return Entries(2, {(0, 0): slope * a + shift, (0, 1): slope * b, (1, 1): slope * c + shift})

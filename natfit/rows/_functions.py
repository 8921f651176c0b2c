"""Loops over arrays that are in this process, and inner products."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from natfit.rows._tree import Tree
from natfit.rows.base import BLOCK, CHUNK

#: Vector length up to which BLAS stays in one thread.
_ONE_THREAD = 8_192


def chunks(n_rows: int, chunk: int | None = None) -> Iterator[slice]:
    """Yield slices that cover ``range(n_rows)``; chunk sizes are rounded up to whole blocks."""
    size = CHUNK if chunk is None else -(-max(int(chunk), 1) // BLOCK) * BLOCK
    for start in range(0, n_rows, size):
        yield slice(start, min(start + size, n_rows))


def _cut(arrays: Sequence[Any], rows: slice) -> list[Any]:
    return [None if a is None else a[rows] for a in arrays]


def sum_rows(fn: Callable[..., Any], arrays: Sequence[Any], chunk: int | None = None) -> Any:
    """Sum ``fn`` over chunks of rows.

    Parameters
    ----------
    fn : callable
        Takes a chunk of each array and returns a number, an array or a tuple of these: the
        chunk's contribution.
    arrays : sequence of array or None
        Arrays with one leading axis of length N. A None is passed on as None.
    chunk : int, optional
        Rows a chunk; default :data:`natfit.rows.CHUNK`.

    Returns
    -------
    The sum, of the form that ``fn`` returns.
    """
    n_rows = next(len(a) for a in arrays if a is not None)
    tree = Tree()
    for rows in chunks(n_rows, chunk):
        tree.add(fn(*_cut(arrays, rows)))
    return tree.total()


def dot(a: np.ndarray, b: np.ndarray) -> float:
    """Inner product of two vectors (n,), in blocks that BLAS sums in one thread.

    From 10,000 entries on OpenBLAS starts threads, which costs more than the sum and, where
    other processes want the same cores, a hundred times more.

    Parameters
    ----------
    a : ndarray of shape (n,)
        One vector.
    b : ndarray of shape (n,)
        The other.

    Returns
    -------
    float
        Sum of a_i b_i.
    """
    n = len(a)
    if n <= _ONE_THREAD:
        return float(a @ b)
    whole = n - n % _ONE_THREAD
    left = a[:whole].reshape(-1, 1, _ONE_THREAD)
    blocks = np.matmul(left, b[:whole].reshape(-1, _ONE_THREAD, 1))
    return float(blocks.sum() + a[whole:] @ b[whole:])


def map_rows(fn: Callable[..., Any], arrays: Sequence[Any], chunk: int | None = None) -> np.ndarray:
    """Apply ``fn`` to chunks of rows and return its row values (N,) or (N, ...) joined."""
    n_rows = next(len(a) for a in arrays if a is not None)
    out: np.ndarray | None = None
    for rows in chunks(n_rows, chunk):
        part = np.asarray(fn(*_cut(arrays, rows)))
        if out is None:
            out = np.empty((n_rows, *part.shape[1:]), dtype=part.dtype)
        out[rows] = part
    return np.empty(0) if out is None else out


def first_row(
    bad: Callable[..., Any], arrays: Sequence[Any], chunk: int | None = None
) -> int | None:
    """Index of the first row for which ``bad(chunk...) -> (n,) bool`` holds, or None."""
    n_rows = next(len(a) for a in arrays if a is not None)
    for rows in chunks(n_rows, chunk):
        mask = np.asarray(bad(*_cut(arrays, rows)))
        if mask.any():
            return rows.start + int(np.argmax(mask))
    return None

"""The only loop over data: sums and maps over chunks of rows, and generators per block.

A chunk of 16,384 rows keeps the temporaries of a log-density in a core's cache and bounds the
memory of every pass, whatever the number of rows N. Nothing else in the package loops over
data, so that processes or a cluster can take this seam over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

#: Rows a chunk. Measured: half the time of one sweep for Student-t's score at 1e6 rows.
CHUNK = 16_384

#: Vector length up to which BLAS stays in one thread.
_ONE_THREAD = 8_192

#: Neighbouring rows that a start looks at together.
_RUN = 16

#: Rows that share a generator; draws depend on the block, never on the chunk.
BLOCK = 1_024


def chunks(n_rows: int, chunk: int | None = None) -> Iterator[slice]:
    """Yield slices that cover ``range(n_rows)``; chunk sizes are rounded up to whole blocks."""
    size = CHUNK if chunk is None else -(-max(int(chunk), 1) // BLOCK) * BLOCK
    for start in range(0, n_rows, size):
        yield slice(start, min(start + size, n_rows))


def _cut(arrays: Sequence[Any], rows: slice) -> list[Any]:
    return [None if a is None else a[rows] for a in arrays]


def sum_rows(fn: Callable, arrays: Sequence[Any], chunk: int | None = None) -> Any:
    """Sum ``fn`` over chunks of rows.

    Parameters
    ----------
    fn : callable
        Takes a chunk of each array and returns a number, an array or a tuple of these: the
        chunk's contribution.
    arrays : sequence of array or None
        Arrays with one leading axis of length N. A None is passed on as None.
    chunk : int, optional
        Rows a chunk; default :data:`CHUNK`.

    Returns
    -------
    The sum, of the form that ``fn`` returns.
    """
    n_rows = next(len(a) for a in arrays if a is not None)
    total: Any = None
    for rows in chunks(n_rows, chunk):
        part = fn(*_cut(arrays, rows))
        if total is None:
            total = part
        elif isinstance(part, tuple):
            total = tuple(t + p for t, p in zip(total, part, strict=True))
        else:
            total = total + part
    return total


def dot(a: np.ndarray, b: np.ndarray) -> float:
    """Inner product of two vectors (n,), in blocks that BLAS sums in one thread.

    From 10,000 entries on OpenBLAS starts threads, which costs more than the sum and, where
    other processes want the same cores, a hundred times more.
    """
    n = len(a)
    if n <= _ONE_THREAD:
        return float(a @ b)
    whole = n - n % _ONE_THREAD
    left = a[:whole].reshape(-1, 1, _ONE_THREAD)
    blocks = np.matmul(left, b[:whole].reshape(-1, _ONE_THREAD, 1))
    return float(blocks.sum() + a[whole:] @ b[whole:])


def map_rows(fn: Callable, arrays: Sequence[Any], chunk: int | None = None) -> np.ndarray:
    """Apply ``fn`` to chunks of rows and return its row values (N,) or (N, ...) joined."""
    n_rows = next(len(a) for a in arrays if a is not None)
    out: np.ndarray | None = None
    for rows in chunks(n_rows, chunk):
        part = np.asarray(fn(*_cut(arrays, rows)))
        if out is None:
            out = np.empty((n_rows, *part.shape[1:]), dtype=part.dtype)
        out[rows] = part
    return np.empty(0) if out is None else out


def first_row(bad: Callable, arrays: Sequence[Any], chunk: int | None = None) -> int | None:
    """Index of the first row for which ``bad(chunk...) -> (n,) bool`` holds, or None."""
    n_rows = next(len(a) for a in arrays if a is not None)
    for rows in chunks(n_rows, chunk):
        mask = np.asarray(bad(*_cut(arrays, rows)))
        if mask.any():
            return rows.start + int(np.argmax(mask))
    return None


def block_rng(rng: np.random.Generator) -> Callable[[int], np.random.Generator]:
    """Return ``block -> Generator``, one independent stream for each block of rows.

    One number is drawn from ``rng``; block b then has the stream of the seed sequence
    (that number, b), so that draws do not depend on how rows are cut into chunks.
    """
    root = int(rng.integers(2**63))

    def stream(block: int) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence([root, block]))

    return stream


def subsample(n_rows: int, most: int = 256) -> slice | np.ndarray:
    """Rows for a start: all, or ``most`` of them in short runs at irrational spacing.

    Evenly spaced rows would be fooled by data with a period; these are spread as evenly, and
    deterministic (Weyl's sequence of the golden ratio). A run of 16 rows costs hardly more than
    one row of it: the first fetch brings the others into the cache.
    """
    if n_rows <= most:
        return slice(None)
    run = min(_RUN, most)
    golden = 0.6180339887498949
    first = (np.arange(most // run) * golden % 1.0 * (n_rows - run)).astype(np.intp)
    return (first[:, None] + np.arange(run)).ravel()

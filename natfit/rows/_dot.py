"""Inner products that start no threads."""

from __future__ import annotations

import numpy as np

#: Vector length up to which BLAS stays in one thread.
_ONE_THREAD = 8_192


def dot(a: np.ndarray, b: np.ndarray) -> float:
    """Return the inner product of two vectors (n,), in blocks that BLAS sums in one thread.

    From 10,000 entries on OpenBLAS starts threads, which costs more than the sum and, where
    other processes want the same cores, a hundred times more.

    Parameters
    ----------
    a : ndarray of shape (n,)
        The first vector.
    b : ndarray of shape (n,)
        The second vector.

    Returns
    -------
    float
        The sum of a_i b_i.
    """
    n = len(a)
    if n <= _ONE_THREAD:
        return float(a @ b)
    whole = n - n % _ONE_THREAD
    left = a[:whole].reshape(-1, 1, _ONE_THREAD)
    blocks = np.matmul(left, b[:whole].reshape(-1, _ONE_THREAD, 1))
    return float(blocks.sum() + a[whole:] @ b[whole:])

"""What travels between the tasks of a cluster: bytes, with half of each symmetric array."""

from __future__ import annotations

import io
import pickle
from typing import Any

import numpy as np


def packed(value: Any) -> bytes:
    """Return a pickled value in which symmetric arrays are stored as their upper triangles.

    Parameters
    ----------
    value : object
        A value of a part, with arrays anywhere inside.

    Returns
    -------
    bytes
        :func:`unpacked` returns the same bits from it.
    """
    out = io.BytesIO()
    _Pickler(out, protocol=pickle.HIGHEST_PROTOCOL).dump(value)
    return out.getvalue()


def unpacked(data: bytes) -> Any:
    """Return the value of :func:`packed`."""
    return pickle.loads(data)


class _Pickler(pickle.Pickler):
    """Stores the upper triangle of float64 arrays that are symmetric, bit for bit."""

    def reducer_override(self, value: Any) -> Any:
        if type(value) is np.ndarray and _symmetric(value):
            return _mirrored, (value[np.triu_indices(len(value))].tobytes(), len(value))
        return NotImplemented


def _symmetric(a: np.ndarray) -> bool:
    """Tell whether an array is a square that equals its transpose, the signs of zeros included."""
    if a.ndim != 2 or a.dtype != np.float64 or a.shape[0] != a.shape[1] or len(a) < 2:
        return False
    # Most arrays without symmetry differ here already.
    if a[0, -1] != a[-1, 0]:
        return False
    bits = np.ascontiguousarray(a).view(np.int64)
    return bool(np.array_equal(bits, bits.T))


def _mirrored(data: bytes, size: int) -> np.ndarray:
    """Return the symmetric array of an upper triangle."""
    out = np.empty((size, size))
    upper = np.triu_indices(size)
    out[upper] = np.frombuffer(data)
    out.T[upper] = out[upper]
    return out

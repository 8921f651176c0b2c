"""Limit of one BLAS thread, so that results do not depend on the number of threads."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_LOCK = threading.Lock()

#: Number of callers inside :func:`one_thread`, and the (library, threads) before the first.
_users = 0
_before: list[tuple[Any, int]] = []


@functools.cache
def _libraries() -> list[Any]:
    """Return the BLAS libraries that are loaded, looked up once."""
    # A dependency of scikit-learn.
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas").lib_controllers


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit BLAS to one thread.

    A sum that BLAS splits between several threads has other last digits than the same sum in one
    thread, and waking threads for every small product costs more than the product. The limit
    applies to the whole process: of several callers, the first sets it and the last one to finish
    restores the former numbers of threads.
    """
    global _users
    with _LOCK:
        if not _users:
            for library in _libraries():
                count = library.num_threads
                if count > 1:
                    library.set_num_threads(1)
                    _before.append((library, count))
        _users += 1
    try:
        yield
    finally:
        with _LOCK:
            _users -= 1
            if not _users:
                for library, count in _before:
                    library.set_num_threads(count)
                _before.clear()

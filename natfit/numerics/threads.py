"""One BLAS thread, so that results do not depend on how many there are."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_LOCK = threading.Lock()

#: Callers inside :func:`one_thread`, and what the first of them found: (library, threads).
_users = 0
_before: list[tuple[Any, int]] = []


@functools.cache
def _libraries() -> list[Any]:
    """The BLAS libraries that are loaded; looked up once."""
    # A dependency of scikit-learn.
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas").lib_controllers


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit BLAS to one thread.

    A sum that BLAS cuts for several threads has other last digits than the same sum in one, and
    waking threads for every small product costs more than the product. The limit is the
    process's: of several callers the first sets it and the last one to leave restores what was
    before.
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

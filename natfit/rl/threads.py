"""One BLAS thread for small matrices."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

#: Parameters up to which a policy's matrices are too small for several threads: waking them for
#: every product costs more than the product and, where other processes want the same cores, a
#: hundred times more (measured: 0.15 s against 10 s for 20 updates).
_SMALL = 100_000

_LOCK = threading.Lock()
_users: list[Any] = []


@functools.cache
def _controller() -> Any:
    """The libraries that are loaded; looked up once."""
    # A dependency of scikit-learn.
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@contextmanager
def few_threads(n_params: int) -> Iterator[None]:
    """Limit BLAS to one thread for a policy of P parameters, unless it is large.

    The limit is the process's: of several fits in threads the first sets it and the last one
    to leave restores what was before.
    """
    if n_params > _SMALL:
        yield
        return
    with _LOCK:
        _users.append(None if _users else _controller().limit(limits=1, user_api="blas"))
    try:
        yield
    finally:
        with _LOCK:
            last = _users.pop()
            if _users and last is not None:
                # The one that set the limit leaves before others do: they keep it.
                _users[0] = last
            elif not _users:
                last.restore_original_limits()

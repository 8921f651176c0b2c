"""One BLAS thread for small matrices."""

from __future__ import annotations

import functools
from contextlib import AbstractContextManager, nullcontext
from typing import Any

#: Parameters up to which a policy's matrices are too small for several threads: waking them for
#: every product costs more than the product and, where other processes want the same cores, a
#: hundred times more (measured: 0.15 s against 10 s for 20 updates).
_SMALL = 100_000


@functools.cache
def _controller() -> Any:
    """The libraries that are loaded; looked up once."""
    # A dependency of scikit-learn.
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def few_threads(n_params: int) -> AbstractContextManager:
    """Limit BLAS to one thread for a policy of P parameters, unless it is large."""
    return _controller().limit(limits=1, user_api="blas") if n_params <= _SMALL else nullcontext()

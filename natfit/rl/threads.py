"""Limit of one BLAS thread for small matrices."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from natfit.numerics.threads import one_thread

#: Number of parameters up to which a policy's matrices are too small for several threads: waking
#: them for every product costs more than the product. Where other processes want the same cores, it
#: costs a hundred times more (measured: 0.15 s against 10 s for 20 updates).
_SMALL = 100_000


def few_threads(n_params: int) -> AbstractContextManager[None]:
    """Limit BLAS to one thread for a policy of P parameters, unless it is large."""
    return nullcontext() if n_params > _SMALL else one_thread()

"""Dask's schedulers: how a graph is computed, and what to do where one fails."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from typing import Any, NoReturn

#: Share of the memory of a cluster, and of what is free in one process, that may hold partitions.
_OF_CLUSTER, _OF_FREE = 0.5, 0.4

#: Clients whose workers were asked for their version of natfit.
_asked: weakref.WeakSet[Any] = weakref.WeakSet()


class Scheduler:
    """The scheduler that dask uses now: a client of a cluster, or a function of this process.

    Attributes
    ----------
    get : callable
        ``get(graph, keys)`` computes keys of a graph.
    client : distributed.Client or None
        The client of a cluster.
    apart : bool
        Whether tasks are computed in other processes, so that values travel between them.
    """

    def __init__(self) -> None:
        from dask import base, local, threaded

        self.get: Callable[..., Any] = base.get_scheduler() or threaded.get
        owner = getattr(self.get, "__self__", None)
        self.client: Any = owner if hasattr(owner, "scheduler_info") else None
        self.apart = self.get not in (threaded.get, local.get_sync)
        if self.client is not None and self.client not in _asked:
            _compare_versions(self.client)
            _asked.add(self.client)

    def compute(self, graph: dict[Any, Any], keys: list[Any]) -> list[Any]:
        """Return the values of some keys; what is computed is cancelled by Ctrl-C."""
        if self.client is None:
            return list(self.get(graph, keys))
        futures = self.client.get(graph, keys, sync=False)
        try:
            return list(self.client.gather(futures))
        except KeyboardInterrupt:
            self.client.cancel(futures)
            raise

    def keep(self, graph: dict[Any, Any], keys: list[Any]) -> list[Any]:
        """Return values, or futures of values that stay on the cluster."""
        if self.client is None:
            return list(self.get(graph, keys))
        return list(self.client.get(graph, keys, sync=False))

    def has_room(self, size: float) -> bool:
        """Tell whether so many bytes may be kept where partitions are computed."""
        if self.client is None:
            # What other processes compute would be sent to them again at every pass.
            return not self.apart and size <= _OF_FREE * _free()
        workers = _workers(self.client)
        limits = [w.get("memory_limit") or 0 for w in workers.values()]
        return 0 in limits or size <= _OF_CLUSTER * sum(limits)


def _workers(client: Any) -> dict[str, Any]:
    """Return what the scheduler knows of all workers, by address."""
    try:
        found = client.scheduler_info(n_workers=-1)
    except TypeError:
        found = client.scheduler_info()
    workers: dict[str, Any] = found["workers"]
    return workers


def _free() -> float:
    """Return how many bytes of this machine's memory are free."""
    try:
        import psutil
    except ImportError:
        return 0.25 * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return float(psutil.virtual_memory().available)


def version() -> str:
    """Return the version of natfit where this is called."""
    import natfit

    return natfit.__version__


def _compare_versions(client: Any) -> None:
    """Raise where workers have another version of natfit than this process, or none."""
    try:
        found = client.run(version, on_error="return")
    except (OSError, TimeoutError) as error:
        refuse_lost(error)
    for worker, theirs in found.items():
        if theirs != version():
            raise RuntimeError(
                f"workers must have natfit {version()} as this process, got {theirs!r} on worker "
                f"{worker}; install natfit=={version()} there and start the workers anew"
            )


def refuse_lost(error: BaseException | None = None) -> NoReturn:
    """Raise what is to be said of a cluster that is gone."""
    raise RuntimeError(
        "the client of dask's cluster must be open during a fit, got one that is closed or has "
        "lost its scheduler; connect anew by distributed.Client(...), make the data anew and call "
        "fit again, with warm_start=True to go on from the last theta"
    ) from error


def lost_workers(client: Any, since: float) -> int:
    """Return how many workers died since a time, in seconds of :func:`time.time`.

    Workers that a cluster has closed itself, as one that adapts to its load does, are not lost; of
    a cluster that is closed nothing is known.

    Returns
    -------
    int
    """
    if client.status != "running":
        return 0
    return sum(
        when >= since
        and isinstance(what, dict)
        and what.get("action") == "remove-worker"
        and not what.get("expected")
        for when, what in client.get_events("all")
    )


def is_lost(error: BaseException, client: Any) -> bool:
    """Tell whether a cluster's client was closed, or its connection or futures are lost."""
    gone = client is not None and client.status not in ("running", "connecting", "newly-created")
    return gone or type(error).__name__ in (
        *("CancelledError", "FutureCancelledError", "FuturesCancelledError"),
        *("CommClosedError", "ClosedClientError"),
    )


def killed(error: BaseException, partition_of: Callable[[Any], int | None]) -> str | None:
    """Return what to say where workers died of a task, None for other errors.

    Parameters
    ----------
    error : Exception
        What the cluster raised.
    partition_of : callable
        ``partition_of(key)`` returns the index of the partition that a task belongs to, None if it
        is none of them.

    Returns
    -------
    str or None
    """
    if type(error).__name__ != "KilledWorker":
        return None
    task, worker = getattr(error, "task", ""), getattr(error, "last_worker", None)
    number = partition_of(task)
    where = f"task {task}" if number is None else f"partition {number}"
    address = getattr(worker, "address", worker)
    return (
        f"{where} could not be computed: workers died again and again while they had it, perhaps "
        f"of another partition that they had too; the last one was {address}. If they ran out of "
        "memory, make partitions smaller, as by repartition(npartitions=...) or rechunk, or give "
        "workers more; the reason is in their logs"
    )

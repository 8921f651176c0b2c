"""Rows on a cluster: partitions of dask's arrays, data frames and delayed blocks.

A pass is one task a partition, whose values are added by tasks too, over the tree of
:mod:`natfit.rows._tree` by position. What was read of a partition stays where it was read, if it
fits; a partition that is lost with a worker is computed again, and gives the same bits.
"""

from __future__ import annotations

import importlib.util
import re
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial, reduce
from typing import Any

import numpy as np

from natfit.rows._naming import Naming, is_named
from natfit.rows._partitions import (
    delayed_parts,
    in_partitions,
    items_of,
    matching,
    n_rows,
    refuse_other_rows,
    refuse_rows_here,
)
from natfit.rows._pieces import Pieces
from natfit.rows._schedulers import Scheduler, is_lost, killed, lost_workers, refuse_lost
from natfit.rows._source import Given, Read, Source
from natfit.rows._travel import packed, unpacked
from natfit.rows._tree import FAN_IN, plus
from natfit.rows.base import BLOCK, CHUNK
from natfit.rows.memory import example

#: Most rows of a head.
_HEAD = 1_024


class Dask(Pieces):
    """Rows in partitions of dask, on a cluster or in this process.

    The parameters are those of :class:`natfit.rows.Pieces`.
    """

    order = 60

    @classmethod
    def found_in(cls, given: Given) -> Partitions | None:
        """Return the partitions of dask's containers, None where there are none."""
        found = dict(items_of(given))
        cut = {name: value for name, value in found.items() if in_partitions(value)}
        if not cut:
            return None
        for name, value in found.items():
            if name not in cut and (np.ndim(value) > 0 or isinstance(value, str)):
                refuse_rows_here(name, value, next(iter(cut)))
        parts = {name: delayed_parts(name, value) for name, value in cut.items()}
        counts = matching({name: counts for name, (_, counts) in parts.items()})
        rest = {name: value for name, value in found.items() if name not in cut}
        blocks = {name: blocks for name, (blocks, _) in parts.items()}
        call = partial(_given, tuple(blocks), rest)
        return Partitions(call, [tuple(row) for row in zip(*blocks.values(), strict=True)], counts)

    @classmethod
    def over(cls, y: Any, X: Any, weight: Any, offset: Any, chunk: int | None = None) -> Dask:
        """Return rows of this kind that hold arrays, in partitions of eight chunks."""
        from dask import delayed

        size = FAN_IN * (CHUNK if chunk is None else -(-max(chunk, 1) // BLOCK) * BLOCK)
        blocks = []
        for start in range(0, len(y), size):
            cut = slice(start, start + size)
            columns = [None if c is None else c[cut] for c in (y, X, weight, offset)]
            blocks.append((delayed(_Columns(*columns), traverse=False, pure=False),))
        source = Partitions(_as_it_is, blocks, [None] * len(blocks))
        return cls(source, _columns_of, (), chunk)

    @classmethod
    def examples(cls) -> list[Any]:
        """Return a few rows, if dask is installed."""
        if importlib.util.find_spec("dask") is None:
            return []
        return [cls.over(*example(), chunk=BLOCK)]

    def reference(self) -> Any:
        """The name of the partitions."""
        return self.source.label(0)


class _Columns:
    """What was read of a partition: y, X, weight and offset."""

    def __init__(self, *columns: Any):
        self.columns = tuple(map(_aligned, columns))

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Align what has arrived from another process."""
        self.columns = tuple(map(_aligned, state["columns"]))

    def __len__(self) -> int:
        return len(self.columns[0])

    def __sizeof__(self) -> int:
        """Return the number of bytes, by which dask knows how full a worker is."""
        return 100 + sum(map(_n_bytes, self.columns))


class Partitions(Source):
    """Partitions of dask's containers.

    Parameters
    ----------
    call : callable
        ``call(index, *parts)`` returns what a partition holds, None if it has no rows.
    parts : list of tuple of Delayed
        The arguments of each partition.
    counts : list of int or None
        Number of rows of each partition, None if it is not known yet.
    stays : bool
        Whether what a partition holds stays where it was computed.
    """

    def __init__(
        self,
        call: Callable[..., Any],
        parts: list[tuple[Any, ...]],
        counts: list[int | None],
        stays: bool = False,
    ):
        self.call = call
        self.parts = parts
        self.counts = counts
        self.stays = stays
        self.name = f"natfit-rows-{uuid.uuid4().hex}"
        #: What partitions hold, or futures of it, if it stays; the client of the futures.
        self._kept: list[Any] | None = None
        self._client: Any = None
        #: The client of the last pass.
        self._last: Any = None
        self._since = time.time()
        self._known: dict[str, Any] = {}

    def __eq__(self, other: object) -> bool:
        """Tell whether another source has the same partitions."""
        if not isinstance(other, Partitions):
            return NotImplemented
        mine, theirs = ([[d.key for d in row] for row in s.parts] for s in (self, other))
        return mine == theirs and self.counts == other.counts

    __hash__ = object.__hash__

    def label(self, index: int) -> str:
        """Return what messages call a partition."""
        return f"partition {index}"

    def sizes(self) -> list[int] | None:
        """Return the number of rows of each partition, None if one is not known."""
        known = [n for n in self.counts if n is not None]
        return known if len(known) == len(self.counts) else None

    def rows(self, read: Read) -> Dask:
        """Return rows whose columns stay where they were read, if they fit there."""
        call = partial(_reading, self.call, read)
        return Dask(Partitions(call, self.parts, self.counts, stays=True), _columns_of)

    # ---------------------------------------------------------------------------- graphs

    def _graph(self, indices: list[int]) -> tuple[dict[Any, Any], list[Any]]:
        """Return a graph of some partitions, and what stands for each as an argument of a task."""
        if self._kept is not None:
            return {}, [self._kept[i] for i in indices]
        return self._made(indices)

    def _made(self, indices: list[int]) -> tuple[dict[Any, Any], list[Any]]:
        """Return the graph that makes some partitions, and their keys."""
        from dask.highlevelgraph import HighLevelGraph
        from dask.optimization import cull
        from dask.task_spec import Task, TaskRef

        keys = [(self.name, i) for i in indices]
        # Keys that are no references are tuples to dask where the graph does not have them, as
        # those of what was persisted on a cluster.
        layer = {
            (self.name, i): Task(
                (self.name, i), partial(self.call, i), *(TaskRef(d.key) for d in self.parts[i])
            )
            for i in indices
        }
        needed = [d for i in indices for d in self.parts[i]]
        whole = HighLevelGraph.from_collections(self.name, layer, dependencies=needed)
        return cull(dict(whole), keys)[0], keys

    def _whole(self, scheduler: Scheduler) -> tuple[dict[Any, Any], list[Any]]:
        """Return the graph of all partitions; they are computed here if they are to stay."""
        if self.stays and self._kept is None and "room" not in self._known:
            size = self._top()[1] * len(self.parts)
            self._known["room"] = scheduler.has_room(size)
            if self._known["room"]:
                kept = scheduler.keep(*self._graph(list(range(len(self.parts)))))
                self._kept, self._client = kept, scheduler.client
        if self._kept is not None:
            return self._graph(list(range(len(self.parts))))
        if "whole" not in self._known:
            self._known["whole"] = self._graph(list(range(len(self.parts))))
        whole: tuple[dict[Any, Any], list[Any]] = self._known["whole"]
        return dict(whole[0]), whole[1]

    def _tasks(
        self, scheduler: Scheduler, call: Callable[..., Any], arguments: Any
    ) -> tuple[dict[Any, Any], list[Any]]:
        """Return a graph with the task of each partition, and their keys."""
        graph, held = self._whole(scheduler)
        name = f"natfit-pass-{uuid.uuid4().hex}"
        for i, one in enumerate(held):
            own = arguments[i] if arguments else ()
            graph[name, i] = (partial(_run, scheduler.apart, call, i, own), one)
        return graph, [(name, i) for i in range(len(held))]

    # ---------------------------------------------------------------------------- passes

    def each(self, call: Callable[..., Any], arguments: Any = ()) -> Iterator[Any]:
        """Yield ``call(index, held, *own)`` of each partition, in order."""
        scheduler = self._scheduler()
        graph, keys = self._guarded(scheduler, self._tasks, scheduler, call, arguments)
        for value in self._guarded(scheduler, scheduler.compute, graph, keys):
            yield unpacked(value) if scheduler.apart else value

    def total(self, call: Callable[..., Any], arguments: Any = ()) -> Any:
        """Return the sum of what :meth:`each` yields; tasks add eight neighbours."""
        scheduler = self._scheduler()
        graph, keys = self._guarded(scheduler, self._tasks, scheduler, call, arguments)
        if not keys:
            return None
        level, name = 0, keys[0][0]
        while len(keys) > 1:
            level += 1
            nodes = [keys[i : i + FAN_IN] for i in range(0, len(keys), FAN_IN)]
            keys = [(f"{name}-{level}", i) for i in range(len(nodes))]
            for key, node in zip(keys, nodes, strict=True):
                graph[key] = (partial(_added, scheduler.apart), *node)
        (value,) = self._guarded(scheduler, scheduler.compute, graph, keys)
        return unpacked(value) if scheduler.apart else value

    def one(self, index: int, call: Callable[..., Any]) -> Any:
        """Return ``call(index, held)`` of one partition."""
        scheduler = self._scheduler()
        graph, (held,) = self._graph([index])
        key = (f"natfit-one-{uuid.uuid4().hex}", index)
        graph[key] = (partial(_run, scheduler.apart, call, index, ()), held)
        (value,) = self._guarded(scheduler, scheduler.compute, graph, [key])
        return unpacked(value) if scheduler.apart else value

    def _top(self) -> tuple[Any, float]:
        """Return what is held of the first rows, and the bytes of the first partition with rows."""
        if "top" not in self._known:
            found = (self.one(i, _top_of) for i in range(len(self.parts)))
            self._known["top"] = next((top for top in found if top is not None), (None, 0.0))
        top: tuple[Any, float] = self._known["top"]
        return top

    def head(self) -> Any:
        """Return what was given of the first rows of the first partition that has some."""
        top = self._top()[0]
        if top is None:
            raise ValueError(f"X must have rows, got {len(self.parts)} partitions without rows")
        return top

    def lazily(self, call: Callable[..., Any]) -> Any:
        """Return ``call(index, given)`` of all partitions: an array, or a list of delayed values.

        Returns
        -------
        dask Array or list of Delayed
            Its form is that of the first rows.
        """
        from dask.array import Array
        from dask.delayed import Delayed
        from dask.highlevelgraph import HighLevelGraph

        few = call(0, self.head())
        graph, keys = self._graph(list(range(len(self.parts))))
        name = f"natfit-values-{uuid.uuid4().hex}"
        array = isinstance(few, np.ndarray) and few.ndim > 0
        rest = (0,) * (few.ndim - 1) if array else ()
        empty = few[:0] if array else None
        made = {(name, i, *rest): (partial(_value, call, i, empty), k) for i, k in enumerate(keys)}
        if not array:
            whole = HighLevelGraph({name: {**graph, **made}}, {name: set()})
            return [Delayed(key, whole, layer=name) for key in made]
        whole = HighLevelGraph(
            {self.name: graph, name: made}, {self.name: set(), name: {self.name}}
        )
        counts = tuple(np.nan if n is None else n for n in self.counts)
        return Array(whole, name, (counts, *((n,) for n in few.shape[1:])), meta=empty)

    # ---------------------------------------------------------------------------- failures

    @property
    def notes(self) -> list[str]:
        """What befell the cluster since the rows were made, in one sentence at most."""
        lost = 0 if self._last is None else lost_workers(self._last, self._since)
        if not lost:
            return []
        workers = "1 worker" if lost == 1 else f"{lost} workers"
        return [f"{workers} of the cluster died; lost partitions were computed again"]

    def _scheduler(self) -> Scheduler:
        if self._client is not None and self._client.status != "running":
            refuse_lost()
        scheduler = Scheduler()
        self._last = scheduler.client
        return scheduler

    def _guarded(self, scheduler: Scheduler, call: Callable[..., Any], *args: Any) -> Any:
        """Return what a call returns; errors name the partition or the worker, and the remedy."""
        try:
            return call(*args)
        except Exception as error:
            if is_named(error) or _is_told(error):
                raise
            if is_lost(error, scheduler.client):
                refuse_lost(error)
            message = killed(error, self._partition_of)
            raise _told(RuntimeError(message or self._failure(scheduler, error))) from error

    def _partition_of(self, task: Any) -> int | None:
        """Return the index of the partition that a task makes or is brought to, None if none."""
        number = re.search(r"natfit-.*?, (\d+)\)", str(task))
        if number:
            return int(number[1])
        graphs = (self._made([i])[0] for i in range(len(self.parts)))
        return next((i for i, graph in enumerate(graphs) if str(task) in map(str, graph)), None)

    def _failure(self, scheduler: Scheduler, error: Exception) -> str:
        """Return which partition cannot be computed, and why."""
        where = "a partition"
        for i in range(len(self.parts)):
            graph, (held,) = self._graph([i])
            key = ("natfit-failure", i)
            graph[key] = (_nothing, held)
            try:
                scheduler.compute(graph, [key])
            except Exception as own:
                where, error = f"partition {i}", own
                break
        return (
            f"{where} could not be computed: {type(error).__name__}: {error}; its data must remain "
            "readable where tasks run during the whole fit, and fit into the memory of a worker"
        )


def _is_told(error: Exception) -> bool:
    return bool(getattr(error, "_natfit_told", False))


def _told(error: Exception) -> Exception:
    error._natfit_told = True  # type: ignore[attr-defined]
    return error


# ------------------------------------------------------------------------------------ tasks


def _naming(index: int) -> Naming:
    """Return what lets errors name a partition."""
    return Naming(f"partition {index}", lambda row: f"row {row} of partition {index}")


def _nothing(held: Any) -> None:
    return None


def _as_it_is(index: int, held: Any) -> Any:
    return held


def _given(names: tuple[str, ...], rest: dict[str, Any], index: int, *parts: Any) -> Given | None:
    """Return what was given of a partition, None if it has no rows."""
    counts = [n_rows(part) for part in parts]
    for name, count in zip(names, counts, strict=True):
        if count != counts[0]:
            with _naming(index):
                refuse_other_rows(names[0], counts[0], name, count, index)
    return Given(**dict(zip(names, parts, strict=True)), **rest) if counts[0] else None


def _reading(call: Callable[..., Any], read: Read, index: int, *parts: Any) -> _Columns | None:
    """Return the columns of a partition, None if it has no rows."""
    given = call(index, *parts)
    with _naming(index):
        return None if given is None else _Columns(*read(given))


def _columns_of(held: Any) -> tuple[Any, Any, Any, Any]:
    y, X, weight, offset = held.columns
    return y, X, weight, offset


def _run(apart: bool, call: Callable[..., Any], index: int, own: Any, held: Any) -> Any:
    """Return what a call returns for a partition, as bytes if it goes to another process."""
    with _naming(index):
        value = call(index, held, *own)
    return packed(value) if apart else value


def _added(apart: bool, *values: Any) -> Any:
    """Return the sum of neighbours, from left to right."""
    if len(values) == 1:
        return values[0]
    if not apart:
        return reduce(plus, values)
    return packed(reduce(plus, map(unpacked, values)))


def _value(call: Callable[..., Any], index: int, empty: Any, held: Any) -> Any:
    if held is None:
        return empty
    with _naming(index):
        return call(index, held)


def _top_of(index: int, held: Any) -> tuple[Any, float] | None:
    """Return the first rows of what a partition holds, and its bytes; None if it has no rows."""
    if held is None or (isinstance(held, _Columns) and not len(held)):
        return None
    if isinstance(held, _Columns):
        columns = (None if c is None else c[:_HEAD] for c in held.columns)
        return _Columns(*columns), float(held.__sizeof__())
    values = dict(items_of(held))
    first = {name: _first_rows(value) for name, value in values.items()}
    return Given(**first), float(sum(map(_n_bytes, values.values())))


def _first_rows(value: Any) -> Any:
    if np.ndim(value) == 0 and not hasattr(value, "__len__"):
        return value
    if hasattr(value, "iloc"):
        return value.iloc[:_HEAD]
    return value[:_HEAD]


def _aligned(column: Any) -> Any:
    """Return a column at addresses of whole numbers, row by row.

    BLAS sums others in another order, and chunks of a column of another layout would be copied at
    every pass.

    Returns
    -------
    ndarray, sparse array or None
    """
    if isinstance(column, np.ndarray):
        return np.require(column, requirements=("C", "A"))
    if hasattr(column, "indptr"):
        column.data = _aligned(column.data)
    return column


def _n_bytes(value: Any) -> int:
    """Return the number of bytes of an array; 0 for other values."""
    if hasattr(value, "indptr"):
        return int(value.data.nbytes + value.indices.nbytes + value.indptr.nbytes)
    return int(getattr(value, "nbytes", 0))

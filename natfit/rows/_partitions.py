"""Partitions of dask's containers: which there are, and whether they match."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from natfit.rows._source import Deferred, Given

#: What the argument of each name is cut like if it does not match.
_REMEDY = (
    "cut both alike, as by da.from_array(y, chunks=X.chunks[0]), y.rechunk(X.chunks[0]) or "
    "repartition"
)


def in_partitions(value: Any) -> bool:
    """Tell whether a value is a container of dask, or made of one."""
    if isinstance(value, Deferred):
        return any(in_partitions(v) for v in (*value.parts, *value.options.values()))
    if "dask" not in sys.modules:
        return False
    if _is_delayed(value):
        raise TypeError(
            "delayed rows must be a list of blocks, got a single Delayed; write [block], or a list "
            "of one for each part of the rows"
        )
    if isinstance(value, list):
        found = [_is_delayed(v) for v in value]
        if any(found) and not all(found):
            raise TypeError(
                "delayed rows must be a list of blocks of which each is delayed, got block "
                f"{found.index(False)} in memory; write dask.delayed(block)"
            )
        return any(found)
    return _is_array(value) or _is_frame(value)


def _is_array(value: Any) -> bool:
    module = sys.modules.get("dask.array")
    return module is not None and isinstance(value, module.Array)


def _is_frame(value: Any) -> bool:
    """Tell whether a value is a DataFrame or a Series of dask."""
    return (
        type(value).__module__.startswith("dask")
        and hasattr(value, "npartitions")
        and (hasattr(value, "map_partitions") and not _is_array(value))
    )


def _is_delayed(value: Any) -> bool:
    module = sys.modules.get("dask.delayed")
    return module is not None and isinstance(value, module.Delayed)


def delayed_parts(name: str, value: Any) -> tuple[list[Any], list[int | None]]:
    """Return one delayed object a partition, and the numbers of rows that are known.

    Parameters
    ----------
    name : str
        What messages call the value.
    value : object
        A container of dask, or made of one.

    Returns
    -------
    list of Delayed, list of int or None

    Raises
    ------
    ValueError
        If an array's columns are cut and it cannot be joined along them, or parts do not match.
    """
    if isinstance(value, list):
        return value, [None] * len(value)
    if isinstance(value, Deferred):
        return _delayed_made(name, value)
    if _is_array(value):
        if value.ndim == 0:
            raise ValueError(f"{name} must have rows, got a dask array of shape ()")
        if value.ndim > 1 and any(n > 1 for n in value.numblocks[1:]):
            value = _joined_columns(name, value)
        counts = [None if n != n else int(n) for n in value.chunks[0]]
        return _held(value, value.to_delayed().ravel().tolist()), counts
    # What dask optimises has other partitions where fewer columns of a file are read.
    found = list(value.to_delayed(optimize_graph=False))
    return _held(value, found), [None] * len(found)


def _held(value: Any, parts: list[Any]) -> list[Any]:
    """Return the partitions of a container with all that was persisted of it on a cluster.

    Graphs that dask has optimised name such data and do not hold them, so that the cluster would
    forget them with the container.

    Returns
    -------
    list of Delayed
    """
    distributed = sys.modules.get("distributed")
    futures = distributed.futures_of(value) if distributed else ()
    if not futures:
        return parts
    from dask.delayed import Delayed
    from dask.highlevelgraph import HighLevelGraph

    name = f"natfit-held-{uuid.uuid4().hex}"
    graph = {**dict(parts[0].dask), **{future.key: future for future in futures}}
    whole = HighLevelGraph({name: graph}, {name: set()})
    return [Delayed(part.key, whole, layer=name) for part in parts]


def _joined_columns(name: str, value: Any) -> Any:
    """Return an array whose columns are in one chunk."""
    cut = {axis: -1 for axis in range(1, value.ndim)}
    try:
        return value.rechunk(cut)
    except ValueError as error:
        raise ValueError(
            f"{name} must have all columns in one chunk, got chunks {value.chunks[1:]}; call "
            f"rechunk({cut}) on it, after compute_chunk_sizes() if they are unknown"
        ) from error


def _delayed_made(name: str, value: Deferred) -> tuple[list[Any], list[int | None]]:
    from dask import delayed

    named: dict[Any, Any] = dict(enumerate(value.parts))
    named.update(value.options)
    cut = {k: delayed_parts(name, v) for k, v in named.items() if in_partitions(v)}
    counts = matching({f"{name} ({k})" if len(cut) > 1 else name: c for k, (_, c) in cut.items()})
    made = []
    for i in range(len(counts)):
        own = {k: cut[k][0][i] if k in cut else v for k, v in named.items()}
        parts = [own[k] for k in range(len(value.parts))]
        made.append(delayed(value.make, pure=False)(*parts, **{k: own[k] for k in value.options}))
    return made, counts


def matching(counts: dict[str, list[int | None]]) -> list[int | None]:
    """Return the number of rows of each partition, None if it is not known yet.

    Parameters
    ----------
    counts : dict
        What messages call each container as keys, its numbers of rows as values.

    Returns
    -------
    list of int or None

    Raises
    ------
    ValueError
        If the containers have other numbers of partitions, or of rows in one of them.
    """
    (first, own), *others = counts.items()
    found = list(own)
    for name, theirs in others:
        if len(theirs) != len(found):
            raise ValueError(
                f"{first} and {name} must have the same partitions, got {len(found)} of {first} "
                f"and {len(theirs)} of {name}; {_REMEDY}"
            )
        for i, (a, b) in enumerate(zip(found, theirs, strict=True)):
            if a is not None and b is not None and a != b:
                refuse_other_rows(first, a, name, b, i)
            found[i] = b if a is None else a
    return found


def refuse_other_rows(first: str, a: int, name: str, b: int, index: int) -> None:
    """Raise ValueError for containers with other numbers of rows in a partition."""
    raise ValueError(
        f"{first} and {name} must have the same rows in each partition, got {a} rows of {first} "
        f"and {b} of {name} in partition {index}; {_REMEDY}"
    )


def items_of(given: Given) -> Iterator[tuple[str, Any]]:
    """Yield the name and value of everything that was given."""
    for one in fields(given):
        value = getattr(given, one.name)
        if value is not None:
            yield one.name, value


def n_rows(value: Any) -> int:
    """Return the number of rows of a part of a container."""
    return int(value.shape[0]) if hasattr(value, "shape") else len(value)


def refuse_rows_here(name: str, value: Any, first: str) -> None:
    """Raise ValueError for rows in this process beside rows in partitions."""
    raise ValueError(
        f"{name} must be in partitions as {first} is, got {type(value).__name__}; cut it alike: "
        f"dask.array.from_array({name}, chunks=({first}.chunks[0],)), where the chunks of a frame "
        f"are those of {first}.to_dask_array(lengths=True)"
    )

"""Rows: they hold y, X, weight and offset, and contain the only loops over data."""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.sparse import issparse

from natfit._component import available, component_class
from natfit.rows._batches import joined, kind_of
from natfit.rows._dot import dot
from natfit.rows._draws import Streams, block_rng, strata, subsample
from natfit.rows._pieces import Pieces
from natfit.rows._source import Deferred, Given, Source
from natfit.rows._statistics import (
    distance,
    fewer_of,
    kept,
    mean_over,
    means_over,
    moments_over,
    n_distinct,
    nearest_to,
    share_equal,
    squared_gap,
    table_of,
    total_weight,
    weighted_total,
)
from natfit.rows._stream import Stream
from natfit.rows._view import rows_as, rows_where
from natfit.rows.base import BLOCK, CHUNK, Block, Extent, Rows
from natfit.rows.memory import Memory

__all__ = [
    "BLOCK",
    "CHUNK",
    "Block",
    "Deferred",
    "Extent",
    "Given",
    "Memory",
    "Pieces",
    "Rows",
    "Source",
    "Stream",
    "Streams",
    "block_rng",
    "dot",
    "joined",
    "kind_of",
    "mean_over",
    "means_over",
    "distance",
    "fewer_of",
    "kept",
    "squared_gap",
    "moments_over",
    "n_distinct",
    "nearest_to",
    "rows_of",
    "rows_as",
    "share_equal",
    "source_of",
    "strata",
    "subsample",
    "table_of",
    "total_weight",
    "weighted_total",
    "rows_where",
    "wide_chunks",
]

#: Largest count of numbers in a temporary array of a chunk: eight megabytes.
_ROOM = 1 << 20


def rows_of(
    y: Any,
    X: Any = None,
    weight: Any = None,
    offset: Any = None,
    n_jobs: int | None = None,
) -> Rows:
    """Return the rows of some data, as the first kind of rows that accepts them.

    Parameters
    ----------
    y : array of shape (N,) or (N, D)
        The data.
    X : array of shape (N, ...), optional
        The features that a model maps.
    weight : array of shape (N,), optional
        Repetitions of each row; rows of weight zero are dropped.
    offset : array of shape (N,) or (N, K), optional
        Numbers that are added to a model's eta.
    n_jobs : int, optional
        Number of processes that share the rows if there are several chunks; -1 is one per core.

    Returns
    -------
    Rows
        Rows of the first kind, by ``order``, that accepts the data.
    """
    kind = next(kind for kind in _kinds() if kind.accepts(y, X, n_jobs))
    return kind.of(y, X, weight, offset, n_jobs)


def wide_chunks(rows: Rows, width: int) -> Rows:
    """Return rows in chunks of as many rows as a sparse X has columns, where these are more.

    A pass over a chunk sums arrays as long as its columns are many. Dense rows, and those of few
    columns, are as they were.

    Parameters
    ----------
    rows : Rows
        Rows of any kind.
    width : int
        Numbers that a pass computes for each row.

    Returns
    -------
    Rows
        The same rows.
    """
    X = getattr(rows, "X", None)
    size = min(rows.n_features, _ROOM // width) if issparse(X) else 0
    return rows.cut(size) if size > rows.chunk_size else rows


def source_of(**arguments: Any) -> Source | None:
    """Return where the pieces of data are that are no arrays in this process; None for arrays.

    Parameters
    ----------
    **arguments
        X, y, sample_weight, offset and exposure, as they were passed to an estimator.

    Returns
    -------
    Source or None

    Raises
    ------
    ValueError
        If there are offsets of several parameters beside rows in pieces.
    """
    known = np.ndarray, list, tuple, type(None)
    delayed = getattr(sys.modules.get("dask.delayed"), "Delayed", None)
    if all(
        isinstance(value, known)
        # Delayed blocks of dask come in a list.
        and not (delayed and isinstance(value, list) and any(isinstance(v, delayed) for v in value))
        for value in arguments.values()
    ):
        return None
    given = Given(**arguments)
    found = next(filter(None, (kind.found_in(given) for kind in _kinds())), None)
    # A source of another kind comes as X, and holds all that belongs to it.
    source = found or (given.X if isinstance(given.X, Source) else None)
    if source is not None and isinstance(given.offset, Mapping):
        raise ValueError(
            "offset must be one column where rows are in pieces, got offsets of parameters, "
            f"{list(given.offset)}; fit rows in memory, or subtract what is known from y"
        )
    return source


@functools.cache
def _kinds() -> list[type[Rows]]:
    """Return all kinds of rows, in the order in which they are asked."""
    return sorted((component_class(name, Rows) for name in available(Rows)), key=lambda k: k.order)

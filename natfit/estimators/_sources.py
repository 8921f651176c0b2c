"""Data in pieces: on a cluster, in files. Estimators read each piece as they read arrays."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial, wraps
from typing import Any, TypeVar

import numpy as np
from sklearn.utils import _safe_indexing

from natfit._component import resolve
from natfit._numbers import column_of, is_frame, kind_of, missing
from natfit.distributions import Censored
from natfit.distributions.base import Distribution
from natfit.estimators._data import Data, NoRowsLeft
from natfit.rows import Given, Rows, Source, source_of

#: What is given of the rows of a fit.
NAMES = ("X", "y", "sample_weight", "offset", "exposure")

#: Most rows that stand for the others, and how often each is repeated where options are read.
_MOST, _TIMES = 1_000, 4

#: Options and attributes that an estimator needs to read rows.
_NEEDED = {
    *("n_features_in_", "feature_names_in_", "distribution_", "classes_", "_categories"),
    *("_choice", "_layout", "_family", "_model", "_theta", "_eta", "link_"),
}


def reader_of(estimator: Any) -> Any:
    """Return a copy of an estimator that reads and scores rows, and holds nothing else."""
    made = copy.copy(estimator)
    options = set(estimator.get_params(deep=False)) - {"random_state"}
    kept = {k: v for k, v in vars(estimator).items() if k in options or k in _NEEDED}
    made.__dict__.clear()
    made.__dict__.update({**kept, "random_state": None, "n_jobs": None})
    return made


@dataclass(frozen=True)
class InPieces(Data):
    """Rows in pieces, of which ``values`` are a few that stand for the others.

    Attributes
    ----------
    source : Source
        Where the pieces are.
    reader : estimator
        What reads them.
    """

    source: Any = None
    reader: Any = None

    def rows(self, column: int | None = None, n_jobs: int | None = None) -> Rows:
        """Return the rows of all pieces, or a column of them."""
        return self.source.rows(partial(_read_density, self.reader, column))


@dataclass(frozen=True)
class Elsewhere:
    """Rows in pieces for methods that make passes over rows, and need none of them here.

    Attributes
    ----------
    found : InPieces
        The rows.
    name : str
        What messages call the data.
    """

    found: InPieces
    name: str = "X"

    @property
    def seen_as(self) -> Any:
        """The wrapper through which rows that are not complete see the family."""
        return self.found.seen_as

    def rows(self, column: int | None = None, n_jobs: int | None = None) -> Rows:
        """Return the rows of all pieces, or a column of them."""
        return self.found.rows(column)

    def __getattr__(self, name: str) -> Any:
        """Say that this method needs the rows in memory; other names do not exist."""
        if name in ("values", "weight", "kept", "public"):
            raise ValueError(in_memory(self.name, self.found.source))
        raise AttributeError(name)


def in_memory(name: str, source: Source) -> str:
    """Return the message for rows in pieces where rows in memory are needed."""
    return (
        f"{name} must be rows in memory for this method, got rows in pieces "
        f"({type(source).__name__}); pass a sample of the rows, as an array or a frame"
    )


def read_pieces(estimator: Any, source: Source, read: Callable[[Given], Data]) -> InPieces:
    """Return rows in pieces as a fit of a density has them.

    Parameters
    ----------
    estimator : DensityEstimator
        Not yet fitted; ``read`` records the form of the rows in it.
    source : Source
        Where the rows are.
    read : callable
        What reads a few rows that are in memory.

    Returns
    -------
    InPieces
    """
    bound = estimator._bound_by_rows()
    try:
        head = read(repeated(standing_for(source, bound, False)))
    except NoRowsLeft:
        # The first rows are all missing.
        head = read(repeated(standing_for(source, True, False)))
    columns = {k: getattr(head, k) for k in ("values", "seen_as")}
    return InPieces(**columns, source=source, reader=reader_of(estimator))


def _without_rows(read: Callable[[Given], tuple[Any, ...]], given: Given) -> Any:
    """Return columns without rows for a piece whose weights are all zero, None for other pieces."""
    weight = given.sample_weight
    if weight is None or np.any(np.asarray(weight, dtype=np.float64)):
        return None
    one = replace(_at(given, np.zeros(1, dtype=np.intp)), sample_weight=None)
    return tuple(None if column is None else column[:0] for column in read(one))


def _read_density(reader: Any, column: int | None, given: Given) -> tuple[Any, ...]:
    empty = _without_rows(partial(_read_density, reader, column), given)
    if empty is not None:
        return empty
    try:
        data = reader._seen_rows(given.X, given.sample_weight)
        values, weight = data.values, data.weight
    except NoRowsLeft:
        values, weight = np.empty((0, reader.n_features_in_)), None
    return values if column is None else values[:, column], None, weight, None


def read_regression(reader: Any, features: bool, family: Any, given: Given) -> Any:
    """Return the columns of a piece as a regression has them; without X if no features are asked.

    Parameters
    ----------
    reader : RegressionEstimator
        What reads them, with the choice of the features of the fit.
    features : bool
        Whether X is read; else it is a column of zeros if there are offsets, and None otherwise.
    family : Distribution
        The family whose offsets are read.
    given : Given
        The piece.

    Returns
    -------
    tuple
        y, X, weight and offset.
    """
    empty = _without_rows(partial(read_regression, reader, features, family), given)
    if empty is not None:
        return empty
    data = reader._data(given.X, given.y, given.sample_weight, reset=False)
    _, values = reader._seen_rows(data, given.y)
    offsets = reader._offsets(family, data.n, given.offset, given.exposure)
    offsets = data.those_kept(offsets)
    if features:
        return values, reader._choice.layout.matrix(data.X), data.weight, offsets
    zeros = None if offsets is None else np.broadcast_to(0.0, (len(values), 1))
    return values, zeros, data.weight, offsets


# --------------------------------------------------------------------- rows that stand for all


@dataclass(frozen=True)
class _Standing:
    """Rows that hold the least and the largest of each column of y, or each label, and levels."""

    given: Given
    labels: bool

    def __add__(self, other: _Standing) -> _Standing:
        both = Given(*(_together(getattr(self.given, k), getattr(other.given, k)) for k in NAMES))
        return _Standing(_some(both, self.labels), self.labels)


def standing_for(source: Source, bound: bool, labels: bool) -> Given:
    """Return a few rows in which the form of all shows: those at the ends of y, or of each label.

    Parameters
    ----------
    source : Source
        Where the rows are.
    bound : bool
        Whether the family takes limits from its rows, so that a pass has to look for them.
    labels : bool
        Whether y are labels of classes.

    Returns
    -------
    Given
        Without weights.
    """
    head = source.head()
    if bound or labels or _has_levels(head.X):
        found = source.total(partial(_standing_part, labels))
        if found is not None:
            return found.given
    first = np.arange(min(length_of(head), _MOST))
    return replace(_at(head, first), sample_weight=None)


def _standing_part(labels: bool, index: int, given: Given | None) -> _Standing | None:
    if given is None or not length_of(given):
        return None
    kept = np.arange(length_of(given))
    if given.sample_weight is not None:
        kept = np.flatnonzero(np.asarray(given.sample_weight, dtype=np.float64).ravel() != 0)
        given = _at(given, kept)
        if not len(kept):
            return None
    _refuse_missing(given, labels, kept)
    return _Standing(_some(replace(given, sample_weight=None), labels), labels)


def _refuse_missing(given: Given, labels: bool, places: np.ndarray) -> None:
    """Raise ValueError if a label or a level is missing; ``places`` are those of the rows."""
    found = {}
    if labels:
        found["y must not have missing labels"] = given.y
    if _has_levels(given.X):
        for j in _with_levels(given.X):
            said = f"column {list(given.X.columns)[j]!r} of X must not have missing values"
            found[said] = column_of(given.X, j)
    for said, values in found.items():
        where = missing(values).ravel()
        if where.any():
            raise ValueError(
                f"{said}, got one at row {places[int(np.argmax(where))]}; remove or impute such "
                "rows, or make missing values one of their own"
            )


def _some(given: Given, labels: bool) -> Given:
    """Return the rows with which a label or a level comes first, or a column is at its ends."""
    chosen = [0, length_of(given) - 1]
    y = given.X if given.y is None else given.y
    if labels:
        chosen += np.unique(np.asarray(y), return_index=True)[1].tolist()
    elif Censored.of(y) is None and not (given.y is None and is_frame(y) and _has_levels(y)):
        table = np.asarray(y, dtype=np.float64).reshape(length_of(given), -1)
        if not np.isnan(table).all(axis=0).any():
            chosen += [*np.nanargmin(table, axis=0), *np.nanargmax(table, axis=0)]
    if _has_levels(given.X):
        for j in _with_levels(given.X):
            values = np.asarray(column_of(given.X, j).astype(str))
            chosen += np.unique(values, return_index=True)[1].tolist()
    return _at(given, np.unique(np.asarray(chosen, dtype=np.intp)))


def _with_levels(X: Any) -> list[int]:
    return [
        j
        for j, dtype in enumerate(list(X.dtypes))
        if kind_of(dtype) in ("text", "object", "categories")
    ]


def _has_levels(X: Any) -> bool:
    return is_frame(X) and bool(_with_levels(X))


def length_of(given: Given) -> int:
    """Return the number of rows that were given."""
    data = given.X if given.X is not None else given.y
    return int(data.shape[0]) if hasattr(data, "shape") else len(data)


def _at(given: Given, rows: np.ndarray) -> Given:
    """Return some rows of what was given."""
    return Given(
        *(
            v
            if v is None or np.ndim(v) == 0 and not hasattr(v, "__len__")
            else _safe_indexing(v, rows)
            for v in (getattr(given, k) for k in NAMES)
        )
    )


def repeated(given: Given) -> Given:
    """Return the same rows several times over, so that no check of few rows takes them for few."""
    return _at(given, np.tile(np.arange(length_of(given)), _TIMES))


def _together(a: Any, b: Any) -> Any:
    """Return two containers of one kind as one."""
    if a is None or b is None:
        return None
    if isinstance(a, Censored):
        return Censored.of_rows(np.concatenate([a.rows, b.rows]))
    if hasattr(a, "iloc"):
        import pandas

        return pandas.concat([a, b], ignore_index=True)
    if hasattr(a, "vstack"):
        return a.vstack(b)
    if hasattr(a, "append") and hasattr(a, "to_numpy"):
        return a.append(b)
    return np.concatenate([np.asarray(a), np.asarray(b)])


def bound_by_rows(distribution: Any) -> bool:
    """Tell whether a family takes its number of categories, or limits, from its rows."""
    family = resolve(distribution, Distribution)
    return type(family).bind is not Distribution.bind


# ------------------------------------------------------------------------------- predictions

F = TypeVar("F", bound=Callable[..., Any])


def by_pieces(method: F) -> F:
    """Let a method with values for each row return them piece by piece, where rows are in pieces.

    Returns
    -------
    callable
        What it returns for rows in pieces is a container of their kind, such as a dask array, which
        is computed when it is asked for.
    """
    return _over(method, _lazily)


def mean_by_pieces(method: F) -> F:
    """Let a method that returns a weighted mean over rows return it for rows in pieces, too.

    Returns
    -------
    callable
        It adds the products of the piece's means and weights, by a pass.
    """
    return _over(method, _mean)


def _over(method: F, over: Callable[..., Any]) -> F:
    """Return a method that calls another function where rows are in pieces."""
    # What a stream holds beside X is taken by the methods that have an argument for it.
    names = tuple(k for k in inspect.signature(method).parameters if k in NAMES[1:])

    @wraps(method)
    def called(self: Any, X: Any, *args: Any, **options: Any) -> Any:
        given = {"X": X, **dict(zip(names, args, strict=False))}
        given |= {k: v for k, v in options.items() if k in NAMES}
        source = source_of(**given)
        if source is None:
            return method(self, X, *args, **options)
        rest = {k: v for k, v in options.items() if k not in NAMES}
        return over(source, partial(_called, reader_of(self), method.__name__, names, rest))

    return called  # type: ignore[return-value]


def _lazily(source: Source, call: Callable[..., Any]) -> Any:
    return source.lazily(call)


def _mean(source: Source, call: Callable[..., Any]) -> float:
    found = source.total(partial(_weighed, call))
    if found is None or not found[1] > 0.0:
        raise ValueError("X must have rows of positive weight, got none in any piece")
    return float(found[0] / found[1])


def _weighed(
    call: Callable[..., Any], index: int, given: Given | None
) -> tuple[float, float] | None:
    """Return the mean of a piece times its weight, and the weight."""
    n = 0 if given is None else length_of(given)
    if given is None or not n:
        return None
    total = float(n)
    if given.sample_weight is not None:
        total = float(np.sum(np.asarray(given.sample_weight, dtype=np.float64)))
    return (float(call(index, given)) * total, total) if total != 0.0 else None


def _called(
    reader: Any, name: str, names: tuple[str, ...], options: dict, index: int, given: Given | None
) -> Any:
    """Return what a method of an estimator returns for the rows of a piece."""
    if given is None:
        return None
    more = {k: getattr(given, k) for k in names if getattr(given, k) is not None}
    return getattr(reader, name)(given.X, **more, **options)

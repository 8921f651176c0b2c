"""Containers of data, read as real numbers: what is accepted, and why the others are not.

Everything that users pass as data, weights or ends of intervals goes through :func:`as_numbers`:
arrays, sequences, Series and frames, also with missing values or masks. What holds no real numbers
is refused by its kind (text, dates, durations, complex numbers, objects), with the column that
holds it and what to do.
"""

from __future__ import annotations

import datetime
import decimal
import numbers
import sys
from collections.abc import Iterable, Iterator, Mapping, Set, Sized
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse


class TooFewRows(ValueError):
    """Rows that do not determine a model, which more of them may do."""


@dataclass(frozen=True)
class Numbers:
    """What was read.

    Attributes
    ----------
    values : ndarray
        In float64, NaN where a value is missing or masked.
    masked : ndarray of bool or None
        Where a numpy mask hides a value; None where it hides none.
    """

    values: np.ndarray
    masked: np.ndarray | None = None


def as_numbers(data: Any, name: str) -> Numbers:
    """Return what a container holds, as an array of its shape in float64.

    Parameters
    ----------
    data : array-like, Series or frame
        Real numbers. None, ``pandas.NA``, nulls and masked values count as missing.
    name : str
        The name of the argument, for the message.

    Returns
    -------
    Numbers
        A plain float64 array is not copied.

    Raises
    ------
    ValueError
        If the values are no real numbers; the message names the column and the remedy.
    TypeError
        If the container is of another kind, or an entry is an object that is no number.
    """
    if type(data) is np.ndarray and data.dtype == np.float64:
        return Numbers(data)
    _refuse_container(data, name)
    if is_frame(data):
        return Numbers(_frame(data, name))
    if is_series(data):
        return Numbers(series_numbers(data, name))
    if isinstance(data, np.ma.MaskedArray):
        masked = np.ma.getmaskarray(data)
        data = np.asarray(data.data)
    elif isinstance(data, list | tuple) and any(isinstance(v, np.ma.MaskedArray) for v in data):
        # numpy would read the values under the masks of the parts.
        hidden = [
            np.ma.getmaskarray(v) if isinstance(v, np.ma.MaskedArray) else np.zeros(np.shape(v))
            for v in data
        ]
        masked = _array(hidden, name).astype(bool)
        data = [np.ma.getdata(v) for v in data]
    else:
        return Numbers(_floats(_array(data, name), name))
    values = _floats(_array(data, name), name)
    return Numbers(np.where(masked, np.nan, values), masked) if masked.any() else Numbers(values)


def is_frame(data: Any) -> bool:
    """Tell whether data are a table with named columns, such as a pandas or polars frame."""
    return hasattr(data, "columns") and len(getattr(data, "shape", ())) == 2


def is_series(data: Any) -> bool:
    """Tell whether data are one named column, such as a pandas or polars Series or Index."""
    one = not isinstance(data, np.ndarray) and len(_shape(data)) == 1
    return one and hasattr(data, "name") and hasattr(data, "dtype") and hasattr(data, "to_numpy")


def is_vector(data: Any) -> bool:
    """Tell whether data have one dimension; of a sequence the first entry decides."""
    if isinstance(data, Mapping | Set | Iterator | str | bytes) or sparse.issparse(data):
        return False
    if hasattr(data, "shape"):
        return len(_shape(data)) == 1
    if isinstance(data, list | tuple):
        return not data or isinstance(data[0], str) or np.shape(data[0]) == ()
    return np.ndim(data) == 1


def _shape(data: Any) -> tuple[int, ...]:
    shape = getattr(data, "shape", ())
    return shape if isinstance(shape, tuple) else ()


def one_column(data: Any) -> Any:
    """Return a vector as a table of one column, under its own name where it has one."""
    if hasattr(data, "__dask_graph__"):
        return data.to_frame() if hasattr(data, "to_frame") else data[:, None]
    name = getattr(data, "name", None)
    if is_series(data) and isinstance(name, str) and name and hasattr(data, "to_frame"):
        return data.to_frame()
    if is_series(data):
        return series_numbers(data, "x")[:, None]
    if isinstance(data, np.ndarray):
        return data[:, None]
    found = as_numbers(data, "x")
    if found.masked is None:
        return found.values[:, None]
    return np.ma.array(found.values, mask=found.masked)[:, None]


def refuse_other_order(data: Any, other: Any, name: str) -> None:
    """Raise ValueError if two pandas objects have the same labels of rows in another order.

    Rows are matched by position, as everywhere in scikit-learn: labels in another order show that
    the values would go to other rows than those that they belong to.

    Raises
    ------
    ValueError
        With the first row at which the labels differ, and what to write.
    """
    first, second = _index(data), _index(other)
    if first is None or second is None or len(first) != len(second) or first.equals(second):
        return
    if first.is_unique and second.is_unique and first.isin(second).all():
        pairs = list(zip(first.tolist(), second.tolist(), strict=True))
        row = next(i for i, (a, b) in enumerate(pairs) if a != b)
        raise ValueError(
            f"{name} must have the rows of the data in the same order, got the label "
            f"{pairs[row][1]!r} beside {pairs[row][0]!r} at row {row}; use "
            f"{name}.reindex(x.index), or {name}.to_numpy() if the positions are right"
        )


def _index(data: Any) -> Any:
    """Return the labels of the rows of a pandas object, else None."""
    index = getattr(data, "index", None)
    return index if hasattr(index, "equals") and hasattr(index, "is_unique") else None


def column_names(data: Any) -> list[str] | None:
    """Return the names of the columns of a frame if all are strings, else None."""
    if not is_frame(data):
        return None
    names = list(data.columns)
    return names if names and all(isinstance(name, str) for name in names) else None


# --------------------------------------------------------------------------- containers


def _refuse_container(data: Any, name: str) -> None:
    """Raise for what is no container of rows, with the call that makes one."""
    if sparse.issparse(data):
        # The first words are those that scikit-learn's own checks look for.
        raise TypeError(
            f"Sparse data was passed for {name}, but dense data is required. Use '.toarray()' to "
            "convert to a dense numpy array."
        )
    kind = type(data).__name__
    for kinds, remedy in (
        (Mapping, f"use pandas.DataFrame({name}), or numpy.column_stack(list({name}.values()))"),
        (Set, f"a set has no order and no repetitions; use list({name})"),
        (Iterator, f"use list({name})"),
    ):
        if isinstance(data, kinds):
            raise TypeError(f"{name} must be an array or a frame, got {kind}; {remedy}")
    if hasattr(data, "collect") and hasattr(data, "collect_schema"):
        raise TypeError(f"{name} must be data in memory, got {kind}; use {name}.collect()")
    if hasattr(data, "__dask_graph__"):
        raise TypeError(
            f"{name} must be data in memory here, got a dask {kind}; use {name}.compute(), or a "
            "sample of its rows"
        )
    fields = getattr(getattr(data, "dtype", None), "fields", None)
    if fields:
        keys = ", ".join(repr(key) for key in fields)
        raise TypeError(
            f"{name} must hold numbers, got an array of records with the fields {keys}; pass the "
            f"fields as columns, or natfit.Censored.right({name}['time'], {name}['event']) if they "
            "are a time and an event"
        )


def _array(data: Any, name: str) -> np.ndarray:
    """Return an array of any dtype, or say that numpy makes none of the data."""
    try:
        array = np.asarray(data)
    except (TypeError, ValueError, RuntimeError) as error:
        refuse_ragged(data, name)
        raise type(error)(f"{name} must be an array of numbers: {error}") from error
    if array.ndim == 0 and array.dtype.kind == "O":
        tail = f"; use list({name})" if isinstance(data, Iterable) else ""
        raise TypeError(
            f"{name} must be an array, a sequence or a frame of numbers, got "
            f"{'None' if data is None else type(data).__name__}{tail}"
        )
    return array


def _frame(frame: Any, name: str) -> np.ndarray:
    """Return the columns of a frame side by side, (N, D)."""
    names = list(frame.columns)
    if len(set(names)) < len(names):
        twice = next(label for label in names if names.count(label) > 1)
        raise ValueError(
            f"the columns of {name} must have different names, got {twice!r} "
            f"{names.count(twice)} times; rename them"
        )
    dtypes = getattr(frame, "dtypes", None)
    if dtypes is not None and all(_plain(dtype) for dtype in list(dtypes)):
        return np.asarray(frame, dtype=np.float64)
    labels = list(frame.columns)
    columns = [
        series_numbers(column_of(frame, j), f"column {label!r} of {name}")
        for j, label in enumerate(labels)
    ]
    return np.column_stack(columns) if columns else np.empty(frame.shape)


def _plain(dtype: Any) -> bool:
    """Tell whether a dtype is one of numpy's real numbers."""
    return isinstance(dtype, np.dtype) and dtype.kind in "fiub"


def column_of(frame: Any, j: int) -> Any:
    """Return one column by its position: names may be repeated."""
    if hasattr(frame, "iloc"):
        return frame.iloc[:, j]
    return frame.to_series(j) if hasattr(frame, "to_series") else frame[frame.columns[j]]


def series_numbers(series: Any, label: str) -> np.ndarray:
    """Return one column (N,) of a frame, or a Series, by its dtype."""
    dtype = series.dtype
    if _plain(dtype):
        return _floats(np.asarray(series), label)
    kind = kind_of(dtype)
    if kind == "interval":
        raise ValueError(
            f"{label} holds intervals; pass natfit.Censored.interval(x.array.left, x.array.right)"
        )
    if kind in _REMEDIES:
        raise _refusal(label, kind)
    if kind == "object":
        # Objects of a known kind have a remedy of their own.
        _objects(np.asarray(series, dtype=object), label)
        raise _refusal(label, kind)
    if hasattr(series, "cast"):
        return np.asarray(series.cast(float).to_numpy())
    if isinstance(dtype, np.dtype):
        return _floats(np.asarray(series), label)
    return np.asarray(series.to_numpy(dtype=np.float64, na_value=np.nan))


def kind_of(dtype: Any) -> str:
    """Return what a column's dtype stands for: numbers, or a kind that is refused."""
    words = str(dtype).lower()
    for start, kind in (
        ("interval", "interval"),
        ("object", "object"),
        ("categor", "categories"),
        ("dictionary", "categories"),
        ("enum", "categories"),
        ("duration", "durations"),
        ("timedelta", "durations"),
        ("date", "dates"),
        ("time", "dates"),
        ("period", "dates"),
        ("str", "text"),
        ("large_string", "text"),
        ("binary", "text"),
        ("complex", "complex"),
        ("list", "nested"),
        ("array", "nested"),
        ("struct", "nested"),
    ):
        if words.startswith(start):
            return kind
    return "numbers"


def refuse_ragged(value: Any, name: str) -> None:
    """Raise ValueError that names the row where nested sequences first differ in length."""
    if not isinstance(value, list | tuple) or not value:
        return
    sizes = [0 if isinstance(v, str) or not isinstance(v, Sized) else len(v) for v in value]
    where = next((i for i, size in enumerate(sizes) if size != sizes[0]), None)
    if where is not None:
        pair = sizes[0], sizes[where]
        first, other = (f"{size} values" if size else "a number" for size in pair)
        raise ValueError(
            f"{name} must have rows of equal length, got {first} at row 0 and {other} at row "
            f"{where}; remove or complete such rows"
        )


# ------------------------------------------------------------------------------- values

#: What a column may hold that is no real number, and what to do about it.
_REMEDIES = {
    "text": ("text", "encode it as numbers, or drop it"),
    "dates": (
        "datetimes",
        "subtract an origin and divide by a unit, as in (x - x.min()) / "
        "numpy.timedelta64(1, 'D') for days",
    ),
    "durations": (
        "timedeltas",
        "divide by a unit, as in x / numpy.timedelta64(1, 's') for seconds",
    ),
    "complex": ("complex numbers", "pass real and imaginary parts as columns"),
    "categories": ("categories", "encode them as numbers, as with .cat.codes in pandas"),
    "nested": ("values with several entries each", "pass each entry as a column"),
}


def _refusal(label: str, kind: str, found: str = "") -> ValueError:
    """Return the error for a column or an array of another kind."""
    if kind == "object":
        return ValueError(
            f"{label} has the dtype object; convert it to numbers, as with .astype(float), or "
            "pandas.to_numeric where values are missing"
        )
    words, remedy = _REMEDIES[kind]
    if kind == "complex":
        # The first words are those that scikit-learn's own checks look for.
        return ValueError(f"Complex data not supported: {label} holds {words}; {remedy}")
    if kind == "text" and found:
        if _is_number(found):
            remedy = "convert it to numbers, as with .astype(float)"
        # numpy's own words, so that searches for them lead here.
        return ValueError(
            f"could not convert string to float: {found!r}; {label} holds {words}: {remedy}"
        )
    return ValueError(f"{label} holds {words}: {remedy}")


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _floats(array: np.ndarray, label: str) -> np.ndarray:
    """Return an array in float64, or refuse what it holds by its dtype."""
    kind = array.dtype.kind
    if kind in "fiub":
        with np.errstate(over="ignore"):
            # Numbers beyond the range of doubles become infinite, and are refused as such.
            return np.asarray(array, dtype=np.float64)
    if kind == "O":
        return _objects(array, label)
    if kind in "SUT":
        texts = [_text(value) for value in array.reshape(-1)] or [""]
        # A list of numbers and words is all text to numpy: the first word is what is meant.
        where = next((i for i, text in enumerate(texts) if not _is_number(text)), 0)
        raise _refusal(_place(array, label, where), "text", texts[where])
    if kind == "c":
        raise _refusal(label, "complex")
    if kind in "Mm":
        raise _refusal(label, "dates" if kind == "M" else "durations")
    raise TypeError(f"{label} must hold numbers, got the dtype {array.dtype}")


def _place(array: np.ndarray, label: str, index: int) -> str:
    """Return the column of a table to which an entry belongs, in words."""
    if array.ndim != 2 or label.startswith("column"):
        return label
    return f"column {index % array.shape[1]} of {label}"


def _objects(array: np.ndarray, label: str) -> np.ndarray:
    """Return an array of objects in float64 if all are real numbers or missing."""
    flat = array.reshape(-1)
    kinds = {kind: _kind_of_type(kind) for kind in set(map(type, flat))}
    for kind, found in kinds.items():
        if found in ("number", "missing"):
            continue
        where = next(i for i, value in enumerate(flat) if type(value) is kind)
        place = _place(array, label, where)
        if found in _REMEDIES:
            raise _refusal(place, found, _text(flat[where]))
        # scikit-learn's own checks look for the words after the colon.
        raise TypeError(
            f"{place} must hold numbers: argument must be a string or a real number, not "
            f"'{kind.__name__}'"
        )
    try:
        if "missing" not in kinds.values():
            return np.asarray(array, dtype=np.float64)
        known = [np.nan if kinds[type(v)] == "missing" else float(v) for v in flat]
    except OverflowError:
        raise ValueError(
            f"{label} must lie in the range of doubles, got a larger integer"
        ) from None
    return np.array(known, dtype=np.float64).reshape(array.shape)


def _kind_of_type(kind: type) -> str:
    """Return what objects of a type are: number, missing, a kind that is refused, or other."""
    if kind is type(None) or kind.__name__ in ("NAType", "NaTType", "MaskedConstant"):
        return "missing"
    if issubclass(kind, np.generic):
        letter = np.dtype(kind).kind
        return {"M": "dates", "m": "durations", "c": "complex", "U": "text", "S": "text"}.get(
            letter, "number" if letter in "fiub" else "other"
        )
    for kinds, found in (
        ((numbers.Real, decimal.Decimal), "number"),
        ((str, bytes), "text"),
        ((datetime.timedelta,), "durations"),
        ((datetime.date, datetime.time), "dates"),
        ((numbers.Complex,), "complex"),
        ((list, tuple, np.ndarray), "nested"),
    ):
        if issubclass(kind, kinds):
            return found
    return "dates" if kind.__name__ == "Period" else "other"


def missing(values: Any) -> np.ndarray:
    """Return where a column of any container is None, NaN, NaT or NA, (N,) bool."""
    for name in ("isna", "is_null"):
        if hasattr(values, name):
            return np.asarray(getattr(values, name)(), dtype=bool)
    found = np.asarray(values)
    if found.dtype.kind != "O":
        return np.asarray(found != found)
    if "pandas" in sys.modules:
        return np.asarray(sys.modules["pandas"].isna(found))
    return np.asarray((found != found) | (found == np.array(None)), dtype=bool)

"""y as the rows of a family: numbers, censored rows, classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.exceptions import DataConversionWarning
from sklearn.utils.multiclass import check_classification_targets

from natfit._numbers import Numbers, as_numbers, is_frame, is_series, kind_of
from natfit._warnings import warn
from natfit.distributions import Censored
from natfit.distributions.base import Distribution

#: Number of classes above which numbers with fewer rows a class look like a measured quantity.
_MANY, _ROWS_A_CLASS = 20, 4

#: What to pass instead of a table of times and events.
_EVENTS = (
    "pass natfit.Censored.right(time, event) for durations with an event indicator, or one "
    "column of y"
)


def read_response(y: Any, name: str) -> Numbers | Censored:
    """Return y as numbers (N, 1) or (N, D), or as censored rows.

    Parameters
    ----------
    y : array-like of shape (N,) or (N, D), Censored, scipy.stats.CensoredData or records
        The argument. Records have two fields: whether the event was seen, and the time, as those
        of scikit-survival.
    name : str
        The estimator, for messages.

    Returns
    -------
    Numbers or Censored

    Raises
    ------
    ValueError
        If y is missing, or holds something else than real numbers; a TypeError if its container is
        of another kind.
    """
    if y is None:
        # The words are scikit-learn's.
        raise ValueError(
            f"This {name} estimator requires y to be passed, but the target y is None."
        )
    censored = Censored.of(y)
    if censored is None:
        censored = _of_records(y)
    if censored is not None:
        return censored
    try:
        found = as_numbers(y, "y")
    except ValueError as error:
        if not _are_labels(y):
            raise
        raise ValueError(
            f"{error}; natfit.NaturalClassifier takes labels of classes, and "
            "NaturalRegressor('ordinal') ordered categories"
        ) from None
    values = found.values
    if values.ndim == 0 or values.ndim > 2:
        raise ValueError(
            f"y must have one value for each row of X, (N,), or a row for a family of vectors, "
            f"(N, D), got shape {values.shape}"
        )
    if values.ndim == 1:
        return Numbers(values[:, None], None if found.masked is None else found.masked[:, None])
    if values.shape[1] == 1:
        warn_of_column(y)
    return found


def _are_labels(y: Any) -> bool:
    """Tell whether y is a vector of strings or categories."""
    kind = kind_of(y.dtype) if is_series(y) else np.asarray(y).dtype.kind
    return kind in ("U", "O", "text", "categories", "object")


def warn_of_column(y: Any) -> None:
    """Warn that y is one column and not a vector, as scikit-learn does."""
    warn(
        "A column-vector y was passed when a 1d array was expected. Please change the shape of y "
        f"to ({len(y)},), for example using ravel().",
        DataConversionWarning,
    )


def _of_records(y: Any) -> Censored | None:
    """Return records of an event indicator and a time as censored rows; None for other data."""
    dtype = getattr(y, "dtype", None)
    fields = getattr(dtype, "fields", None)
    if not fields:
        return None
    events = [n for n in fields if fields[n][0].kind == "b"]
    times = [n for n in fields if fields[n][0].kind in "fiu"]
    if len(fields) != 2 or len(events) != 1 or len(times) != 1:
        raise ValueError(
            "y must have two fields if it has fields, whether the event was seen (bool) and the "
            f"time, got {dtype}; {_EVENTS}"
        )
    return Censored.right(y[times[0]], y[events[0]])


def complete_rows(values: np.ndarray, family: Distribution, y: Any) -> np.ndarray:
    """Return complete rows (N, 1) or (N, D) as a family takes them, or refuse them.

    Parameters
    ----------
    values : ndarray of shape (N, D)
        The rows.
    family : Distribution
        The family, bound to them.
    y : object
        What was given, for messages.

    Returns
    -------
    ndarray of shape (N,) or (N, D)

    Raises
    ------
    ValueError
        If the family has one number a row and there are more, or a value is NaN or infinite.
    """
    if family.event_shape == ():
        if values.shape[1] > 1:
            which = f" with the columns {list(y.columns)}" if is_frame(y) else ""
            raise ValueError(
                f"y must be a vector for {type(family).__name__}, got shape {values.shape}{which}; "
                f"{_EVENTS}"
            )
        values = values[:, 0]
    refuse_not_finite(values, bool(family.atoms))
    return values


def refuse_not_finite(values: np.ndarray, infinite: bool = False) -> None:
    """Raise ValueError for the first row of y that is NaN, or infinite unless it may be."""
    with np.errstate(all="ignore"):
        if np.isfinite(values.sum()):
            return
    bad = np.isnan(values) if infinite else ~np.isfinite(values)
    if not bad.any():
        return
    row = int(np.argmax(bad.reshape(len(values), -1).any(axis=1)))
    # The words are scikit-learn's.
    words = "contains infinity or a value too large for dtype('float64')."
    if np.isnan(values[row]).any():
        words = "contains NaN."
    raise ValueError(f"Input y {words} The first is at row {row}; remove or impute such rows")


def read_classes(y: Any, name: str, checked: bool = False) -> np.ndarray:
    """Return labels of classes (N,), of any type.

    Parameters
    ----------
    y : array-like of shape (N,)
        The argument.
    name : str
        The estimator, for messages.
    checked : bool
        Whether these labels were read before, so that they are known to be classes.

    Returns
    -------
    ndarray of shape (N,)

    Raises
    ------
    ValueError
        If y is missing, no vector, holds numbers that are no classes, or a missing label.
    """
    if y is None:
        raise ValueError(
            f"This {name} estimator requires y to be passed, but the target y is None."
        )
    if Censored.of(y) is not None:
        raise ValueError("y must be labels of classes, got censored rows; use NaturalRegressor")
    labels = np.asarray(y)
    if labels.ndim == 2 and labels.shape[1] == 1:
        warn_of_column(y)
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise ValueError(
            f"y should be a 1d array, got an array of shape {labels.shape} instead: one label of "
            "a class for each row"
        )
    if labels.dtype.kind == "O":
        missing = [v is None or v != v for v in labels]
        if any(missing):
            raise ValueError(
                f"y must not have missing labels, got one at row {missing.index(True)}; remove "
                "such rows, or make missing labels a class of their own"
            )
        numbers = np.array(labels.tolist())
        labels = numbers if numbers.dtype.kind in "biuf" else labels
    elif labels.dtype.kind == "f" and not checked:
        refuse_not_finite(labels)
    if not checked and not _plain(labels):
        check_classification_targets(labels)
    return labels


def warn_of_many(classes: np.ndarray, n: int) -> None:
    """Warn of numbers with nearly as many values as rows, where scikit-learn does not do so.

    Parameters
    ----------
    classes : ndarray of shape (K,)
        The labels.
    n : int
        The number of rows.

    Warns
    -----
    UserWarning
        If there are more than 20 classes that are numbers, with two to four rows a class.
    """
    size = len(classes)
    # With fewer than two rows a class scikit-learn warns where labels are read.
    if classes.dtype.kind in "iuf" and size > _MANY and 2 * size <= n < _ROWS_A_CLASS * size:
        warn(
            f"y holds {size} different numbers in {n} rows, of which each is a class of its own "
            "here; if y is a measured quantity, use natfit.NaturalRegressor",
            UserWarning,
        )


def _plain(labels: np.ndarray) -> bool:
    """Tell whether labels are certainly classes, of which there are few for the rows."""
    kind = labels.dtype.kind
    if not (kind in "biuSU" or kind == "f" and (labels == np.rint(labels)).all()):
        return False
    return 2 * len(np.unique(labels)) <= len(labels)

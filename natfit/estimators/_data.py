"""The data of an estimator: rows, weights and names, from whatever users pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from natfit._numbers import Numbers
from natfit._validation import check_option, check_weights, one_window_a_row
from natfit.distributions import Censored
from natfit.distributions.contract.censored import windows
from natfit.distributions.wrappers.base import Wrapper
from natfit.fitting.options import column_label
from natfit.rows import Rows, rows_of


class NoRowsLeft(ValueError):
    """All rows have missing values, and ``missing="drop"`` leaves none."""


@dataclass(frozen=True)
class Data:
    """Rows as fits, scores and displays use them: without those that do not count.

    Attributes
    ----------
    values : ndarray of shape (N, D), (N, 2) or (N, 4)
        The rows; the ends of censored ones; these with the ends of the rows' windows.
    weight : ndarray of shape (N,) or None
        Repetitions of each row, all positive.
    seen_as : type or None
        The wrapper through which rows that are not complete see the family.
    kept : ndarray of bool or None
        Which of the rows that were given these are; None for all.
    """

    values: np.ndarray
    weight: np.ndarray | None = None
    seen_as: type[Wrapper] | None = None
    kept: np.ndarray | None = None

    @property
    def public(self) -> Any:
        """The rows in a form that methods of an estimator take."""
        return self.values if self.seen_as is None else Censored.of_rows(self.values)

    def rows(self, column: int | None = None, n_jobs: int | None = None) -> Rows:
        """Return the rows, or a column of them, that as many processes share."""
        values = self.values if column is None else self.values[:, column]
        return rows_of(values, weight=self.weight, n_jobs=n_jobs)


def read_rows(
    given: Numbers | Censored,
    sample_weight: Any,
    missing: str,
    truncation: Any = None,
    name: str = "X",
) -> Data:
    """Return rows with their weights and windows, without those of weight zero or missing values.

    Parameters
    ----------
    given : Numbers of shape (N, D), or Censored
        What was read of X.
    sample_weight : array-like of shape (N,) or None
        Repetitions of each row.
    missing : {"error", "drop"}
        What happens to rows in which a value is missing.
    truncation : (low, high) or None
        The option of the estimator, which matters here if it gives each row its window.
    name : str
        What messages call the data.

    Returns
    -------
    Data
        The rows that count.

    Raises
    ------
    ValueError
        If weights or windows cannot be used, or values are masked.
    """
    check_option(missing, "missing", ("error", "drop"))
    values = given.rows if isinstance(given, Censored) else given.values
    n = len(values)
    weight = check_weights(sample_weight, n, missing == "drop")
    # Rows that carry their windows may be some of those for which the option has windows.
    carried = isinstance(given, Censored) and given.truncation is not None
    by_row = one_window_a_row(truncation) and not carried
    ends = windows(truncation, n) if by_row else None
    kept = None if weight is None or weight.all() else weight > 0
    kept = _without_missing(given, ends, kept, missing, name)
    if kept is not None:
        values = values[kept]
        weight = None if weight is None else weight[kept]
        ends = None if ends is None else (ends[0][kept], ends[1][kept])
    if isinstance(given, Censored):
        rows = Censored.of_rows(values)
    elif ends is None:
        return Data(values, weight, None, kept)
    else:
        if values.shape[1] != 1:
            raise ValueError(
                f"{name} must be one column if truncation gives each row its window, got "
                f"{values.shape[1]} columns; fit the columns one by one"
            )
        refuse_not_finite(values, None)
        rows = Censored.exact(values[:, 0])
    if ends is not None:
        rows = rows.within(*ends)
    # Complete rows need neither.
    from natfit.distributions.wrappers._windowed import WindowedFamily
    from natfit.distributions.wrappers.censored import CensoredFamily

    seen_as = CensoredFamily if rows.truncation is None else WindowedFamily
    return Data(rows.rows, weight, seen_as, kept)


def _without_missing(
    given: Numbers | Censored, ends: tuple | None, kept: np.ndarray | None, missing: str, name: str
) -> np.ndarray | None:
    """Return which rows to keep if those with missing values are dropped, or refuse these.

    NaN in complete rows is left to the pass of a fit that sums them.

    Returns
    -------
    ndarray of bool or None
        None to keep all rows.

    Raises
    ------
    ValueError
        If values are missing and not to be dropped.
    NoRowsLeft
        A ValueError, if no row is left.
    """
    rows = given.rows if isinstance(given, Censored) else None
    if missing == "drop" or rows is not None or ends is not None:
        values = given.rows if isinstance(given, Censored) else given.values
        absent = np.isnan(values).any(axis=1)
        late = np.zeros(len(absent), bool) if ends is None else np.isnan(ends).any(axis=0)
        if missing == "drop" and (absent | late).any():
            known = ~(absent | late)
            kept = known if kept is None else kept & known
            if kept.sum() == 0:
                raise NoRowsLeft(
                    f"{name} must have rows without missing values, got none among {len(absent)} "
                    "rows; drop the columns whose values are missing"
                )
        elif missing == "error":
            _refuse_missing(rows, ends, kept, name)
    if missing == "drop" or isinstance(given, Censored):
        return kept
    if given.masked is not None:
        bad = given.masked if kept is None else given.masked & kept[:, None]
        if bad.any():
            row = int(np.argmax(bad.any(axis=1)))
            raise ValueError(
                f"{name} must not be masked, got a masked value at row {row}; remove such rows by "
                f"{name}.compressed(){_or_drop(name)}"
            )
    return kept


def _refuse_missing(
    rows: np.ndarray | None, ends: tuple | None, kept: np.ndarray | None, name: str
) -> None:
    """Raise ValueError for the first row that counts whose interval or window is not known."""
    intervals = None if rows is None else rows[:, :2].T
    carried = ends if rows is None or rows.shape[1] == 2 else rows[:, 2:].T
    for pair, what, open_end in (
        (intervals, f"intervals of {name}", "-inf or inf"),
        (carried, "windows of truncation", "None, -inf or inf"),
    ):
        if pair is None:
            continue
        absent = np.isnan(pair).any(axis=0) & (True if kept is None else kept)
        if absent.any():
            row = int(np.argmax(absent))
            raise ValueError(
                f"{what} must not be NaN, got [{pair[0][row]:g}, {pair[1][row]:g}] at row {row}; "
                f"use {open_end} for an open end; leave rows out whose values are missing"
                f"{_or_drop(name)}"
            )


def _or_drop(name: str) -> str:
    """Return the option that drops missing values, which estimators of a density have."""
    return ", or drop them by missing='drop' of the estimator" if name == "X" else ""


def of_a_vector(n: int, distribution: Any) -> str:
    """Return what to write instead of a vector of n values where a table (N, D) is wanted."""
    return (
        # The first words are scikit-learn's.
        f"Expected 2D array, got 1D array instead: a vector of {n} values; write "
        f"natfit.fit({distribution!r}, x), or make it one column by x.reshape(-1, 1), a Series by "
        "x.to_frame()"
    )


def of_one_row(n: int, name: str) -> str:
    """Return what to write instead of a table of one row and n columns."""
    return (
        # The first words are scikit-learn's.
        f"Found array with 1 sample(s) (shape=(1, {n})) while a minimum of 2 is required by "
        f"{name}; if its {n} values are rows of one column, pass X.T"
    )


def of_too_few(shape: tuple[int, ...], name: str) -> str:
    """Return what to write instead of a number, a table of fewer than two rows, or a cube."""
    # The first words are scikit-learn's.
    if not shape:
        return (
            "Expected 2D array, got scalar array instead: one number determines no distribution; "
            f"pass a table of rows and columns (N, D) to {name}, or a vector (N,) to natfit.fit"
        )
    if len(shape) != 2:
        return (
            f"Found array with dim {len(shape)}, while dim <= 2 is required by {name}, got shape "
            f"{shape}; make it rows by X.reshape(len(X), -1), or one column by X.reshape(-1, 1)"
        )
    return (
        f"Found array with {shape[0]} sample(s) (shape={shape}) while a minimum of 2 is required "
        f"by {name}; pass the data of at least two rows, or look for what has removed them"
    )


def refuse_not_finite(values: np.ndarray, names: Any) -> None:
    """Raise ValueError for the first row (N, D) that holds NaN or infinity."""
    with np.errstate(all="ignore"):
        # The sum of finite values is finite unless it overflows: most data need no second pass.
        if np.isfinite(values.sum()):
            return
    bad = ~np.isfinite(values)
    if not bad.any():
        return
    row, column = (int(i) for i in np.argwhere(bad)[0])
    value = values[row, column]
    words = "NaN" if np.isnan(value) else "infinity"
    where = "" if values.shape[1] == 1 and names is None else f" in {column_label(column, names)}"
    tail = ", or drop them by missing='drop' of the estimator" if np.isnan(value) else ""
    raise ValueError(
        f"Input X contains {words} at row {row}{where}; remove or impute such rows{tail}"
    )

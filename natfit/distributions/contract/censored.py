"""Rows of which an interval is known, each perhaps seen through a window of its own."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from natfit._numbers import as_numbers, refuse_other_order
from natfit._validation import answers_keywords
from natfit.rows import Deferred


def _in_pieces(method: Callable[..., Any]) -> Callable[..., Any]:
    """Let a method that makes rows of arrays make them of partitions of dask, when they are read.

    Returns
    -------
    callable
        For containers of dask it returns a :class:`natfit.rows.Deferred`, which fits take as rows.
    """

    @functools.wraps(method)
    def called(cls: type, *args: Any, **options: Any) -> Any:
        window = options.get("truncation")
        ends = window if isinstance(window, tuple) else ()
        if not any(hasattr(v, "__dask_graph__") for v in (*args, *options.values(), *ends)):
            return method(cls, *args, **options)
        if len(ends) == 2:
            rest = {k: v for k, v in options.items() if k != "truncation"}
            return Deferred(_within, (cls, method.__name__, *ends, *args), rest)
        return Deferred(_made, (cls, method.__name__, *args), options)

    return called


def _made(cls: type, name: str, *args: Any, **options: Any) -> Any:
    return getattr(cls, name)(*args, **options)


def _within(cls: type, name: str, low: Any, high: Any, *args: Any, **options: Any) -> Any:
    return getattr(cls, name)(*args, truncation=(low, high), **options)


class Censored:
    """Rows of which an interval is known: lower <= y <= upper.

    ========== ==================== =======================================
    lower      upper                meaning
    ========== ==================== =======================================
    a          a                    y = a, exact
    -inf       b                    left-censored, y <= b
    a          inf                  right-censored, y >= a
    a          b                    interval-censored, a <= y <= b
    ========== ==================== =======================================

    :meth:`right` and :meth:`left` make such rows of times and an event indicator, :meth:`interval`
    and :meth:`exact` of ends and of exact values. For densities it does not matter whether the ends
    belong to the interval; for whole numbers they do (``y > a`` is ``lower = a + 1``). In the
    likelihood an exact row has its density, any other row the probability of its interval.

    A value that is missing (NaN, None, NA, masked) is kept as NaN: such rows are refused by fits
    and scores, or left out by those of an estimator with ``missing="drop"``.

    With ``truncation=(low, high)`` every row has a window: it is in the data only because
    low <= y <= high. Its likelihood is then divided by the probability of its window. Delayed entry
    (left truncation) at the times ``entry`` is ``truncation=(entry, None)``.

    The object has a shape and a length, and its rows can be selected, so that cross-validation
    can split it.

    Parameters
    ----------
    lower, upper : array-like of shape (N,)
        Ends of the intervals, in the units of y.
    truncation : (low, high), optional
        Ends of the windows, in the units of y: an array (N,), one number for all rows, or None for
        an open end. What lies outside its window is cut off a row that is not exact.

    Attributes
    ----------
    rows : ndarray of shape (N, 2) or (N, 4)
        Lower and upper ends; with windows also their low and high ends.
    name : str or None
        The name of the values, that of a Series; fits and axes have it.

    Raises
    ------
    ValueError
        If a lower end exceeds its upper one, both are infinite (such a row says nothing), or an
        exact value is infinite; if a row does not lie in its window; if a time and
        an event indicator were given, which :meth:`right` takes.

    Examples
    --------
    >>> import numpy as np, natfit
    >>> rows = natfit.Censored.right([1.0, 2.5, 3.0], event=[1, 1, 0])
    >>> model = natfit.fit("exponential", rows)
    >>> round(float(model.params_["rate"][0]), 4)  # two events in 6.5 units of time
    0.3077
    >>> late = natfit.Censored.right([1.0, 2.5, 3.0], [1, 1, 0], truncation=([0.5, 1, 1], None))
    >>> round(float(natfit.fit("exponential", late).params_["rate"][0]), 4)  # in 4 units of time
    0.5
    """

    ndim = 2

    @answers_keywords
    def __init__(self, lower: Any, upper: Any, *, truncation: Any = None):
        first, second = _ends_given(lower, upper)
        _refuse_indicator(lower, upper, first, second)
        self.rows = _rows(first, second, truncation)
        self.name = _name(lower)

    @classmethod
    @answers_keywords
    @_in_pieces
    def right(cls, time: Any, event: Any, *, entry: Any = None, truncation: Any = None) -> Censored:
        """Return rows of times up to which something was watched, and whether it happened then.

        Parameters
        ----------
        time : array-like of shape (N,)
            Time of the event, or of the end of observation where there was none.
        event : array-like of shape (N,)
            1 or True where the event was seen (exact), 0 or False where y >= time is all that is
            known (right-censored).
        entry : array-like of shape (N,) or float, optional
            Time from which on each row was watched (delayed entry): short for
            ``truncation=(entry, None)``.
        truncation : (low, high), optional
            As in the class, instead of ``entry``.

        Returns
        -------
        Censored
            N rows.

        Raises
        ------
        ValueError
            If ``event`` holds anything else, or as in the class.
        """
        if entry is not None:
            if truncation is not None:
                raise ValueError("entry and truncation exclude each other; pass one of them")
            refuse_other_order(time, entry, "entry")
            truncation = (entry, None)
        y, seen = _times(time, event)
        return cls._of(y, _where_seen(seen, y, np.inf), truncation, _name(time))

    @classmethod
    @answers_keywords
    @_in_pieces
    def left(cls, time: Any, event: Any, *, truncation: Any = None) -> Censored:
        """Return rows of values, and whether they are exact or upper limits.

        Parameters
        ----------
        time : array-like of shape (N,)
            The value, or the limit below which it lies, such as a limit of detection.
        event : array-like of shape (N,)
            1 or True where the value is exact, 0 or False where y <= time is all that is known
            (left-censored).
        truncation : (low, high), optional
            As in the class.

        Returns
        -------
        Censored
            N rows.

        Raises
        ------
        ValueError
            As :meth:`right`.
        """
        y, seen = _times(time, event)
        return cls._of(_where_seen(seen, y, -np.inf), y, truncation, _name(time))

    @classmethod
    @answers_keywords
    @_in_pieces
    def interval(cls, lower: Any, upper: Any, *, truncation: Any = None) -> Censored:
        """Return rows of the ends of intervals: the constructor, taken at its word.

        Parameters
        ----------
        lower, upper : array-like of shape (N,)
            Ends of the intervals; -inf and inf for open ends.
        truncation : (low, high), optional
            As in the class.

        Returns
        -------
        Censored
            N rows. Ends that are only 0 and 1 are not taken for events.

        Raises
        ------
        ValueError
            As in the class.
        """
        first, second = _ends_given(lower, upper)
        return cls._of(first, second, truncation, _name(lower))

    @classmethod
    @answers_keywords
    @_in_pieces
    def exact(cls, y: Any, *, truncation: Any = None) -> Censored:
        """Return exact rows y (N,), which ``truncation`` may give a window each."""
        values = _vector(y, "y")
        if values.ndim != 1:
            raise ValueError(f"y must be a vector, got shape {values.shape}")
        return cls._of(values, values, truncation, _name(y))

    @classmethod
    @answers_keywords
    def from_scipy(cls, data: Any) -> Censored:
        """Rows of a ``scipy.stats.CensoredData``: exact, left-, right-, interval-censored."""
        exact, left, right, both = (
            np.asarray(getattr(data, name), dtype=np.float64)
            for name in ("_uncensored", "_left", "_right", "_interval")
        )
        both = both.reshape(-1, 2)
        open_left, open_right = np.full(len(left), -np.inf), np.full(len(right), np.inf)
        return cls._of(
            np.concatenate([exact, open_left, right, both[:, 0]]),
            np.concatenate([exact, left, open_right, both[:, 1]]),
        )

    @classmethod
    def of(cls, X: Any) -> Censored | None:
        """X itself, or a ``scipy.stats.CensoredData`` converted; None where X is not censored."""
        if isinstance(X, cls):
            return X
        # Where X is scipy's object, its module is loaded already; an import would take long.
        stats = sys.modules.get("scipy.stats")
        return cls.from_scipy(X) if stats and isinstance(X, stats.CensoredData) else None

    @classmethod
    def _of(
        cls, lower: np.ndarray, upper: np.ndarray, truncation: Any = None, name: str | None = None
    ) -> Censored:
        """Return rows of vectors in float64."""
        return cls.of_rows(_rows(lower, upper, truncation), name)

    @classmethod
    def of_rows(cls, rows: np.ndarray, name: str | None = None) -> Censored:
        """Return rows of checked ends (N, 2), or ends and windows (N, 4), which are not copied."""
        made = cls.__new__(cls)
        made.rows, made.name = rows, name
        return made

    def within(self, low: np.ndarray, high: np.ndarray) -> Censored:
        """Return the same rows, each in a window with these ends (N,)."""
        return self._of(self.lower, self.upper, (low, high), self.name)

    @property
    def lower(self) -> np.ndarray:
        """Lower end of each row's interval, (N,), in the unit of the data."""
        return self.rows[:, 0]

    @property
    def upper(self) -> np.ndarray:
        """Upper end of each row's interval, (N,), in the unit of the data."""
        return self.rows[:, 1]

    @property
    def truncation(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Low and high ends of the rows' windows, (N,) each; None without windows."""
        return (self.rows[:, 2], self.rows[:, 3]) if np.shape(self.rows)[1] == 4 else None

    @property
    def missing(self) -> np.ndarray:
        """Whether an end of a row, or of its window, is missing, (N,) bool."""
        return np.isnan(self.rows).any(axis=1)

    @property
    def shape(self) -> tuple[int, int]:
        """(N, 1): one column of data."""
        return len(self), 1

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    def __getitem__(self, rows: Any) -> Censored:
        """Select rows by slice, mask or index array."""
        rows = rows[0] if isinstance(rows, tuple) else rows
        return self.of_rows(self.rows[rows].reshape(-1, np.shape(self.rows)[1]), self.name)

    def __repr__(self) -> str:
        """Say how many rows there are and how many of them are exact."""
        exact, missing = int((self.lower == self.upper).sum()), int(self.missing.sum())
        windows = "" if self.truncation is None else ", truncated"
        windows += f", {missing} missing" if missing else ""
        return f"Censored({len(self)} rows, {exact} exact{windows})"


def _name(values: Any) -> str | None:
    """Return the name of a Series."""
    name = getattr(values, "name", None)
    return name if isinstance(name, str) and name else None


def _vector(values: Any, name: str) -> np.ndarray:
    """Return an argument in float64, NaN where a value is missing or masked."""
    # A copy: the rows stay as they are if the caller's array changes.
    return np.array(as_numbers(values, name).values)


def _ends_given(lower: Any, upper: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of intervals, (N,) each."""
    first, second = _vector(lower, "lower"), _vector(upper, "upper")
    if first.ndim != 1 or first.shape != second.shape:
        raise ValueError(
            "lower and upper must be vectors of one length, got shapes "
            f"{first.shape} and {second.shape}"
        )
    refuse_other_order(lower, upper, "upper")
    return first, second


def _times(time: Any, event: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return times (N,), and whether the event was seen, (N,): 1, 0, or NaN where it is missing."""
    y, seen = _vector(time, "time"), _vector(event, "event")
    if y.ndim != 1 or y.shape != seen.shape:
        raise ValueError(
            f"time and event must be vectors of one length, got shapes {y.shape} and {seen.shape}"
        )
    refuse_other_order(time, event, "event")
    wrong = (seen != 0) & (seen != 1) & ~np.isnan(seen)
    if wrong.any():
        row = int(np.argmax(wrong))
        swapped = bool(np.isin(y, (0.0, 1.0)).all())
        remedy = (
            "time and event seem to be swapped"
            if swapped
            else "for two ends of intervals use Censored.interval(lower, upper)"
        )
        raise ValueError(
            f"event must be 1 or True where it was seen and 0 or False where the row is censored, "
            f"got {seen[row]:g} at row {row}; {remedy}"
        )
    return y, seen


def _where_seen(seen: np.ndarray, y: np.ndarray, otherwise: float) -> np.ndarray:
    """Return y where the event was seen, the open end where not, NaN where that is missing."""
    return np.where(seen == 1.0, y, np.where(seen == 0.0, otherwise, np.nan))


def _refuse_indicator(lower: Any, upper: Any, first: np.ndarray, second: np.ndarray) -> None:
    """Raise ValueError if the ends seem to be a time and an event indicator.

    Truth values are no ends of intervals, and neither are ends of 0 and 1 that lie below the lower
    ones, or whole ones beside times that are not whole.

    Raises
    ------
    ValueError
        With the call that takes a time and an event.
    """
    truth = [getattr(_dtype(ends), "kind", "") == "b" for ends in (lower, upper)]
    known = second[~np.isnan(second)]
    binary = known.size > 0 and bool(np.isin(known, (0.0, 1.0)).all())
    whole = getattr(_dtype(upper), "kind", "") in "iu" and bool((first != np.floor(first)).any())
    if not (truth[0] or truth[1] or (binary and (whole or bool((first > second).any())))):
        return
    time, event = ("upper", "lower") if truth[0] else ("lower", "upper")
    raise ValueError(
        f"lower and upper must be the ends of intervals, got an event indicator as {event}; use "
        f"Censored.right(time, event) with the {time} ends as time, Censored.left for values below "
        "a limit, or Censored.interval(lower, upper) if these are ends"
    )


def _dtype(values: Any) -> Any:
    """Return the dtype of an argument as the user gave it."""
    dtype = getattr(values, "dtype", None)
    if dtype is None:
        return np.asarray(values).dtype
    return np.dtype(bool) if str(dtype).lower().startswith("bool") else dtype


def _rows(lower: np.ndarray, upper: np.ndarray, truncation: Any) -> np.ndarray:
    """Return checked ends (N, 2), or ends with their windows (N, 4); missing ones stay NaN."""
    check_intervals(lower, upper, missing=True)
    if truncation is None:
        return np.stack([lower, upper], axis=1)
    low, high = windows(truncation, len(lower))
    outside = (upper < low) | (lower > high)
    if outside.any():
        row = int(np.argmax(outside))
        raise ValueError(
            f"rows must lie in their window of truncation, got [{lower[row]:g}, {upper[row]:g}] "
            f"outside [{low[row]:g}, {high[row]:g}] at row {row}; such a row cannot have been "
            "seen: remove or correct it"
        )
    return np.stack([lower, upper, low, high], axis=1)


def windows(truncation: Any, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends (N,) of one window a row.

    Parameters
    ----------
    truncation : (low, high)
        An array (N,), one number for all rows, or None for an open end.
    n : int
        N.

    Returns
    -------
    low, high : ndarray of shape (N,)
        -inf and inf for open ends, NaN for missing ones.

    Raises
    ------
    ValueError
        If it is no pair, has another number of rows, or an end is not below the other.
    """
    rule = "truncation must be (low, high), each an array with one end a row, a number or None"
    if not isinstance(truncation, tuple | list) or len(truncation) != 2:
        got = repr(truncation) if np.ndim(truncation) == 0 else f"{np.size(truncation)} values"
        raise ValueError(f"{rule}, got {got}; try (entry, None) for delayed entry")
    ends = []
    for end, name, default in zip(truncation, ("low", "high"), (-np.inf, np.inf), strict=True):
        values = _vector(default if end is None else end, f"the {name} end of truncation")
        if values.ndim > 1 or values.size not in (1, n):
            raise ValueError(
                f"{rule}, got {values.size} {name} ends for {n} rows; select the ends of these "
                "rows, or pass natfit.Censored rows, which carry their windows"
            )
        ends.append(np.broadcast_to(values, n))
    low, high = ends
    bad = low >= high
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(
            f"truncation must have low < high, got [{low[row]:g}, {high[row]:g}] at row {row}; use "
            "None, -inf or inf for an open end"
        )
    return low, high


def check_intervals(
    lower: np.ndarray, upper: np.ndarray, start: int = 0, missing: bool = False
) -> None:
    """Refuse intervals that carry no information or are not valid.

    Parameters
    ----------
    lower : ndarray of shape (n,)
        Lower ends.
    upper : ndarray of shape (n,)
        Upper ends.
    start : int
        Index of the first row among all, for the message.
    missing : bool
        Whether rows may be missing (NaN).

    Raises
    ------
    ValueError
        Naming the rule and the first row that breaks it.
    """
    absent = np.isnan(lower) | np.isnan(upper)
    for bad, rule in (
        (absent & (not missing), "must not be NaN; use -inf or inf for an open end"),
        (lower > upper, "must have lower <= upper; swap the ends"),
        ((lower == -np.inf) & (upper == np.inf), "must have a finite end; drop such rows"),
        (((lower == np.inf) | (upper == -np.inf)) & ~absent, "must contain a finite value"),
    ):
        if bad.any():
            row = int(np.argmax(bad))
            raise ValueError(
                f"intervals {rule}, got [{lower[row]:g}, {upper[row]:g}] at row {start + row}"
            )

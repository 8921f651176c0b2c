"""Rows of which an interval is known."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np


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

    For densities it does not matter whether the ends belong to the interval; for whole numbers
    they do (``y > a`` is ``lower = a + 1``). In the likelihood an exact row has its density, any
    other row the probability of its interval.

    The object has a shape and a length, and its rows can be selected, so that cross-validation
    can split it.

    Parameters
    ----------
    lower, upper : array-like of shape (N,)
        Ends of the intervals, in the units of y.

    Raises
    ------
    ValueError
        If an end is NaN, a lower end exceeds its upper one, both are infinite (such a row says
        nothing), or an exact value is infinite.

    Examples
    --------
    >>> import numpy as np, natfit
    >>> rows = natfit.Censored([1.0, 2.5, 3.0], [1.0, 2.5, np.inf])
    >>> model = natfit.fit("exponential", rows)
    >>> round(float(model.params_["rate"][0]), 4)  # two events in 6.5 units of time
    0.3077
    """

    ndim = 2

    def __init__(self, lower: Any, upper: Any):
        lower, upper = np.asarray(lower, dtype=np.float64), np.asarray(upper, dtype=np.float64)
        if lower.ndim != 1 or lower.shape != upper.shape:
            raise ValueError(
                "lower and upper must be vectors of one length, got shapes "
                f"{lower.shape} and {upper.shape}"
            )
        self.rows = np.stack([lower, upper], axis=1)
        check_intervals(lower, upper)

    @classmethod
    def from_scipy(cls, data: Any) -> Censored:
        """Rows of a ``scipy.stats.CensoredData``: exact, left-, right-, interval-censored."""
        exact, left, right, both = (
            np.asarray(getattr(data, name), dtype=np.float64)
            for name in ("_uncensored", "_left", "_right", "_interval")
        )
        both = both.reshape(-1, 2)
        open_left, open_right = np.full(len(left), -np.inf), np.full(len(right), np.inf)
        return cls(
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

    @property
    def lower(self) -> np.ndarray:
        """Lower end of each row's interval, (N,), in the unit of the data."""
        return self.rows[:, 0]

    @property
    def upper(self) -> np.ndarray:
        """Upper end of each row's interval, (N,), in the unit of the data."""
        return self.rows[:, 1]

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
        part = self.rows[rows].reshape(-1, 2)
        return type(self)(part[:, 0], part[:, 1])

    def __repr__(self) -> str:
        """Say how many rows there are and how many of them are exact."""
        exact = int((self.lower == self.upper).sum())
        return f"Censored({len(self)} rows, {exact} exact)"


def check_intervals(lower: np.ndarray, upper: np.ndarray, start: int = 0) -> None:
    """Refuse intervals that carry no information or are not valid.

    Parameters
    ----------
    lower : ndarray of shape (n,)
        Lower ends.
    upper : ndarray of shape (n,)
        Upper ends.
    start : int
        Index of the first row among all, for the message.

    Raises
    ------
    ValueError
        Naming the rule and the first row that breaks it.
    """
    for bad, rule in (
        (np.isnan(lower) | np.isnan(upper), "must not be NaN; use -inf or inf for an open end"),
        (lower > upper, "must have lower <= upper; swap the ends"),
        ((lower == -np.inf) & (upper == np.inf), "must have a finite end; drop such rows"),
        ((lower == np.inf) | (upper == -np.inf), "must contain a finite value"),
    ):
        if bad.any():
            row = int(np.argmax(bad))
            raise ValueError(
                f"intervals {rule}, got [{lower[row]:g}, {upper[row]:g}] at row {start + row}"
            )

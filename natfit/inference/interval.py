"""Intervals of functions of the parameters, and what is said of ends that were not found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from natfit.inference.end import End


@dataclass(frozen=True)
class Interval:
    """An interval of a function of the parameters.

    Attributes
    ----------
    low, high : float
        The ends, in the unit of the function.
    n_iter : int
        Number of iterations of both ends together, each with one gradient and one curvature.
    reached_low, reached_high : bool
        Whether the end is a root; otherwise the statistic never reaches its quantile, and the end
        is that of the range.
    notes : tuple of str
        What a reader must know, such as the limit at which an end lies.
    """

    low: float
    high: float
    n_iter: int
    reached_low: bool = True
    reached_high: bool = True
    notes: tuple[str, ...] = ()


class EndNotFound(ValueError):
    """An end of an interval that was not found.

    Parameters
    ----------
    reason, remedy : str
        Why, and what to do.
    higher : ndarray of shape (P,), optional
        A theta that is more likely than the estimate.

    Attributes
    ----------
    interval : Interval or None
        With NaN for each end that was not found, where the other one was looked for too.
    refit : object
        A fit that began at ``higher``, where an estimator made one.
    """

    def __init__(self, reason: str, remedy: str, higher: np.ndarray | None = None):
        super().__init__(f"{reason}; {remedy}")
        self.reason = reason
        self.remedy = remedy
        self.higher = higher
        self.interval: Interval | None = None
        self.refit: object = None

    def __reduce__(self) -> tuple:
        """Pickle what the message is made of."""
        return type(self), (self.reason, self.remedy, self.higher), self.__dict__


def both_ends(end_of: Callable[[float], End]) -> Interval:
    """Return the interval of two ends, each of which is looked for also where the other is not.

    Parameters
    ----------
    end_of : callable
        ``end_of(side)`` with -1 for the lower end, 1 for the upper one.

    Returns
    -------
    Interval

    Raises
    ------
    EndNotFound
        With the interval of the end that was found.
    """
    ends, lost = [], {}
    for side, name in ((-1.0, "lower"), (1.0, "upper")):
        try:
            ends.append(end_of(side))
        except EndNotFound as error:
            lost[name] = error
            ends.append(End(np.empty(0), np.nan, 0, reached=True))
    low, high = ends
    notes = tuple(dict.fromkeys(end.note for end in ends if end.note))
    count = low.n_iter + high.n_iter
    found = Interval(low.value, high.value, count, low.reached, high.reached, notes)
    if not lost:
        return found
    reason = "; ".join(f"the {name} end was not found: {e.reason}" for name, e in lost.items())
    # What is more likely than the estimate concerns both ends.
    first = next((e for e in lost.values() if e.higher is not None), next(iter(lost.values())))
    missing = EndNotFound(reason, first.remedy, first.higher)
    missing.interval = found
    raise missing

"""Rows of the battery: exact values, and intervals in which a value is known to lie."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

import natfit


def _none() -> np.ndarray:
    return np.empty(0)


@dataclass(frozen=True)
class Rows:
    """Values (N,) that are known, and limits of those that are not.

    Attributes
    ----------
    exact : ndarray
        Values that are known.
    right, left : ndarray
        Lower limits of values of which nothing else is known, and upper ones.
    low, high : ndarray
        Limits on both sides.
    """

    exact: np.ndarray
    right: np.ndarray = field(default_factory=_none)
    left: np.ndarray = field(default_factory=_none)
    low: np.ndarray = field(default_factory=_none)
    high: np.ndarray = field(default_factory=_none)

    @property
    def n(self) -> int:
        return sum(map(len, (self.exact, self.right, self.left, self.low)))

    @property
    def censored(self) -> bool:
        return len(self.exact) < self.n

    def moved(self, shift: float, unit: float) -> Rows:
        """Return the same rows in another unit, after a shift of the origin."""
        parts = (self.exact, self.right, self.left, self.low, self.high)
        return Rows(*(unit * (shift + part) for part in parts))

    def for_natfit(self) -> np.ndarray | natfit.Censored:
        """Return the rows as natfit takes them."""
        if not self.censored:
            return self.exact
        nothing, endless = np.full(len(self.left), -np.inf), np.full(len(self.right), np.inf)
        lower = np.concatenate([self.exact, self.right, nothing, self.low])
        upper = np.concatenate([self.exact, endless, self.left, self.high])
        return natfit.Censored(lower, upper)


def exactly(y: np.ndarray) -> Rows:
    """Return values that are all known."""
    return Rows(y)


def ended(share: float) -> Callable[[np.ndarray], Rows]:
    """Return what hides the largest values: observation ends at a quantile."""

    def censor(y: np.ndarray) -> Rows:
        end = np.quantile(y, 1.0 - share)
        return Rows(y[y <= end], right=np.full(int((y > end).sum()), end))

    return censor


def undetected(share: float) -> Callable[[np.ndarray], Rows]:
    """Return what hides the smallest values: they lie below a limit of detection."""

    def censor(y: np.ndarray) -> Rows:
        limit = np.quantile(y, share)
        return Rows(y[y >= limit], left=np.full(int((y < limit).sum()), limit))

    return censor


def classed(y: np.ndarray) -> Rows:
    """Return the classes of a histogram in which values lie, about ten in number."""
    width = float(np.diff(np.quantile(y, [0.05, 0.95]))[0]) / 8.0
    low = width * np.floor(y / width)
    return Rows(_none(), low=low, high=low + width)


#: What is known of the values, by what it is called.
CENSORING: dict[str, Callable[[np.ndarray], Rows]] = {
    "all known": exactly,
    "right, 50 %": ended(0.5),
    "right, 90 %": ended(0.9),
    "left, 30 %": undetected(0.3),
    "classed": classed,
}

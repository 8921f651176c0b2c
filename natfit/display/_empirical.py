"""The rows of one column without a family: values that stand for them, with their probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from natfit.distributions.contract.nonparametric import turnbull
from natfit.distributions.contract.support import REAL, Support
from natfit.estimators._data import Data
from natfit.inference.right_censored import product_limit

#: The maximum number of bins of a histogram.
_MOST_BINS = 100


@dataclass(frozen=True)
class Empirical:
    """A nonparametric estimate of the distribution of rows.

    Attributes
    ----------
    left, right : ndarray of shape (M,)
        Ends of the intervals that have a probability, in ascending order; equal at exact values,
        perhaps infinite. Among whole numbers the left end does not belong to its interval.
    mass : ndarray of shape (M,)
        Their probabilities, which sum to one.
    total : float
        W, the sum of weights.
    method : str
        ``empirical``, ``Kaplan-Meier`` or ``Turnbull``.
    censored : ndarray
        Times at which right-censored rows were last seen.
    """

    left: np.ndarray
    right: np.ndarray
    mass: np.ndarray
    total: float
    method: str
    censored: np.ndarray

    def survival(self) -> np.ndarray:
        """Return the probability beyond the right end of each interval, (M,)."""
        return np.maximum(1.0 - np.cumsum(self.mass), 0.0)


def empirical(data: Data, support: Support | None) -> Empirical:
    """Return the nonparametric estimate of rows: Kaplan and Meier's (1958) or Turnbull's (1976).

    Parameters
    ----------
    data : Data
        Rows (N,) of one column, or the ends of censored ones.
    support : Support or None
        Where the family lies: a row that is open there ends at its end.

    Returns
    -------
    Empirical
        Kaplan and Meier's estimate, in closed form, where rows are exact or right-censored;
        delayed entry is allowed. Turnbull's for all other rows.
    """
    if data.seen_as is None:
        weight = np.ones(len(data.values)) if data.weight is None else data.weight
        y, place = np.unique(data.values, return_inverse=True)
        total = float(weight.sum())
        mass = np.bincount(place, weight, len(y)) / total
        return Empirical(y, y, mass, total, "empirical", np.empty(0))
    lower, upper, *window = data.values.T
    weight = np.ones(len(lower)) if data.weight is None else data.weight
    times = lower[(upper == np.inf) & (lower > -np.inf)]
    lower, upper = _inside(lower, upper, REAL if support is None else support)
    total = float(weight.sum())
    right = np.isinf(upper)
    if np.all(right | (lower == upper)) and (not window or np.all(window[1] == np.inf)):
        entry = window[0] if window else None
        y, mass = _kaplan_meier(lower, ~right, weight, entry)
        left = y.copy()
        if np.isinf(y[-1]):
            left[-1] = lower[right].max()
        return Empirical(left, y, mass, total, "Kaplan-Meier", times)
    found = turnbull(lower, upper, weight, (window[0], window[1]) if window else None)
    return Empirical(*found, total, "Turnbull", times)


def _kaplan_meier(
    time: np.ndarray, seen: np.ndarray, weight: np.ndarray, entry: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return times of events in ascending order, and inf if probability is left, with the steps.

    Returns
    -------
    values, mass : ndarray of shape (M,)
        The steps sum to one.
    """
    steps = product_limit(time, seen, weight, entry=entry)
    mass = np.diff(steps.value, prepend=0.0)
    rest = 1.0 - float(steps.value[-1]) if len(steps.value) else 1.0
    # What rounding leaves of a last step to zero is no probability.
    if rest > np.finfo(float).eps * len(time):
        return np.append(steps.at, np.inf), np.append(mass, rest)
    return steps.at, mass


def _inside(
    lower: np.ndarray, upper: np.ndarray, support: Support
) -> tuple[np.ndarray, np.ndarray]:
    """Return ends of rows inside the support; of whole numbers, the lower one left out."""
    low = support.low
    if support.integer:
        exact = lower == upper
        lower, upper = np.where(exact, lower, np.ceil(lower) - 1.0), np.floor(upper)
        # One number that is left of an interval is known exactly.
        lower = np.where(upper - lower == 1.0, upper, lower)
        low = low - 1.0
    return np.maximum(lower, low), np.minimum(upper, support.top)


@dataclass(frozen=True)
class Points:
    """Sorted values that stand for the rows.

    Attributes
    ----------
    y : ndarray of shape (N,)
        The rows, or middles of the intervals of a nonparametric estimate.
    weight : ndarray of shape (N,) or None
        Their weights.
    left, right : ndarray of shape (N,)
        The ends of the intervals, equal for exact rows.
    below, drawn : float
        The share of the probability below them, and their own.
    """

    y: np.ndarray
    weight: np.ndarray | None
    left: np.ndarray
    right: np.ndarray
    below: float = 0.0
    drawn: float = 1.0

    def without(self, atoms: tuple[float, ...]) -> Points:
        """Return the rows without values that have a probability, which a density does not show."""
        other = ~np.isin(self.y, atoms)
        if other.all() or not other.any():
            return self
        weight = np.ones(len(self.y)) if self.weight is None else self.weight
        share = float(weight[other].sum() / weight.sum())
        y, weight, left, right = (v[other] for v in (self.y, weight, self.left, self.right))
        return Points(y, weight, left, right, self.below, share * self.drawn)

    def shares(self) -> np.ndarray:
        """Return each value's empirical probability ``(i_k + 1/2) / (W + 1)``.

        ``i_k`` is W times the estimated probability up to the middle of its step: without
        repetitions it is ``i / (n + 1)`` of the i-th of n rows.

        Returns
        -------
        ndarray of shape (N,)
            In (0, 1).
        """
        weight = np.ones(len(self.y)) if self.weight is None else self.weight
        before = self.below * self.total + np.cumsum(weight)
        return (before - 0.5 * weight + 0.5) / (self.total + 1.0)

    def midpoints(self) -> np.ndarray:
        """Return the probability up to the middle of each value's step, (N,): (i - 1/2) / n."""
        weight = np.ones(len(self.y)) if self.weight is None else self.weight
        return self.below + (np.cumsum(weight) - 0.5 * weight) / self.total

    @property
    def total(self) -> float:
        """W, the sum of the weights of all rows."""
        own = float(len(self.y)) if self.weight is None else float(self.weight.sum())
        return own / self.drawn


def points(data: Data, found: Empirical, support: Support | None) -> Points:
    """Return the rows, sorted, or the nonparametric estimate of rows that are not complete.

    Parameters
    ----------
    data : Data
        The rows.
    found : Empirical
        Their nonparametric estimate.
    support : Support or None
        Where the family lies.

    Returns
    -------
    Points
        Without intervals that have no end.

    Raises
    ------
    ValueError
        If no row is exact or has two ends.
    """
    if data.seen_as is None:
        order = np.argsort(data.values, kind="stable")
        weight = None if data.weight is None else data.weight[order]
        y = data.values[order]
        return Points(y, weight, y, y)
    known = np.isfinite(found.left) & np.isfinite(found.right) & (found.mass > 0)
    if not known.any():
        raise ValueError(
            "X must have rows that are exact or have two ends to be drawn, got none among "
            f"{len(data.values)} censored rows; use kind='survival', which draws when they were "
            "last seen"
        )
    left, right, mass = found.left[known], found.right[known], found.mass[known]
    # Among whole numbers the left end is not part of the interval.
    shift = 0.5 * (left < right) if support is not None and support.integer else 0.0
    return Points(
        0.5 * (left + right) + shift,
        found.total * mass,
        left + shift,
        right + shift,
        float(found.mass[found.left == -np.inf].sum()),
        float(mass.sum()),
    )


def bins(sample: np.ndarray, integer: bool) -> np.ndarray:
    """Return edges of at most 100 bins; bins are centred on whole numbers for counts."""
    low, high = sample[0], sample[-1]
    if integer:
        step = np.ceil((high - low + 1.0) / _MOST_BINS)
        return np.arange(low - 0.5, high + step, step)
    number = int(np.clip(np.sqrt(len(sample)), 5, _MOST_BINS))
    return np.histogram_bin_edges(sample, bins=number)


def bars(
    left: np.ndarray, right: np.ndarray, share: np.ndarray, edges: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return edges (B + 1,) and heights (B,) of bars that show intervals by their width.

    An interval adds ``share / width`` over its own width; exact values add what a histogram with
    the given edges has.

    Parameters
    ----------
    left, right : ndarray of shape (N,)
        Ends of the intervals; equal for exact values.
    share : ndarray of shape (N,)
        Their probabilities.
    edges : ndarray or None
        Bins of the exact values.

    Returns
    -------
    edges, heights : ndarray
        The area of all bars is the sum of the shares.
    """
    wide = left < right
    parts = [left[wide], right[wide]]
    if not wide.all() and edges is not None:
        parts.append(edges)
    ends = np.unique(np.concatenate(parts))
    middle = 0.5 * (ends[:-1] + ends[1:])
    # Sums of jumps, since ranges of whole numbers may overlap after their ends are moved.
    density = share[wide] / (right - left)[wide]
    jump = np.bincount(np.searchsorted(ends, left[wide]), density, len(ends))
    jump -= np.bincount(np.searchsorted(ends, right[wide]), density, len(ends))
    height = np.maximum(np.cumsum(jump)[:-1], 0.0)
    if len(parts) == 3 and edges is not None:
        own = np.histogram(left[~wide], edges, weights=share[~wide])[0] / np.diff(edges)
        place = np.searchsorted(edges, middle) - 1
        inside = (place >= 0) & (place < len(own))
        height[inside] += own[place[inside]]
    return ends, height

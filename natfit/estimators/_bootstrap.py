"""Refits to draws from a fit: the parametric bootstrap of a statistic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np

from natfit._validation import check_jobs, check_number
from natfit.distributions import Censored
from natfit.estimators._data import Data
from natfit.inference.right_censored import censored_alike
from natfit.iterate import Status
from natfit.rng import bridge_rng

#: Ends of a refit that is no estimate.
FAILED = (Status.UNBOUNDED, Status.NON_FINITE, Status.NO_DESCENT)

#: Relative distance from a whole number within which a weight counts as one.
_WHOLE = 1e-9


@dataclass(frozen=True)
class Draws:
    """What a resample is drawn from: a fit, and the times at which its rows were censored.

    Attributes
    ----------
    model : estimator
        The fit.
    n : int
        Rows of a resample.
    time, seen : ndarray of shape (n,) or None
        Times of right-censored rows, and whether the event was seen.
    """

    model: Any
    n: int
    time: np.ndarray | None = None
    seen: np.ndarray | None = None

    @classmethod
    def of(cls, model: Any, data: Data, what: str) -> Draws:
        """Return what resamples like the rows of a fit are drawn from; weights repeat rows.

        Returns
        -------
        Draws
            With W rows.

        Raises
        ------
        ValueError
            If rows are interval- or left-censored, have windows, or have fractional weights where
            they are censored.
        """
        total = float(len(data.values)) if data.weight is None else float(data.weight.sum())
        n = max(int(round(total)), 1)
        if data.seen_as is None:
            return cls(model, n)
        time, seen = right_censored(data, what)
        if data.weight is None:
            return cls(model, n, time, seen)
        times = np.rint(data.weight).astype(int)
        if not np.allclose(times, data.weight, rtol=_WHOLE, atol=0.0):
            raise ValueError(
                f"{what} of censored rows needs whole weights, which repeat rows, got "
                f"{data.weight[np.argmax(times != data.weight)]:g}; round the weights"
            )
        return cls(model, n, np.repeat(time, times), np.repeat(seen, times))

    def rows(self, rng: np.random.Generator) -> Any:
        """Return a resample (n, D), or right-censored rows."""
        # By quantiles where a sampler would reject too many draws, as in a far window.
        drawn = np.reshape(self.model.frozen_.rvs(self.n, rng), (self.n, -1))
        if self.time is None or self.seen is None:
            return drawn
        return Censored.right(*censored_alike(drawn[:, 0], self.time, self.seen, rng))


def right_censored(data: Data, what: str) -> tuple[np.ndarray, np.ndarray]:
    """Return times (N,) of rows that are exact or right-censored, and which are exact.

    Returns
    -------
    time : ndarray of shape (N,)
    seen : ndarray of bool, shape (N,)

    Raises
    ------
    ValueError
        If a row is censored otherwise, or has a window.
    """
    if data.values.shape[1] == 4:
        raise ValueError(
            f"{what} needs rows without windows of their own, got windows, for which the "
            "distribution of the statistic is not known; use truncation=(low, high) of the "
            "estimator if one window serves all rows"
        )
    lower, upper = data.values[:, 0], data.values[:, 1]
    seen = lower == upper
    other = ~seen & ~np.isposinf(upper)
    if other.any():
        row = int(np.argmax(other))
        raise ValueError(
            f"{what} needs rows that are exact or right-censored, got the interval "
            f"[{lower[row]:g}, {upper[row]:g}] at row {row}, for which no such test is "
            "established; compare the fit with the Turnbull estimate in natfit.display instead"
        )
    return lower, seen


def refits(
    draws: Draws,
    measure: Callable,
    n_resamples: int,
    random_state: Any,
    n_jobs: Any,
) -> tuple[np.ndarray, int]:
    """Return a statistic of refits to draws from a fit.

    Each resample has a generator of its own, so that results do not depend on ``n_jobs``.

    Parameters
    ----------
    draws : Draws
        What is drawn from.
    measure : callable
        ``measure(refit, rows) -> (C,)``: the statistic of each column.
    n_resamples : int
        Number of resamples.
    random_state : None, int, RandomState or Generator
        Seed.
    n_jobs : int or None
        Number of processes.

    Returns
    -------
    statistics : ndarray of shape (B, C)
        Of the resamples that could be fitted.
    failed : int
        How many could not.

    Raises
    ------
    ValueError
        If none could.
    """
    size = int(check_number(n_resamples, "n_resamples", low=1, integer=True))
    jobs = check_jobs(n_jobs)
    entropy = bridge_rng(random_state).integers(2**63, size=4)
    seeds = np.random.SeedSequence([int(e) for e in entropy]).spawn(size)
    call = joblib.delayed(_replicate)
    found = joblib.Parallel(n_jobs=jobs)(call(draws, measure, seed) for seed in seeds)
    values = [value for value in found if value is not None]
    if not values:
        raise ValueError(
            f"n_resamples must give refits, got {size} resamples of {draws.n} rows that could not "
            "be fitted; fit a simpler family, or one with more rows"
        )
    return np.array(values), size - len(values)


def _replicate(draws: Draws, measure: Callable, seed: np.random.SeedSequence) -> np.ndarray | None:
    """Return the statistic of one refit, or None if the resample cannot be fitted."""
    try:
        rows = draws.rows(np.random.default_rng(seed))
        refit = draws.model._refit(rows)
        if any(status in FAILED for status in refit.statuses_):
            return None
        value = np.asarray(measure(refit, rows), dtype=np.float64)
    except ValueError:
        return None
    return None if np.isnan(value).any() else value


def bootstrap_pvalue(statistic: float, drawn: np.ndarray) -> float:
    """Return ``(1 + #{T* >= T}) / (B + 1)`` (Davison & Hinkley, 1997, equation 4.11)."""
    # What differs by rounding is equal: a statistic of counts takes few values, and where the
    # family has all shares of the cells it is zero to the tolerance of the fits.
    reached = drawn >= statistic - 1e-8 * max(abs(statistic), 1.0)
    return float((1 + np.count_nonzero(reached)) / (len(drawn) + 1))


def failures(failed: int) -> tuple[str, ...]:
    """Return a note on resamples that could not be fitted."""
    if not failed:
        return ()
    return (f"{failed} resamples could not be fitted and are left out",)

"""Right-censored rows without a family: the product-limit estimate, and draws censored alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Steps:
    """A distribution function with jumps, of which the last may lie below one.

    Attributes
    ----------
    at : ndarray of shape (M,)
        Where it jumps, in ascending order.
    value : ndarray of shape (M,)
        Its value from each jump on.
    """

    at: np.ndarray
    value: np.ndarray


def product_limit(
    time: np.ndarray,
    seen: np.ndarray,
    weight: np.ndarray,
    seen_first: bool = True,
    entry: np.ndarray | None = None,
) -> Steps:
    """Return Kaplan and Meier's (1958) estimate of the distribution function of the times.

    Parameters
    ----------
    time : ndarray of shape (n,)
        Times of events or of the end of observation.
    seen : ndarray of bool, shape (n,)
        Whether the event was seen.
    weight : ndarray of shape (n,)
        Repetitions of each row.
    seen_first : bool
        Whether events at one time come before rows that are censored there, as they do for
        events; of censoring times the estimate takes the others first.
    entry : ndarray of shape (n,), optional
        Times from which on rows were watched (delayed entry): before it they are not at risk.

    Returns
    -------
    Steps
        Its jumps, which are at events.
    """
    at, place = np.unique(time, return_inverse=True)
    events = np.bincount(place, np.where(seen, weight, 0.0), len(at))
    lost = np.bincount(place, np.where(seen, 0.0, weight), len(at))
    risk = np.cumsum((events + lost)[::-1])[::-1]
    risk = risk if seen_first else risk - lost
    if entry is not None:
        order = np.argsort(entry)
        entered = np.concatenate([[0.0], np.cumsum(weight[order])])
        risk = risk - (entered[-1] - entered[np.searchsorted(entry[order], at, side="right")])
    jumps = events > 0
    # Weights that are no whole numbers may leave a rounding error of the last row at risk.
    share = np.minimum(events[jumps] / risk[jumps], 1.0)
    with np.errstate(divide="ignore"):
        survival = np.exp(np.cumsum(np.log1p(-share)))
    return Steps(at[jumps], 1.0 - survival)


def censored_alike(
    draws: np.ndarray, time: np.ndarray, seen: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return draws with censoring times as the data have them: the conditional bootstrap.

    A row that was censored keeps its censoring time. That of a row whose event was seen at y is
    drawn from the product-limit estimate of the censoring times, given that it exceeds y; beyond
    the last of them it is infinite (Davison & Hinkley, Bootstrap Methods and their Application,
    1997, algorithm 3.1, after Efron, 1981, and Hjort, 1985).

    Parameters
    ----------
    draws : ndarray of shape (n,)
        Times of events, drawn from the fit.
    time : ndarray of shape (n,)
        Times of the data.
    seen : ndarray of bool, shape (n,)
        Whether the event was seen.
    rng : Generator
        Draws the censoring times.

    Returns
    -------
    time : ndarray of shape (n,)
        The smaller of draw and censoring time.
    seen : ndarray of bool, shape (n,)
        Whether it is the draw.
    """
    limit = np.where(seen, np.inf, time)
    if not seen.all():
        steps = product_limit(time, ~seen, np.ones(len(time)), seen_first=False)
        value = np.concatenate([[0.0], steps.value])
        own = time[seen]
        # What lies at or before y is known not to have happened.
        below = value[np.searchsorted(steps.at, own, "right")]
        level = below + rng.uniform(size=len(own)) * (1.0 - below)
        place = np.searchsorted(steps.value, level, "left")
        limit[seen] = np.append(steps.at, np.inf)[place]
    return np.minimum(draws, limit), draws <= limit

"""Refits under a hypothesis, from estimates at limits of their coordinates too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from natfit.inference import affine, kinked
from natfit.objectives import Likelihood

#: Difference of log-likelihoods, in nats, of what counts as one optimum.
_SAME = 1e-7


def best_restricted(
    objective: Likelihood,
    theta: np.ndarray,
    lines: np.ndarray,
    values: np.ndarray,
    start: Callable[[], np.ndarray],
) -> affine.Restricted:
    """Return the best optimum of f with ``A theta = b`` that is found from an estimate.

    What is best at a limit without the restrictions need not be so with them, and beside a limit f
    may have another minimum: from an estimate at limits the descent goes along them, from inside
    them, and from the start of the family, as it does where the first one does not settle.

    Parameters
    ----------
    objective : Likelihood
        f.
    theta : ndarray of shape (P,)
        The estimate.
    lines, values : ndarray of shape (q, P), (q,)
        A and b, with independent lines.
    start : callable
        ``start()`` returns the start of the family (P,).

    Returns
    -------
    Restricted
        The one with the lowest f; not converged if a descent that did not settle went below it.
    """
    low, high, steps = objective.limits()
    at = (theta <= low) | (theta >= high)
    held = tuple(np.flatnonzero(at).tolist())
    found = [kinked.restricted(objective, theta, lines, values, held)]
    if not at.any() and found[0].converged:
        return found[0]
    own = np.clip(start(), low, high)
    inward = np.where(theta <= low, 1.0, -1.0) * np.where(np.isfinite(steps), steps, 1.0)
    away = np.where((own > low) & (own < high), own, np.clip(theta + inward, low, high))
    starts = np.where(at, away, theta), own
    found += [kinked.restricted(objective, each, lines, values) for each in starts]
    best = min(found, key=lambda each: (not np.isfinite(each.value), each.value))
    near = best.value + _SAME / float(objective.total)
    settled = [each for each in found if each.converged and each.value <= near]
    return settled[0] if settled else replace(best, converged=False)

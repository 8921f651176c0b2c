"""Phases 9 and 10: descend, and compare with the optimum of a simpler family."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from natfit.iterate import Status, noise
from natfit.objectives import Likelihood
from natfit.optimize import Fit

#: Rows up to which a fit that converged is compared with a simpler family's optimum: with more
#: the likelihood has no second maximum that matters, and the comparison would cost a pass.
COMPARED = 10_000


def settle(
    descend: Callable[[np.ndarray, int], Fit],
    compare: Callable[[Fit], np.ndarray | None],
    theta: np.ndarray,
    max_iter: int,
    early: int | None,
) -> Fit:
    """Descend; start again where a simpler family's optimum is lower; go on if cut short.

    Parameters
    ----------
    descend : callable
        ``descend(theta, max_iter)`` runs the loop.
    compare : callable
        Theta of a lower optimum than the run's end, or None.
    theta : ndarray of shape (P,)
        The start.
    max_iter : int
        Maximum number of iterations of all runs together.
    early : int or None
        Iterations after which a run without an end is compared already.

    Returns
    -------
    Fit
        All runs as one, which ended as the last of them did.

    Raises
    ------
    ValueError
        If the likelihood is not finite at the start.
    """
    result = descend(theta, max_iter if early is None else min(max_iter, early))
    if result.status is Status.NON_FINITE and result.iterate.n_iter == 0:
        raise ValueError(f"start_params must give a finite likelihood; {result.message}")
    for _ in range(2):
        left = max_iter - result.iterate.n_iter
        again = compare(result)
        if again is None and result.status is Status.MAX_ITER:
            again = result.theta
        if again is None or left <= 0:
            break
        result = _joined(result, descend(again, left))
    return result


def _joined(first: Fit, second: Fit) -> Fit:
    """Two runs as one: all iterations count."""
    before, verdict = first.iterate.n_iter, second.verdict
    made = before + second.iterate.n_iter
    return Fit(
        replace(second.iterate, n_iter=made),
        replace(verdict, n_iter=made, max_iter=before + verdict.max_iter),
        first.history.then(second.history),
    )


def lower(
    objective: Likelihood, to_theta: Callable[[np.ndarray], np.ndarray], result: Fit
) -> np.ndarray | None:
    """Theta of a simpler family's optimum where the fit ended above it, else None.

    Parameters
    ----------
    objective : Likelihood
        What was minimised.
    to_theta : callable
        Theta (P,) at which every row has the given eta (K,).
    result : Fit
        The run so far.

    Returns
    -------
    ndarray of shape (P,) or None
        Where to start again.
    """
    if result.status is Status.STOPPED_BY_CALLBACK:
        return None
    if result.status.good and objective.rows.n > COMPARED:
        return None
    family = objective.distribution
    eta = family.nested_start(objective.rows)
    if eta is None:
        return None
    low, high, _ = family.limits
    theta = to_theta(np.clip(eta, low, high))
    value, best = objective.value_and_grad(theta)[0], result.iterate.value
    # A fit that found no end may as well start where the simpler family has its own.
    slack = noise(best) if result.status.good or result.iterate.active else -noise(best)
    return theta if value < best - slack else None

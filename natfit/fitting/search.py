"""Phases 9 and 10: the descent, and what else may be lower around its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from natfit.iterate import Status, noise, rounding_at
from natfit.objectives import Likelihood
from natfit.optimize import Fit, Outlook, outlook

#: Maximum number of times that a fit starts again at a lower value near its end.
_AGAIN = 4

#: How many errors of rounding hide a descent.
_ERRORS = 3.0

#: Ends that claim an optimum, or that a lower value nearby may explain.
_UNPROVED = (
    Status.CONVERGED,
    Status.ROUNDING_FLOOR,
    Status.BOUNDARY,
    Status.SINGULAR,
    Status.NO_DESCENT,
)


@dataclass(frozen=True)
class Search:
    """The parts of a search for the lowest optimum.

    Attributes
    ----------
    descend : callable
        ``descend(theta, max_iter, newton)`` runs the loop and returns a :class:`Fit`; with
        ``newton`` the observed information is its metric.
    compare : callable
        Called with a :class:`Fit`; returns the theta of a lower optimum, or None.
    look : callable
        Called with a :class:`Fit`; returns the :class:`Outlook` at its end.
    conclude : callable
        Called with the :class:`Fit` and the outlook; returns the fit with its final status.
    recover : callable
        Returns another theta to start at, or None; called if the start has no finite likelihood.
    max_iter : int
        Maximum number of iterations of all runs together.
    early : int or None
        Number of iterations after which a run that has not ended is compared; it goes on if it
        is not worse.
    """

    descend: Callable[[np.ndarray, int, bool], Fit]
    compare: Callable[[Fit], np.ndarray | None]
    look: Callable[[Fit], Outlook]
    conclude: Callable[[Fit, Outlook], Fit]
    recover: Callable[[], np.ndarray | None]
    max_iter: int
    early: int | None

    def settle(self, theta: np.ndarray) -> Fit:
        """Descend from theta, and start again where the objective is lower than at the end.

        Returns
        -------
        Fit
            All runs joined, with the end of the last one.

        Raises
        ------
        ValueError
            If the likelihood is not finite at the start.
        """
        result = self._first(theta)
        for _ in range(2):
            left = self.max_iter - result.iterate.n_iter
            again = self.compare(result)
            if again is None and result.status is Status.MAX_ITER:
                again = result.theta
            if again is None or left <= 0:
                break
            result = result.then(self.descend(again, left, False))
        return self._looked(result)

    def _first(self, theta: np.ndarray) -> Fit:
        """Return the first run; where the start has no finite likelihood, from another one."""
        most = self.max_iter if self.early is None else min(self.max_iter, self.early)
        result = self.descend(theta, most, False)
        if not (result.status is Status.NON_FINITE and result.iterate.n_iter == 0):
            return result
        other = self.recover()
        if other is None:
            raise ValueError(f"start_params must give a finite likelihood, got {result.message}")
        return self.descend(other, most, False)

    def _looked(self, result: Fit) -> Fit:
        """Return the fit once nothing around its end is lower, or with the ridge that it is on."""
        for _ in range(_AGAIN):
            around = self.look(result)
            left = self.max_iter - result.iterate.n_iter
            if left <= 0 or (around.lower is None and not around.far):
                return self.conclude(result, around)
            at = result.theta if around.lower is None else around.lower
            again = self.descend(at, left, around.far)
            slack = noise(result.iterate.value)
            if around.far and not again.iterate.value < result.iterate.value - slack:
                return result
            result = result.then(again)
        return self.conclude(result, self.look(result))


def look(objective: Likelihood, result: Fit) -> Outlook:
    """Return what lies around the end of a fit, where that may say more than its gradient.

    In a full exponential family the likelihood has one maximum, and a conditional model has no
    Hessian.

    Returns
    -------
    Outlook
        An empty one where nothing was asked for.
    """
    kind, last = objective.distribution.information, result.iterate
    plain = kind.agrees and kind.measures and not objective.penalised
    # A logarithm that falls without end has no distance to go.
    near = result.status is Status.MAX_ITER and last.distance <= result.verdict.tol
    if plain or not objective.model.shared or not (near or result.status in _UNPROVED):
        return Outlook()
    family = objective.distribution
    with np.errstate(all="ignore"):
        # A limit that the family itself knows needs no walk to it.
        if family.limit_at(objective.rows, objective.model.eta(result.theta, None)[0]) is not None:
            return Outlook()
    return outlook(objective, result.iterate, result.verdict.tol)


def worn_out(objective: Likelihood, result: Fit) -> Fit:
    """Return the fit; one that found no descent because the log-density is noise ends at rounding.

    Terms of a user-supplied formula may be larger than their sum, so that its rounding is larger
    than that of the sum. It is measured by third differences on a way so short that the objective
    is a straight line there.

    Returns
    -------
    Fit
        With the status ``rounding_floor``, or ``boundary`` where a parameter is held at a limit.
    """
    last = result.iterate
    plain = result.status is not Status.NO_DESCENT or not objective.distribution.by_differences
    if plain or not objective.model.shared or not last.distance < 1.0:
        return result
    size = rounding_at(objective, last.theta)
    if not 0.5 * last.distance**2 / objective.yardstick < _ERRORS * size:
        return result
    status = Status.ROUNDING_FLOOR if objective.bound_note is None else Status.BOUNDARY
    return replace(result, verdict=replace(result.verdict, status=status))


def on_ridge(objective: Likelihood, result: Fit, around: Outlook) -> Fit:
    """Return the fit; one whose end lies on a ridge ends as ``boundary``, or as ``singular``."""
    result = worn_out(objective, result)
    ends, status = around.ridge, result.status
    # A search that failed far from an optimum has other reasons.
    failed = status is Status.NO_DESCENT and not (result.iterate.distance < 1.0 or around.still)
    if ends is None or status is Status.BOUNDARY or failed:
        return result
    if around.both:
        names = objective.named(tuple(ends))
        verdict = replace(result.verdict, status=Status.SINGULAR, unidentified=names)
        return replace(result, verdict=verdict)
    where = " and ".join(
        objective.bound(i, "upper" if up > 0 else "lower") for i, up in ends.items()
    )
    together = " together" if len(ends) > 1 else ""
    reason = (
        f"the likelihood levels off as {where}{together}: the data do not tell the estimates from "
        "this limit"
    )
    verdict = replace(result.verdict, status=Status.BOUNDARY, reason=reason)
    return replace(result, verdict=verdict)

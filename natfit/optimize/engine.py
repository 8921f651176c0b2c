"""The components of one run, resolved and validated together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from natfit._component import resolve
from natfit._validation import check_number
from natfit.damping.base import Damping
from natfit.damping.relative import RelativeDamping
from natfit.iterate.status import Status
from natfit.metrics.base import Metric
from natfit.objectives import Objective
from natfit.solvers.base import Solver
from natfit.steps.base import Step


@dataclass(frozen=True)
class Engine:
    """The resolved components of one run and the numbers that end it, without the problem itself.

    Attributes
    ----------
    metric, solver, step, damping
        The components.
    tol : float
        Distance to the optimum at which a run has converged, in standard errors for a
        likelihood.
    max_iter : int
        Maximum number of iterations.
    """

    metric: Metric
    solver: Solver
    step: Step
    damping: Damping
    tol: float
    max_iter: int

    def prepared(self, objective: Objective) -> Engine:
        """Return the engine with its metric prepared for an objective; itself if it is prepared.

        Returns
        -------
        Engine
            An engine whose metric can be evaluated at any iterate.

        Raises
        ------
        ValueError
            If the objective lacks what the metric needs; the message names another metric.
        """
        metric = self.metric.prepare(objective)
        return self if metric is self.metric else replace(self, metric=metric)

    def shortfall(self, objective: Objective) -> str | None:
        """Tell in words that the metric is singular whatever the data are, and what to do.

        Returns
        -------
        str or None
            None if the metric may be regular, or damping makes it so.
        """
        limit = self.metric.rank_limit(objective)
        if limit is None or self.damping.start() > 0.0:
            return None
        rank, why = limit
        return (
            f"{type(self.metric).__name__} is singular: it has a rank of at most {rank} for "
            f"{objective.n_params} parameters, because {why}, or damp it, for instance with "
            "damping=0.1"
        )

    def ended_as_asked(self, status: Status) -> bool:
        """Tell whether a run ended as the caller asked, so that it needs no warning.

        Reaching ``max_iter`` is what the caller asked for if ``tol`` is 0 or the step rule keeps a
        fixed length.

        Returns
        -------
        bool
            False if a ``ConvergenceWarning`` is needed.
        """
        asked = status is Status.MAX_ITER and (self.tol == 0.0 or not self.step.converges)
        stopped = (Status.STOPPED_BY_CALLBACK, Status.EARLY_STOPPED)
        return status.good or asked or status in stopped


def resolve_damping(damping: Any) -> Damping:
    """Return a damping: None is no damping, a number is the strength of ``relative`` damping."""
    if damping is None:
        damping = "none"
    elif isinstance(damping, int | float) and not isinstance(damping, bool):
        damping = RelativeDamping(damping)
    return resolve(damping, Damping)


def resolve_engine(
    metric: Any, solver: Any, step: Any, damping: Any, tol: Any, max_iter: Any
) -> Engine:
    """Return the resolved and validated components that the loop needs."""
    chosen = resolve(step, Step)
    chosen.check()
    resolved = resolve_damping(damping)
    resolved.start()
    inverse = resolve(solver, Solver).anew()
    inverse.check()
    return Engine(
        resolve(metric, Metric),
        inverse,
        chosen,
        resolved,
        check_number(tol, "tol", low=0.0, hint="1e-5"),
        int(check_number(max_iter, "max_iter", low=1, integer=True, hint="100")),
    )

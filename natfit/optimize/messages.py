"""The facts about the end of a run, and the message that is made from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from natfit.iterate import Iterate, Status
from natfit.objectives import Objective, listed

#: What to do where the distance to the optimum is beyond the accuracy of numbers.
_FAR = (
    "this is too far off for a way back to be seen in rounded numbers: give start values near "
    "those that are expected, or none, and check the data's range"
)


@dataclass(frozen=True)
class Verdict:
    """The facts about the end of a run; ``message`` states them in words.

    If two runs are one fit for the user, they are joined by replacing fields.

    Attributes
    ----------
    status : Status
    theta : ndarray of shape (P,)
        Where the run ended.
    value, distance : float
        The objective there, and its distance to the optimum.
    n_iter, max_iter : int
        Number of iterations made, and their maximum number.
    tol : float
        Distance at which the run would have converged.
    probabilistic : bool
        Whether the objective is a likelihood: distances are then in standard errors.
    bounds : tuple of str
        For each coordinate that rests at a limit, its name and this limit.
    by_rows : bool
        Whether all these limits are rows themselves, the smallest or the largest.
    bound_note : str or None
        What had to be limited so that the objective has a minimum, in words.
    unidentified : tuple of str
        Names of the coordinates that the data do not determine.
    runaway : str or None
        The coordinate along which the objective falls without limit, and where it tends to.
    rose_from : float or None
        The objective at the start, if a step rule that may ascend ended above it without
        converging.
    reason : str or None
        Why there is no optimum, as the family explains it, or what lies around the end; it
        replaces what the run found.
    remedy : str or None
        What to do about it, where the status alone does not tell.
    singular : bool
        Whether the metric was singular whatever the data are, as the remedy then says.
    """

    status: Status
    theta: np.ndarray
    value: float
    distance: float
    n_iter: int
    tol: float
    max_iter: int
    probabilistic: bool = False
    bounds: tuple[str, ...] = ()
    by_rows: bool = False
    bound_note: str | None = None
    unidentified: tuple[str, ...] = ()
    runaway: str | None = None
    rose_from: float | None = None
    reason: str | None = None
    remedy: str | None = None
    singular: bool = False

    @classmethod
    def of(
        cls,
        status: Status,
        objective: Objective,
        last: Iterate,
        tol: float,
        max_iter: int,
        lost: int | None = None,
        rose_from: float | None = None,
    ) -> Verdict:
        """Gather the facts at the last iterate.

        ``lost`` is the coordinate along which the objective falls without limit, if there is one.

        Returns
        -------
        Verdict
            The facts, of which ``message`` is made.
        """
        theta = last.theta
        runaway = None
        if lost is not None:
            runaway = objective.bound(lost, "upper" if theta[lost] > 0 else "lower")
        bounds: tuple[str, ...] = ()
        by_rows = False
        if last.active:
            low, _, _ = objective.limits()
            sides = ["lower" if theta[i] <= low[i] else "upper" for i in last.active]
            pairs = zip(last.active, sides, strict=True)
            bounds = tuple(objective.bound(i, side) for i, side in pairs)
            by_rows = all(i in objective.row_ends for i in last.active)
        return cls(
            status=status,
            theta=theta,
            value=last.value,
            distance=last.distance,
            n_iter=last.n_iter,
            tol=tol,
            max_iter=max_iter,
            probabilistic=objective.probabilistic,
            bounds=bounds,
            by_rows=by_rows,
            bound_note=objective.bound_note,
            unidentified=objective.named(last.unidentified),
            runaway=runaway,
            rose_from=rose_from,
            remedy=objective.remedies.get(status),
        )

    @property
    def message(self) -> str:
        """The status, what the run found, and the remedy if one is needed."""
        words = f"{self.status.value}: {self.reason or self._found()}"
        # A limit that the caller of minimize set needs no remedy, and a row none either.
        own_bound = self.status is Status.BOUNDARY and not self.probabilistic
        if self.status is Status.BOUNDARY and self.by_rows:
            words += ", and standard errors do not apply to an end of the support"
        elif not (self.status.good or own_bound):
            words += f"; {self.remedy or (_FAR if self._far else self.status.remedy)}"
        if self.rose_from is not None and self.reason is None:
            words += f"; the objective rose from {self.rose_from:.6g} to {self.value:.6g}: "
            words += "shorten the step"
        return words

    @property
    def _far(self) -> bool:
        """Whether the end is so far off that a step of one unit is lost in rounding."""
        failed = self.status in (Status.NO_DESCENT, Status.MAX_ITER)
        lost = float(self.distance) * float(np.finfo(float).eps) > 1.0
        return self.probabilistic and failed and lost

    def _found(self) -> str:
        """Return in words what the run found at its end."""
        unit = "standard errors" if self.probabilistic else "in the metric's norm"
        # Steps of batches do not measure it.
        far = "not known" if np.isnan(self.distance) else f"{self.distance:.2g} {unit}"
        near = f"the distance to the optimum is {far}"
        match self.status:
            case Status.CONVERGED:
                return f"{near}, within tol={self.tol:g}"
            case Status.GRADIENT_SMALL:
                norm = f"the norm of the natural gradient is {self.distance:.2g}"
                if self.probabilistic:
                    return f"{norm}, within tol={self.tol:g}"
                return (
                    f"{norm}, within tol={self.tol:g}, but the gradient is not small beside the "
                    "function and the first gradient; if the function is in small units, multiply "
                    "it by a constant"
                )
            case Status.ROUNDING_FLOOR:
                return f"rounding hides any further descent; {near}"
            case Status.BOUNDARY:
                one = "the best value lies at this limit"
                several = "the best values lie at these limits"
                where = f"{', '.join(self.bounds)}: {several if len(self.bounds) > 1 else one}"
                lost = listed(self.unidentified)
                rest = "all other parameters are at their optimum"
                rest = f"the data do not determine {lost} there" if lost else rest
                return f"{self.bound_note or where}; {rest}"
            case Status.UNBOUNDED:
                return f"the likelihood grows without limit as {self.runaway}"
            case Status.MAX_ITER:
                return f"max_iter={self.max_iter} was reached; {near}, and tol is {self.tol:g}"
            case Status.NO_DESCENT:
                what = "no step along the direction lowers the objective"
                return f"{what}, which is {self.value:.6g}; {near}"
            case Status.SINGULAR:
                which = listed(self.unidentified)
                return f"the data do not determine {which}: the information matrix is singular"
            case Status.NON_FINITE:
                where = np.array2string(self.theta, precision=4, threshold=6)
                what = "the objective, its gradient or the metric is not finite"
                return f"{what} near theta = {where}, where the objective is {self.value:.6g}"
            case Status.EARLY_STOPPED:
                return f"rows held out ended the fit after {self.n_iter} iterations"
            case Status.STOPPED_BY_CALLBACK:
                plural = "" if self.n_iter == 1 else "s"
                return f"a callback stopped the fit after {self.n_iter} iteration{plural}"

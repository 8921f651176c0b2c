"""Why a run ended: the facts, and the words that are made of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from natfit.iterate import Iterate, Status
from natfit.objectives import Objective


@dataclass(frozen=True)
class Verdict:
    """The facts of a run's end; ``message`` has them in words.

    Two runs that are one to the user are joined by changing fields.

    Attributes
    ----------
    status : Status
    theta : ndarray of shape (P,)
        Where the run ended.
    value, distance : float
        The objective there, and its distance to the optimum.
    n_iter, max_iter : int
        Iterations made and allowed.
    tol : float
        Distance that was asked for.
    probabilistic : bool
        Whether the objective is a likelihood: distances are then in standard errors.
    bounds : tuple of str
        What each coordinate that rests at a limit has run to.
    bound_note : str or None
        What had to be limited for the objective to have a minimum at all.
    unidentified : tuple of str
        Names of the coordinates that the data do not determine.
    runaway : str or None
        What the coordinate ran to along which the objective falls for ever.
    rose_from : float or None
        The first value, where a step that may climb ended above it without success.
    reason : str or None
        Why there is no optimum, from one who knows better; it takes the place of what the run
        found.
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
    bound_note: str | None = None
    unidentified: tuple[str, ...] = ()
    runaway: str | None = None
    rose_from: float | None = None
    reason: str | None = None

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
        """Gather the facts at the last iterate; ``lost`` is the coordinate that ran away."""
        theta = last.theta
        runaway = None
        if lost is not None:
            runaway = objective.bound(lost, "upper" if theta[lost] > 0 else "lower")
        bounds: tuple[str, ...] = ()
        if last.active:
            low, _, _ = objective.limits()
            sides = ["lower" if theta[i] <= low[i] else "upper" for i in last.active]
            pairs = zip(last.active, sides, strict=True)
            bounds = tuple(objective.bound(i, side) for i, side in pairs)
        names = objective.names() if last.unidentified else ()
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
            bound_note=objective.bound_note,
            unidentified=tuple(names[i] for i in last.unidentified),
            runaway=runaway,
            rose_from=rose_from,
        )

    @property
    def message(self) -> str:
        """The status, what was found, and the remedy where one is needed."""
        words = f"{self.status.value}: {self.reason or self._found()}"
        # A limit that the caller of minimize set needs no remedy.
        own_bound = self.status is Status.BOUNDARY and not self.probabilistic
        if not (self.status.good or own_bound):
            words += f"; {self.status.remedy}"
        if self.rose_from is not None and self.reason is None:
            words += f"; the objective rose from {self.rose_from:.6g} to {self.value:.6g}: "
            words += "shorten the step"
        return words

    def _found(self) -> str:
        """What the run found at its end."""
        unit = "standard errors" if self.probabilistic else "in the metric's norm"
        near = f"distance {self.distance:.2g} {unit}"
        match self.status:
            case Status.CONVERGED:
                return f"distance to the optimum {self.distance:.2g} {unit} <= tol {self.tol:g}"
            case Status.GRADIENT_SMALL:
                return f"natural gradient {self.distance:.2g} <= tol {self.tol:g}"
            case Status.ROUNDING_FLOOR:
                return f"rounding hides any further descent at {near}"
            case Status.BOUNDARY:
                where = f"{', '.join(self.bounds)}: the best value lies at this bound"
                return f"{self.bound_note or where}; everything else is at its optimum"
            case Status.UNBOUNDED:
                return f"{self.runaway} and the likelihood grows all the way"
            case Status.MAX_ITER:
                return f"max_iter={self.max_iter} reached at {near}, tol {self.tol:g}"
            case Status.NO_DESCENT:
                what = "no step along the direction lowers the objective"
                return f"{what} {self.value:.6g}, at {near}"
            case Status.SINGULAR:
                which = ", ".join(self.unidentified)
                what = f"the data do not determine {which}"
                return f"{what}: the information matrix is singular in them"
            case Status.NON_FINITE:
                where = np.array2string(self.theta, precision=4, threshold=6)
                what = "the objective or its gradient is not finite"
                return f"{what} ({self.value:.6g}) near {where}"
            case Status.STOPPED_BY_CALLBACK:
                return f"a callback stopped the fit after {self.n_iter} iterations"

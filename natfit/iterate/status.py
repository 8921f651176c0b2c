"""Why a fit ended, and what to do about it."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """The reason for stopping; a string, so that ``status_ == "converged"`` holds."""

    CONVERGED = "converged"
    GRADIENT_SMALL = "gradient_small"
    ROUNDING_FLOOR = "rounding_floor"
    BOUNDARY = "boundary"
    MAX_ITER = "max_iter"
    NO_DESCENT = "no_descent"
    SINGULAR = "singular"
    UNBOUNDED = "unbounded"
    NON_FINITE = "non_finite"
    STOPPED_BY_CALLBACK = "stopped_by_callback"
    EARLY_STOPPED = "early_stopped"

    @property
    def good(self) -> bool:
        """Whether the optimum was reached as closely as double precision allows."""
        return self in (Status.CONVERGED, Status.GRADIENT_SMALL, Status.ROUNDING_FLOOR)

    @property
    def remedy(self) -> str:
        """What the user can do about this end, in words."""
        return _REMEDIES[self]


_REMEDIES = {
    Status.CONVERGED: "nothing to do",
    Status.GRADIENT_SMALL: (
        "nothing to do; the distance to the optimum is not known in standard errors, because the "
        "information matrix was too costly to form"
    ),
    Status.ROUNDING_FLOOR: (
        "nothing to do; if more digits are needed, centre the data or scale them"
    ),
    Status.BOUNDARY: (
        "use the simpler family that the limit stands for, fix the parameter, or collect data "
        "that determine it"
    ),
    Status.MAX_ITER: (
        "raise max_iter; if the distance has stopped falling, another metric (observed, for "
        "instance) or other start values may need fewer iterations"
    ),
    Status.NO_DESCENT: (
        "check that the gradient belongs to the objective; try damping='levenberg' or other "
        "start values"
    ),
    Status.SINGULAR: "drop or fix these parameters, or give data that determine them",
    Status.UNBOUNDED: (
        "these data have no maximum likelihood estimate in this family: fix a parameter, remove "
        "repeated values, or use another family"
    ),
    Status.NON_FINITE: "check the data's range and the start values; scale the data",
    Status.EARLY_STOPPED: "fit without early_stopping to use all rows",
    Status.STOPPED_BY_CALLBACK: "fit again with warm_start=True to go on",
}

"""The points that a search tried and refused, and the reason for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Why(StrEnum):
    """The reason for refusing a trial point."""

    DOMAIN = "domain"
    NOT_FINITE = "not finite"
    NO_DECREASE = "no decrease"
    DIVERGENCE = "divergence"
    ROUNDING = "rounding"


@dataclass(frozen=True, slots=True)
class Trial:
    """A point that a step looked at and refused.

    Attributes
    ----------
    length : float
        Multiple of the direction that leads there.
    value : float
        The objective there; NaN where it was not evaluated.
    divergence : float
        Divergence from the iterate in the step's metric; NaN where it was not measured.
    why : Why
        The point is outside the domain; the value or the gradient is not finite; the objective
        falls by less than the step rule requires; the divergence is beyond the radius; or the
        change is too small to be told from rounding errors.
    """

    length: float
    value: float
    divergence: float
    why: Why


def refusals(trials: Sequence[Trial]) -> str:
    """Return in words what a search that found no next iterate has tried."""
    if not trials:
        return "nothing was tried: the objective does not fall along the direction"
    counts = Counter(trial.why for trial in trials)
    found = ", ".join(f"{why.value} {n}" for why, n in counts.most_common())
    lengths = [trial.length for trial in trials]
    if len(trials) == 1:
        return f"1 trial was refused ({found}), length {lengths[0]:.3g}"
    span = f"lengths {max(lengths):.3g} to {min(lengths):.3g}"
    return f"{len(trials)} trials were refused ({found}), {span}"

"""What a search tried and refused, and why."""

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
        Outside the domain; a value or a gradient that is not finite; no decrease, or less than
        the step asks for; a divergence beyond the radius; a change that rounding hides.
    """

    length: float
    value: float
    divergence: float
    why: Why


def refusals(trials: Sequence[Trial]) -> str:
    """Say in words what a search without a result has tried."""
    if not trials:
        return "no trial: the direction promises no descent"
    counts = Counter(trial.why for trial in trials)
    found = ", ".join(f"{why.value} {n}" for why, n in counts.most_common())
    lengths = [trial.length for trial in trials]
    if len(trials) == 1:
        return f"1 trial refused ({found}), length {lengths[0]:.3g}"
    span = f"lengths {max(lengths):.3g} to {min(lengths):.3g}"
    return f"{len(trials)} trials refused ({found}), {span}"

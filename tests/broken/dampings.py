"""Dampings that are wrong on purpose."""

import numpy as np

from natfit import testing
from natfit.damping.base import Damping
from natfit.damping.levenberg import LevenbergDamping
from natfit.damping.relative import RelativeDamping
from tests.broken import caught_by

CHECKS = testing.DAMPING_CHECKS


@caught_by("adds_nonnegative_diagonal", "regularises_singular")
class Negative(RelativeDamping):
    """What is added is negative."""

    def added(self, operator, state):
        return -super().added(operator, state)


@caught_by("regularises_singular")
class NeedsDiagonal(RelativeDamping):
    """A zero on the diagonal is left at zero."""

    def added(self, operator, state):
        return state * operator.diag()


@caught_by("adapts_in_order")
class NeverRises(LevenbergDamping):
    """A rejected step leaves lambda as it is."""

    def rejected(self, state):
        return state


@caught_by("adapts_in_order")
class Undead(LevenbergDamping):
    """Lambda has no ``floor`` below which it counts as zero."""

    def added(self, operator, state):
        return max(state, 1e-3) * np.abs(operator.diag()) + 1e-30


@caught_by("keeps_state")
class Drifts(RelativeDamping):
    """The state changes though the damping does not adapt."""

    def accepted(self, state, ratio):
        return 0.9 * state


@caught_by("invariant_to_units")
class HalfUnits(Damping):
    """Scales with the root of diag(F)."""

    def start(self):
        return 0.1

    def added(self, operator, state):
        return state * np.sqrt(operator.diag()) + 1e-12


@caught_by("starts_nonnegative")
class StartsNegative(RelativeDamping):
    """A negative lambda."""

    def start(self):
        return -1e-3

    def added(self, operator, state):
        return super().added(operator, abs(state))

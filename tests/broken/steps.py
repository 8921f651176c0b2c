"""Steps that are wrong on purpose."""

from dataclasses import replace

import numpy as np

from natfit import testing
from natfit.iterate import Status
from natfit.solvers.base import SolveInfo
from natfit.steps.adam import AdamStep
from natfit.steps.backtracking import BacktrackingStep
from natfit.steps.base import plain
from natfit.steps.fixed import FixedStep
from natfit.steps.kl import KLStep
from tests.broken import caught_by

CHECKS = testing.STEP_CHECKS


@caught_by("never_ascends", "stops_on_wrong_gradient")
class AcceptsAscents(FixedStep):
    """Promises descent and goes its length anyway."""

    descends = True


@caught_by(
    "failed_search_is_recorded", "refused_trials_are_kept", "rejects_undefined", "stays_in_domain"
)
class LeavesDomain(FixedStep):
    """Does not ask for the domain."""

    descends = False

    def step(self, local):
        direction, info = local.solve()
        theta = local.iterate.theta - direction
        value, grad = local.objective.value_and_grad(theta)
        return local.move(theta, value, grad, 1.0, info=info)


@caught_by("keeps_its_radius")
class ShortRadius(KLStep):
    """beta without the 2 of the paper's Algorithm 1."""

    descends = False

    def step(self, local):
        direction, info = local.solve()
        square = local.operator.quad(direction)
        return plain(local, direction, float(np.sqrt(self.epsilon / square)), info=info)


@caught_by("changes_as_it_steps")
class ChangesOtherwise(AdamStep):
    """Goes half of what it tells whoever has no objective."""

    def step(self, local):
        direction, info = local.inward()
        memory, delta = self.begin(local.iterate.memory, len(direction)), np.empty(len(direction))
        rate = self.change(direction, memory, delta)
        found = plain(local, delta / -rate, 0.5 * rate, info=info)
        return found if found.status is not None else replace(found, memory=memory)


@caught_by("records_what_it_did", "refused_trials_are_kept")
class Misrecords(FixedStep):
    """Reports another length than it went."""

    descends = False

    def step(self, local):
        direction, info = local.solve()
        theta = local.iterate.theta - direction
        if not local.objective.in_domain(theta):
            return super().step(local)
        value, grad = local.objective.value_and_grad(theta)
        if not np.isfinite(value):
            return super().step(local)
        return local.move(theta, value, grad, 0.5, info=info)


@caught_by("lands_on_optimum", "never_ascends", "refused_trials_are_kept")
class HalfStep(BacktrackingStep):
    """Goes half of the way and calls it a step."""

    def step(self, local):
        after = super().step(local)
        theta = 0.5 * (after.theta + local.iterate.theta)
        if after.status is not None:
            return after
        value, grad = local.objective.value_and_grad(theta)
        return local.move(theta, value, grad, 0.5 * after.step_length, info=SolveInfo("half"))


@caught_by("repeats")
class Stateful(BacktrackingStep):
    """Remembers the last run."""

    _count = 0

    def step(self, local):
        type(self)._count += 1
        self.shrink = 0.5 + 1e-3 * (self._count % 7)
        return super().step(local)


@caught_by("reaches_optimum")
class Timid(BacktrackingStep):
    """Gives up before the optimum."""

    def step(self, local):
        if local.iterate.natural_norm < 1e-2:
            return local.stop(Status.NO_DESCENT)
        return super().step(local)


@caught_by("failed_search_is_recorded", "stops_on_wrong_gradient")
class SaysWhyInWords(BacktrackingStep):
    """Ends with a text, which no reason to stop equals."""

    def step(self, local):
        after = super().step(local)
        return after if after.status is None else replace(after, status="gave up")


@caught_by("failed_search_is_recorded")
class ForgetsFailures(BacktrackingStep):
    """Returns the iterate that it was given, with a status and nothing else."""

    def step(self, local):
        after = super().step(local)
        return after if after.status is None else replace(local.iterate, status=after.status)


@caught_by("refused_trials_are_kept")
class ForgetsTrials(BacktrackingStep):
    """What was refused on the way is lost."""

    def step(self, local):
        after = super().step(local)
        return after if after.status is not None else replace(after, trials=())

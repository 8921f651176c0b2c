"""The default: a unit step, shortened to an adaptive KL radius, then halved until it descends."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from natfit._validation import check_bool, check_number
from natfit.iterate import Iterate, Local, Status, Trial, Why
from natfit.objectives import Objective
from natfit.solvers.base import SolveInfo
from natfit.steps.base import MOST_TRIALS, Step

#: Halvings at rounding level: enough for a metric that is wrong by a factor of 1000.
_MOST_AT_ROUNDING = 10

#: Distance in standard errors below which a step that rounding of theta swallows is an end.
_HIDDEN = 1e-2


class BacktrackingStep(Step):
    """A unit natural-gradient step, capped, then halved until it is proved to descend.

    The step delta = -G^-1 grad f is capped three times: each logarithmic coordinate at a
    change of 3 (a factor of 20), the predicted divergence 1/2 delta'G delta at the radius, the
    coordinates at their limits. It is accepted when f is finite and lower by Armijo's rule
    and the realised divergence in the metric, where it has one, is at most ``kl_slack`` times
    the radius. Otherwise damping that adapts is increased and the direction solved anew, or the
    step is halved.

    The radius grows when a capped step did what the quadratic model predicted and shrinks
    when it did not, so that the end is quadratic and the beginning safe: raw unit steps from
    (0, 1) for N(12, 4^2) overshoot sigma to e^77.

    Where the predicted decrease is at rounding level a lower value proves nothing; a step is
    then accepted if the natural gradient's norm falls, and otherwise the fit ends as
    ``rounding_floor``.

    Parameters
    ----------
    epsilon : float, default=None
        First radius, > 0. None is 0.5 nats per row for a likelihood, and no radius for a plain
        function, whose values have no such unit.
    armijo : float, default=1e-4
        Share of the linear decrease that must be realised, in (0, 1).
    shrink : float, default=0.5
        Factor of a rejected step, in (0, 1).
    adaptive : bool, default=True
        Whether the radius adapts; without, it is a fixed cap.
    kl_slack : float, default=4.0
        Realised over allowed divergence at which a step is rejected, >= 1.
    """

    def __init__(
        self,
        epsilon: float | None = None,
        armijo: float = 1e-4,
        shrink: float = 0.5,
        adaptive: bool = True,
        kl_slack: float = 4.0,
    ):
        self.epsilon = epsilon
        self.armijo = armijo
        self.shrink = shrink
        self.adaptive = adaptive
        self.kl_slack = kl_slack

    def check(self) -> None:
        """Raise ValueError or TypeError for an option outside its range."""
        open_: dict[str, Any] = {"closed_low": False, "closed_high": False}
        if self.epsilon is not None:
            check_number(
                self.epsilon, "step__epsilon", low=0.0, closed_low=False, unit="nats", hint="0.5"
            )
        check_number(self.armijo, "step__armijo", low=0.0, high=1.0, hint="1e-4", **open_)
        check_number(self.shrink, "step__shrink", low=0.0, high=1.0, hint="0.5", **open_)
        check_bool(self.adaptive, "step__adaptive")
        check_number(self.kl_slack, "step__kl_slack", low=1.0, hint="4")

    def radius(self, objective: Objective) -> float:
        """Epsilon, or its default for this objective."""
        if self.epsilon is None:
            return 0.5 if objective.probabilistic else np.inf
        return float(self.epsilon)

    def step(self, local: Local) -> Iterate:
        """The next iterate: the capped unit step, shortened until it is accepted."""
        iterate, state, radius = local.iterate, local.iterate.damping, local.iterate.radius
        shrink, flat = 1.0, iterate.decrease < local.noise
        refused: list[Trial] = []
        for trial in range(MOST_TRIALS):
            theta, length, capped, info = self._capped(local, state, radius, shrink)
            delta = theta - iterate.theta
            decrease = -float(iterate.grad @ delta)
            if not decrease > 0:
                break
            square = 0.5 * local.operator.quad(delta)
            predicted = decrease - square
            found = self._try(local, theta, length, decrease, flat)
            if not isinstance(found, Trial):
                value, grad, spent = found
                ratio = (iterate.value - value) / predicted if predicted > 0 else 1.0
                return local.move(
                    theta,
                    value,
                    grad,
                    length,
                    info=info,
                    divergence=spent,
                    predicted_kl=square,
                    radius=self._adapt(radius, ratio, capped, square),
                    damping=local.damping.accepted(state, ratio),
                    trials=refused,
                )
            refused.append(found)
            if flat and trial >= _MOST_AT_ROUNDING:
                break
            if local.damping.adaptive and trial % 2 == 0:
                state = local.damping.rejected(state)
            else:
                shrink *= self.shrink
        worn_out = self._worn_out(local, flat)
        return local.stop(Status.ROUNDING_FLOOR if worn_out else Status.NO_DESCENT, refused)

    def _worn_out(self, local: Local, flat: bool) -> bool:
        """Whether rounding, of the objective or of theta, hides any further descent."""
        far = local.iterate.distance > 1.0 and local.objective.probabilistic
        if far or not np.isfinite(local.iterate.distance):
            # A standard error away nothing is hidden; an indefinite information may be a saddle's.
            return False
        if flat:
            return True
        direction, _ = local.solve(0.0)
        ulp = np.spacing(np.abs(local.iterate.theta))
        return bool((np.abs(direction) <= 4.0 * ulp).any() and local.iterate.distance < _HIDDEN)

    def _capped(
        self, local: Local, state: float, radius: float, shrink: float
    ) -> tuple[np.ndarray, float, bool, SolveInfo]:
        """Where the step leads after all caps, its relative length, whether a cap held."""
        delta, info = local.boxed(state)
        square = 0.5 * local.operator.quad(delta)
        length, capped = shrink, shrink < 1.0
        if square > radius:
            length *= np.sqrt(radius / square)
            capped = True
        theta = local.shift(delta, length)
        if not float(local.iterate.grad @ (theta - local.iterate.theta)) < 0:
            # Several limits at once may turn the step uphill; cut the direction as a whole.
            direction, info = local.solve(state)
            theta = local.shift(local.shorten(-direction), length)
        return theta, length, capped, info

    def _try(
        self, local: Local, theta: np.ndarray, length: float, decrease: float, flat: bool
    ) -> tuple[float, np.ndarray, float | None] | Trial:
        """Value, gradient and realised divergence at a trial point, or why it is refused."""
        objective, iterate = local.objective, local.iterate
        if not objective.in_domain(theta):
            return Trial(length, np.nan, np.nan, Why.DOMAIN)
        value, grad = objective.value_and_grad(theta)
        if not (math.isfinite(value) and np.isfinite(grad).all()):
            return Trial(length, value, np.nan, Why.NOT_FINITE)
        if flat:
            # Lower is noise here, but higher by more than noise is not.
            if value > iterate.value + local.noise:
                return Trial(length, value, np.nan, Why.NO_DECREASE)
            if not local.norm_falls(grad):
                return Trial(length, value, np.nan, Why.ROUNDING)
        elif not (value < iterate.value and value <= iterate.value - self.armijo * decrease):
            # Rounding may swallow the decrease that is asked for: equal is not lower.
            return Trial(length, value, np.nan, Why.NO_DECREASE)
        elif local.last and not local.gains(value):
            # The only step there is: its predicted decrease was not measured beforehand.
            return Trial(length, value, np.nan, Why.ROUNDING)
        spent = local.divergence(theta)
        allowed = self.kl_slack * max(iterate.radius, self.radius(objective))
        if spent is not None and spent > allowed:
            return Trial(length, value, spent, Why.DIVERGENCE)
        return value, grad, spent

    def _adapt(self, radius: float, ratio: float, capped: bool, square: float) -> float:
        """Grow fourfold after a capped step that did as predicted, shrink after a poor one."""
        if not self.adaptive:
            return radius
        if ratio < 0.25:
            return max(min(radius, square) * 0.25, 1e-10)
        return radius * 4.0 if ratio > 0.5 and capped else radius

    @classmethod
    def examples(cls) -> list[Step]:
        """Return an adaptive and a fixed cap."""
        return [cls(), cls(epsilon=0.05, adaptive=False)]

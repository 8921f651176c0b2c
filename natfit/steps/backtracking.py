"""The default: a unit step, shortened to an adaptive KL radius, then halved until it descends."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from natfit._validation import check_bool, check_number
from natfit.iterate import Iterate, Local, Status, Trial, Why, refined
from natfit.objectives import Objective
from natfit.solvers.base import SolveInfo
from natfit.steps._doubling import doubled, expected, multiple_of
from natfit.steps.base import BEYOND, MOST_TRIALS, Step

#: Maximum number of halvings where the predicted decrease is at the level of rounding: enough for a
#: metric that is wrong by a factor of 1000.
_MOST_AT_ROUNDING = 10

#: Distance in standard errors below which the fit ends if rounding of theta swallows its step.
_HIDDEN = 1e-2


#: Lengths of a step that one pass over costly rows serves.
_AT_ONCE = 6

#: The least radius, in nats per row.
_LEAST = 1e-10


class BacktrackingStep(Step):
    """A unit natural-gradient step, limited in length, then halved until it is proved to descend.

    The step delta = -G^-1 grad f is limited in three ways: a logarithmic coordinate changes by at
    most 3 (a factor of 20), the predicted divergence 1/2 delta' (G + D) delta with the damping D is
    at most the radius, and no coordinate goes beyond its limits. In a metric whose unit is not that
    of f, such as the Wasserstein metric, it is first given the length at which the quadratic model
    of f, with its information, is lowest. Plain functions in the Euclidean metric have no such
    model: each step is tried at twice the last length, and the first one is as long as x. The step
    is accepted if f is finite and lower by Armijo's rule, and if the actual divergence, where the
    metric has one, is at most ``kl_slack`` times the radius. Otherwise the step is halved, or, with
    a damping that adapts, the damping is increased and the direction is computed again.

    The radius grows after a shortened step for which the quadratic model predicted the decrease
    well, and shrinks after a step for which it did not. The first steps are therefore safe (without
    a radius, unit steps from (0, 1) for N(12, 4^2) lead to sigma = e^80), and the last ones
    converge quadratically.

    Where the predicted decrease is at the level of rounding, a lower value proves nothing. A step
    is then accepted if the norm of the natural gradient falls, and otherwise the fit ends as
    ``rounding_floor``. That level is measured where all steps are refused: the terms that f sums
    may be far larger than f itself, as those of large counts are.

    Parameters
    ----------
    epsilon : float, default=None
        The first radius, > 0. None means 0.5 nats per row for a likelihood, and no radius for a
        plain function, whose values have no natural unit.
    armijo : float, default=1e-4
        The share of the decrease predicted by the gradient that must be achieved, in (0, 1).
    shrink : float, default=0.5
        The factor by which a rejected step is shortened, in (0, 1).
    adaptive : bool, default=True
        Whether the radius adapts; if it does not, it stays at ``epsilon``.
    kl_slack : float, default=3.0
        The ratio of the actual divergence to the radius above which a step is rejected, >= 1.
    """

    def __init__(
        self,
        epsilon: float | None = None,
        armijo: float = 1e-4,
        shrink: float = 0.5,
        adaptive: bool = True,
        kl_slack: float = BEYOND,
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
        check_number(self.kl_slack, "step__kl_slack", low=1.0, hint="3")

    def radius(self, objective: Objective) -> float:
        """Return the first radius: ``epsilon``, or its default for this objective."""
        if self.epsilon is None:
            return 0.5 if objective.probabilistic else np.inf
        return float(self.epsilon)

    def step(self, local: Local) -> Iterate:
        """Return the next iterate: the limited unit step, shortened until it is accepted."""
        iterate, state, radius = local.iterate, local.iterate.damping, local.iterate.radius
        gain = expected(local) if local.unitless else iterate.decrease
        shrink, flat = 1.0, gain < local.noise
        refused: list[Trial] = []
        whole = _whole(local, state, radius)
        for trial in range(MOST_TRIALS):
            theta, delta, length, info = whole.end(local, shrink)
            decrease = -float(iterate.grad @ delta)
            if not decrease > 0:
                break
            square = _half_square(local, delta, state, decrease * min(length, 1.0), info)
            predicted = decrease - (square if info.indefinite else 0.5 * local.quad(delta))
            if local.unitless:
                predicted = decrease
            found = self._try(local, theta, length, decrease, flat)
            if not isinstance(found, Trial):
                value, grad, spent = found
                ratio = (iterate.value - value) / predicted if predicted > 0 else 1.0
                after = local.move(
                    theta,
                    value,
                    grad,
                    length,
                    info=info,
                    divergence=spent,
                    predicted_kl=square,
                    radius=self._adapt(radius, ratio, whole.capped or shrink < 1.0, square, local),
                    damping=local.damping.accepted(state, ratio),
                    trials=refused,
                )
                return replace(after, memory=multiple_of(local, delta)) if local.unitless else after
            refused.append(found)
            if flat and trial >= _MOST_AT_ROUNDING:
                break
            if local.damping.adaptive and trial % 2 == 0:
                state = local.damping.rejected(state)
                whole = _whole(local, state, radius)
            else:
                shrink *= self.shrink
            self._foresee(local, whole, shrink)
        if self._sees_more(local, flat, gain):
            return self.step(local)
        return self._stopped(local, flat, refused)

    def _sees_more(self, local: Local, flat: bool, gain: float) -> bool:
        """Tell whether the same iterate, looked at more closely, has a descent to see."""
        iterate = local.iterate
        if flat:
            return refined(local.objective, iterate.theta, iterate.value, gain)
        return local.hidden()

    def _stopped(self, local: Local, flat: bool, refused: list[Trial]) -> Iterate:
        """Return the same iterate with the reason why no step leads on."""
        # Where no length is known to be right, values that are level whatever it is prove rounding.
        value = local.iterate.value
        level = all(abs(trial.value - value) <= local.noise for trial in refused)
        worn_out = self._worn_out(local, flat or (local.unitless and level))
        return local.stop(Status.ROUNDING_FLOOR if worn_out else Status.NO_DESCENT, refused)

    def _worn_out(self, local: Local, flat: bool) -> bool:
        """Tell whether rounding of the objective or of theta hides any further descent."""
        far = local.iterate.distance > 1.0 and local.objective.probabilistic
        if far or not np.isfinite(local.iterate.distance):
            # Rounding hides nothing at a distance of a standard error. An infinite distance stands
            # for an indefinite information, which may be that of a saddle.
            return False
        if flat:
            return True
        direction, _ = local.solve(0.0)
        ulp = np.spacing(np.abs(local.iterate.theta))
        return bool((np.abs(direction) <= 4.0 * ulp).any() and local.iterate.distance < _HIDDEN)

    def _foresee(self, local: Local, whole: _Whole, shrink: float) -> None:
        """Let an objective that can evaluate several lengths at once do so, the next one first."""
        if not local.objective.foresees or local.damping.adaptive:
            return
        ends = [whole.end(local, shrink * self.shrink**k)[0] for k in range(_AT_ONCE)]
        local.objective.foresee([end for end in ends if local.objective.in_domain(end)])

    def _try(
        self, local: Local, theta: np.ndarray, length: float, decrease: float, flat: bool
    ) -> tuple[float, np.ndarray, float | None] | Trial:
        """Return value, gradient and actual divergence at a trial point, or why it is refused."""
        objective, iterate = local.objective, local.iterate
        if not objective.in_domain(theta):
            return Trial(length, np.nan, np.nan, Why.DOMAIN)
        value, grad = objective.value_and_grad(theta)
        if not (math.isfinite(value) and np.isfinite(grad).all()):
            return Trial(length, value, np.nan, Why.NOT_FINITE)
        # Where little decrease is predicted a lower value proves nothing, but one that is higher by
        # more than rounding does. Elsewhere an equal value is not lower.
        high = iterate.value + local.noise
        enough = value < iterate.value and value <= iterate.value - self.armijo * decrease
        if value > high if flat else not enough:
            return Trial(length, value, np.nan, Why.NO_DECREASE)
        gains = local.gains(value)
        falls = gains and not flat or local.norm_falls(grad) or self._leaves(local, theta, grad)
        if not gains and local.last or not falls:
            # A gain that rounding may have made is one if the natural gradient is shorter; the
            # only step that is made is not corrected by later ones.
            return Trial(length, value, np.nan, Why.ROUNDING)
        spent = local.divergence(theta)
        allowed = self.kl_slack * max(iterate.radius, self.radius(objective))
        if spent is not None and spent > allowed:
            return Trial(length, value, spent, Why.DIVERGENCE)
        return value, grad, spent

    def _leaves(self, local: Local, theta: np.ndarray, grad: np.ndarray) -> bool:
        """Tell whether a step out of negative curvature, where gradients grow, still descends."""
        iterate = local.iterate
        return math.isinf(iterate.distance) and float(grad @ (theta - iterate.theta)) < 0.0

    def _adapt(
        self, radius: float, ratio: float, capped: bool, square: float, local: Local
    ) -> float:
        """Return the next radius: larger after a good step that was shortened, or smaller."""
        if not self.adaptive:
            return radius
        if ratio < 0.25:
            # A plain function has no unit, and therefore no least radius.
            least = _LEAST if local.objective.probabilistic else np.finfo(float).tiny
            return max(min(radius, square) * 0.25, least)
        return radius * 4.0 if ratio > 0.5 and capped else radius

    @classmethod
    def examples(cls) -> list[Step]:
        """Return one step rule with an adaptive and one with a fixed radius."""
        return [cls(), cls(epsilon=0.05, adaptive=False)]


@dataclass(frozen=True)
class _Whole:
    """The step that is shortened, delta (P,), its length within the radius, and its solve."""

    delta: np.ndarray
    length: float
    info: SolveInfo
    state: float
    capped: bool

    def end(self, local: Local, shrink: float) -> tuple[np.ndarray, np.ndarray, float, SolveInfo]:
        """Return the end of a part of the step, the way to it, its length, and its solve."""
        length, info = shrink * self.length, self.info
        theta = local.shift(self.delta, length)
        if not float(local.iterate.grad @ (theta - local.iterate.theta)) < 0:
            # Several limits at once may turn the step uphill; then the whole direction is cut.
            direction, info = local.inward(self.state)
            theta = local.shift(local.shorten(-direction), length)
        return theta, theta - local.iterate.theta, length, info


def _whole(local: Local, state: float, radius: float) -> _Whole:
    """Return the step with a damping, limited by the radius."""
    if local.unitless:
        delta, info = doubled(local, state)
    else:
        delta, info = (local.boxed if local.metric.unit_step else local.rescaled)(state)
    square = _half_square(local, delta, state, -float(local.iterate.grad @ delta), info)
    capped = square > radius
    return _Whole(delta, np.sqrt(radius / square) if capped else 1.0, info, state, capped)


def _half_square(
    local: Local, delta: np.ndarray, state: float, slope: float, info: SolveInfo
) -> float:
    """Return 1/2 delta' (G + D) delta, in the matrix that made the step.

    G alone may be negative along a step however long it is, where the damping D, or a solver that
    replaces negative eigenvalues, has made it positive. The matrix |G + D| of such a solver gives
    -length g' delta, which is ``slope``.

    Returns
    -------
    float
        Half a squared length.
    """
    if info.indefinite and slope > 0:
        return 0.5 * slope
    return local.promised(delta, state)

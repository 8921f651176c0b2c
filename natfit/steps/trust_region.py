"""TRPO's step rule: the longest step whose objective and divergence pass their tests."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from natfit._validation import check_number
from natfit.iterate import Iterate, Local, Status, Trial, Why
from natfit.objectives import Objective
from natfit.steps.base import BEYOND, Step, shortened, toward

#: Share of the radius that is tried first. At the whole radius, rounding alone would reject half of
#: the steps whose divergence is quadratic.
_INSIDE = 1.0 - 1e-10

#: Share of the radius at which a search aims, and below which it looks for a longer step.
_AIM, _ENOUGH = 0.95, 0.8

#: Maximum number of longer steps that are tried, and the factor by which each may be longer.
_LONGER, _GROWTH = 3, 4.0


def _longest(local: Local, direction: np.ndarray) -> float:
    """Return the longest multiple of the direction: a fit need not go beyond its optimum."""
    if local.last or local.unitless:
        return np.inf
    if local.metric.unit_step:
        return 1.0
    delta, _ = local.rescaled(local.iterate.damping)
    size = float(np.abs(direction).max())
    return float(np.abs(delta).max()) / size if size > 0.0 else np.inf


class _Found(NamedTuple):
    """A point that passed the tests; a divergence of None was not measured."""

    theta: np.ndarray
    value: float
    grad: np.ndarray
    length: float
    divergence: float | None


class TrustRegionStep(Step):
    """theta <- theta - t d, whose divergence is at most epsilon, where the objective falls.

    The search begins at t = sqrt(2 epsilon / d' (G + D) d) with the damping D: the length of a step
    is measured in the matrix that made its direction. A t is accepted if the objective is finite
    and lower by more than rounding *and* the divergence of the step is at most epsilon. The
    divergence is KL(theta || theta') in a Fisher metric, and 1/2 delta' G delta if the objective
    has no divergence. Where the divergence is too large, the next t is the one that would bring it
    to epsilon if it were quadratic; a t that is refused for another reason is shortened by
    ``shrink``. Where an accepted step spends less than 0.8 epsilon, longer ones are tried in the
    same way, up to the length sqrt(2 epsilon / d' G d), and kept if the objective falls further:
    the radius that was given is used.

    If the metric predicts a decrease that is mere rounding, the norm of the natural gradient must
    fall instead. If there is no such t, the fit ends as ``no_descent`` at the theta where the step
    began. Every search begins anew, so that the noisy gradient of a policy is followed as far as
    the radius allows. In a fit t is at most the length at which the quadratic model of f is lowest,
    which is 1 unless the unit of the metric is not that of f. A fit that reaches ``max_iter`` gives
    no warning.

    Parameters
    ----------
    epsilon : float, default=0.01
        The radius, > 0; in nats per row if G is the Fisher information.
    shrink : float, default=0.5
        The factor by which a step that does not lower the objective is shortened, in (0, 1).
    max_backtracks : int, default=10
        Maximum number of rejected trials, >= 0.

    Notes
    -----
    Schulman et al. (2015), Trust region policy optimization, appendix C, where t is halved.
    """

    converges = False

    def __init__(self, epsilon: float = 0.01, shrink: float = 0.5, max_backtracks: int = 10):
        self.epsilon = epsilon
        self.shrink = shrink
        self.max_backtracks = max_backtracks

    def check(self) -> None:
        """Raise ValueError or TypeError for an option outside its range."""
        open_: dict[str, Any] = {"closed_low": False, "closed_high": False}
        check_number(
            self.epsilon, "step__epsilon", low=0.0, closed_low=False, unit="nats", hint="0.01"
        )
        check_number(self.shrink, "step__shrink", low=0.0, high=1.0, hint="0.5", **open_)
        check_number(self.max_backtracks, "step__max_backtracks", low=0, integer=True, hint="10")

    def radius(self, objective: Objective) -> float:
        """Return the trust radius ``epsilon``, in nats per row if G is the Fisher information."""
        return float(self.epsilon)

    def step(self, local: Local) -> Iterate:
        """Return the next iterate by a search that begins at the radius."""
        direction, info = local.inward()
        iterate = local.iterate
        square = 2.0 * local.promised(direction)
        if not (np.isfinite(square) and square > 0 and float(iterate.grad @ direction) > 0):
            return local.stop(Status.NO_DESCENT)
        length = min(
            float(_INSIDE * np.sqrt(2.0 * self.epsilon / square)), _longest(local, direction)
        )
        refused: list[Trial] = []
        for _ in range(self.max_backtracks + 1):
            found = self._try(local, direction, length)
            if not isinstance(found, Trial):
                found = self._longer(local, direction, found, refused)
                gain = float(iterate.grad @ (iterate.theta - found.theta))
                ratio = (iterate.value - found.value) / gain if gain > 0.0 else 1.0
                return local.move(
                    found.theta,
                    found.value,
                    found.grad,
                    found.length,
                    info=info,
                    divergence=found.divergence,
                    predicted_kl=local.promised(found.theta - iterate.theta),
                    damping=local.damping.accepted(iterate.damping, ratio),
                    trials=refused,
                    note=shortened([t for t in refused if t.divergence > BEYOND * self.epsilon]),
                )
            refused.append(found)
            length *= toward(_AIM * self.epsilon, found, self.shrink)
        return local.stop(Status.NO_DESCENT, refused)

    def _longer(
        self, local: Local, direction: np.ndarray, found: _Found, refused: list[Trial]
    ) -> _Found:
        """Return a longer step that spends more of the radius and gains more, or the one found."""
        most = min((trial.length for trial in refused), default=np.inf)
        if not refused:
            square = local.quad(direction)
            full = np.sqrt(2.0 * self.epsilon / square) if square > 0 else np.inf
            most = max(min(_INSIDE * full, _longest(local, direction)), found.length)
        for _ in range(_LONGER):
            spent = found.divergence
            if spent is None or not 0 < spent < _ENOUGH * self.epsilon:
                break
            length = min(most, found.length * min(np.sqrt(_AIM * self.epsilon / spent), _GROWTH))
            if not length > (1.0 + 1e-6) * found.length:
                break
            other = self._try(local, direction, length)
            if isinstance(other, Trial) or not other.value < found.value - local.noise:
                break
            found = other
        return found

    def _try(self, local: Local, direction: np.ndarray, length: float) -> _Found | Trial:
        """Return what is found at a multiple of the direction, or why the point is refused."""
        objective, iterate = local.objective, local.iterate
        theta = local.clip(iterate.theta - length * direction)
        if not objective.in_domain(theta):
            return Trial(length, np.nan, np.nan, Why.DOMAIN)
        value = objective.value(theta)
        divergence = local.divergence(theta)
        spent = 0.5 * local.quad(theta - iterate.theta) if divergence is None else divergence
        if not np.isfinite(value):
            return Trial(length, value, spent, Why.NOT_FINITE)
        flat = iterate.decrease < local.noise and value <= iterate.value + local.noise
        if not (local.gains(value) or flat):
            lower = value < iterate.value
            return Trial(length, value, spent, Why.ROUNDING if lower else Why.NO_DECREASE)
        if not spent <= self.epsilon:
            return Trial(length, value, spent, Why.DIVERGENCE)
        grad = iterate.grad if local.last else objective.value_and_grad(theta)[1]
        if not np.all(np.isfinite(grad)):
            return Trial(length, value, spent, Why.NOT_FINITE)
        if not (local.gains(value) or local.norm_falls(grad)):
            return Trial(length, value, spent, Why.ROUNDING)
        return _Found(theta, value, grad, length, divergence)

"""TRPO's step rule: from the KL radius, halved until objective and divergence pass their tests."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit._validation import check_number
from natfit.iterate import Iterate, Local, Status, Trial, Why
from natfit.objectives import Objective
from natfit.steps.base import Step

#: Share of the radius that is tried first. At the whole radius, rounding alone would reject half of
#: the steps whose divergence is quadratic.
_INSIDE = 1.0 - 1e-10


class TrustRegionStep(Step):
    """theta <- theta - t beta d, beta = sqrt(2 epsilon / d' G d), t = 1, shrink, shrink^2, ...

    The rule takes the first t at which the objective is finite and lower by more than rounding
    *and* the divergence of the step is at most epsilon. The divergence is KL(theta || theta') in a
    Fisher metric, and 1/2 delta' G delta if the objective has no divergence. If the metric predicts
    a decrease that is mere rounding, the norm of the natural gradient must fall instead. If there
    is no such t, the fit ends as ``no_descent`` at the theta where the step began. Every search
    begins at the full radius, so that a noisy gradient is followed as far as the radius allows.
    This rule therefore does not converge, and a fit that reaches ``max_iter`` gives no warning.

    Parameters
    ----------
    epsilon : float, default=0.01
        The radius, > 0; in nats per row if G is the Fisher information.
    shrink : float, default=0.5
        The factor by which a rejected step is shortened, in (0, 1).
    max_backtracks : int, default=10
        Maximum number of rejected trials, >= 0.

    Notes
    -----
    Schulman et al. (2015), Trust region policy optimization, appendix C.
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
        """Return the next iterate by a search from the full radius downwards."""
        direction, info = local.inward()
        iterate = local.iterate
        refused: list[Trial] = []
        square = local.operator.quad(direction)
        if not (np.isfinite(square) and square > 0 and float(iterate.grad @ direction) > 0):
            return local.stop(Status.NO_DESCENT)
        length = float(_INSIDE * np.sqrt(2.0 * self.epsilon / square))
        for _ in range(self.max_backtracks + 1):
            theta = local.clip(iterate.theta - length * direction)
            found = self._try(local, theta, length)
            if not isinstance(found, Trial):
                value, grad, divergence, predicted = found
                ratio = (iterate.value - value) / float(iterate.grad @ (iterate.theta - theta))
                return local.move(
                    theta,
                    value,
                    grad,
                    length,
                    info=info,
                    divergence=divergence,
                    predicted_kl=predicted,
                    damping=local.damping.accepted(iterate.damping, ratio),
                    trials=refused,
                )
            refused.append(found)
            length *= self.shrink
        return local.stop(Status.NO_DESCENT, refused)

    def _try(
        self, local: Local, theta: np.ndarray, length: float
    ) -> tuple[float, np.ndarray, float | None, float] | Trial:
        """Return value, gradient, actual and predicted divergence, or why the point is refused."""
        objective, iterate = local.objective, local.iterate
        if not objective.in_domain(theta):
            return Trial(length, np.nan, np.nan, Why.DOMAIN)
        value = objective.value(theta)
        predicted = 0.5 * local.operator.quad(theta - iterate.theta)
        divergence = local.divergence(theta)
        spent = predicted if divergence is None else divergence
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
        return value, grad, divergence, predicted

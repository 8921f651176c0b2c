"""Exact line search: the first minimum of the objective along the direction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.optimize import brentq

from natfit._validation import check_number
from natfit.iterate import Iterate, Local, Status, Trial, Why
from natfit.steps.base import MOST_TRIALS, Step, plain


class ExactLineSearch(Step):
    """theta <- theta - t d, where t is the first minimum of f along the direction d.

    The zero of the slope phi'(t) = -d' grad f(theta - t d) is bracketed by doubling t and then
    found by Brent's method. For a quadratic f with gradient g and Hessian H the slope is linear,
    and one secant step gives the textbook's t = g' d / d' H d.

    Parameters
    ----------
    tol : float, default=1e-10
        Relative accuracy of the slope's zero, > 0.
    longest : float, default=1e6
        Largest t that is tried, > 0.
    """

    def __init__(self, tol: float = 1e-10, longest: float = 1e6):
        self.tol = tol
        self.longest = longest

    def check(self) -> None:
        """Raise ValueError or TypeError unless ``tol`` and ``longest`` are > 0."""
        check_number(self.tol, "step__tol", low=0.0, closed_low=False, hint="1e-10")
        check_number(self.longest, "step__longest", low=0.0, closed_low=False, hint="1e6")

    def step(self, local: Local) -> Iterate:
        """Return the next iterate, at the first minimum of f along the direction."""
        direction, info = local.inward()
        start = -float(local.iterate.grad @ direction)
        if not start < 0:
            return local.stop(Status.NO_DESCENT)
        # Every point that was looked at, in order: all of them are trials of a search that fails.
        seen: list[Trial] = []

        def slope(t: float) -> float:
            theta = local.clip(local.iterate.theta - t * direction)
            if not local.objective.in_domain(theta):
                seen.append(Trial(t, np.nan, np.nan, Why.DOMAIN))
                return np.nan
            value, grad = local.objective.value_and_grad(theta)
            if not (np.isfinite(value) and np.isfinite(grad).all()):
                seen.append(Trial(t, value, np.nan, Why.NOT_FINITE))
                return np.nan
            level = abs(value - local.iterate.value) <= local.noise
            seen.append(Trial(t, value, np.nan, Why.ROUNDING if level else Why.NO_DECREASE))
            return -float(grad @ direction)

        # At the first limit the line turns: the search ends there, and the next one goes on.
        longest = min(self.longest, local.reach(direction))
        length = self._zero(slope, start, longest) if longest > 0.0 else None
        if length is None:
            return local.stop(Status.NO_DESCENT, seen)
        found = plain(local, direction, length, info=info, trials=seen)
        if found.status is not None:
            return found
        if found.value > local.iterate.value + local.noise:
            # If the gradient does not belong to f, the zero of the slope is no minimum of f.
            higher = Trial(found.step_length, found.value, np.nan, Why.NO_DECREASE)
            return local.stop(Status.NO_DESCENT, [*found.trials, higher])
        if local.last and not local.gains(found.value):
            # A slope that is mere rounding may lead anywhere, and a policy's update has no later
            # step that would correct it. Elsewhere slopes prove what values cannot show.
            level = Trial(found.step_length, found.value, np.nan, Why.ROUNDING)
            return local.stop(Status.NO_DESCENT, [*found.trials, level])
        refused = (Why.DOMAIN, Why.NOT_FINITE)
        return replace(found, trials=tuple(t for t in found.trials if t.why in refused))

    def _zero(self, slope: Callable[[float], float], start: float, longest: float) -> float | None:
        """Return the first bracketed zero of the slope, or the largest t with a negative slope."""
        low, at_low, high = 0.0, start, min(1.0, longest)
        for _ in range(MOST_TRIALS):
            at_high = slope(high)
            if not np.isfinite(at_high):
                high = 0.5 * (low + high)
                continue
            if at_high >= 0:
                break
            low, at_low = high, at_high
            if high >= longest:
                return high
            high = min(2.0 * high, longest)
        else:
            return low if low > 0 else None
        secant = low - at_low * (high - low) / (at_high - at_low)
        at_secant = slope(secant)
        if abs(at_secant) <= self.tol * abs(start):
            return secant

        def uphill(t: float) -> float:
            # A hole between the ends is a wall: the minimum is sought before it.
            found = slope(t)
            return found if np.isfinite(found) else abs(start)

        return float(brentq(uphill, low, high, xtol=1e-14 * high, rtol=max(self.tol, 1e-15)))

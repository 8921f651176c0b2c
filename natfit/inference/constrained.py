"""Refits in which a function of the parameters is held at a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from natfit.inference.surface import Function, Surface, definite

#: Distance to the constrained optimum, in standard errors, at which a refit has converged: the
#: profile is then off by the square of it, 1e-12.
TOLERANCE = 1e-6

#: Iterations after which a refit is given up; near the optimum three or four suffice.
_MOST = 40

#: Halvings of a step, and corrections that bring g back to its value.
_MOST_HALVINGS, _MOST_CORRECTIONS = 15, 20

#: Distance of g from its value, in standard errors of g, that counts as none.
_ON_VALUE = 1e-10

#: The same where g itself is known to rounding only.
_WITHIN = 1e-6

#: Distance to the constrained optimum that is accepted where rounding of f ends the descent.
_AT_ROUNDING = 1e-4

#: Share of the predicted fall of f that a step must bring (Armijo's rule).
_SHARE = 1e-4


@dataclass(frozen=True)
class Refit:
    """The optimum of f among the theta at which g has a given value.

    Attributes
    ----------
    theta : ndarray of shape (P,)
    value : float
        f there, nats per row.
    multiplier : float
        m of ``grad f = m grad g``: the derivative of the profile in the value of g.
    matrix : ndarray of shape (P, P)
        The curvature of f there.
    rest : ndarray of bool, shape (P,)
        Coordinates that moved and rest at no limit.
    n_iter : int
        Number of iterations.
    converged : bool
        Whether the distance to the constrained optimum is below 1e-6 standard errors.
    """

    theta: np.ndarray
    value: float
    multiplier: float
    matrix: np.ndarray
    rest: np.ndarray
    n_iter: int
    converged: bool


class Constrained:
    """The theta at which a function g has a value c, on which f is minimised by Newton's method.

    A step solves ``min grad f'd + 1/2 d'(H - m G) d`` subject to ``grad g'd = c - g`` inside the
    limits, where H is the curvature of f, m the multiplier and G the second derivative of g. Then
    theta is moved along the natural gradient ``H^-1 grad g`` until g has the value, and the step is
    halved until f falls. Every iterate therefore has the value, and f falls from one to the next
    (the generalised reduced gradient; Nocedal & Wright 2006, Numerical Optimization, sections 15.3
    and 18.1).

    Parameters
    ----------
    surface : Surface
        The objective over the coordinates that may move.
    function : Function
        g.
    target : float
        The value c.
    """

    def __init__(self, surface: Surface, function: Function, target: float):
        self.surface = surface
        self.function = function
        self.target = target

    def refit(self, theta: np.ndarray) -> Refit | None:
        """Return the optimum of f among the theta with the value, from a theta nearby.

        Parameters
        ----------
        theta : ndarray of shape (P,)
            The start, such as the refit at a value nearby.

        Returns
        -------
        Refit or None
            None if no theta inside the limits with a finite f was found that has the value.
        """
        surface = self.surface
        matrix, _ = surface.curvature(theta)
        start = self._on_value(theta, matrix, surface.moving)
        if start is None:
            return None
        theta = start
        value, grad = surface.first(theta)
        if not np.isfinite(value):
            return None
        for count in range(_MOST + 1):
            matrix, own = surface.curvature(theta, grad)
            slope = self.function.gradient(theta)
            rest, multiplier, distance = surface.rest(theta, grad, slope, matrix)
            bent, along = self._bent(theta, grad, slope, (matrix, own), multiplier)
            if along:
                rest, multiplier, distance = surface.rest(theta, grad, slope, bent)
            reached = distance <= TOLERANCE
            if reached or count == _MOST:
                break
            step = self._step(theta, grad, slope, bent, rest)
            pull = grad - multiplier * slope
            found = self._descended(theta, value, pull, step, matrix, rest)
            if found is None:
                # Rounding of f hides a further descent near the optimum.
                reached = distance <= _AT_ROUNDING
                break
            theta, value, grad = found
        return Refit(theta, value, multiplier, matrix, rest, count, reached)

    def _bent(
        self,
        theta: np.ndarray,
        grad: np.ndarray,
        slope: np.ndarray,
        curvature: tuple[np.ndarray, bool],
        multiplier: float,
    ) -> tuple[np.ndarray, bool]:
        """Return the curvature of the Lagrangian, and whether it is definite along g's levels only.

        Returns
        -------
        matrix : ndarray of shape (P, P)
            Positive definite.
        along : bool
        """
        matrix, own = curvature
        surface, function = self.surface, self.function
        bent = lagrangian(surface, function, theta, matrix, multiplier)
        if own and (function.linear or bent is not matrix):
            return bent, False
        observed = matrix if own else surface.observed(theta, grad)
        if observed is not None and not function.linear:
            observed = observed - multiplier * function.curvature(theta, surface.widths(matrix))
        held = None if observed is None else surface.on_level(observed, slope, matrix)
        return (bent, False) if held is None else (held, True)

    def _step(
        self,
        theta: np.ndarray,
        grad: np.ndarray,
        slope: np.ndarray,
        bent: np.ndarray,
        free: np.ndarray,
    ) -> np.ndarray:
        """Return Newton's step on the Lagrangian, inside the limits, to a g of the value."""
        return self._to_value(theta, slope, bent, lambda fixed: grad + bent @ fixed, free)

    def _to_value(
        self, theta: np.ndarray, slope: np.ndarray, matrix: np.ndarray, pull: Any, free: np.ndarray
    ) -> Any:
        """Return the step of the model with the gradient ``pull`` after which g has the value."""
        gap = self.target - self.function.value(theta)

        def multiplier(fixed: np.ndarray, u: np.ndarray, v: np.ndarray) -> float:
            along = float(slope @ v)
            return (gap - float(slope @ (fixed - u))) / along if along > 0.0 else 0.0

        return self.surface.boxed(theta, pull, slope, matrix, multiplier, free)

    def _descended(
        self,
        theta: np.ndarray,
        value: float,
        pull: np.ndarray,
        step: np.ndarray,
        matrix: np.ndarray,
        free: np.ndarray,
    ) -> tuple[np.ndarray, float, np.ndarray] | None:
        """Return the point with the value after the longest share of a step that lowers f."""
        length = 1.0
        for _ in range(_MOST_HALVINGS):
            end = self._on_value(self.surface.moved(theta, step, length), matrix, free)
            if end is not None:
                found, grad = self.surface.first(end)
                enough = value + _SHARE * min(length * float(pull @ step), 0.0)
                if found <= enough and found < value:
                    return end, found, grad
            length *= 0.5
        return None

    def _on_value(
        self, theta: np.ndarray, matrix: np.ndarray, free: np.ndarray
    ) -> np.ndarray | None:
        """Return a theta with the value, along the natural gradient of g; None if none is near."""
        last = np.inf
        for _ in range(_MOST_CORRECTIONS):
            gap = self.target - self.function.value(theta)
            slope = self.function.gradient(theta)
            if not (np.isfinite(gap) and np.isfinite(slope).all()):
                return None
            spread = self.surface.spread(slope, matrix)
            if abs(gap) <= max(_ON_VALUE * spread, 4.0 * np.spacing(abs(self.target))):
                return theta
            if not abs(gap) < last:
                # The rounding of g may be larger than that of a number of its size.
                return theta if abs(gap) <= _WITHIN * spread else None
            last = abs(gap)
            step = self._to_value(theta, slope, matrix, np.zeros_like, free)
            if not np.any(step):
                return None
            theta = self.surface.moved(theta, step, 1.0)
        return None


def lagrangian(
    surface: Surface, function: Function, theta: np.ndarray, matrix: np.ndarray, multiplier: float
) -> np.ndarray:
    """Return H - m G (P, P) where it is positive definite, else the curvature H of f."""
    if function.linear:
        return matrix
    bent = matrix - multiplier * function.curvature(theta, surface.widths(matrix))
    return bent if definite(bent[np.ix_(surface.moving, surface.moving)]) else matrix

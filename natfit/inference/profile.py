"""Profile-likelihood intervals of parameters, and of functions of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special

from natfit._validation import check_number
from natfit.inference.bracket import Bracket
from natfit.inference.constrained import Constrained, lagrangian
from natfit.inference.end import End, end_of_range
from natfit.inference.estimate import Estimate
from natfit.inference.interval import EndNotFound, Interval, both_ends
from natfit.inference.kinked import has_kinks, refuse_joined
from natfit.inference.surface import Function, Surface

#: Distance to the constrained optimum, in standard errors, at which an end is accepted. The end
#: is off by its square over twice the normal quantile, in standard errors: 1e-9.
_DISTANCE = 1e-4

#: Iterations after which ten times that distance will do: a parameter that runs to the end of its
#: range, one unit of its logarithm per iteration, changes the end by less than 3e-7 of its error.
_SLOW = 10

#: How far the root of the deviance may be from the normal quantile.
_ROOT = 1e-7

#: Iterations of the walk to an end; one that needs more is no quadratic problem, and its end is
#: bracketed.
_MOST_WALKED = 30

#: A trial point may overshoot the normal quantile by this factor, so that the next model, which
#: is made there, interpolates.
_OVERSHOOT = 1.6

#: A deviance from the estimate below minus this is that of a better optimum.
_BETTER = 1e-6

#: Distance of an estimate from its optimum, in standard errors, above which it is none: ends are
#: off by its square over twice the normal quantile, 0.003 of a standard error.
_AWAY = 0.1

_MOST_HALVINGS = 40

#: Multiple of the largest step of a coordinate, 3 of a logarithm, after which a deviance that has
#: not changed will change no more.
_FLAT = 4.0


def profile_interval(
    estimate: Estimate,
    value: Callable[[np.ndarray], float],
    gradient: Callable[[np.ndarray], np.ndarray],
    level: float,
) -> Interval:
    """Return the profile-likelihood interval of a function g of the parameters.

    It holds the values c of g for which ``2 W (min {f(theta): g(theta) = c} - f(estimate))`` is at
    most the quantile of the chi-square distribution with one degree of freedom (Wilks 1938). Its
    ends are the extrema of g over ``{theta: 2 W (f(theta) - f(estimate)) <= quantile}``. They are
    found by Newton's method on the Lagrangian, a walk along the natural gradient of g, from the
    estimate (Venzon & Moolgavkar 1988, Applied Statistics 37:87; DiCiccio & Tibshirani 1991,
    University of Toronto, Technical Report 9107); where that does not settle, by bracketing the
    signed root of the deviance, each value of which is a refit from the last one.

    With a prior, f is the negative log-posterior, and the interval is that of the profile of the
    posterior density.

    Parameters
    ----------
    estimate : Estimate
        With its objective. Coordinates that were given are not moved.
    value : callable
        ``g(theta) -> float``.
    gradient : callable
        The gradient of g, (P,).
    level : float
        Coverage in (0, 1).

    Returns
    -------
    Interval

    Raises
    ------
    ValueError
        If the estimate has no objective, the level is not in (0, 1), g is not finite at the
        estimate, or the fit is not at its maximum.
    EndNotFound
        If an end is not found; it has the other one.
    """
    quantile = normal_quantile(level)
    surface, function = posed(estimate, value, gradient)
    theta = estimate.theta
    centre = function.checked(theta)
    if not np.any(function.gradient(theta)[surface.moving]):
        note = "the function depends on no parameter that was estimated"
        return Interval(centre, centre, 0, False, False, (note,))
    return both_ends(lambda side: _Walk(estimate, surface, function, quantile, side).end())


def normal_quantile(level: float) -> float:
    """Return the normal quantile of a two-sided interval; its square is that of chi-square 1."""
    share = check_number(
        level, "level", low=0.0, high=1.0, closed_low=False, closed_high=False, hint="0.95"
    )
    # Shorter than the fit itself is exact no interval is.
    return float(max(-special.ndtri(0.5 - 0.5 * share), _ROOT))


def posed(
    estimate: Estimate,
    value: Callable[[np.ndarray], float],
    gradient: Callable[[np.ndarray], np.ndarray],
) -> tuple[Surface, Function]:
    """Return the objective of an estimate over what may move, and a function that is checked.

    Returns
    -------
    surface : Surface
    function : Function

    Raises
    ------
    ValueError
        If the estimate has no objective, or is no minimum of it, or it has kinks along which the
        levels of the function cannot be followed.
    """
    if estimate.objective is None:
        raise ValueError(
            "an interval from the likelihood needs the data of the fit, got none; pass the X and "
            "the sample_weight of the fit"
        )
    surface = Surface(estimate.objective, estimate.information.known)
    function = Function(value, gradient)
    function.checked(estimate.theta)
    least, grad = surface.first(estimate.theta)
    if not np.isfinite(least):
        raise ValueError(
            "the likelihood must be finite at the estimate with its gradient; the fit did not end "
            "at a maximum: see status_ and message_"
        )
    matrix, own = surface.curvature(estimate.theta, grad)
    _, _, distance = surface.rest(estimate.theta, grad, np.zeros_like(grad), matrix)
    if own and distance > _AWAY:
        raise ValueError(
            f"the fit must be at its maximum, but it is {distance:.2g} standard errors away from "
            "it; fit again with the default tol and a larger max_iter"
        )
    function.learn(estimate.theta, surface.widths(matrix))
    refuse_joined(surface, function, estimate.theta)
    return surface, function


class _Walk:
    """The walk from an estimate to one end of a profile-likelihood interval."""

    def __init__(
        self,
        estimate: Estimate,
        surface: Surface,
        function: Function,
        quantile: float,
        side: float,
    ):
        self.surface = surface
        self.function = function
        self.quantile = quantile
        self.side = side
        self.start = estimate.theta
        self.lowest, self.grad = surface.first(estimate.theta)
        self.level = self.lowest + 0.5 * quantile**2 / surface.total
        rounding = 2.0 * surface.total * 16.0 * float(np.spacing(abs(self.lowest)))
        self.slack = max(_BETTER, rounding)
        self.accuracy = max(_ROOT, rounding / quantile)

    def end(self) -> End:
        """Return the end."""
        # At kinks, the log-likelihood is no quadratic function.
        walked = None if has_kinks(self.surface.objective) else self._walked()
        return walked if walked is not None else self._bracketed()

    def root(self, value: float, theta: np.ndarray) -> float:
        """Return the root of the deviance of a value of f, at theta, from that of the estimate.

        Returns
        -------
        float

        Raises
        ------
        EndNotFound
            If f is lower than at the estimate by more than rounding.
        """
        deviance = 2.0 * self.surface.total * (value - self.lowest)
        if deviance < -self.slack:
            raise EndNotFound(
                f"on the profile the log-likelihood is {-0.5 * deviance:.3g} nats higher than at "
                "the estimate, which is not its maximum",
                "fit again with a smaller tol, or from other start_params, and ask for the "
                "interval then",
                theta,
            )
        return float(np.sqrt(max(deviance, 0.0)))

    # ------------------------------------------------------------------------- Newton

    def _walked(self) -> End | None:
        """Return the end that Newton's method finds; None where it does not settle."""
        surface, theta, value, grad = self.surface, self.start, self.lowest, self.grad
        stride, before = 1.0, np.inf
        for count in range(_MOST_WALKED + 1):
            matrix, own = surface.curvature(theta, grad)
            slope = self.side * self.function.gradient(theta)
            if not np.isfinite(slope).all():
                return None
            rest, multiplier, distance = surface.rest(theta, grad, slope, matrix)
            root = self.root(value, theta)
            close = distance <= (_DISTANCE if count < _SLOW else 10.0 * _DISTANCE)
            if close and multiplier > 0.0 and abs(root - self.quantile) <= self.accuracy:
                return self._verified(theta, value, count) if not own else self._at(theta, count)
            if close and root < self.quantile and self._at_end(theta, slope).all():
                return end_of_range(surface, self.function, theta, self.side, count)
            if close and stride > _FLAT and abs(root - before) <= self.accuracy:
                return end_of_range(surface, self.function, theta, self.side, count, far=True)
            if count == _MOST_WALKED:
                break
            before = root
            free = rest | ((slope != 0.0) & ~surface.outward(theta, slope))
            at = theta, value, grad
            step = self._step(*at, slope, matrix, max(multiplier, 0.0), free, stride)
            found = self._tried(theta, step)
            if found is None:
                return None
            # Where f hardly changes, towards a limit far away, the strides become longer.
            longest = bool((np.abs(found[0] - theta) >= 0.99 * stride * surface.steps).any())
            stride = 2.0 * stride if longest else 1.0
            theta, value, grad = found
        return None

    def _step(
        self,
        theta: np.ndarray,
        value: float,
        grad: np.ndarray,
        slope: np.ndarray,
        matrix: np.ndarray,
        multiplier: float,
        free: np.ndarray,
        stride: float,
    ) -> np.ndarray:
        """Return the step after which the quadratic model of f is at the level, g at its most."""
        signed = self.side * multiplier
        bent = lagrangian(self.surface, self.function, theta, matrix, signed)

        def at_level(fixed: np.ndarray, u: np.ndarray, v: np.ndarray) -> float:
            pull = grad + matrix @ fixed
            height = value + 0.5 * float((grad + pull) @ fixed) - self.level
            a = 0.5 * float(v @ (matrix @ v))
            b = float(pull @ v) - float(u @ (matrix @ v))
            c = height - float(pull @ u) + 0.5 * float(u @ (matrix @ u))
            if not a > 0.0:
                return 0.0
            inner = b * b - 4.0 * a * c
            # If no point of the model is as low as the level, the lowest one is nearest.
            return max((-b + np.sqrt(max(inner, 0.0))) / (2.0 * a), 0.0)

        return self.surface.boxed(
            theta, lambda fixed: grad + bent @ fixed, slope, bent, at_level, free, stride
        )

    def _tried(
        self, theta: np.ndarray, step: np.ndarray
    ) -> tuple[np.ndarray, float, np.ndarray] | None:
        """Return the point after the longest share of a step at which f is not far too high."""
        length = 1.0
        for _ in range(_MOST_HALVINGS):
            end = self.surface.moved(theta, step, length)
            value, grad = self.surface.first(end)
            if np.isfinite(value) and self.root(value, end) <= _OVERSHOOT * self.quantile:
                return end, value, grad
            length *= 0.5
        return None

    def _at_end(self, theta: np.ndarray, slope: np.ndarray) -> np.ndarray:
        """Tell which coordinates cannot move g further: at a limit, known, or not in g."""
        return self.surface.outward(theta, slope) | (slope == 0.0) | ~self.surface.moving

    # ------------------------------------------------------------------------- ends

    def _at(self, theta: np.ndarray, count: int) -> End:
        return End(theta, self.function.value(theta), count)

    def _verified(self, theta: np.ndarray, value: float, count: int) -> End | None:
        """Return the end if f has no lower value at the same g nearby, where H is not f's own."""
        held = Constrained(self.surface, self.function, self.function.value(theta))
        found = held.refit(theta)
        if found is None or self.quantile - self.root(found.value, found.theta) > 1e-6:
            return None
        return self._at(theta, count + found.n_iter)

    # ------------------------------------------------------------------------- brackets

    def _bracketed(self) -> End:
        """Return the end by bracketing the root of the deviance, or raise EndNotFound."""
        bracket = Bracket(
            self.surface,
            self.function,
            lambda found: self.root(found.value, found.theta),
            self.quantile,
            self.side,
        )
        return bracket.end(self.start)

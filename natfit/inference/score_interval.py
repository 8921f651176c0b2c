"""Score intervals of parameters, and of functions of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from natfit.inference.bracket import Bracket
from natfit.inference.constrained import Refit
from natfit.inference.estimate import Estimate
from natfit.inference.interval import Interval, both_ends
from natfit.inference.profile import normal_quantile, posed
from natfit.inference.surface import Surface, solved


def score_interval(
    estimate: Estimate,
    value: Callable[[np.ndarray], float],
    gradient: Callable[[np.ndarray], np.ndarray],
    level: float,
) -> Interval:
    """Return the score interval of a function g of the parameters.

    It holds the values c of g that Rao's score test does not reject: those for which
    ``W U' I^-1 U`` is at most the quantile of the chi-square distribution with one degree of
    freedom, where ``U = grad f`` and the expected information per row I are those at the optimum
    of f among the theta with ``g(theta) = c`` (Rao 1948; Cox & Hinkley 1974, Theoretical
    Statistics, section 9.3). For the probability of a binomial distribution it is Wilson's
    interval. Censored rows, and families without an expected information, have the observed one in
    its place.

    With a prior, f is the negative log-posterior, and I includes the prior's curvature.

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
        ``n_iter`` counts the iterations of all refits.

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

    def root(found: Refit) -> float:
        return score_root(surface, function.gradient(found.theta), found)

    return both_ends(lambda side: Bracket(surface, function, root, quantile, side).end(theta))


def score_root(surface: Surface, slope: np.ndarray, found: Refit) -> float:
    """Return the root of the score statistic ``W m^2 grad g' I^-1 grad g`` of a refit."""
    # Of censored rows it is not known how the exact ones would have been censored.
    complete = surface.objective.distribution.information.complete
    expected = surface.expected(found.theta) if complete else None
    matrix = found.matrix if expected is None else expected
    rest = found.rest
    along = slope[rest] @ solved(matrix[np.ix_(rest, rest)], slope[rest])
    return abs(found.multiplier) * float(np.sqrt(max(surface.total * along, 0.0)))

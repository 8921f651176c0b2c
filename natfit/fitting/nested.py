"""Phase 10: the comparison with the optima of simpler families."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from natfit.iterate import Iterate, Status, noise
from natfit.objectives import Likelihood
from natfit.optimize import Engine, Fit, run

#: Maximum number of rows for which a fit that converged is compared with the optimum of a simpler
#: family. With more rows the likelihood has no second maximum that matters, and the comparison
#: would cost a pass over the data.
COMPARED = 10_000

#: Maximum number of iterations from the optimum of a simpler family for imputed rows.
_POLISHED = 30


class Simpler:
    """The optima of simpler families inside a family, as thetas to compare a fit with.

    Of exact rows a family knows them. Of censored rows it knows them for rows imputed in their
    place: from there the likelihood itself is descended before it is compared.

    Parameters
    ----------
    objective : Likelihood
        The objective that is minimised.
    to_theta : callable
        Maps eta (K,) to the theta (P,) at which every row has this eta.
    engine : Engine
        Descends the likelihood of censored rows.
    rng : numpy.random.Generator
        For metrics that draw.
    """

    def __init__(
        self,
        objective: Likelihood,
        to_theta: Callable[[np.ndarray], np.ndarray],
        engine: Engine,
        rng: np.random.Generator,
    ):
        self._objective = objective
        self._to_theta = to_theta
        self._engine = replace(engine, max_iter=_POLISHED)
        self._rng = rng
        self._known = False
        self._found: tuple[float, np.ndarray] | None = None

    def _among(self, best: float) -> tuple[float, np.ndarray] | None:
        """Return the lowest value among them, and its theta, for a fit of value ``best``, or None.

        Descents that will not reach the fit are left on the way. What was found for one fit serves
        for those that are lower.

        Returns
        -------
        tuple or None
        """
        if not self._known:
            self._known = True
            self._found = self._searched(best)
        return self._found

    def _searched(self, best: float) -> tuple[float, np.ndarray] | None:
        objective = self._objective
        family = objective.distribution
        try:
            with np.errstate(all="ignore"):
                etas = family.nested_start(objective.rows)
        except ValueError:
            # Rows that are all alike have no optimum in a simpler family.
            return None
        if etas is None:
            return None
        low, high, _ = family.limits
        found = []
        for eta in np.atleast_2d(etas):
            theta = self._to_theta(np.clip(eta, low, high))
            value = objective.value(theta)
            if not family.information.complete and np.isfinite(value):
                end = run(objective, self._engine, theta, self._rng, _hopeless(best)).iterate
                value, theta = end.value, end.theta
                found += self._at_limits(theta)
            found.append((value, theta))
        return _lowest(found)

    def _at_limits(self, theta: np.ndarray) -> list[tuple[float, np.ndarray]]:
        """Values and thetas of the best members at limits to which a fit at theta may lead."""
        objective = self._objective
        family = objective.distribution
        if not objective.model.shared:
            return []
        low, high, _ = family.limits

        def value(eta: np.ndarray) -> float:
            if not np.all((eta >= low) & (eta <= high)):
                return -np.inf
            found = objective.value(self._to_theta(eta))
            return -objective.yardstick * found if np.isfinite(found) else -np.inf

        try:
            with np.errstate(all="ignore"):
                eta = objective.model.eta(theta, None)[0]
                members = family.limit_members(objective.rows, eta, value)
        except ValueError:
            # Beyond the limits that users have given.
            return []
        found = [(-value(each) / objective.yardstick, self._to_theta(each)) for each in members]
        return [pair for pair in found if np.isfinite(pair[0])]

    def lower(self, result: Fit) -> np.ndarray | None:
        """Return the theta (P,) at which to start again, if the objective is lower there."""
        objective = self._objective
        if result.status is Status.STOPPED_BY_CALLBACK:
            return None
        if result.status.good and objective.rows.n > COMPARED:
            return None
        best = result.iterate.value
        known = self._among(best)
        found = [] if known is None else [known]
        if objective.penalised or not objective.distribution.knows_limits:
            found += self._at_limits(result.theta)
        if not found:
            return None
        value, theta = _lowest(found)
        # A fit that found no optimum may as well start again at that of the simpler family.
        slack = -noise(best)
        if result.status.good or result.iterate.active:
            slack = max(noise(best), objective.distribution.limit_cost)
        return theta if value < best - slack else None


def _hopeless(best: float) -> Callable[[Iterate, bool], bool]:
    """A callback that stops a descent which will not reach the value ``best``.

    It would not although each of as many steps as a descent may have gained what the metric
    predicts for the next one.

    Returns
    -------
    callable
    """

    def stops(iterate: Iterate, done: bool) -> bool:
        return iterate.value - best > _POLISHED * iterate.decrease

    return stops


def _lowest(found: list[tuple[float, np.ndarray]]) -> tuple[float, np.ndarray]:
    """The pair of the lowest value; NaN, where a row has no density, is not the lowest."""
    return min(found, key=lambda pair: pair[0] if np.isfinite(pair[0]) else np.inf)

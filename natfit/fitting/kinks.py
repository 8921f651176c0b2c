"""The start of a regression whose log-density has a kink at the location: its best vertex."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from natfit.inference import affine, kinked
from natfit.inference.least_absolute import least_absolute
from natfit.objectives import Likelihood, Regression
from natfit.optimize import Engine, run

#: Iterations before the first vertex, those between two, and how often the widths are renewed.
_BEFORE, _BETWEEN, _ROUNDS = 8, 30, 10


def at_kinks(
    objective: Likelihood, engine: Engine, theta: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return a start (P,) at the best vertex, where the family has a kink at its location.

    Parameters
    ----------
    objective : Likelihood
        Any; another one than a regression with a kink keeps its start.
    engine : Engine
        The engine of the fit.
    theta : ndarray of shape (P,)
        The start.
    rng : numpy.random.Generator
        The generator of the fit.

    Returns
    -------
    ndarray of shape (P,)
    """
    if not (
        isinstance(objective, Regression) and objective.kinked and kinked.affordable(objective)
    ):
        return theta
    if objective.explained(theta) is not None:
        # A vertex that meets all rows has no width.
        return theta
    theta = run(objective, _short(engine, _BEFORE), theta, rng).theta
    if objective.ridge is not None and objective.ridge[kinked.location(objective)].any():
        return _penalised(objective, theta)
    for _ in range(_ROUNDS):
        found = _vertex(objective, theta)
        if found is None:
            return theta
        ended = run(objective, _short(engine, _BETWEEN), found, rng)
        theta = ended.theta
        if ended.status.good:
            break
    return theta


def _short(engine: Engine, most: int) -> Engine:
    return replace(engine, max_iter=min(most, engine.max_iter), metric=engine.metric.anew())


def _vertex(objective: Regression, theta: np.ndarray) -> np.ndarray | None:
    """Return theta with the location at the best vertex, the widths of rows being given."""
    part = kinked.location(objective)
    nothing = np.zeros((0, part.stop - part.start)), np.zeros(0)
    b = least_absolute(*kinked.deviations(objective, theta), theta[part], *nothing)
    if b is None:
        return None
    out = theta.copy()
    out[part] = b
    return out


def _penalised(objective: Regression, theta: np.ndarray) -> np.ndarray:
    """Return theta (P,) at the penalised optimum."""
    part = kinked.location(objective)
    of_location = tuple(range(part.start, part.stop))
    nothing = np.zeros((0, len(theta))), np.zeros(0)

    def widths(at: np.ndarray) -> affine.Restricted:
        return affine.restricted(objective, at, *nothing, of_location)

    given = nothing[0][:, part], nothing[1]
    return kinked.penalised_turns(objective, theta, *given, widths, nothing)

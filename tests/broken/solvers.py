"""Solvers that are wrong on purpose."""

from dataclasses import replace

import numpy as np

from natfit import testing
from natfit.linops import Dense
from natfit.solvers.base import SolveInfo, Solver
from natfit.solvers.cholesky import CholeskySolver
from tests.broken import caught_by

CHECKS = testing.SOLVER_CHECKS


@caught_by(
    "damping_counts",
    "residual_is_true",
    "solves_badly_scaled",
    "solves_diagonal",
    "solves_like_numpy",
)
class IgnoresDamping(CholeskySolver):
    """Solves with F alone."""

    def solve(self, operator, g):
        return super().solve(getattr(operator, "operator", operator), g)


@caught_by("descends_where_indefinite", "singular_is_recorded")
class Silent(CholeskySolver):
    """Takes the pseudo-inverse and does not say so."""

    def solve(self, operator, g):
        d, info = super().solve(operator, g)
        return d, SolveInfo(info.solver)


@caught_by("unidentified_are_named")
class NamesTooMany(CholeskySolver):
    """Calls every coordinate unidentified."""

    def solve(self, operator, g):
        d, info = super().solve(operator, g)
        lost = tuple(range(len(g))) if info.unidentified else ()
        return d, replace(info, unidentified=lost)


@caught_by("descends_where_indefinite", "singular_is_recorded", "unidentified_are_named")
class Plain(Solver):
    """numpy's solve: climbs where F is indefinite, and fails where it is singular."""

    def solve(self, operator, g):
        return np.linalg.solve(operator.dense(), g), SolveInfo("plain")


@caught_by(
    "damping_counts",
    "residual_is_true",
    "solves_badly_scaled",
    "solves_diagonal",
    "solves_like_numpy",
    "solves_one_layer",
)
class Rough(CholeskySolver):
    """Digits are lost, and the residual is not reported."""

    def solve(self, operator, g):
        d, info = super().solve(operator, g)
        return d * (1.0 + 1e-6), replace(info, residual=0.0)


@caught_by("singular_is_recorded", "solves_badly_scaled")
class LambdaIdentity(CholeskySolver):
    """Adds a small multiple of I, whatever the parameters' units."""

    def solve(self, operator, g):
        d, info = super().solve(Dense(operator.dense() + 1e-10 * np.eye(len(g))), g)
        return (d, info) if operator.is_diagonal else (d, info)


@caught_by("leaves_arguments_alone")
class OverwritesGradient(CholeskySolver):
    """Uses g as its work space."""

    def solve(self, operator, g):
        d, info = super().solve(operator, g)
        g *= 1.0 + 1e-13
        return d, info


@caught_by("solves_zero_gradient")
class NeverZero(CholeskySolver):
    """Adds a constant where g vanishes."""

    def solve(self, operator, g):
        d, info = super().solve(operator, g)
        return (d if np.any(g) else d + 1e-300), info

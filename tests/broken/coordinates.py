"""Coordinates that are wrong on purpose."""

import numpy as np

from natfit import testing
from natfit.coordinates.native import Native
from natfit.coordinates.unconstrained import Unconstrained
from natfit.distributions.real.normal import Normal
from tests.broken import caught_by

CHECKS = testing.COORDINATE_CHECKS


def arguments(coordinates):
    """The coordinates, a normal distribution and points eta."""
    return coordinates, Normal(), testing.points(Normal())


@caught_by("direction_is_invariant", "round_trip_eta")
class WrongMap(Native):
    """The inverse of another map."""

    def from_eta(self, eta):
        return super().from_eta(eta) * 1.01


@caught_by(
    "curvature_of_eta",
    "direction_is_invariant",
    "hessian_bends_with_coordinates",
    "jacobian_of_eta",
)
class NoJacobian(Native):
    """Forgets the chain rule."""

    def jacobian(self, theta):
        return np.eye(len(theta))


@caught_by("curvature_of_eta", "hessian_bends_with_coordinates")
class NoCurvature(Native):
    """Forgets the curvature of the coordinates."""

    def curvature(self, theta, u):
        return None


@caught_by("domain_ends_at_constraints")
class AnyDomain(Unconstrained):
    """NaN is as good as any number."""

    def in_domain(self, theta):
        return True

    def limits(self):
        low, high, steps = super().limits()
        return high, low, steps

"""Bijectors that are wrong on purpose."""

import numpy as np

from natfit import bijectors, testing
from tests.broken import caught_by

CHECKS = testing.BIJECTOR_CHECKS


@caught_by("round_trip")
class WrongInverse(bijectors.Positive):
    """The inverse is another function's."""

    def _backward(self, native):
        return super()._backward(native) + 0.1


@caught_by("differentiable", "jacobian_is_derivative", args=(3,))
class WrongJacobian(bijectors.CholeskyFactor):
    """The Jacobian forgets the logarithm of the diagonal."""

    def jacobian(self, eta):
        return np.eye(self.size)


@caught_by("second_is_derivative")
class WrongSecond(bijectors.Unit):
    """The second derivative has the wrong sign."""

    def second(self, eta):
        return -super().second(eta)


@caught_by("differentiable")
class NotDifferentiable(bijectors.Positive):
    """The map is written in plain numpy."""

    def _forward(self, eta):
        return np.exp(np.asarray(eta, dtype=float))


@caught_by("refuses_invalid")
class AcceptsAnything(bijectors.Positive):
    """No value is refused."""

    def valid(self, native):
        return True


@caught_by("limits_are_finite_ground")
class Overflows(bijectors.Positive):
    """Limits beyond the range of doubles."""

    @property
    def bounds(self):
        return (-690.0, 1000.0)


@caught_by("pack_round_trip", args=(2,))
class LosesEntries(bijectors.Covariance):
    """pack() forgets to mirror: unpack gives a triangle."""

    def unpack(self, free):
        return np.tril(super().unpack(free))

"""What a family declares of itself: its information, its parameters, its widths.

Code that must know such a fact reads these values. It never asks for a class or a name: a
subclass, a wrapper and a user's own family then behave as the family whose values they have.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Route(StrEnum):
    """How the expected (Fisher) information of a family is had."""

    CLOSED_FORM = "closed form"
    QUADRATURE = "quadrature"
    ENUMERATION = "enumeration"
    NONE = "none"


class Yardstick(StrEnum):
    """Which information is the unit of a fit's distance to its optimum, and of its errors."""

    EXPECTED = "expected"
    OBSERVED = "observed"


@dataclass(frozen=True)
class InformationKind:
    """What is known of a family's information.

    Attributes
    ----------
    route : Route
        How the expected information is had; NONE where the family has none.
    agrees : bool
        Whether the expected information equals the observed one at the optimum of a constant
        model, as in a full exponential family: the cheaper one then serves as either.
    yardstick : Yardstick
        OBSERVED where the expected information is undefined or may be infinite: metric,
        distance and standard errors are then taken from the observed one.
    complete : bool
        Whether every row is known exactly. Else rows are intervals (n, 2) in which y is known to
        lie, and the expected information is that of complete rows, an upper limit of theirs.
    """

    route: Route
    agrees: bool = False
    yardstick: Yardstick = Yardstick.EXPECTED
    complete: bool = True

    @property
    def exists(self) -> bool:
        """Whether the family has an expected information."""
        return self.route is not Route.NONE

    @property
    def measures(self) -> bool:
        """Whether the family has an expected information that is the yardstick of a fit."""
        return self.exists and self.yardstick is Yardstick.EXPECTED


class Role(StrEnum):
    """What a parameter is.

    The first four say how y changes with the parameter whatever the others are, locations
    apart, which a scale stretches too.
    """

    #: y moves with it: the density of ``y - parameter`` does not depend on it.
    LOCATION = "location"
    #: y is stretched by it: the density of ``y / parameter`` does not depend on it.
    SCALE = "scale"
    #: The inverse of a scale.
    RATE = "rate"
    #: A matrix L L' such that the density of ``L^-1 y`` does not depend on it.
    COVARIANCE = "covariance"
    #: The logarithm of y, less that of its scale, is stretched by it or by its inverse.
    POWER = "power"
    #: The mean of y, where that is no location.
    MEAN = "mean"
    #: A probability, or a vector of probabilities that sum to one.
    SHARE = "share"
    #: Whatever else changes the form of the density.
    SHAPE = "shape"


@dataclass(frozen=True)
class Width:
    """How the width of a density follows a parameter: it is proportional to parameter^power.

    Attributes
    ----------
    power : float
        1 for a scale, -1 for a rate.
    least : float
        The parameter's value below which it says nothing of the width: a gamma density with a
        shape below 1 is as wide as its mean.
    """

    power: float
    least: float = 0.0

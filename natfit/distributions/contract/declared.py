"""What a family declares of itself: its information, its parameters, its widths.

Code that must know such a fact reads these values and never asks for a class or a name. A
subclass, a wrapper and a user-supplied family thus behave as the family whose values they have.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Route(StrEnum):
    """How the expected (Fisher) information of a family is computed."""

    CLOSED_FORM = "closed form"
    QUADRATURE = "quadrature"
    ENUMERATION = "enumeration"
    NONE = "none"


class Yardstick(StrEnum):
    """Which information measures the distance of a fit to its optimum and gives standard errors."""

    EXPECTED = "expected"
    OBSERVED = "observed"


@dataclass(frozen=True)
class InformationKind:
    """What is known of a family's information.

    Attributes
    ----------
    route : Route
        How the expected information is computed; NONE where the family has none.
    agrees : bool
        Whether the expected information equals the observed one at the optimum of a constant
        model, as in a full exponential family: the cheaper of the two then serves for both.
    yardstick : Yardstick
        OBSERVED where the expected information is undefined or may be infinite: the metric, the
        distance and the standard errors are then computed from the observed one.
    complete : bool
        Whether every row is known exactly. Else rows are intervals (n, 2) in which y is known to
        lie, and the expected information is that of complete rows, an upper limit of theirs.
    exact : bool
        Whether the entries of the expected information are closed forms without rounding errors
        beyond their last digit. It is then inverted where it is nearly singular: rows whose spread
        is a millionth of their mean determine a gamma distribution all the same.
    """

    route: Route
    agrees: bool = False
    yardstick: Yardstick = Yardstick.EXPECTED
    complete: bool = True
    exact: bool = False

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

    The first four say how y changes with the parameter, whatever the values of the others. (A
    scale stretches a location together with y.)
    """

    #: y moves with it: the density of ``y - parameter`` does not depend on it.
    LOCATION = "location"
    #: y is stretched by it: the density of ``y / parameter`` does not depend on it.
    SCALE = "scale"
    #: The inverse of a scale.
    RATE = "rate"
    #: A matrix L L' such that the density of ``L^-1 y`` does not depend on it.
    COVARIANCE = "covariance"
    #: The logarithm of y / scale is stretched by it or by its inverse.
    POWER = "power"
    #: The mean of y, where it is not a location.
    MEAN = "mean"
    #: The most probable y, where it is not a location.
    MODE = "mode"
    #: A probability, or a vector of probabilities that sum to one.
    SHARE = "share"
    #: Any other parameter: it changes the form of the density.
    SHAPE = "shape"


@dataclass(frozen=True)
class Width:
    """How the width of a density follows a parameter: it is proportional to parameter^power.

    Attributes
    ----------
    power : float
        1 for a scale, -1 for a rate.
    least : float
        The value below which the parameter does not determine the width: a gamma density with
        a shape below 1 is as wide as its mean, whatever the shape.
    """

    power: float
    least: float = 0.0

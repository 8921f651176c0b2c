"""A positive family that begins at a location of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from natfit.bijectors import Real
from natfit.distributions.base import Distribution
from natfit.distributions.contract.checks import refuse_constant
from natfit.distributions.contract.declared import InformationKind, Role, Yardstick
from natfit.distributions.contract.start import location_scale
from natfit.distributions.wrappers._moved import Moved

#: Distance of loc from the least row, in spreads, that counts as none.
_AT_THE_END = 1e-3


class Shifted(Moved):
    """A family of positive y with a location: y - loc has the family's density, y > loc.

    ``log p(y) = log f(y - loc)``; eta = (loc, the family's). loc lies below the least row: a
    theta at which some row has no density is out of the domain, and steps there are rejected.
    Score and observed information by autograd, Fisher information by quadrature where it is
    finite (that of gamma and weibull is from shape 2 on). Convergence is measured in the observed
    one.

    The likelihood has no bound where the density is infinite at its end (gamma and weibull
    with shape < 1): as loc tends to the least row it grows without limit. The estimate is the
    local maximum that a start below the rows leads to; where there is none the fit ends as
    ``unbounded``.

    Matches ``scipy.stats`` with ``loc=loc``.

    Parameters
    ----------
    family : str or Distribution, default="gamma"
        A univariate density on the positive numbers, without a location.

    Raises
    ------
    ValueError
        On first use, if the family is no such density.
    """

    own_params = {"loc": Real()}
    own_roles = {"loc": Role.LOCATION}

    #: Infinite wherever loc grows.
    has_kl = False

    def __init__(self, family: str | Distribution = "gamma"):
        super().__init__(family)

    def _admit(self, inner: Distribution) -> None:
        super()._admit(inner)
        roles = inner.roles.values()
        if inner.known_support.low != 0.0 or Role.LOCATION in roles:
            raise ValueError(
                f"Shifted needs a density on the positive numbers without a location, and "
                f"{type(inner).__name__} is none"
            )
        if Role.RATE in roles:
            raise ValueError(
                "Shifted exponential needs no fit: loc is the least row and 1 / rate the mean "
                "excess over it; fix loc there (subtract it from y)"
            )

    @property
    def information(self) -> InformationKind:
        """The observed information is the yardstick: the expected one may be infinite."""
        return replace(super().information, yardstick=Yardstick.OBSERVED)

    def kinks(self, eta: np.ndarray) -> np.ndarray:
        """Loc: nothing is below it."""
        return eta[:1]

    def _to_inner(self, y: Any, own: Any) -> Any:
        return y - own

    def _to_outer(self, values: np.ndarray, own: Any) -> np.ndarray:
        return values + own

    def fisher(self, eta: np.ndarray) -> np.ndarray:
        """By quadrature at loc = 0, on which it does not depend, (n, K, K).

        Raises
        ------
        ValueError
            Where it is infinite.
        """
        centred = np.array(eta)
        centred[:, 0] = 0.0
        return super().fisher(centred)

    def check_degenerate(self, y: np.ndarray, summary: Any | None) -> None:
        """All rows alike: loc at them, and the likelihood has no bound."""
        refuse_constant(y, "Shifted", why="loc tends to them; use a discrete family")

    def initial(
        self, y: np.ndarray, weight: np.ndarray | None, rng: np.random.Generator
    ) -> np.ndarray:
        """A spread over the root of n below the least row; the family's start from there."""
        loc = self._below(y, weight)
        return np.concatenate([[loc], self.inner.initial(y - loc, weight, rng)])

    def _below(self, y: np.ndarray, weight: np.ndarray | None) -> float:
        return float(y.min()) - max(
            location_scale(y, weight)[1] / np.sqrt(len(y)), np.spacing(np.abs(y).max())
        )

    def refine_start(self, y: np.ndarray, weight: np.ndarray | None, eta: np.ndarray) -> np.ndarray:
        """Move loc below the least of all rows."""
        if eta[0] < y.min():
            return eta
        return np.concatenate([[self._below(y, weight)], eta[1:]])

    def no_maximum(self, y: np.ndarray, weight: np.ndarray | None, eta: np.ndarray) -> str | None:
        """Loc ran into the least row."""
        gap, spread = float(y.min() - eta[0]), location_scale(y, weight)[1]
        near, nearer = self.inner.log_prob(gap * np.array([1.0, 1e-6]), eta[None, 1:])
        if gap > _AT_THE_END * spread or nearer < near + 1.0:
            return None
        return (
            f"loc -> {y.min():g}, the least row, where the density of {type(self.inner).__name__} "
            "is infinite: the likelihood grows without bound"
        )

    @classmethod
    def examples(cls) -> list[Distribution]:
        """Return families that vanish at their end, and have an information everywhere."""
        return [cls("lognormal"), cls("inverse_gamma")]

"""Positive numbers among which some are zero, such as rain or costs."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from natfit.bijectors import Bijector
from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.support import NON_NEGATIVE, Support
from natfit.distributions.wrappers._atom import WithAtom
from natfit.distributions.wrappers._zero_altered import SHARE


class ZeroAdjusted(WithAtom):
    """Positive numbers with a probability zero_prob of an exact zero.

    With f the density of a family of positive numbers, ``P(y = 0) = zero_prob`` and
    ``p(y) = (1 - zero_prob) f(y)`` for y > 0; eta = (arsinh of the odds of zero_prob, the
    family's eta). The log-likelihood of exact rows splits: zero_prob is the share of zeros, and
    the family is fitted to the positive rows. The Fisher information has the blocks
    ``1 / (zero_prob (1 - zero_prob))`` and 1 - zero_prob times the family's. If the data have no
    zeros, the fit ends at the boundary, the family itself. Data that are all zero are refused.
    The zeros of counts are :class:`natfit.distributions.Hurdle`'s.

    scipy has no such family.

    Parameters
    ----------
    family : str or Distribution, default="gamma"
        A univariate density on positive numbers.

    References
    ----------
    Aitchison (1955), On the distribution of a positive random variable having a discrete
    probability mass at the origin, Journal of the American Statistical Association 50, 901-908.
    """

    atom = 0.0
    own_params: ClassVar[dict[str, Bijector]] = {"zero_prob": SHARE}
    own_roles: ClassVar[dict[str, Role]] = {"zero_prob": Role.SHARE}

    def __init__(self, family: str | Distribution = "gamma"):
        super().__init__(family)

    @classmethod
    def examples(cls) -> list[Distribution]:
        """Return gamma and lognormal amounts."""
        return [cls(), cls("lognormal")]

    @property
    def support(self) -> Support:
        """Zero and the positive numbers."""
        return NON_NEGATIVE

    @property
    def limit_meaning(self) -> dict[tuple[str, str], str]:
        """At zero_prob = 0 the family; at its own limits what it says."""
        name = type(self.inner).__name__
        return {("zero_prob", "lower"): f"{name} without zeros", **self.inner.limit_meaning}

    def moments(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Means and variances (n,): z of the values are zero, the others are the family's."""
        z, rest = self._split(eta)
        mean, var = self.inner.moments(rest)
        return (1.0 - z) * mean, (1.0 - z) * (var + z * np.square(mean))

    def log_cdf(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Log P(Y <= y) of each row, (n,) nats; y may be infinite."""
        z, rest = self._split(eta)
        below = np.logaddexp(np.log(z), np.log1p(-z) + self.inner.log_cdf(y, rest))
        return np.where(np.asarray(y) < 0.0, -np.inf, below)

    def log_sf(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Log P(Y > y) of each row, (n,) nats; y may be infinite."""
        z, rest = self._split(eta)
        above = np.log1p(-z) + self.inner.log_sf(y, rest)
        return np.where(np.asarray(y) < 0.0, 0.0, above)

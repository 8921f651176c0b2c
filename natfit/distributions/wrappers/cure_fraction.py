"""Times to an event that a share of the rows never sees."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from natfit.bijectors import Bijector
from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.support import Support
from natfit.distributions.wrappers._atom import WithAtom
from natfit.distributions.wrappers._zero_altered import SHARE


class CureFraction(WithAtom):
    """Times to an event of which a share cured_prob never comes: a mixture cure model.

    With S0 and f the survival function and the density of a family of positive numbers,
    ``P(Y > t) = cured_prob + (1 - cured_prob) S0(t)``, which does not fall to zero, and
    ``p(y) = (1 - cured_prob) f(y)``; eta = (arsinh of the odds of cured_prob, the family's eta).
    A row that is censored on the right at t has the log-probability log P(Y > t). The time of a
    cured row is infinite: draws are infinite with probability cured_prob. The fit starts at the
    level at which the Kaplan-Meier estimate ends. If the data need no cured share, as exact rows
    alone do not, it ends at the boundary, the family itself.

    scipy has no such family.

    Parameters
    ----------
    family : str or Distribution, default="weibull"
        A univariate density on positive numbers, with a distribution function.

    References
    ----------
    Boag (1949), Maximum likelihood estimates of the proportion of patients cured by cancer
    therapy, Journal of the Royal Statistical Society B 11, 15-53. Maller and Zhou (1996),
    Survival Analysis with Long-Term Survivors.
    """

    atom = np.inf
    own_params: ClassVar[dict[str, Bijector]] = {"cured_prob": SHARE}
    own_roles: ClassVar[dict[str, Role]] = {"cured_prob": Role.SHARE}

    def __init__(self, family: str | Distribution = "weibull"):
        super().__init__(family)

    @classmethod
    def examples(cls) -> list[Distribution]:
        """Return Weibull and lognormal times."""
        return [cls(), cls("lognormal")]

    @property
    def support(self) -> Support:
        """The inner family's support: the infinite time of a cured row is no row of data."""
        return self.inner.known_support

    @property
    def limit_meaning(self) -> dict[tuple[str, str], str]:
        """At cured_prob = 0 the family; at its own limits what it says."""
        name = type(self.inner).__name__
        return {("cured_prob", "lower"): f"{name}, nobody cured", **self.inner.limit_meaning}

    def moments(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Infinite means and variances (n,): the times of cured rows are infinite."""
        return np.full(len(eta), np.inf), np.full(len(eta), np.inf)

    def log_cdf(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Log P(Y <= y) of each row, (n,) nats; y may be infinite."""
        c, rest = self._split(eta)
        below = np.log1p(-c) + self.inner.log_cdf(y, rest)
        return np.where(np.asarray(y) == np.inf, 0.0, below)

    def log_sf(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Log P(Y > y) of each row, (n,) nats; y may be infinite."""
        c, rest = self._split(eta)
        above = np.logaddexp(np.log(c), np.log1p(-c) + self.inner.log_sf(y, rest))
        return np.where(np.asarray(y) == np.inf, -np.inf, above)

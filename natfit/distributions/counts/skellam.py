"""The Skellam distribution: differences of two numbers of events."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.bijectors import Positive
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.expectation import Expectation
from natfit.distributions.contract.start import mean
from natfit.distributions.contract.support import Support
from natfit.distributions.forms.summed_counts import SummedCounts
from natfit.numerics.bessel import log_scaled_bessel
from natfit.numerics.counting import Stretch


class Skellam(SummedCounts):
    """The Skellam distribution of the difference y of two independent Poisson numbers.

    With rates mu1 of the first and mu2 of the second,
    ``log p(y) = -(sqrt(mu1) - sqrt(mu2))^2 + y / 2 log(mu1 / mu2) + log(exp(-x) I_|y|(x))``,
    ``x = 2 sqrt(mu1 mu2)``, I the modified Bessel function; eta = (log mu1, log mu2). The mean
    is mu1 - mu2 and the variance mu1 + mu2. The derivative of log p in mu1 is
    ``p(y - 1) / p(y) - 1``, that in mu2 ``p(y + 1) / p(y) - 1``. The Fisher information is the
    expectation of the squared score, by enumeration. If the variance of the data is below the
    size of their mean, one of the rates tends to zero: the fit ends at the boundary.

    Mean ``mu1 - mu2``, variance ``mu1 + mu2``. In R: ``skellam::dskellam(mu1, mu2)``.

    Matches ``scipy.stats.skellam(mu1=mu1, mu2=mu2)``.

    References
    ----------
    Skellam (1946), The frequency distribution of the difference between two Poisson variates
    belonging to different populations, Journal of the Royal Statistical Society A 109, 296.
    """

    params = {"mu1": Positive(low=1e-8), "mu2": Positive(low=1e-8)}
    roles = {"mu1": Role.SHAPE, "mu2": Role.SHAPE}
    support = Support(integer=True)
    limit_meaning = {
        ("mu1", "lower"): "minus the number is a Poisson's",
        ("mu2", "lower"): "the Poisson distribution",
    }

    #: Autograd knows no Bessel functions of any order.
    differentiable = False

    def _log_prob(self, y: Any, mu1: Any, mu2: Any) -> np.ndarray:
        one, two = np.sqrt(mu1), np.sqrt(mu2)
        bessel = log_scaled_bessel(np.abs(y), 2.0 * one * two)
        return bessel - (one - two) ** 2 + 0.5 * y * np.log(mu1 / mu2)

    def _ratio(self, y: Any, by: float, mu1: Any, mu2: Any) -> np.ndarray:
        """p(y + by) / p(y)."""
        gap = log_scaled_bessel(np.abs(y + by), 2.0 * np.sqrt(mu1 * mu2))
        gap = gap - log_scaled_bessel(np.abs(y), 2.0 * np.sqrt(mu1 * mu2))
        return np.exp(gap + 0.5 * by * np.log(mu1 / mu2))

    def _score(self, y: Any, mu1: Any, mu2: Any) -> np.ndarray:
        below, above = self._ratio(y, -1.0, mu1, mu2), self._ratio(y, 1.0, mu1, mu2)
        return np.stack([mu1 * (below - 1.0), mu2 * (above - 1.0)], axis=1)

    def _observed(self, y: Any, mu1: Any, mu2: Any) -> np.ndarray:
        a, b = self._ratio(y, -1.0, mu1, mu2), self._ratio(y, 1.0, mu1, mu2)
        out = np.empty((len(a), 2, 2))
        out[:, 0, 0] = mu1**2 * (a * a - self._ratio(y, -2.0, mu1, mu2)) - mu1 * (a - 1.0)
        out[:, 1, 1] = mu2**2 * (b * b - self._ratio(y, 2.0, mu1, mu2)) - mu2 * (b - 1.0)
        out[:, 0, 1] = out[:, 1, 0] = mu1 * mu2 * (a * b - 1.0)
        return out

    def expectation(self, eta: np.ndarray) -> Expectation:
        """Nodes and probabilities at eta (K,), at a cost that does not grow with the rates."""
        mu1, mu2 = (float(v) for v in self.native_dict(eta).values())
        half = 40.0 + 12.0 * np.sqrt(mu1 + mu2)
        centre, none = np.floor([mu1 - mu2]), np.zeros(1, dtype=bool)
        stretch = Stretch(np.floor(centre - half), np.floor(centre + half), centre, none, none)
        y, weight = (part[0] for part in stretch.nodes(8))
        weight = weight * np.exp(self.log_prob(y, eta[None]))
        keep = weight > 0
        return Expectation(y[keep], weight[keep] / weight[keep].sum())

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        # By moments; the variance is kept a tenth above the size of the mean.
        centre = mean(y, weight)
        variance = mean((y - centre) ** 2, weight)
        variance = max(variance, 1.1 * abs(centre) + 0.5 / len(y))
        return {"mu1": 0.5 * (variance + centre), "mu2": 0.5 * (variance - centre)}

    def _sample(self, rng: np.random.Generator, n: int, mu1: Any, mu2: Any) -> np.ndarray:
        first = rng.poisson(np.minimum(mu1, 9e18), n).astype(np.float64)
        return first - rng.poisson(np.minimum(mu2, 9e18), n)

    def _moments(self, mu1: Any, mu2: Any) -> tuple[Any, Any]:
        return mu1 - mu2, mu1 + mu2

    def _to_scipy(self, mu1: Any, mu2: Any) -> Any:
        from scipy.stats import skellam

        return skellam(mu1=float(mu1), mu2=float(mu2))

"""The Cauchy distribution of real numbers."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.distributions.contract.window_ends import End
from natfit.distributions.forms.location_scale import LocationScale
from natfit.rows import Rows, nearest_to, share_equal

_LOG_PI = 1.1447298858494002


class Cauchy(LocationScale):
    """The Cauchy distribution, Student's t with one degree of freedom.

    With z = (y - loc) / scale, ``log p(y) = -log(pi scale) - log(1 + z^2)`` for real y;
    eta = (loc, log scale), Fisher information diag(1 / (2 scale^2), 1 / 2).
    With loc and scale both free the likelihood has one maximum (Copas, 1975), unless half of the
    rows or more are equal. In that case it has none: it does not fall as scale -> 0, and the
    message of the fit says so.

    In R: ``dcauchy(loc, scale)``.

    Matches ``scipy.stats.cauchy(loc, scale)``.

    Source: Copas (1975), On the unimodality of the likelihood for the Cauchy distribution.
    """

    standard_information = (0.5, 0.0, 0.5)
    _window_ends = (End("scale", "lower", "either", "the density (y - loc)^-2", power=1.0),)
    spread = 1.4826

    def _kernel(self, z: Any) -> Any:
        return -anp.log1p(z * z) - _LOG_PI

    def _kernel_terms(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        square = z * z
        value = -np.log1p(square)
        value -= _LOG_PI
        h = 1.0 / (1.0 + square)
        first = z * h
        first *= -2.0
        second = 2.0 * h * (1.0 - 2.0 * h)
        return value, first, second

    def _kl(self, loc: Any, scale: Any, loc2: Any, scale2: Any) -> np.ndarray:
        # log of ((s + s2)^2 + d^2) / (4 s s2), Chyzak and Nielsen (2019).
        excess = ((scale - scale2) ** 2 + (loc - loc2) ** 2) / (4.0 * scale * scale2)
        return np.log1p(excess)

    def _entropy(self, eta: Any) -> Any:
        return eta[:, 1] + anp.log(4.0 * anp.pi)

    def _mode(self, eta: np.ndarray) -> np.ndarray:
        return eta[:, 0].copy()

    def _log_cdf(self, y: Any, loc: Any, scale: Any) -> np.ndarray:
        # arctan2 is accurate far in a tail, where 1/2 + arctan(z) / pi has no digits left.
        return np.log(np.arctan2(1.0, (loc - y) / scale)) - _LOG_PI

    def _log_sf(self, y: Any, loc: Any, scale: Any) -> np.ndarray:
        return np.log(np.arctan2(1.0, (y - loc) / scale)) - _LOG_PI

    def no_maximum(self, rows: Rows, eta: np.ndarray) -> str | None:
        """Scale -> 0 at a value that has half of the weight or more."""
        at = nearest_to(rows, eta[0])
        share = share_equal(rows, at)
        if share < 0.5:
            return None
        return (
            f"{100 * share:.3g} % of the rows equal {at:g}: the likelihood rises all the way to "
            "scale -> 0 there"
        )

    def _sample(self, rng: np.random.Generator, n: int, loc: Any, scale: Any) -> np.ndarray:
        return loc + scale * rng.standard_cauchy(n)

    def _quantile(self, p: Any, upper: bool, loc: Any, scale: Any) -> np.ndarray:
        # From the nearer tail, in which the tangent has digits.
        z = np.where(
            p < 0.5, -1.0 / np.tan(np.pi * np.minimum(p, 0.5)), 1.0 / np.tan(np.pi * (1.0 - p))
        )
        return loc + scale * (-z if upper else z)

    def _to_scipy(self, loc: Any, scale: Any) -> Any:
        from scipy.stats import cauchy

        return cauchy(loc=float(loc), scale=float(scale))

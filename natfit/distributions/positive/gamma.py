"""The gamma distribution of positive numbers."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.scipy.special import gammaln
from scipy import special

from natfit.bijectors import Positive
from natfit.distributions.contract.checks import refuse_constant
from natfit.distributions.contract.declared import Role, Width
from natfit.distributions.contract.start import mean
from natfit.distributions.contract.support import POSITIVE
from natfit.distributions.contract.window_ends import End
from natfit.distributions.forms.exponential_family import ExponentialFamily
from natfit.distributions.forms.shift import narrow
from natfit.numerics.tails import log_gammainc, log_gammaincc
from natfit.rows import Rows


class Gamma(ExponentialFamily):
    """The gamma distribution of positive y.

    ``log p(y) = (shape - 1) log y - y / scale - shape log scale - log Gamma(shape)``;
    eta = (log shape, log scale), Fisher information
    ``[[shape^2 psi'(shape), shape], [shape, shape]]``.

    Matches ``scipy.stats.gamma(a=shape, scale=scale)``.
    """

    params = {"shape": Positive(), "scale": Positive()}
    roles = {"shape": Role.SHAPE, "scale": Role.SCALE}
    widths = {"shape": Width(-0.5, least=1.0)}
    support = POSITIVE
    _window_ends = (
        End("shape", "lower", "low", "the density exp(-y / scale) / y"),
        End("scale", "upper", "high", "the power law y^(shape - 1)", power=1.0),
    )
    smooth_tails = True
    _narrow = narrow.GAMMA
    # The logarithm of a number <= 0 is not finite.
    summary_proves_support = True

    def statistics(self, y: Any) -> tuple:
        """The sufficient statistics (y, log y), (n,) each."""
        return y if isinstance(y, tuple) else (y, anp.log(y))

    def _log_prob(self, y: Any, shape: Any, scale: Any) -> Any:
        value, log = self.statistics(y)
        return (shape - 1.0) * log - value / scale - shape * anp.log(scale) - gammaln(shape)

    def _score(self, y: Any, shape: np.ndarray, scale: np.ndarray) -> np.ndarray:
        value, log = self.statistics(y)
        out = np.empty((2, len(value)))
        out[0] = shape * (log - np.log(scale) - special.psi(shape))
        out[1] = value / scale - shape
        return out.T

    def _observed(self, y: Any, shape: np.ndarray, scale: np.ndarray) -> np.ndarray:
        value, log = self.statistics(y)
        out = np.empty((len(value), 2, 2))
        # shape is a logarithm's exponential: d/deta = shape d/dshape, hence the first-order term.
        first = shape * (log - np.log(scale) - special.psi(shape))
        out[:, 0, 0] = shape**2 * special.polygamma(1, shape) - first
        out[:, 0, 1] = out[:, 1, 0] = shape
        out[:, 1, 1] = value / scale
        return out

    def _fisher(self, shape: np.ndarray, scale: np.ndarray) -> np.ndarray:
        out = np.empty((len(shape), 2, 2))
        out[:, 0, 0] = shape**2 * special.polygamma(1, shape)
        out[:, 0, 1] = out[:, 1, 0] = out[:, 1, 1] = shape
        return out

    def _kl(self, shape: Any, scale: Any, shape2: Any, scale2: Any) -> np.ndarray:
        return divergence(shape, shape2, np.log(scale / scale2))

    def _log_cdf(self, y: np.ndarray, shape: Any, scale: Any) -> np.ndarray:
        return log_gammainc(shape, y / scale)

    def _log_sf(self, y: np.ndarray, shape: Any, scale: Any) -> np.ndarray:
        return log_gammaincc(shape, y / scale)

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """All rows alike: shape -> infinity and the likelihood grows without limit."""
        # log mean - mean log is zero for constant data alone, up to rounding.
        if summary is None or not np.log(summary[0][0]) - summary[1][0] > 1e-8:
            refuse_constant(rows, type(self).__name__)

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        centre = mean(y, weight)
        shape = approximate_shape(np.log(centre) - mean(np.log(y), weight))
        return {"shape": shape, "scale": centre / shape}

    def _sample(self, rng: np.random.Generator, n: int, shape: Any, scale: Any) -> np.ndarray:
        return rng.gamma(shape, scale, n)

    def _to_scipy(self, shape: Any, scale: Any) -> Any:
        from scipy.stats import gamma

        return gamma(a=float(shape), scale=float(scale))

    def expectation_coordinates(self, origin: np.ndarray) -> Any:
        """Not closed-form: E[log y] = psi(shape) + log scale needs the inverse digamma."""
        raise ValueError(
            "Gamma has no closed-form expectation coordinates: E[log y] = psi(shape) + log scale "
            "must be inverted numerically; use coordinates='unconstrained' or 'native'"
        )


def divergence(shape: Any, shape2: Any, log_ratio: Any) -> Any:
    """KL between gamma distributions, elementwise, nats; the logarithm is that of their scales."""
    return (
        (shape - shape2) * special.psi(shape)
        - special.gammaln(shape)
        + special.gammaln(shape2)
        - shape2 * log_ratio
        + shape * np.expm1(log_ratio)
    )


def approximate_shape(gap: float) -> float:
    """Shape of gamma rows whose log mean exceeds their mean log by ``gap`` (Minka, 2002)."""
    gap = max(gap, 1e-10)
    return (3.0 - gap + np.sqrt((gap - 3.0) ** 2 + 24.0 * gap)) / (12.0 * gap)

"""The inverse gamma distribution."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.scipy.special import gammaln
from scipy import special

from natfit.bijectors import Positive
from natfit.distributions.contract.checks import ROUNDING, refuse_constant
from natfit.distributions.contract.declared import Role, Width
from natfit.distributions.contract.start import mean
from natfit.distributions.contract.support import POSITIVE
from natfit.distributions.contract.window_ends import End
from natfit.distributions.forms.exponential_family import ExponentialFamily
from natfit.distributions.forms.shift import narrow
from natfit.distributions.positive.gamma import approximate_shape, divergence
from natfit.numerics.tails import log_gammainc, log_gammaincc
from natfit.rows import Rows


class InverseGamma(ExponentialFamily):
    """The inverse gamma distribution of positive y: 1 / y is gamma(shape, 1 / scale).

    ``log p(y) = shape log scale - log Gamma(shape) - (shape + 1) log y - scale / y``;
    eta = (log shape, log scale), Fisher information
    ``[[shape^2 psi'(shape), -shape], [-shape, shape]]``.

    Only data whose rows are all equal have no maximum (shape -> infinity): they are refused.

    Matches ``scipy.stats.invgamma(a=shape, scale=scale)``.
    """

    params = {"shape": Positive(), "scale": Positive()}
    roles = {"shape": Role.SHAPE, "scale": Role.SCALE}
    widths = {"shape": Width(-0.5, least=1.0)}
    support = POSITIVE
    _window_ends = (
        End("shape", "lower", "high", "the density exp(-scale / y) / y"),
        End("scale", "lower", "low", "the power law y^(-shape - 1)", power=1.0),
    )
    smooth_tails = True
    _narrow = narrow.INVERSE_GAMMA
    # The logarithm of a number <= 0 is not finite.
    summary_proves_support = True

    def statistics(self, y: Any) -> tuple:
        """(1 / y, log y)."""
        return y if isinstance(y, tuple) else (1.0 / y, anp.log(y))

    def _log_prob(self, y: Any, shape: Any, scale: Any) -> Any:
        inverse, log = self.statistics(y)
        return shape * (anp.log(scale) - log) - gammaln(shape) - log - scale * inverse

    def _score(self, y: Any, shape: np.ndarray, scale: np.ndarray) -> np.ndarray:
        inverse, log = self.statistics(y)
        out = np.empty((2, len(log)))
        out[0] = shape * (np.log(scale) - special.psi(shape) - log)
        out[1] = shape - scale * inverse
        return out.T

    def _observed(self, y: Any, shape: np.ndarray, scale: np.ndarray) -> np.ndarray:
        inverse, log = self.statistics(y)
        out = np.empty((len(log), 2, 2))
        # shape is a logarithm's exponential: d/deta = shape d/dshape, hence the first-order term.
        first = shape * (np.log(scale) - special.psi(shape) - log)
        out[:, 0, 0] = shape**2 * special.polygamma(1, shape) - first
        out[:, 0, 1] = out[:, 1, 0] = -shape
        out[:, 1, 1] = scale * inverse
        return out

    def _fisher(self, shape: np.ndarray, scale: np.ndarray) -> np.ndarray:
        out = np.empty((len(shape), 2, 2))
        out[:, 0, 0] = shape**2 * special.polygamma(1, shape)
        out[:, 0, 1] = out[:, 1, 0] = -shape
        out[:, 1, 1] = shape
        return out

    def _kl(self, shape: Any, scale: Any, shape2: Any, scale2: Any) -> np.ndarray:
        return divergence(shape, shape2, np.log(scale2 / scale))

    def _log_cdf(self, y: Any, shape: Any, scale: Any) -> np.ndarray:
        return log_gammaincc(shape, scale / y)

    def _log_sf(self, y: Any, shape: Any, scale: Any) -> np.ndarray:
        return log_gammainc(shape, scale / y)

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """All rows alike: shape -> infinity and the likelihood grows without limit."""
        # log mean - mean log of 1 / y is zero for constant data alone, up to rounding.
        if summary is None or not np.log(summary[0][0]) + summary[1][0] > 1e-8:
            refuse_constant(rows, type(self).__name__, relative=ROUNDING)

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        # That of the gamma distribution of 1 / y.
        centre = mean(1.0 / y, weight)
        shape = approximate_shape(np.log(centre) + mean(np.log(y), weight))
        return {"shape": shape, "scale": shape / centre}

    def _sample(self, rng: np.random.Generator, n: int, shape: Any, scale: Any) -> np.ndarray:
        return scale / rng.gamma(shape, 1.0, n)

    def _to_scipy(self, shape: Any, scale: Any) -> Any:
        from scipy.stats import invgamma

        return invgamma(a=float(shape), scale=float(scale))

    def expectation_coordinates(self, origin: np.ndarray) -> Any:
        """Not closed-form: E[log y] = log scale - psi(shape) needs the inverse digamma."""
        raise ValueError(
            "InverseGamma has no closed-form expectation coordinates: E[log y] = log scale - "
            "psi(shape) must be inverted numerically; use coordinates='unconstrained' or 'native'"
        )

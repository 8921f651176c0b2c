"""The Nakagami distribution of positive numbers."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.bijectors import Positive
from natfit.distributions.contract.declared import Role, Width
from natfit.distributions.contract.support import POSITIVE
from natfit.distributions.forms.shift import narrow
from natfit.distributions.forms.transformed import Transformed
from natfit.distributions.positive.gamma import Gamma
from natfit.numerics.moments import log_half_step

#: In units of the scale: below this the distribution function is a power of y to the last digit.
_SQUARED = 1e-100


class Nakagami(Transformed):
    """The Nakagami distribution of positive y, such as amplitudes: y^2 has a gamma distribution.

    ``log p(y) = log 2 + shape log(shape / scale^2) - log Gamma(shape) + (2 shape - 1) log y
    - shape y^2 / scale^2``; scale is the root mean square. shape 1/2 is the half-normal, 1 the
    Rayleigh, 3/2 the Maxwell distribution. eta = (log shape, log scale), Fisher information
    diag(shape^2 psi'(shape) - shape, 4 shape).

    Only data whose rows are all equal have no maximum (shape -> infinity): they are refused.

    Mean ``scale Gamma(shape + 1 / 2) / (Gamma(shape) sqrt(shape))``, variance
    ``scale^2 (1 - Gamma(shape + 1 / 2)^2 / (Gamma(shape)^2 shape))``. In R:
    ``VGAM::dnaka(scale^2, shape)``.

    Matches ``scipy.stats.nakagami(nu=shape, scale=scale)``.

    Source: Nakagami (1960), The m-distribution, in Statistical Methods in Radio Wave Propagation.
    """

    params = {"shape": Positive(), "scale": Positive()}
    roles = {"shape": Role.SHAPE, "scale": Role.SCALE}
    widths = {"shape": Width(-0.5, least=0.5)}
    support = POSITIVE
    _narrow = narrow.NAKAGAMI
    base = Gamma()
    to_base = np.array([[1.0, 0.0], [-1.0, 2.0]]), np.zeros(2)

    def _forward(self, y: Any) -> Any:
        return y * y

    def _backward(self, t: np.ndarray) -> np.ndarray:
        return np.sqrt(t)

    def _log_slope(self, y: Any) -> Any:
        return np.log(2.0) + anp.log(y)

    def log_cdf(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Log P(Y <= y) of each row, (n,) nats; near zero, where y^2 underflows, a power of y."""
        shape, scale = (np.broadcast_to(v, np.shape(y)) for v in self.native(eta))
        least = _SQUARED * scale
        near = (np.asarray(y) > 0.0) & (y < least)
        out = super().log_cdf(np.where(near, least, y), eta)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(near, out + 2.0 * shape * (np.log(y) - np.log(least)), out)

    def _moments(self, shape: Any, scale: Any) -> tuple[Any, Any]:
        log = log_half_step(shape)
        return scale * np.exp(log), -np.square(scale) * np.expm1(2.0 * log)

    def _to_scipy(self, shape: Any, scale: Any) -> Any:
        from scipy.stats import nakagami

        return nakagami(nu=float(shape), scale=float(scale))

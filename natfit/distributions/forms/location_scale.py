"""What location-scale families share: derivatives in loc and log scale from those of a kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import autograd.numpy as anp
import numpy as np

from natfit.bijectors import Positive, Real
from natfit.distributions.base import Distribution
from natfit.distributions.contract.checks import refuse_constant, refuse_extreme
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.expectation import Expectation
from natfit.distributions.contract.start import location_scale
from natfit.distributions.contract.support import REAL
from natfit.distributions.contract.velocity import stretched
from natfit.linops.row_curvature import Entries, Entry, RowCurvature
from natfit.rows import Rows, dot, total_weight, weighted_total


class LocationScale(Distribution):
    """A family with log p(y) = g(z) - log scale, z = (y - loc) / scale, for real y.

    A family writes g (``_kernel``), and g together with its first two derivatives
    (``_kernel_terms``). The score in (loc, log scale) is ``(-g' / scale, -z g' - 1)``, the
    observed information ``-[[g'' / scale^2, (g' + z g'') / scale], [., z g' + z^2 g'']]`` and
    the Fisher information ``[[a / scale^2, b / scale], [b / scale, c]]`` with the family's own
    constants ``standard_information = (a, b, c)``.
    """

    params = {"loc": Real(), "scale": Positive()}
    roles = {"loc": Role.LOCATION, "scale": Role.SCALE}
    support = REAL

    #: The Fisher information at loc = 0, scale = 1: its entries 11, 12 and 22.
    standard_information: ClassVar[tuple[float, float, float]]

    #: Standard deviation, in units of scale, of the normal distribution with the same quartiles.
    spread: ClassVar[float]

    def _kernel(self, z: Any) -> Any:
        raise NotImplementedError

    def _kernel_terms(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        raise NotImplementedError

    def _log_prob(self, y: Any, loc: Any, scale: Any) -> Any:
        return self._kernel((y - loc) / scale) - anp.log(scale)

    def _score(self, y: Any, loc: Any, scale: Any) -> np.ndarray:
        z = (y - loc) / scale
        _, first, _ = self._kernel_terms(z)
        return score_of(z, scale, first)

    def log_prob_and_score(self, y: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Both, (n,) and (n, 2), from the kernel's terms."""
        scale = np.exp(eta[:, 1])
        z = (y - eta[:, 0]) / scale
        value, first, _ = self._kernel_terms(z)
        return value - eta[:, 1], score_of(z, scale, first)

    def curvature(self, eta: np.ndarray) -> RowCurvature:
        """Fisher information of rows: that in log scale is one number."""
        a, b, c = self.standard_information
        rate = np.exp(-eta[:, 1])
        entries: dict[tuple[int, int], Entry] = {(0, 0): a * rate * rate, (1, 1): c}
        if b:
            entries[0, 1] = b * rate
        return Entries(2, entries)

    def _observed(self, y: Any, loc: Any, scale: Any) -> np.ndarray:
        z = (y - loc) / scale
        _, first, second = self._kernel_terms(z)
        return observed_of(z, scale, first, second)

    def _velocity(self, y: np.ndarray, loc: Any, scale: Any) -> tuple[np.ndarray, np.ndarray]:
        return stretched(y - loc)

    def sum_terms(
        self, y: Any, weight: np.ndarray | None, eta: np.ndarray
    ) -> tuple[float, np.ndarray, np.ndarray]:
        """Weighted sums of log p, its score (2,) and its negative Hessian (2, 2), eta (1, 2)."""
        loc, scale = (v[0] for v in self.native(eta))
        z = y - loc
        z *= 1.0 / scale
        value, first, second = self._kernel_terms(z)
        n = total_weight(weight, len(z))
        total, f, s = (weighted_total(v, weight) for v in (value, first, second))
        if weight is not None:
            first, second = weight * first, weight * second
        zf, zs = dot(z, first), dot(z, second)
        second *= z
        zzs = dot(z, second)
        score = np.array([-f / scale, -zf - n])
        mixed = -(f + zs) / scale
        observed = np.array([[-s / scale**2, mixed], [mixed, -zf - zzs]])
        return total - n * np.log(scale), score, observed

    def _fisher(self, loc: Any, scale: Any) -> np.ndarray:
        a, b, c = self.standard_information
        out = np.empty((len(scale), 2, 2))
        out[:, 0, 0] = a / scale**2
        out[:, 0, 1] = out[:, 1, 0] = b / scale
        out[:, 1, 1] = c
        return out

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """All rows alike: scale -> 0 and the likelihood grows without limit."""
        refuse_constant(rows, type(self).__name__)
        refuse_extreme(rows, type(self).__name__)

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        loc, scale = location_scale(y, weight)
        return {"loc": loc, "scale": scale / self.spread}


# The chain rule from z = (y - loc) / scale, and perhaps a shape, to (loc, log scale, shape): the
# log-density is g(z, shape) - log scale, and its derivatives in z and shape are g's.


def score_of(z: np.ndarray, scale: Any, first: Any, last: Any = None) -> np.ndarray:
    """Score (n, 2), or (n, 3) with a shape, from the derivatives (n,) in z and in the shape."""
    out = np.empty((2 if last is None else 3, len(z)))
    np.divide(-first, scale, out=out[0])
    np.subtract(-z * first, 1.0, out=out[1])
    if last is not None:
        out[2] = last
    return out.T


def observed_of(
    z: np.ndarray, scale: Any, first: Any, second: Any, mixed: Any = None, last: Any = None
) -> np.ndarray:
    """Negative Hessian of each row from the derivatives of g.

    Parameters
    ----------
    z : ndarray of shape (n,)
        Standardised rows.
    scale : float or ndarray of shape (n,)
        Their unit.
    first, second : ndarray of shape (n,)
        Derivatives in z, once and twice.
    mixed, last : ndarray of shape (n,), optional
        Derivatives in z and the shape, and twice in the shape, where there is a shape.

    Returns
    -------
    ndarray of shape (n, 2, 2) or (n, 3, 3)
        In (loc, log scale), and the shape.
    """
    size = 2 if last is None else 3
    out = np.empty((len(z), size, size))
    out[:, 0, 0] = -second / scale**2
    slope = first + z * second
    out[:, 0, 1] = out[:, 1, 0] = -slope / scale
    out[:, 1, 1] = -z * slope
    if last is not None:
        out[:, 0, 2] = out[:, 2, 0] = mixed / scale
        out[:, 1, 2] = out[:, 2, 1] = z * mixed
        out[:, 2, 2] = -last
    return out


class Standardised(Distribution):
    """A family in (location, scale, shape) whose expectations are a rule of its standard members.

    A family gives both functions of the shape, which keep what they have computed.
    """

    # The information is an integral for each shape.
    fisher_by_rows = False

    @staticmethod
    def _rule(shape: float) -> tuple[np.ndarray, np.ndarray]:
        """Nodes and probabilities of the member with location 0 and scale 1."""
        raise NotImplementedError

    @staticmethod
    def _standard_information(shape: float) -> np.ndarray:
        """Its Fisher information (3, 3) in eta."""
        raise NotImplementedError

    def expectation(self, eta: np.ndarray) -> Expectation:
        """The rule of the standard member, moved and stretched."""
        loc, scale, shape = (float(v) for v in self.native_dict(eta).values())
        z, weight = self._rule(shape)
        return Expectation(loc + scale * z, weight)

    def _fisher(self, loc: Any, scale: Any, shape: Any) -> np.ndarray:
        return information_of(self._standard_information, scale, shape)


def information_of(standard: Callable[[float], np.ndarray], scale: Any, shape: Any) -> np.ndarray:
    """Fisher information (n, 3, 3) in (loc, log scale, shape), from that at scale = 1 by shape."""
    out = np.stack([standard(float(k)) for k in np.ravel(shape)])
    unit = np.ones((len(out), 3))
    unit[:, 0] = 1.0 / scale
    return out * unit[:, :, None] * unit[:, None, :]

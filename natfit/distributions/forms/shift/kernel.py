"""The standardised density of a shifted family: g(z; ratio, rest), z = (y - centre) / width."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import special

from natfit.bijectors import Positive
from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import Role
from natfit.distributions.forms.extremes import from_tail, tail, tail_terms
from natfit.distributions.forms.shift.narrow import Narrow, Power

_HALF_LOG_2PI = 0.9189385332046727

#: Logarithms beyond which exp would leave the range of doubles.
_RANGE = 690.0

#: Relative width below which a narrow density's probabilities are those of the normal with its
#: first correction, whose error is of the order of the square.
_NARROW = 1e-4


@dataclass(frozen=True)
class Terms:
    """g and its derivatives, (n,) each, and those in the q further parameters.

    Attributes
    ----------
    value, first, second, mixed, slope, curve : ndarray of shape (n,)
        g; its derivatives in z, z z, z ratio, ratio, and ratio ratio.
    rest : ndarray of shape (n, q)
        Derivatives in the further parameters' eta.
    rest_first, rest_mixed : ndarray of shape (n, q)
        Their derivatives in z and in the ratio.
    rest_second : ndarray of shape (n, q, q)
        Second derivatives in them.
    """

    value: np.ndarray
    first: np.ndarray
    second: np.ndarray
    mixed: np.ndarray
    slope: np.ndarray
    curve: np.ndarray
    rest: np.ndarray
    rest_first: np.ndarray
    rest_mixed: np.ndarray
    rest_second: np.ndarray


class Kernel:
    """What a shifted family is in coordinates that are regular where loc -> -infinity.

    With c = centre - loc and ratio = width / c, every native parameter of the family but those in
    ``rest`` is a product of powers of c and the ratio (``powers``).

    Attributes
    ----------
    inner : Distribution
        The family of y - loc.
    powers : dict
        A :class:`Power` for each of two native parameters.
    rest : list of str
        Names of the family's other parameters.
    limit : str
        What the family is at ratio 0, in words.
    """

    inner: Distribution
    powers: dict[str, Power]
    limit: str

    #: Whether z is a known function of the ratio and of a variable without parameters.
    stretched = False

    @cached_property
    def rest(self) -> list[str]:
        """Names of the parameters that are not products of powers."""
        return [name for name in self.inner.params if name not in self.powers]

    def terms(self, z: np.ndarray, ratio: np.ndarray, rest: np.ndarray) -> Terms:
        """g and its derivatives at z (n,), ratio (n,) or (1,), rest (n, q) or (1, q)."""
        raise NotImplementedError

    def tails(self, name: str, z: np.ndarray, ratio: np.ndarray, rest: np.ndarray) -> np.ndarray:
        """``log_cdf`` or ``log_sf`` of z (n,), -inf or 0 outside the support."""
        raise NotImplementedError

    def nodes(self, ratio: float, rest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Nodes z and their probabilities, (m,) each, for rest (q,)."""
        raise NotImplementedError


def kernel_of(inner: Distribution) -> Kernel | None:
    """The kernel of a family of positive y; None for a family of another kind.

    There is one for a family whose log y has a location and a scale (the roles say so), and for a
    family that declares how it becomes normal.

    Returns
    -------
    Kernel or None
    """
    if not all(c.elementwise and c.size == 1 for c in inner.params.values()):
        return None
    plain = [
        n for n, c in inner.params.items() if type(c) is Positive and c.bounds[0] < -_RANGE + 1
    ]
    if inner._narrow is not None:
        return NarrowKernel(inner) if set(inner._narrow.powers) <= set(plain) else None
    found = {role: [n for n in plain if inner.roles.get(n) is role] for role in Role}
    pair = found[Role.POWER], found[Role.SCALE]
    scales = [r for r in inner.roles.values() if r in (Role.SCALE, Role.RATE)]
    if [len(p) for p in pair] != [1, 1] or len(scales) != 1 or pair[0][0] not in inner.widths:
        return None
    return StretchedKernel(inner, pair[0][0], pair[1][0])


class StretchedKernel(Kernel):
    """A family whose log y has a location and a scale.

    t = log(1 + ratio z) / ratio has one log-density l, that of log y at power 1 and scale 1:
    l(t) = log f(e^t) + t, and g = l(t) - ratio t.
    At ratio 0, t = z.
    """

    stretched = True

    def __init__(self, inner: Distribution, power: str, scale: str):
        self.inner = inner
        # The width of log y is proportional to the power, or to its inverse.
        sign = 1.0 if inner.widths[power].power > 0 else -1.0
        self.powers = {power: Power(0.0, sign), scale: Power(1.0, 0.0)}
        self.limit = inner._log_name or f"the distribution of log y for {type(inner).__name__}"
        self._scale = inner.blocks[scale].start
        self._rest = [inner.blocks[name].start for name in self.rest]

    def _eta(self, rest: np.ndarray) -> np.ndarray:
        """Inner eta (n, K) at power 1 and scale 1."""
        eta = np.zeros((len(rest), self.inner.n_params))
        eta[:, self._rest] = rest
        return eta

    def terms(self, z: np.ndarray, ratio: np.ndarray, rest: np.ndarray) -> Terms:
        """G and its derivatives, by the chain rule from those of l."""
        inverse, t, r, r2 = tail_terms(z, ratio)
        near = np.clip(t, -_RANGE, _RANGE)
        # Beyond the range of doubles l is a straight line, or has become minus infinity.
        beyond = t - near
        y, eta = np.exp(near), self._eta(rest)
        value, score = self.inner.log_prob_and_score(y, eta)
        observed = self.inner.observed(y, eta)
        s, q = self._scale, self._rest
        l1, l2 = -score[:, s], np.where(beyond == 0, -observed[:, s, s], 0.0)
        value = value + near + np.where(beyond == 0, 0.0, (l1 * beyond))
        slope = score[:, q] + observed[:, s][:, q] * beyond[:, None]
        pull = l1 - ratio
        first = pull * inverse
        return Terms(
            value - ratio * t,
            first,
            l2 * inverse**2 - ratio * first * inverse,
            (l2 * r - 1.0) * inverse - first * z * inverse,
            pull * r - t,
            l2 * r * r + pull * r2 - 2.0 * r,
            slope,
            observed[:, s][:, q] * inverse[:, None],
            observed[:, s][:, q] * r[:, None],
            -observed[:, q][:, :, q],
        )

    def tails(self, name: str, z: np.ndarray, ratio: np.ndarray, rest: np.ndarray) -> np.ndarray:
        """The inner family's tail at e^t."""
        x, t = tail(z, ratio)
        t = np.where(x > 0, np.clip(t, -_RANGE, _RANGE), -_RANGE)
        out = getattr(self.inner, name)(np.exp(t), self._eta(rest))
        low, high = (-np.inf, 0.0) if name == "log_cdf" else (0.0, -np.inf)
        return np.where(x > 0, np.where(z == np.inf, high, out), low)

    def nodes(self, ratio: float, rest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The inner family's, through e^t."""
        rule = self.inner.expectation(self._eta(rest[None])[0])
        return from_tail(np.log(rule.y), ratio), rule.weight


class NarrowKernel(Kernel):
    """A family that becomes normal as its relative width, the ratio, tends to zero."""

    limit = "the normal distribution"

    def __init__(self, inner: Distribution):
        self.inner = inner
        self.law: Narrow = inner._narrow
        self.powers = self.law.powers

    def terms(self, z: np.ndarray, ratio: np.ndarray, rest: np.ndarray) -> Terms:
        """G and its derivatives, without cancellation."""
        value, first, second, mixed, slope, curve = self.law.terms(z, ratio)
        none, square = np.empty((len(z), 0)), np.empty((len(z), 0, 0))
        known = value - _HALF_LOG_2PI, first, second, mixed, slope, curve
        return Terms(*known, none, none, none, square)

    def _eta(self, ratio: Any) -> np.ndarray:
        """Inner eta (n, K) at c = 1."""
        values = {n: p.factor * ratio**p.width for n, p in self.powers.items()}
        return np.stack([np.log(values[name]) for name in self.inner.params], axis=1)

    def tails(self, name: str, z: np.ndarray, ratio: np.ndarray, rest: np.ndarray) -> np.ndarray:
        """The inner family's tail at x, or the normal's with its first correction."""
        ratio = np.broadcast_to(ratio, np.shape(z))
        sign = 1.0 if name == "log_cdf" else -1.0
        # g = -z^2 / 2 - p w z^3 - k w z: mean -(3 p + k) w and third cumulant -6 p w, from which
        # Cornish and Fisher's expansion gives a normal number of z, to the first order in w.
        p, k = float(self.law.series[1]), self.law.log_power
        with np.errstate(all="ignore"):
            shift = -(3.0 * p + k) - p * (z * z - 1.0)
            shift = np.where(np.isfinite(z), ratio * shift, 0.0)
            out = special.log_ndtr(sign * (z - shift))
        wide = ratio >= _NARROW
        if wide.any():
            out = np.array(out)
            x = 1.0 + ratio[wide] * z[wide]
            out[wide] = getattr(self.inner, name)(x, self._eta(ratio[wide]))
        return out

    def nodes(self, ratio: float, rest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The trapezoidal rule in u = log(x) / ratio, which has tails on both sides."""
        reach = 40.0 * max(ratio, 1.0)
        u = np.arange(-reach, reach, 0.1)
        z = from_tail(u, ratio)
        with np.errstate(all="ignore"):
            weight = np.exp(self.terms(z, np.array([ratio]), rest).value + ratio * u)
        keep = np.isfinite(weight) & (weight > 0)
        return z[keep], weight[keep] / weight[keep].sum()

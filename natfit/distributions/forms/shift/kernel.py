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

#: Powers at which nodes are looked for until e^t of all of them is a number.
_NARROWER = (1.0, 1e2, 1e4, 1e6)

#: -l in nats from which on it is taken to have become infinite.
_LOST = 1e9

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
        self._scale, self._power = inner.blocks[scale].start, inner.blocks[power].start
        self._narrower = -sign
        self._rest = [inner.blocks[name].start for name in self.rest]

    def _eta(self, rest: np.ndarray, power: np.ndarray | float = 1.0) -> np.ndarray:
        """Inner eta (n, K) at scale 1, and at a power at which log y is as many times narrower."""
        eta = np.zeros((max(len(rest), np.size(power)), self.inner.n_params))
        eta[:, self._rest] = rest
        eta[:, self._power] = self._narrower * np.log(power)
        return eta

    def _log(self, t: np.ndarray, rest: np.ndarray) -> tuple[np.ndarray, ...]:
        """l, its derivatives in t and t t, and the inner score and negative Hessian.

        Where e^t is out of the range of doubles, l(t) is that of log y = t / power at a power at
        which this is inside, if l has not become minus infinity before.

        Returns
        -------
        value, first, second : ndarray of shape (n,)
        score : ndarray of shape (n, K)
        observed : ndarray of shape (n, K, K)
        """
        near = np.clip(t, -_RANGE, _RANGE)
        found = self._log_inside(near, np.ones(1), rest)
        far = (near != t) & (found[0] > -_LOST)
        if far.any():
            some = rest[far] if len(rest) > 1 else rest
            exact = self._log_inside(t[far], np.abs(t[far]) / _RANGE, some)
            found = tuple(np.array(part) for part in found)
            for part, value in zip(found, exact, strict=True):
                part[far] = value
        value, score, observed = found
        s = self._scale
        second = np.where(far | (near == t), -observed[:, s, s], 0.0)
        return value, -score[:, s], second, score, observed

    def _log_inside(self, t: np.ndarray, power: np.ndarray, rest: np.ndarray) -> tuple:
        """l, and the inner score and negative Hessian, at log y = t / power, in the unit of t."""
        y, eta, s = np.exp(t / power), self._eta(rest, power), self._scale
        value, score = self.inner.log_prob_and_score(y, eta)
        observed = self.inner.observed(y, eta)
        if np.any(power != 1.0):
            score, observed = np.array(score), np.array(observed)
            score[:, s] /= power
            observed[:, s] /= power[:, None]
            observed[:, :, s] /= power[:, None]
        return value + t / power - np.log(power), score, observed

    def terms(self, z: np.ndarray, ratio: np.ndarray, rest: np.ndarray) -> Terms:
        """G and its derivatives, by the chain rule from those of l."""
        inverse, t, r, r2 = tail_terms(z, ratio)
        value, l1, l2, score, observed = self._log(t, rest)
        s, q = self._scale, self._rest
        pull = l1 - ratio
        first = pull * inverse
        return Terms(
            value - ratio * t,
            first,
            l2 * inverse**2 - ratio * first * inverse,
            (l2 * r - 1.0) * inverse - first * z * inverse,
            pull * r - t,
            l2 * r * r + pull * r2 - 2.0 * r,
            score[:, q],
            observed[:, s][:, q] * inverse[:, None],
            observed[:, s][:, q] * r[:, None],
            -observed[:, q][:, :, q],
        )

    def tails(self, name: str, z: np.ndarray, ratio: np.ndarray, rest: np.ndarray) -> np.ndarray:
        """The inner family's tail at e^t."""
        x, t = tail(z, ratio)
        t = np.where(x > 0, t, -_RANGE)
        power = np.maximum(np.abs(t) / _RANGE, 1.0)
        power = np.ones(1) if np.all(power == 1.0) else np.where(power < np.inf, power, 1.0)
        with np.errstate(over="ignore"):
            out = getattr(self.inner, name)(np.exp(t / power), self._eta(rest, power))
        low, high = (-np.inf, 0.0) if name == "log_cdf" else (0.0, -np.inf)
        return np.where(x > 0, np.where(z == np.inf, high, out), low)

    def nodes(self, ratio: float, rest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The inner family's, through e^t."""
        for power in _NARROWER:
            rule = self.inner.expectation(self._eta(rest[None], power)[0])
            t = np.log(rule.y)
            if np.all(np.abs(t) < _RANGE):
                break
        return from_tail(power * t, ratio), rule.weight


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

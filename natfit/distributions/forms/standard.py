"""Rows that are exact or open on one side, of families that standardise y: all in one pass.

Where y, or log y, has a centre m and a width e^a, z = (x - m) e^(sign a) has a distribution without
parameters, of which g is the log-density and G the logarithm of a tail. An exact row has the
log-density ``g(z) + sign a``, less log y where x is log y; an open one has the log-probability
G(z). With k for either, d = 1 for exact rows and 0 for open ones, and r = e^(sign a)::

    score in (a, m)            sign (z k' + d)           -r k'
    observed                   -z (k' + z k'')           sign r (k' + z k'')         -r^2 k''
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from natfit.numerics.special import log1mexp

_HALF_LOG_2PI = 0.9189385332046727

#: Open ends are moved up to minus this, or to this where y > 0: the tail above has probability one.
_FAR, _NEAR = 1e150, 1e-300

#: Below this, 1 - w - w / (e^w - 1) is summed as a series.
_SMALL = 0.01

#: A function of z and its first two derivatives, (n,) each.
Terms = tuple[np.ndarray, np.ndarray, np.ndarray]


class Kernel:
    """A distribution without parameters: log-density and log-probabilities of its tails."""

    def exact(self, z: np.ndarray) -> Terms:
        """Return the log-density at z and its derivatives."""
        raise NotImplementedError

    def above(self, z: np.ndarray) -> Terms:
        """Return log P(Z > z) and its derivatives."""
        raise NotImplementedError

    def below(self, z: np.ndarray) -> Terms:
        """Return log P(Z < z) and its derivatives."""
        raise NotImplementedError

    def mixed(self, z: np.ndarray, exact: np.ndarray, above: np.ndarray) -> Any:
        """Return what each row asks for: exact ones, ones open above, and else ones open below."""
        kinds = ((exact, self.exact), (above, self.above), (~(exact | above), self.below))
        out = np.empty((3, len(z)))
        for which, rule in kinds:
            at = np.flatnonzero(which)
            if len(at) == len(z):
                return rule(z)
            if len(at):
                for row, found in zip(out, rule(z[at]), strict=True):
                    row[at] = found
        return out


class _Normal(Kernel):
    def exact(self, z: np.ndarray) -> Terms:
        return -0.5 * z * z - _HALF_LOG_2PI, -z, np.full(len(z), -1.0)

    def above(self, z: np.ndarray) -> Terms:
        value = special.log_ndtr(-z)
        hazard = np.exp(-0.5 * z * z - _HALF_LOG_2PI - value)
        return value, -hazard, hazard * (z - hazard)

    def below(self, z: np.ndarray) -> Terms:
        value, first, second = self.above(-z)
        return value, -first, second


class _Logistic(Kernel):
    """Tails are powers 1 and densities products of the same two factors."""

    def exact(self, z: np.ndarray) -> Terms:
        return self._power(z, 2.0, np.ones(len(z)))

    def above(self, z: np.ndarray) -> Terms:
        return self._power(z, 1.0, np.zeros(len(z)))

    def below(self, z: np.ndarray) -> Terms:
        value, first, second = self.above(-z)
        return value, -first, second

    def mixed(self, z: np.ndarray, exact: np.ndarray, above: np.ndarray) -> Any:
        if not (exact | above).all():
            return super().mixed(z, exact, above)
        d = exact.astype(np.float64)
        return self._power(z, 1.0 + d, d)

    def _power(self, z: np.ndarray, power: Any, d: np.ndarray) -> Terms:
        """Return d z - power log(1 + e^z) and its derivatives."""
        e = np.exp(-np.abs(z))
        tail = 1.0 / (1.0 + e)
        p = np.where(z > 0.0, tail, e * tail)
        value = d * z - power * (np.maximum(z, 0.0) + np.log1p(e))
        return value, d - power * p, -power * (e * tail * tail)


class _GumbelMin(Kernel):
    """log P(Z > z) = -e^z."""

    def exact(self, z: np.ndarray) -> Terms:
        w = np.exp(z)
        return z - w, 1.0 - w, -w

    def above(self, z: np.ndarray) -> Terms:
        w = -np.exp(z)
        return w, w, w

    def below(self, z: np.ndarray) -> Terms:
        return below_hazard(np.exp(np.minimum(z, 10.0)))

    def mixed(self, z: np.ndarray, exact: np.ndarray, above: np.ndarray) -> Any:
        if not (exact | above).all():
            return super().mixed(z, exact, above)
        w, d = np.exp(z), exact.astype(np.float64)
        first = d - w
        d *= z
        d -= w
        return d, first, np.negative(w, out=w)


class _Mirrored(Kernel):
    """The distribution of -Z."""

    def __init__(self, kernel: Kernel):
        self.kernel = kernel

    def exact(self, z: np.ndarray) -> Terms:
        return _turned(self.kernel.exact(-z))

    def above(self, z: np.ndarray) -> Terms:
        return _turned(self.kernel.below(-z))

    def below(self, z: np.ndarray) -> Terms:
        return _turned(self.kernel.above(-z))


def _turned(terms: Terms) -> Terms:
    value, first, second = terms
    return value, -first, second


NORMAL, LOGISTIC, GUMBEL_MIN = _Normal(), _Logistic(), _GumbelMin()
GUMBEL = _Mirrored(GUMBEL_MIN)


def below_hazard(w: np.ndarray) -> Terms:
    """Return log(1 - e^-w) and its first two derivatives in log w, for w > 0.

    Returns
    -------
    value, first, second : ndarray of shape (n,)
    """
    # From 700 on all three are zero.
    share = np.where(w < 700.0, w / np.expm1(np.minimum(w, 700.0)), 0.0)
    rest = 1.0 - w - share
    small = w < _SMALL
    if small.any():
        v = w[small]
        rest[small] = -v * (0.5 + v * (1.0 / 12.0 - v * v / 720.0))
        share[small] = 1.0 - v - rest[small]
    return log1mexp(-w), share, share * rest


@dataclass(frozen=True)
class Standard:
    """How y becomes a variable without parameters, in a family with two of them.

    Attributes
    ----------
    kernel : Kernel
        The distribution of z.
    width, centre : int
        The coordinates of eta that are a and m.
    sign : float
        1 or -1: that of a in z = (x - m) e^(sign a).
    log : bool
        Whether x is log y.
    """

    kernel: Kernel
    width: int = 1
    centre: int = 0
    sign: float = -1.0
    log: bool = False

    def __call__(
        self, end: np.ndarray, exact: np.ndarray, above: np.ndarray, eta: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, dict]:
        """Return log p (n,), the score (2, n) and the entries of the observed information.

        Parameters
        ----------
        end : ndarray of shape (n,)
            The rows, or the ends at which they open.
        exact, above : ndarray of shape (n,)
            Which rows are exact, and which are open above; others are open below.
        eta : ndarray of shape (n, 2)
            Parameters of each row.

        Returns
        -------
        value : ndarray of shape (n,)
        score : ndarray of shape (2, n)
        entries : dict
            (k, m) to (n,), k <= m.
        """
        a, m = eta[:, self.width], eta[:, self.centre]
        x = np.log(np.maximum(end, _NEAR)) if self.log else np.maximum(end, -_FAR)
        r = np.exp(self.sign * a)
        z = x - m
        z *= r
        value, first, second = self.kernel.mixed(z, exact, above)
        jacobian = self.sign * a
        if self.log:
            jacobian -= x
        score = np.empty((2, len(z)))
        np.multiply(z, first, out=score[self.width])
        d = exact.astype(np.float64)
        score[self.width] += d
        score[self.width] *= self.sign
        np.multiply(r, first, out=score[self.centre])
        np.negative(score[self.centre], out=score[self.centre])
        slope = z * second
        slope += first
        pair = (0, 1)
        entries = {
            (self.width, self.width): -z * slope,
            pair: (self.sign * r) * slope,
            (self.centre, self.centre): -(r * r) * second,
        }
        jacobian *= d
        jacobian += value
        return jacobian, score, entries

"""Probabilities and conditional moments of the score on intervals.

Censoring and truncation need, for a set A of values, log P(A), E[s | A] and the conditional
mean of ``I - s s'``, with I the negative Hessian of log p. By Louis' identity (1982) the negative
Hessian of log P(A) is ``E[I - s s' | A] + E[s | A] E[s | A]'``, and minus the first term is the
second derivative of P(A) over P(A). For densities both follow from the ends of the interval
(:mod:`.ends`). Sums and quadrature serve counts, intervals so narrow that a difference of tails
has lost digits, ``E[s s' | A]``, and families whose tails have no other derivative.

Both s and ``I - s s'`` have mean zero over all values, so that the integral over a set is minus
that over its complement. Only tails of probability at most one half, and narrow intervals, are
computed. The rule of a tail is double-exponential: it starts at the end of the tail and its width
is the distance over which the tail decays. It must reproduce the probability that the
distribution function gives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any

import numpy as np

from natfit.distributions.contract.count_sums import interval_sum, tail_sum
from natfit.distributions.contract.ends import from_ends
from natfit.numerics.quadrature import between, outwards

#: Number of rows per pass: the nodes of 512 rows fit into the cache of a core.
_CHUNK = 512

#: log(1/2): a tail has at most this log-probability, and an interval is wide if the tail beyond it
#: has less than this relative to the tail that begins with the interval.
_HALF = -0.6931471805599453

#: Accepted relative error of a rule's probability; spans and numbers of nodes, tried in turn.
_ACCURACY = 1e-6
_RULES = ((3.6, 73), (4.6, 145), (6.1, 577), (6.1, 2305))

#: Rounding of distribution functions, in units of that which is usual, that some have.
_INEXACT = 1e4


@dataclass(frozen=True)
class Moments:
    """Log-probability and conditional means of a set A of values.

    Attributes
    ----------
    log_mass : ndarray of shape (n,)
        log P(A), nats.
    score : ndarray of shape (n, K)
        E[s | A], the derivative of log P(A).
    gap : ndarray of shape (n, K, K)
        E[I - s s' | A].
    outer : ndarray of shape (n, K, K) or None
        E[s s' | A], where it was asked for.
    """

    log_mass: np.ndarray
    score: np.ndarray
    gap: np.ndarray
    outer: np.ndarray | None = None

    @classmethod
    def of(cls, log_mass: np.ndarray, score: np.ndarray, observed: np.ndarray) -> Moments:
        """Return the moments whose negative Hessian (n, K, K) is known."""
        return cls(log_mass, score, observed - score[:, :, None] * score[:, None, :])

    @property
    def observed(self) -> np.ndarray:
        """Negative Hessian of log P(A), (n, K, K)."""
        return self.gap + self.score[:, :, None] * self.score[:, None, :]

    def summed(self, weight: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Return weighted sums of log P, its score (K,) and its negative Hessian (K, K)."""
        weighted = self.score.T * weight
        observed = np.tensordot(weight, self.gap, 1) + weighted @ self.score
        return float(weight @ self.log_mass), weighted.sum(axis=1), observed


def moments(
    family: Any, lower: np.ndarray, upper: np.ndarray, eta: np.ndarray, outer: bool = False
) -> Moments:
    """Moments of ``lower <= Y <= upper`` at eta (n, K) or (1, K).

    Parameters
    ----------
    family : Distribution
        Univariate, with a distribution function.
    lower, upper : ndarray of shape (n,)
        lower < upper for densities, lower <= upper for whole numbers; may be infinite.
    eta : ndarray of shape (n, K) or (1, K)
        Parameters of each row, or of all.
    outer : bool
        Whether E[s s' | A] is wanted too; needs the exact Fisher information.

    Returns
    -------
    Moments
        NaN where quadrature is needed and no rule reproduces the distribution function to 1e-6.
    """
    if family.interval_moments is not None and not outer:
        with np.errstate(all="ignore"):
            return family.interval_moments(lower, upper, eta)
    if outer or (family.support is not None and family.support.integer):
        return _integrated(family, lower, upper, eta, outer)
    with np.errstate(all="ignore"):
        log_mass, score, second, narrow = from_ends(family, lower, upper, eta)
    if narrow.any():
        own = eta if len(eta) == 1 else eta[narrow]
        inner = _integrated(family, lower[narrow], upper[narrow], own, False)
        log_mass[narrow], score[:, narrow] = inner.log_mass, inner.score.T
        second[:, :, narrow] = -np.moveaxis(inner.gap, 0, -1)
    return Moments(log_mass, score.T, -np.moveaxis(second, -1, 0))


def tail_means(
    family: Any, y: np.ndarray, upper: np.ndarray, log_tail: np.ndarray, eta: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return conditional means over the tails that begin at y, by quadrature.

    Parameters
    ----------
    family : Distribution
        A univariate density.
    y : ndarray of shape (n,)
        Where the tails begin.
    upper : ndarray of shape (n,)
        Which of them are upper tails.
    log_tail : ndarray of shape (n,)
        Their log-probabilities, nats.
    eta : ndarray of shape (n, K) or (1, K)
        Parameters of each row, or of all.

    Returns
    -------
    score : ndarray of shape (n, K)
        E[s | tail].
    gap : ndarray of shape (n, K, K)
        E[I - s s' | tail].
    """
    n, k = len(y), family.n_params
    flat = np.empty((n, k + k * k))
    for start in range(0, n, _CHUNK):
        part = slice(start, min(start + _CHUNK, n))
        own = eta if len(eta) == 1 else eta[part]
        side = upper[part]
        ends = np.where(side, y[part], -np.inf), np.where(side, np.inf, y[part])
        with np.errstate(all="ignore"):
            chunk = _Chunk(family, *ends, own, False)
            for which, way in ((side, 1), (~side, -1)):
                if which.any():
                    flat[part][which] = chunk._tail(which, way, log_tail[part], inner=True)
    return flat[:, :k], flat[:, k:].reshape(n, k, k)


def _integrated(
    family: Any, lower: np.ndarray, upper: np.ndarray, eta: np.ndarray, outer: bool
) -> Moments:
    """Moments by sums or quadrature."""
    parts = _parts(family, lower, upper, eta, outer)
    log_mass, flat = (np.concatenate(c) for c in zip(*(p.moments() for p in parts), strict=True))
    k, n = family.n_params, len(lower)
    square = (n, k, k)
    return Moments(
        log_mass,
        flat[:, :k],
        flat[:, k : k + k * k].reshape(square),
        flat[:, k + k * k :].reshape(square) if outer else None,
    )


def log_probability_of(
    family: Any, lower: np.ndarray, upper: np.ndarray, eta: np.ndarray
) -> np.ndarray:
    """Log P(lower <= Y <= upper) at eta (n, K) or (1, K), (n,) nats, without the moments."""
    if family.atoms:
        return family.interval_moments(lower, upper, eta).log_mass
    parts = _parts(family, lower, upper, eta, False)
    return np.concatenate([part.log_mass() for part in parts])


def _parts(family: Any, lower: Any, upper: Any, eta: np.ndarray, outer: bool) -> list[_Chunk]:
    n, integer = len(lower), family.support is not None and family.support.integer
    # Tails of whole numbers that share eta are read from one table.
    if integer and len(eta) == 1:
        return [_Chunk(family, lower, upper, eta, outer)]
    slices = [slice(start, min(start + _CHUNK, n)) for start in range(0, n, _CHUNK)]
    own = (eta if len(eta) == 1 else eta[part] for part in slices)
    return [
        _Chunk(family, lower[part], upper[part], e, outer)
        for part, e in zip(slices, own, strict=True)
    ]


def quiet(method: Callable) -> Callable:
    """A method during which numpy does not warn: what is not finite is judged by the caller."""

    @wraps(method)
    def call(*args: Any) -> Any:
        with np.errstate(all="ignore"):
            return method(*args)

    return call


class _Chunk:
    """Intervals of a few rows, and the integrals that they consist of."""

    def __init__(self, family: Any, lower: Any, upper: Any, eta: np.ndarray, outer: bool):
        self.family, self.eta, self.outer = family, eta, outer
        self.integer = family.support is not None and family.support.integer
        if self.integer:
            lower, upper = np.ceil(lower), np.floor(upper)
        self.lower, self.upper = lower, upper
        before = lower - 1.0 if self.integer else lower
        with np.errstate(all="ignore"):
            self.below, self.from_lower = family.log_cdf(before, eta), family.log_sf(before, eta)
            self.up_to, self.above = family.log_cdf(upper, eta), family.log_sf(upper, eta)

    @property
    def width(self) -> int:
        """C, the number of conditional means of an interval."""
        k = self.family.n_params
        return k + k * k * (2 if self.outer else 1)

    def kinds(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Which intervals hold the median, lie above or below it, or are narrow, (n,) each.

        Those above and below are wide: the tail beyond them has less than half of the probability
        of the tail that begins with them.

        Returns
        -------
        across, right, left, narrow : ndarray of shape (n,)
            Each interval is of one kind.
        """
        right, left = self.from_lower <= _HALF, self.up_to <= _HALF
        left &= ~right
        across = ~right & ~left & (np.exp(self.below) + np.exp(self.above) <= 0.9)
        right &= self.above - self.from_lower < _HALF
        left &= self.below - self.up_to < _HALF
        return across, right, left, ~across & ~right & ~left

    def _wide_mass(self, across: Any, right: Any, left: Any) -> np.ndarray:
        """log P(A) (n,) of the intervals that are not narrow, zero for the others."""
        out = np.zeros(len(self.lower))
        out[across] = np.log1p(-np.exp(self.below[across]) - np.exp(self.above[across]))
        sides = ((right, self.from_lower, self.above), (left, self.up_to, self.below))
        for which, near, far in sides:
            out[which] = near[which] + np.log1p(-np.exp(far[which] - near[which]))
        return out

    @quiet
    def log_mass(self) -> np.ndarray:
        """log P(A) (n,)."""
        across, right, left, narrow = self.kinds()
        out = self._wide_mass(across, right, left)
        if narrow.any():
            out[narrow] = self._narrow(narrow)[0]
        return out

    @quiet
    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """log P(A) (n,) and the flat conditional means (n, C)."""
        across, right, left, narrow = self.kinds()
        log_mass = self._wide_mass(across, right, left)
        flat = np.zeros((len(self.lower), self.width))
        if across.any():
            flat[across] = self._total(across)
            for side, share in ((-1, self.below), (1, self.above)):
                self._subtract(flat, across, side, share)
            flat[across] /= np.exp(log_mass[across, None])
        for side, which, near, far in (
            (1, right, self.from_lower, self.above),
            (-1, left, self.up_to, self.below),
        ):
            if which.any():
                gap = far - near
                flat[which] = self._tail(which, side, near, inner=True)
                self._subtract(flat, which, side, far, gap)
                flat[which] /= -np.expm1(gap[which, None])
        if narrow.any():
            log_mass[narrow], flat[narrow] = self._narrow(narrow)
        return log_mass, flat

    def _subtract(self, flat: Any, which: Any, side: int, share: Any, log: Any = None) -> None:
        """Subtract the tail beyond the intervals, with its probability relative to theirs."""
        log = share if log is None else log
        which = which & (log > -700.0)
        if which.any():
            flat[which] -= np.exp(log[which, None]) * self._tail(which, side, share, inner=False)

    def _eta(self, which: np.ndarray) -> np.ndarray:
        return self.eta if len(self.eta) == 1 else self.eta[which]

    def _total(self, which: np.ndarray) -> np.ndarray:
        """Means over all values: zero, and the Fisher information of s s'."""
        k, eta = self.family.n_params, self._eta(which)
        out = np.zeros((len(eta), k + k * k))
        if self.outer:
            out = np.concatenate([out, self.family.fisher(eta).reshape(len(eta), -1)], axis=1)
        return out

    def _tail(self, which: np.ndarray, side: int, log_mass: Any, inner: bool) -> np.ndarray:
        """Conditional means of a tail that begins at the interval's near or far end, (m, C)."""
        # The upper tail begins at the lower end of an interval inside it, or beyond its upper.
        end = (self.lower if (side > 0) == inner else self.upper)[which]
        eta, log_mass = self._eta(which), log_mass[which]
        if self.integer:
            start = end if inner else end + side
            return tail_sum(self, start, side, eta, log_mass)
        width = np.exp(log_mass - self.family.log_prob(end, eta))
        # A tail ends where the density does, at this eta.
        limit = self.family.support_at(eta)[1 if side > 0 else 0]
        nodes = partial(outwards, end, limit, side, width)
        return self._integrate(nodes, eta, log_mass)[1]

    def _narrow(self, which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """log P(A) and conditional means of intervals across which the density varies little."""
        lower, upper, eta = self.lower[which], self.upper[which], self._eta(which)
        if self.integer:
            # The sum of the terms is the probability: it does not depend on the reference.
            reference = self.family.log_prob(lower, eta)
            log, flat = interval_sum(self, lower, upper, eta, reference)
            return reference + log, flat
        right = self.from_lower[which] <= _HALF
        big = np.where(right, self.from_lower[which], self.up_to[which])
        small = np.where(right, self.above[which], self.below[which])
        rough = big + np.log(-np.expm1(small - big))
        reference = np.log(upper - lower) + self.family.log_prob(0.5 * (lower + upper), eta)
        # A difference that is small compared with the two probabilities has lost digits.
        digits = 1e-14 + 4e-16 * np.abs(big)
        loss = digits * np.exp(np.minimum(big - reference, 700.0))
        log, flat = self._integrate(partial(between, lower, upper), eta, reference, rough, loss)
        return reference + log, flat

    def _integrate(
        self, nodes: Callable, eta: Any, log_mass: Any, expected: Any = None, loss: Any = 0.0
    ) -> tuple[np.ndarray, np.ndarray]:
        """Log of the integral over exp(log_mass), and means; refined until it is as expected."""
        expected = np.zeros(len(log_mass)) if expected is None else expected - log_mass
        before = np.full(len(log_mass), np.inf)
        # Where a difference has lost all digits, one rule is compared with the next.
        blind, last = np.broadcast_to(loss, log_mass.shape) > 1.0, np.full(len(log_mass), np.inf)
        for span, size in _RULES:
            t = np.linspace(-span, span, size)
            y, slope = nodes(t)
            weight, flat = self._nodes(y, slope * (t[1] - t[0]), eta, log_mass)
            log = np.log(weight)
            # Rounding of the logarithms themselves, on which the means do not depend.
            lost = loss + 8e-16 * np.abs(log_mass)
            change, last = np.abs(log - last), log
            error = np.where(blind, change, np.abs(log - expected))
            # An error that stays and is small is that of the distribution function.
            stays = (error > 0.5 * before) & (error < _ACCURACY)
            if ((error < 1e-9 + np.where(blind, 0.0, lost)) | stays).all():
                return log, flat
            before = error
        # NaN: a step there is rejected, and a start there is refused.
        bad = ~(error < _ACCURACY + np.where(blind, 0.0, lost))
        # Two rules that agree know better than a difference of less exact distribution functions.
        bad &= ~((change < 1e-9) & (error < _ACCURACY + _INEXACT * lost))
        log[bad], flat[bad] = np.nan, np.nan
        return log, flat

    def _nodes(self, y: Any, slope: Any, eta: Any, log_mass: Any) -> tuple[np.ndarray, np.ndarray]:
        """Total weight (m,) and means (m, C) at nodes y (m, J)."""
        m, size = y.shape
        eta = eta if len(eta) == 1 else np.repeat(eta, size, axis=0)
        flat = y.reshape(-1)
        weight = np.exp(self.family.log_prob(flat, eta).reshape(m, size) - log_mass[:, None])
        weight *= slope
        weight[~np.isfinite(weight)] = 0.0
        # At nodes without weight the score may overflow; it does not count there. Next to an end
        # that moves with one parameter, those of the others are as good as elsewhere.
        values = self._values(flat, eta)
        values[~np.isfinite(values)] = 0.0
        total = weight.sum(axis=1)
        return total, np.einsum("mj,mjc->mc", weight, values.reshape(m, size, -1)) / total[:, None]

    def _values(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """s, I - s s' and perhaps s s' of every node, flat (m J, C)."""
        score = self.family.score(y, eta)
        outer = score[:, :, None] * score[:, None, :]
        flat = (len(y), -1)
        parts = [score, (self.family.observed(y, eta) - outer).reshape(flat)]
        return np.concatenate(parts + [outer.reshape(flat)] * self.outer, axis=1)

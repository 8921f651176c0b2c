"""Quantiles of univariate families: the inverse of both tails, for many probabilities at once.

A bisection runs over the doubles themselves, in their order, and not over an interval of the line:
it ends after at most 64 halvings at two neighbouring doubles, wherever the probability lies and
whatever its unit. It needs no bracket, no scale and no derivative, and takes ends of the support,
jumps and flat parts of the distribution function as they are. Most quantiles do not need it: they
begin at a guess, from scipy's formula or from a table of the function, which Newton's steps on the
logarithm of the tail improve. Where each probability has parameters of its own, Newton's steps
shrink the bracket and halvings are taken where they would leave it; of whole numbers near their
mean the probabilities are added up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import interpolate, special

#: The bits of a double but its sign.
_BITS = np.int64(0x7FFFFFFFFFFFFFFF)

#: Most halvings: there are fewer than 2^64 doubles.
_HALVINGS = 64

#: The largest double.
_LARGEST = np.finfo(float).max

#: Number of quantiles from which on a table of so many nodes serves, and the longest table of
#: probabilities of whole numbers.
_MANY, _NODES, _TABLE = 200, 129, 2**17

#: Relative difference of probabilities that is rounding.
_SLACK = 2e-15

#: Number of probabilities at which a formula is checked where there are many.
_SOME = 1000

#: Newton's steps; error of the log of a tail, and relative length of a step, that are rounding.
_STEPS, _EXACT, _CLOSE = 6, 1e-14, 1e-12

#: Newton's steps and halvings together, where each probability has its own parameters; gaps of the
#: log of a tail at which a short step is the last one, and up to which steps are taken.
_SEARCHED, _NEARLY, _FAR = 80, 1e-6, 8.0

#: Whole numbers whose probabilities are added at once, and at most in all; standard deviations
#: below the mean at which the sum begins; probabilities between which sums have digits enough.
_ADDED, _MOST_ADDED, _BELOW, _SUMMED = 32, 1024, 6.0, (1e-9, 1.0 - 1e-9)

#: Whole numbers next to a guess that are tried before the quantile is sought for.
_NEIGHBOURS = 4

#: Beyond this size every double is a whole number.
_WHOLE = 2.0**53


def order_of(y: np.ndarray) -> np.ndarray:
    """Return the place of each double in their order, as whole numbers; zero is at 0."""
    bits = np.ascontiguousarray(y, dtype=np.float64).view(np.int64)
    return np.where(bits < 0, -(bits & _BITS), bits)


def double_at(place: np.ndarray) -> np.ndarray:
    """Return the double at each place of their order: the inverse of :func:`order_of`."""
    place = np.asarray(place, dtype=np.int64)
    bits = np.where(place < 0, -place, place)
    return np.where(place < 0, -1.0, 1.0) * bits.view(np.float64)


def smallest(
    reached: Callable[[np.ndarray], np.ndarray],
    low: np.ndarray,
    high: np.ndarray,
    integer: bool = False,
) -> np.ndarray:
    """Return the smallest double at which a condition holds that stays true above it.

    Parameters
    ----------
    reached : callable
        ``reached(y) -> (n,)`` of bool, for y (n,).
    low, high : ndarray of shape (n,)
        Where it does not hold, and where it does; neither is asked.
    integer : bool
        Whether only whole numbers are of interest.

    Returns
    -------
    ndarray of shape (n,)
    """
    below, above = order_of(low), order_of(high)
    for _ in range(_HALVINGS):
        # Half of each, since the sum of two places may exceed the largest whole number.
        middle = (below >> 1) + (above >> 1) + (below & above & 1)
        y = double_at(middle)
        if integer:
            y = np.where(np.abs(y) < _WHOLE, np.floor(y), y)
            middle = order_of(y)
        open_ = (middle > below) & (middle < above)
        if integer:
            # The floor of a point between two whole numbers may be the lower one.
            up = ~open_ & (above > below) & (double_at(below) + 1.0 < double_at(above))
            y = np.where(up, double_at(below) + 1.0, y)
            middle, open_ = order_of(y), open_ | up
        if not open_.any():
            break
        right = reached(y)
        above = np.where(open_ & right, middle, above)
        below = np.where(open_ & ~right, middle, below)
    return double_at(above)


def quantile(
    tails: Any,
    eta: np.ndarray,
    p: np.ndarray,
    integer: bool,
    upper: bool = False,
    guess: Any = None,
) -> np.ndarray:
    """Return the smallest y with P(Y <= y) >= p, or with P(Y > y) <= p where ``upper``.

    Parameters
    ----------
    tails : object
        With ``log_cdf(y, eta)``, ``log_sf(y, eta)``, ``log_density(y, eta)`` and
        ``support_at(eta)``: a univariate family, or what stands for its distribution function.
    eta : ndarray of shape (1, K) or (n, K)
        Parameters of all probabilities, or of each.
    p : ndarray of shape (n,)
        Probabilities in [0, 1].
    integer : bool
        Whether y is a whole number.
    upper : bool
        Whether they are probabilities of the upper tail.
    guess : callable, optional
        ``guess(p, upper) -> y`` for p strictly between 0 and 1; where it is exact it is taken. Of
        whole numbers it may be any number near the quantile.

    Returns
    -------
    ndarray of shape (n,)
        In the unit of y.
    """
    low, high = tails.support_at(eta)
    if integer:
        # At one below the smallest whole number no probability is reached.
        low = low - 1.0
    out = np.where(p == 0.0, high if upper else low, low if upper else high)
    inside = np.flatnonzero((p > 0.0) & (p < 1.0))
    if len(inside) == 0:
        return out
    find = Search(tails, eta, upper)
    own, first = p[inside], None
    if guess is not None:
        with np.errstate(all="ignore"):
            first = np.asarray(guess(np.where((p > 0.0) & (p < 1.0), p, 0.5), upper), dtype=float)
        first = first[inside]
    if integer:
        out[inside] = find.whole(own, inside, first)
    else:
        out[inside] = find.real(own, inside, first)
    return out


class Search:
    """The search for quantiles of one kind of tail.

    Parameters
    ----------
    tails, eta, upper
        As in :func:`quantile`.
    """

    def __init__(self, tails: Any, eta: np.ndarray, upper: bool):
        self.tails, self.eta, self.upper = tails, eta, upper
        low, high = tails.support_at(eta)
        # An end that has a probability is asked, too.
        self._atoms = [atom for atom in getattr(tails, "atoms", ()) if np.isfinite(atom)]
        low = np.where(np.isin(low, self._atoms), np.nextafter(low, -np.inf), low)
        self._low = np.maximum(low, -_LARGEST)
        self._high = np.minimum(high, _LARGEST)

    def _own(self, rows: np.ndarray) -> np.ndarray:
        """Return the parameters of some of the probabilities."""
        return self.eta if len(self.eta) == 1 else self.eta[rows]

    def _ends(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if len(self.eta) == 1:
            return np.repeat(self._low, len(rows)), np.repeat(self._high, len(rows))
        return self._low[rows], self._high[rows]

    # ------------------------------------------------------------------ whole numbers

    def whole(self, p: np.ndarray, rows: np.ndarray, first: Any = None) -> np.ndarray:
        """Return quantiles of whole numbers, of which the tails themselves are compared with p."""
        if first is not None:
            return self._from_guess(p, rows, first)
        if len(self.eta) > 1:
            return self._added(p, rows)
        if len(p) <= 2:
            return self._halved_whole(p, rows)
        first, last = self._halved_whole(np.array([p.min(), p.max()]), rows[:2])
        low, high = min(first, last), max(first, last)
        if not high - low < _TABLE:
            return self._halved_whole(p, rows)
        y = np.arange(low, high + 1.0)
        table = self._probability(y, self.eta)
        if self.upper:
            at = np.searchsorted(-table, -p * (1.0 + _SLACK))
        else:
            at = np.searchsorted(table, p * (1.0 - _SLACK))
        return y[np.minimum(at, len(y) - 1)]

    def _probability(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        tail = self.tails.log_sf if self.upper else self.tails.log_cdf
        with np.errstate(all="ignore"):
            return np.exp(tail(y, eta))

    def _reached(self, p: np.ndarray, rows: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        """Return what tells of whole numbers whether they are quantiles or above them."""
        eta = self._own(rows)

        def reached(y: np.ndarray) -> np.ndarray:
            found = self._probability(y, eta)
            # The same tail at one point and at many may differ in its last digit.
            right = found <= p * (1.0 + _SLACK) if self.upper else found >= p * (1.0 - _SLACK)
            return np.where(np.isnan(found), _beyond(y), right)

        return reached

    def _halved_whole(self, p: np.ndarray, rows: np.ndarray) -> np.ndarray:
        low, high = self._ends(rows)
        return smallest(self._reached(p, rows), low - 1.0, high, integer=True)

    def _added(self, p: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return quantiles by sums of probabilities, from below the mean on; some by halvings."""
        out = np.full(len(p), np.nan)
        level = 1.0 - p if self.upper else p
        start = self._below_mean(rows)
        left = np.flatnonzero((level > _SUMMED[0]) & (level < _SUMMED[1]) & np.isfinite(start))
        y, level = start[left], level[left] * (1.0 - _SLACK)
        eta, total = self._own(rows[left]), np.zeros(len(left))
        inside = y > self._ends(rows[left])[0]
        if inside.any():
            with np.errstate(all="ignore"):
                total[inside] = np.exp(self.tails.log_cdf(y[inside] - 1.0, eta[inside]))
        # Where the quantile is below the first number, the sum does not tell.
        some = total < level
        steps = np.arange(float(_ADDED))
        for _ in range(_MOST_ADDED // _ADDED):
            left, y, level = left[some], y[some], level[some]
            eta, total = eta[some], total[some]
            if not len(left):
                break
            k = y[:, None] + steps
            with np.errstate(all="ignore"):
                each = np.repeat(eta, _ADDED, axis=0)
                p_each = np.exp(self.tails.log_density(k.ravel(), each)).reshape(k.shape)
            sums = total[:, None] + np.cumsum(p_each, axis=1)
            found = sums >= level[:, None]
            some = ~found.any(axis=1)
            at = np.argmax(found, axis=1)
            out[left[~some]] = k[~some, at[~some]]
            y, total = y + _ADDED, sums[:, -1]
        rest = np.flatnonzero(np.isnan(out))
        if len(rest):
            out[rest] = self._halved_whole(p[rest], rows[rest])
        return out

    def _below_mean(self, rows: np.ndarray) -> np.ndarray:
        """Return the lowest number, or one some standard deviations below the mean; or NaN."""
        low, _ = self._ends(rows)
        if getattr(self.tails, "_moments", None) is None:
            return np.where(low > -_WHOLE, low, np.nan)
        mean, var = self.tails.moments(self._own(rows))
        with np.errstate(all="ignore"):
            start = np.floor(mean - _BELOW * np.sqrt(var))
        start = np.where(np.isfinite(start) & (np.abs(start) < _WHOLE), start, low)
        start = np.maximum(start, low)
        return np.where(np.abs(start) < _WHOLE, start, np.nan)

    def _from_guess(self, p: np.ndarray, rows: np.ndarray, first: np.ndarray) -> np.ndarray:
        """Return quantiles of whole numbers near guesses: the few that are not are sought for."""
        low, high = self._ends(rows)
        y = np.clip(np.ceil(first), low, high)
        some = np.isfinite(first) & (np.abs(first) < _WHOLE)
        y = np.where(some, y, low)
        reached = self._reached(p, rows)
        for _ in range(_NEIGHBOURS):
            up, down = ~reached(y), reached(y - 1.0)
            wrong = (up & (y < high)) | (down & (y > low))
            if not (wrong & some).any():
                break
            y = np.where(wrong & some, np.clip(np.where(up, y + 1.0, y - 1.0), low, high), y)
        rest = np.flatnonzero(wrong | ~some)
        if len(rest):
            y[rest] = self._halved_whole(p[rest], rows[rest])
        return y

    # ------------------------------------------------------------------------ real numbers

    def real(self, p: np.ndarray, rows: np.ndarray, first: Any = None) -> np.ndarray:
        """Return quantiles of a density: a guess, Newton's steps, and bisection for the rest."""
        if first is not None:
            y = first
            if len(p) > 2 * _SOME and len(self.eta) == 1 and self._holds(y, p):
                return y
        elif len(self.eta) == 1 and len(p) > _MANY:
            y = self._read(p)
        else:
            return self._halved(p, rows) if len(self.eta) == 1 else self._sought(p, rows)
        y, rest = self._improved(y, p, rows)
        if len(rest):
            find = self._halved if len(self.eta) == 1 else self._sought
            y[rest] = find(p[rest], rows[rest])
        return y

    def _sought(self, p: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return quantiles by Newton's steps inside a bracket, and halvings where they leave it."""
        near, log = _near_tail(p, self.upper)
        ends = self._ends(rows)
        if np.inf in getattr(self.tails, "atoms", ()):
            return self._halved(p, rows)
        below, above = (order_of(end) for end in ends)
        y, out = self._central(p, rows), self._at_atoms(p, rows)
        y = np.where((y > ends[0]) & (y < ends[1]), y, _between(below, above))
        left = np.flatnonzero(np.isnan(out))
        y, below, above = y[left], below[left], above[left]
        for _ in range(_SEARCHED):
            own = self._own(rows[left])
            gap, tail = self._gaps(y, own, near[left], log[left])
            right = np.where(near[left], gap >= 0.0, gap <= 0.0)
            right = np.where(np.isnan(gap), _beyond(y), right)
            place = order_of(y)
            above, below = np.where(right, place, above), np.where(right, below, place)
            with np.errstate(all="ignore"):
                step = gap * np.exp(tail - self.tails.log_density(y, own))
                moved = y + np.where(near[left], -step, step)
                small = (np.abs(step) <= _CLOSE * np.abs(moved)) & (np.abs(gap) <= _NEARLY)
                small = (small | (np.abs(gap) <= _EXACT)) & np.isfinite(moved)
            middle = _between(below, above)
            closed = order_of(middle) <= below
            # The bracket's own end is the quantile where the function jumps.
            out[left] = np.where(small, np.where(np.abs(gap) <= _EXACT, y, moved), double_at(above))
            more = ~(small | closed)
            place = order_of(np.where(np.isnan(moved), 0.0, moved))
            inside = np.isfinite(moved) & (place > below) & (place < above)
            # Far out in a tail that falls like exp(-1 / y) Newton's steps are short.
            inside &= np.abs(gap) <= _FAR
            y = np.where(inside, moved, middle)[more]
            left, below, above = left[more], below[more], above[more]
            if not len(left):
                break
        if len(left):
            out[left] = self._halved(p[left], rows[left])
        return out

    def _at_atoms(self, p: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return the values of a density with a probability of their own, NaN for other rows."""
        out = np.full(len(p), np.nan)
        for atom in self._atoms:
            reached, at = self._passed(p, rows), np.full(len(p), atom)
            out[reached(at) & ~reached(np.nextafter(at, -np.inf))] = atom
        return out

    def _central(self, p: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return the quantiles of a normal with the same mean and variance, NaN where unknown."""
        if getattr(self.tails, "_moments", None) is None:
            return np.full(len(p), np.nan)
        with np.errstate(all="ignore"):
            mean, var = self.tails._moments(*self.tails.native(self._own(rows)))
            normal = special.ndtri(p)
            found = mean + np.sqrt(var) * (-normal if self.upper else normal)
        return np.broadcast_to(found, len(p))

    def _holds(self, y: np.ndarray, p: np.ndarray) -> bool:
        """Tell whether a formula gives the quantiles of some of many probabilities.

        They are the smallest and the largest one, and others that are spread over the rest.

        Returns
        -------
        bool
        """
        some = np.append(np.arange(0, len(p), len(p) // _SOME), [np.argmin(p), np.argmax(p)])
        near, log = _near_tail(p[some], self.upper)
        gap, tail = self._gaps(y[some], self.eta, near, log)
        with np.errstate(all="ignore"):
            step = gap * np.exp(tail - self.tails.log_density(y[some], self.eta))
            fine = (np.abs(gap) <= _EXACT) | (np.abs(step) <= _CLOSE * np.abs(y[some]))
        return bool(np.all(fine & np.isfinite(y[some]) & np.isfinite(step)))

    def _halved(self, p: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return quantiles by bisection, in logarithms of the tail that is below one half."""
        reached = self._passed(p, rows)
        found = smallest(reached, *self._ends(rows))
        # A share of the values may be infinite, such as the times of those who are cured.
        last = found == _LARGEST
        return np.where(last & ~reached(found), np.inf, found) if last.any() else found

    def _passed(self, p: np.ndarray, rows: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        """Return what tells of numbers whether they are quantiles of a density or above them."""
        eta = self._own(rows)
        near, log = _near_tail(p, self.upper)

        def reached(y: np.ndarray) -> np.ndarray:
            gap, _ = self._gaps(y, eta, near, log)
            return np.where(np.isnan(gap), _beyond(y), np.where(near, gap >= 0.0, gap <= 0.0))

        return reached

    def _read(self, p: np.ndarray) -> np.ndarray:
        """Return guesses for many probabilities from a table of a few quantiles."""
        near, log = _near_tail(p, self.upper)
        # Log-odds of P(Y <= y), which are about even in y.
        odds = np.where(near, log - np.log1p(-np.exp(log)), np.log1p(-np.exp(log)) - log)
        # Some nodes are even in the log-odds, others where most of the probabilities are.
        even = np.linspace(odds.min(), odds.max(), _NODES)
        at = np.unique(np.append(even, np.quantile(odds, np.linspace(0.0, 1.0, _NODES))))
        share = special.expit(-at if self.upper else at)
        inner = (share > 0.0) & (share < 1.0)
        at, share = at[inner], share[inner]
        known = self._halved(share, np.arange(len(share)))
        at, known = at[np.isfinite(known)], known[np.isfinite(known)]
        if len(at) < 2:
            return np.full(len(p), np.nan)
        with np.errstate(all="ignore"):
            return interpolate.PchipInterpolator(at, known)(odds)

    def _improved(
        self, y: np.ndarray, p: np.ndarray, rows: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return guesses after some of Newton's steps, and which of them are no quantiles."""
        near, log = _near_tail(p, self.upper)
        low, high = self._ends(rows[:1]) if len(self.eta) == 1 else self._ends(rows)
        y = np.clip(y, low, high)
        rest = np.arange(len(y))
        for _ in range(_STEPS):
            own = self._own(rows[rest])
            gap, tail = self._gaps(y[rest], own, near[rest], log[rest])
            off = ~(np.abs(gap) <= _EXACT)
            rest, gap, tail = rest[off], gap[off], tail[off]
            if not len(rest):
                break
            own = self._own(rows[rest])
            with np.errstate(all="ignore"):
                slope = np.exp(tail - self.tails.log_density(y[rest], own))
                step = np.where(near[rest], -gap, gap) * slope
                moved = y[rest] + step
                small = (np.abs(step) <= _CLOSE * np.abs(moved)) & np.isfinite(moved)
            within = (low, high) if len(low) == 1 else (low[rest], high[rest])
            y[rest] = np.where(np.isfinite(moved), np.clip(moved, *within), y[rest])
            rest = rest[~small]
            if not len(rest):
                break
        return y, rest

    def _gaps(
        self, y: np.ndarray, eta: np.ndarray, near: np.ndarray, log: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return how far the log of the tail is from that wanted, and the log of the tail."""
        tail = np.empty(len(y))
        with np.errstate(all="ignore"):
            for side, at in ((self.tails.log_cdf, near), (self.tails.log_sf, ~near)):
                if at.any():
                    tail[at] = side(y[at], eta if len(eta) == 1 else eta[at])
            return tail - log, tail


def _between(below: np.ndarray, above: np.ndarray) -> np.ndarray:
    """Return the doubles halfway between two places in their order."""
    return double_at((below >> 1) + (above >> 1) + (below & above & 1))


def _beyond(y: np.ndarray) -> np.ndarray:
    """Tell whether y is above all quantiles, where a formula leaves the range of doubles.

    Returns
    -------
    ndarray of bool
        True for large numbers and for those just below zero, which is then an end of the support.
    """
    return (y > 1.0) | ((y < 0.0) & (y > -1.0))


def _near_tail(p: np.ndarray, upper: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return whether the lower tail is the smaller one, and the log of the smaller tail."""
    small = p < 0.5
    with np.errstate(all="ignore"):
        log = np.where(small, np.log(p), np.log1p(-p))
    return (~small if upper else small), log

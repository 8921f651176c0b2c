"""Both tails of a density that has no distribution function: sums of its integrals over panels.

The line is covered by panels in a coordinate u, in which y = centre + width sinh(u) on the line,
y = low + width e^u on a half-line, and y = low + (high - low) / (1 + e^-u) on an interval. A few
thousand panels thus reach from 1e-300 to 1e300 units. The integral over a panel is Gauss and
Legendre's with ten points, in logarithms, and a panel is halved until both halves give the same. A
tail at y is the sum of all panels beyond it and of the integral over the rest of its own panel:
tails of 1e-300 keep their digits, because nothing is subtracted from one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from natfit.distributions.contract.expectation import ACCURACY, Expectation, Unnormalised, located
from natfit.numerics.special import log1mexp

#: Points and weights of the rule on (-1, 1).
_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(10)


def _partial() -> np.ndarray:
    """The integrals from -1 to each point of the polynomials that are 1 at one point, (10, 10)."""
    from numpy.polynomial import legendre

    degree = len(_POINTS) - 1
    series = legendre.legint(np.linalg.inv(legendre.legvander(_POINTS, degree)), lbnd=-1)
    return legendre.legval(_POINTS, series).T


_WITHIN = _partial()

#: Half the range of u, beyond which doubles end, the first width of a panel, and most halvings.
_RANGE, _WIDTH, _DEPTH = 700.0, 0.5, 24

#: Relative error of a panel, and log-mass below which panels need no digits: tails end at 1e-300.
_ACCURATE, _NOTHING = 1e-13, -760.0

#: A relative error that does not fall to this share when a panel is halved, and is below the second
#: number, is rounding of the density itself.
_FALLS, _NOISE = 0.25, 1e-7

#: What the middle of a panel may miss of its log-mass, and how many panels beside one with mass are
#: looked at.
_MARGIN, _NEAR = 300.0, 2

#: Doubles in a panel below which the density looks like a staircase.
_FEW = 1000.0

#: Values of the density that are asked for in one call, so that temporary arrays stay small.
_TOGETHER = 2**16


class Cumulative:
    """Log-probabilities of both tails of a univariate family at one eta.

    Parameters
    ----------
    family : Distribution
        With a support and a log-density that is normalised.
    eta : ndarray of shape (1, K)
        Its parameters.

    Raises
    ------
    ValueError
        If the density does not integrate to one.
    """

    def __init__(self, family: Any, eta: np.ndarray):
        self.family, self.eta = family, eta
        if family.support.integer:
            self._of_numbers(family.expectation(eta[0]))
        else:
            self._of_panels()

    # ------------------------------------------------------------------ whole numbers

    def _of_numbers(self, rule: Expectation) -> None:
        """Sum the probabilities of whole numbers from both sides."""
        order = np.argsort(rule.y)
        self._y = rule.y[order]
        with np.errstate(divide="ignore"):
            log = np.log(rule.weight[order])
        self._below = np.append(-np.inf, np.logaddexp.accumulate(log))
        self._above = np.append(np.logaddexp.accumulate(log[::-1])[::-1], -np.inf)

    # ------------------------------------------------------------------------- panels

    def _of_panels(self) -> None:
        """Find the panels and the sums of their integrals from both sides."""
        low, high = (float(end[0]) for end in self.family.support_at(self.eta))
        self._low, self._high = low, high
        self._centre, self._scale = located(self.family, self.eta[0])
        edges = np.arange(-_RANGE, _RANGE + _WIDTH, _WIDTH)
        start, stop = edges[:-1], edges[1:]
        some = self._with_mass(start, stop)
        nothing = np.full(np.count_nonzero(~some), -np.inf)
        done = [np.stack([start[~some], stop[~some], nothing])]
        start, stop = start[some], stop[some]
        log, before = self._log_integral(start, stop), np.full(len(start), np.inf)
        for depth in range(_DEPTH + 1):
            middle = 0.5 * (start + stop)
            left, right = self._log_integral(start, middle), self._log_integral(middle, stop)
            both = np.logaddexp(left, right)
            with np.errstate(invalid="ignore"):
                gap = np.abs(both - log) / np.maximum(1.0, np.abs(both))
            same = (gap < _ACCURATE) | (both < _NOTHING) | (both == log) | (depth == _DEPTH)
            same |= (gap < _NOISE) & (gap > _FALLS * before)
            same |= self._unresolved(start, stop)
            done.append(np.stack([start, stop, both])[:, same])
            pairs = ((start, middle), (middle, stop), (left, right), (gap, gap))
            start, stop, log, before = (np.concatenate([a[~same], b[~same]]) for a, b in pairs)
            if not len(start):
                break
        start, stop, log = np.concatenate(done, axis=1)[:, np.argsort(np.concatenate(done, 1)[0])]
        self._edges, self._panel = np.append(start, stop[-1]), log
        below, above = np.logaddexp.accumulate(log), np.logaddexp.accumulate(log[::-1])[::-1]
        # The rule's error is taken out, so that both tails add to one.
        self._total = below[-1]
        if not abs(self._total) < ACCURACY:
            found = self.family.native_dict(self.eta[0])
            values = {name: np.round(value, 6).tolist() for name, value in found.items()}
            total = np.exp(min(self._total, 700.0))
            raise Unnormalised(
                f"the density of {type(self.family).__name__} at {values} integrates to "
                f"{total:.10g} instead of 1; add its normalising terms "
                "to log_prob, or check support",
                total,
            )
        self._below, self._above = np.append(-np.inf, below), np.append(above, -np.inf)

    def _with_mass(self, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
        """Tell which panels have mass by their middle, or are near one that has.

        Returns
        -------
        ndarray of bool, shape (n,)
        """
        some = self._weighed(0.5 * (start + stop))[1] > _NOTHING - _MARGIN
        near = np.convolve(some, np.ones(2 * _NEAR + 1), mode="same") > 0.5
        return near if near.any() else ~near

    def _unresolved(self, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
        """Tell which panels hold so few doubles that their halves would say nothing more."""
        with np.errstate(all="ignore"):
            low, high = self._map(start)[0], self._map(stop)[0]
            return ~(high - low > _FEW * np.spacing(np.maximum(np.abs(low), np.abs(high))))

    def _map(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return y and log dy/du."""
        if np.isfinite(self._low) and np.isfinite(self._high):
            width = self._high - self._low
            y = np.where(
                u < 0.0,
                self._low + width * special.expit(u),
                self._high - width * special.expit(-u),
            )
            return y, np.log(width) - np.logaddexp(0.0, u) - np.logaddexp(0.0, -u)
        if np.isfinite(self._low):
            return self._low + self._scale * np.exp(u), np.log(self._scale) + u
        if np.isfinite(self._high):
            return self._high - self._scale * np.exp(-u), np.log(self._scale) - u
        size = np.abs(u) + np.log1p(np.exp(-2.0 * np.abs(u))) - np.log(2.0)
        return self._centre + self._scale * np.sinh(u), np.log(self._scale) + size

    def _inverse(self, y: np.ndarray) -> np.ndarray:
        """Return u at y inside the support."""
        if np.isfinite(self._low) and np.isfinite(self._high):
            return np.log(y - self._low) - np.log(self._high - y)
        if np.isfinite(self._low):
            return np.log(y - self._low) - np.log(self._scale)
        if np.isfinite(self._high):
            return np.log(self._scale) - np.log(self._high - y)
        return np.arcsinh((y - self._centre) / self._scale)

    def _log_integral(self, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
        """Return the log of the integral of the density from start (n,) to stop (n,), in u."""
        out = np.empty(len(start))
        step = _TOGETHER // len(_POINTS)
        for at in range(0, len(start), step):
            part = slice(at, at + step)
            half = 0.5 * (stop[part] - start[part])
            u = 0.5 * (start[part] + stop[part])[:, None] + half[:, None] * _POINTS
            _, log = self._weighed(u)
            with np.errstate(all="ignore"):
                out[part] = special.logsumexp(log, axis=1, b=_WEIGHTS) + np.log(half)
        return out

    def _weighed(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return y at u, and the log of the density in u."""
        with np.errstate(all="ignore"):
            y, slope = self._map(u)
            log = self.family.log_prob(y.ravel(), self.eta).reshape(u.shape) + slope
            # Where y leaves the range of doubles, or coincides with an end, there is no mass.
            return y, np.where(np.isnan(log) | (log == np.inf), -np.inf, log)

    def nodes(self) -> Expectation:
        """Return nodes y (M,) and their probabilities, of all panels that have some.

        Returns
        -------
        Expectation
        """
        some = self._panel > _NOTHING
        half = 0.5 * (self._edges[1:] - self._edges[:-1])[some]
        u = (self._edges[:-1][some] + half)[:, None] + half[:, None] * _POINTS
        y, log = self._weighed(u)
        weight = np.exp(log - self._total) * half[:, None] * _WEIGHTS
        kept = (weight > 0.0) & np.isfinite(y)
        return Expectation(y[kept], weight[kept])

    def velocities(self) -> tuple[Expectation, np.ndarray]:
        """Return nodes with probabilities, and the velocities dQ / d eta of the quantiles there.

        They are minus the integral of the score's density over the nearer tail, over the density.
        Inside a panel the integral is that of the polynomial through its points.

        Returns
        -------
        nodes : Expectation
            M nodes.
        first : ndarray of shape (K, M)
            In the unit of y.
        """
        some = self._panel > _NOTHING
        half = 0.5 * (self._edges[1:] - self._edges[:-1])[some]
        u = (self._edges[:-1][some] + half)[:, None] + half[:, None] * _POINTS
        y, log = self._weighed(u)
        with np.errstate(all="ignore"):
            density, slope = np.exp(log - self._total), np.exp(self._map(u)[1])
            score = self.family.score(y.ravel(), self.eta).reshape(*u.shape, -1)
            part = np.where(density[..., None] > 0.0, score * density[..., None], 0.0)
        part *= half[:, None, None]
        whole = np.einsum("mjk,j->mk", part, _WEIGHTS)
        inner = np.einsum("ji,mik->mjk", _WITHIN, part)
        below = (np.cumsum(whole, axis=0) - whole)[:, None] + inner
        above = (np.cumsum(whole[::-1], axis=0)[::-1])[:, None] - inner
        lower = np.cumsum(np.exp(self._panel[some])) < 0.5
        gap = np.where(lower[:, None, None], -below, above)
        weight = density * half[:, None] * _WEIGHTS
        kept = (weight > 0.0) & np.isfinite(y)
        with np.errstate(all="ignore"):
            first = gap * (slope / density)[..., None]
        return Expectation(y[kept], weight[kept]), first[kept].T

    # -------------------------------------------------------------------------- tails

    def log_cdf(self, y: np.ndarray, eta: Any = None) -> np.ndarray:
        """Log P(Y <= y), (n,) nats."""
        return self._tail(y, below=True)

    def log_sf(self, y: np.ndarray, eta: Any = None) -> np.ndarray:
        """Log P(Y > y), (n,) nats."""
        return self._tail(y, below=False)

    def log_density(self, y: np.ndarray, eta: Any = None) -> np.ndarray:
        """Log-density at y, (n,) nats: the family's."""
        return self.family.log_density(y, self.eta)

    def support_at(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ends of the support: the family's."""
        return self.family.support_at(eta)

    def _tail(self, y: np.ndarray, below: bool) -> np.ndarray:
        """Return the log-probability of one of the tails."""
        if self.family.support.integer:
            at = np.searchsorted(self._y, y, side="right")
            return np.minimum(self._below[at] if below else self._above[at], 0.0)
        inside = (y > self._low) & (y < self._high)
        with np.errstate(all="ignore"):
            u = np.clip(self._inverse(np.where(inside, y, np.nan)), -_RANGE, _RANGE)
        u = np.where(np.isnan(u), 0.0, u)
        log = self._beyond(u, below)
        # A tail of more than one half is what the other one leaves.
        large = log > -0.5
        if large.any():
            log[large] = log1mexp(np.minimum(self._beyond(u[large], not below), -1e-300))
        ends = (-np.inf, 0.0) if below else (0.0, -np.inf)
        return np.where(inside, log, np.where(y <= self._low, *ends))

    def _beyond(self, u: np.ndarray, below: bool) -> np.ndarray:
        """Return the log-probability on one side of u (n,), by sums of the panels there."""
        panel = np.clip(np.searchsorted(self._edges, u, side="right") - 1, 0, len(self._edges) - 2)
        if below:
            part, rest = self._below[panel], self._log_integral(self._edges[panel], u)
        else:
            part, rest = self._above[panel + 1], self._log_integral(u, self._edges[panel + 1])
        return np.minimum(np.logaddexp(part, rest) - self._total, 0.0)


def with_tails(family: Any, eta: np.ndarray) -> Any:
    """Return what has the tails of a family at eta (1, K): itself, or sums of its density.

    Returns
    -------
    Distribution or Cumulative

    Raises
    ------
    ValueError
        If the family has no distribution function and does not say where y may lie.
    """
    if family.has_cdf:
        return family
    if family.support is None:
        raise ValueError(
            f"{type(family).__name__} has no distribution function, and does not say where y may "
            "lie; pass support=... to from_log_prob"
        )
    return Cumulative(family, eta)

"""Divergences of univariate families that follow from quantiles and distribution functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from natfit.distributions.contract.cumulative import with_tails
from natfit.metrics._transport import SHARE_WEIGHTS, SHARES, UPPER, placed, quantiles
from natfit.objectives import Likelihood

#: Rows of a block whose distances are integrated where they have no closed form; the mean of these
#: stands for that of the others.
_FEW = 32


def affordable(likelihood: Likelihood, closed: Any) -> bool:
    """Tell whether the divergence of many rows is a formula, or has a distribution function.

    The quantiles of a density alone cost seconds for the rows of one step.

    Returns
    -------
    bool
    """
    return likelihood.model.shared or closed is not None or likelihood.distribution.has_cdf


def on_few(rule: Callable[..., np.ndarray], eta: np.ndarray, eta2: np.ndarray) -> np.ndarray:
    """Return ``rule(eta, eta2)`` (n,) of few rows, and of more rows the mean of some of them."""
    n = max(len(eta), len(eta2))
    eta, eta2 = np.broadcast_to(eta, (n, eta.shape[1])), np.broadcast_to(eta2, (n, eta.shape[1]))
    if n <= _FEW:
        return np.asarray(rule(eta, eta2))
    some = np.linspace(0, n - 1, _FEW).round().astype(int)
    return np.full(n, np.mean(rule(eta[some], eta2[some])))


def half_squares(family: Any, eta: np.ndarray, eta2: np.ndarray) -> np.ndarray:
    """Return half the squared Wasserstein distance (n,) of two univariate densities in each row.

    It is half the integral of (Q - Q2)^2 over probabilities. Where all rows of either eta have one
    shape, a single integral of the two shapes serves all of them.

    Returns
    -------
    ndarray of shape (n,)
        In the square of the unit of y; infinite where a variance is.
    """
    frame = placed(family, np.concatenate([eta, eta2]))
    if frame is not None:
        unit, scale, moved = frame
        first, second = unit[: len(eta)], unit[len(eta) :]
        if (first == first[0]).all() and (second == second[0]).all():
            inner = _shapes(family, first[:1], second[:1])
            one, two = scale[: len(eta)], scale[len(eta) :]
            shift = eta[:, moved] - eta2[:, moved] if moved >= 0 else np.zeros_like(one - two)
            # Q - Q2 = shift + (one - two) q + two (q - q2) with the quantiles q, q2 of the shapes.
            parts = np.stack(np.broadcast_arrays(shift, one - two, two))
            if not np.isfinite(inner).all():
                return np.full(parts.shape[1], np.inf)
            return 0.5 * np.einsum("in,ij,jn->n", parts, inner, parts)
    return on_few(_Between(family), eta, eta2)


def _shapes(family: Any, unit: np.ndarray, unit2: np.ndarray) -> np.ndarray:
    """Mean products (3, 3) of 1, q and q - q2, for two shapes (1, K); infinite as variances."""
    (mean,), (variance,) = _moments(family, unit)
    first = np.array([[1.0, mean, 0.0], [mean, variance + mean * mean, 0.0], [0.0, 0.0, 0.0]])
    if np.array_equal(unit, unit2):
        return first
    if not np.isfinite(variance + _moments(family, unit2)[1][0]):
        return np.full((3, 3), np.inf)
    q, q2 = (quantiles(family, e, SHARES, UPPER)[0] for e in (unit, unit2))
    fine = np.isfinite(q) & np.isfinite(q2)
    rows = np.stack([np.ones(fine.sum()), q[fine], q[fine] - q2[fine]])
    first[:, 2] = first[2] = (rows * SHARE_WEIGHTS[fine]) @ rows[2]
    return first


class _Between:
    """Half the integral of (Q - Q2)^2 over probabilities, for rows of two eta."""

    def __init__(self, family: Any):
        self.family = family

    def __call__(self, eta: np.ndarray, eta2: np.ndarray) -> np.ndarray:
        """Return the integrals (n,)."""
        gap = np.subtract(*(quantiles(self.family, e, SHARES, UPPER) for e in (eta, eta2)))
        finite = np.isfinite(_moments(self.family, eta)[1] + _moments(self.family, eta2)[1])
        with np.errstate(all="ignore"):
            total = 0.5 * np.where(np.isfinite(gap), np.square(gap), 0.0) @ SHARE_WEIGHTS
        return np.where(finite, total, np.inf)


def _moments(family: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means and variances (n,), infinite where there is no mean."""
    try:
        mean, variance = family.moments(eta)
    except ValueError:
        return np.zeros(len(eta)), np.full(len(eta), np.inf)
    return mean, variance


#: Log-odds at which panels of the integral over y begin, and the points and weights in a panel.
_ODDS = np.linspace(-28.0, 28.0, 29)
_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(8)

#: Whole numbers that are summed one by one; of more every second, third, ... one is.
_NUMBERS = 2**14


def squared_gaps(family: Any, eta: np.ndarray, eta2: np.ndarray) -> np.ndarray:
    """Return the integral of (F - F2)^2 over y, (n,), of two univariate families in each row.

    Of whole numbers it is the sum. It is computed on some rows where there are many.

    Returns
    -------
    ndarray of shape (n,)
        In the unit of y.
    """
    return on_few(_Gaps(family), eta, eta2)


class _Gaps:
    """The integral of (F - F2)^2 over y, for rows of two eta."""

    def __init__(self, family: Any):
        self.family = family

    def __call__(self, eta: np.ndarray, eta2: np.ndarray) -> np.ndarray:
        """Return the integrals (n,)."""
        if self.family.has_cdf and not self.family.known_support.integer:
            return self._integrated(eta, eta2)
        one = self._summed if self.family.known_support.integer else self._integrated
        pairs = zip(eta, eta2, strict=True)
        return np.concatenate([one(first[None], second[None]) for first, second in pairs])

    def _edges(self, eta: np.ndarray, eta2: np.ndarray) -> np.ndarray:
        """Return quantiles (n, M) of both at levels that are even in log-odds, in their order."""
        share, upper = special.expit(-np.abs(_ODDS)), _ODDS > 0.0
        ends = [quantiles(self.family, e, share, upper) for e in (eta, eta2)]
        edges = np.concatenate(ends, axis=1)
        # A quantile that is not finite is moved to the first one, where its panel has no width.
        lowest = np.nanmin(np.where(np.isfinite(edges), edges, np.nan), axis=1, keepdims=True)
        return np.sort(np.where(np.isfinite(edges), edges, lowest), axis=1)

    def _integrated(self, eta: np.ndarray, eta2: np.ndarray) -> np.ndarray:
        """Integrals (n,) of densities, by panels between the quantiles."""
        edges = self._edges(eta, eta2)
        half = 0.5 * np.diff(edges, axis=1)[:, :, None]
        y = edges[:, :-1, None] + half * (1.0 + _POINTS)
        gap = self._gap(eta, eta2, y.reshape(len(y), -1))
        return np.asarray(((half * _WEIGHTS).reshape(len(y), -1) * np.square(gap)).sum(axis=1))

    def _summed(self, eta: np.ndarray, eta2: np.ndarray) -> np.ndarray:
        """The sum (1,) over whole numbers, of one row."""
        low, high = self._edges(eta, eta2)[0, [0, -1]]
        step = max(1.0, np.ceil((high - low) / _NUMBERS))
        y = np.arange(low, high + 1.0, step)
        return step * np.square(self._gap(eta, eta2, y[None])).sum(axis=1)

    def _gap(self, eta: np.ndarray, eta2: np.ndarray, y: np.ndarray) -> np.ndarray:
        """F - F2 at y (n, M), from the smaller of both tails, which has the digits."""
        tails = []
        for own in (eta, eta2):
            rows = own if len(own) == 1 else np.repeat(own, y.shape[1], axis=0)
            law = with_tails(self.family, own[:1])
            with np.errstate(all="ignore"):
                pair = law.log_cdf(y.ravel(), rows), law.log_sf(y.ravel(), rows)
                tails.append([np.exp(tail).reshape(y.shape) for tail in pair])
        (below, above), (below2, above2) = tails
        return np.where(below + below2 < above + above2, below - below2, above2 - above)

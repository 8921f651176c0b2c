"""The beta distribution of shares between 0 and 1."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import autograd.numpy as anp
import numpy as np
from scipy import special

from natfit.bijectors import Positive
from natfit.distributions.contract.checks import refuse_constant
from natfit.distributions.contract.declared import InformationKind, Role, Width
from natfit.distributions.contract.regular import Regular
from natfit.distributions.contract.start import mean
from natfit.distributions.contract.support import UNIT
from natfit.distributions.contract.window_ends import End
from natfit.distributions.forms.exponential_family import ExponentialFamily
from natfit.distributions.forms.joined import joined_excess, joined_means
from natfit.distributions.forms.tight import TightBeta, about_centre
from natfit.numerics.incomplete import beta_slopes
from natfit.numerics.stirling import (
    HALF_LOG_2PI,
    correction,
    curvature,
    log_excess,
    slope,
)
from natfit.numerics.tails import log_betainc
from natfit.rows import Rows, mean_over, means_over

#: a and b from which the terms of the textbook's density lose more than four digits.
_LARGE = 1e4


class Beta(ExponentialFamily):
    """The beta distribution of y between 0 and 1.

    ``log p(y) = (a - 1) log y + (b - 1) log(1 - y) - log B(a, b)``; eta = (log a, log b). With
    s = a + b the Fisher information is::

        [a^2 (psi'(a) - psi'(s))   -a b psi'(s)           ]
        [-a b psi'(s)              b^2 (psi'(b) - psi'(s))]

    Everything is computed from log y and log(1 - y), which are accurate for y from 1e-308 to
    1 - 1e-16. Rows equal to 0 or 1 are refused: their log-density is infinite or undefined. Data
    whose rows are all equal are refused too: the likelihood grows without limit as a and b do.

    Mean ``a / (a + b)``, variance ``a b / ((a + b)^2 (a + b + 1))``. In R: ``dbeta(a, b)``.

    Matches ``scipy.stats.beta(a=a, b=b)``.
    """

    params = {"a": Positive(), "b": Positive()}
    roles = {"a": Role.SHAPE, "b": Role.SHAPE}
    widths = {"a": Width(-0.5, least=1.0), "b": Width(-0.5, least=1.0)}
    support = UNIT
    _window_ends: tuple = (
        End("a", "lower", "low", "the density (1 - y)^(b - 1) / y"),
        End("b", "lower", "high", "the density y^(a - 1) / (1 - y)"),
    )
    # For y outside the support, one of the logarithms is not finite.
    summary_proves_support = True

    @property
    def information(self) -> InformationKind:
        """The entries of the information are exact: it counts where it is nearly singular."""
        return replace(super().information, exact=True)

    def statistics(self, y: Any) -> tuple:
        """(log y, log(1 - y)); a summary of tight rows holds their mean and two excesses too."""
        return y if isinstance(y, tuple) else (anp.log(y), anp.log1p(-y))

    def _terms(self, y: Any, a: Any, b: Any) -> tuple:
        """The statistics; those of rows with themselves as mean where a and b are large."""
        both = isinstance(a, np.ndarray) and isinstance(y, np.ndarray)
        if both and min(np.min(a, initial=np.inf), np.min(b, initial=np.inf)) > _LARGE:
            return *self.statistics(y), y, 0.0, 0.0
        return self.statistics(y)

    def sufficient(self, rows: Rows) -> tuple:
        """The means of both logarithms.

        Of rows that lie near their mean m, in units of m and 1 - m, also m and the means of
        log(y / m) - (y / m - 1) and of the same of 1 - y.

        Returns
        -------
        tuple
            Two or five arrays (1,).
        """
        low, high = super().sufficient(rows)
        centre = float(mean_over(rows))
        if not 0.0 < centre < 1.0 or np.log(centre) - low[0] > 1e-3:
            return low, high
        if np.log1p(-centre) - high[0] > 1e-3 or not np.isfinite(low[0] + high[0]):
            return low, high
        first, second = (np.array([v]) for v in means_over(rows, _excesses, centre))
        return np.log(centre) + first, np.log1p(-centre) + second, np.array([centre]), first, second

    def joined_summaries(self, one: Any, weight: float, two: Any, other: float) -> Any | None:
        """The means of both parts, and the terms of tight rows where they are tight together."""
        means = joined_means(one[:2], weight, two[:2], other)
        if len(one) < 5 or len(two) < 5:
            return means
        (centre,) = joined_means(one[2:3], weight, two[2:3], other)
        first = joined_excess(one[3], one[2], weight, two[3], two[2], other)
        second = joined_excess(one[4], 1.0 - one[2], weight, two[4], 1.0 - two[2], other)
        if min(first[0], second[0]) < -1e-3:
            return means
        return np.log(centre) + first, np.log1p(-centre) + second, centre, first, second

    def _log_prob(self, y: Any, a: Any, b: Any) -> Any:
        # By Stirling's formula log B is a log p + b log q, p = a / s, with small corrections.
        low, high, *tight = self._terms(y, a, b)
        log_q = -anp.log1p(a / b)
        if tight:
            _, first, second = _near(tuple(tight), a, b)
            value = first + second - low - high
        else:
            # A divergence, whose sign rounding would not keep at large a and b.
            value = a * (low + anp.log1p(b / a)) + b * (high - log_q)
            value = anp.where(value > 0.0, 0.0, value) - low - high
        value = value + 0.5 * (anp.log(a) + log_q) - HALF_LOG_2PI
        return value + correction(a + b) - correction(a) - correction(b)

    def _score(self, y: Any, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        low, high, *tight = self._terms(y, a, b)
        out = np.empty((2, max(len(low), len(a))))
        if tight:
            # The same number with both signs: it cancels exactly where a and b grow together.
            shift, first, second = _near(tuple(tight), a, b)
        else:
            shift, first, second = 0.0, a * (low + np.log1p(b / a)), b * (high + np.log1p(a / b))
        first, second = log_slopes(first, second, a, b)
        out[0] = shift + first
        out[1] = -shift + second
        return out.T

    def _observed(self, y: Any, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        # eta are logarithms, so that the chain rule subtracts the score on the diagonal.
        score = self._score(y, a, b)
        return self._fisher(a, b) - score[:, :, None] * np.eye(2)

    def _fisher(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        s = a + b
        p, q, e = a / s, b / s, 0.5 + curvature(s) / s
        out = np.empty((len(s), 2, 2))
        out[:, 0, 0] = a * q + 0.5 + curvature(a) / a - p * p * e
        out[:, 1, 1] = b * p + 0.5 + curvature(b) / b - q * q * e
        out[:, 0, 1] = out[:, 1, 0] = -(b * p + p * q * e)
        return out

    def _kl(self, a: Any, b: Any, a2: Any, b2: Any) -> np.ndarray:
        top = special.psi(a + b)
        expected = special.psi(a) - top, special.psi(b) - top
        return self._log_prob(expected, a, b) - self._log_prob(expected, a2, b2)

    def _log_cdf(self, y: Any, a: Any, b: Any) -> np.ndarray:
        return log_betainc(a, b, y, 1.0 - y)

    def _tail_slopes(self, y: np.ndarray, a: Any, b: Any) -> tuple[np.ndarray, np.ndarray]:
        first, second = beta_slopes(a, b, y, 1.0 - y)
        return first, second[np.array([[0, 1], [1, 2]])]

    def _log_sf(self, y: Any, a: Any, b: Any) -> np.ndarray:
        return log_betainc(a, b, y, 1.0 - y, upper=True)

    def check(self, rows: Rows) -> None:
        """Raise ValueError for the first row outside (0, 1)."""
        try:
            super().check(rows)
        except ValueError as error:
            low, high = rows.extent()
            if low < 0.0 or high > 1.0:
                raise
            raise ValueError(
                f"{error}; for rounded shares, (y * (n - 1) + 0.5) / n of n rows lies inside"
            ) from None

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """All rows alike: a and b grow without limit, and so does the likelihood."""
        refuse_constant(rows, type(self).__name__)

    def regular(self, rows: Rows) -> Regular | None:
        """The mean and a + b, of rows that nearly coincide."""
        return about_centre(TightBeta, self, rows, lambda centre: centre * (1.0 - centre))

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        # By moments of y or 1 - y, whichever is smaller, in units of its mean, so that no square
        # underflows.
        first, second = mean(y, weight), mean(1.0 - y, weight)
        part, centre, rest = (y, first, second) if first < second else (1.0 - y, second, first)
        centre = max(centre, 1e-299)
        square = max(mean((part / centre - 1.0) ** 2, weight), 1e-31)
        small = np.clip(rest / square - centre, 1e-3, 1e30)
        large = min(small / centre * rest, 1e299)
        return {"a": small, "b": large} if first < second else {"a": large, "b": small}

    def _sample(self, rng: np.random.Generator, n: int, a: Any, b: Any) -> np.ndarray:
        y = rng.beta(a, b, n)
        # Draws that are rounded to 0 or 1 are moved to the nearest number inside.
        return np.clip(y, np.finfo(float).tiny, 1.0 - np.finfo(float).epsneg)

    def _moments(self, a: Any, b: Any) -> tuple[Any, Any]:
        total = a + b
        mean = a / total
        return mean, mean * (b / total) / (total + 1.0)

    def _quantile(self, p: Any, upper: bool, a: Any, b: Any) -> np.ndarray:
        return (special.betainccinv if upper else special.betaincinv)(a, b, p)

    def _to_scipy(self, a: Any, b: Any) -> Any:
        from scipy.stats import beta

        return beta(a=float(a), b=float(b))

    def expectation_coordinates(self, origin: np.ndarray) -> Any:
        """Not closed-form: E[log y] = psi(a) - psi(a + b) needs a numerical inverse."""
        raise ValueError(
            "Beta has no closed-form expectation coordinates: E[log y] = psi(a) - psi(a + b) "
            "must be inverted numerically; use coordinates='unconstrained' or 'native'"
        )


def log_slopes(first: Any, second: Any, a: Any, b: Any) -> tuple[Any, Any]:
    """Return the score in log a and log b, elementwise.

    ``first`` is a (log y - log(a / s)) and ``second`` b (log(1 - y) - log(b / s)), s = a + b.

    Returns
    -------
    in_a, in_b : ndarray
        a (log y - psi(a) + psi(s)), and the same of 1 - y and b, without cancellation.
    """
    s = a + b
    p, q, e = a / s, b / s, slope(s) / s
    return first + 0.5 * q + p * e - slope(a) / a, second + 0.5 * p + q * e - slope(b) / b


def _excesses(y: np.ndarray, centre: float) -> tuple[np.ndarray, ...]:
    gap = y - centre
    return log_excess(gap / centre), log_excess(-gap / (1.0 - centre))


def _near(tight: tuple[Any, ...], a: Any, b: Any) -> tuple[Any, Any, Any]:
    """s (m - p), and a and b times what log(m / p) and log((1 - m) / q) add to it, with excesses.

    ``tight`` holds the mean m of the rows and their two excesses; s = a + b, p = a / s, q = b / s.
    Without the excesses these would be ``a log(m / p) - s (m - p)`` and
    ``b log((1 - m) / q) + s (m - p)``.

    Returns
    -------
    shift, low, high : ndarray of shape (n,)
        Of which the first may be large.
    """
    centre, first, second = tight
    s = a + b
    gap = centre * (b / s) - (1.0 - centre) * (a / s)
    low, high = gap * (s / a), -gap * (s / b)
    return (
        s * gap,
        a * (_log_excess(low) + first),
        b * (_log_excess(high) + second),
    )


def _log_excess(d: Any) -> Any:
    """log(1 + d) - d, infinite from -1 down."""
    return np.where(d > -1.0, log_excess(np.maximum(d, -1.0 + 1e-16)), -np.inf)

"""Student's t distribution of real numbers."""

from __future__ import annotations

import functools
from typing import Any

import autograd.numpy as anp
import numpy as np
from scipy import special

from natfit.bijectors import Positive, Real, Reciprocal
from natfit.distributions.base import Distribution
from natfit.distributions.contract.checks import refuse_constant, refuse_extreme
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.start import location_scale
from natfit.distributions.contract.support import REAL
from natfit.distributions.real.normal import Normal
from natfit.linops.row_curvature import Entries, RowCurvature, number
from natfit.numerics.equal import one_if_equal
from natfit.numerics.incomplete import student_slopes
from natfit.numerics.moments import beyond
from natfit.numerics.special import (
    student_constant,
    student_curvature,
    student_slope,
    student_slope_derivative,
)
from natfit.numerics.tails import log_stdtr
from natfit.rows import Rows, nearest_to, share_equal, total_weight, weighted_total

_HALF_LOG_2PI = 0.9189385332046727

#: Values of w below which w + log(1 - w) is summed as a series: four terms are exact to 3e-13
#: there, while the difference has lost three digits.
_SMALL = 1e-3

#: df from which on the series is used: here the rounding of the difference, 1e-16 z^2 / df, is
#: 1e-12 of the spread of the score (2 / df^2).
_LARGE_DF = 1e4

#: At this df the normal differs by less than 1e-9 nats per row.
_NORMAL = 1e10


class StudentT(Distribution):
    """Student's t distribution, heavy-tailed about loc; df = 1 is Cauchy, df -> inf normal.

    With z = (y - loc) / scale,
    ``log p(y) = log Gamma((df + 1) / 2) - log Gamma(df / 2) - 1/2 log(pi df) - log scale
    - (df + 1) / 2 log(1 + z^2 / df)``; eta = (loc, log scale, arsinh(1 / df)):
    the last is regular at the normal limit, 0. Fisher information in (loc, log scale, log df),
    with v = df and R(v) = -O(1 / v^5) from :func:`natfit.numerics.special.student_curvature`,::

        [(v+1) / ((v+3) scale^2)   0                     0                                  ]
        [0                         2v / (v+3)            -2v / ((v+1)(v+3))                 ]
        [0                         -2v / ((v+1)(v+3))    (7v+3) / (2v(v+1)(v+3)) + v^2 R / 2]

    and d log df / d eta = -sqrt(1 + v^2).

    Mean ``loc``, variance ``scale^2 df / (df - 2)``. In R: ``dt(df) of (y - loc) / scale``.

    Matches ``scipy.stats.t(df, loc, scale)``.

    Notes
    -----
    With df free the likelihood has no global maximum: with loc at a value that m of the n rows
    share it changes as ``((n - m) df - m) log scale`` for scale -> 0, and so grows without limit
    where ``df < m / (n - m)`` (for distinct rows m = 1: df < 1 / (n - 1)). The estimate is the
    local maximum that a fit reaches from the median, as is usual in the literature. Only where
    all rows are equal is there no local maximum, and such data are refused. A fit to data with
    many ties (half of the rows equal: df < 1) may run into the corner scale -> 0, and then ends as
    ``unbounded``.

    With a dozen rows or fewer the local maximum may be lower than the normal distribution's,
    df -> infinity: the two are compared, and the fit ends at the higher one.
    """

    params = {
        "loc": Real(),
        "scale": Positive(),
        # Below df = 0.05 draws exceed the largest double, and expectations cannot be computed.
        "df": Reciprocal(low=0.05, high=_NORMAL),
    }
    roles = {"loc": Role.LOCATION, "scale": Role.SCALE, "df": Role.SHAPE}
    support = REAL
    stretches = True
    limit_meaning = {("df", "upper"): "the normal distribution"}

    def _log_prob(self, y: Any, loc: Any, scale: Any, df: Any) -> Any:
        z = (y - loc) / scale
        constant = student_constant(df) - anp.log(scale) - _HALF_LOG_2PI
        return constant - 0.5 * (df + 1.0) * anp.log1p(z * z / df)

    def _mode(self, eta: np.ndarray) -> np.ndarray:
        return eta[:, 0].copy()

    # ------------------------------------------------------------------------- closed forms

    def _parts(self, y: Any, loc: Any, scale: Any, df: Any) -> tuple[np.ndarray, ...]:
        """z, w = u / (1 + u), h = 1 / (1 + u), log(1 + u) and w - log(1 + u), u = z^2 / df."""
        z = y - loc
        z *= 1.0 / scale
        w = z * z
        w *= 1.0 / df
        h = w + 1.0
        np.reciprocal(h, out=h)
        if np.max(df) > _LARGE_DF and w.max(initial=0.0) < _SMALL:
            w *= h
            gap = _gap_series(w)
            return z, w, h, w - gap, gap
        log = np.log1p(w)
        w *= h
        gap = w - log
        if np.max(df) > _LARGE_DF:
            small = w < _SMALL
            gap[small] = _gap_series(w[small])
        return z, w, h, log, gap

    def _value_and_score(self, y: Any, loc: Any, scale: Any, df: Any) -> tuple:
        """Log-density (n,) and score (n, 3), in the memory of the shared parts."""
        z, w, h, log, gap = self._parts(y, loc, scale, df)
        out = np.empty((3, len(z)))
        z *= (df + 1.0) / (df * scale)
        np.multiply(z, h, out=out[0])
        gap *= df
        gap += w
        gap *= 0.5
        gap += 0.5 * df * student_slope(df)
        np.multiply(gap, _chain(df), out=out[2])
        w *= df + 1.0
        np.subtract(w, 1.0, out=out[1])
        log *= -0.5 * (df + 1.0)
        log += student_constant(df) - np.log(scale) - _HALF_LOG_2PI
        return log, out.T

    def _score(self, y: Any, loc: Any, scale: Any, df: Any) -> np.ndarray:
        return self._value_and_score(y, loc, scale, df)[1]

    def log_prob_and_score(self, y: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Both, (n,) and (n, 3), from one logarithm per row."""
        return self._value_and_score(y, *self._shared_df(eta))

    def _shared_df(self, eta: np.ndarray) -> tuple[np.ndarray, ...]:
        """Native values of rows; scale and df are one number (1,) where all rows have the same."""
        df = self.params["df"].to_native(one_if_equal(eta[:, 2])[:, None])
        return eta[:, 0], np.exp(one_if_equal(eta[:, 1])), df

    def sum_terms(
        self, y: Any, weight: np.ndarray | None, eta: np.ndarray
    ) -> tuple[float, np.ndarray, np.ndarray]:
        """Weighted sums of log p, its score (3,) and its negative Hessian (3, 3), eta (1, 3).

        One pass gives all three: the Hessian needs only two inner products more than the score.

        Returns
        -------
        value : float
            In nats.
        score : ndarray of shape (3,)
            In eta.
        observed : ndarray of shape (3, 3)
            In eta.
        """
        loc, scale, df = (v[0] for v in self.native(eta))
        z, w, h, logs, gaps = self._parts(y, loc, scale, df)
        n = total_weight(weight, len(z))
        log, gap, w_sum, h_sum = (weighted_total(v, weight) for v in (logs, gaps, w, h))
        # z h, not z - z w: far in a tail the difference has no digits left.
        z *= h
        zh, zhw = weighted_total(z, weight), weighted_total(z * w, weight)
        wh, ww = weighted_total(h * w, weight), weighted_total(w * w, weight)
        constant, slope, curvature = _constants(df)
        value = n * (constant - np.log(scale)) - 0.5 * (df + 1.0) * log
        first = 0.5 * (df * (gap + n * slope) + w_sum)
        pull, chain = (df + 1.0) / (df * scale), float(_chain(df))
        score = np.array([pull * zh, (df + 1.0) * w_sum - n, chain * first])
        cross = wh - df * ww
        second = 0.5 * (cross - df * gap) - n * curvature
        mixed = chain * pull * (zh / (df + 1.0) - zhw)
        observed = np.array(
            [
                [pull / scale * (h_sum - 2.0 * wh), 2.0 * pull * (zh - zhw), mixed],
                [2.0 * pull * (zh - zhw), 2.0 * (df + 1.0) * wh, chain * cross],
                [mixed, chain * cross, chain**2 * second - df**2 * first],
            ]
        )
        return float(value), score, observed

    def _observed(self, y: Any, loc: Any, scale: Any, df: Any) -> np.ndarray:
        return Entries(3, self._observed_entries(y, loc, scale, df)).dense(max(len(y), len(loc)))

    def _observed_entries(self, y: Any, loc: Any, scale: Any, df: Any) -> dict:
        """Entries of the negative Hessian, (n,) each."""
        z, w, h, _, gap = self._parts(y, loc, scale, df)
        slope, chain = (df + 1.0) / (df * scale), _chain(df)
        cross = w * (h - df * w)
        first = 0.5 * (df * gap + w) + 0.5 * df * student_slope(df)
        second = 0.5 * (cross - df * gap) - _constant_curvature(df)
        z *= h
        return {
            (0, 0): slope / scale * (h * (1.0 - 2.0 * w)),
            (0, 1): 2.0 * slope * (z * h),
            (0, 2): chain * slope * (z * (1.0 / (df + 1.0) - w)),
            (1, 1): 2.0 * (df + 1.0) * (w * h),
            (1, 2): chain * cross,
            (2, 2): chain**2 * second - df**2 * first,
        }

    def observed_curvature(self, y: Any, eta: np.ndarray) -> RowCurvature:
        """Negative Hessian of log p of rows, by its entries."""
        return Entries(3, self._observed_entries(y, *self._shared_df(eta)))

    def _fisher(self, loc: Any, scale: Any, df: Any) -> np.ndarray:
        return Entries(3, self._fisher_entries(scale, df)).dense(len(df))

    def _fisher_entries(self, scale: Any, df: Any) -> dict:
        """Entries of the information; numbers where all rows share their parameters."""
        chain = _chain(df)
        # Terms of psi' of order 1 / v cancel, and 1 / v^2 is left; see student_curvature.
        rational = (7.0 * df + 3.0) / (2.0 * df * (df + 1.0) * (df + 3.0))
        return {
            (0, 0): number((df + 1.0) / (df + 3.0) / scale**2),
            (1, 1): number(2.0 * df / (df + 3.0)),
            (1, 2): number(-2.0 * chain * df / ((df + 1.0) * (df + 3.0))),
            (2, 2): number(chain**2 * (rational + 0.5 * df**2 * student_curvature(df))),
        }

    def curvature(self, eta: np.ndarray) -> RowCurvature:
        """Fisher information of rows, by its entries."""
        _, scale, df = self._shared_df(eta)
        return Entries(3, self._fisher_entries(scale, df))

    def _log_cdf(self, y: np.ndarray, loc: Any, scale: Any, df: Any) -> np.ndarray:
        return log_stdtr(df, (y - loc) / scale)

    def _log_sf(self, y: np.ndarray, loc: Any, scale: Any, df: Any) -> np.ndarray:
        return log_stdtr(df, (loc - y) / scale)

    def _tail_slopes(
        self, y: np.ndarray, loc: Any, scale: Any, df: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        first, second = np.zeros((3, len(y))), np.zeros((3, 3, len(y)))
        slope, bend = student_slopes(df, (y - loc) / scale)
        first[2] = scale * (_chain(df) * slope)
        second[2, 2] = scale * (_chain(df) ** 2 * bend + df * df * slope)
        return first, second

    # ---------------------------------------------------------------------- data, sampling

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """All rows alike: scale -> 0 and the likelihood has no maximum; see the class's notes."""
        refuse_constant(rows, "StudentT")
        refuse_extreme(rows, "StudentT")

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        # A quartile lies 0.7267 scales from the centre for df = 5, and 0.6745 for a normal.
        loc, scale = location_scale(y, weight)
        return {"loc": loc, "scale": 0.928 * scale, "df": 5.0}

    def nested_start(self, rows: Rows) -> np.ndarray:
        """The normal's optimum, at the largest df."""
        loc, variance = Normal().sufficient(rows)
        return self.eta(loc=loc[0], scale=np.sqrt(variance[0]), df=_NORMAL)

    def no_maximum(self, rows: Rows, eta: np.ndarray) -> str | None:
        """Scale -> 0 at a value that has the share m / n of the weight, where df < m / (n - m)."""
        loc, scale, df = (float(v) for v in self.native_dict(eta).values())
        at = nearest_to(rows, loc)
        share, (low, high) = share_equal(rows, at), rows.extent()
        widest = max(loc - float(low), float(high) - loc)
        if scale > 1e-3 * widest or df * (1.0 - share) > share:
            return None
        return (
            f"{100 * share:.3g} % of the rows equal {at:g} and df = {df:.3g}: the likelihood "
            "grows without limit as scale -> 0 there"
        )

    def _sample(self, rng: np.random.Generator, n: int, loc: Any, scale: Any, df: Any) -> Any:
        return loc + scale * rng.standard_t(df, n)

    def _moments(self, loc: Any, scale: Any, df: Any) -> tuple[Any, Any]:
        with np.errstate(all="ignore"):
            var = beyond(df > 2.0, np.square(scale) * (df / (df - 2.0)))
        return np.where(df > 1.0, loc, np.nan), var

    def _quantile(self, p: Any, upper: bool, loc: Any, scale: Any, df: Any) -> np.ndarray:
        z = special.stdtrit(np.minimum(df, 1e10), p)
        return loc + scale * (-z if upper else z)

    def _crps(self, y: Any, loc: Any, scale: Any, df: Any) -> np.ndarray:
        z = (y - loc) / scale
        density = np.exp(
            student_constant(df) - _HALF_LOG_2PI - 0.5 * (df + 1.0) * np.log1p(z * z / df)
        )
        pair = special.betaln(0.5, df - 0.5) - 2.0 * special.betaln(0.5, 0.5 * df)
        centre = z * (1.0 - 2.0 * special.stdtr(df, -z)) + 2.0 * density * (df + z * z) / (df - 1.0)
        score = scale * (centre - 2.0 * np.sqrt(df) / (df - 1.0) * np.exp(pair))
        return np.where(df > 1.0, score, np.inf)

    def _to_scipy(self, loc: Any, scale: Any, df: Any) -> Any:
        from scipy.stats import t

        return t(float(df), loc=float(loc), scale=float(scale))


def _gap_series(w: np.ndarray) -> np.ndarray:
    """w - log(1 + u) = w + log(1 - w) < 0, by its series."""
    total = w * -0.2
    for c in (-0.25, -1 / 3, -0.5):
        total += c
        total *= w
    total *= w
    return total


def _chain(df: Any) -> Any:
    """d log df / d eta for df = 1 / sinh(eta); its derivative is df^2."""
    return -np.sqrt(df * df + 1.0)


def _constant_curvature(df: Any) -> Any:
    """Second derivative of :func:`student_constant` in log df."""
    return 0.5 * df * (student_slope(df) + df * student_slope_derivative(df))


@functools.lru_cache(maxsize=64)
def _constants(df: float) -> tuple[float, float, float]:
    """The constant of log p, df's slope and its curvature: once for all chunks of rows."""
    v = np.array([df])
    constant = float(student_constant(v)[0]) - _HALF_LOG_2PI
    return constant, float(student_slope(v)[0]), float(_constant_curvature(v)[0])

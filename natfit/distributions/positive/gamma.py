"""The gamma distribution of positive numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.scipy.special import gammaln
from scipy import special

from natfit.bijectors import Positive
from natfit.distributions.contract.checks import refuse_constant
from natfit.distributions.contract.declared import InformationKind, Role, Width
from natfit.distributions.contract.regular import Regular
from natfit.distributions.contract.start import mean
from natfit.distributions.contract.support import POSITIVE
from natfit.distributions.contract.window_ends import End
from natfit.distributions.forms.exponential_family import ExponentialFamily
from natfit.distributions.forms.joined import joined_excess, joined_means
from natfit.distributions.forms.shift import narrow
from natfit.distributions.forms.tight import TightGamma, about_centre, divergence_of_means
from natfit.linops.row_curvature import Entries, RowCurvature, number
from natfit.numerics.equal import one_if_equal
from natfit.numerics.incomplete import gamma_slopes
from natfit.numerics.stirling import HALF_LOG_2PI, correction, curvature, log_excess, slope
from natfit.numerics.tails import log_gammainc, log_gammaincc
from natfit.rows import Rows, means_over


class Gamma(ExponentialFamily):
    """The gamma distribution of positive y.

    ``log p(y) = (shape - 1) log y - y / scale - shape log scale - log Gamma(shape)``;
    eta = (log shape, log scale), Fisher information
    ``[[shape^2 psi'(shape), shape], [shape, shape]]``.

    Mean ``shape scale``, variance ``shape scale^2``. In R: ``dgamma(shape, scale = scale)``.

    Matches ``scipy.stats.gamma(a=shape, scale=scale)``.
    """

    params = {"shape": Positive(), "scale": Positive()}
    roles = {"shape": Role.SHAPE, "scale": Role.SCALE}
    widths = {"shape": Width(-0.5, least=1.0)}
    support = POSITIVE
    _window_ends: tuple = (
        End("shape", "lower", "low", "the density exp(-y / scale) / y"),
        End("scale", "upper", "high", "the power law y^(shape - 1)", power=1.0),
    )
    stretches = True
    _narrow: Any = narrow.GAMMA
    # The logarithm of a number <= 0 is not finite.
    summary_proves_support = True

    @property
    def information(self) -> InformationKind:
        """The entries of the information are exact: it counts where it is nearly singular."""
        return replace(super().information, exact=True)

    def statistics(self, y: Any) -> tuple:
        """The sufficient statistics (y, log y), (n,) each; a summary may hold an excess."""
        return y if isinstance(y, tuple) else (y, anp.log(y))

    def sufficient(self, rows: Rows) -> tuple:
        """The means of y and log y; of tight rows also that of log(y / mean) - (y / mean - 1)."""
        value, log = super().sufficient(rows)
        if loose(value[0], log[0]):
            return value, log
        (excess,) = means_over(rows, _excess, float(value[0]))
        return value, np.log(value) + excess, np.array([excess])

    def joined_summaries(self, one: Any, weight: float, two: Any, other: float) -> Any | None:
        """The means of both parts, and the excess where the rows together are tight."""
        value, log = joined_means(one[:2], weight, two[:2], other)
        if loose(value[0], log[0]):
            return value, log
        excess = joined_excess(excess_of(one), one[0], weight, excess_of(two), two[0], other)
        return value, np.log(value) + excess, excess

    def _log_prob(self, y: Any, shape: Any, scale: Any) -> Any:
        value, log, *excess = with_excess(self.statistics(y), shape)
        if excess:
            return tight_log_prob(value, log, excess[0], shape, np.log(scale))
        return (shape - 1.0) * log - value / scale - shape * anp.log(scale) - gammaln(shape)

    def _score(self, y: Any, shape: np.ndarray, scale: np.ndarray) -> np.ndarray:
        value, log, *excess = with_excess(self.statistics(y), shape)
        if excess:
            return tight_score(value, excess[0], shape, np.log(scale))
        out = np.empty((2, len(value)))
        out[0] = shape * (log - np.log(scale) - special.psi(shape))
        out[1] = value / scale - shape
        return out.T

    def _observed(self, y: Any, shape: np.ndarray, scale: np.ndarray) -> np.ndarray:
        # eta are logarithms, hence the terms of first order on the diagonal.
        score = self._score(y, shape, scale)
        out = np.empty((len(score), 2, 2))
        out[:, 0, 0] = trigamma(shape) - score[:, 0]
        out[:, 0, 1] = out[:, 1, 0] = shape
        out[:, 1, 1] = score[:, 1] + shape
        return out

    def _fisher(self, shape: np.ndarray, scale: np.ndarray) -> np.ndarray:
        out = np.empty((len(shape), 2, 2))
        out[:, 0, 0] = trigamma(shape)
        out[:, 0, 1] = out[:, 1, 0] = out[:, 1, 1] = shape
        return out

    # -------------------------------------------------------- rows with an eta of their own

    def _by_rows(self, y: Any, eta: np.ndarray) -> bool:
        """Whether rows have their own eta, and shapes at which the density loses no digits."""
        rows = isinstance(y, np.ndarray) and len(eta) == len(y)
        return rows and bool(np.min(eta[:, 0], initial=np.inf) <= np.log(_LARGE))

    def _row_terms(self, y: np.ndarray, eta: np.ndarray) -> tuple[np.ndarray, ...]:
        """The shape, log y, log(y / scale), y / scale and the score (2, n) of rows."""
        log = np.log(y)
        log_ratio = log - eta[:, 1]
        ratio = np.exp(log_ratio)
        shape = np.exp(one_if_equal(eta[:, 0]))
        score = np.empty((2, len(y)))
        np.subtract(log_ratio, special.psi(shape), out=score[0])
        score[0] *= shape
        np.subtract(ratio, shape, out=score[1])
        return shape, log, log_ratio, ratio, score

    def log_prob_and_score(self, y: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Both, (n,) and (n, 2), from one logarithm per row."""
        if not self._by_rows(y, eta):
            return super().log_prob_and_score(y, eta)
        shape, log, log_ratio, ratio, score = self._row_terms(y, eta)
        log_ratio *= shape
        log_ratio -= log
        log_ratio -= ratio
        log_ratio -= special.gammaln(shape)
        return log_ratio, score.T

    def observed_curvature(self, y: Any, eta: np.ndarray) -> RowCurvature:
        """Negative Hessian of log p of rows, by its entries."""
        if not self._by_rows(y, eta):
            return super().observed_curvature(y, eta)
        shape, _, _, ratio, score = self._row_terms(y, eta)
        return Entries(
            2, {(0, 0): trigamma(shape) - score[0], (0, 1): number(shape), (1, 1): ratio}
        )

    def curvature(self, eta: np.ndarray) -> RowCurvature:
        """Fisher information of rows, by its entries; numbers where all have one shape."""
        shape = np.exp(one_if_equal(eta[:, 0]))
        first, other = number(trigamma(shape)), number(shape)
        return Entries(2, {(0, 0): first, (0, 1): other, (1, 1): other})

    def _kl(self, shape: Any, scale: Any, shape2: Any, scale2: Any) -> np.ndarray:
        return divergence(shape, shape2, np.log(scale / scale2))

    def _log_cdf(self, y: np.ndarray, shape: Any, scale: Any) -> np.ndarray:
        return log_gammainc(shape, y / scale)

    def _log_sf(self, y: np.ndarray, shape: Any, scale: Any) -> np.ndarray:
        return log_gammaincc(shape, y / scale)

    def _tail_slopes(self, y: np.ndarray, shape: Any, scale: Any) -> tuple[np.ndarray, np.ndarray]:
        first, second = np.zeros((2, len(y))), np.zeros((2, 2, len(y)))
        slope, bend = gamma_slopes(shape, y / scale)
        first[0], second[0, 0] = slope * scale, bend * scale
        return first, second

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """All rows alike: shape -> infinity and the likelihood grows without limit."""
        # A summary of loose rows proves that they are not constant.
        if summary is None or len(summary) > 2:
            refuse_constant(rows, type(self).__name__)

    def regular(self, rows: Rows) -> Regular | None:
        """The mean and the shape, of rows that nearly coincide."""
        return about_centre(TightGamma, self, rows, abs)

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        centre = mean(y, weight)
        log = mean(np.log(y), weight)
        tight = not loose(centre, log)
        gap = -mean(_excess(y, centre)[0], weight) if tight else np.log(centre) - log
        shape = approximate_shape(gap)
        return {"shape": shape, "scale": centre / shape}

    def _sample(self, rng: np.random.Generator, n: int, shape: Any, scale: Any) -> np.ndarray:
        return rng.gamma(shape, scale, n)

    def _moments(self, shape: Any, scale: Any) -> tuple[Any, Any]:
        return shape * scale, shape * np.square(scale)

    def _quantile(self, p: Any, upper: bool, shape: Any, scale: Any) -> np.ndarray:
        inverse = special.gammainccinv if upper else special.gammaincinv
        return scale * inverse(shape, p)

    def _crps(self, y: Any, shape: Any, scale: Any) -> np.ndarray:
        z = np.maximum(y, 0.0) / scale
        inner = 2.0 * special.gammainc(shape, z) - 1.0
        least = scale / special.beta(0.5, shape)
        mean = shape * scale * (2.0 * special.gammainc(shape + 1.0, z) - 1.0)
        return y * inner - mean - least

    def _to_scipy(self, shape: Any, scale: Any) -> Any:
        from scipy.stats import gamma

        return gamma(a=float(shape), scale=float(scale))

    def expectation_coordinates(self, origin: np.ndarray) -> Any:
        """Not closed-form: E[log y] = psi(shape) + log scale needs the inverse digamma."""
        raise ValueError(
            "Gamma has no closed-form expectation coordinates: E[log y] = psi(shape) + log scale "
            "must be inverted numerically; use coordinates='unconstrained' or 'native'"
        )


def excess_of(summary: tuple) -> np.ndarray:
    """The mean of log(y / mean) - (y / mean - 1) of a summary of y and log y, (1,)."""
    return summary[2] if len(summary) > 2 else summary[1] - np.log(summary[0])


def _excess(y: np.ndarray, centre: float) -> tuple[np.ndarray, ...]:
    return (log_excess((y - centre) / centre),)


# With v the mean, e the mean of log(y / v) - (y / v - 1) and d = v / (shape scale) - 1 all terms of
# the log-density of a gamma distribution are of order one, however large its shape.


#: Shape from which the terms of the textbook's density lose more than four digits.
_LARGE = 1e4


def loose(value: float, log: float) -> bool:
    """Tell whether log mean - mean log has 12 digits; rows of another kind need their excess."""
    return bool(np.log(value) - log > 1e-3) or not np.isfinite(log)


def with_excess(statistics: tuple, shape: Any) -> tuple:
    """The statistics, with the excess 0 of single rows where the shape is large."""
    numbers = isinstance(shape, np.ndarray) and isinstance(statistics[0], np.ndarray)
    if len(statistics) > 2 or not numbers or not np.min(shape, initial=np.inf) > _LARGE:
        return statistics
    return *statistics, 0.0


def _deviation(value: Any, shape: Any, log_scale: Any) -> tuple[Any, Any]:
    """d and log(1 + d) - d, of which the latter has no value d left to cancel."""
    with np.errstate(over="ignore"):
        d = value / (shape * np.exp(log_scale)) - 1.0
        far = np.log(value) - np.log(shape) - log_scale - d
        return d, np.where(np.abs(d) < 0.5, log_excess(np.clip(d, -0.5, 0.5)), far)


def tight_log_prob(value: Any, log: Any, excess: Any, shape: Any, log_scale: Any) -> Any:
    """Log-density of rows, or its mean, (n,) nats."""
    _, rest = _deviation(value, shape, log_scale)
    main = shape * (rest + excess) - log + 0.5 * np.log(shape)
    return main - HALF_LOG_2PI - correction(shape)


def tight_score(value: Any, excess: Any, shape: Any, log_scale: Any) -> np.ndarray:
    """Score in (log shape, log scale) of rows, or its mean, (n, 2)."""
    d, rest = _deviation(value, shape, log_scale)
    second = shape * d
    first = second + (shape * (rest + excess) + 0.5 - slope(shape) / shape)
    return np.stack([first, second], axis=1)


def trigamma(shape: np.ndarray) -> np.ndarray:
    """shape^2 psi'(shape), elementwise; the shape plus one half and next to nothing if large."""
    return shape + (0.5 + curvature(shape) / shape)


def divergence(shape: Any, shape2: Any, log_ratio: Any) -> Any:
    """KL between gamma distributions, elementwise, nats; the logarithm is that of their scales."""
    if np.min(shape) > _LARGE and np.min(shape2) > _LARGE:
        return divergence_of_means(shape, shape2, log_ratio - np.log1p((shape2 - shape) / shape))
    return (
        (shape - shape2) * special.psi(shape)
        - special.gammaln(shape)
        + special.gammaln(shape2)
        - shape2 * log_ratio
        + shape * np.expm1(log_ratio)
    )


def approximate_shape(gap: float) -> float:
    """Shape of gamma rows whose log mean exceeds their mean log by ``gap`` (Minka, 2002)."""
    # Rows that are equal up to rounding say nothing of the others.
    gap = gap if gap > 1e-30 else 1e-10
    return (3.0 - gap + np.sqrt((gap - 3.0) ** 2 + 24.0 * gap)) / (12.0 * gap)

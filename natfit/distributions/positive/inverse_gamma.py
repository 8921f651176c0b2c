"""The inverse gamma distribution."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.scipy.special import gammaln
from scipy import special

from natfit.bijectors import Positive
from natfit.distributions.contract.checks import ROUNDING, refuse_constant
from natfit.distributions.contract.declared import InformationKind, Role, Width
from natfit.distributions.contract.regular import Regular
from natfit.distributions.contract.start import mean
from natfit.distributions.contract.support import POSITIVE
from natfit.distributions.contract.window_ends import End
from natfit.distributions.forms.exponential_family import ExponentialFamily
from natfit.distributions.forms.joined import joined_excess, joined_means
from natfit.distributions.forms.shift import narrow
from natfit.distributions.forms.tight import TightInverseGamma, about_centre
from natfit.distributions.positive.gamma import (
    approximate_shape,
    divergence,
    excess_of,
    loose,
    tight_log_prob,
    tight_score,
    trigamma,
    with_excess,
)
from natfit.numerics.incomplete import gamma_slopes
from natfit.numerics.moments import beyond
from natfit.numerics.stirling import log_excess
from natfit.numerics.tails import log_gammainc, log_gammaincc
from natfit.rows import Rows, means_over


class InverseGamma(ExponentialFamily):
    """The inverse gamma distribution of positive y: 1 / y is gamma(shape, 1 / scale).

    ``log p(y) = shape log scale - log Gamma(shape) - (shape + 1) log y - scale / y``;
    eta = (log shape, log scale), Fisher information
    ``[[shape^2 psi'(shape), -shape], [-shape, shape]]``.

    Only data whose rows are all equal have no maximum (shape -> infinity): they are refused.

    Mean ``scale / (shape - 1)``, variance ``scale^2 / ((shape - 1)^2 (shape - 2))``. In R:
    ``actuar::dinvgamma(shape, scale = scale)``.

    Matches ``scipy.stats.invgamma(a=shape, scale=scale)``.
    """

    params = {"shape": Positive(), "scale": Positive()}
    roles = {"shape": Role.SHAPE, "scale": Role.SCALE}
    widths = {"shape": Width(-0.5, least=1.0)}
    support = POSITIVE
    _window_ends = (
        End("shape", "lower", "high", "the density exp(-scale / y) / y"),
        End("scale", "lower", "low", "the power law y^(-shape - 1)", power=1.0),
    )
    stretches = True
    _narrow = narrow.INVERSE_GAMMA
    # The logarithm of a number <= 0 is not finite.
    summary_proves_support = True

    @property
    def information(self) -> InformationKind:
        """The entries of the information are exact: it counts where it is nearly singular."""
        return replace(super().information, exact=True)

    def statistics(self, y: Any) -> tuple:
        """(1 / y, log y); a summary may hold a third (`excess`)."""
        return y if isinstance(y, tuple) else (1.0 / y, anp.log(y))

    def sufficient(self, rows: Rows) -> tuple:
        """The means of 1 / y and log y; of tight rows also the excess of 1 / y, as of the gamma."""
        inverse, log = super().sufficient(rows)
        if loose(inverse[0], -log[0]):
            return inverse, log
        (excess,) = means_over(rows, _excess, 1.0 / float(inverse[0]))
        return inverse, -np.log(inverse) - excess, np.array([excess])

    def joined_summaries(self, one: Any, weight: float, two: Any, other: float) -> Any | None:
        """The means of both parts, and the excess where the rows together are tight."""
        inverse, log = joined_means(one[:2], weight, two[:2], other)
        if loose(inverse[0], -log[0]):
            return inverse, log
        first, second = (excess_of((s[0], -s[1], *s[2:])) for s in (one, two))
        excess = joined_excess(first, one[0], weight, second, two[0], other)
        return inverse, -np.log(inverse) - excess, excess

    def _log_prob(self, y: Any, shape: Any, scale: Any) -> Any:
        inverse, log, *excess = with_excess(self.statistics(y), shape)
        if excess:
            return tight_log_prob(inverse, -log, excess[0], shape, -np.log(scale)) - 2.0 * log
        return shape * (anp.log(scale) - log) - gammaln(shape) - log - scale * inverse

    def _score(self, y: Any, shape: np.ndarray, scale: np.ndarray) -> np.ndarray:
        inverse, log, *excess = with_excess(self.statistics(y), shape)
        if excess:
            return tight_score(inverse, excess[0], shape, -np.log(scale)) * np.array([1.0, -1.0])
        out = np.empty((2, len(log)))
        out[0] = shape * (np.log(scale) - special.psi(shape) - log)
        out[1] = shape - scale * inverse
        return out.T

    def _observed(self, y: Any, shape: np.ndarray, scale: np.ndarray) -> np.ndarray:
        # eta are logarithms, hence the terms of first order on the diagonal.
        score = self._score(y, shape, scale)
        out = np.empty((len(score), 2, 2))
        out[:, 0, 0] = trigamma(shape) - score[:, 0]
        out[:, 0, 1] = out[:, 1, 0] = -shape
        out[:, 1, 1] = shape - score[:, 1]
        return out

    def _fisher(self, shape: np.ndarray, scale: np.ndarray) -> np.ndarray:
        out = np.empty((len(shape), 2, 2))
        out[:, 0, 0] = trigamma(shape)
        out[:, 0, 1] = out[:, 1, 0] = -shape
        out[:, 1, 1] = shape
        return out

    def _kl(self, shape: Any, scale: Any, shape2: Any, scale2: Any) -> np.ndarray:
        return divergence(shape, shape2, np.log(scale2 / scale))

    def _log_cdf(self, y: Any, shape: Any, scale: Any) -> np.ndarray:
        return log_gammaincc(shape, scale / y)

    def _log_sf(self, y: Any, shape: Any, scale: Any) -> np.ndarray:
        with np.errstate(divide="ignore"):
            log_x = np.log(scale) - np.log(y)
        return log_gammainc(shape, scale / y, log_x)

    def _tail_slopes(self, y: np.ndarray, shape: Any, scale: Any) -> tuple[np.ndarray, np.ndarray]:
        first, second = np.zeros((2, len(y))), np.zeros((2, 2, len(y)))
        x = scale / y
        slope, bend = gamma_slopes(shape, x)
        first[0], second[0, 0] = -slope * (y / x), -bend * (y / x)
        return first, second

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """All rows alike: shape -> infinity and the likelihood grows without limit."""
        # A summary of loose rows proves that they are not constant.
        if summary is None or len(summary) > 2:
            refuse_constant(rows, type(self).__name__, relative=ROUNDING)

    def regular(self, rows: Rows) -> Regular | None:
        """The mean of 1 / y and the shape, of rows that nearly coincide."""
        return about_centre(TightInverseGamma, self, rows, abs)

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        # That of the gamma distribution of 1 / y.
        centre = mean(1.0 / y, weight)
        log = mean(np.log(y), weight)
        tight = not loose(centre, -log)
        gap = -mean(_excess(y, 1.0 / centre)[0], weight) if tight else np.log(centre) + log
        shape = approximate_shape(gap)
        return {"shape": shape, "scale": shape / centre}

    def _sample(self, rng: np.random.Generator, n: int, shape: Any, scale: Any) -> np.ndarray:
        return scale / rng.gamma(shape, 1.0, n)

    def _moments(self, shape: Any, scale: Any) -> tuple[Any, Any]:
        with np.errstate(all="ignore"):
            mean = scale / (shape - 1.0)
            var = np.square(mean) / (shape - 2.0)
        return beyond(shape > 1.0, mean), beyond(shape > 2.0, var)

    def _quantile(self, p: Any, upper: bool, shape: Any, scale: Any) -> np.ndarray:
        inverse = special.gammaincinv if upper else special.gammainccinv
        return scale / inverse(shape, p)

    def _to_scipy(self, shape: Any, scale: Any) -> Any:
        from scipy.stats import invgamma

        return invgamma(a=float(shape), scale=float(scale))

    def expectation_coordinates(self, origin: np.ndarray) -> Any:
        """Not closed-form: E[log y] = log scale - psi(shape) needs the inverse digamma."""
        raise ValueError(
            "InverseGamma has no closed-form expectation coordinates: E[log y] = log scale - "
            "psi(shape) must be inverted numerically; use coordinates='unconstrained' or 'native'"
        )


def _excess(y: np.ndarray, centre: float) -> tuple[np.ndarray, ...]:
    return (log_excess((centre - y) / y),)

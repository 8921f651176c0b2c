"""Gamma, inverse gamma and beta distributions about a centre, for rows that nearly coincide.

Of rows with a relative spread of 1e-8 the shape is 1e16, and an information with the entries
shape and shape + 1/2 is singular to rounding. In the logarithm of the mean over a centre, and of
the size of the shapes, it is diagonal, or nearly so, however narrow the density.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.bijectors import Positive, Real
from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import InformationKind, Role
from natfit.distributions.contract.regular import Regular
from natfit.distributions.forms.exponential_family import ExponentialFamily
from natfit.numerics.stirling import HALF_LOG_2PI, correction, curvature, log_excess, slope
from natfit.rows import Rows, mean_over

#: Relative spread below which an information in the family's own coordinates has lost eight digits
#: and more.
_TIGHT = 1e-6


def about_centre(form: type[Tight], own: Distribution, rows: Rows, room: Any) -> Regular | None:
    """Return the form about the mean of the rows if these nearly coincide.

    Parameters
    ----------
    form : type
        The form.
    own : Distribution
        The family.
    rows : Rows
        Numbers.
    room : callable
        ``room(centre)``, the unit of the spread.

    Returns
    -------
    Regular or None
        None for other rows, which some of them tell.
    """
    with np.errstate(all="ignore"):
        for some in (rows.glance, rows.few):
            few = some().y
            if rows.event_shape != () or not np.ptp(few) < _TIGHT * room(float(np.mean(few))):
                return None
        centre = float(mean_over(rows))
    made = form(own, centre)
    return Regular(made, made.to_own, made.from_own, made.jacobian)


def divergence_of_means(shape: Any, shape2: Any, log_means: Any) -> Any:
    """Divergence between gamma distributions of large shapes and any means.

    With r the ratio of the means it is shape2 (r - 1 - log r) and what remains of Stirling's
    formula.

    Parameters
    ----------
    shape, shape2 : ndarray of shape (n,)
        Shapes.
    log_means : ndarray of shape (n,)
        log r.

    Returns
    -------
    ndarray of shape (n,)
        In nats.
    """
    return (
        -shape2 * log_excess(np.expm1(log_means))
        + (shape - shape2) * (slope(shape) / shape**2 - 0.5 / shape)
        - 0.5 * np.log1p((shape2 - shape) / shape)
        + correction(shape2)
        - correction(shape)
    )


class Tight(ExponentialFamily):
    """A density of positive numbers or shares in the coordinates (shift of the mean, log size).

    Parameters
    ----------
    own : Distribution
        The family.
    centre : float
        Near the mean of the rows, in the unit of y.
    """

    params = {"shift": Real(), "size": Positive()}
    roles = {"shift": Role.SHAPE, "size": Role.SHAPE}

    def __init__(self, own: Distribution, centre: float):
        self.own = own
        self.centre = centre

    @property
    def support(self) -> Any:
        """That of the family."""
        return self.own.support

    @property
    def information(self) -> InformationKind:
        """The entries of the information are exact: it counts where it is nearly singular."""
        return replace(super().information, exact=True)

    def check(self, rows: Rows) -> None:
        """Raise ValueError for the first row that the family refuses."""
        self.own.check(rows)

    def regular(self, rows: Rows) -> None:
        """None: these are the coordinates."""

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """All rows alike, as the family judges them."""
        self.own.check_degenerate(rows, None)

    def initial(self, few: Any, rng: np.random.Generator) -> np.ndarray:
        """The start of the family; its mean is the centre."""
        start = self.from_own(self.own.initial(few, rng))
        return np.array([0.0, start[1]])

    def to_own(self, eta: np.ndarray) -> np.ndarray:
        """Eta (2,) of the family."""
        raise NotImplementedError

    def from_own(self, eta: np.ndarray) -> np.ndarray:
        """Return eta (2,) for the family's."""
        raise NotImplementedError

    def jacobian(self, eta: np.ndarray) -> np.ndarray:
        """Derivatives (2, 2) of the family's eta."""
        raise NotImplementedError


class TightGamma(Tight):
    """Gamma distribution of x = y: eta = (log(mean / centre), log shape).

    With q = x / centre - 1 and e = log(1 + q) - q the log-density is, but for a function of y, ::

        shape (e + q (1 - exp(-shift)) + log_excess(exp(-shift) - 1)) + log(shape) / 2 - c(shape)
    """

    #: The sign of log scale in log(mean / shape).
    _sign = 1.0

    def _gap(self, y: np.ndarray) -> np.ndarray:
        return (y - self.centre) / self.centre

    def statistics(self, y: Any) -> tuple:
        """(q, e, log y) of rows; a summary unchanged."""
        if isinstance(y, tuple):
            return y
        q = self._gap(y)
        return q, log_excess(q), np.log(y)

    def _main(self, y: Any, shift: Any) -> tuple[Any, Any]:
        """The factor of the shape, and the mean of x / mean - 1."""
        q, excess, _ = self.statistics(y)
        back = anp.expm1(-shift)
        return excess - q * back + log_excess(back), q * (1.0 + back) + back

    def _log_prob(self, y: Any, shift: Any, size: Any) -> Any:
        main, _ = self._main(y, shift)
        rest = 0.5 * anp.log(size) - HALF_LOG_2PI - correction(size)
        return size * main - self.statistics(y)[2] + rest

    def _score(self, y: Any, shift: np.ndarray, size: np.ndarray) -> np.ndarray:
        main, gap = self._main(y, shift)
        return np.stack([size * gap, size * main + 0.5 - slope(size) / size], axis=1)

    def _observed(self, y: Any, shift: np.ndarray, size: np.ndarray) -> np.ndarray:
        score = self._score(y, shift, size)
        out = np.empty((len(score), 2, 2))
        out[:, 0, 0] = size + score[:, 0]
        out[:, 0, 1] = out[:, 1, 0] = -score[:, 0]
        out[:, 1, 1] = 0.5 + curvature(size) / size - score[:, 1]
        return out

    def _fisher(self, shift: np.ndarray, size: np.ndarray) -> np.ndarray:
        out = np.zeros((len(size), 2, 2))
        out[:, 0, 0] = size
        out[:, 1, 1] = 0.5 + curvature(size) / size
        return out

    def _kl(self, shift: Any, size: Any, shift2: Any, size2: Any) -> np.ndarray:
        return divergence_of_means(size, size2, shift - shift2)

    def to_own(self, eta: np.ndarray) -> np.ndarray:
        """(log shape, log scale)."""
        return np.array([eta[1], np.log(self.centre) + self._sign * (eta[0] - eta[1])])

    def from_own(self, eta: np.ndarray) -> np.ndarray:
        """Return eta (2,) for the family's."""
        return np.array([self._sign * (eta[1] - np.log(self.centre)) + eta[0], eta[0]])

    def jacobian(self, eta: np.ndarray) -> np.ndarray:
        """Derivatives (2, 2) of (log shape, log scale)."""
        return np.array([[0.0, 1.0], [self._sign, -self._sign]])


class TightInverseGamma(TightGamma):
    """Gamma distribution of x = 1 / y, with the centre 1 / centre."""

    _sign = -1.0

    def _gap(self, y: np.ndarray) -> np.ndarray:
        return (self.centre - y) / y


class TightBeta(Tight):
    """Beta distribution: eta = (logit(mean) - logit(centre), log(a + b)).

    With p = a / (a + b), c the centre, q = y / c - 1 and r = (1 - y) / (1 - c) - 1, the log-density
    is ``s (p log((1 + q) c / p) + (1 - p) log((1 + r) (1 - c) / (1 - p)))`` and terms of order one.
    """

    def statistics(self, y: Any) -> tuple:
        """(q, its excess, the excess of r, log y + log(1 - y)); a summary unchanged."""
        if isinstance(y, tuple):
            return y
        gap = y - self.centre
        q, r = gap / self.centre, -gap / (1.0 - self.centre)
        return q, log_excess(q), log_excess(r), np.log(y) + np.log1p(-y)

    def _mean(self, shift: Any) -> tuple[Any, Any, Any]:
        """p, 1 - p and p - c."""
        up = anp.expm1(shift)
        share = self.centre / (1.0 + self.centre * up)
        p, rest = share * (1.0 + up), (1.0 - self.centre) / (1.0 + self.centre * up)
        return p, rest, share * (1.0 - self.centre) * up

    def _main(self, y: Any, shift: Any) -> tuple[Any, Any]:
        """The factor of s, and log(y / p) - log((1 - y) / (1 - p))."""
        c = self.centre
        q, first, second, _ = self.statistics(y)
        p, rest, gap = self._mean(shift)
        r = -q * c / (1.0 - c)
        main = p * first + rest * second + (q * c - gap) * gap / (c * (1.0 - c))
        main = main - p * log_excess(gap / c) - rest * log_excess(-gap / (1.0 - c))
        return main, q - r + first - second - shift

    def _log_prob(self, y: Any, shift: Any, size: Any) -> Any:
        main, _ = self._main(y, shift)
        p, rest, _ = self._mean(shift)
        value = size * main - self.statistics(y)[3] + 0.5 * anp.log(size * p * rest)
        value = value - HALF_LOG_2PI + correction(size)
        return value - correction(size * p) - correction(size * rest)

    def _score(self, y: Any, shift: np.ndarray, size: np.ndarray) -> np.ndarray:
        main, gap = self._main(y, shift)
        p, rest, _ = self._mean(shift)
        a, b = size * p, size * rest
        # psi(x) = log x - 1 / (2 x) + slope(x) / x^2.
        tilt = 0.5 / a - slope(a) / a**2 - 0.5 / b + slope(b) / b**2
        grown = 0.5 - slope(a) / a - slope(b) / b + slope(size) / size
        return np.stack([size * p * rest * (gap + tilt), size * main + grown], axis=1)

    def _fisher(self, shift: np.ndarray, size: np.ndarray) -> np.ndarray:
        p, rest, _ = self._mean(shift)
        a, b = size * p, size * rest
        # x psi'(x) - 1 = 1 / (2 x) + curvature(x) / x^2.
        first, second = (0.5 / x + curvature(x) / x**2 for x in (a, b))
        out = np.empty((len(size), 2, 2))
        out[:, 0, 0] = a * rest * (1.0 + rest * first + p * second)
        out[:, 0, 1] = out[:, 1, 0] = a * rest * (first - second)
        out[:, 1, 1] = a * first + b * second - (0.5 + curvature(size) / size)
        return out

    def _observed(self, y: Any, shift: np.ndarray, size: np.ndarray) -> np.ndarray:
        # The second derivatives of p and s in eta are (1 - 2 p) and one times the first ones.
        score, out = self._score(y, shift, size), self._fisher(shift, size)
        p, rest, _ = self._mean(shift)
        out = np.repeat(out, len(score), axis=0) if len(out) < len(score) else out
        out[:, 0, 0] -= (rest - p) * score[:, 0]
        out[:, 0, 1] -= score[:, 0]
        out[:, 1, 0] -= score[:, 0]
        out[:, 1, 1] -= score[:, 1]
        return out

    def _kl(self, shift: Any, size: Any, shift2: Any, size2: Any) -> np.ndarray:
        return self.own.kl(
            np.stack([self._to_own(u, np.log(s)) for u, s in zip(shift, size, strict=True)]),
            np.stack([self._to_own(u, np.log(s)) for u, s in zip(shift2, size2, strict=True)]),
        )

    def _to_own(self, shift: Any, log_size: Any) -> np.ndarray:
        p, rest, _ = self._mean(shift)
        return np.array([log_size + np.log(p), log_size + np.log(rest)])

    def to_own(self, eta: np.ndarray) -> np.ndarray:
        """(log a, log b)."""
        return self._to_own(eta[0], eta[1])

    def from_own(self, eta: np.ndarray) -> np.ndarray:
        """Return eta (2,) for the family's."""
        shift = eta[0] - eta[1] - np.log(self.centre) + np.log1p(-self.centre)
        return np.array([shift, np.logaddexp(eta[0], eta[1])])

    def jacobian(self, eta: np.ndarray) -> np.ndarray:
        """Derivatives (2, 2) of (log a, log b)."""
        p, rest, _ = self._mean(eta[0])
        return np.array([[rest, 1.0], [-p, 1.0]])

"""Vuong's test: which of two fits of the same rows is closer to the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import chdtrc, ndtr

from natfit._validation import check_option, check_vector, check_weights
from natfit.inference.outcome import Outcome

#: A deviation of the ratios below this, relative to the log-densities, is rounding: the densities
#: are then the same at every row.
_ROUNDING = 1e-12

#: Level of the test of whether two fits are the same density: above it z says nothing.
LEVEL = 0.05

_NULL = "both are equally close to the truth"
_NESTED = "for fits of which one contains the other, the likelihood-ratio test is the right one"
_ALIKE = "the rows cannot tell the two apart (p = {:.2g}), so that z says nothing"
_SAME = "the two have the same density at every row"


def vuong(
    first: Any,
    second: Any,
    k_first: int = 0,
    k_second: int = 0,
    *,
    correction: str | None = None,
    sample_weight: Any = None,
) -> Outcome:
    """Test whether two fits of the same rows are equally close to the truth.

    With ``m_i = log p_1(y_i) - log p_2(y_i)``, n rows and the variance ``omega^2`` of the m_i::

        z = (sum_i m_i - c) / (sqrt(n) omega)

    is standard normal if neither fit is closer in Kullback-Leibler divergence. The correction c is
    0, or what the parameters cost: ``K_1 - K_2`` (``aic``), or ``(K_1 - K_2) / 2 log n``
    (``bic``); z then has the sign of the difference of these criteria.

    Parameters
    ----------
    first, second : array-like of shape (N,)
        Log-densities of the rows under each fit, nats, as ``score_samples`` returns them.
    k_first, k_second : int
        Numbers of estimated parameters, for the correction.
    correction : {"aic", "bic"} or None
        What is subtracted for the parameters.
    sample_weight : array-like of shape (N,), optional
        Repetitions of each row.

    Returns
    -------
    Outcome
        ``statistic`` is z, positive where the first fit is closer. ``pvalue`` is two-sided. The
        variance has the divisor n, as in the paper's eq. 4.2; ``vuong`` of R's package pscl divides
        by n - 1, so that its z is smaller by the factor sqrt((n - 1) / n), and its p-value is
        one-sided. For equal densities z is 0. Where the numbers of parameters are given, a note
        says whether the rows can tell the fits apart (:meth:`Ratios.same_pvalue`).

    Raises
    ------
    ValueError
        If the log-densities are not finite, or not of the same rows.

    References
    ----------
    Vuong (1989), Econometrica 57, 307-333, section 5 (models that are not nested).
    """
    if correction is not None:
        check_option(correction, "correction", ("aic", "bic"))
    return outcome_of(Ratios.of(first, second, sample_weight), k_first, k_second, correction)


def outcome_of(ratios: Ratios, k_first: int, k_second: int, correction: str | None) -> Outcome:
    """Return the outcome of :func:`vuong` for the ratios of the log-densities of two fits."""
    n = ratios.n
    cost = {None: 0.0, "aic": 1.0, "bic": 0.5 * float(np.log(n))}[correction]
    less = cost * (k_first - k_second)
    notes: tuple[str, ...] = (_NESTED,)
    if ratios.omega == 0.0:
        z, notes = 0.0, (_SAME,)
    else:
        z = (ratios.total - less) / (np.sqrt(n) * ratios.omega)
        apart = ratios.same_pvalue(k_first, k_second)
        notes = notes if apart < LEVEL else (_ALIKE.format(apart), *notes)
    how = "" if correction is None else f", corrected as {correction.upper()} is"
    return Outcome(
        f"Vuong's test{how}",
        float(z),
        float(2.0 * ndtr(-abs(z))),
        None,
        _NULL,
        "standard normal, two-sided",
        notes,
    )


@dataclass(frozen=True)
class Ratios:
    """The ratios m_i of the log-densities of rows under two fits.

    Attributes
    ----------
    n : float
        Number of rows, the sum of weights.
    total : float
        Sum of the m_i, nats: the logarithm of the ratio of likelihoods.
    omega : float
        Standard deviation of the m_i, nats; 0 where it is mere rounding.
    """

    n: float
    total: float
    omega: float

    @classmethod
    def of(cls, first: Any, second: Any, sample_weight: Any = None) -> Ratios:
        """Return the ratios of log-densities (N,); the arguments are those of :func:`vuong`."""
        first = check_vector(first, "first")
        second = check_vector(second, "second", len(first))
        return cls.joined(RatioSums.of(first, second, check_weights(sample_weight, len(first))))

    @classmethod
    def joined(cls, sums: RatioSums) -> Ratios:
        """Return the ratios of rows whose sums are known."""
        omega = float(np.sqrt(sums.square / sums.n))
        return cls(sums.n, sums.total, 0.0 if omega <= _ROUNDING * sums.size else omega)

    def same_pvalue(self, k_first: int, k_second: int) -> float:
        """Return the p-value of the hypothesis that the two fits are the same density.

        ``n omega^2`` and twice the absolute log-ratio of the likelihoods are then sums of squares
        of normals with weights, which are at most one where both families hold the truth. They are
        taken for one, so that the reference is chi-square with K_1 + K_2 degrees of freedom; the
        smaller of the two p-values is doubled. The result is thus rather too large. Where the
        hypothesis is not refused, z must not be compared with a normal distribution.

        Parameters
        ----------
        k_first, k_second : int
            Numbers of estimated parameters.

        Returns
        -------
        float
            Vuong (1989), section 4, for n omega^2, and section 3 for the likelihoods. 0 if no
            parameter was estimated and the densities differ.
        """
        if k_first + k_second == 0:
            return 0.0 if self.omega > 0.0 else 1.0
        least = max(self.n * self.omega**2, 2.0 * abs(self.total))
        return min(1.0, 2.0 * float(chdtrc(k_first + k_second, least)))


@dataclass(frozen=True)
class RatioSums:
    """Sums over some rows of the m_i; those of two parts of the rows are added.

    Attributes
    ----------
    n : float
        Sum of the weights.
    total : float
        Sum of the m_i, nats.
    square : float
        Sum of the squares of the m_i about their mean.
    size : float
        Largest log-densities under both fits, in size.
    """

    n: float
    total: float
    square: float
    size: float

    @classmethod
    def of(cls, first: np.ndarray, second: np.ndarray, weight: np.ndarray | None) -> RatioSums:
        """Return the sums for log-densities (N,) of rows and their weights (N,)."""
        weight = np.ones(len(first)) if weight is None else weight
        n = float(weight.sum())
        ratio = first - second
        total = float(weight @ ratio)
        # About the mean, because the square of the mean may be far larger than the variance.
        square = float(weight @ np.square(ratio - total / n))
        return cls(n, total, square, float(np.max(np.abs(first)) + np.max(np.abs(second))))

    def __add__(self, other: RatioSums) -> RatioSums:
        """Return the sums over both parts: Chan, Golub and LeVeque (1983), eq. 2.1."""
        n = self.n + other.n
        gap = self.total / self.n - other.total / other.n
        square = self.square + other.square + gap**2 * self.n * other.n / n
        return RatioSums(n, self.total + other.total, square, max(self.size, other.size))

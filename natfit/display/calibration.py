"""Calibration of predicted intervals: how often they hold y, against how often they should."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from natfit._validation import check_number
from natfit.display._common import pyplot, regression, transform


class IntervalCalibrationDisplay:
    """The share of rows inside central predicted intervals against their nominal coverage.

    A row lies inside the interval of coverage c where its probability u = P(Y <= y) is within c / 2
    of one half; where y has a probability of its own, a point in it is drawn, so that whole
    numbers are calibrated too. The band is the pointwise binomial one around the diagonal.

    Made by :meth:`from_estimator`; the constructor's arguments are stored as attributes.

    Parameters
    ----------
    nominal : ndarray of shape (M,)
        Coverages.
    observed : ndarray of shape (M,)
        Shares of rows.
    n : int
        Number of rows.
    level : float, default=0.95
        Of the band.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    line_ : matplotlib Line2D
    band_ : matplotlib artist
    """

    def __init__(self, *, nominal: np.ndarray, observed: np.ndarray, n: int, level: float = 0.95):
        self.nominal = nominal
        self.observed = observed
        self.n = n
        self.level = level

    def plot(
        self, ax: Any = None, *, name: str | None = None, **kwargs: Any
    ) -> IntervalCalibrationDisplay:
        """Draw the shares, the diagonal and the band.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.
        name : str, optional
            The legend entry.
        **kwargs
            Passed to matplotlib's ``plot``.

        Returns
        -------
        self
        """
        plt = pyplot("IntervalCalibrationDisplay.plot")
        if ax is None:
            _, ax = plt.subplots()
        (self.line_,) = ax.plot(self.nominal, self.observed, **{"label": name, **kwargs})
        ax.plot([0, 1], [0, 1], color="0.5", lw=1, zorder=1)
        half = special.ndtri(0.5 + 0.5 * self.level)
        half = half * np.sqrt(self.nominal * (1.0 - self.nominal) / self.n)
        low, high = self.nominal - half, self.nominal + half
        color = self.line_.get_color()
        self.band_ = ax.fill_between(self.nominal, low, high, color=color, alpha=0.2, lw=0)
        ax.set(xlabel="nominal coverage (probability)", ylabel="share of rows inside")
        if name is not None:
            ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        level: float = 0.95,
        random_state: Any = 0,
        offset: Any = None,
        exposure: Any = None,
        ax: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> IntervalCalibrationDisplay:
        """Draw the calibration at rows, which are best others than those of the fit.

        Parameters
        ----------
        estimator : NaturalRegressor or Pipeline
            Fitted.
        X : array-like of shape (n, D)
            The features.
        y : array-like of shape (n,), or Censored
            What was seen.
        level : float, default=0.95
            The pointwise level of the band.
        random_state : None, int, RandomState or Generator, default=0
            Seed of the points in the probabilities of whole numbers.
        offset, exposure : array-like, optional
            As in the fit.
        ax, name, **kwargs
            As in :meth:`plot`.

        Returns
        -------
        IntervalCalibrationDisplay

        Raises
        ------
        TypeError
            If the estimator is no regression.
        ValueError
            If level is not in (0, 1), or the family has no distribution function.
        """
        check_number(level, "level", low=0.0, high=1.0, closed_low=False, closed_high=False)
        fit = regression(estimator, "IntervalCalibrationDisplay", "ProbabilityPlotDisplay")
        residuals = fit.quantile_residuals(
            transform(estimator, X), y, random_state, offset=offset, exposure=exposure
        )
        inside = np.abs(2.0 * special.ndtr(residuals) - 1.0)
        nominal = np.linspace(0.01, 0.99, 99)
        observed = np.searchsorted(np.sort(inside), nominal, side="right") / len(inside)
        display = cls(nominal=nominal, observed=observed, n=len(inside), level=level)
        return display.plot(ax, name=name, **kwargs)

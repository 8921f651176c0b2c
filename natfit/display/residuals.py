"""Quantile residuals of a regression: QQ plot, worm plot and histogram of probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from natfit._validation import check_number, check_option
from natfit.display._common import pyplot, regression, transform

KINDS = ("qq", "worm", "pit")

_LABELS = {
    "qq": ("normal quantile (standard deviations)", "quantile residual (standard deviations)"),
    "worm": ("normal quantile (standard deviations)", "residual - quantile (standard deviations)"),
    "pit": ("probability P(Y <= y)", "density (1 under the model)"),
}


class QuantileResidualsDisplay:
    """Quantile residuals of a regression against the standard normal distribution.

    ====== ====================================================================================
    kind   what is drawn
    ====== ====================================================================================
    qq     sorted residuals against normal quantiles, and the line of equality
    worm   the same less the line: van Buuren and Fredriks' worm plot
    pit    histogram of the probabilities Phi(residual), which are uniform under the model
    ====== ====================================================================================

    Bands are pointwise: order statistics of n uniform numbers are beta distributed, and heights of
    a histogram binomial. They count the parameters as known, so that residuals of the fit's own
    rows lie inside them somewhat too often.

    Made by :meth:`from_estimator`; the constructor's arguments are stored as attributes.

    Parameters
    ----------
    residuals : ndarray of shape (n,)
        In standard deviations.
    kind : {"qq", "worm", "pit"}, default="qq"
    level : float, default=0.95
        Of the band.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    points_ : matplotlib Line2D or BarContainer
    line_ : matplotlib Line2D
        What the model predicts.
    band_ : matplotlib artist
    """

    def __init__(self, *, residuals: np.ndarray, kind: str = "qq", level: float = 0.95):
        self.residuals = residuals
        self.kind = kind
        self.level = level

    def plot(
        self, ax: Any = None, *, name: str | None = None, **kwargs: Any
    ) -> QuantileResidualsDisplay:
        """Draw the residuals, the line and the band.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.
        name : str, optional
            The legend entry.
        **kwargs
            Passed to matplotlib's ``plot`` or ``bar``, which draws the residuals.

        Returns
        -------
        self
        """
        plt = pyplot("QuantileResidualsDisplay.plot")
        if ax is None:
            _, ax = plt.subplots()
        draw = self._plot_histogram if self.kind == "pit" else self._plot_quantiles
        draw(ax, {"label": name, **kwargs})
        ax.set(xlabel=_LABELS[self.kind][0], ylabel=_LABELS[self.kind][1])
        if name is not None:
            ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _plot_quantiles(self, ax: Any, options: dict) -> None:
        r = np.sort(self.residuals)
        n = len(r)
        i = np.arange(1.0, n + 1.0)
        z, less = special.ndtri((i - 0.5) / n), float(self.kind == "worm")
        tails = 0.5 - 0.5 * self.level, 0.5 + 0.5 * self.level
        low, high = (special.ndtri(special.betaincinv(i, n + 1.0 - i, p)) for p in tails)
        style = {"marker": "o", "ms": 3.5, "ls": "none"}
        (self.points_,) = ax.plot(z, r - less * z, **{**style, **options})
        (self.line_,) = ax.plot(z, z - less * z, color="0.5", lw=1, zorder=1)
        band = {"color": self.points_.get_color(), "alpha": 0.2, "lw": 0}
        self.band_ = ax.fill_between(z, low - less * z, high - less * z, **band)

    def _plot_histogram(self, ax: Any, options: dict) -> None:
        n = len(self.residuals)
        bins = int(np.clip(np.sqrt(n) / 2.0, 5, 40))
        count, edges = np.histogram(special.ndtr(self.residuals), bins, (0.0, 1.0))
        unit, tails = bins / n, (0.5 - 0.5 * self.level, 0.5 + 0.5 * self.level)
        style = {"width": 1.0 / bins, "align": "edge", "alpha": 0.6, "edgecolor": "white"}
        self.points_ = ax.bar(edges[:-1], count * unit, **{**style, **options})
        self.line_ = ax.axhline(1.0, color="0.5", lw=1)
        low, high = (_binomial_quantile(n, 1.0 / bins, p) * unit for p in tails)
        self.band_ = ax.axhspan(low, high, color="0.5", alpha=0.2, lw=0)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        kind: str = "qq",
        level: float = 0.95,
        random_state: Any = 0,
        offset: Any = None,
        exposure: Any = None,
        ax: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> QuantileResidualsDisplay:
        """Draw the residuals of rows.

        Parameters
        ----------
        estimator : NaturalRegressor or Pipeline
            Fitted.
        X : array-like of shape (n, D)
            The features.
        y : array-like of shape (n,), or Censored
            What was seen.
        kind : {"qq", "worm", "pit"}, default="qq"
            What to draw, as in the class.
        level : float, default=0.95
            The pointwise level of the band.
        random_state : None, int, RandomState or Generator, default=0
            Seed of the points that are drawn within the probability of whole numbers, of atoms and
            of censored rows.
        offset, exposure : array-like, optional
            As in the fit.
        ax, name, **kwargs
            As in :meth:`plot`.

        Returns
        -------
        QuantileResidualsDisplay

        Raises
        ------
        TypeError
            If the estimator is no regression.
        ValueError
            If an option is not valid, or the family has no distribution function.
        """
        check_option(kind, "kind", KINDS)
        check_number(level, "level", low=0.0, high=1.0, closed_low=False, closed_high=False)
        fit = regression(estimator, "QuantileResidualsDisplay", "ProbabilityPlotDisplay")
        residuals = fit.quantile_residuals(
            transform(estimator, X), y, random_state, offset=offset, exposure=exposure
        )
        return cls(residuals=residuals, kind=kind, level=level).plot(ax, name=name, **kwargs)


def _binomial_quantile(n: int, share: float, p: float) -> float:
    """Return the smallest number of n rows in a bin that is reached with probability p."""
    k = np.arange(n + 1.0)
    return float(k[np.searchsorted(special.bdtr(k, n, share), p)])

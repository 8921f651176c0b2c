"""Quantile, probability and paper plots of a fit, with pointwise bands."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from natfit._validation import answers_keywords, check_bool, check_number, check_option
from natfit.display._common import drawn_once, pyplot, transform, univariate
from natfit.display._curves import delta_errors
from natfit.display._empirical import Points, empirical, points
from natfit.display._paper import PAPERS, Paper
from natfit.display._plane import data_of_fit
from natfit.display._resamples import Resample, can_resample, resamples
from natfit.inference import Estimate

KINDS = ("qq", "pp", "paper")

#: Points of a fitted line, and of a band.
_POINTS, _BAND = 200, 200

#: How far order statistics of whole numbers are lowered before their quantile is asked, so that a
#: rounded probability does not lead to the next number.
_LOWERED = 1e-10


class ProbabilityPlotDisplay:
    """The rows of one column against a fit, on axes on which a good fit is a straight line.

    ============== ============================================================================
    kind           what is drawn
    ============== ============================================================================
    qq             sorted data against fitted quantiles, and the line of equality
    pp             empirical against fitted probability of each row, and the line of equality
    paper          empirical probability against the data, on the paper of a family, and the fit
    ============== ============================================================================

    The empirical probability of a row is the middle of its step of the empirical distribution
    function, ``(i - 1/2) / n`` of the i-th of n complete rows; of censored rows it is the middle of
    the step of Kaplan and Meier's or Turnbull's estimate (Meeker and Escobar, 1998, Statistical
    Methods for Reliability Data, section 6.4). A weight is a number of repetitions.

    On the paper of a family each of its members is a straight line:

    ============ =============== ==================== ============================
    paper        axis of values  axis of p            slope and where it crosses 0
    ============ =============== ==================== ============================
    weibull      log y           log(-log(1 - p))     shape, at scale
    lognormal    log y           normal quantile of p 1 / shape, at scale
    normal       y               normal quantile of p 1 / scale, at loc
    gumbel       y               -log(-log p)         1 / scale, at loc
    ============ =============== ==================== ============================

    Any univariate fit can be drawn on any paper; others than its own are curves there.

    Bands are pointwise. For ``qq`` and ``pp`` samples of the size of the data are drawn from the
    fit, and the fit is repeated on each: the band holds the share ``level`` of the fitted
    probabilities of each order statistic, so that it allows for the estimation of the parameters
    (without it, ``refit=False``, they are beta distributed). On paper the band is one of the
    fitted probability at each value: by the delta method at the height at which it is drawn, or by
    the quantiles of the fits to the samples.

    Made by :meth:`from_estimator`; the constructor's arguments are stored as attributes.

    Parameters
    ----------
    kind : {"qq", "pp", "paper"}
    sample : ndarray of shape (N,)
        The data, sorted, in their own units.
    share : ndarray of shape (N,)
        The empirical probability of each row.
    curve : tuple of two ndarray of shape (M,)
        x and y of the line of equality, or value and height of the fit on the paper.
    position : ndarray of shape (N,), optional
        Of each row, the fitted quantile for ``qq``, the fitted probability for ``pp``.
    band : tuple of three ndarray of shape (B,), optional
        Where the band is, and its lower and upper limits: fitted quantiles and quantiles for
        ``qq``, empirical and fitted probabilities for ``pp``, values and heights on paper.
    paper : {"weibull", "lognormal", "normal", "gumbel"}, optional
        Whose paper it is.
    censored : ndarray, optional
        Times at which right-censored rows were last seen, which are marked at the lower edge.
    data_name : str, optional
        The name of the data, which the axes have.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    line_ : matplotlib Line2D
        The fit, or the line of equality.
    points_ : matplotlib Line2D
        The rows.
    marks_ : matplotlib Line2D or None
        Where right-censored rows were last seen.
    band_ : matplotlib artist or None

    Examples
    --------
    >>> import natfit
    >>> from natfit.display import ProbabilityPlotDisplay
    >>> rows = natfit.Censored.right([1.2, 0.4, 2.7, 0.9, 3.0], [1, 1, 1, 1, 0])
    >>> model = natfit.fit("weibull", rows)
    >>> display = ProbabilityPlotDisplay.from_estimator(
    ...     model, rows, paper="weibull"
    ... )  # doctest: +SKIP
    """

    def __init__(
        self,
        *,
        kind: str,
        sample: np.ndarray,
        share: np.ndarray,
        curve: tuple[np.ndarray, np.ndarray],
        position: np.ndarray | None = None,
        band: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None,
        paper: str | None = None,
        censored: np.ndarray | None = None,
        data_name: str | None = None,
    ):
        self.kind = kind
        self.sample = sample
        self.share = share
        self.curve = curve
        self.position = position
        self.band = band
        self.paper = paper
        self.censored = censored
        self.data_name = data_name

    def plot(
        self,
        ax: Any = None,
        *,
        name: str | None = None,
        sample_kw: dict | None = None,
        **kwargs: Any,
    ) -> ProbabilityPlotDisplay:
        """Draw the rows, the line and the band.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default. Rows that a paper shows already are not drawn
            again.
        name : str, optional
            The fit's legend entry.
        sample_kw : dict, optional
            Passed to matplotlib's ``plot``, which draws the rows.
        **kwargs
            Passed to matplotlib's ``plot`` for the line.

        Returns
        -------
        self
        """
        plt = pyplot("ProbabilityPlotDisplay.plot")
        if ax is None:
            _, ax = plt.subplots()
        if self.kind == "paper":
            self._plot_on_paper(ax, name, sample_kw or {}, kwargs)
        else:
            self._plot_equality(ax, name, sample_kw or {}, kwargs)
        of = "" if self.data_name is None else f" of {self.data_name}"
        labels = {
            "qq": (f"fitted quantile{of}", f"empirical quantile{of}"),
            "pp": ("fitted probability", "empirical probability"),
            "paper": (self.data_name or "y", "probability"),
        }
        ax.set(xlabel=labels[self.kind][0], ylabel=labels[self.kind][1])
        if name is not None:
            ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _plot_equality(self, ax: Any, name: str | None, options: dict, kwargs: dict) -> None:
        style = {"marker": "o", "ms": 3.5, "ls": "none", "label": name}
        style |= {k: kwargs[k] for k in ("color", "c") if k in kwargs}
        y = self.share if self.kind == "pp" else self.sample
        self.points_, self.marks_ = ax.plot(self.position, y, **{**style, **options})[0], None
        (self.line_,) = ax.plot(*self.curve, **{"color": "0.5", "lw": 1, "zorder": 1, **kwargs})
        fill = ax.fill_betweenx if self.kind == "pp" else ax.fill_between
        self.band_ = self._fill(fill, self.points_.get_color())

    def _plot_on_paper(self, ax: Any, name: str | None, options: dict, kwargs: dict) -> None:
        from matplotlib.ticker import (
            FixedFormatter,
            FixedLocator,
            LogLocator,
            NullFormatter,
            NullLocator,
            StrMethodFormatter,
        )

        paper = PAPERS[self.paper or "weibull"]
        if paper.log:
            ax.set_xscale("log")
            ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
            ax.xaxis.set_minor_formatter(NullFormatter())
        key = self.paper, self.sample.tobytes(), self.share.tobytes(), repr(options)
        self.points_, self.marks_ = drawn_once(ax, key, lambda: self._draw_rows(ax, paper, options))
        (self.line_,) = ax.plot(*self.curve, **{"label": name, **kwargs})
        self.band_ = self._fill(ax.fill_between, self.line_.get_color())
        ticks = paper.ticks(*ax.get_ylim())
        ax.yaxis.set_major_locator(FixedLocator(paper.of(ticks).tolist()))
        ax.yaxis.set_major_formatter(FixedFormatter([f"{p:g}" for p in ticks]))
        ax.yaxis.set_minor_locator(NullLocator())

    def _draw_rows(self, ax: Any, paper: Paper, options: dict) -> tuple[Any, Any]:
        style = {"marker": "o", "ms": 3.5, "ls": "none", "color": "0.3"}
        rows = ax.plot(self.sample, paper.of(self.share), **{**style, **options})[0]
        if self.censored is None or not len(self.censored):
            return rows, None
        marks = {"marker": "|", "ls": "none", "ms": 8, "color": rows.get_color()}
        edge = ax.get_xaxis_transform()
        at = np.full(len(self.censored), 0.02)
        return rows, ax.plot(self.censored, at, transform=edge, label="last seen", **marks)[0]

    def _fill(self, fill: Any, color: Any) -> Any:
        if self.band is None:
            return None
        return fill(*self.band, color=color, alpha=0.2, lw=0)

    @classmethod
    @answers_keywords
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        kind: str | None = None,
        paper: str | None = None,
        column: int | str = 0,
        sample_weight: Any = None,
        band: str | None = "auto",
        level: float = 0.95,
        n_resamples: int = 200,
        refit: bool = True,
        random_state: Any = None,
        ax: Any = None,
        name: str | None = None,
        sample_kw: dict | None = None,
        **kwargs: Any,
    ) -> ProbabilityPlotDisplay:
        """Draw a fit against data.

        Parameters
        ----------
        estimator : NaturalMLE or Pipeline
            Fitted, with a univariate family; a pipeline stands for its last step.
        X : array-like of shape (N, D) or (N,), or Censored
            The data of the fit, or other data.
        kind : {"qq", "pp", "paper"}, optional
            What to draw, as in the class; by default ``paper`` if one is given, else ``qq``.
        paper : {"weibull", "lognormal", "normal", "gumbel"}, optional
            On whose paper to draw.
        column : int or str, default=0
            Which column of X to draw, by position or by name.
        sample_weight : array-like of shape (N,), optional
            Repetitions of the rows.
        band : {"auto", "bootstrap", "delta"} or None, default="auto"
            How the band is computed. ``auto`` is ``delta`` on paper; elsewhere it is ``bootstrap``
            if all rows are exact or right-censored, and none otherwise, since it is not known how
            other rows would have been censored. The delta method gives no band where a parameter
            has no standard error.
        level : float, default=0.95
            The pointwise confidence level of the band.
        n_resamples : int, default=200
            Number of samples of the bootstrap.
        refit : bool, default=True
            Whether the bootstrap fits each sample; otherwise the fit counts as known.
        random_state : None, int, RandomState or Generator
            Seed of the bootstrap.
        ax, name, sample_kw, **kwargs
            As in :meth:`plot`.

        Returns
        -------
        ProbabilityPlotDisplay

        Raises
        ------
        TypeError
            If the estimator is no fit of a distribution.
        ValueError
            If an option is none of those named, the family is not univariate, values on a paper
            with a logarithmic axis are not positive, or the rows cannot be resampled for a
            bootstrap.
        """
        kind, band = _checked_kind(kind, paper, band)
        check_number(level, "level", low=0.0, high=1.0, closed_low=False, closed_high=False)
        check_number(n_resamples, "n_resamples", low=2, integer=True, hint="200")
        fit = univariate(estimator, "ProbabilityPlotDisplay")
        data, _, index = data_of_fit(fit, transform(estimator, X), sample_weight, column)
        support = fit.distribution_.support
        found = empirical(data, support)
        rows = points(data, found, support)
        estimate = fit._estimates()[index]
        drawn: list[Resample] = []
        if band == "bootstrap" or (band == "auto" and kind != "paper" and can_resample(data)):
            check_bool(refit, "refit")
            drawn = resamples(fit, data, index, n_resamples, random_state, refit)
        computed = (
            _on_paper(paper, estimate, rows, drawn, band is not None, level)
            if paper is not None
            else _equality(kind, estimate, rows, drawn, level)
        )
        display = cls(
            kind=kind,
            sample=rows.y,
            share=rows.midpoints(),
            paper=paper,
            censored=found.censored,
            data_name=None if fit._names is None else fit._names[index],
            **computed,
        )
        return display.plot(ax, name=name, sample_kw=sample_kw, **kwargs)


def _checked_kind(kind: Any, paper: Any, band: Any) -> tuple[str, str | None]:
    """Return the options ``kind`` and ``band``, if they go together."""
    kind = check_option(kind or ("paper" if paper else "qq"), "kind", KINDS)
    if (kind == "paper") != (paper is not None):
        raise ValueError(
            f"paper belongs to kind='paper', got kind={kind!r} and paper={paper!r}; write "
            "paper='weibull' alone"
        )
    if paper is not None:
        check_option(paper, "paper", tuple(PAPERS))
    if band is None:
        return kind, None
    check_option(band, "band", ("auto", "bootstrap", "delta"))
    if band == "delta" and kind != "paper":
        raise ValueError(
            f"band='delta' is that of a paper, got kind={kind!r}; use band='bootstrap'"
        )
    return kind, str(band)


def _equality(
    kind: str, estimate: Estimate, rows: Points, drawn: list[Resample], level: float
) -> dict[str, Any]:
    """Return the positions of the rows, the line of equality, and the band of the samples."""
    fitted = estimate.frozen(estimate.theta)
    share = rows.midpoints()
    position = fitted.cdf(rows.y) if kind == "pp" else fitted.ppf(share)
    both = (0.0, 1.0) if kind == "pp" else (*rows.y[[0, -1]], *position[[0, -1]])
    ends = np.array([min(both), max(both)])
    band = None
    if drawn:
        p = share
        if len(p) > _BAND:
            p = p[np.unique(np.round(_spread(len(p), _BAND)).astype(int))]
        low, high = _limits([_probabilities(d, estimate, p) for d in drawn], level)
        known = np.isfinite(low)
        p, low, high = p[known], low[known], high[known]
        # The band of probabilities lies beside the line of equality at their height.
        band = p, low, high
        if kind == "qq":
            less = 1.0
            if estimate.family.support is not None and estimate.family.support.integer:
                less -= _LOWERED
            band = fitted.ppf(p), fitted.ppf(less * low), fitted.ppf(less * high)
    return {"position": position, "curve": (ends, ends), "band": band}


def _spread(n: int, number: int) -> np.ndarray:
    """Return places among n sorted rows that are close to each other in both tails."""
    return (n - 1) * (0.5 - 0.5 * np.cos(np.linspace(0.0, np.pi, number)))


def _probabilities(drawn: Resample, estimate: Estimate, p: np.ndarray) -> np.ndarray:
    """Return the fitted probabilities of a sample's rows where their empirical ones are p."""
    u = estimate.frozen(drawn.eta).cdf(drawn.points.y)
    return np.interp(p, drawn.points.midpoints(), u, right=np.nan)


def _limits(values: list[np.ndarray], level: float) -> np.ndarray:
    """Return the quantiles (2, n) between which a share ``level`` of the values lies."""
    table = np.array(values)
    table[~np.isfinite(table)] = np.nan
    # A censored sample may end before the data do. Where most do, nothing is known.
    known = np.isfinite(table).mean(axis=0) > 0.5
    out = np.full((2, table.shape[1]), np.nan)
    out[:, known] = np.nanquantile(table[:, known], [0.5 - 0.5 * level, 0.5 + 0.5 * level], axis=0)
    return out


def _on_paper(
    name: str, estimate: Estimate, rows: Points, drawn: list[Resample], band: bool, level: float
) -> dict[str, Any]:
    """Return the fit on a paper, and its band."""
    paper, eta = PAPERS[name], estimate.theta
    if paper.log and rows.y[0] <= 0.0:
        raise ValueError(
            f"paper={name!r} needs values > 0, got {rows.y[0]:g}; use paper='normal' or 'gumbel'"
        )
    fitted, share = estimate.frozen(eta), rows.midpoints()
    ends = fitted.ppf(share[[0, -1]])
    ends = ends[ends > 0.0] if paper.log else ends
    x = paper.grid(min(rows.y[0], *ends), max(rows.y[-1], *ends), _POINTS)
    height = paper.of_curves(fitted, x)
    inside = np.isfinite(height)
    x, height = x[inside], height[inside]
    low, high = np.full((2, len(x)), np.nan)
    if drawn:
        low, high = _limits([paper.of_curves(estimate.frozen(d.eta), x) for d in drawn], level)
    elif band:
        errors = delta_errors(
            lambda at: paper.of_curves(estimate.frozen(at), x), eta, estimate.covariance()
        )
        if errors is not None:
            half = special.ndtri(0.5 + 0.5 * level) * errors
            low, high = height - half, height + half
    known = np.isfinite(low) & np.isfinite(high)
    limits = (x[known], low[known], high[known]) if known.any() else None
    return {"curve": (x, height), "band": limits}

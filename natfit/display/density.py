"""A fitted density beside the data: histogram, survival, quantiles, probabilities, levels."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from natfit._validation import answers_keywords, check_number, check_option
from natfit.display._common import drawn_once, pyplot, transform, univariate
from natfit.display._curves import delta_errors
from natfit.display._empirical import Empirical, Points, bars, bins, empirical, points
from natfit.display._plane import data_of_fit
from natfit.distributions.base import Distribution
from natfit.inference import Estimate

KINDS = ("hist", "rug", "survival", "qq", "pp", "return_level")

#: Points of a density or a survival function, and of a curve of return levels.
_POINTS, _LEVELS = 400, 100

#: Shortest return period drawn, and the factor by which the longest exceeds the data's.
_SHORTEST, _BEYOND = 1.05, 10.0

#: Shares of probability below this are rounding, and not mentioned.
_MENTIONED = 1e-9

_LABELS = {
    "hist": ("y", "density"),
    "rug": ("y", "density"),
    "survival": ("y", "probability of a larger value"),
    "qq": ("fitted quantile", "empirical quantile"),
    "pp": ("fitted probability", "empirical probability"),
    "return_level": ("return period (rows)", "return level"),
}

#: Kinds in which the data are drawn where the fit puts them, in the colour of the fit.
_OF_FIT = ("qq", "pp")


class DensityDisplay:
    """A fitted univariate density and the data that it should describe.

    ============== ============================================================================
    kind           what is drawn
    ============== ============================================================================
    hist           the fitted density over a histogram; probabilities for whole numbers; values
                   with a probability beside a density (the zeros of ``ZeroAdjusted``) are left
                   out of both, and the rest keeps its share of the area
    rug            the fitted density over a mark for each row
    survival       the fitted P(Y > y) over the nonparametric one, with a band of the fit
    qq             sorted data against fitted quantiles, and the line of equality
    pp             empirical against fitted probability of each row, and the line of equality
    return_level   the level that is exceeded once in T rows against T (log), with a band
    ============== ============================================================================

    The empirical probability of the i-th of n sorted rows is ``i / (n + 1)`` (Coles, 2001, An
    Introduction to Statistical Modeling of Extreme Values, sections 2.6.7 and 3.3.5).

    Censored, classed and truncated rows are drawn by their nonparametric estimate: Kaplan and
    Meier's (1958) if they are exact or right-censored, Turnbull's (1976) otherwise. A histogram has
    a bar for each class, as wide as the class and as high as its probability divided by its width.
    What lies in classes without an end has no bar, and the legend says how much that is; the area
    of the bars is the share that is drawn. ``survival`` shows all of it: the steps of the estimate,
    a shaded box where it is not determined inside a class, and a mark at each time at which a
    right-censored row was last seen. Other kinds draw exact values and middles of classes.

    The band of ``survival`` is ``S^exp(+-z se)`` with the standard error of ``log(-log S)`` by the
    delta method, so that it stays in [0, 1] (Kalbfleisch and Prentice, 2002, The Statistical
    Analysis of Failure Time Data, section 1.4.1); that of return levels is ``+- z se``.

    Several fits to the same data are compared on one axes: call :meth:`from_estimator` with the
    ``ax`` of the first. Each fit has a colour of matplotlib's cycle, and the data are drawn once,
    in grey. For ``qq`` and ``pp`` it is the points that have the fit's colour.

    Made by :meth:`from_estimator`; the constructor's arguments are stored as attributes.

    Parameters
    ----------
    kind : {"hist", "rug", "survival", "qq", "pp", "return_level"}
    sample : ndarray of shape (N,)
        The data, sorted, in their own units; for ``survival`` the right ends of the steps.
    curve : tuple of two ndarray of shape (M,)
        x and y of the fitted curve, or of the line of equality.
    position : ndarray of shape (N,), optional
        Of each row, the fitted quantile for ``qq``, the fitted probability for ``pp``, and the
        return period for ``return_level``.
    share : ndarray of shape (N,), optional
        The empirical probability of each row; for ``survival`` that of a larger value.
    weight : ndarray of shape (N,), optional
        Repetitions of the rows.
    band : tuple of two ndarray of shape (M,), optional
        Lower and upper limits of the curve, by the delta method.
    integer : bool, default=False
        Whether the family's values are whole numbers.
    data_name : str, optional
        The name of the data, which the axes have.
    below, drawn : float, default=0.0 and 1.0
        The share of the rows' probability below those that are drawn, and the share of these.
    classes : tuple of two ndarray of shape (N,), optional
        Lower and upper ends of the classes that the sample stands for; equal for exact values.
    censored : ndarray, optional
        Times at which right-censored rows were last seen, which ``survival`` marks.
    data_label : str, optional
        The legend entry of the data.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    line_ : matplotlib Line2D
        The fitted curve.
    points_ : matplotlib artist
        The histogram's BarContainer, or the Line2D of the rows.
    marks_ : matplotlib Line2D or None
        Where right-censored rows were last seen.
    band_ : matplotlib artist or None

    Examples
    --------
    >>> import numpy as np
    >>> from natfit import NaturalMLE
    >>> from natfit.display import DensityDisplay
    >>> X = np.array([[1.2], [0.4], [2.7], [0.9], [1.8]])
    >>> model = NaturalMLE("gamma").fit(X)
    >>> display = DensityDisplay.from_estimator(model, X, kind="qq")  # doctest: +SKIP
    """

    def __init__(
        self,
        *,
        kind: str,
        sample: np.ndarray,
        curve: tuple[np.ndarray, np.ndarray],
        position: np.ndarray | None = None,
        share: np.ndarray | None = None,
        weight: np.ndarray | None = None,
        band: tuple[np.ndarray, np.ndarray] | None = None,
        integer: bool = False,
        data_name: str | None = None,
        below: float = 0.0,
        drawn: float = 1.0,
        classes: tuple[np.ndarray, np.ndarray] | None = None,
        censored: np.ndarray | None = None,
        data_label: str | None = None,
    ):
        self.kind = kind
        self.sample = sample
        self.curve = curve
        self.position = position
        self.share = share
        self.weight = weight
        self.band = band
        self.integer = integer
        self.data_name = data_name
        self.below = below
        self.drawn = drawn
        self.classes = classes
        self.censored = censored
        self.data_label = data_label

    def plot(
        self,
        ax: Any = None,
        *,
        name: str | None = None,
        sample_kw: dict | None = None,
        **kwargs: Any,
    ) -> DensityDisplay:
        """Draw the data and the curve.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default. Data that it shows already are not drawn again.
        name : str, optional
            The fit's legend entry.
        sample_kw : dict, optional
            Passed to matplotlib's ``hist``, ``bar`` or ``plot``, which draws the data.
        **kwargs
            Passed to matplotlib's ``plot`` for the curve.

        Returns
        -------
        self
        """
        plt = pyplot("DensityDisplay.plot")
        if ax is None:
            _, ax = plt.subplots()
        pmf = self.integer and self.kind in ("hist", "rug")
        if self.kind in _OF_FIT:
            self._plot_of_fit(ax, name, sample_kw or {}, kwargs)
        else:
            key = self.kind, self.sample.tobytes(), repr(self.weight), repr(sample_kw)
            self.points_, self.marks_ = drawn_once(
                ax, key, lambda: self._draw_sample(ax, sample_kw or {})
            )
            style = {"label": name, **({"marker": "o", "ms": 4} if pmf else {})}
            style |= {"drawstyle": "steps-post"} if self._stepped else {}
            (self.line_,) = ax.plot(*self.curve, **{**style, **kwargs})
        self.band_ = self._draw_band(ax)
        if self.kind == "return_level":
            ax.set_xscale("log")
        xlabel, ylabel = _labels(self.kind, self.data_name)
        ax.set(xlabel=xlabel, ylabel="probability" if pmf else ylabel)
        if name is not None or self.data_label is not None:
            ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self

    @property
    def _stepped(self) -> bool:
        return self.integer and self.kind == "survival"

    def _plot_of_fit(self, ax: Any, name: str | None, options: dict, kwargs: dict) -> None:
        """Draw points in the fit's colour, and the line of equality in grey."""
        style = {"marker": "o", "ms": 3.5, "ls": "none", "label": name}
        style |= {k: kwargs[k] for k in ("color", "c") if k in kwargs}
        y = self.share if self.kind == "pp" else self.sample
        self.points_, self.marks_ = ax.plot(self.position, y, **{**style, **options})[0], None
        (self.line_,) = ax.plot(*self.curve, **{"color": "0.5", "lw": 1, "zorder": 1, **kwargs})

    def _draw_band(self, ax: Any) -> Any:
        if self.band is None:
            return None
        options = {"color": self.line_.get_color(), "alpha": 0.2, "lw": 0}
        step = "post" if self._stepped else None
        return ax.fill_between(self.curve[0], *self.band, step=step, **options)

    def _draw_sample(self, ax: Any, options: dict) -> tuple[Any, Any]:
        """Draw the data; return the artist, and that of the marks of censored rows."""
        if self.kind == "hist":
            return self._draw_bars(ax, options), None
        if self.kind == "survival":
            return self._draw_steps(ax, options)
        x: np.ndarray | None
        if self.kind == "rug":
            style = {"marker": "|", "ms": 10, "transform": ax.get_xaxis_transform()}
            x, y = self.sample, np.full(len(self.sample), 0.02)
        else:
            style = {"marker": "o", "ms": 3.5}
            x, y = self.position, self.sample
        style |= {"ls": "none", "color": "0.3", "label": self.data_label}
        return ax.plot(x, y, **{**style, **options})[0], None

    def _draw_bars(self, ax: Any, options: dict) -> Any:
        """Draw a histogram, or bars of the width of the classes."""
        style: dict[str, Any] = {"color": "0.8", "label": self.data_label}
        edges = bins(self.sample, self.integer)
        left, right = self.classes or (self.sample, self.sample)
        if (left < right).any():
            exact = self.sample[left == right]
            options = dict(options)
            own = options.pop("bins", bins(exact, self.integer) if len(exact) else None)
            if own is not None and len(exact):
                own = np.histogram_bin_edges(exact, own)
            weight = np.ones(len(left)) if self.weight is None else self.weight
            share = self.drawn * weight / weight.sum()
            edges, height = bars(left, right, share, own)
            style |= {"edgecolor": "0.6", "lw": 0.5, "align": "edge"}
            return ax.bar(edges[:-1], height, np.diff(edges), **{**style, **options})
        style |= {"bins": edges, "density": True}
        drawn = ax.hist(self.sample, weights=self.weight, **{**style, **options})[2]
        for bar in drawn if self.drawn < 1.0 and "density" not in options else ():
            bar.set_height(bar.get_height() * self.drawn)
        return drawn

    def _draw_steps(self, ax: Any, options: dict) -> tuple[Any, Any]:
        """Draw the nonparametric survival function, and marks on it at censored rows."""
        share = np.empty(0) if self.share is None else self.share
        times = np.empty(0) if self.censored is None else np.sort(self.censored)
        start = self.curve[0][0]
        x, y = np.append(start, self.sample), np.append(1.0, share)
        if len(times) and times[-1] > x[-1]:
            x, y = np.append(x, times[-1]), np.append(y, y[-1])
        style = {"color": "0.3", "lw": 1.2, "drawstyle": "steps-post", "label": self.data_label}
        line = ax.plot(x, y, **{**style, **options})[0]
        if self.classes is not None and (self.classes[0] < self.classes[1]).any():
            left, right = self.classes
            high = np.append(1.0, share)[:-1]
            boxes = {"align": "edge", "color": "0.9", "zorder": 0.5}
            ax.bar(left, high - share, right - left, bottom=share, **boxes)
        if not len(times):
            return line, None
        at = y[np.searchsorted(x, times, side="right") - 1]
        marks = {"marker": "|", "ls": "none", "ms": 7, "color": line.get_color()}
        return line, ax.plot(times, at, **marks, label="last seen")[0]

    @classmethod
    @answers_keywords
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        kind: str = "hist",
        column: int | str = 0,
        sample_weight: Any = None,
        confidence: float = 0.95,
        ax: Any = None,
        name: str | None = None,
        sample_kw: dict | None = None,
        **kwargs: Any,
    ) -> DensityDisplay:
        """Draw a fit beside data.

        Parameters
        ----------
        estimator : NaturalMLE or Pipeline
            Fitted, with a univariate family; a pipeline stands for its last step.
        X : array-like of shape (N, D) or (N,), or Censored
            The data of the fit, or other data.
        kind : {"hist", "rug", "survival", "qq", "pp", "return_level"}, default="hist"
            What to draw, as in the class.
        column : int or str, default=0
            Which column of X to draw, by position or by name.
        sample_weight : array-like of shape (N,), optional
            Repetitions of the rows.
        confidence : float, default=0.95
            Confidence level of the band of ``survival`` and of return levels. There is no band
            where a parameter has no standard error, as at a limit.
        ax, name, sample_kw, **kwargs
            As in :meth:`plot`.

        Returns
        -------
        DensityDisplay

        Raises
        ------
        TypeError
            If the estimator is no fit of a distribution.
        ValueError
            If the family is not univariate, or the rows are censored without any that are known on
            both sides (``survival`` draws these).
        """
        check_option(kind, "kind", KINDS)
        check_number(
            confidence, "confidence", low=0.0, high=1.0, closed_low=False, closed_high=False
        )
        fit = univariate(estimator, "DensityDisplay")
        family = fit.distribution_
        data, _, index = data_of_fit(fit, transform(estimator, X), sample_weight, column)
        estimate = fit._estimates()[index]
        common: dict[str, Any] = {
            "kind": kind,
            "integer": family.support is not None and family.support.integer,
            "data_name": None if fit._names is None else fit._names[index],
        }
        found = empirical(data, family.support)
        if kind == "survival":
            display = cls(**common, **_survival(found, estimate, confidence))
        else:
            sample = points(data, found, family.support)
            if kind == "hist":
                sample = sample.without(family.atoms)
            display = cls(
                **common,
                sample=sample.y,
                weight=sample.weight,
                below=sample.below,
                drawn=sample.drawn,
                classes=(sample.left, sample.right),
                data_label=_hidden(found, kind),
                **_compute(kind, estimate, sample, confidence),
            )
        return display.plot(ax, name=name, sample_kw=sample_kw, **kwargs)


def _labels(kind: str, name: str | None) -> tuple[str, str]:
    """Return the names of both axes, with that of the data where it has one."""
    x, y = _LABELS[kind]
    if name is None or kind == "pp":
        return x, y
    if kind in ("hist", "rug", "survival"):
        return name, y
    return (f"{x} of {name}" if kind == "qq" else x), f"{y} of {name}"


def _hidden(found: Empirical, kind: str) -> str | None:
    """Return what of the rows a density does not show, in words; None if it shows all."""
    if kind not in ("hist", "rug"):
        return None
    below, above = np.isinf(found.left), np.isinf(found.right)
    words = []
    for side, share, end in (
        ("at or below", found.mass[below].sum(), found.right[below]),
        ("above", found.mass[above].sum(), found.left[above]),
    ):
        if share > _MENTIONED:
            words.append(f"{100.0 * share:.3g} % {side} {end[0]:.4g} not drawn")
    return f"rows ({', '.join(words)})" if words else None


def _compute(kind: str, estimate: Estimate, sample: Points, confidence: float) -> dict[str, Any]:
    """Return the curve and, except for densities, the positions of the rows."""
    family, eta, y = estimate.family, estimate.theta, sample.y
    if kind in ("hist", "rug"):
        x = _grid(sample.left[0], sample.right[-1], family)
        x = x[~np.isin(x, family.atoms)]
        return {"curve": (x, np.exp(family.log_density(x, eta[None])))}
    share, fitted = sample.shares(), estimate.frozen(eta)
    if kind == "pp":
        ends = np.array([0.0, 1.0])
        return {"curve": (ends, ends), "position": fitted.cdf(y), "share": share}
    if kind == "qq":
        position = fitted.ppf(share)
        both = y[0], y[-1], position[0], position[-1]
        ends = np.array([min(both), max(both)])
        return {"curve": (ends, ends), "position": position, "share": share}
    period = np.geomspace(_SHORTEST, _BEYOND * (sample.total + 1.0), _LEVELS)
    level = fitted.isf(1.0 / period)
    # A level that is a whole number has no derivative.
    whole = family.support is not None and family.support.integer
    errors = None
    if not whole:
        errors = delta_errors(
            lambda at: estimate.frozen(at).isf(1.0 / period), eta, estimate.covariance()
        )
    half = None if errors is None else special.ndtri(0.5 + 0.5 * confidence) * errors
    return {
        "curve": (period, level),
        "position": 1.0 / (1.0 - share),
        "share": share,
        "band": None if half is None else (level - half, level + half),
    }


def _survival(found: Empirical, estimate: Estimate, confidence: float) -> dict[str, Any]:
    """Return the steps of the nonparametric survival function, the fitted one, and its band."""
    family, eta = estimate.family, estimate.theta
    known = np.isfinite(found.right) & (found.mass > 0)
    left, right = found.left[known], found.right[known]
    ends = np.concatenate([left[np.isfinite(left)], right, found.censored])
    x = _grid(ends.min(), ends.max(), family)
    if family.support is not None and np.isfinite(family.support.low):
        x = np.append(family.support.low, x[x > family.support.low])
    fitted = estimate.frozen(eta).sf(x)

    def loglog(at: np.ndarray) -> np.ndarray:
        return np.log(-estimate.frozen(at).logsf(x))

    with np.errstate(all="ignore"):
        errors = delta_errors(loglog, eta, estimate.covariance())
        band = None
        if errors is not None:
            # Where the fitted probability is zero or one it has no error.
            factor = np.exp(special.ndtri(0.5 + 0.5 * confidence) * np.nan_to_num(errors))
            band = fitted**factor, fitted ** (1.0 / factor)
    return {
        "sample": right,
        "curve": (x, fitted),
        "share": found.survival()[known],
        "weight": found.total * found.mass[known],
        "band": band,
        "classes": (np.where(np.isfinite(left), left, x[0]), right),
        "censored": found.censored,
        "data_label": found.method,
        "drawn": float(found.mass[known].sum()),
    }


def _grid(low: float, high: float, family: Distribution) -> np.ndarray:
    """Return where to draw the density: a little more than the data's range, in the support."""
    margin = 0.05 * (high - low) or max(0.05 * abs(high), 1.0)
    support = family.support
    if support is not None and support.integer:
        low, high = max(low - 1.0, support.low), min(high + 1.0, np.max(support.high))
        return np.arange(low, high + 1.0, max(1.0, np.floor((high - low) / _POINTS)))
    if support is None:
        return np.linspace(low - margin, high + margin, _POINTS)
    x = np.linspace(max(low - margin, support.low), min(high + margin, support.high), _POINTS)
    return x[support.contains(x)]

"""A fitted density beside the data: histogram, quantiles, probabilities, return levels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import special
from sklearn.utils.validation import check_is_fitted

from natfit._validation import check_number, check_option
from natfit.display._common import last_step, pyplot, transform
from natfit.display._plane import data_of_fit
from natfit.display._quantile import probability, quantile, quantile_errors
from natfit.distributions.base import Distribution
from natfit.distributions.contract.nonparametric import turnbull
from natfit.estimators._data import Data

KINDS = ("hist", "rug", "qq", "pp", "return_level")

#: Points of a density and of a curve of return levels, and the maximum number of bins.
_POINTS, _LEVELS, _MOST_BINS = 400, 100, 100

#: Shortest return period drawn, and the factor by which the longest exceeds the data's.
_SHORTEST, _BEYOND = 1.05, 10.0

_LABELS = {
    "hist": ("y", "density"),
    "rug": ("y", "density"),
    "qq": ("fitted quantile", "empirical quantile"),
    "pp": ("fitted probability", "empirical probability"),
    "return_level": ("return period (rows)", "return level"),
}


class DensityDisplay:
    """A fitted univariate density and the data that it should describe.

    ============== ============================================================================
    kind           what is drawn
    ============== ============================================================================
    hist           the fitted density over a histogram; probabilities for whole numbers; values
                   with a probability beside a density (the zeros of ``ZeroAdjusted``) are left
                   out of both, and the rest keeps its share of the area
    rug            the fitted density over a mark for each row
    qq             sorted data against fitted quantiles, and the line of equality
    pp             empirical against fitted probability of each row, and the line of equality
    return_level   the level that is exceeded once in T rows against T (log), with a band
    ============== ============================================================================

    The empirical probability of the i-th of n sorted rows is ``i / (n + 1)`` (Coles, 2001, An
    Introduction to Statistical Modeling of Extreme Values, sections 2.6.7 and 3.3.5). Censored and
    truncated rows are drawn by their nonparametric estimate (Turnbull, 1976; Kaplan and Meier,
    1958): its exact values, and the middles of its intervals that have two ends.

    Made by :meth:`from_estimator`; the constructor's arguments are stored as attributes.

    Parameters
    ----------
    kind : {"hist", "rug", "qq", "pp", "return_level"}
    sample : ndarray of shape (N,)
        The data, sorted, in their own units.
    curve : tuple of two ndarray of shape (M,)
        x and y of the fitted curve, or of the line of equality.
    position : ndarray of shape (N,), optional
        Of each row, the fitted quantile for ``qq``, the fitted probability for ``pp``, and the
        return period for ``return_level``.
    share : ndarray of shape (N,), optional
        The empirical probability of each row.
    weight : ndarray of shape (N,), optional
        Repetitions of the rows.
    band : tuple of two ndarray of shape (M,), optional
        Lower and upper limits of return levels, by the delta method.
    integer : bool, default=False
        Whether the family's values are whole numbers.
    data_name : str, optional
        The name of the data, which the axes have.
    below, drawn : float, default=0.0 and 1.0
        The share of the rows' probability below those that are drawn, and the share of these.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    line_ : matplotlib Line2D
        The fitted curve.
    points_ : matplotlib artist
        The histogram's BarContainer, or the Line2D of the rows.
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
            Where to draw; a new figure by default.
        name : str, optional
            The curve's legend entry.
        sample_kw : dict, optional
            Passed to matplotlib's ``hist`` or ``plot``, which draws the data.
        **kwargs
            Passed to matplotlib's ``plot`` for the curve.

        Returns
        -------
        self
        """
        plt = pyplot("DensityDisplay.plot")
        if ax is None:
            _, ax = plt.subplots()
        self.points_ = self._draw_sample(ax, sample_kw or {})
        pmf = self.integer and self.kind in ("hist", "rug")
        style = {"color": "C1", "label": name, **({"marker": "o", "ms": 4} if pmf else {})}
        (self.line_,) = ax.plot(*self.curve, **{**style, **kwargs})
        self.band_ = None
        if self.band is not None:
            color = self.line_.get_color()
            self.band_ = ax.fill_between(self.curve[0], *self.band, color=color, alpha=0.2, lw=0)
        if self.kind == "return_level":
            ax.set_xscale("log")
        xlabel, ylabel = _labels(self.kind, self.data_name)
        ax.set(xlabel=xlabel, ylabel="probability" if pmf else ylabel)
        if name is not None:
            ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _draw_sample(self, ax: Any, options: dict) -> Any:
        if self.kind == "hist":
            style = {"bins": _bins(self.sample, self.integer), "color": "0.8", "density": True}
            bars = ax.hist(self.sample, weights=self.weight, **{**style, **options})[2]
            for bar in bars if self.drawn < 1.0 and "density" not in options else ():
                bar.set_height(bar.get_height() * self.drawn)
            return bars
        x: np.ndarray | None
        y: np.ndarray | None
        if self.kind == "rug":
            style = {"marker": "|", "ms": 10, "transform": ax.get_xaxis_transform()}
            x, y = self.sample, np.full(len(self.sample), 0.02)
        else:
            style = {"marker": "o", "ms": 3.5}
            x, y = self.position, self.share if self.kind == "pp" else self.sample
        return ax.plot(x, y, **{"ls": "none", "color": "0.3", **style, **options})[0]

    @classmethod
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
        kind : {"hist", "rug", "qq", "pp", "return_level"}, default="hist"
            What to draw, as in the class.
        column : int or str, default=0
            Which column of X to draw, by position or by name.
        sample_weight : array-like of shape (N,), optional
            Repetitions of the rows.
        confidence : float, default=0.95
            Confidence level of the band around return levels. There is no band where a parameter
            has no standard error, as at a limit.
        ax, name, sample_kw, **kwargs
            As in :meth:`plot`.

        Returns
        -------
        DensityDisplay

        Raises
        ------
        ValueError
            If the family is not univariate, the rows are censored without any that are known on
            both sides, or the family has no distribution function and the kind needs one.
        """
        check_option(kind, "kind", KINDS)
        check_number(
            confidence, "confidence", low=0.0, high=1.0, closed_low=False, closed_high=False
        )
        fit = last_step(estimator)
        check_is_fitted(fit, "_eta")
        family = fit.distribution_
        if family.event_shape != ():
            raise ValueError(
                "DensityDisplay needs a univariate family, got "
                f"{type(family).__name__} of shape {family.event_shape}"
            )
        data, _, index = data_of_fit(fit, transform(estimator, X), sample_weight, column)
        points = _points(data)
        if kind == "hist":
            points = _apart(points, family.atoms)
        computed = _compute(kind, fit, family, index, points, confidence)
        display = cls(
            kind=kind,
            sample=points.y,
            weight=points.weight,
            integer=family.support is not None and family.support.integer,
            data_name=None if fit._names is None else fit._names[index],
            below=points.below,
            drawn=points.drawn,
            **computed,
        )
        return display.plot(ax, name=name, sample_kw=sample_kw, **kwargs)


def _labels(kind: str, name: str | None) -> tuple[str, str]:
    """Return the names of both axes, with that of the data where it has one."""
    x, y = _LABELS[kind]
    if name is None or kind == "pp":
        return x, y
    if kind in ("hist", "rug"):
        return name, y
    return (f"{x} of {name}" if kind == "qq" else x), f"{y} of {name}"


@dataclass(frozen=True)
class _Points:
    """Sorted values that stand for the rows, with weights, and what share of them they are."""

    y: np.ndarray
    weight: np.ndarray | None
    below: float = 0.0
    drawn: float = 1.0


def _points(data: Data) -> _Points:
    """Return the rows, sorted, or the nonparametric estimate of rows that are not complete."""
    if data.seen_as is None:
        order = np.argsort(data.values, kind="stable")
        weight = None if data.weight is None else data.weight[order]
        return _Points(data.values[order], weight)
    lower, upper, *window = data.values.T
    left, right, mass = turnbull(
        lower, upper, data.weight, (window[0], window[1]) if window else None
    )
    known = np.isfinite(left) & np.isfinite(right) & (mass > 0)
    if not known.any():
        raise ValueError(
            "X must have rows that are exact or have two ends to be drawn, got none among "
            f"{len(lower)} censored rows"
        )
    total = len(lower) if data.weight is None else float(data.weight.sum())
    return _Points(
        0.5 * (left + right)[known],
        total * mass[known],
        float(mass[left == -np.inf].sum()),
        float(mass[known].sum()),
    )


def _apart(points: _Points, atoms: tuple[float, ...]) -> _Points:
    """Return the rows without values that have a probability, which a density does not show."""
    other = ~np.isin(points.y, atoms)
    if other.all() or not other.any():
        return points
    weight = np.ones(len(points.y)) if points.weight is None else points.weight
    share = float(weight[other].sum() / weight.sum())
    return replace(points, y=points.y[other], weight=weight[other], drawn=share * points.drawn)


def _compute(
    kind: str,
    fit: Any,
    family: Distribution,
    column: int,
    points: _Points,
    confidence: float,
) -> dict[str, Any]:
    """Return the curve and, except for densities, the positions of the rows."""
    eta, sample = fit._eta[column], points.y
    if kind in ("hist", "rug"):
        x = _grid(sample, family)
        x = x[~np.isin(x, family.atoms)]
        return {"curve": (x, np.exp(family.log_density(x, eta[None])))}
    share, total = _shares(points)
    if kind == "pp":
        ends = np.array([0.0, 1.0])
        return {
            "curve": (ends, ends),
            "position": probability(family, eta, sample),
            "share": share,
        }
    if kind == "qq":
        position = quantile(family, eta, share, sample)
        both = sample[0], sample[-1], position[0], position[-1]
        ends = np.array([min(both), max(both)])
        return {"curve": (ends, ends), "position": position, "share": share}
    period = np.geomspace(_SHORTEST, _BEYOND * (total + 1.0), _LEVELS)
    p = 1.0 - 1.0 / period
    level = quantile(family, eta, p, sample)
    # A level that is a whole number has no derivative.
    whole = family.support is not None and family.support.integer
    errors = None if whole else quantile_errors(family, eta, fit._eta_covariance(column), p, sample)
    half = None if errors is None else special.ndtri(0.5 + 0.5 * confidence) * errors
    return {
        "curve": (period, level),
        "position": 1.0 / (1.0 - share),
        "share": share,
        "band": None if half is None else (level - half, level + half),
    }


def _shares(points: _Points) -> tuple[np.ndarray, float]:
    """Return each sorted row's empirical probability, at mid-repetition, and the total weight."""
    weight = np.ones(len(points.y)) if points.weight is None else points.weight
    total = float(weight.sum()) / points.drawn
    before = points.below * total + np.cumsum(weight)
    return (before - 0.5 * weight + 0.5) / (total + 1.0), total


def _grid(sample: np.ndarray, family: Distribution) -> np.ndarray:
    """Return where to draw the density: a little more than the data's range, in the support."""
    low, high = sample[0], sample[-1]
    margin = 0.05 * (high - low) or max(0.05 * abs(high), 1.0)
    support = family.support
    if support is not None and support.integer:
        low, high = max(low - 1.0, support.low), min(high + 1.0, np.max(support.high))
        return np.arange(low, high + 1.0, max(1.0, np.floor((high - low) / _POINTS)))
    if support is None:
        return np.linspace(low - margin, high + margin, _POINTS)
    x = np.linspace(max(low - margin, support.low), min(high + margin, support.high), _POINTS)
    return x[support.contains(x)]


def _bins(sample: np.ndarray, integer: bool) -> np.ndarray:
    """Return edges of at most 100 bins; bins are centred on whole numbers for counts."""
    low, high = sample[0], sample[-1]
    if integer:
        step = np.ceil((high - low + 1.0) / _MOST_BINS)
        return np.arange(low - 0.5, high + step, step)
    number = int(np.clip(np.sqrt(len(sample)), 5, _MOST_BINS))
    return np.histogram_bin_edges(sample, bins=number)

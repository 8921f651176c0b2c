"""Predicted intervals of y against one feature."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import is_classifier

from natfit._validation import check_number
from natfit.display._common import pyplot, regression


class PredictionBandDisplay:
    """The predicted median and central intervals against one feature, and the rows.

    The other features are held at one row of X: the medians of the columns by default. Offsets are
    zero and exposures one along the curve.

    Made by :meth:`from_estimator`; the constructor's arguments are stored as attributes.

    Parameters
    ----------
    x : ndarray of shape (M,)
        Values of the feature, ascending.
    middle : ndarray of shape (M,)
        Medians of y.
    bands : dict
        Coverage to the lower and upper ends (M, 2).
    sample : tuple of two ndarray, optional
        x and y of the rows.
    feature_name : str, optional

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    line_ : matplotlib Line2D
        The median.
    bands_ : list of matplotlib artists
    points_ : matplotlib Line2D or None
    """

    def __init__(
        self,
        *,
        x: np.ndarray,
        middle: np.ndarray,
        bands: dict[float, np.ndarray],
        sample: tuple[np.ndarray, np.ndarray] | None = None,
        feature_name: str | None = None,
    ):
        self.x = x
        self.middle = middle
        self.bands = bands
        self.sample = sample
        self.feature_name = feature_name

    def plot(
        self, ax: Any = None, *, name: str | None = None, **kwargs: Any
    ) -> PredictionBandDisplay:
        """Draw the rows, the median and the bands.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.
        name : str, optional
            The legend entry.
        **kwargs
            Passed to matplotlib's ``plot`` for the median.

        Returns
        -------
        self
        """
        plt = pyplot("PredictionBandDisplay.plot")
        if ax is None:
            _, ax = plt.subplots()
        style = {"marker": "o", "ms": 2.5, "ls": "none", "color": "0.5", "zorder": 1}
        self.points_ = None if self.sample is None else ax.plot(*self.sample, **style)[0]
        (self.line_,) = ax.plot(self.x, self.middle, **{"label": name, **kwargs})
        color = self.line_.get_color()
        self.bands_ = [
            ax.fill_between(self.x, *ends.T, color=color, alpha=0.2, lw=0)
            for _, ends in sorted(self.bands.items(), reverse=True)
        ]
        ax.set(xlabel=self.feature_name or "x", ylabel="y")
        if name is not None:
            ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any = None,
        *,
        feature: int = 0,
        coverages: tuple[float, ...] = (0.5, 0.9),
        ax: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> PredictionBandDisplay:
        """Draw the predictions of a regression on arrays of numbers.

        Parameters
        ----------
        estimator : NaturalRegressor
            Fitted.
        X : array-like of shape (n, D)
            The features, numbers.
        y : array-like of shape (n,), optional
            What was seen at them, which is drawn too.
        feature : int, default=0
            The column that is varied over its range.
        coverages : tuple of float, default=(0.5, 0.9)
            Of the intervals.
        ax, name, **kwargs
            As in :meth:`plot`.

        Returns
        -------
        PredictionBandDisplay

        Raises
        ------
        TypeError
            If the estimator is no regression, or a classifier.
        ValueError
            If there is no such column, or a coverage is not in (0, 1).
        """
        fit = regression(estimator, "PredictionBandDisplay", "DensityDisplay")
        if is_classifier(fit):
            raise TypeError(
                "estimator must be a NaturalRegressor for PredictionBandDisplay, since classes "
                f"have no intervals, got {type(fit).__name__}; use predict_proba"
            )
        rows = np.asarray(X, dtype=np.float64)
        at = check_number(feature, "feature", low=0, high=rows.shape[1] - 1, integer=True)
        x = np.linspace(rows[:, at].min(), rows[:, at].max(), 200)
        grid = np.tile(np.median(rows, axis=0), (len(x), 1))
        grid[:, at] = x
        names = getattr(estimator, "feature_names_in_", None)
        given: Any = grid
        if names is not None:
            given = type(X)(grid, columns=list(names)) if hasattr(X, "columns") else grid
        display = cls(
            x=x,
            middle=estimator.predict_quantile(given),
            bands={c: estimator.predict_interval(given, c) for c in coverages},
            sample=None if y is None else (rows[:, at], np.asarray(y, dtype=np.float64).ravel()),
            feature_name=f"x{at}" if names is None else str(names[at]),
        )
        return display.plot(ax, name=name, **kwargs)

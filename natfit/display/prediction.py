"""Predicted intervals of y against one feature."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import is_classifier

from natfit._numbers import column_names, column_of, is_frame, kind_of, series_numbers
from natfit._validation import check_number, unknown_name
from natfit.display._common import pyplot, regression

#: Points of the curves.
_POINTS = 200


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
        feature: int | str = 0,
        coverages: tuple[float, ...] = (0.5, 0.9),
        ax: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> PredictionBandDisplay:
        """Draw the predictions of a regression along one of its columns of numbers.

        The other columns of numbers are at their medians, those of categories at the category that
        occurs most often.

        Parameters
        ----------
        estimator : NaturalRegressor
            Fitted.
        X : array-like or frame of shape (n, D)
            The features.
        y : array-like of shape (n,), optional
            What was seen at them, which is drawn too.
        feature : int or str, default=0
            The column that is varied over its range, by its index or its name.
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
            If there is no such column, it does not hold numbers, or a coverage is not in (0, 1).
        """
        fit = regression(estimator, "PredictionBandDisplay", "DensityDisplay")
        if is_classifier(fit):
            raise TypeError(
                "estimator must be a NaturalRegressor for PredictionBandDisplay, since classes "
                f"have no intervals, got {type(fit).__name__}; use predict_proba"
            )
        if issparse(X):
            raise TypeError(
                "X must be dense for PredictionBandDisplay, got a sparse matrix; pass X.toarray()"
            )
        X = X if is_frame(X) else np.asarray(X, dtype=np.float64)
        names = getattr(estimator, "feature_names_in_", column_names(X))
        labels = [f"x{j}" for j in range(X.shape[1])] if names is None else list(names)
        at = _place(feature, labels)
        values = _numbers(X, at, labels[at])
        x = np.linspace(values.min(), values.max(), _POINTS)
        grid = _along(X, at, x)
        display = cls(
            x=x,
            middle=estimator.predict_quantile(grid),
            bands={c: estimator.predict_interval(grid, c) for c in coverages},
            sample=None if y is None else (values, np.asarray(y, dtype=np.float64).ravel()),
            feature_name=labels[at],
        )
        return display.plot(ax, name=name, **kwargs)


def _place(feature: Any, labels: list[str]) -> int:
    """Return the index of a column that is given by its index or its name."""
    if not isinstance(feature, str):
        high = len(labels) - 1
        return int(check_number(feature, "feature", low=0, high=high, integer=True))
    if feature not in labels:
        raise ValueError(unknown_name(feature, labels, "feature must be a column of X"))
    return labels.index(feature)


def _numbers(X: Any, j: int, label: str) -> np.ndarray:
    """Return a column (n,) of numbers; ValueError where it holds something else."""
    if not is_frame(X):
        return X[:, j]
    series = column_of(X, j)
    if kind_of(series.dtype) != "numbers":
        raise ValueError(
            f"feature must be a column of numbers, got {label!r} of the dtype {series.dtype}; "
            "use another column, or plot(...) of a fit for each category"
        )
    return series_numbers(series, f"column {label!r} of X")


def _along(X: Any, at: int, x: np.ndarray) -> Any:
    """Return rows like those of X along one column: an array, or a frame of the same package."""
    if not is_frame(X):
        grid = np.tile(np.median(X, axis=0), (len(x), 1))
        grid[:, at] = x
        return grid
    columns: dict[Any, Any] = {}
    for j, name in enumerate(X.columns):
        series = column_of(X, j)
        if j == at:
            columns[name] = x
        elif kind_of(series.dtype) == "numbers":
            columns[name] = np.full(len(x), np.median(series_numbers(series, f"column {name!r}")))
        else:
            columns[name] = [Counter(series.to_list()).most_common(1)[0][0]] * len(x)
    return type(X)(columns)

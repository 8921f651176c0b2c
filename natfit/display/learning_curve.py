"""Learning curves of policies: a column of the history against environment steps or time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from natfit._validation import check_option, check_vector
from natfit.display._common import check_names, last_step, pyplot
from natfit.optimize.history import History

#: Quantities of the horizontal axis, and their labels with units.
_X_LABELS = {
    "env_steps": "environment steps",
    "episodes": "episodes",
    "update": "update",
    "seconds": "time (seconds)",
}

#: Labels of the vertical axis with units; other columns are labelled by their name.
_Y_LABELS = {
    "mean_return": "mean return of an episode",
    "std_return": "standard deviation of the return",
    "surrogate_gain": "gain of the surrogate objective (units of the advantages)",
    "predicted_kl": "predicted divergence of the update (nats per visit)",
    "divergence_ratio": "divergence of the update over the predicted one",
    "kl": "divergence of the update (nats per visit)",
    "entropy": "entropy of the policy (nats)",
    "explained_variance": "share of the returns' variance that the baseline explains",
}

_BAND = (0.25, 0.75)


class LearningCurveDisplay:
    """Learning curves of policies: one line per fit, or the median over seeds with a band.

    Made by :meth:`from_estimator` or :meth:`from_history`; the constructor's arguments are
    stored as attributes.

    Parameters
    ----------
    x : list of ndarray
        For each line, the quantity ``x_name``, such as environment steps.
    y : list of ndarray
        For each line, the values of the history's column.
    low, high : list of (ndarray or None), optional
        Lower and upper edge of each line's band.
    name : str or list of str, optional
        A legend entry for each line.
    x_name : {"env_steps", "episodes", "update", "seconds"}, default="env_steps"
        The quantity in x.
    y_name : str, default="mean_return"
        Name of the column in y.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    lines_ : list of matplotlib Line2D
        One for each fit or each list of fits.
    bands_ : list of (matplotlib PolyCollection or None)
        One for each line.

    Examples
    --------
    >>> from natfit import NaturalPolicyEstimator
    >>> from natfit.display import LearningCurveDisplay
    >>> fits = [
    ...     NaturalPolicyEstimator("cartpole", max_iter=3, random_state=seed).fit()
    ...     for seed in range(3)
    ... ]
    >>> display = LearningCurveDisplay.from_estimator(fits)  # doctest: +SKIP
    """

    def __init__(
        self,
        *,
        x: list[np.ndarray],
        y: list[np.ndarray],
        low: list[np.ndarray | None] | None = None,
        high: list[np.ndarray | None] | None = None,
        name: str | list[str] | None = None,
        x_name: str = "env_steps",
        y_name: str = "mean_return",
    ):
        self.x = x
        self.y = y
        self.low = low
        self.high = high
        self.name = name
        self.x_name = x_name
        self.y_name = y_name

    def plot(
        self, ax: Any = None, *, name: str | list[str] | None = None, **kwargs: Any
    ) -> LearningCurveDisplay:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.
        name : str or list of str, optional
            Legend entries in place of the stored ones.
        **kwargs
            Passed to matplotlib's ``plot`` for every line.

        Returns
        -------
        self
        """
        plt = pyplot("LearningCurveDisplay.plot")
        n = len(self.y)
        names = check_names(self.name if name is None else name, n)
        low, high = self.low or [None] * n, self.high or [None] * n
        if ax is None:
            _, ax = plt.subplots()
        self.lines_, self.bands_ = [], []
        for x, y, bottom, top, label in zip(self.x, self.y, low, high, names, strict=True):
            (line,) = ax.plot(x, y, **{"label": label, **kwargs})
            band = None
            if bottom is not None:
                band = ax.fill_between(
                    x, bottom, top, color=line.get_color(), alpha=0.2, linewidth=0
                )
            self.lines_.append(line)
            self.bands_.append(band)
        ax.set(
            xlabel=_X_LABELS[self.x_name],
            ylabel=_Y_LABELS.get(self.y_name, self.y_name.replace("_", " ")),
        )
        if any(label is not None for label in names):
            ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        x: str = "env_steps",
        y: str = "mean_return",
        band: tuple[float, float] | None = _BAND,
        ax: Any = None,
        name: str | list[str] | None = None,
        **kwargs: Any,
    ) -> LearningCurveDisplay:
        """Draw how fitted policies learned.

        Parameters
        ----------
        estimator : estimator, list of estimators, or dict of name to either
            Fitted. The members of a list are fits of one method from several seeds and form one
            curve; the members of a dict are drawn as separate curves.
        x : {"env_steps", "episodes", "update", "seconds"}, default="env_steps"
            The horizontal axis; updates count from 1, seconds are summed from the start.
        y : str, default="mean_return"
            A column of ``history_``. NaN values are left out: no episode ended in that update.
        band : (low, high) or None, default=(0.25, 0.75)
            Quantiles over the members of a list, shaded around their median, over the range of x
            that all members cover. Between updates the curves are interpolated linearly. None
            draws a line for each member instead.
        ax, name, **kwargs
            As in :meth:`plot`. The names are the dict's keys by default.

        Returns
        -------
        LearningCurveDisplay

        Raises
        ------
        NotFittedError
            If an estimator is not fitted.
        ValueError
            If a history has no such column, or the column holds only NaN (the message says why),
            if a list is empty, or if its members have no range of x in common.
        """
        return cls.from_history(
            _histories(estimator), x=x, y=y, band=band, ax=ax, name=name, **kwargs
        )

    @classmethod
    def from_history(
        cls,
        history: Any,
        *,
        x: str = "env_steps",
        y: str = "mean_return",
        band: tuple[float, float] | None = _BAND,
        ax: Any = None,
        name: str | list[str] | None = None,
        **kwargs: Any,
    ) -> LearningCurveDisplay:
        """Draw histories, for instance those of fits that were not kept.

        Parameters
        ----------
        history : PolicyHistory, list of them, or dict of name to either
            As ``estimator`` in :meth:`from_estimator`.
        x, y, band, ax, name, **kwargs
            As in :meth:`from_estimator`.

        Returns
        -------
        LearningCurveDisplay

        Raises
        ------
        ValueError
            As in :meth:`from_estimator`.
        """
        check_option(x, "x", tuple(_X_LABELS))
        quantiles = None if band is None else _checked_band(band)
        lines: list[tuple[Any, ...]] = []
        for label, members in _groups(history):
            if not members:
                raise ValueError("a list of fits must hold at least one fit, got none")
            curves = [_curve(member, x, y) for member in members]
            if len(curves) > 1 and quantiles is not None:
                lines.append((label, *_summary(curves, quantiles, x)))
            else:
                # One legend entry for all members.
                labels = [label, *[None] * (len(curves) - 1)]
                lines += [(n, *c, None, None) for n, c in zip(labels, curves, strict=True)]
        if not lines:
            raise ValueError("a dict of fits must hold at least one fit, got none")
        names, xs, ys, low, high = (list(column) for column in zip(*lines, strict=True))
        display = cls(x=xs, y=ys, low=low, high=high, name=names, x_name=x, y_name=y)
        return display.plot(ax, name=name, **kwargs)


def _histories(estimator: Any) -> Any:
    """Return the histories of fits, in lists and dicts of the same structure."""
    if isinstance(estimator, Mapping):
        return {name: _histories(one) for name, one in estimator.items()}
    if isinstance(estimator, list | tuple):
        return [last_step(one).history_ for one in estimator]
    return last_step(estimator).history_


def _groups(history: Any) -> list[tuple[str | None, list[Any]]]:
    """Return pairs of a legend entry and a list of histories."""
    # A history is a mapping itself, of its columns.
    named = isinstance(history, Mapping) and not isinstance(history, History)
    pairs = history.items() if named else [(None, history)]
    return [(n, list(h) if isinstance(h, list | tuple) else [h]) for n, h in pairs]


def _checked_band(band: Any) -> np.ndarray:
    """Return the quantiles (low, high) of a valid band."""
    values = check_vector(band, "band", size=2)
    if not 0.0 <= values[0] < values[1] <= 1.0:
        raise ValueError(
            f"band must be quantiles (low, high) with 0 <= low < high <= 1, got {band!r}; "
            "try (0.25, 0.75)"
        )
    return values


def _curve(history: Any, x: str, y: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the points (x, y) of a history whose y is finite."""
    values = np.asarray(history[check_option(y, "y", tuple(history))], dtype=np.float64)
    kept = np.isfinite(values)
    if not kept.any():
        reason = history.reasons.get(y, "no value was recorded")
        raise ValueError(f"column {y!r} of the history is empty: {reason}; choose another")
    if x == "update":
        spent = np.arange(1.0, len(values) + 1)
    elif x == "seconds":
        spent = np.cumsum(_column(history, "seconds_rollout") + history["seconds_update"])
    else:
        spent = _column(history, x)
    return np.asarray(spent, dtype=np.float64)[kept], values[kept]


def _column(history: Any, name: str) -> np.ndarray:
    """Return a column that the history of every policy has."""
    if name not in history:
        raise ValueError(
            f"history must be that of a policy, with a column {name!r}, got {list(history)}; "
            "ConvergenceDisplay draws other fits"
        )
    return history[name]


def _summary(
    curves: list[tuple[np.ndarray, np.ndarray]], quantiles: np.ndarray, x_name: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the common grid, and the median and both quantiles of the curves on it."""
    first = max(x[0] for x, _ in curves)
    last = min(x[-1] for x, _ in curves)
    if first > last:
        raise ValueError(
            f"the fits must have a range of {x_name} in common, but one begins at {first:g} and "
            f"another ends at {last:g}; pass band=None to draw each by itself"
        )
    grid = np.unique(np.concatenate([x for x, _ in curves]))
    grid = grid[(grid >= first) & (grid <= last)]
    rows = np.array([np.interp(grid, x, y) for x, y in curves])
    low, middle, high = np.quantile(rows, [quantiles[0], 0.5, quantiles[1]], axis=0)
    return grid, middle, low, high

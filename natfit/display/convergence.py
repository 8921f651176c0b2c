"""Convergence of fits: a column of the history against iterations or time."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit._validation import check_option
from natfit.display._common import check_names, last_step, named, pyplot

#: Axis labels with units; other columns are labelled by their name.
_LABELS = {
    "objective": "mean negative log-likelihood (nats per row)",
    "gradient_norm": "gradient norm",
    "natural_gradient_norm": "natural-gradient norm",
    "distance": "distance to the optimum (standard errors)",
    "step_length": "step length",
    "predicted_kl": "predicted divergence of the step (nats per row)",
    "divergence_ratio": "divergence of the step over the predicted one",
    "kl": "divergence of the step (nats per row)",
    "radius": "trust-region radius (nats per row)",
    "iteration": "iteration",
    "seconds": "time (seconds)",
}


class ConvergenceDisplay:
    """Curves of one column of the history.

    Made by :meth:`from_estimator` or :meth:`from_estimators`; the constructor's arguments are
    stored as attributes.

    Parameters
    ----------
    x : list of ndarray
        For each line, the iterations from 0, or the seconds since the start.
    y : list of ndarray
        For each line, the values of the history's column.
    name : str or list of str, optional
        A legend entry for each line.
    column : str, default="distance"
        Name of the column in y.
    x_name : {"iteration", "seconds"}, default="iteration"
        The quantity in x.
    log_scale : bool, default=True
        Whether the y axis is logarithmic. A column with negative values, such as the objective
        may have, is drawn on a linear axis in any case.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    lines_ : list of matplotlib Line2D
        One for each fit and, where a univariate family was fitted to several columns of
        data, each column.

    Examples
    --------
    >>> import numpy as np
    >>> from natfit import NaturalMLE
    >>> from natfit.display import ConvergenceDisplay
    >>> model = NaturalMLE("gamma").fit(np.array([[1.2], [0.4], [2.7], [0.9], [1.8]]))
    >>> display = ConvergenceDisplay.from_estimator(model)  # doctest: +SKIP
    """

    def __init__(
        self,
        *,
        x: list[np.ndarray],
        y: list[np.ndarray],
        name: str | list[str] | None = None,
        column: str = "distance",
        x_name: str = "iteration",
        log_scale: bool = True,
    ):
        self.x = x
        self.y = y
        self.name = name
        self.column = column
        self.x_name = x_name
        self.log_scale = log_scale

    def plot(
        self, ax: Any = None, *, name: str | list[str] | None = None, **kwargs: Any
    ) -> ConvergenceDisplay:
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
        plt = pyplot("ConvergenceDisplay.plot")
        from matplotlib.ticker import MaxNLocator

        names = check_names(self.name if name is None else name, len(self.y))
        if ax is None:
            _, ax = plt.subplots()
        style = {"marker": "o", "markersize": 3.5, **kwargs}
        self.lines_ = [
            ax.plot(x, y, **{"label": label, **style})[0]
            for x, y, label in zip(self.x, self.y, names, strict=True)
        ]
        values = np.concatenate(self.y)
        if self.log_scale and np.nanmin(values) >= 0 and np.nanmax(values) > 0:
            ax.set_yscale("log")
        if self.x_name == "iteration":
            ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.set(
            xlabel=_LABELS[self.x_name],
            ylabel=_LABELS.get(self.column, self.column.replace("_", " ")),
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
        column: str = "distance",
        x: str = "iteration",
        log_scale: bool = True,
        ax: Any = None,
        name: str | list[str] | None = None,
        **kwargs: Any,
    ) -> ConvergenceDisplay:
        """Draw the convergence of one fit.

        Parameters
        ----------
        estimator : estimator or Pipeline
            Fitted; a pipeline stands for its last step.
        column : str, default="distance"
            A column of ``history_``.
        x : {"iteration", "seconds"}, default="iteration"
            The horizontal axis; seconds are summed from the start.
        log_scale, ax, name, **kwargs
            As in the constructor and :meth:`plot`. ``name`` is the estimator's class by
            default; if there are several columns of data, their feature names are appended.

        Returns
        -------
        ConvergenceDisplay

        Raises
        ------
        ValueError
            If the history has no such column, or the column holds only NaN; the message says
            why.
        """
        label = name if isinstance(name, str) else type(last_step(estimator)).__name__
        display = cls._compute({label: estimator}, column, x, log_scale)
        return display.plot(ax, name=None if isinstance(name, str) else name, **kwargs)

    @classmethod
    def from_estimators(
        cls,
        estimators: Any,
        *,
        column: str = "distance",
        x: str = "iteration",
        log_scale: bool = True,
        ax: Any = None,
        name: list[str] | None = None,
        **kwargs: Any,
    ) -> ConvergenceDisplay:
        """Draw the convergence of several fits on one axes.

        Parameters
        ----------
        estimators : list of estimators, or dict of name to estimator
            Fitted. Members of a list are named by the arguments in which they differ.
        column, x, log_scale, ax, **kwargs
            As in :meth:`from_estimator`.
        name : list of str, optional
            Legend entries, one per line.

        Returns
        -------
        ConvergenceDisplay

        Raises
        ------
        ValueError
            As in :meth:`from_estimator`, and if there are no estimators.
        """
        return cls._compute(named(estimators), column, x, log_scale).plot(ax, name=name, **kwargs)

    @classmethod
    def _compute(
        cls, estimators: dict[str, Any], column: str, x: str, log_scale: bool
    ) -> ConvergenceDisplay:
        check_option(x, "x", ("iteration", "seconds"))
        xs, ys, names = [], [], []
        for label, estimator in estimators.items():
            for part_label, part in _parts(last_step(estimator), label):
                values, seconds = _values(part, column)
                ys.append(values)
                xs.append(np.cumsum(seconds) if x == "seconds" else np.arange(len(values)))
                names.append(part_label)
        return cls(x=xs, y=ys, name=names, column=column, x_name=x, log_scale=log_scale)


def _parts(estimator: Any, label: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the history of each column of data, with its name."""
    history = estimator.history_
    whole = {**history, "reasons": history.reasons}
    if "column" not in history:
        return [(label, whole)]
    features = getattr(estimator, "feature_names_in_", None)
    parts = []
    for j in np.unique(history["column"]):
        rows = history["column"] == j
        part = {name: values[rows] for name, values in history.items()}
        feature = f"column {j}" if features is None else features[j]
        parts.append((f"{label}, {feature}", {**part, "reasons": history.reasons}))
    return parts


def _values(part: dict[str, Any], column: str) -> tuple[np.ndarray, np.ndarray]:
    """Return a column and the seconds; refuse a column that is missing or all NaN."""
    names = tuple(n for n in part if n not in ("reasons", "column"))
    values = np.asarray(part[check_option(column, "column", names)], dtype=np.float64)
    if np.all(np.isnan(values)):
        reason = part["reasons"].get(column, "no value was recorded")
        raise ValueError(f"column {column!r} of the history is empty: {reason}; choose another")
    return values, part["seconds"]

"""The influence of single rows on a fit: Cook's distances, and changes of the parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit._validation import answers_keywords, check_number, check_option
from natfit.display._common import (
    drawn_once,
    is_regression,
    last_step,
    pyplot,
    refuse_given,
    transform,
)
from natfit.display._plane import check_column
from natfit.display._targets import native_labels

KINDS = ("distance", "dfbetas")

#: Changes of this many standard errors times n^-1/2 are worth a look (Belsley, Kuh and Welsch,
#: 1980, Regression Diagnostics, equation 2.11).
_CUTOFF = 2.0

#: Up to so many rows have a stem each; more are points, which a stem would cover.
_STEMS = 500

#: Markers of parameters, so that not only the colour tells them apart.
_MARKERS = "os^Dv*Pd"


class InfluenceDisplay:
    """How much a fit would change if a row were left out, for each row.

    ============== ============================================================================
    kind           what is drawn
    ============== ============================================================================
    distance       Cook's distance ``1/2 s' V s``: the log-likelihood of all rows that the estimate
                   would lose without the row, in nats
    dfbetas        the change of each parameter in standard errors, and dotted lines at
                   ``+-2 / sqrt(n)`` (Belsley, Kuh and Welsch, 1980, equation 2.11)
    ============== ============================================================================

    The values are those of :meth:`natfit.NaturalMLE.influence`, without refits.
    The rows with the largest values are labelled with their index in the data.

    Made by :meth:`from_estimator`; the constructor's arguments are stored as attributes.

    Parameters
    ----------
    x : ndarray of shape (N,)
        What the rows are drawn against.
    values : dict of ndarray of shape (N,)
        One series of values for each legend entry.
    rows : ndarray of shape (N,)
        The index of each row in the data.
    kind : {"distance", "dfbetas"}, default="distance"
    n_labels : int, default=5
        How many rows are labelled.
    x_name : str, default="row"
        What the rows are drawn against, in words.
    n_obs : float, optional
        Number of observations n, for the dotted lines.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    points_ : list of matplotlib Line2D
        One for each series.
    stems_ : matplotlib LineCollection or None
        The stems of a single series of at most 500 rows.
    labels_ : list of matplotlib Annotation
        Of the labelled rows, the most influential first.

    Examples
    --------
    >>> import natfit
    >>> from natfit.display import InfluenceDisplay
    >>> x = [1.2, 0.4, 2.7, 0.9, 1.8, 12.0]
    >>> model = natfit.fit("gamma", x)
    >>> display = InfluenceDisplay.from_estimator(model, x)  # doctest: +SKIP
    """

    def __init__(
        self,
        *,
        x: np.ndarray,
        values: dict[str, np.ndarray],
        rows: np.ndarray,
        kind: str = "distance",
        n_labels: int = 5,
        x_name: str = "row",
        n_obs: float | None = None,
    ):
        self.x = x
        self.values = values
        self.rows = rows
        self.kind = kind
        self.n_labels = n_labels
        self.x_name = x_name
        self.n_obs = n_obs

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> InfluenceDisplay:
        """Draw the values of all rows, and label the largest.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.
        name : str, optional
            The legend entry of a single series; of several the names of their parameters follow.
        **kwargs
            Passed to matplotlib's ``plot`` for the points.

        Returns
        -------
        self
        """
        plt = pyplot("InfluenceDisplay.plot")
        if ax is None:
            _, ax = plt.subplots()
        several = self.kind == "dfbetas"
        self.points_ = []
        for k, (label, values) in enumerate(self.values.items()):
            said = name if not several else f"{name}, {label}" if name else label
            style = {"marker": _MARKERS[k % len(_MARKERS)], "ms": 3.5, "ls": "none", "label": said}
            self.points_ += ax.plot(self.x, values, **{**style, **kwargs})
        self.stems_ = self._draw_stems(ax)
        ax.axhline(0.0, color="0.7", lw=0.8, zorder=0.5)
        if several and self.n_obs:
            cut = _CUTOFF / np.sqrt(self.n_obs)
            options = {"colors": "0.5", "linestyles": ":", "linewidths": 1}
            edge = ax.get_yaxis_transform()
            drawn_once(
                ax,
                ("cutoff", cut),
                lambda: (ax.hlines([-cut, cut], 0.0, 1.0, transform=edge, **options), None),
            )
        self._draw_labels(ax)
        words = "change without the row (standard errors)"
        ax.set(xlabel=self.x_name, ylabel=words if several else "Cook's distance (nats)")
        if several or name is not None:
            ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _draw_stems(self, ax: Any) -> Any:
        if len(self.points_) > 1 or len(self.x) > _STEMS:
            return None
        (line,) = self.points_
        y = line.get_ydata()
        return ax.vlines(self.x, 0.0, y, colors=line.get_color(), lw=0.8, alpha=0.6)

    def _draw_labels(self, ax: Any) -> None:
        """Label the rows with the largest values of any series, at this value."""
        table = np.array(list(self.values.values()))
        size = np.abs(table)
        order = np.argsort(-size.max(axis=0), kind="stable")[: self.n_labels]
        self.labels_ = []
        for k in order.tolist():
            y = table[size[:, k].argmax(), k]
            place = {"xytext": (4, 2), "textcoords": "offset points", "fontsize": "small"}
            self.labels_.append(ax.annotate(str(self.rows[k]), (self.x[k], y), **place))

    @classmethod
    @answers_keywords
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any = None,
        *,
        kind: str = "distance",
        params: Any = None,
        against: int | str | None = None,
        n_labels: int = 5,
        column: int | str | None = None,
        sample_weight: Any = None,
        offset: Any = None,
        exposure: Any = None,
        ax: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> InfluenceDisplay:
        """Draw the influence of the rows of a fit.

        Parameters
        ----------
        estimator : NaturalMLE, NaturalRegressor, NaturalClassifier or Pipeline
            Fitted; a pipeline stands for its last step.
        X : array-like of shape (N, D) or (N,), or Censored
            The data of the fit.
        y : array-like of shape (N,), or Censored, optional
            What a regression was fitted to.
        kind : {"distance", "dfbetas"}, default="distance"
            What to draw, as in the class. If several columns were fitted separately, their
            distances add.
        params : str or list of str, optional
            Of ``dfbetas``, the parameters to draw, such as ``"scale"`` or ``"loc[1]"``, or the
            coefficients of a regression, such as ``"mean[x0]"``; all by default.
        against : int or str, optional
            A column of X, by position or by name, whose values are the horizontal axis; by default
            it is the index of the row. Censored rows are at the end that is finite, or in the
            middle.
        n_labels : int, default=5
            How many rows are labelled with their index.
        column : int or str, optional
            Of ``dfbetas``, which column, by position or by name, if several were fitted separately.
        sample_weight : array-like of shape (N,), optional
            The weights of the fit.
        offset, exposure : array-like, optional
            As in the fit of a regression.
        ax, name, **kwargs
            As in :meth:`plot`.

        Returns
        -------
        InfluenceDisplay

        Raises
        ------
        TypeError
            If y, an offset or an exposure is given for the fit of a distribution.
        ValueError
            As the ``influence`` of the estimator; or if a parameter or a column does not exist.
        """
        check_option(kind, "kind", KINDS)
        labels = int(check_number(n_labels, "n_labels", low=0, integer=True, hint="5"))
        if params is not None and kind != "dfbetas":
            raise ValueError(
                f"params is for kind='dfbetas' only, got kind={kind!r}; leave it out, or pass "
                "kind='dfbetas'"
            )
        fit = last_step(estimator)
        X = transform(estimator, X)
        of_regression = is_regression(fit)
        if of_regression:
            found = fit.influence(X, y, sample_weight, offset, exposure)
        else:
            refuse_given(fit, y=y, offset=offset, exposure=exposure)
            found = fit.influence(X, sample_weight)
        x, x_name = found.rows, "row"
        if against is not None:
            values_of = _feature if of_regression else _values
            x, x_name = values_of(fit, X, sample_weight, against)
        values = {"distance": found.distance}
        if kind == "dfbetas" and of_regression:
            values = _coefficients(fit, found, params)
        elif kind == "dfbetas":
            index = check_column(column, len(fit._eta), fit._names)
            values = _dfbetas(fit, found, index, params)
        display = cls(
            x=x,
            values=values,
            rows=found.rows,
            kind=kind,
            n_labels=labels,
            x_name=x_name,
            n_obs=fit.n_obs_,
        )
        return display.plot(ax, name=name, **kwargs)


def _feature(fit: Any, X: Any, sample_weight: Any, against: Any) -> tuple[np.ndarray, str]:
    """Return the values of a feature at the rows that count, and its name."""
    names = getattr(fit, "feature_names_in_", None)
    names = None if names is None else [str(n) for n in names]
    k = check_column(against, fit.n_features_in_, names)
    column = X.iloc[:, k] if hasattr(X, "iloc") else X[:, [k]] if hasattr(X, "tocsr") else None
    if column is None:
        column = np.asarray(X)[:, k]
    column = column.toarray() if hasattr(column, "toarray") else column
    x = np.ravel(np.asarray(column, dtype=np.float64))
    if sample_weight is not None:
        x = x[np.ravel(sample_weight) > 0.0]
    return x, f"x{k}" if names is None else names[k]


def _coefficients(fit: Any, found: Any, params: Any) -> dict[str, np.ndarray]:
    """Return the changes of coefficients in their standard errors, by name."""
    errors = np.sqrt(np.maximum(np.diagonal(fit.cov_params()), 0.0))
    known = dict(zip(fit.param_names_, errors.tolist(), strict=True))
    asked = list(known) if params is None else [params] if isinstance(params, str) else list(params)
    out = {}
    for name in asked:
        error = known[check_option(name, "params", tuple(known))]
        # A parameter that rests at a limit does not move.
        if np.isfinite(error) and error > 0.0:
            out[name] = np.ravel(found.params[name]) / error
    return _some(out, asked)


def _values(fit: Any, X: Any, sample_weight: Any, against: Any) -> tuple[np.ndarray, str]:
    """Return the values of a column of the rows that count, and its name."""
    data, _, _ = fit._seen(X, sample_weight)
    if data.seen_as is None:
        k = check_column(against, data.values.shape[1], fit._names)
        return data.values[:, k], f"column {k}" if fit._names is None else fit._names[k]
    check_column(against, 1, fit._names)
    lower, upper = data.values[:, 0], data.values[:, 1]
    with np.errstate(invalid="ignore"):
        middle = 0.5 * (lower + upper)
    ends = np.where(np.isfinite(lower), lower, upper)
    x = np.where(np.isfinite(middle), middle, ends)
    return x, "y" if fit._names is None else fit._names[0]


def _dfbetas(fit: Any, found: Any, column: int, params: Any) -> dict[str, np.ndarray]:
    """Return the changes of parameters in their standard errors, by label."""
    family = fit.distribution_
    known = native_labels(family)
    asked = list(known) if params is None else [params] if isinstance(params, str) else list(params)
    out = {}
    for label in asked:
        name, place = known[check_option(label, "params", tuple(known))]
        change, errors = found.params[name], np.asarray(fit.standard_errors_[name])
        if family.event_shape == ():
            change, errors = change[:, column], errors[column]
        change = change.reshape(len(change), -1)[:, place]
        error = float(np.reshape(errors, -1)[place])
        # A parameter that was given, or rests at a limit, does not move.
        if np.isfinite(error) and error > 0.0:
            out[label] = change / error
    return _some(out, asked)


def _some(out: dict[str, np.ndarray], asked: list[str]) -> dict[str, np.ndarray]:
    """Return the changes, a ValueError if there are none."""
    if not out:
        raise ValueError(
            f"params must name parameters that were estimated and rest at no limit, got {asked}; "
            "kind='distance' draws all rows"
        )
    return out

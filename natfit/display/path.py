"""Paths of fits through the plane of two parameters, over contours of the likelihood."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.display._common import check_names, density, last_step, named, pyplot, transform
from natfit.display._plane import Plane, axes_of, check_column, iterates, plane_of_fit
from natfit.distributions.base import Distribution

#: Margin shown around the paths, as a share of their extent.
_MARGIN = 0.15


class PathDisplay:
    """Iterates of fits in a two-parameter plane, over contours of the log-likelihood.

    Made by :meth:`from_estimator` or :meth:`from_estimators`; the constructor's arguments are
    stored as attributes.

    Parameters
    ----------
    paths : list of ndarray of shape (n, 2)
        Iterates of each fit, the start first.
    grid_x, grid_y : ndarray of shape (n_x,) and (n_y,)
        Values of the two parameters.
    log_likelihood : ndarray of shape (n_y, n_x)
        Mean log-likelihood in nats per row; NaN outside the domain.
    param_names : list of str
        Axis labels: the names of the two parameters.
    name : str or list of str, optional
        A legend entry for each path.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    lines_ : list of matplotlib Line2D
        One for each path.
    ends_ : list of matplotlib Line2D
        The mark at each path's last iterate.
    contours_ : matplotlib QuadContourSet

    Examples
    --------
    >>> import numpy as np
    >>> from natfit import NaturalMLE
    >>> from natfit.display import PathDisplay
    >>> waits = np.array([[1.2], [0.4], [2.7], [0.9], [1.8]])
    >>> model = NaturalMLE("gamma", coordinates="native").fit(waits)
    >>> display = PathDisplay.from_estimator(model, waits)  # doctest: +SKIP
    """

    def __init__(
        self,
        *,
        paths: list[np.ndarray],
        grid_x: np.ndarray,
        grid_y: np.ndarray,
        log_likelihood: np.ndarray,
        param_names: list[str],
        name: str | list[str] | None = None,
    ):
        self.paths = paths
        self.grid_x = grid_x
        self.grid_y = grid_y
        self.log_likelihood = log_likelihood
        self.param_names = param_names
        self.name = name

    def plot(
        self,
        ax: Any = None,
        *,
        name: str | list[str] | None = None,
        levels: int | np.ndarray = 14,
        contour_kw: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> PathDisplay:
        """Draw the contours and the paths.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.
        name : str or list of str, optional
            Legend entries in place of the stored ones.
        levels : int or array-like, default=14
            Log-likelihoods to draw, in nats per row. For a number of contours, the levels are
            quantiles over the grid, so that the same area lies between neighbouring levels.
        contour_kw : dict, optional
            Passed to matplotlib's ``contour``.
        **kwargs
            Passed to matplotlib's ``plot`` for every path.

        Returns
        -------
        self
        """
        plt = pyplot("PathDisplay.plot")
        names = check_names(self.name if name is None else name, len(self.paths))
        if ax is None:
            _, ax = plt.subplots()
        shown = np.ma.masked_invalid(self.log_likelihood)
        style = {"colors": "0.75", "linewidths": 0.8, "linestyles": "solid", **(contour_kw or {})}
        if "cmap" in style:
            del style["colors"]
        self.contours_ = ax.contour(
            self.grid_x, self.grid_y, shown, levels=self._levels(levels), zorder=0, **style
        )
        self.lines_, self.ends_ = [], []
        for path, label in zip(self.paths, names, strict=True):
            line = {"label": label, "marker": "o", "markersize": 3, "linewidth": 1.2, **kwargs}
            self.lines_ += ax.plot(*path.T, **line)
            color = self.lines_[-1].get_color()
            end = {"color": color, "marker": "*", "markersize": 13, "markeredgecolor": "white"}
            self.ends_ += ax.plot(*path[-1:].T, **end, linestyle="none", zorder=4)
        ax.set(
            xlabel=self.param_names[0],
            ylabel=self.param_names[1],
            xlim=self.grid_x[[0, -1]],
            ylim=self.grid_y[[0, -1]],
        )
        if any(label is not None for label in names):
            ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _levels(self, levels: Any) -> np.ndarray:
        """Return the given levels, or quantiles of the log-likelihood for a number of levels."""
        if np.ndim(levels) > 0:
            return np.unique(np.asarray(levels, dtype=np.float64))
        finite = self.log_likelihood[np.isfinite(self.log_likelihood)]
        return np.unique(np.quantile(finite, np.arange(1, levels + 1) / (levels + 1)))

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        sample_weight: Any = None,
        column: int | str | None = None,
        xlim: tuple[float, float] | None = None,
        ylim: tuple[float, float] | None = None,
        grid_resolution: int = 60,
        ax: Any = None,
        name: str | None = None,
        levels: int | np.ndarray = 14,
        contour_kw: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> PathDisplay:
        """Draw the path of one fit, in the fit's coordinates.

        Parameters
        ----------
        estimator : estimator or Pipeline
            Fitted, with two parameters; a pipeline stands for its last step.
        X : array-like of shape (N, D) or (N,), or Censored
            The data of the fit.
        name : str, optional
            Legend entry; the estimator's class by default.
        sample_weight, column, xlim, ylim, grid_resolution, ax, levels, contour_kw, **kwargs
            As in :meth:`from_estimators`.

        Returns
        -------
        PathDisplay

        Raises
        ------
        TypeError
            If the estimator is no fit of a distribution.
        ValueError
            As in :meth:`from_estimators`.
        """
        return cls.from_estimators(
            {type(last_step(estimator)).__name__ if name is None else name: estimator},
            X,
            sample_weight=sample_weight,
            column=column,
            xlim=xlim,
            ylim=ylim,
            grid_resolution=grid_resolution,
            ax=ax,
            levels=levels,
            contour_kw=contour_kw,
            **kwargs,
        )

    @classmethod
    def from_estimators(
        cls,
        estimators: Any,
        X: Any,
        *,
        sample_weight: Any = None,
        column: int | str | None = None,
        xlim: tuple[float, float] | None = None,
        ylim: tuple[float, float] | None = None,
        grid_resolution: int = 60,
        ax: Any = None,
        name: list[str] | None = None,
        levels: int | np.ndarray = 14,
        contour_kw: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> PathDisplay:
        """Draw the paths of several fits to the same data on one axes.

        Parameters
        ----------
        estimators : list of estimators, or dict of name to estimator
            Fitted to X with one two-parameter family in the same coordinates.
        X : array-like of shape (N, D) or (N,), or Censored
            The data of the fits.
        sample_weight : array-like of shape (N,), optional
            The weights of the fits.
        column : int or str, optional
            Which column's fit to draw, by position or name; needed when a univariate family was
            fitted to several.
        xlim, ylim : (float, float), optional
            The part of the plane; by default the paths with a margin of 15 %.
        grid_resolution : int, default=60
            Number of points per side at which the log-likelihood is evaluated.
        ax, name, levels, contour_kw, **kwargs
            As in :meth:`plot`.

        Returns
        -------
        PathDisplay

        Raises
        ------
        TypeError
            If the estimator is no fit of a distribution.
        ValueError
            If the family does not have two parameters, the fits do not share family and
            coordinates, or X is not the data that they were fitted to.
        """
        members = named(estimators)
        fits = {
            label: density(member, "PathDisplay", "ConvergenceDisplay")
            for label, member in members.items()
        }
        first = next(iter(members))
        X = transform(members[first], X)
        plane = plane_of_fit(fits[first], X, sample_weight, column)
        for label, fit in fits.items():
            _check_shared(plane, fits[first].distribution_, fit, label, column)
        paths = [iterates(fit, column) for fit in fits.values()]
        points = np.concatenate(paths)
        limits = plane.box(points, _MARGIN * np.maximum(np.ptp(points, axis=0), 1e-3))
        x, y = axes_of(limits, xlim, ylim, grid_resolution)
        display = cls(
            paths=paths,
            grid_x=x,
            grid_y=y,
            log_likelihood=plane.log_likelihood(x, y),
            param_names=plane.names(),
            name=list(fits),
        )
        return display.plot(ax, name=name, levels=levels, contour_kw=contour_kw, **kwargs)


def _check_shared(
    plane: Plane, family: Distribution, fit: Any, label: str, column: int | str | None
) -> None:
    """Refuse a fit whose iterates have another meaning than the plane's coordinates."""
    if fit.distribution_ != family:
        raise ValueError(
            f"estimators must share one distribution, got {type(family).__name__} and "
            f"{type(fit.distribution_).__name__} ({label})"
        )
    eta = fit._eta[check_column(column, len(fit._eta), fit._names)]
    if not plane.holds(iterates(fit, column)[-1], eta):
        raise ValueError(
            f"the iterates of {label} do not fit the plane's coordinates "
            f"({type(plane.coordinates).__name__}): give all estimators the same coordinates, "
            "and X as in the fit (expectation coordinates depend on where the fit started)"
        )

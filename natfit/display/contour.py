"""Regions of two parameters: contours of the profile likelihood beside Wald's ellipses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from scipy import special

from natfit._validation import answers_keywords, check_number
from natfit.display._common import density, pyplot, transform
from natfit.display._plane import check_column
from natfit.display._refits import chi_square_quantile, drawn_range, plane
from natfit.display._targets import Axis, axes_of_pair
from natfit.inference import Estimate
from natfit.inference.profile import profile_interval

#: Points of an ellipse, and the room around the largest region, in its width.
_POINTS, _ROOM = 200, 0.06


class LikelihoodContourDisplay:
    """Confidence regions of two parameters: from the likelihood, and Wald's ellipses.

    The region of the likelihood at a level is ``{(a, b): 2 (l - l(a, b)) <= q}``, where l is the
    maximised log-likelihood, ``l(a, b)`` its profile, maximised over all other parameters, and
    ``q = -2 log(1 - level)`` the quantile of the chi-square distribution with two degrees of
    freedom. Wald's region is the ellipse of the covariance matrix with the same q in the
    unconstrained coordinates (the logarithm of a scale), mapped to the parameters: both agree for
    large n, and where they differ Wald's intervals mislead.

    Made by :meth:`from_estimator`; the constructor's arguments are stored as attributes.

    Parameters
    ----------
    grid_x, grid_y : ndarray
        Values of the two parameters, ascending.
    deviance : ndarray of shape (len(grid_y), len(grid_x))
        ``2 (l - l(a, b))``; NaN where there is no likelihood, and far outside the largest region.
    estimate : ndarray of shape (2,)
        The estimate.
    ellipses : list of ndarray of shape (M, 2)
        Wald's regions, one for each level.
    levels : tuple of float, default=(0.5, 0.95)
        Confidence levels, ascending.
    names : tuple of str, default=("x", "y")
        Names of the parameters.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    contours_ : matplotlib QuadContourSet
        Regions of the likelihood.
    ellipses_ : list of matplotlib Line2D
        Wald's regions.
    point_ : matplotlib Line2D
        The estimate.

    Examples
    --------
    >>> import natfit
    >>> from natfit.display import LikelihoodContourDisplay
    >>> x = [1.2, 0.4, 2.7, 0.9, 1.8]
    >>> model = natfit.fit("weibull", x)
    >>> display = LikelihoodContourDisplay.from_estimator(model, x)  # doctest: +SKIP
    """

    def __init__(
        self,
        *,
        grid_x: np.ndarray,
        grid_y: np.ndarray,
        deviance: np.ndarray,
        estimate: np.ndarray,
        ellipses: list[np.ndarray],
        levels: tuple[float, ...] = (0.5, 0.95),
        names: tuple[str, str] = ("x", "y"),
    ):
        self.grid_x = grid_x
        self.grid_y = grid_y
        self.deviance = deviance
        self.estimate = estimate
        self.ellipses = ellipses
        self.levels = levels
        self.names = names

    def plot(
        self,
        ax: Any = None,
        *,
        name: str | None = None,
        contour_kw: dict | None = None,
        **kwargs: Any,
    ) -> LikelihoodContourDisplay:
        """Draw the regions and the estimate.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.
        name : str, optional
            The legend entry of the likelihood's regions, in place of ``likelihood``.
        contour_kw : dict, optional
            Passed to matplotlib's ``contour``.
        **kwargs
            Passed to matplotlib's ``plot`` for Wald's ellipses.

        Returns
        -------
        self
        """
        plt = pyplot("LikelihoodContourDisplay.plot")
        if ax is None:
            _, ax = plt.subplots()
        heights = [chi_square_quantile(level, 2) for level in self.levels]
        style = {"colors": "C0", "linewidths": 1.5}
        if contour_kw and "cmap" in contour_kw:
            del style["colors"]
        masked = np.ma.masked_invalid(self.deviance)
        self.contours_ = ax.contour(
            self.grid_x, self.grid_y, masked, heights, **{**style, **(contour_kw or {})}
        )
        words = {h: f"{100 * v:g} %" for h, v in zip(heights, self.levels, strict=True)}
        ax.clabel(self.contours_, fmt=words, fontsize="small")
        self.ellipses_ = [
            ax.plot(*ellipse.T, **{"color": "C1", "ls": "--", "lw": 1.2, **kwargs})[0]
            for ellipse in self.ellipses
        ]
        self.ellipses_[0].set_label("Wald")
        ax.plot([], [], color="C0", lw=1.5, label=name or "likelihood")
        mark = {"marker": "+", "ms": 9, "ls": "none", "color": "0.2", "label": "estimate"}
        (self.point_,) = ax.plot(*self.estimate[:, None], **mark)
        ax.set(xlabel=self.names[0], ylabel=self.names[1])
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self

    @classmethod
    @answers_keywords
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        params: tuple[str, str] | None = None,
        levels: Any = (0.5, 0.95),
        grid_resolution: int = 25,
        column: int | str | None = None,
        sample_weight: Any = None,
        ax: Any = None,
        name: str | None = None,
        contour_kw: dict | None = None,
        **kwargs: Any,
    ) -> LikelihoodContourDisplay:
        """Draw the regions of two parameters of a fit.

        Parameters
        ----------
        estimator : NaturalMLE or Pipeline
            Fitted; a pipeline stands for its last step.
        X : array-like of shape (N, D) or (N,), or Censored
            The data of the fit.
        params : tuple of two str, optional
            Names of the parameters, such as ``("shape", "scale")`` or ``("loc[0]", "loc[1]")``; by
            default the first two that were estimated. They must have coordinates of their own,
            which the entries of a covariance matrix have not.
        levels : float or list of float, default=(0.5, 0.95)
            Confidence levels.
        grid_resolution : int, default=25
            Number of points on each axis. With more than two parameters each point is a refit.
        column : int or str, optional
            Which column, by position or by name, if several were fitted separately.
        sample_weight : array-like of shape (N,), optional
            The weights of the fit.
        ax, name, contour_kw, **kwargs
            As in :meth:`plot`.

        Returns
        -------
        LikelihoodContourDisplay

        Raises
        ------
        TypeError
            If the estimator is no fit of a distribution.
        ValueError
            If X is not the data of the fit, there are no two such parameters, or the data do not
            determine them.
        """
        shares = _checked_levels(levels)
        n = int(check_number(grid_resolution, "grid_resolution", low=5, integer=True, hint="25"))
        fit = density(estimator, "LikelihoodContourDisplay", "ProfileDisplay")
        estimates = fit._estimates(transform(estimator, X), sample_weight)
        index = check_column(column, len(estimates), fit._names)
        own = estimates[index]
        axes = axes_of_pair(own, params)
        ellipses = _ellipses(own, axes, shares)
        x, y = (
            _coordinates(own, axis, ellipses[-1][:, k], shares[-1], n)
            for k, axis in enumerate(axes)
        )
        deviance = plane(own, axes, x, y, chi_square_quantile(shares[-1], 2))
        native = [axis.native(v) for axis, v in zip(axes, (x, y), strict=True)]
        # A parameter may fall with its coordinate.
        order = [np.argsort(v) for v in native]
        display = cls(
            grid_x=native[0][order[0]],
            grid_y=native[1][order[1]],
            deviance=deviance[np.ix_(order[1], order[0])],
            estimate=np.array([axis.native(own.theta[[axis.index]])[0] for axis in axes]),
            ellipses=[
                np.stack([a.native(e[:, k]) for k, a in enumerate(axes)], 1) for e in ellipses
            ],
            levels=shares,
            names=(axes[0].name, axes[1].name),
        )
        return display.plot(ax, name=name, contour_kw=contour_kw, **kwargs)


def _checked_levels(levels: Any) -> tuple[float, ...]:
    """Return confidence levels in ascending order."""
    given = (
        list(levels) if isinstance(levels, Iterable) and not isinstance(levels, str) else [levels]
    )
    if not given:
        raise ValueError("levels must hold at least one level, got none; write levels=0.95")
    found = {
        check_number(v, "levels", low=0.0, high=1.0, closed_low=False, closed_high=False)
        for v in given
    }
    return tuple(sorted(found))


def _ellipses(
    estimate: Estimate, axes: tuple[Axis, Axis], levels: tuple[float, ...]
) -> list[np.ndarray]:
    """Return Wald's regions (M, 2) in the coordinates, inside their limits."""
    at = [axis.index for axis in axes]
    covariance = estimate.covariance()[np.ix_(at, at)]
    if not np.isfinite(covariance).all():
        names = ", ".join(
            a.name for a, v in zip(axes, np.diagonal(covariance), strict=True) if np.isinf(v)
        )
        raise ValueError(
            f"params must be determined by the data, which {names} is not; identifiability() says "
            "which combinations are"
        )
    angle = np.linspace(0.0, 2.0 * np.pi, _POINTS)
    circle = np.stack([np.cos(angle), np.sin(angle)])
    shape = np.linalg.cholesky(covariance) @ circle
    low, high, _ = estimate.family.limits
    return [
        np.clip(
            estimate.theta[at] + np.sqrt(chi_square_quantile(v, 2)) * shape.T, low[at], high[at]
        )
        for v in levels
    ]


def _coordinates(
    estimate: Estimate, axis: Axis, ellipse: np.ndarray, level: float, n: int
) -> np.ndarray:
    """Return n values of a coordinate that hold both regions, and a little more."""
    k = axis.index
    unit = np.eye(len(estimate.theta))[k]
    # A region's shadow on an axis is the interval with the same deviance.
    same = float(1.0 - 2.0 * special.ndtr(-np.sqrt(chi_square_quantile(level, 2))))
    found = profile_interval(estimate, lambda t: float(t[k]), lambda t: unit, same)
    ends = [*drawn_range(float(estimate.theta[k]), found.low, found.high), *ellipse]
    low, high = min(ends), max(ends)
    room = _ROOM * (high - low)
    least, most = (limit[k] for limit in estimate.family.limits[:2])
    return np.linspace(max(low - room, least), min(high + room, most), n)

"""Gradients and natural gradients, side by side, over the plane of two parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit._component import resolve
from natfit.coordinates import Coordinates
from natfit.display._common import density, pyplot, transform
from natfit.display._plane import Plane, axes_of, check_column, plane_of_fit, vector_of
from natfit.distributions.base import Distribution
from natfit.rows import Memory

#: Length of the longest arrow, in cells of the grid.
_LONGEST = 3.0

#: Half the default range, in standard deviations of one row's estimate.
_RANGE = 3.0


class GradientFieldDisplay:
    """Gradient and natural gradient of the mean log-likelihood, side by side.

    The arrows point uphill, which is the direction of descent on the negative log-likelihood.
    Lengths are to scale within each axes.

    Made by :meth:`from_distribution` or :meth:`from_estimator`; the constructor's arguments
    are stored as attributes.

    Parameters
    ----------
    grid_x, grid_y : ndarray of shape (n_x,) and (n_y,)
        Values of the two parameters.
    gradient : ndarray of shape (n_y, n_x, 2)
        Gradient g of the mean log-likelihood per row; NaN outside the domain.
    natural_gradient : ndarray of shape (n_y, n_x, 2)
        F^-1 g with the exact Fisher information F of one row.
    param_names : list of str
        Axis labels: the names of the two parameters.
    optimum : ndarray of shape (2,), optional
        The estimate, marked by a star.
    name : str, optional
        Title of the figure.

    Attributes
    ----------
    axes_ : ndarray of two matplotlib Axes
        The axes of the gradient and of the natural gradient.
    figure_ : matplotlib Figure
    quivers_ : list of two matplotlib Quiver

    Examples
    --------
    >>> import numpy as np
    >>> from natfit.display import GradientFieldDisplay
    >>> y = np.random.default_rng(0).normal(12, 4, 1000)
    >>> display = GradientFieldDisplay.from_distribution(
    ...     "normal", y, xlim=(0, 20), ylim=(1, 10)
    ... )  # doctest: +SKIP
    """

    def __init__(
        self,
        *,
        grid_x: np.ndarray,
        grid_y: np.ndarray,
        gradient: np.ndarray,
        natural_gradient: np.ndarray,
        param_names: list[str],
        optimum: np.ndarray | None = None,
        name: str | None = None,
    ):
        self.grid_x = grid_x
        self.grid_y = grid_y
        self.gradient = gradient
        self.natural_gradient = natural_gradient
        self.param_names = param_names
        self.optimum = optimum
        self.name = name

    def length_ratios(self) -> tuple[float, float]:
        """Return the ratio of the longest to the shortest arrow in both fields.

        The ratio is infinite where the grid holds the optimum itself.

        Returns
        -------
        tuple of two floats
            The ratios of the gradients and of the natural gradients, >= 1.
        """
        ratios = []
        for field in (self.gradient, self.natural_gradient):
            length = np.linalg.norm(field, axis=-1)
            with np.errstate(divide="ignore"):
                ratios.append(float(np.nanmax(length) / np.nanmin(length)))
        return ratios[0], ratios[1]

    def plot(
        self, ax: Any = None, *, name: str | None = None, **kwargs: Any
    ) -> GradientFieldDisplay:
        """Draw both fields.

        Parameters
        ----------
        ax : sequence of two matplotlib Axes, optional
            Where to draw the gradients and the natural gradients; a new figure by default.
        name : str, optional
            Title of the figure in place of the stored one.
        **kwargs
            Passed to matplotlib's ``quiver`` for both fields.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If ``ax`` does not hold two axes.
        """
        plt = pyplot("GradientFieldDisplay.plot")
        if ax is None:
            _, ax = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
        if np.size(ax) != 2:
            raise ValueError(f"ax must be two axes, got {np.size(ax)}; try plt.subplots(1, 2)")
        self.axes_ = np.ravel(ax)
        self.figure_ = self.axes_[0].figure
        fields = {"gradient": self.gradient, "natural gradient": self.natural_gradient}
        self.quivers_ = [
            self._quiver(axes, field, **kwargs)
            for axes, field in zip(self.axes_, fields.values(), strict=True)
        ]
        tips = [q.XY + np.stack([q.U, q.V], axis=1) / q.scale for q in self.quivers_]
        shown = np.concatenate([self.quivers_[0].XY, *tips])
        low = np.nanmin(shown, axis=0) - 0.7 * self._cell
        high = np.nanmax(shown, axis=0) + 0.7 * self._cell
        for axes, title, ratio in zip(self.axes_, fields, self.length_ratios(), strict=True):
            axes.set_title(f"{title} (longest / shortest: {float(f'{ratio:.2g}'):,g})")
            axes.set(xlabel=self.param_names[0], ylabel=self.param_names[1])
            axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
        name = self.name if name is None else name
        if name is not None:
            self.figure_.suptitle(name)
        return self

    @property
    def _cell(self) -> np.ndarray:
        """Width and height (2,) of the grid's cells."""
        return np.array([self.grid_x[1] - self.grid_x[0], self.grid_y[1] - self.grid_y[0]])

    def _quiver(self, ax: Any, field: np.ndarray, **kwargs: Any) -> Any:
        """Draw one field in the axes' own units, scaled by its longest arrow."""
        longest = np.nanmax(np.linalg.norm(field / self._cell, axis=-1))
        style = {"angles": "xy", "scale_units": "xy", "scale": longest / _LONGEST}
        style |= {"width": 0.004, "minlength": 0.0, "color": "C0", "zorder": 3, **kwargs}
        x, y = np.meshgrid(self.grid_x, self.grid_y)
        # Arrows that are too short to be seen still have a dot.
        ax.plot(x.ravel(), y.ravel(), ".", color="0.7", markersize=2.5, zorder=1)
        if self.optimum is not None:
            star = {"marker": "*", "markersize": 13, "color": "C1", "markeredgecolor": "white"}
            ax.plot(*self.optimum, **star, linestyle="none", zorder=4)
            where = {"xytext": (7, 5), "textcoords": "offset points", "color": "C1"}
            ax.annotate("estimate", self.optimum, **where)
        return ax.quiver(x, y, field[..., 0], field[..., 1], **style)

    @classmethod
    def from_distribution(
        cls,
        distribution: str | Distribution,
        X: Any,
        *,
        sample_weight: Any = None,
        coordinates: str | Coordinates = "native",
        xlim: tuple[float, float] | None = None,
        ylim: tuple[float, float] | None = None,
        grid_resolution: int = 10,
        ax: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> GradientFieldDisplay:
        """Draw both fields for the likelihood of a distribution given data.

        Parameters
        ----------
        distribution : str or Distribution
            A family with two parameters and an exact Fisher information.
        X : array-like of shape (N,) or (N, 1)
            The data.
        sample_weight : array-like of shape (N,), optional
            Repetitions of each row.
        coordinates : str or Coordinates, default="native"
            The coordinates of the two parameters; the paper's (mu, sigma) by default.
        xlim, ylim : (float, float), optional
            The part of the plane; by default three standard deviations of one row's estimate
            around the family's start, inside the domain.
        grid_resolution : int, default=10
            Number of arrows per side.
        ax, name, **kwargs
            As in :meth:`plot`.

        Returns
        -------
        GradientFieldDisplay

        Raises
        ------
        ValueError
            If the family does not have two parameters, or has no exact Fisher information.
        """
        family = resolve(distribution, Distribution)
        data, weight = vector_of(X, sample_weight, family)
        rows = Memory(data, weight=weight)
        family = family.bind(rows)
        family.check(rows)
        start = family.initial(rows.few(rows.n), np.random.default_rng(0))
        bound = resolve(coordinates, Coordinates).bind(family, start)
        plane = Plane.of(family, bound, data, weight)
        display = cls._compute(plane, start, None, xlim, ylim, grid_resolution)
        return display.plot(ax, name=name, **kwargs)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        sample_weight: Any = None,
        column: int | str | None = None,
        coordinates: str | Coordinates = "native",
        xlim: tuple[float, float] | None = None,
        ylim: tuple[float, float] | None = None,
        grid_resolution: int = 10,
        ax: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> GradientFieldDisplay:
        """Draw the fields around a fit, with the estimate marked.

        Parameters
        ----------
        estimator : estimator or Pipeline
            Fitted, with two parameters.
        X : array-like of shape (N, D) or (N,), or Censored
            The data.
        sample_weight : array-like of shape (N,), optional
            Repetitions of each row.
        column : int or str, optional
            Which column's fit to draw, by position or name; needed when a univariate family was
            fitted to several.
        coordinates, xlim, ylim, grid_resolution, ax, name, **kwargs
            As in :meth:`from_distribution`; the default range is around the estimate.

        Returns
        -------
        GradientFieldDisplay

        Raises
        ------
        TypeError
            If the estimator is no fit of a distribution.
        ValueError
            As in :meth:`from_distribution`.
        """
        fit = density(estimator, "GradientFieldDisplay", "ConvergenceDisplay")
        plane = plane_of_fit(fit, transform(estimator, X), sample_weight, column, coordinates)
        eta = fit._eta[check_column(column, len(fit._eta), fit._names)]
        optimum = plane.coordinates.from_eta(eta)
        display = cls._compute(plane, eta, optimum, xlim, ylim, grid_resolution)
        return display.plot(ax, name=name, **kwargs)

    @classmethod
    def _compute(
        cls, plane: Plane, eta: np.ndarray, optimum: Any, xlim: Any, ylim: Any, resolution: Any
    ) -> GradientFieldDisplay:
        centre = plane.coordinates.from_eta(eta)
        limits = plane.box(centre[None], _RANGE * plane.spread(centre))
        x, y = axes_of(limits, xlim, ylim, resolution)
        gradient, natural = plane.gradients(x, y)
        return cls(
            grid_x=x,
            grid_y=y,
            gradient=gradient,
            natural_gradient=natural,
            param_names=plane.names(),
            optimum=optimum,
        )

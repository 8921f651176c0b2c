"""Coefficients of a regression with their confidence intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from natfit._validation import check_number, check_option
from natfit.display._common import pyplot, regression

#: Distance of the lines of fits that are drawn into the same axes; features are one apart.
_APART = 0.2


class CoefficientsDisplay:
    """The coefficients of one parameter's features, and Wald intervals where they are known.

    Made by :meth:`from_estimator`; the constructor's arguments are stored as attributes.

    Parameters
    ----------
    names : list of str
        The features.
    coef : ndarray of shape (F,)
        On the scale of the link, per unit of the feature.
    half : ndarray of shape (F,)
        Half of the length of each interval, NaN where no standard error is known.
    parameter : str
        Whose linear predictor it is.
    level : float, default=0.95
        Of the intervals.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    points_ : matplotlib Line2D
    intervals_ : matplotlib LineCollection
    """

    def __init__(
        self,
        *,
        names: list[str],
        coef: np.ndarray,
        half: np.ndarray,
        parameter: str,
        level: float = 0.95,
    ):
        self.names = names
        self.coef = coef
        self.half = half
        self.parameter = parameter
        self.level = level

    def plot(
        self, ax: Any = None, *, name: str | None = None, **kwargs: Any
    ) -> CoefficientsDisplay:
        """Draw a line for each feature, below those of fits that are in the axes already.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.
        name : str, optional
            The legend entry.
        **kwargs
            Passed to matplotlib's ``plot``, which draws the coefficients.

        Returns
        -------
        self
        """
        plt = pyplot("CoefficientsDisplay.plot")
        if ax is None:
            _, ax = plt.subplots()
        places = np.arange(len(self.coef))
        y = places + _APART * len(ax.collections)
        style = {"marker": "o", "ls": "none", "label": name}
        (self.points_,) = ax.plot(self.coef, y, **{**style, **kwargs})
        color = self.points_.get_color()
        self.intervals_ = ax.hlines(y, self.coef - self.half, self.coef + self.half, color=color)
        ax.axvline(0.0, color="0.5", lw=1, zorder=0)
        ax.set_yticks(places, self.names)
        if not ax.yaxis_inverted():
            ax.invert_yaxis()
        ax.set(xlabel=f"coefficient in the predictor of {self.parameter} (per unit of the feature)")
        if name is not None:
            ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        parameter: str | None = None,
        level: float = 0.95,
        ax: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> CoefficientsDisplay:
        """Draw the coefficients of a fit.

        Parameters
        ----------
        estimator : NaturalRegressor, NaturalClassifier or Pipeline
            Fitted, with linear predictors.
        parameter : str, optional
            Whose coefficients; by default the first parameter that has features. Of a classifier
            it is a class, as text; two classes have the logit of the second.
        level : float, default=0.95
            Of the intervals, which are ``coef_ +- z standard_errors_``.
        ax, name, **kwargs
            As in :meth:`plot`.

        Returns
        -------
        CoefficientsDisplay

        Raises
        ------
        TypeError
            If the estimator is no regression.
        ValueError
            If there is no such parameter, or it has no features.
        """
        check_number(level, "level", low=0.0, high=1.0, closed_low=False, closed_high=False)
        fit = regression(estimator, "CoefficientsDisplay", "ProfileDisplay")
        every = _by_name(fit, fit.coef_)
        with_features = tuple(n for n, c in every.items() if np.size(c))
        if not with_features:
            raise ValueError("estimator must have a parameter with features, got none; see coef_")
        chosen = with_features[0] if parameter is None else parameter
        check_option(chosen, "parameter", with_features)
        coef = np.ravel(every[chosen])
        errors = getattr(fit, "standard_errors_", None)
        error = (
            np.full(len(coef), np.nan)
            if errors is None
            else np.ravel(_by_name(fit, errors)[chosen])
        )
        display = cls(
            names=_features_of(fit, chosen),
            coef=coef,
            half=special.ndtri(0.5 + 0.5 * level) * error,
            parameter=chosen,
            level=level,
        )
        return display.plot(ax, name=name, **kwargs)


def _by_name(fit: Any, values: Any) -> dict[str, np.ndarray]:
    """Return coefficients by parameter, those of a classifier by class."""
    if isinstance(values, dict):
        return values
    classes = fit.classes_ if len(values) > 1 else fit.classes_[1:]
    return {str(c): row for c, row in zip(classes, values, strict=True)}


def _features_of(fit: Any, chosen: str) -> list[str]:
    """Return the names of the features of a parameter, or of a class."""
    found = fit.features_for_
    if isinstance(found, dict):
        found = found[chosen] if chosen in found else next(iter(found.values()))
    return [str(n) for n in found]

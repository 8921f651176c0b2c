"""The profile likelihood of a parameter, or of a function of the parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from natfit._validation import answers_keywords, check_number, check_option
from natfit.display._common import is_regression, last_step, pyplot, refuse_given, transform
from natfit.display._plane import check_column
from natfit.display._refits import chi_square_quantile, drawn_range, profile, widened
from natfit.display._targets import Target, target_of, target_of_regression
from natfit.estimators.regression._statements_estimates import Given
from natfit.inference import Estimate
from natfit.inference.profile import profile_interval

KINDS = ("deviance", "root")

#: The profile is drawn this much further than its interval, in distances from the estimate.
_BEYOND = 1.25

#: Points of the Wald curve on each side.
_WALD = 40


class ProfileDisplay:
    """The profile likelihood of one number, with its interval, beside Wald's approximation.

    With the maximised log-likelihood ``l`` and the profile ``l(c) = max {l(theta): g(theta) = c}``

    ============== ============================================================================
    kind           what is drawn
    ============== ============================================================================
    deviance       ``2 (l - l(c))`` against c, and the quantile of the chi-square distribution
                   with one degree of freedom at the level
    root           its signed root ``sign(c - estimate) sqrt(2 (l - l(c)))``, and the normal
                   quantiles; a straight line where Wald's intervals are exact
    ============== ============================================================================

    The profile interval holds the c below the line (Wilks, 1938). Wald's curve is the deviance that
    would have Wald's intervals at every level: a parabola in the scale on which they are formed,
    such as the logarithm of a scale parameter. The interval of ``level`` is marked on each curve.
    With a prior the likelihood is the posterior density.

    Made by :meth:`from_estimator`; the constructor's arguments are stored as attributes.

    Parameters
    ----------
    x, deviance : ndarray of shape (n,)
        Values c in ascending order, and ``2 (l - l(c))``.
    estimate : float
        The estimate of the number.
    wald : tuple of two ndarray of shape (m,)
        Values, and the deviance of Wald's approximation.
    interval, wald_interval : tuple of two floats
        The intervals.
    level : float, default=0.95
        Their level.
    name : str, default="y"
        What the number is.
    kind : {"deviance", "root"}, default="deviance"

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    line_, wald_line_ : matplotlib Line2D
        The curves.
    ends_, wald_ends_ : matplotlib Line2D
        The ends of the intervals.
    level_line_ : matplotlib LineCollection
        The quantile, or both.

    Examples
    --------
    >>> import natfit
    >>> from natfit.display import ProfileDisplay
    >>> x = [1.2, 0.4, 2.7, 0.9, 1.8]
    >>> model = natfit.fit("weibull", x)
    >>> display = ProfileDisplay.from_estimator(model, x, of=("ppf", 0.1))  # doctest: +SKIP
    """

    def __init__(
        self,
        *,
        x: np.ndarray,
        deviance: np.ndarray,
        estimate: float,
        wald: tuple[np.ndarray, np.ndarray],
        interval: tuple[float, float],
        wald_interval: tuple[float, float],
        level: float = 0.95,
        name: str = "y",
        kind: str = "deviance",
    ):
        self.x = x
        self.deviance = deviance
        self.estimate = estimate
        self.wald = wald
        self.interval = interval
        self.wald_interval = wald_interval
        self.level = level
        self.name = name
        self.kind = kind

    def plot(
        self,
        ax: Any = None,
        *,
        name: str | None = None,
        wald_kw: dict | None = None,
        **kwargs: Any,
    ) -> ProfileDisplay:
        """Draw both curves and the quantile.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.
        name : str, optional
            The legend entry of the profile, in place of ``profile``.
        wald_kw : dict, optional
            Passed to matplotlib's ``plot`` for Wald's curve.
        **kwargs
            Passed to matplotlib's ``plot`` for the profile.

        Returns
        -------
        self
        """
        plt = pyplot("ProfileDisplay.plot")
        if ax is None:
            _, ax = plt.subplots()
        style = {"color": "C0", "label": name or "profile"}
        (self.line_,) = ax.plot(self.x, self._height(self.x, self.deviance), **{**style, **kwargs})
        x, deviance = self.wald
        style = {"color": "C1", "ls": "--", "label": "Wald"}
        height = self._height(x, deviance)
        (self.wald_line_,) = ax.plot(x, height, **{**style, **(wald_kw or {})})
        root = float(np.sqrt(chi_square_quantile(self.level)))
        levels = [root**2] if self.kind == "deviance" else [-root, root]
        edge = ax.get_yaxis_transform()
        label = f"{100 * self.level:g} %"
        options = {"color": "0.5", "ls": ":", "lw": 1, "transform": edge, "label": label}
        self.level_line_ = ax.hlines(levels, 0.0, 1.0, **options)
        self.ends_ = self._draw_ends(ax, self.interval, root, self.line_)
        self.wald_ends_ = self._draw_ends(ax, self.wald_interval, root, self.wald_line_)
        words = "deviance 2 (l - l(c))"
        ax.set(
            xlabel=self.name,
            ylabel=words if self.kind == "deviance" else "signed root of the deviance",
        )
        ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _height(self, x: np.ndarray, deviance: np.ndarray) -> np.ndarray:
        if self.kind == "deviance":
            return deviance
        return np.sign(x - self.estimate) * np.sqrt(deviance)

    def _draw_ends(self, ax: Any, interval: tuple[float, float], root: float, line: Any) -> Any:
        ends = np.array(interval)
        height = np.array([-root, root])
        height = height**2 if self.kind == "deviance" else height
        # An end of the range at which the deviance is smaller is no point of the curve.
        x, y = line.get_data()
        inside = (
            np.isfinite(ends) & (ends >= x.min(initial=np.inf)) & (ends <= x.max(initial=-np.inf))
        )
        style = {"marker": "o", "ms": 5, "ls": "none", "color": line.get_color()}
        return ax.plot(ends[inside], height[inside], **style)[0]

    @classmethod
    @answers_keywords
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any = None,
        *,
        of: Any,
        level: float = 0.95,
        kind: str = "deviance",
        n_points: int = 41,
        column: int | str | None = None,
        sample_weight: Any = None,
        offset: Any = None,
        exposure: Any = None,
        ax: Any = None,
        name: str | None = None,
        wald_kw: dict | None = None,
        **kwargs: Any,
    ) -> ProfileDisplay:
        """Draw the profile likelihood of a fit.

        Parameters
        ----------
        estimator : NaturalMLE, NaturalRegressor, NaturalClassifier or Pipeline
            Fitted; a pipeline stands for its last step.
        X : array-like of shape (N, D) or (N,), or Censored
            The data of the fit.
        y : array-like of shape (N,), or Censored, optional
            What a regression was fitted to.
        of : str, tuple or callable
            What is profiled: a parameter by its name (``"scale"``, ``"loc[1]"``,
            ``"covariance[1,0]"``), a method of ``frozen_`` with its arguments (``("ppf", 0.1)``),
            or a function of the frozen distribution that returns a number. Of a regression it is
            the name of a coefficient, as in ``param_names_``.
        level : float, default=0.95
            Confidence level.
        kind : {"deviance", "root"}, default="deviance"
            What to draw, as in the class.
        n_points : int, default=41
            Number of refits.
        column : int or str, optional
            Which column, by position or by name, if several were fitted separately.
        sample_weight : array-like of shape (N,), optional
            The weights of the fit.
        offset, exposure : array-like, optional
            As in the fit of a regression.
        ax, name, wald_kw, **kwargs
            As in :meth:`plot`.

        Returns
        -------
        ProfileDisplay

        Raises
        ------
        TypeError
            If y, an offset or an exposure is given for the fit of a distribution.
        ValueError
            If X is not the data of the fit, ``of`` is no single number, or the fit is not at a
            maximum.
        """
        check_option(kind, "kind", KINDS)
        share = check_number(level, "level", low=0.0, high=1.0, closed_low=False, closed_high=False)
        n = int(check_number(n_points, "n_points", low=5, integer=True, hint="41"))
        fit = last_step(estimator)
        X = transform(estimator, X)
        if is_regression(fit):
            check_column(column, 1, None)
            own, target = target_of_regression(
                fit, of, Given(X, y, sample_weight, offset, exposure)
            )
        else:
            refuse_given(fit, y=y, offset=offset, exposure=exposure)
            estimates = fit._estimates(X, sample_weight)
            own = estimates[check_column(column, len(estimates), fit._names)]
            target = target_of(own, of)
        found = profile_interval(own, target.value, target.gradient, share)
        centre = target.value(own.theta)
        _refuse_limit(own, target, found.low, found.high)
        ends = widened(found.low, centre, found.high, _BEYOND)
        low, high = drawn_range(centre, *ends)
        half = n // 2
        grid = np.concatenate(
            [np.linspace(low, centre, half + 1), np.linspace(centre, high, n - half)[1:]]
        )
        x, deviance = profile(own, target, grid)
        display = cls(
            x=x,
            deviance=deviance,
            estimate=centre,
            wald=_wald_curve(target, centre, low, high, share),
            interval=(found.low, found.high),
            wald_interval=target.wald(share),
            level=share,
            name=target.name,
            kind=kind,
        )
        return display.plot(ax, name=name, wald_kw=wald_kw, **kwargs)


def _refuse_limit(estimate: Estimate, target: Target, low: float, high: float) -> None:
    """Raise ValueError if the number depends on coordinates at a limit alone: it has one side."""
    slope = target.gradient(estimate.theta)
    if np.any(slope[estimate.free]):
        return
    raise ValueError(
        f"{target.name} has no profile around its estimate, because it was given or rests at a "
        f"limit; its profile interval is {low:g} to {high:g}: draw a parameter that was estimated"
    )


def _wald_curve(
    target: Target, centre: float, low: float, high: float, level: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return values and the squares of the normal quantiles of which they are Wald's ends."""
    roots = np.linspace(0.0, 1.5 * np.sqrt(chi_square_quantile(level)) * _BEYOND, _WALD + 1)[1:]
    ends = np.array([target.wald(float(1.0 - 2.0 * special.ndtr(-r))) for r in roots])
    x = np.concatenate([ends[::-1, 0], [centre], ends[:, 1]])
    deviance = np.concatenate([roots[::-1], [0.0], roots]) ** 2
    kept = np.isfinite(x) & (x >= low) & (x <= high)
    return x[kept], deviance[kept]

"""The information spectrum: which combinations of parameters the data determine, and how well."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit._validation import answers_keywords, check_number
from natfit.display._common import is_regression, last_step, pyplot
from natfit.display._plane import check_column

#: Where eigenvalues that are zero or negative are marked, below the smallest positive one.
_BELOW = 0.1


class SpectrumDisplay:
    """Eigenvalues of the scaled information, and the combinations of the least of them.

    The information of the free coordinates is scaled to a unit diagonal, which no unit of the data
    changes; its eigenvalues say how well combinations of the unconstrained coordinates are
    determined: an eigenvalue near zero belongs to one along which the likelihood is flat. They are
    those of :meth:`natfit.NaturalMLE.identifiability` (after Belsley, Kuh and Welsch, 1980,
    Regression Diagnostics, section 3.2). The left axes has them on a logarithmic scale, with those
    that are zero or negative as crosses at its lower edge; the right one has the coefficients of
    the combinations that are determined least, as bars.

    Made by :meth:`from_estimator`; the constructor's arguments are stored as attributes.

    Parameters
    ----------
    eigenvalues : ndarray of shape (k,)
        In ascending order.
    coefficients : ndarray of shape (d, P)
        The combinations of the d smallest, the first of them the least determined.
    errors : ndarray of shape (d,)
        Their standard errors; inf where nothing is known.
    names : list of str
        Names of the P coordinates.

    Attributes
    ----------
    axes_ : ndarray of two matplotlib Axes
    ax_ : matplotlib Axes
        The first of them.
    figure_ : matplotlib Figure
    points_ : matplotlib Line2D
        The positive eigenvalues.
    crosses_ : matplotlib Line2D
        Those that are zero or negative.
    bars_ : list of matplotlib BarContainer
        The coefficients of each combination.

    Examples
    --------
    >>> import natfit
    >>> from natfit.display import SpectrumDisplay
    >>> model = natfit.fit("gamma", [1.2, 0.4, 2.7, 0.9, 1.8])
    >>> display = SpectrumDisplay.from_estimator(model)  # doctest: +SKIP
    """

    def __init__(
        self,
        *,
        eigenvalues: np.ndarray,
        coefficients: np.ndarray,
        errors: np.ndarray,
        names: list[str],
    ):
        self.eigenvalues = eigenvalues
        self.coefficients = coefficients
        self.errors = errors
        self.names = names

    def plot(self, ax: Any = None, **kwargs: Any) -> SpectrumDisplay:
        """Draw the eigenvalues and the combinations.

        Parameters
        ----------
        ax : sequence of two matplotlib Axes, optional
            Where to draw; a new figure by default.
        **kwargs
            Passed to matplotlib's ``plot`` for the eigenvalues.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If ``ax`` is not two axes.
        """
        plt = pyplot("SpectrumDisplay.plot")
        if ax is None:
            _, ax = plt.subplots(1, 2, figsize=(8, 4), layout="constrained")
        axes = np.ravel(np.asarray(ax, dtype=object))
        if len(axes) != 2:
            raise ValueError(f"ax must be two axes, got {len(axes)}; try plt.subplots(1, 2)[1]")
        self._draw_eigenvalues(axes[0], kwargs)
        self._draw_combinations(axes[1])
        self.axes_, self.ax_, self.figure_ = axes, axes[0], axes[0].figure
        return self

    def _draw_eigenvalues(self, ax: Any, options: dict) -> None:
        from matplotlib.ticker import MaxNLocator

        x, values = np.arange(1, len(self.eigenvalues) + 1), self.eigenvalues
        positive = values > 0.0
        ax.set_yscale("log")
        style = {"marker": "o", "ls": "none", "color": "C0"}
        (self.points_,) = ax.plot(x[positive], values[positive], **{**style, **options})
        edge = _BELOW * (values[positive].min() if positive.any() else 1.0)
        ax.vlines(x[positive], edge, values[positive], color=self.points_.get_color(), lw=1)
        style = {"marker": "x", "ls": "none", "color": "C3", "label": "zero or negative"}
        (self.crosses_,) = ax.plot(x[~positive], np.full((~positive).sum(), edge), **style)
        ax.axhline(1.0, color="0.5", ls=":", lw=1)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.set(xlabel="combination, from the least determined", ylabel="eigenvalue")
        if not positive.all():
            ax.legend()

    def _draw_combinations(self, ax: Any) -> None:
        """Draw horizontal bars, grouped by coordinate."""
        number, y = len(self.coefficients), np.arange(len(self.names))
        height = 0.8 / max(number, 1)
        self.bars_ = []
        for k, (row, error) in enumerate(zip(self.coefficients, self.errors, strict=True)):
            place = y + (k - 0.5 * (number - 1)) * height
            said = (
                f"{k + 1}: standard error {error:.2g}" if np.isfinite(error) else f"{k + 1}: flat"
            )
            hatch = ("", "//", "..", "xx")[k % 4]
            style = {"color": f"C{k}", "label": said, "hatch": hatch, "edgecolor": "w"}
            self.bars_.append(ax.barh(place, row, height, **style))
        ax.axvline(0.0, color="0.5", lw=0.8)
        ax.set_yticks(y, self.names)
        ax.invert_yaxis()
        ax.set_xlabel("coefficient")
        if number:
            ax.legend()

    @classmethod
    @answers_keywords
    def from_estimator(
        cls,
        estimator: Any,
        *,
        n_combinations: int = 2,
        column: int | str | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> SpectrumDisplay:
        """Draw the information spectrum of a fit. It needs no data.

        Parameters
        ----------
        estimator : NaturalMLE, NaturalRegressor, NaturalClassifier or Pipeline
            Fitted; a pipeline stands for its last step.
        n_combinations : int, default=2
            How many of the least determined combinations have bars; at most all.
        column : int or str, optional
            Which column, by position or by name, if several were fitted separately.
        ax, **kwargs
            As in :meth:`plot`.

        Returns
        -------
        SpectrumDisplay

        Raises
        ------
        ValueError
            If no parameter was estimated, or the column does not exist.
        """
        number = int(check_number(n_combinations, "n_combinations", low=1, integer=True, hint="2"))
        fit = last_step(estimator)
        every = fit.identifiability()
        every = every if isinstance(every, list) else [every]
        names = None if is_regression(fit) else fit._names
        found = every[check_column(column, len(every), names)]
        if not found.combinations:
            raise ValueError(
                "a spectrum needs a parameter that was estimated and rests at no limit, got none; "
                "print identifiability() for what is known"
            )
        ordered = sorted(found.combinations, key=lambda c: c.eigenvalue)
        least = ordered[:number]
        display = cls(
            eigenvalues=np.array([c.eigenvalue for c in ordered]),
            coefficients=np.array([c.coefficients for c in least]),
            errors=np.array([c.standard_error for c in least]),
            names=list(found.names),
        )
        return display.plot(ax, **kwargs)

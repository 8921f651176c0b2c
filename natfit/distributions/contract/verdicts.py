"""What a family knows of its limits: where a fit may start again, and what its end means."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from natfit.rows import Rows

if TYPE_CHECKING:
    from natfit.distributions.contract.regular import Regular


class Verdicts:
    """The part of a distribution that is asked about the end of a fit; all have defaults."""

    #: Optional, of families of positive y: how the density becomes normal as it becomes narrow
    #: (:class:`natfit.distributions.forms.shift.narrow.Narrow`), or what log y is, in words.
    _narrow: Any = None
    _log_name: str | None = None

    #: Of families of positive y: whether every density is highest at its lower end.
    _falls: bool = False

    #: Limits at which one parameter runs to an end of its range once a window cuts the support
    #: (:class:`natfit.distributions.contract.window_ends.End`), and whether counts from 1 on
    #: tend to a log-series as n -> 0.
    _window_ends: tuple = ()
    _log_series: bool = False

    #: Nats per row by which a member at a limit may be less likely than what the limit stands for.
    limit_cost: float = 0.0

    def nested_start(self, rows: Rows) -> np.ndarray | None:
        """Optimum (K,) of a simpler family inside this one, in closed form; None without one.

        A fit that ends at another local maximum, with a lower likelihood, starts again there.

        Returns
        -------
        ndarray of shape (K,) or (M, K), or None
            Its eta as a member of this family, or those of several simpler families.
        """
        return None

    #: Of families in a window: ``_limit_of_intervals(rows)`` returns eta (K,) of the best member
    #: near a limit in the window for rows that are intervals (n, 2), or None.
    _limit_of_intervals: Any = None

    #: Whether :meth:`nested_start` has the limits of the likelihood itself. A wrapper changes the
    #: likelihood, and the limits are looked for in its own.
    knows_limits: bool = True

    #: Whether the family has :meth:`limit_members`.
    has_limit_members: bool = False

    def limit_members(
        self, rows: Rows, eta: np.ndarray, value: Callable[[np.ndarray], float]
    ) -> list[np.ndarray]:
        """Best members at a limit to which a fit that ended at eta (K,) may lead; none by default.

        For limits near which a descent becomes ever slower, or beside which there may be another
        maximum. They are the best ones for the likelihood as it is, with censored rows, windows,
        known values and limits.

        Parameters
        ----------
        rows : Rows
            Exact rows.
        eta : ndarray of shape (K,)
            The end of a fit.
        value : callable
            ``value(eta)`` is the log-likelihood in nats, -inf where it has none.

        Returns
        -------
        list of ndarray of shape (K,)
            A fit starts again at the best one, if that is more likely.
        """
        return []

    def limit_at(self, rows: Rows, eta: np.ndarray) -> str | None:
        """Which limit a fit that ended at eta (K,) has reached, in words; None of another point.

        For limits that no constraint of a single parameter knows, such as the normal distribution
        that a shifted family becomes as its location runs to minus infinity. The words name the
        simpler family and give its parameters; the fit ends as ``boundary``.

        Returns
        -------
        str or None
            The words that follow the status in the message.
        """
        return None

    def regular(self, rows: Rows) -> Regular | None:
        """The same family in coordinates that are regular at its limits, for fits to these rows.

        A fit of a constant model then runs in these coordinates, and its result is published in
        the family's own. None where the family's own coordinates serve.

        Returns
        -------
        natfit.distributions.contract.regular.Regular or None
        """
        return None

    def starts(self, rows: Rows) -> list[np.ndarray]:
        """Further starts (K,), none by default; a fit begins where the best of all leads to."""
        return []

    def alike(self, eta: np.ndarray) -> np.ndarray:
        """An eta (K,) with the same density that is preferred; by default itself."""
        return eta

    @property
    def n_groups(self) -> int:
        """Number of components from which a row may have come; 0 where a family has none."""
        return 0

    def responsibilities(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Probability that each row came from each component, (n, C), where there are some."""
        raise NotImplementedError(f"{type(self).__name__} has no components")

    def interval_responsibilities(
        self, lower: np.ndarray, upper: np.ndarray, eta: np.ndarray
    ) -> np.ndarray:
        """The same for rows of which an interval was seen, (n, C)."""
        raise NotImplementedError(f"{type(self).__name__} has no components")

    def collapsed(self, eta: np.ndarray) -> float:
        """Share of the weight onto which the density has shrunk as far as it may; 0 by default."""
        return 0.0

    def starved(self, eta: np.ndarray, total: float) -> str | None:
        """Which component has no more rows than parameters, in words; None where none has.

        Such a component describes single rows, and the likelihood says nothing of it.

        Parameters
        ----------
        eta : ndarray of shape (K,)
            The end of a fit.
        total : float
            Number of rows, the sum of weights.

        Returns
        -------
        str or None
        """
        return None

    def unnormalised(self, eta: np.ndarray) -> str | None:
        """What the density at eta (K,) adds to if that is not one, in words; None by default.

        For densities that users write: the others are tested to be normalised.

        Returns
        -------
        str or None
        """
        return None

    def no_maximum(self, rows: Rows, eta: np.ndarray) -> str | None:
        """Why the likelihood has no maximum near eta (K,), where a fit ended; None where it has."""
        return None

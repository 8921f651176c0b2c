"""Counts of successes in a known number of trials."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from natfit._validation import check_number
from natfit.distributions.base import Distribution
from natfit.distributions.contract.support import COUNTS, Support
from natfit.rows import Rows


class Trials(Distribution):
    """A family of y = 0, 1, ..., n successes; the number n of trials is known.

    Parameters
    ----------
    n : int
        Number of trials.
    """

    #: The smallest number of trials of which the parameters can be told.
    fewest: ClassVar[int] = 1

    #: An integer once bound, None where it is not given.
    n: Any

    def __init__(self, n: int | None = None):
        self.n = n

    def bind(self, rows: Rows) -> Self:
        """Return the family itself.

        Returns
        -------
        Trials
            The family itself.

        Raises
        ------
        ValueError
            If n is not given or below ``fewest``.
        TypeError
            If n is no integer.
        """
        if self.n is None:
            name = type(self).__name__
            raise ValueError(
                f"n must be the number of trials of {name}, which the data do not tell, got "
                f"None; pass distribution={name}(n=10)"
            )
        check_number(self.n, "n", low=self.fewest, integer=True)
        return self

    @property
    def support(self) -> Support:
        """0, 1, ..., n; all counts before n is given."""
        if self.n is None:
            return COUNTS
        return Support(low=0.0, high=float(self.n), closed=True, integer=True)

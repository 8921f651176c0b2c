"""What families of rows with D columns share: the number D, given or taken from the data."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from natfit._validation import check_number
from natfit.distributions.base import Distribution
from natfit.distributions.contract.checks import check_columns
from natfit.rows import Rows


class Columns(Distribution):
    """A family of rows y (n, D) whose parameters have sizes that follow from D.

    A family that needs more than one column says so by ``_least_dim``, and one whose message
    has other words by ``_unbound``.

    Parameters
    ----------
    dim : int, optional
        D. Without it, :meth:`bind` takes it from the data; before that the family has no
        parameters.
    """

    #: An integer once bound, None before.
    dim: Any

    #: The smallest D.
    _least_dim: ClassVar[int] = 1

    #: What must be known before there are parameters, and how to give it.
    _unbound: ClassVar[str] = "its dimension is known; call bind(y) with data (n, D), or pass dim=D"

    def __init__(self, dim: int | None = None):
        self.dim = dim

    def bind(self, rows: Rows) -> Self:
        """Return the family with D taken from y (n, D).

        Returns
        -------
        Distribution
            A family of the same kind, whose other arguments are the same.

        Raises
        ------
        ValueError
            If y is not (n, D), D is not ``dim``, or the family needs more columns.
        """
        if self.dim is not None:
            check_number(self.dim, "dim", low=self._least_dim, integer=True, hint="dim=None")
        dim = self._count_columns(rows)
        return self if self.dim is not None else self._of_columns(dim)

    def _count_columns(self, rows: Rows) -> int:
        """D of the data, checked."""
        dim = check_columns(rows, self.dim, type(self).__name__, "dim")
        return check_number(
            dim,
            "the number of columns of y",
            low=self._least_dim,
            integer=True,
            hint="an array of shape (N, D), one vector per row",
        )

    def _of_columns(self, dim: int) -> Self:
        """The same family with D columns; one with other arguments passes them on."""
        return type(self)(dim)

    @property
    def event_shape(self) -> tuple:
        """(D,); (None,) before D is known."""
        return (self.dim,)

    def _need_dim(self) -> int:
        """D, or an error that says how to give it."""
        if self.dim is None:
            raise ValueError(f"{type(self).__name__} has no parameters before {self._unbound}")
        return self.dim

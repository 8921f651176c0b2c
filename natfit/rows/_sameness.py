"""What later passes over a stream must have in common with the first one."""

from __future__ import annotations

from typing import NoReturn

from natfit.rows._batches import Piece, n_rows
from natfit.rows._readers import ONCE
from natfit.rows._source import Given


class Passes:
    """What was seen in the first pass, with which later ones are compared.

    Parameters
    ----------
    n : int, optional
        The number of rows, if a pass has counted them.

    Attributes
    ----------
    labels : list of str
        What messages call the pieces.
    """

    def __init__(self, n: int | None = None):
        self.n = n
        self.labels: list[str] = []

    def met(self, index: int, piece: Piece) -> None:
        """Keep what is seen of a piece."""
        if index == len(self.labels):
            self.labels.append(piece.label)

    def ended(self, n: int, more: bool, head: Given | None) -> None:
        """Keep the number of rows of a pass, which must be that of the first one.

        Parameters
        ----------
        n : int
            The rows that were read.
        more : bool
            Whether the pass was left because there were more of them than in the first one.
        head : Given or None
            The first rows, if they were read before.

        Raises
        ------
        ValueError
            If the first pass had another number, or fewer rows are left than were read before.
        """
        if more or (self.n is not None and n != self.n):
            refuse(f"{self.n} rows in the first and {'more' if more else n} in a later one")
        least = 0 if head is None else n_rows(head)
        if n < least:
            refuse(f"{least} rows or more when they were first read and {n} in a later pass")
        self.n = n


def refuse(found: str) -> NoReturn:
    """Raise ValueError for data that change between passes, or can be read only once."""
    raise ValueError(f"data must be the same at every pass, got {found}; {ONCE}")

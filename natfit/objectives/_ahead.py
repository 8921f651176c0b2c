"""Sums over costly rows that come with a pass before they are asked for.

Where a pass over the rows costs more than what it computes, an iteration should make one: the pass
for the value and the gradient brings the curvature along, and one pass serves several trial lengths
of a line search. The parts, the blocks and the order of addition are those of passes of their own,
and so are the bits.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np

from natfit.rows import Rows

#: A part and its arguments.
Call = tuple[Any, ...]

#: Returns the call of what is asked for at a point.
CallOf = Callable[[Any, np.ndarray], Call]

#: Sums that are kept.
_MOST = 16


class Ahead:
    """The sums that the last pass has brought, and what the next one is to bring.

    What was asked for at one point is likely to be asked for at the next one. It comes with the
    passes until it was not asked for at a point to which it had come.

    Parameters
    ----------
    rows : Rows
        The rows.
    """

    def __init__(self, rows: Rows):
        self._rows = rows
        self._found: dict[tuple[Hashable, bytes], Any] = {}
        self._expected: list[Hashable] = []
        self._asked_at: bytes | None = None
        self._brought_to: set[bytes] = set()

    def expect(self, *what: Hashable) -> None:
        """Say what will be asked for at the next point."""
        self._expected, self._asked_at, self._brought_to = list(what), None, set()

    def holds(self, what: Hashable, point: np.ndarray) -> bool:
        """Tell whether a sum at a point is there without a pass."""
        return (what, point.tobytes()) in self._found

    def sum(self, what: Hashable, point: np.ndarray, call_of: CallOf) -> Any:
        """Return a sum at a point, as a pass has brought it or by one of its own.

        Parameters
        ----------
        what : hashable
            What it is.
        point : ndarray
            Where.
        call_of : callable
            ``call_of(what, point)`` returns the part and its arguments.

        Returns
        -------
        The sum, which may be changed.
        """
        key = what, point.tobytes()
        if key not in self._found:
            while len(self._found) >= _MOST:
                del self._found[next(iter(self._found))]
            self._found[key] = self._rows.sum(*call_of(what, point))
        return _own(self._found[key])

    def asked(self, what: Hashable, point: np.ndarray, call_of: CallOf) -> Any:
        """Return :meth:`sum`, and expect that it is asked for at the next point, too.

        Returns
        -------
        The sum, which may be changed.
        """
        if point.tobytes() != self._asked_at:
            self._expected, self._asked_at = [], point.tobytes()
        if what not in self._expected:
            self._expected.append(what)
        return self.sum(what, point, call_of)

    def first(self, what: Hashable, point: np.ndarray, call_of: CallOf) -> Any:
        """Return :meth:`sum` of what is asked for first at every point, with what is expected next.

        Returns
        -------
        The sum, which may be changed.
        """
        if not self.holds(what, point):
            if self._brought_to and self._asked_at not in self._brought_to:
                self._expected = []
            self.bring(what, [point], call_of)
        return _own(self._found[what, point.tobytes()])

    def bring(
        self, what: Hashable, points: Sequence[np.ndarray], call_of: CallOf, alone: bool = False
    ) -> None:
        """Make one pass for a sum at some points; what other passes have brought is forgotten.

        Parameters
        ----------
        what : hashable
            What it is.
        points : sequence of ndarray
            Where.
        call_of : callable
            As for :meth:`sum`.
        alone : bool
            Whether to leave out what is expected to be asked for there.

        Raises
        ------
        ValueError
            If the sum has no value there, as that of quadratures without accuracy.
        """
        expected = [] if alone else self._expected
        try:
            self._found = self._brought([what, *expected], points, call_of)
        except ValueError:
            if not expected:
                raise
            # What is only expected may have no value there, of which its own pass will tell.
            expected = []
            self._found = self._brought([what], points, call_of)
        self._brought_to = {point.tobytes() for point in points} if expected else set()

    def _brought(
        self, what: list[Hashable], points: Sequence[np.ndarray], call_of: CallOf
    ) -> dict[tuple[Hashable, bytes], Any]:
        # One point after the other: a forward pass that is kept with rows serves all that is there.
        keys = {(w, point.tobytes()): call_of(w, point) for point in points for w in what}
        return dict(zip(keys, self._rows.sums(*keys.values()), strict=True))


def _own(value: Any) -> Any:
    """Return a copy of arrays and of tuples of them."""
    if isinstance(value, tuple):
        return tuple(map(_own, value))
    return value.copy() if isinstance(value, np.ndarray) else value

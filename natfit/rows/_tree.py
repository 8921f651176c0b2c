"""Sums whose order of addition depends only on the positions of the rows."""

from __future__ import annotations

from typing import Any

#: Number of neighbours that form one node of the next level.
FAN_IN = 8


class Tree:
    """The sum of parts that arrive in order; eight neighbours, from left to right, form a node.

    It holds one partial sum per level, however many parts there are. Up to eight parts are added
    from left to right.
    """

    def __init__(self) -> None:
        #: For each level, the number of nodes in its partial sum, and this sum.
        self._levels: list[tuple[int, Any]] = []

    def add(self, part: Any, level: int = 0) -> None:
        """Append a node of a level; 0 is a leaf, 1 the sum of eight leaves.

        A node of a level above 0 may be added only if no node of a lower level is incomplete.
        """
        while True:
            if level >= len(self._levels):
                self._levels += [(0, None)] * (level + 1 - len(self._levels))
            count, total = self._levels[level]
            total = part if count == 0 else plus(total, part)
            if count + 1 < FAN_IN:
                self._levels[level] = count + 1, total
                return
            self._levels[level] = 0, None
            part, level = total, level + 1

    def total(self) -> Any:
        """Return the sum of all parts, including incomplete nodes; None without parts."""
        carry: Any = None
        for count, total in self._levels:
            if count:
                carry = total if carry is None else plus(total, carry)
        return carry


def plus(a: Any, b: Any) -> Any:
    """Return the sum of two values; tuples are added item by item, and None adds nothing."""
    if a is None or b is None:
        return b if a is None else a
    if isinstance(a, tuple):
        return tuple(plus(x, y) for x, y in zip(a, b, strict=True))
    return a + b

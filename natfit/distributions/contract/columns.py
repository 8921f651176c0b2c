"""Words about columns of data, which have numbers in a family and names where the data have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class OfColumns(str):
    """A message whose parts may be columns, by number; :meth:`named` puts their names in.

    A family knows no names: whoever publishes its message does.

    Parameters
    ----------
    *parts : str, int or list of int
        Words, and columns or lists of columns between them.
    """

    parts: tuple[Any, ...]

    def __new__(cls, *parts: Any) -> OfColumns:
        """Join the parts, with columns by their numbers."""
        made = super().__new__(cls, "".join(str(part) for part in parts))
        made.parts = parts
        return made

    def __getnewargs__(self) -> tuple[Any, ...]:
        """Return the parts, of which a pickle makes it again."""
        return self.parts

    def named(self, names: Sequence[str]) -> str:
        """Return the message with the names of the columns in place of their numbers."""

        def shown(part: Any) -> str:
            if isinstance(part, list):
                return str([str(names[j]) for j in part])
            return part if isinstance(part, str) else repr(str(names[part]))

        return "".join(shown(part) for part in self.parts)

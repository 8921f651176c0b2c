"""Messages of errors, which say in which rows and batches, or in which partition, they arose."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

#: A row, as messages write it.
_ROW = re.compile(r"\brow (\d+)\b")


def named(error: BaseException, where: str, start: int | None = None) -> Exception:
    """Return an error of the same kind whose message begins with a place.

    Parameters
    ----------
    error : BaseException
        What was raised.
    where : str
        The place, "" for none.
    start : int, optional
        The place among all rows of row 0 of the message, which is counted from it then.

    Returns
    -------
    Exception
    """
    words = str(error.args[0] if isinstance(error, KeyError) and error.args else error)
    if start is not None:
        words = _ROW.sub(lambda found: f"row {start + int(found[1])}", words)
    for kind in (TypeError, OSError, MemoryError):
        if isinstance(error, kind):
            return kind(f"{where}: {words}" if where else words)
    if isinstance(error, ValueError | KeyError):
        return ValueError(f"{where}: {words}" if where else words)
    return RuntimeError(f"{where}: {type(error).__name__}: {words}")


class Naming:
    """Lets errors of a block of code name a piece in their messages, and marks them as natfit's.

    A row of the piece that a message names is named among all rows, and where there is none the
    message ends with the piece. An error keeps its kind, unless its message cannot be changed.

    Parameters
    ----------
    piece : str
        What messages call the piece.
    row : callable
        ``row(k)`` returns what messages call row k of the piece, None if it has no such row.
    """

    def __init__(self, piece: str, row: Callable[[int], str | None]):
        self.piece = piece
        self.row = row

    def __enter__(self) -> None:
        """Return None: the block needs nothing."""

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        """Name the piece in an error that was raised in the block and names none yet."""
        if not isinstance(error, Exception) or is_named(error):
            return
        if isinstance(error, MemoryError):
            error.add_note(f"in {self.piece}")
            return
        words = self._words(str(error) or type(error).__name__)
        args, error.args = error.args, (words,)
        error._natfit_named = True  # type: ignore[attr-defined]
        if len(args) > 1 or str(error) != words:
            # Its message is made of parts, as that of KeyError.
            error.args = args
            found = named(error, "")
            found.args = (self._words(str(found)),)
            found._natfit_named = True  # type: ignore[attr-defined]
            raise found from error

    def _words(self, text: str) -> str:
        """Return a message that names the piece."""
        if self.piece in text:
            return text
        with_row = _ROW.sub(lambda found: self.row(int(found[1])) or found[0], text)
        return with_row if with_row != text else f"{text} (in {self.piece})"


def is_named(error: BaseException) -> bool:
    """Tell whether an error names the piece in which it arose."""
    return bool(getattr(error, "_natfit_named", False))

"""What later passes over a stream must have in common with the first one."""

from __future__ import annotations

import datetime
import zlib
from typing import Any, NoReturn

import numpy as np
from scipy import sparse

from natfit._numbers import is_frame, is_series
from natfit.rows._batches import NAMES, Piece, cut_out, is_rows, n_rows
from natfit.rows._readers import ONCE
from natfit.rows._source import Given

#: Rows of a piece that are compared, most numbers of each part that are kept, and how far these may
#: differ, as a share of the sum of absolute values: sums of many threads differ in their last bits.
_ROWS, _KEPT, _SHARE = 256, 256, 1e-6

#: Weights of the rows that are compared, so that an exchange of two of them shows.
_WEIGHTS = np.random.default_rng(0).uniform(1.0, 2.0, _ROWS)

#: What stands for NaN, and the largest size of a number.
_NAN, _MOST = 0.7, 1e290


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
        self.sums: list[np.ndarray] = []

    def met(self, index: int, piece: Piece, head: Given | None) -> None:
        """Compare a piece with what the first pass saw of it, and keep this in the first pass.

        Parameters
        ----------
        index : int
            The number of the piece.
        piece : Piece
            The piece.
        head : Given or None
            The first rows, if they were read before.

        Raises
        ------
        ValueError
            If its rows are others.
        """
        found, sizes = sums_of(piece.given)
        if index < len(self.sums):
            if not _close(found, self.sums[index], sizes):
                refuse(f"other rows in {piece.label}, than in the first pass; {_SEED}")
            return
        if head is not None and index == 0:
            n = min(n_rows(head), piece.n)
            first, widths = sums_of(_first(piece.given, n))
            if not _close(first, sums_of(_first(head, n))[0], widths):
                refuse(f"other rows in {piece.label}, than when they were first read; {_SEED}")
        self.labels.append(piece.label)
        self.sums.append(found)

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


#: What to do about batches that are drawn anew.
_SEED = "a function that draws rows must make its generator anew, with a seed, at every call"


def _first(given: Given, n: int) -> Given:
    return Given(*(cut_out(getattr(given, name), 0, n, False) for name in NAMES))


def _close(found: np.ndarray, earlier: np.ndarray, sizes: np.ndarray) -> bool:
    """Tell whether sums agree up to rounding."""
    return found.shape == earlier.shape and bool(np.all(np.abs(found - earlier) <= _SHARE * sizes))


def sums_of(given: Given) -> tuple[np.ndarray, np.ndarray]:
    """Return weighted sums of a few rows of a piece by columns, and those of absolute values.

    The rows are at even distances, so that rows of another file, other random numbers and another
    order show, at a cost that does not grow with the piece.

    Parameters
    ----------
    given : Given
        The rows.

    Returns
    -------
    sums, sizes : ndarray of shape (K,)
        At most 256 of each part: those of columns at a distance of 256 are added.
    """
    n = n_rows(given)
    places = np.linspace(0, n - 1, min(n, _ROWS)).astype(np.intp)
    weights = _WEIGHTS[: len(places)]
    found: list[np.ndarray] = []
    sizes: list[np.ndarray] = []
    for part in (getattr(given, name) for name in NAMES):
        if part is not None:
            table = _table(part, places)
            found.append(_folded(weights @ table))
            sizes.append(_folded(weights @ abs(table)))
    return np.concatenate(found), np.concatenate(sizes)


def _folded(sums: np.ndarray) -> np.ndarray:
    if len(sums) <= _KEPT:
        return sums
    return np.bincount(np.arange(len(sums)) % _KEPT, sums)


def _table(part: Any, places: np.ndarray) -> Any:
    """Return some rows of a part as finite numbers (n, D); texts by their checksums."""
    if sparse.issparse(part):
        found = part[places]
        found.data = _finite(found.data)
        return found
    rows = part.rows if is_rows(part) else part
    rows = rows.iloc[places] if hasattr(rows, "iloc") else rows[places]
    values = rows.to_numpy() if is_frame(rows) or is_series(rows) else np.asarray(rows)
    if values.dtype.kind in "mM":
        values = values.view(np.int64)
    elif values.dtype.kind not in "fiub":
        values = np.array([_number(value) for value in values.ravel()]).reshape(values.shape)
    return _finite(values.reshape(len(places), -1))


def _finite(values: np.ndarray) -> np.ndarray:
    found = np.nan_to_num(values.astype(np.float64), nan=_NAN, posinf=_MOST, neginf=-_MOST)
    return np.clip(found, -_MOST, _MOST)


def _number(value: Any) -> float:
    """Return a number for a value that may be none."""
    if isinstance(value, str | bytes | datetime.date | datetime.timedelta):
        return zlib.crc32(value if isinstance(value, bytes) else str(value).encode()) / 2.0**32
    try:
        return float(value)
    except (TypeError, ValueError):
        # Others may be written in another way at every pass.
        return zlib.crc32(type(value).__name__.encode()) / 2.0**32

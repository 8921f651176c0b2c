"""The contract of rows: where data live, and the only loops over them.

A pass over the data is a function of one block of rows, called a part, that is summed or mapped
over all blocks::

    def squares(block, centre):
        return np.square(block.y - centre).sum()

    rows.sum(squares, 3.0)

A part is a module-level function or a method of a component. It travels to where the rows are,
the rows do not travel to it: neither a part nor its arguments hold data. What a part returns is
a number, an array, or a tuple of these, or anything else that adds.

Sums run over a fixed tree. Its leaves are chunks of 16,384 rows, cut by position; eight
neighbours, added from left to right, are one node of the next level. Who adds them, and in which
order parts arrive, changes no bit of a result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from natfit._component import Component
from natfit.numerics.threads import one_thread
from natfit.rows._tree import FAN_IN, Tree

#: What is called on a block: ``part(block, *args)``.
Part = Callable[..., Any]

#: Rows per chunk: its temporaries stay in a core's cache, and limit the memory of every pass.
#: Measured: half the time of one sweep for Student-t's score at 1e6 rows.
CHUNK = 16_384

#: Rows that share a generator; draws depend on the block of 1,024, never on the chunk.
BLOCK = 1_024

#: Rows up to which chunks keep what a pass leaves with them (:attr:`Block.kept`).
KEEP = 16 * CHUNK


@dataclass(frozen=True, slots=True)
class Block:
    """Neighbouring rows, as a part receives them; nothing in it may be changed.

    Attributes
    ----------
    y : ndarray of shape (n,) or (n, D)
        The data. Of several chunks each is contiguous, in C order.
    X : ndarray or sparse array of shape (n, ...), or None
        What a model maps.
    weight : ndarray of shape (n,) or None
        Repetitions of each row, all positive; None is one each.
    offset : ndarray of shape (n,) or (n, K), or None
        What is added to a model's eta.
    start : int
        Index of the first row among all.
    extra : tuple of ndarray
        Further columns that an objective joined, (n,) each.
    kept : dict or None
        Where the rows stay in one place and are few: what one pass leaves for the next, such as
        a forward pass. Results must not depend on it.
    """

    y: Any
    X: Any = None
    weight: np.ndarray | None = None
    offset: np.ndarray | None = None
    start: int = 0
    extra: tuple[Any, ...] = ()
    kept: dict[str, Any] | None = None

    @property
    def n(self) -> int:
        """The number n of rows in this block."""
        return len(self.y)


class Rows(Component):
    """Base of all kinds of rows.

    A kind says which data it takes (:meth:`accepts`) and calls parts where the rows are
    (``_values``); the answers are the same for every kind.

    Attributes
    ----------
    order : int
        Kinds of lower order are asked first whether they accept data.
    chunk : int or None
        Rows per chunk, rounded up to whole blocks of 1,024; None is :data:`CHUNK`.
    """

    _package = "natfit.rows"
    # Rows are made from data, by ``of``.
    _by_name = False
    order: ClassVar[int] = 0

    chunk: int | None

    @classmethod
    def accepts(cls, y: Any, X: Any, n_jobs: int | None) -> bool:
        """Whether this kind takes such data, for ``n_jobs`` processes."""
        raise NotImplementedError

    @classmethod
    def of(
        cls,
        y: Any,
        X: Any = None,
        weight: Any = None,
        offset: Any = None,
        n_jobs: int | None = None,
    ) -> Rows:
        """Rows of this kind; those of weight zero are not among them."""
        raise NotImplementedError

    @property
    def n(self) -> int:
        """Number of rows N."""
        raise NotImplementedError

    @property
    def total(self) -> float:
        """Sum of weights W; N without weights."""
        raise NotImplementedError

    @property
    def n_features(self) -> int:
        """Columns of X, D; 0 without X."""
        raise NotImplementedError

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of one y: () or (D,)."""
        raise NotImplementedError

    def few(self, most: int = 256) -> Block:
        """Return at most ``most`` rows, spread over all of them by :func:`subsample`."""
        raise NotImplementedError

    def block(self, start: int, stop: int) -> Block:
        """Return the rows from ``start`` to ``stop``, for a few of them."""
        raise NotImplementedError

    def row(self, index: int) -> Block:
        """Return one row, such as the one that a message names."""
        return self.block(index, index + 1)

    def joined(self, *columns: np.ndarray) -> Rows:
        """Return the same rows with further columns (N,) each, which blocks have in ``extra``."""
        raise NotImplementedError

    def cut(self, chunk: int | None) -> Rows:
        """Return the same rows in chunks of another size."""
        raise NotImplementedError

    def holding(self, y: Any, X: Any = None, weight: Any = None, offset: Any = None) -> Rows:
        """Return rows of the same kind and options that hold other arrays."""
        raise NotImplementedError

    def reference(self) -> Any:
        """What a worker finds the rows by; None where parts are called in this process."""
        return None

    @property
    def single(self) -> bool:
        """Whether all rows are one chunk in this process: a sum is then one call of the part."""
        return self._alone is not None

    @property
    def _alone(self) -> Block | None:
        """All rows as one block, where they are one chunk that is in this process."""
        return None

    def _values(self, part: Part, args: tuple[Any, ...], size: int) -> Iterator[tuple[int, Any]]:
        """Yield (start, value) of a part on every chunk of ``size`` rows, in order."""
        raise NotImplementedError

    # ------------------------------------------------------------------------- the answers

    @property
    def chunk_size(self) -> int:
        """Rows per chunk, whole blocks."""
        return CHUNK if self.chunk is None else -(-max(int(self.chunk), 1) // BLOCK) * BLOCK

    def sum(self, part: Part, *args: Any, wide: bool = False) -> Any:
        """Sum a part over all rows.

        Parameters
        ----------
        part : callable
            ``part(block, *args)`` returns the block's share: a number, an array, a tuple of
            these, or anything else that adds; None is nothing.
        *args
            What else it takes; no data.
        wide : bool
            Whether a block is eight chunks: for parts that cost less than calling them.

        Returns
        -------
        The sum, of the form that ``part`` returns.
        """
        if self._alone is not None:
            return part(self._alone, *args)
        tree = Tree()
        size = self.chunk_size * (FAN_IN if wide else 1)
        with one_thread():
            for _, value in self._values(part, args, size):
                tree.add(value)
        return tree.total()

    def map(self, part: Part, *args: Any) -> np.ndarray:
        """Row values (N,) or (N, ...) of a part that returns those of its block."""
        if self._alone is not None:
            return np.asarray(part(self._alone, *args))
        out: np.ndarray | None = None
        with one_thread():
            for start, value in self._values(part, args, self.chunk_size):
                value = np.asarray(value)
                if out is None:
                    out = np.empty((self.n, *value.shape[1:]), dtype=value.dtype)
                out[start : start + len(value)] = value
        return np.empty(0) if out is None else out

    def first(self, bad: Part, *args: Any) -> int | None:
        """Index of the first row for which ``bad(block, *args)``, (n,) bool, holds, or None."""
        with one_thread():
            for start, mask in self._values(bad, args, self.chunk_size):
                if np.any(mask):
                    return start + int(np.argmax(mask))
        return None

    def extent(self) -> tuple[Any, Any]:
        """Smallest and largest y, of every column where there are several; NaN where one is.

        The data are read once for it: families ask several times.

        Returns
        -------
        low, high : float or ndarray of shape (D,)
        """
        found: Extent | None = self.__dict__.get("_extent")
        if found is None:
            found = self.__dict__["_extent"] = self.sum(_extent_part, wide=True)
        return found.low, found.high


@dataclass(frozen=True)
class Extent:
    """Smallest and largest value, of each column where there are several; NaN where one is."""

    low: Any
    high: Any

    def __add__(self, other: Extent) -> Extent:
        """The smallest and largest value of both extents together."""
        return Extent(np.minimum(self.low, other.low), np.maximum(self.high, other.high))


def _extent_part(block: Block) -> Extent:
    """Extent of the block's y."""
    return Extent(block.y.min(axis=0), block.y.max(axis=0))

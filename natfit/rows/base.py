"""The contract of rows, which hold the data and contain the only loops over them.

A pass over the data is a function of one block of rows, called a part, that is summed or mapped
over all blocks::

    def squares(block, centre):
        return np.square(block.y - centre).sum()

    rows.sum(squares, 3.0)

A part is a module-level function or a method of a component. It is sent to where the rows are, and
the rows are not sent to it: neither a part nor its arguments hold data. A part returns a number, an
array, a tuple of these, or anything else that can be added.

Sums run over a fixed tree. Its leaves are chunks of 16,384 rows, cut by position; eight
neighbours, added from left to right, form one node of the next level. The results are therefore
the same bits, whichever process adds and in whichever order the parts arrive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from natfit._component import Component
from natfit.numerics.threads import one_thread
from natfit.rows._draws import strata
from natfit.rows._tree import FAN_IN, Tree

#: A function that is called on a block: ``part(block, *args)``.
Part = Callable[..., Any]

#: Rows per chunk. The temporary arrays of a chunk stay in a core's cache, and the memory of a pass
#: is limited. Measured: half the time of one sweep over 1e6 rows for the score of Student-t.
CHUNK = 16_384

#: Number of rows that share a generator: draws depend on these blocks, and not on chunks.
BLOCK = 1_024

#: Maximum number of rows with which chunks keep what a pass leaves (:attr:`Block.kept`).
KEEP = 16 * CHUNK


@dataclass(frozen=True, slots=True)
class Block:
    """Neighbouring rows, as a part receives them; nothing in it may be changed.

    Attributes
    ----------
    y : ndarray of shape (n,) or (n, D)
        The data; if there are several chunks, each is contiguous, in C order.
    X : ndarray or sparse array of shape (n, ...), or None
        The features that a model maps.
    weight : ndarray of shape (n,) or None
        Repetitions of each row, all positive; None means that every row counts once.
    offset : ndarray of shape (n,) or (n, K), or None
        Numbers that are added to a model's eta.
    start : int
        Index of the block's first row among all rows.
    extra : tuple of ndarray
        Further columns that an objective has joined, (n,) each.
    kept : dict or None
        What one pass leaves for the next, such as a forward pass, if the rows are few and stay in
        one process. Results must not depend on it.
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

    A kind of rows says which data it takes (:meth:`accepts`) and calls parts where the rows are
    (``_values``). The results are the same for every kind.

    Attributes
    ----------
    order : int
        Kinds of lower order are asked first whether they accept the data.
    chunk : int or None
        Rows per chunk, rounded up to whole blocks of 1,024 rows; None means :data:`CHUNK`.
    """

    _package = "natfit.rows"
    # Rows are made from data, by ``of``.
    _by_name = False
    order: ClassVar[int] = 0

    #: Whether a pass costs far more than a few operations on each row, as one over rows in files or
    #: on other machines: what will be asked next is then computed in the pass before.
    costly: ClassVar[bool] = False

    chunk: int | None

    @property
    def notes(self) -> list[str]:
        """What befell the rows since they were made and did not change results, in sentences."""
        return []

    @classmethod
    def accepts(cls, y: Any, X: Any, n_jobs: int | None) -> bool:
        """Tell whether this kind takes such data, for ``n_jobs`` processes."""
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
        """Return rows of this kind, without those of weight zero."""
        raise NotImplementedError

    @classmethod
    def found_in(cls, given: Any) -> Any:
        """Return where the pieces of some data are, if this kind has their containers, else None.

        Parameters
        ----------
        given : Given
            What was passed to an estimator; see :class:`natfit.rows.Source`.

        Returns
        -------
        Source or None
        """
        return None

    @property
    def n(self) -> int:
        """Number of rows N."""
        raise NotImplementedError

    @property
    def total(self) -> float:
        """Sum W of the weights; N without weights."""
        raise NotImplementedError

    @property
    def n_features(self) -> int:
        """Number of columns D of X; 0 without X."""
        raise NotImplementedError

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of one y: () or (D,)."""
        raise NotImplementedError

    def few(self, most: int = 256) -> Block:
        """Return at most ``most`` rows, spread over all of them by :func:`subsample`."""
        raise NotImplementedError

    def glance(self) -> Block:
        """Return some rows: those of :meth:`few`, or the first where these cost a pass."""
        return self.few()

    def block(self, start: int, stop: int) -> Block:
        """Return the rows from ``start`` to ``stop``; for a few rows only."""
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

    def changed(self) -> None:
        """Note that arrays hold other numbers; there is nothing to do where no pass leaves any."""

    def holding(self, y: Any, X: Any = None, weight: Any = None, offset: Any = None) -> Rows:
        """Return rows of the same kind and options that hold other arrays."""
        raise NotImplementedError

    def take(self, index: np.ndarray) -> Rows:
        """Return some rows by their indices, in C order; for rows that can be read in any order."""
        raise ValueError(
            "batch_size and early_stopping need rows that can be read in any order, got "
            f"{type(self).__name__}; use all rows at once, or arrays"
        )

    def batches(self, size: int, rng: np.random.Generator) -> Iterator[Rows]:
        """Yield rows (n,) in this process, which together are all rows once, in random order.

        The default takes the rows of a permutation. Kinds that cannot read rows in any order
        yield blocks of neighbouring rows.

        Parameters
        ----------
        size : int
            About the number n of rows of a batch: batches are of nearly equal size.
        rng : numpy.random.Generator
            The generator, on which alone the order depends.

        Yields
        ------
        Rows
            The rows of one batch, which are read when it is its turn.
        """
        for index in np.array_split(rng.permutation(self.n), max(1, round(self.n / size))):
            yield self.take(index)

    def held_out(
        self, most: int, rng: np.random.Generator, stratify: bool = False
    ) -> tuple[Rows, Rows]:
        """Return the rows that remain and about ``most`` rows that are set apart.

        The default draws the rows. Kinds that cannot read rows in any order set them apart by
        position.

        Parameters
        ----------
        most : int
            Number of rows, 1 <= most < N.
        rng : numpy.random.Generator
            The generator, on which alone the choice depends.
        stratify : bool
            Whether y are classes, of each of which the same share is set apart.

        Returns
        -------
        kept, held : Rows

        Raises
        ------
        ValueError
            If no class has two rows, or rows can neither be taken nor set apart.
        """
        if stratify:
            held = strata(self.block(0, self.n).y, most, rng)
        else:
            held = rng.permutation(self.n)[:most]
        kept = np.setdiff1d(np.arange(self.n), held)
        return self.take(kept), self.take(np.sort(held))

    def reference(self) -> Any:
        """What tells a worker where the rows are; None if parts are called in this process."""
        return None

    @property
    def here(self) -> bool:
        """Whether parts are called in this process."""
        return self.reference() is None

    @property
    def single(self) -> bool:
        """Whether all rows are one chunk in this process, so that a sum is one call of the part."""
        return self._alone is not None

    @property
    def _alone(self) -> Block | None:
        """All rows as one block if they are one chunk in this process, else None."""
        return None

    def _values(self, part: Part, args: tuple[Any, ...], size: int) -> Iterator[tuple[int, Any]]:
        """Yield (start, value) of a part on every chunk of ``size`` rows, in order."""
        raise NotImplementedError

    # ------------------------------------------------------------------------- the answers

    @property
    def chunk_size(self) -> int:
        """Rows per chunk, a whole number of blocks."""
        return CHUNK if self.chunk is None else -(-max(int(self.chunk), 1) // BLOCK) * BLOCK

    def sum(self, part: Part, *args: Any, wide: bool = False) -> Any:
        """Return the sum of a part over all rows.

        Parameters
        ----------
        part : callable
            ``part(block, *args)`` returns the value of one block: a number, an array, a tuple of
            these, or anything else that can be added; None adds nothing.
        *args
            Further arguments, which must not hold data.
        wide : bool
            Whether blocks of eight chunks are used, for parts that cost less than a call.

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

    def sums(self, *calls: tuple[Any, ...], wide: bool = False) -> tuple[Any, ...]:
        """Return the sums of several parts by one pass, the same bits as by a pass for each.

        Parameters
        ----------
        *calls : tuple
            ``(part, *args)`` of each, as for :meth:`sum`.
        wide : bool
            As for :meth:`sum`.

        Returns
        -------
        tuple
            One sum for each call; None for a call whose parts all were.
        """
        found: tuple[Any, ...] | None = self.sum(_together, *calls, wide=wide)
        return (None,) * len(calls) if found is None else found

    def map(self, part: Part, *args: Any) -> np.ndarray:
        """Return row values (N,) or (N, ...) of a part that returns those of its block."""
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

    def each(self, call: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        """Return ``call(item)`` for each item, in order; processes share the calls."""
        return [call(item) for item in items]

    def first(self, bad: Part, *args: Any) -> int | None:
        """Return the index of the first row for which ``bad(block, *args)``, (n,) bool, is True."""
        with one_thread():
            for start, mask in self._values(bad, args, self.chunk_size):
                if np.any(mask):
                    return start + int(np.argmax(mask))
        return None

    def extent(self) -> tuple[Any, Any]:
        """Return the smallest and the largest y of each column; NaN if one of its values is NaN.

        The data are read once for it, and the result is kept for families that need it again.

        Returns
        -------
        low, high : float or ndarray of shape (D,)
        """
        found: Extent | None = self.__dict__.get("_extent")
        if found is None:
            found = self.__dict__["_extent"] = self.sum(_extent_part, wide=True)
        return found.low, found.high

    def whole(self) -> bool | None:
        """Tell whether all y are whole numbers; None if that is not known without a pass."""
        return None


@dataclass(frozen=True)
class Extent:
    """The smallest and the largest value of each column; NaN if one of its values is NaN."""

    low: Any
    high: Any

    def __add__(self, other: Extent) -> Extent:
        """Return the smallest and the largest value of both extents together."""
        return Extent(np.minimum(self.low, other.low), np.maximum(self.high, other.high))


def whole(y: np.ndarray) -> bool:
    """Tell whether all of y are whole numbers, chunk by chunk up to the first that are not."""
    chunks = (y[i : i + CHUNK] for i in range(0, len(y), CHUNK))
    return all(np.array_equal(part, np.floor(part)) for part in chunks)


def _together(block: Block, *calls: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the values of several parts, ``(part, *args)`` each, on one block."""
    return tuple(part(block, *args) for part, *args in calls)


def _extent_part(block: Block) -> Extent:
    """Return the extent of a block's y."""
    return Extent(block.y.min(axis=0), block.y.max(axis=0))

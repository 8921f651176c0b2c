"""Where the pieces of rows are, and what was given of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from natfit.rows._tree import Tree

if TYPE_CHECKING:
    from natfit.rows._pieces import Pieces

#: A function from what was given of a piece to its columns (y, X, weight, offset).
Read = Callable[["Given"], tuple[Any, Any, Any, Any]]


@dataclass(frozen=True)
class Given:
    """What was given of the rows of one piece, in the containers in which it came.

    Attributes
    ----------
    X, y, sample_weight, offset, exposure
        As the arguments of ``fit`` of an estimator; None for what was not given.
    """

    X: Any = None
    y: Any = None
    sample_weight: Any = None
    offset: Any = None
    exposure: Any = None


@dataclass(frozen=True)
class Deferred:
    """A container that is made of others, piece by piece: ``make(*parts, **options)``.

    Attributes
    ----------
    make : callable
        A module-level function, or a method of a class.
    parts : tuple
        Containers whose rows are in pieces, and other values, which all pieces get as they are.
    options : dict
        Further arguments, of either kind.
    """

    make: Callable[..., Any]
    parts: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)


class Source:
    """Where pieces are, and how a function is brought to them.

    A kind of source writes :meth:`each` and :meth:`one`. What is brought is a module-level function
    or a partial of one; neither it nor its arguments hold rows.
    """

    def each(self, call: Callable[..., Any], arguments: Any = ()) -> Iterator[Any]:
        """Yield ``call(index, given, *own)`` of each piece, in order; given is None if it is empty.

        Parameters
        ----------
        call : callable
            A module-level function or a partial of one.
        arguments : sequence of tuple
            The arguments ``own`` of each piece; () if no piece has any.

        Yields
        ------
        object
            What the call returned.
        """
        raise NotImplementedError

    def one(self, index: int, call: Callable[..., Any]) -> Any:
        """Return ``call(index, given)`` of one piece."""
        raise NotImplementedError

    def total(self, call: Callable[..., Any], arguments: Any = ()) -> Any:
        """Return the sum of what :meth:`each` yields, by the tree."""
        tree = Tree()
        for value in self.each(call, arguments):
            tree.add(value)
        return tree.total()

    def sizes(self) -> list[int] | None:
        """Return the number of rows of each piece as it was given, None if it is not known yet."""
        return None

    @property
    def stride(self) -> int:
        """How far apart the first rows of two pieces are taken to be until rows are counted."""
        return 1 << 40

    @property
    def notes(self) -> list[str]:
        """What befell the pieces and did not change results, in sentences."""
        return []

    def label(self, index: int) -> str:
        """Return what messages call a piece."""
        return f"piece {index}"

    def lazily(self, call: Callable[..., Any]) -> Any:
        """Return ``call(index, given)`` of all pieces, a container that computes when asked."""
        raise NotImplementedError

    def rows(self, read: Read) -> Pieces:
        """Return the rows of the source as the kind that belongs to it."""
        from natfit.rows._pieces import Pieces

        return Pieces(self, read)

    def head(self) -> Given:
        """Return what was given of the first rows of the first piece that has some."""
        raise NotImplementedError

    def cut(self, chunk: int) -> Source:
        """Return the same rows in other pieces, where they belong to chunks of a size."""
        return self

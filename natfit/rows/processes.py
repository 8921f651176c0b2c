"""Rows that several processes share, each of which reads its own part."""

from __future__ import annotations

import mmap
import os
import pickle
import shutil
import tempfile
import uuid
import weakref
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import joblib
import numpy as np
from scipy import sparse

from natfit.numerics.threads import one_thread
from natfit.rows._tree import FAN_IN, Tree
from natfit.rows.base import CHUNK, Part
from natfit.rows.memory import Memory, example, weighted

#: A function that a worker calls on its leaves: ``run(rows, part, args, size, first, last)``.
Run = Callable[..., Iterator[tuple[int, Any]]]

#: Number of stores of rows that a worker holds open: those of the latest fits.
_OPEN: dict[_Store, Memory] = {}
_MOST_OPEN = 8


class Processes(Memory):
    """Arrays that the workers of joblib read, each of them its share of the chunks.

    The arrays are written to a temporary folder once, unless they are memory-mapped files already.
    A task holds the names of the files, a part and its arguments, and no rows. Rows that are one
    chunk stay in this process. The results are those of :class:`natfit.rows.memory.Memory`, bit for
    bit, for any number of processes.

    A pass costs about 10 ms beyond its work, so that several processes are worth it from about a
    million rows on.

    Parameters
    ----------
    y, X, weight, offset, extra, chunk
        As for :class:`natfit.rows.memory.Memory`.
    n_jobs : int, optional
        Number of processes; -1 is one per core, and None is one unless joblib is configured
        otherwise.
    """

    order = 50

    def __init__(
        self,
        y: Any,
        X: Any = None,
        weight: np.ndarray | None = None,
        offset: np.ndarray | None = None,
        extra: tuple[Any, ...] = (),
        chunk: int | None = None,
        n_jobs: int | None = None,
    ):
        super().__init__(y, X, weight, offset, extra, chunk)
        self.n_jobs = n_jobs

    @classmethod
    def accepts(cls, y: Any, X: Any, n_jobs: int | None) -> bool:
        """Tell whether the arrays are more than one chunk and there is more than one process."""
        return len(y) > CHUNK and joblib.effective_n_jobs(n_jobs) > 1

    @classmethod
    def of(
        cls,
        y: Any,
        X: Any = None,
        weight: Any = None,
        offset: Any = None,
        n_jobs: int | None = None,
    ) -> Processes:
        """Return the rows of arrays, without those of weight zero."""
        return cls(*weighted(y, X, weight, offset), n_jobs=n_jobs)

    @classmethod
    def examples(cls) -> list[Processes]:
        """Return rows for one, two and three processes."""
        return [cls(*example(), n_jobs=n) for n in (1, 2, 3)]

    @cached_property
    def _folder(self) -> _Folder:
        return _Folder()

    @cached_property
    def _store(self) -> _Store:
        place = self._folder.place
        columns = tuple(place(a) for a in (self.y, self.X, self.weight, self.offset))
        extra = tuple(place(a) for a in self.extra)
        return _Store(self._folder.key, columns, extra, self.chunk_size)

    def reference(self) -> Any:
        """The files that hold the rows."""
        return self._store

    @property
    def costly(self) -> bool:  # type: ignore[override]  # the number of processes decides
        """Whether a pass is sent to other processes."""
        return self._alone is None and joblib.effective_n_jobs(self.n_jobs) > 1

    def each(self, call: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        """Return ``call(item)`` for each item, in order, computed by the processes."""
        return list(self._parallel()(joblib.delayed(call)(item) for item in items))

    def _parallel(self) -> Any:
        """Return joblib's processes."""
        # A task is small: joblib need not write files, nor a folder for them at every pass, which
        # it does unless it is told where.
        return joblib.Parallel(
            n_jobs=self.n_jobs, batch_size=1, max_nbytes=None, temp_folder=_temporary()
        )

    def _shares(self, run: Run, part: Part, args: tuple[Any, ...], size: int) -> Iterator[Any]:
        """Return what the workers return, in the order of the rows; one process is this one."""
        leaves = -(-self.n // size)
        jobs = min(joblib.effective_n_jobs(self.n_jobs), leaves)
        if jobs < 2:
            yield run(self, part, args, size, 0, leaves)
            return
        ends = np.linspace(0, leaves, jobs + 1).astype(int).tolist()
        call = joblib.delayed(_remotely)
        tasks = [
            call(np.geterr(), run, self._store, part, args, size, first, last)
            for first, last in zip(ends[:-1], ends[1:], strict=True)
        ]
        try:
            shares = self._parallel()(tasks)
        except pickle.PicklingError as error:
            raise TypeError(
                f"n_jobs={self.n_jobs} sends the distribution, the model and the prior to other "
                f"processes, and one of them does not pickle ({_cause(error)}); let it hold no "
                "locks, open files or generators, or use n_jobs=1"
            ) from error
        except BrokenExecutor as error:
            raise RuntimeError(
                f"a process of n_jobs={self.n_jobs} ended before it had an answer, perhaps for "
                "lack of memory; use fewer processes, or n_jobs=1"
            ) from error
        for share in shares:
            if isinstance(share, Exception):
                raise share
            yield share

    def _values(self, part: Part, args: tuple[Any, ...], size: int) -> Iterator[tuple[int, Any]]:
        for share in self._shares(_each, part, args, size):
            yield from share

    def sum(self, part: Part, *args: Any, wide: bool = False) -> Any:
        """Return the sum of a part over all rows; workers add whole nodes of the tree."""
        if self._alone is not None:
            return part(self._alone, *args)
        tree = Tree()
        size = self.chunk_size * (FAN_IN if wide else 1)
        with one_thread():
            for share in self._shares(_nodes, part, args, size):
                for level, value in share:
                    tree.add(value, level)
        return tree.total()

    def _with(self, **changes: Any) -> Processes:
        more = super()._with(**changes)
        more.__dict__["_folder"] = self._folder
        return more


def _each(
    rows: Memory, part: Part, args: tuple[Any, ...], size: int, first: int, last: int
) -> Iterator[tuple[int, Any]]:
    """Return (start, value) of the leaves from ``first`` to ``last``."""
    for start in range(first * size, min(last * size, rows.n), size):
        yield start, part(rows.block(start, min(start + size, rows.n)), *args)


def _nodes(
    rows: Memory, part: Part, args: tuple[Any, ...], size: int, first: int, last: int
) -> Iterator[tuple[int, Any]]:
    """Return (level, sum) of the largest nodes of the tree that consist of the leaves."""
    while first < last:
        level = 0
        while first % FAN_IN ** (level + 1) == 0 and first + FAN_IN ** (level + 1) <= last:
            level += 1
        tree, after = Tree(), first + FAN_IN**level
        for _, value in _each(rows, part, args, size, first, after):
            tree.add(value)
        yield level, tree.total()
        first = after


def _remotely(
    errors: dict[str, Any], run: Run, store: _Store, part: Part, args: tuple[Any, ...], *which: int
) -> list[Any] | Exception:
    """Return a worker's results or its error; an error raised there would end the worker."""
    with one_thread(), np.errstate(**errors):
        try:
            return list(run(_opened(store), part, args, *which))
        except Exception as error:
            return _sendable(error)


def _sendable(error: Exception) -> Exception:
    """The error, or its words where it does not travel: it may hold what does not pickle."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _opened(store: _Store) -> Memory:
    """Return the rows of a store, which a worker opens once."""
    if store not in _OPEN:
        y, X, weight, offset = (a and a.open() for a in store.columns)
        extra = tuple(a.open() for a in store.extra)
        while len(_OPEN) >= _MOST_OPEN:
            del _OPEN[next(iter(_OPEN))]
        _OPEN[store] = Memory(y, X, weight, offset, extra, store.chunk)
    return _OPEN[store]


@dataclass(frozen=True)
class _File:
    """The place of an array in a file; ``identity`` tells it from a later file of that name."""

    name: str
    offset: int
    dtype: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    identity: tuple[int, int] | None = None

    def open(self) -> np.ndarray:
        """Return the array, memory-mapped and read-only."""
        with open(self.name, "rb") as file:
            if self.identity not in (None, _identity(file)):
                raise RuntimeError(
                    f"the memory-mapped file {self.name} was replaced while its rows were in use; "
                    "map the new file and fit again"
                )
            buffer = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return np.ndarray(self.shape, self.dtype, buffer, self.offset, self.strides)


@dataclass(frozen=True)
class _SparseFiles:
    """The place of a CSR array in files."""

    shape: tuple[int, int]
    parts: tuple[_File, ...]

    def open(self) -> Any:
        """Return the sparse array."""
        return sparse.csr_array(tuple(p.open() for p in self.parts), self.shape)


@dataclass(frozen=True)
class _Store:
    """The places where a worker finds y, X, weight, offset and further columns."""

    key: str
    columns: tuple[Any, ...]
    extra: tuple[Any, ...]
    chunk: int


class _Folder:
    """A temporary folder for arrays, which is deleted when it is no longer used."""

    def __init__(self) -> None:
        #: A unique name, because a later file of the same name may hold other numbers.
        self.key = uuid.uuid4().hex
        self._name: str | None = None
        #: Files by the identity of their array, which is kept alive so that it stays unique.
        self._placed: dict[int, tuple[Any, Any]] = {}

    def place(self, array: Any) -> Any:
        """Return where workers find an array, which is written to a file unless it lies in one."""
        if array is None:
            return None
        if id(array) not in self._placed:
            self._placed[id(array)] = array, self._written(array)
        return self._placed[id(array)][1]

    def _written(self, array: Any) -> _File | _SparseFiles:
        if sparse.issparse(array):
            parts = (array.data, array.indices, array.indptr)
            return _SparseFiles(array.shape, tuple(self.place(p) for p in parts))
        found = _mapped(array)
        if found is not None:
            return found
        if self._name is None:
            self._name = tempfile.mkdtemp("", "natfit-", _temporary())
            weakref.finalize(self, shutil.rmtree, self._name, ignore_errors=True)
        name = os.path.join(self._name, str(len(self._placed)))
        with open(name, "wb") as file:
            for start in range(0, len(array), CHUNK):
                np.ascontiguousarray(array[start : start + CHUNK]).tofile(file)
        strides = np.empty((1, *array.shape[1:]), array.dtype).strides
        return _File(name, 0, array.dtype.str, array.shape, strides)


def _temporary() -> str:
    """The folder for temporary files: joblib's where it has one, else the system's."""
    return os.environ.get("JOBLIB_TEMP_FOLDER") or tempfile.gettempdir()


def _identity(file: Any) -> tuple[int, int]:
    """What tells an open file from every other: its device and its number there."""
    status = os.fstat(file.fileno())
    return status.st_dev, status.st_ino


def _cause(error: BaseException) -> str:
    """The last line of what a worker's traceback says, or of the error itself."""
    return str(error.__cause__ or error).strip('\n" ').splitlines()[-1]


def _same(array: np.ndarray, file: _File) -> bool:
    """Whether a file still has the numbers of an array that was mapped from its name."""
    try:
        found = file.open()
    except (OSError, ValueError, TypeError, RuntimeError):
        # It is gone, or too short.
        return False
    pieces = (slice(start, start + CHUNK) for start in range(0, len(array), CHUNK))
    return all(array[piece].tobytes() == found[piece].tobytes() for piece in pieces)


def _mapped(array: np.ndarray) -> _File | None:
    """Return the place of an array in a memory-mapped file; None for other arrays or copies."""
    root = array
    while isinstance(root.base, np.ndarray):
        root = root.base
    if not isinstance(root, np.memmap) or root.filename is None or root.mode == "c":
        return None
    ahead = array.__array_interface__["data"][0] - root.__array_interface__["data"][0]
    name = os.path.abspath(root.filename)
    try:
        with open(name, "rb") as opened:
            identity = _identity(opened)
    except OSError:
        return None
    # The file may have been replaced since it was mapped: it is read once to see what it has.
    place = root.offset + ahead, array.dtype.str, array.shape, array.strides
    file = _File(name, *place, identity)
    return file if _same(array, file) else None

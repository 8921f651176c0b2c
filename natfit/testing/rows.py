"""Property checks of kinds of rows, compared with plain numpy.

Each check is called with an example of a kind. It makes other rows of the same kind and options by
:meth:`natfit.rows.Rows.holding`.
"""

from __future__ import annotations

import functools
import operator
import pickle
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from natfit.rows import BLOCK, Memory, Rows, dot, subsample
from natfit.testing._core import close, require, run_checks

#: Rows per chunk in the checks, and numbers of rows: below, at and above the ends of chunks and of
#: nodes of eight chunks.
_CHUNK = BLOCK
_SIZES = (1, BLOCK, BLOCK + 1, 8 * BLOCK, 9 * BLOCK - 1, 70 * BLOCK + 7)

#: Maximum number of bytes of a reference to any number of rows.
_SMALL = 10_000


def check_rows(rows: Rows) -> dict[str, str]:
    """Run every check of :data:`ROWS_CHECKS` on a kind of rows.

    Parameters
    ----------
    rows : Rows
        An example of the kind, with the options to be checked.

    Returns
    -------
    dict
        Names of the checks that do not apply, each with the reason.

    Raises
    ------
    AssertionError
        If a check fails; the message has one line for each that does.
    """
    return run_checks(ROWS_CHECKS, rows)


# ---------------------------------------------------------------------------- parts of passes


def _blocks_part(block: Any) -> list[tuple]:
    """Return the block's first row, size and soundness in a list, since lists add by joining."""
    flat = np.ndim(block.y) == 1 or block.y.flags.c_contiguous
    columns = (block.X, block.weight, block.offset, *block.extra)
    same = all(a is None or len(a) == block.n for a in columns)
    return [(block.start, block.n, flat and same)]


def _sum_part(block: Any, power: float) -> tuple[float, np.ndarray]:
    """Return the weighted sum of y^power, and that of X times y^power."""
    values = block.y**power
    if block.weight is not None:
        values = values * block.weight
    return float(values.sum()), values @ np.asarray(block.X)


def _dot_part(block: Any) -> float:
    """Return a sum whose last digits depend on its order."""
    return dot(block.y, np.sin(block.y))


def _index_part(block: Any) -> np.ndarray:
    return np.arange(block.start, block.start + block.n)


def _row_part(block: Any, factor: float) -> np.ndarray:
    """Return values (n, 3) that tell from which row they come."""
    columns = (factor * block.y, block.y * np.asarray(block.X)[:, 0], block.offset)
    return np.stack(columns, axis=1)


def _above_part(block: Any, limit: float) -> np.ndarray:
    return block.y > limit


def _extra_part(block: Any) -> np.ndarray:
    return block.extra[0] - block.y


def _left_part(block: Any) -> float:
    """Return 1 if a block has what another block left, else 0."""
    if block.kept is None:
        return 0.0
    mine = block.start, block.n
    return float(block.kept.setdefault("mine", mine) != mine)


def _columns(n: int, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Return y, X, weight and offset of n rows, where sums of y lose digits."""
    rng = np.random.default_rng(seed)
    y = rng.standard_normal(n) * np.exp(6.0 * rng.standard_normal(n))
    weight = rng.integers(1, 5, n).astype(np.float64)
    return y, rng.standard_normal((n, 2)), weight, np.arange(float(n))


def _made(rows: Rows, n: int) -> Iterator[tuple[Rows, tuple[np.ndarray, ...]]]:
    columns = _columns(n)
    yield rows.holding(*columns).cut(_CHUNK), columns


# ------------------------------------------------------------------------------------- checks


def counts_rows(rows: Rows) -> None:
    """n, total and n_features are those of the arrays, with and without weights and X."""
    for n in _SIZES:
        y, X, weight, offset = _columns(n)
        made = rows.holding(y, X, weight, offset)
        require(made.n == n, f"n is {made.n} of {n} rows")
        require(made.n_features == 2, f"n_features is {made.n_features} of 2 columns")
        close("total against the sum of weights", made.total, weight.sum(), rtol=1e-12)
        plain = rows.holding(y)
        require(plain.total == n, f"total is {plain.total} of {n} rows without weights")
        require(plain.n_features == 0, f"n_features is {plain.n_features} without X")


def covers_rows_once(rows: Rows) -> None:
    """Blocks follow each other from the first row to the last and begin at multiples of 1,024."""
    for n in _SIZES:
        for chunk in (1, BLOCK, 3 * BLOCK - 1, None):
            made = rows.holding(*_columns(n)).cut(chunk).joined(np.zeros(n))
            blocks = made.sum(_blocks_part)
            starts, sizes, sound = zip(*blocks, strict=True)
            require(all(sound), "columns of a block differ in length, or y is not contiguous")
            ends = np.cumsum(sizes)
            require(list(starts) == [0, *ends[:-1]], f"blocks begin at {starts[:5]}, {n} rows")
            require(ends[-1] == n, f"blocks end at {ends[-1]}, {n} rows")
            require(all(s % BLOCK == 0 for s in starts), "a block begins inside 1,024 rows")


def sums_are_numpys(rows: Rows) -> None:
    """Sums of numbers, arrays and tuples are those that numpy computes over all rows."""
    for n in _SIZES:
        y, X, weight, offset = _columns(n)
        y = np.log(np.abs(y))
        for w in (None, weight):
            made = rows.holding(y, X, w, offset).cut(_CHUNK)
            values = y**2 * (1.0 if w is None else w)
            value, vector = made.sum(_sum_part, 2.0)
            close("sum of a number", value, values.sum(), rtol=1e-12)
            size = np.abs(values) @ np.abs(X)
            close("sum of an array", vector, values @ X, rtol=1e-12, scale=size)


def sums_follow_the_tree(rows: Rows) -> None:
    """Each node of the tree of sums adds eight neighbours from left to right, bit for bit."""
    for n in _SIZES:
        y = _columns(n)[0]
        for wide, size in ((False, _CHUNK), (True, 8 * _CHUNK)):
            found = rows.holding(y).cut(_CHUNK).sum(_dot_part, wide=wide)
            leaves = [dot(c, np.sin(c)) for c in np.split(y, range(size, n, size))]
            while len(leaves) > 1:
                nodes = [leaves[i : i + 8] for i in range(0, len(leaves), 8)]
                leaves = [functools.reduce(operator.add, node) for node in nodes]
            require(
                found == leaves[0],
                f"sum of {n} rows, wide={wide}: {found!r}, the tree's is {leaves[0]!r}",
            )


def equals_memory(rows: Rows) -> None:
    """Sums, maps and row numbers are those of arrays in memory, bit for bit."""
    for n in _SIZES:
        columns = _columns(n)
        mine, theirs = (r.holding(*columns).cut(_CHUNK) for r in (rows, Memory(np.zeros(1))))
        for a, b in zip(mine.sum(_sum_part, 1.0), theirs.sum(_sum_part, 1.0), strict=True):
            require(np.array_equal(a, b), f"a sum over {n} rows differs from the one in memory")
        a, b = mine.map(_row_part, 0.3), theirs.map(_row_part, 0.3)
        require(np.array_equal(a, b), f"row values of {n} rows differ from those in memory")


def sums_hardly_depend_on_chunks(rows: Rows) -> None:
    """Another size of chunks changes only the last digits of a sum."""
    y, X, weight, offset = _columns(10_000)
    made = rows.holding(np.log(np.abs(y)), X, weight, offset)
    want = made.sum(_sum_part, 2.0)
    for chunk in (1, 2 * BLOCK, 5_000):
        found = made.cut(chunk).sum(_sum_part, 2.0)
        close("sum in other chunks", found[0], want[0], rtol=1e-11)
        close("sum in other chunks", found[1], want[1], rtol=1e-9, scale=1e3)


def maps_keep_the_order(rows: Rows) -> None:
    """Row values are in the order of the rows, and each part knows its rows' numbers."""
    for n in _SIZES:
        for made, (y, X, _, offset) in _made(rows, n):
            require(np.array_equal(made.map(_index_part), np.arange(n)), "start is another row's")
            want = np.stack([2.0 * y, y * X[:, 0], offset], axis=1)
            require(np.array_equal(made.map(_row_part, 2.0), want), "rows are out of order")


def first_is_the_first(rows: Rows) -> None:
    """``first`` counts across chunks, and is None if no row is bad."""
    for n in _SIZES:
        y = np.zeros(n)
        made = rows.holding(y).cut(_CHUNK)
        require(made.first(_above_part, 0.5) is None, "a row is found where none is bad")
        for row in {0, n // 2, n - 1}:
            bad = y.copy()
            bad[[row, n - 1]] = 1.0
            found = rows.holding(bad).cut(_CHUNK).first(_above_part, 0.5)
            require(found == row, f"the first bad row is {found}, expected {row}")


def extent_is_that_of_all_rows(rows: Rows) -> None:
    """extent() is the smallest and the largest y by column, NaN if there is a NaN."""
    for n in _SIZES:
        y = _columns(n)[0]
        low, high = rows.holding(y).cut(_CHUNK).extent()
        require((low, high) == (y.min(), y.max()), f"extent is {low}, {high}")
        wide = np.stack([y, -2.0 * y, y + 1.0], axis=1)
        low, high = rows.holding(wide).cut(_CHUNK).extent()
        same = np.array_equal(low, wide.min(axis=0)) and np.array_equal(high, wide.max(axis=0))
        require(same, f"extent of columns is {low}, {high}")
        y[n // 2] = np.nan
        low, high = rows.holding(y).cut(_CHUNK).extent()
        require(np.isnan(low) and np.isnan(high), f"extent with a NaN is {low}, {high}")


def few_are_spread(rows: Rows) -> None:
    """``few`` holds the rows that ``subsample`` selects, with all their columns."""
    for n in _SIZES:
        for most in (20, 256):
            for made, columns in _made(rows, n):
                part = made.few(most)
                which = subsample(n, most)
                require(part.n <= most, f"few({most}) gives {part.n} rows")
                for got, want in zip(
                    (part.y, part.X, part.weight, part.offset), columns, strict=True
                ):
                    same = got is not None and np.array_equal(got, want[which])
                    require(same, "few gives other rows than subsample, or forgets a column")


def weight_zero_is_no_row(rows: Rows) -> None:
    """Rows of weight zero are dropped when rows are made from data."""
    y, X, weight, offset = _columns(3 * BLOCK)
    weight[::3] = 0.0
    kept = weight > 0
    made = type(rows).of(y, X, weight, offset, getattr(rows, "n_jobs", None)).cut(_CHUNK)
    want = rows.holding(y[kept], X[kept], weight[kept], offset[kept]).cut(_CHUNK)
    require(made.n == want.n, f"{made.n} rows, {want.n} of positive weight")
    require(
        np.array_equal(made.map(_row_part, 1.0), want.map(_row_part, 1.0)),
        "rows of weight zero are among the rows",
    )
    require(made.total == want.total, f"total is {made.total}, expected {want.total}")


def columns_join(rows: Rows) -> None:
    """Joined columns reach the parts beside the rows that they belong to."""
    for n in _SIZES:
        for made, (y, *_) in _made(rows, n):
            gap = made.joined(y + 1.0).map(_extra_part)
            require(np.array_equal(gap, (y + 1.0) - y), "a joined column is another row's")


def layout_does_not_matter(rows: Rows) -> None:
    """Strided, Fortran-ordered and memory-mapped arrays, and a sparse X, give the same sums."""
    n = 9 * BLOCK + 5
    y, X, weight, offset = _columns(n)
    want = rows.holding(y, X, weight, offset).cut(_CHUNK).sum(_sum_part, 1.0)
    frozen = y.copy()
    frozen.setflags(write=False)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "y"
        np.stack([y, -y], axis=1).tofile(path)
        mapped = np.memmap(path, dtype=np.float64, mode="r", shape=(n, 2))
        forms = {
            "read-only": (frozen, X, weight, offset),
            "strided": (np.repeat(y, 3)[::3], X, np.repeat(weight, 2)[::2], offset),
            "reversed": (y[::-1].copy()[::-1], X, weight, offset),
            "Fortran": (y, np.asfortranarray(X), weight, offset),
            "memory-mapped": (mapped[:, 0], X, weight, offset),
            "float32": (y, X, weight.astype(np.float32), offset),
        }
        for name, columns in forms.items():
            found = rows.holding(*columns).cut(_CHUNK).sum(_sum_part, 1.0)
            same = all(np.array_equal(a, b) for a, b in zip(found, want, strict=True))
            require(same, f"{name} arrays give another sum")
        # Rows of a file that begin inside it.
        found = rows.holding(mapped[5:, 1]).cut(_CHUNK).map(_index_part)
        low, high = rows.holding(mapped[5:, 1]).cut(_CHUNK).extent()
        require(len(found) == n - 5, "rows of a part of a file are not counted")
        require((low, high) == ((-y[5:]).min(), (-y[5:]).max()), "other rows of a file are read")
    parts = rows.holding(y, sparse.csr_array(X), weight, offset).cut(_CHUNK).sum(_sparse_part)
    close("sum with a sparse X", parts, weight @ X, rtol=1e-12, scale=np.abs(weight @ np.abs(X)))


def _sparse_part(block: Any) -> np.ndarray:
    require(sparse.issparse(block.X), f"a sparse X comes as {type(block.X).__name__}")
    return np.asarray(block.weight @ block.X)


def data_stay(rows: Rows) -> None:
    """The arrays are not modified, and a pickled reference to them holds no data."""
    n = 30 * BLOCK
    columns = _columns(n)
    before = [c.copy() for c in columns]
    made = rows.holding(*columns).cut(_CHUNK)
    made.sum(_sum_part, 2.0)
    made.map(_row_part, 2.0)
    for a, b in zip(columns, before, strict=True):
        require(np.array_equal(a, b), "a pass changes the data")
    size = len(pickle.dumps(made.reference()))
    require(size < _SMALL, f"the reference to {n} rows takes {size} bytes: it holds rows")


def keeps_for_the_same_rows(rows: Rows) -> None:
    """What a pass leaves with a block is found by later passes over the same rows only."""
    made = rows.holding(_columns(9 * BLOCK)[0]).cut(_CHUNK)
    for wide in (False, True, False):
        require(made.sum(_left_part, wide=wide) == 0, "a block has what was left with other rows")


#: Every check that :func:`check_rows` runs, each called with an example of a kind.
ROWS_CHECKS = [
    counts_rows,
    covers_rows_once,
    sums_are_numpys,
    sums_follow_the_tree,
    equals_memory,
    sums_hardly_depend_on_chunks,
    maps_keep_the_order,
    first_is_the_first,
    extent_is_that_of_all_rows,
    few_are_spread,
    weight_zero_is_no_row,
    columns_join,
    layout_does_not_matter,
    data_stay,
    keeps_for_the_same_rows,
]

"""Kinds of rows that are wrong on purpose."""

from dataclasses import replace
from functools import partial

import numpy as np
from scipy import sparse

from natfit import testing
from natfit.rows import Memory
from natfit.rows._tree import Tree
from natfit.rows.memory import example
from tests.broken import caught_by

CHECKS = testing.ROWS_CHECKS

#: Marks a kind that is made of a few rows.
wrong = partial(caught_by, args=example())

#: What looks at the sum of all rows.
OF_SUMS = {
    "covers_rows_once",
    "equals_memory",
    "extent_is_that_of_all_rows",
    "layout_does_not_matter",
    "sums_are_numpys",
    "sums_follow_the_tree",
    "sums_hardly_depend_on_chunks",
}

#: What looks at the last digits of sums.
BY_LAST_DIGITS = {"sums_follow_the_tree", "equals_memory"}


@wrong(*OF_SUMS)
class LosesAChunk(Memory):
    """The last of several chunks is missing from sums."""

    def sum(self, part, *args, wide=False):
        # Not wider where it may be: a pass that is one block would lose nothing.
        found = [value for _, value in self._values(part, args, self.chunk_size)]
        tree = Tree()
        for value in found[:-1] or found:
            tree.add(value)
        return tree.total()


@wrong("maps_keep_the_order", "equals_memory", "columns_join")
class MapsBackwards(Memory):
    """The values of the chunks are joined in the wrong order."""

    def map(self, part, *args):
        values = [v for _, v in self._values(part, args, self.chunk_size)]
        return np.concatenate(values[::-1])


@wrong(*BY_LAST_DIGITS, "covers_rows_once")
class ByArrival(Memory):
    """Chunks are added as they arrive, the last one first."""

    def sum(self, part, *args, wide=False):
        size = 8 * self.chunk_size if wide else self.chunk_size
        total = None
        for _, value in reversed(list(self._values(part, args, size))):
            if total is None:
                total = value
            elif isinstance(value, tuple):
                total = tuple(a + b for a, b in zip(total, value, strict=True))
            else:
                total = total + value
        return total


@wrong(*BY_LAST_DIGITS)
class OneLongSum(Memory):
    """Chunks are added from left to right, without nodes."""

    def sum(self, part, *args, wide=False):
        size = 8 * self.chunk_size if wide else self.chunk_size
        (_, total), *others = self._values(part, args, size)
        for _, value in others:
            if isinstance(value, tuple):
                total = tuple(a + b for a, b in zip(total, value, strict=True))
            else:
                total = total + value
        return total


@wrong("covers_rows_once", "maps_keep_the_order")
class StartsAtZero(Memory):
    """Every block believes that it is the first."""

    def block(self, start, stop):
        return replace(super().block(start, stop), start=0)


@wrong("covers_rows_once")
class CutsInsideBlocks(Memory):
    """Chunks are not rounded up to whole blocks of 1,024 rows."""

    @property
    def chunk_size(self):
        return self.chunk or super().chunk_size


@wrong("counts_rows")
class CountsRows(Memory):
    """The sum of weights is the number of rows."""

    @property
    def total(self):
        return float(self.n)


@wrong("sums_are_numpys", "equals_memory", "layout_does_not_matter")
class ForgetsWeights(Memory):
    """Blocks come without their weights."""

    def block(self, start, stop):
        return replace(super().block(start, stop), weight=None)


@wrong("weight_zero_is_no_row")
class KeepsWeightZero(Memory):
    """Rows of weight zero count as rows."""

    @classmethod
    def of(cls, y, X=None, weight=None, offset=None, n_jobs=None):
        return cls(y, X, weight, offset)


@wrong("few_are_spread")
class TheFirstFew(Memory):
    """A start sees the first rows alone."""

    def few(self, most=256):
        return self.block(0, min(most, self.n))


@wrong("data_stay")
class CarriesData(Memory):
    """What should find the rows is the rows."""

    def reference(self):
        return self.y


@wrong("data_stay")
class ChangesData(Memory):
    """The data are centred in place."""

    def sum(self, part, *args, wide=False):
        if self.y.flags.writeable and self.n == 30 * 1_024:
            self.y -= self.y.mean()
        return super().sum(part, *args, wide=wide)


@wrong("keeps_for_the_same_rows")
class KeptByStart(Memory):
    """What is kept with a chunk is found by any block that begins there."""

    def block(self, start, stop):
        kept = self.__dict__.setdefault("_by_start", {})
        return replace(super().block(start, stop), kept=kept.setdefault(start, {}))


@wrong("columns_join")
class JoinsBackwards(Memory):
    """Joined columns are in the wrong order."""

    def joined(self, *columns):
        return super().joined(*(c[::-1] for c in columns))


@wrong("layout_does_not_matter")
class DenseX(Memory):
    """A sparse X becomes dense."""

    def block(self, start, stop):
        block = super().block(start, stop)
        return replace(block, X=block.X.toarray()) if sparse.issparse(block.X) else block


@wrong("first_is_the_first")
class CountsFromTheChunk(Memory):
    """The number of the first bad row is that in its chunk."""

    def first(self, bad, *args):
        for _, mask in self._values(bad, args, self.chunk_size):
            if np.any(mask):
                return int(np.argmax(mask))
        return None


@wrong("extent_is_that_of_all_rows")
class IgnoresNaN(Memory):
    """The extent passes over NaN."""

    def extent(self):
        return np.nanmin(self.y, axis=0), np.nanmax(self.y, axis=0)

# Copy to natfit/rows/mapped.py.
"""Rows of a memory-mapped file, whose next chunk is read while the current one is used."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np

from natfit.rows.base import Block, Part
from natfit.rows.memory import Memory, example


class Mapped(Memory):
    """Arrays whose y is a memory-mapped file, which a thread reads one chunk ahead.

    Parameters
    ----------
    y, X, weight, offset, extra, chunk
        As for :class:`natfit.rows.memory.Memory`.
    """

    #: This kind is asked before ``memory``, which takes all data that no other kind takes.
    order = 60

    @classmethod
    def accepts(cls, y: Any, X: Any, n_jobs: int | None) -> bool:
        """Tell whether y is a memory-mapped file."""
        return isinstance(y, np.memmap)

    @classmethod
    def examples(cls) -> list[Mapped]:
        """Return a few rows with X, weights and offsets."""
        return [cls(*example())]

    def _read(self, start: int, size: int) -> Block:
        block = self.block(start, min(start + size, self.n))
        # Making the copy reads the file.
        return replace(block, y=np.array(block.y))

    def _values(self, part: Part, args: tuple[Any, ...], size: int) -> Iterator[tuple[int, Any]]:
        with ThreadPoolExecutor(1) as pool:
            ahead = pool.submit(self._read, 0, size) if self.n else None
            for start in range(0, self.n, size):
                block = ahead.result()
                if start + size < self.n:
                    ahead = pool.submit(self._read, start + size, size)
                yield start, part(block, *args)

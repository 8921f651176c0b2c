"""What is asked of y in one pass: parts, and statistics that add."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Extent:
    """Smallest and largest value, of each column where there are several; NaN where one is."""

    low: Any
    high: Any

    def __add__(self, other: Extent) -> Extent:
        """Extent of both."""
        return Extent(np.minimum(self.low, other.low), np.maximum(self.high, other.high))


def extent_part(block: Any) -> Extent:
    """Extent of the block's y."""
    return Extent(block.y.min(axis=0), block.y.max(axis=0))

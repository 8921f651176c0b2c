"""A generator for each block of rows, and the few rows from which a start is computed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Number of neighbouring rows in each run of a start's rows.
_RUN = 16


@dataclass(frozen=True)
class Streams:
    """A generator for each block of 1,024 rows: ``streams(block)``.

    Block b has the stream of the seed sequence (root, b), so that draws depend neither on how the
    rows are cut into chunks nor on where they are.
    """

    root: int

    def __call__(self, block: int) -> np.random.Generator:
        """Return the generator of a block, at its beginning."""
        return np.random.default_rng(np.random.SeedSequence([self.root, block]))


def block_rng(rng: np.random.Generator) -> Streams:
    """Return independent streams for blocks of rows; one number is drawn from ``rng``."""
    return Streams(int(rng.integers(2**63)))


def subsample(n_rows: int, most: int = 256) -> slice | np.ndarray:
    """Return the rows for a start: all, or ``most`` of them in short runs at irrational spacing.

    Evenly spaced rows would misrepresent data with a period. These rows are spread as evenly, and
    are deterministic (Weyl's sequence of the golden ratio). A run of 16 rows costs hardly more
    than one row, because reading the first brings the others into the cache.

    Parameters
    ----------
    n_rows : int
        N.
    most : int
        Maximum number of rows.

    Returns
    -------
    slice or ndarray of int
        An index of these rows into arrays of N rows.
    """
    if n_rows <= most:
        return slice(None)
    run = min(_RUN, most)
    golden = 0.6180339887498949
    first = (np.arange(most // run) * golden % 1.0 * (n_rows - run)).astype(np.intp)
    return (first[:, None] + np.arange(run)).ravel()

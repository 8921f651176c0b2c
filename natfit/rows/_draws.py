"""A generator for each block of rows, and the few rows from which a start is computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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


def strata(y: Any, most: int, rng: np.random.Generator) -> np.ndarray:
    """Return the indices of about ``most`` rows, of each class its share but one row at most.

    Parameters
    ----------
    y : array of shape (N,) or (N, 1)
        The classes.
    most : int
        Number of rows.
    rng : numpy.random.Generator
        The generator.

    Returns
    -------
    ndarray of int

    Raises
    ------
    ValueError
        If no class has two rows.
    """
    codes = np.ravel(y)
    order = rng.permutation(len(codes))
    order = order[np.argsort(codes[order], kind="stable")]
    # Equal distances in rows that are sorted by class, of which each keeps its first row.
    rest = np.delete(order, np.searchsorted(codes[order], np.unique(codes)))
    if not len(rest):
        raise ValueError(
            f"early_stopping needs a class of two rows or more, got {len(codes)} rows of as many "
            "classes; give more rows"
        )
    most = min(most, len(rest))
    return rest[((np.arange(most) + rng.random()) * (len(rest) / most)).astype(np.intp)]

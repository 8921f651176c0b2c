"""A generator for each block of rows, and the few rows from which a start is computed."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

#: Rows whose keys are drawn once.
_RUN = 1 << 15


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
    """Return the rows for a start: all, or the ``most`` whose keys are the smallest.

    The keys are those of :func:`drawn`, so that rows in pieces give the same rows by one pass.

    Parameters
    ----------
    n_rows : int
        N.
    most : int
        Maximum number of rows.

    Returns
    -------
    slice or ndarray of int
        An index of these rows, in their order, into arrays of N rows.
    """
    return slice(None) if n_rows <= most else drawn(0, n_rows, most)[1]


def drawn(first: int, n: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the smallest keys of n rows from a place on, at most so many, and their places.

    The key of a row depends on its place alone: 32,768 random numbers serve all runs of so many
    rows, and another number is added to each run (modulo 2^64), so that the order of the rows of a
    run is a rotation of one order.

    Returns
    -------
    key, place : ndarray
        In the order of the places.
    """
    # Somewhat more keys than are asked for lie below this share of all numbers.
    share, found = (most + 8.0 * most**0.5 + 16.0) / n, None
    while found is None or len(found[0]) < min(most, n):
        found = _below(first, n, share)
        share *= 2.0
    key, place = found
    which = np.arange(len(key))
    if len(key) > most:
        which = np.argpartition(key, most - 1)[:most]
    which = which[np.argsort(place[which])]
    return key[which], place[which]


def _below(first: int, n: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the keys of n rows from a place on that lie below a share of 2^64, and the places."""
    keys, order = _one_run()
    # Where the first key of a rotated run is, and where the last one below the share.
    runs = np.arange(first // _RUN, (first + n - 1) // _RUN + 1)
    shift = mixed(runs.astype(np.uint64))
    low = np.searchsorted(keys, ~shift, side="right", sorter=order)
    count = np.full(len(runs), _RUN)
    if share < 1.0:
        end = np.uint64(share * 2.0**64)
        high = np.searchsorted(keys, end - shift, side="left", sorter=order)
        count = np.where(end <= shift, high - low, high + _RUN - low)
    which = np.repeat(np.arange(len(runs)), count)
    steps = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    rows = order[(low[which] + steps) % _RUN]
    place = runs[which] * _RUN + rows
    own = (place >= first) & (place < first + n)
    return (keys[rows] + shift[which])[own], place[own]


@functools.cache
def _one_run() -> tuple[np.ndarray, np.ndarray]:
    """Return random numbers of the places in a run of rows, and the places in their order."""
    keys = mixed(np.arange(_RUN, dtype=np.uint64))
    return keys, np.argsort(keys)


def mixed(x: np.ndarray) -> np.ndarray:
    """Return the splitmix64 generator's output for states x: Steele, Lea and Flood (2014)."""
    with np.errstate(over="ignore"):
        z = (x + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


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

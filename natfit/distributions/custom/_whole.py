"""Whole-numbered shapes, in which there is no derivative: their profile is searched by patterns."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from natfit.distributions.custom._ascent import Surface
from natfit.distributions.custom._ends import Chart, Hold
from natfit.distributions.custom._search import Found, search

#: Steps of a pattern, and factors by which some of the numbers change together.
_STEPS, _FACTORS = (1, 2, 4, 8, 16, 32, 64, 256, 1024), (0.5, 0.8, 0.9, 1.1, 1.25, 2.0)

#: Largest number that is tried, in units of the largest row.
_FAR = 1e6

#: Number of points from which patterns start; gain in nats per row that is not rounding.
_STARTS, _GAIN = 6, 1e-13

#: Numbers on either side of the best ones that are tried in all combinations, how many times the
#: largest number may grow, and the points of each grid on which it is searched.
_AROUND, _GROWS, _POINTS = 24, 8.0, 8


def profiled(
    family: Any, y: np.ndarray, weight: np.ndarray | None, extent: tuple[float, float]
) -> Found:
    """Search over the whole-numbered shapes, and over the other parameters at each of them.

    The arguments are those of :func:`natfit.distributions.custom._search.search`.

    Returns
    -------
    Found
        Whose chart holds the whole numbers.
    """
    names, alone = family._whole, len(family._whole) == family.n_params
    if family._discrete:
        # Equal rows are one row with a weight.
        y, back = np.unique(y, return_inverse=True)
        weight = np.bincount(back, weights=weight).astype(float)
    domains = np.array([family._shapes[name].domain for name in names])
    surface = Surface(lambda e: family.log_rows(y, e), weight, lambda e: np.ones(family.n_params))
    cache: dict[tuple, Found] = {}

    def at(z: np.ndarray) -> Found:
        key = tuple(z)
        if key not in cache:
            cache[key] = search(family._with(z), y, weight, extent)
        return cache[key]

    def means(z: np.ndarray) -> np.ndarray:
        return surface.at(z) if alone else np.array([at(one).mean for one in z])

    # The size of y says nothing of a whole number where a scale stretches it.
    sizes = extent if family._discrete else (0.0, 1.0)
    z, mean = best_whole(means, domains[:, 0], domains[:, 1], sizes)
    holds = tuple(Hold("value", k, value=float(v)) for k, v in zip(names, z, strict=True))
    if alone or not np.isfinite(mean):
        eta = family._probe(0.0)[0]
        eta[: len(z)] = z
        return Found(eta, mean, Chart(family, *extent, (1.0, 1.0), holds), False)
    found = at(z)
    chart = replace(found.chart, family=family).held(*holds)
    return Found(np.concatenate([z, found.eta]), mean, chart, found.infinite)


def best_whole(
    means: Callable[[np.ndarray], np.ndarray],
    low: np.ndarray,
    high: np.ndarray,
    extent: tuple[float, float],
) -> tuple[np.ndarray, float]:
    """Return the whole numbers z (W,) with the largest mean log-density, and this mean.

    A product of simple numbers and of the outermost rows gives the starts. From each of the best
    ones the search goes to the best point of a pattern, until none is better: steps of powers of
    two in each combination of the numbers, and common factors. Where there are two numbers or
    more, the likelihood has a ridge along which they nearly match the mean of the rows, and
    whole numbers come near to it here and there. All combinations around the best point are
    therefore tried, with the best value of the largest number for each of them.

    Parameters
    ----------
    means : callable
        ``means(z) -> (m,)`` for points z (m, W), -inf where there is no density.
    low, high : ndarray of shape (W,)
        Ends of their domains.
    extent : tuple of float
        The outermost rows.

    Returns
    -------
    z : ndarray of shape (W,)
        The numbers.
    mean : float
        In nats; -inf if no start has a density.
    """
    least, most = (float(np.rint(end)) for end in extent)
    size = max(abs(least), abs(most), 1.0)
    far = _FAR * size
    low, high = np.maximum(low, -far), np.minimum(high, far)
    some = {1.0, 2.0, 5.0, least - 1, least, least + 1, most, most + 1, most + 2}
    some |= {np.rint(size * f) for f in (1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0)}
    grid = np.array(list(itertools.product(sorted(some), repeat=len(low))))
    grid = np.unique(np.clip(grid, low, high), axis=0)
    found = means(grid)
    best, value = grid[0], -np.inf
    for i in np.argsort(-found, kind="stable")[:_STARTS]:
        z, mean = _follow(means, grid[i], float(found[i]), low, high)
        if mean > value + _GAIN:
            best, value = z, mean
    while len(low) > 1 and np.isfinite(value):
        z, mean = _around(means, best, low, high)
        if not mean > value + _GAIN:
            break
        best, value = _follow(means, z, mean, low, high)
    return best, value


def _around(
    means: Callable, z: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, float]:
    """Return the best of all combinations near z (W,), each with its best largest number."""
    last = int(np.argmax(np.abs(z)))
    first, end = np.maximum(z - _AROUND, low), np.minimum(z + _AROUND, high)
    sides = [
        z[k : k + 1] if k == last else np.arange(first[k], end[k] + 1.0) for k in range(len(z))
    ]
    points = np.array(list(itertools.product(*sides)))
    far = max(_GROWS * abs(float(z[last])), float(_AROUND))
    bottom = np.full(len(points), max(low[last], -far if z[last] < 0 else low[last]))
    top = np.full(len(points), min(high[last], far))
    best, value, complete = z, -np.inf, False
    while len(points) and not complete:
        complete = bool(np.all(top - bottom < _POINTS))
        grid = np.rint(np.linspace(bottom, top, _POINTS, axis=1))
        trials = np.repeat(points, _POINTS, axis=0)
        trials[:, last] = grid.ravel()
        found = means(trials)
        if found.max() > value:
            best, value = trials[np.argmax(found)], float(found.max())
        # Neighbours of the best point of a grid are the ends of the next one.
        found = found.reshape(grid.shape)
        at, kept = np.argmax(found, axis=1), np.flatnonzero(np.isfinite(found).any(axis=1))
        ends = np.maximum(at - 1, 0), np.minimum(at + 1, _POINTS - 1)
        bottom, top = (grid[kept, end[kept]] for end in ends)
        points = points[kept]
    return best, value


def _follow(
    means: Callable, z: np.ndarray, value: float, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, float]:
    """Go to the best point of the pattern about z until none is better."""
    if not np.isfinite(value):
        return z, value
    ways = np.array(list(itertools.product((-1, 0, 1), repeat=len(z))))
    while True:
        near = z + np.concatenate([step * ways for step in _STEPS])
        scaled = np.where(ways == 1, 1.0, 0.0)
        common = [np.rint(np.where(scaled > 0, z * f, z)) for f in _FACTORS]
        trials = np.unique(np.clip(np.concatenate([near, *common]), low, high), axis=0)
        found = means(trials)
        best = int(np.argmax(found))
        if not found[best] > value + _GAIN:
            return z, value
        z, value = trials[best], float(found[best])

"""Starts of a distribution of scipy: shapes on a fixed grid, scipy's own start, and guesses.

Location and scale match three quantiles of the rows, or are guessed by the roles of the parameters.
Nothing is drawn.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from natfit.distributions.contract.start import quantile
from natfit.distributions.custom._start import candidates

#: Number of grid points by the number of shapes; more shapes have the last one.
_GRID = (1, 32, 128, 256, 384)

#: Bases of the sequence, one a coordinate.
_BASES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)

#: Quantiles that are matched, and the number of standardised values at which a density is tabled.
_QUANTILES, _TABLED = (0.1, 0.5, 0.9), 120

#: Factors by which scales are larger where the density of every start underflows at some row.
_WIDER = 3.0 ** np.arange(1.0, 9.0)

#: Factor by which a support that is stretched is longer than it needs to be.
_STRETCHED = 1.02


def starts(family: Any, y: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
    """Return starts eta (m, K)."""
    points = [_matched(family, _grid(family), y, weight)]
    if len(points[0]) > 1 or not np.isfinite(points[0]).all():
        guesses = candidates(family.params, family.roles, y, weight, False)
        points.append(np.array(list(guesses)))
    own = _scipys(family, y)
    if own is not None:
        points.append(own[None])
    low, high, _ = family.limits
    joined = np.concatenate(points)
    return np.clip(joined[np.isfinite(joined).all(axis=1)], low, high)


def stretched(family: Any, points: np.ndarray, least: float, most: float) -> np.ndarray:
    """Return points eta (m, K), and those that cut rows off with the scale at which they do not."""
    if "scale" not in family.params:
        return points
    at = family.blocks["scale"].start
    centre = points[:, family.blocks["loc"].start] if "loc" in family.params else 0.0
    low, high = family._moved_ends(points)
    with np.errstate(all="ignore"):
        needed = np.fmax((centre - least) / (centre - low), (most - centre) / (high - centre))
        wide = points[(needed > 1.0) & np.isfinite(needed)]
        wide[:, at] += np.log(_STRETCHED * needed[(needed > 1.0) & np.isfinite(needed)])
    return np.concatenate([points, wide])


def widened(family: Any, points: np.ndarray) -> np.ndarray:
    """Return points eta (m, K) with larger scales, and locations moved by that to either side."""
    wide = np.tile(points, (len(_WIDER), 1))
    at = family.blocks["scale"].start
    wide[:, at] += np.repeat(np.log(_WIDER), len(points))
    if "loc" not in family.params:
        return wide
    moved = np.tile(wide, (3, 1))
    moved[:, family.blocks["loc"].start] += np.exp(moved[:, at]) * np.repeat((0, -1, 1), len(wide))
    return moved


def _grid(family: Any) -> np.ndarray:
    """Return points eta (m, K) that differ in the shapes: a Halton sequence, wide tails."""
    own = [family.blocks[n] for n in family.params if n not in ("loc", "scale")]
    shapes = [i for block in own for i in range(block.start, block.stop)]
    count = _GRID[min(len(shapes), len(_GRID) - 1)]
    out = np.repeat(family._probe(0.0), count, axis=0)
    for k, at in enumerate(shapes):
        # No two coordinates have the same numbers: a vector's likelihood is flat where two agree.
        part = np.roll(_halton(count, _BASES[k % len(_BASES)]), k // len(_BASES))
        # Between exp(-2.5) and exp(4) mostly, and as far as exp(7).
        out[:, at] = 0.6 + 1.2 * np.log(part / (1.0 - part))
    return out


def _halton(count: int, base: int) -> np.ndarray:
    """Return the first numbers of van der Corput's sequence in (0, 1)."""
    out = np.zeros(count)
    for i in range(count):
        k, share = i + 1, 1.0
        while k:
            share /= base
            out[i] += share * (k % base)
            k //= base
    return out


def _matched(
    family: Any, points: np.ndarray, y: np.ndarray, weight: np.ndarray | None
) -> np.ndarray:
    """Return the points with location and scale that match quantiles of the rows."""
    if not ("loc" in family.params or "scale" in family.params):
        return points
    x = family._standard_quantiles(points, np.array(_QUANTILES), _TABLED)
    low, middle, high = (quantile(y, weight, q) for q in _QUANTILES)
    out = np.array(points)
    with np.errstate(all="ignore"):
        if "loc" in family.params:
            scale = (high - low) / (x[:, 2] - x[:, 0]) if "scale" in family.params else 1.0
            out[:, family.blocks["loc"].start] = middle - scale * x[:, 1]
        else:
            far = np.argmax(np.abs(x), axis=1)
            scale = np.array([low, middle, high])[far] / x[np.arange(len(x)), far]
        if "scale" in family.params:
            out[:, family.blocks["scale"].start] = np.log(scale)
    return out


def _scipys(family: Any, y: np.ndarray) -> np.ndarray | None:
    """Return scipy's own start eta (K,), if it has one that is valid."""
    start = getattr(family._dist, "_fitstart", None)
    if start is None or not hasattr(family._dist, "_shape_info"):
        return None
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            values = start(y)
            names = [*family._shapes, "loc", "scale"]
            native = dict(zip(names, map(float, values), strict=True))
            return family.eta(**{k: native[k] for k in family.params})
    except Exception:  # whatever scipy's starts raise for data that they are not made for
        return None

"""Guesses to start a user's distribution from: by the names of its parameters, one pass."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from natfit.bijectors import Bijector, Positive, Real
from natfit.distributions._start import location_scale

_LOCATIONS = ("loc", "location", "mean", "mu")
_SCALES = ("scale", "sigma", "sd", "std")
_RATES = ("rate", "rates")

#: Factors of 5 apart, in the unit of a logarithm: an optimiser covers what lies between.
_SPREAD = (0.0, 1.6, -1.6)

#: More free coordinates than this are varied one at a time: the product has 3^k guesses.
_PRODUCT = 3


def candidates(
    params: dict[str, Bijector], y: np.ndarray, weight: np.ndarray | None, positive: bool
) -> Iterator[np.ndarray]:
    """Yield starts eta (K,), the most plausible first; at most 27, or 2 K + 1.

    Parameters
    ----------
    params : dict
        Parameter name to constraint.
    y : ndarray (n,) or (n, D)
        A few rows.
    weight : ndarray (n,) or None
        Their weights.
    positive : bool
        Whether y is confined to positive numbers: a scale is then the size of y, not its spread.
    """
    centre, spread = _centre_spread(y, weight)
    located = any(name in _LOCATIONS for name in params) and not positive
    base, free = [], []
    for name, constraint in params.items():
        value = _guess(name, constraint, centre, spread if located else np.abs(centre) + spread)
        base.append(np.zeros(constraint.size) if value is None else value)
        # A location that the data give is left alone; everything else is varied.
        free += [not (name in _LOCATIONS and value is not None)] * constraint.size
    start = np.concatenate(base)
    low, high = (
        np.concatenate(p) for p in zip(*(c.limits() for c in params.values()), strict=True)
    )
    coordinates = np.flatnonzero(free)
    for shift in _shifts(len(start), coordinates):
        yield np.clip(start + shift, low, high)


def _shifts(size: int, coordinates: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the changes of the start, none first."""
    if len(coordinates) <= _PRODUCT:
        for steps in itertools.product(_SPREAD, repeat=len(coordinates)):
            shift = np.zeros(size)
            shift[coordinates] = steps
            yield shift
        return
    yield np.zeros(size)
    for k, step in itertools.product(coordinates, _SPREAD[1:]):
        shift = np.zeros(size)
        shift[k] = step
        yield shift


def _centre_spread(y: np.ndarray, weight: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Median and scaled median absolute deviation of each column, (D,) each, D = 1 for (n,)."""
    columns = y[:, None] if y.ndim == 1 else y
    pairs = [location_scale(column, weight) for column in columns.T]
    return np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])


def _guess(
    name: str, constraint: Bijector, centre: np.ndarray, size: np.ndarray
) -> np.ndarray | None:
    """Unconstrained values (size,) by the parameter's name, None where it says nothing."""
    size = np.maximum(size, np.finfo(float).tiny)
    if name in _LOCATIONS and isinstance(constraint, Real):
        value = centre
    elif name in _LOCATIONS and isinstance(constraint, Positive):
        value = np.log(np.maximum(np.abs(centre), np.finfo(float).tiny))
    elif name in _SCALES and isinstance(constraint, Positive):
        value = np.log(size)
    elif name in _RATES and isinstance(constraint, Positive):
        value = -np.log(size)
    else:
        return None
    if constraint.size == len(value):
        return value
    return np.full(constraint.size, float(np.median(value)))

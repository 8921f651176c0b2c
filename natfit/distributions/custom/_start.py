"""Starts of user-supplied distributions: guesses by the roles of their parameters."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from natfit.bijectors import Bijector, Positive, Real
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.start import location_scale

#: Roles of parameters that say where y lies.
_CENTRES = (Role.LOCATION, Role.MEAN)

#: Changes of a logarithm, factors of 5 apart: from there the fit reaches what lies between.
_SPREAD = (0.0, 1.6, -1.6)

#: Number of free coordinates up to which all combinations are tried, 3^k; more are varied one at a
#: time.
_PRODUCT = 3


def candidates(
    params: Mapping[str, Bijector],
    roles: Mapping[str, Role],
    y: np.ndarray,
    weight: np.ndarray | None,
    positive: bool,
) -> Iterator[np.ndarray]:
    """Yield starts eta (K,), the most plausible first; at most 27, or 2 K + 1.

    Parameters
    ----------
    params : dict
        Parameter name to constraint.
    roles : dict
        Parameter name to what it is.
    y : ndarray (n,) or (n, D)
        A few rows.
    weight : ndarray (n,) or None
        Their weights.
    positive : bool
        Whether y is confined to positive numbers: a scale is then the size of y, not its spread.

    Yields
    ------
    ndarray of shape (K,)
        One start.
    """
    centre, spread = _centre_spread(y, weight)
    located = any(role in _CENTRES for role in roles.values()) and not positive
    base, free = [], []
    for name, constraint in params.items():
        role, size = roles[name], spread if located else np.abs(centre) + spread
        value = _guess(role, constraint, centre, size)
        base.append(np.zeros(constraint.size) if value is None else value)
        # A location that the data give is not varied; all other coordinates are.
        free += [not (role in _CENTRES and value is not None)] * constraint.size
    start = np.concatenate(base)
    low, high = (
        np.concatenate(p) for p in zip(*(c.limits() for c in params.values()), strict=True)
    )
    coordinates = np.flatnonzero(free)
    for shift in _shifts(len(start), coordinates):
        yield np.clip(start + shift, low, high)


def best_start(
    log_prob: Callable,
    params: Mapping[str, Bijector],
    roles: Mapping[str, Role],
    y: np.ndarray,
    weight: np.ndarray | None,
    positive: bool,
) -> tuple[np.ndarray, float]:
    """Guess eta (K,) with the highest mean of ``log_prob(eta) -> (n,)``, and that mean.

    If no guess has a finite mean, the first guess.

    Returns
    -------
    eta : ndarray of shape (K,)
        The guess.
    mean : float
        In nats, -inf where none is finite.
    """
    best: Any = None
    best_value = -np.inf
    for eta in candidates(params, roles, y, weight, positive):
        with np.errstate(all="ignore"):
            value = float(np.average(log_prob(eta), weights=weight))
        if best is None or (np.isfinite(value) and value > best_value):
            best = eta
            best_value = value if np.isfinite(value) else -np.inf
    return best, best_value


def _shifts(size: int, coordinates: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the changes of the start, beginning with no change."""
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
    role: Role, constraint: Bijector, centre: np.ndarray, size: np.ndarray
) -> np.ndarray | None:
    """Unconstrained values (size,) of a parameter by its role; None where the role gives none."""
    size = np.maximum(size, np.finfo(float).tiny)
    if role in _CENTRES and isinstance(constraint, Real):
        value = centre
    elif role in _CENTRES and isinstance(constraint, Positive):
        value = np.log(np.maximum(np.abs(centre), np.finfo(float).tiny))
    elif role is Role.SCALE and isinstance(constraint, Positive):
        value = np.log(size)
    elif role is Role.RATE and isinstance(constraint, Positive):
        value = -np.log(size)
    else:
        return None
    if constraint.size == len(value):
        return value
    return np.full(constraint.size, float(np.median(value)))

"""Derivatives of functions that a user writes: by autograd where it follows, else by differences.

The steps of differences are in units of standard errors, because a function of the parameters is
of interest over the width of their interval, and is known there to the accuracy of its own
arithmetic: steps of a tenth of a standard error lose one digit of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.numerics import autodiff

#: Formulas of the sixth order: at -3, ..., 3 steps, and at 0, ..., 6 steps where a limit is near.
_CENTRAL = np.array([-1.0, 9.0, -45.0, 0.0, 45.0, -9.0, 1.0]) / 60.0
_FORWARD = np.array([-147.0, 360.0, -450.0, 400.0, -225.0, 72.0, -10.0]) / 60.0

#: Steps in standard errors, tried in this order, each also at half of it.
_STEPS = (0.1, 0.01, 0.001)

#: Largest difference of the two, in the change of the function over a standard error, and what
#: rounding may add, relative to the function's value.
_AGREE, _ROUNDING = 1e-4, 1e-8

#: Step of coordinates whose standard error is not known, relative to their size.
_UNKNOWN = 1e-2

#: Step of the difference that confirms a derivative by autograd, in standard errors.
_CONFIRM = 1e-2


def flat(value: Any) -> Any:
    """Return a number, an array, or a tuple of them as a vector, traced if they are.

    Parameters
    ----------
    value : float, array-like or tuple
        What a function returned.

    Returns
    -------
    ndarray of shape (M,)
    """
    if isinstance(value, tuple | list):
        return joined(value)
    return anp.reshape(value, (-1,))


def joined(values: Any) -> Any:
    """Return several numbers or arrays, one after the other, as a vector.

    Parameters
    ----------
    values : iterable
        The parts.

    Returns
    -------
    ndarray of shape (M,)
    """
    return anp.concatenate([flat(v) for v in values])


def by_autograd(
    function: Callable[[Any], Any],
    theta: np.ndarray,
    errors: np.ndarray,
    limits: tuple[np.ndarray, np.ndarray],
) -> np.ndarray | None:
    """Return derivatives by autograd, or None where it cannot follow the function.

    A function that leaves autograd's arithmetic on the way, by a float or by plain numpy, may have
    a derivative that lacks a part. One difference along all coordinates at once finds this.

    Parameters
    ----------
    function : callable
        ``function(theta) -> (M,)``.
    theta, errors : ndarray of shape (P,)
        The point, and the units of steps.
    limits : tuple of ndarray
        Lower and upper limits (P,) of theta.

    Returns
    -------
    ndarray of shape (M, P), or None
    """
    try:
        with np.errstate(all="ignore"):
            found = autodiff.jacobian(function, theta)
            plain = np.asarray(function(theta), dtype=np.float64)
    except Exception:  # noqa: BLE001  # a user's function may fail in any way on a traced theta
        return None
    if found.shape != (plain.size, theta.size) or not np.isfinite(found).all():
        return None
    if not found.any(axis=1).all():
        # A function that moves in steps, or that has left autograd's arithmetic altogether.
        return None
    steps = _units(theta, errors) * _CONFIRM
    low, high = limits
    # Along directions with both signs, so that changes of two coordinates do not cancel.
    turned = steps * np.where(np.arange(theta.size) % 2, -1.0, 1.0)
    if np.any(theta - 3.0 * steps < low) or np.any(theta + 3.0 * steps > high):
        return None
    for move in (steps, turned):
        slope = sum(
            c * np.asarray(function(theta + a * move), dtype=np.float64)
            for a, c in zip(range(-3, 4), _CENTRAL, strict=True)
            if c
        )
        off = np.abs(slope - found @ move)
        size = np.abs(found) @ steps
        if not np.all(off <= _AGREE * size + _CONFIRM * _ROUNDING * np.abs(plain)):
            return None
    return found


def by_differences(
    function: Callable[[Any], Any],
    theta: np.ndarray,
    errors: np.ndarray,
    limits: tuple[np.ndarray, np.ndarray],
    name: str,
    size: float = 0.0,
) -> np.ndarray:
    """Return derivatives by differences of the sixth order, at two step sizes that agree.

    Parameters
    ----------
    function : callable
        ``function(theta) -> (M,)``.
    theta, errors : ndarray of shape (P,)
        The point, and the units of steps.
    limits : tuple of ndarray
        Lower and upper limits (P,) of theta; near one the steps go to the other side.
    name : str
        What the function is, for messages.
    size : float
        What values are accurate beside, where they may be zero.

    Returns
    -------
    ndarray of shape (M, P)

    Raises
    ------
    ValueError
        If no two step sizes agree, or the function moves in steps.
    """
    unit = _units(theta, errors)
    plain = np.asarray(function(theta), dtype=np.float64)
    for share in _STEPS:
        with np.errstate(all="ignore"):
            coarse = _difference(function, theta, plain, unit * share, errors, limits, name)
            fine = _difference(function, theta, plain, unit * share * 0.5, errors, limits, name)
            off, change = np.abs(coarse - fine) * unit, np.abs(fine) * unit
        rounding = _ROUNDING / share * np.maximum(np.abs(plain), size)[:, None]
        if np.all(off <= _AGREE * change.max(axis=1, keepdims=True) + rounding):
            _refuse_steps(function, theta, unit, errors, limits, plain, fine, name)
            return fine
    raise ValueError(
        f"{name} must have a derivative at the estimate, but its differences over a tenth to a "
        "thousandth of a standard error do not agree; use a smooth function, or method='bootstrap'"
    )


def once(
    function: Callable[[Any], Any],
    theta: np.ndarray,
    errors: np.ndarray,
    limits: tuple[np.ndarray, np.ndarray],
    name: str,
) -> np.ndarray:
    """Return derivatives by differences at one step size, for a function known to have them.

    Parameters
    ----------
    function : callable
        ``function(theta) -> (M,)``.
    theta, errors : ndarray of shape (P,)
        The point, and the units of steps.
    limits : tuple of ndarray
        Lower and upper limits (P,) of theta.
    name : str
        What the function is, for messages.

    Returns
    -------
    ndarray of shape (M, P)
    """
    step = _units(theta, errors) * _STEPS[0] * 0.5
    plain = np.asarray(function(theta), dtype=np.float64)
    with np.errstate(all="ignore"):
        return _difference(function, theta, plain, step, errors, limits, name)


def _units(theta: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Return the unit of the steps of each coordinate."""
    known = np.isfinite(errors) & (errors > 0.0)
    return np.where(known, errors, _UNKNOWN * np.maximum(1.0, np.abs(theta)))


def _difference(
    function: Callable[[Any], Any],
    theta: np.ndarray,
    plain: np.ndarray,
    step: np.ndarray,
    errors: np.ndarray,
    limits: tuple[np.ndarray, np.ndarray],
    name: str,
) -> np.ndarray:
    """Return the derivatives (M, P) at one length of steps; zeros for given coordinates.

    The value at the estimate is subtracted first, so that a constant has zero exactly.

    Returns
    -------
    ndarray of shape (M, P)
    """
    low, high = limits
    columns: list[Any] = []
    for k, h in enumerate(step):
        if errors[k] == 0.0:
            columns.append(None)
            continue
        at, rule = np.arange(-3.0, 4.0), _CENTRAL
        if theta[k] - 3.0 * h < low[k]:
            at, rule = np.arange(7.0), _FORWARD
        elif theta[k] + 3.0 * h > high[k]:
            at, rule = -np.arange(7.0), -_FORWARD
        total: Any = 0.0
        for a, c in zip(at, rule, strict=True):
            if c:
                moved = theta.copy()
                moved[k] += a * h
                total = total + c * (_checked(function(moved), name) - plain)
        columns.append(total / h)
    return np.stack([np.zeros(plain.shape) if c is None else c for c in columns], axis=1)


def _checked(value: Any, name: str) -> np.ndarray:
    value = np.asarray(value, dtype=np.float64)
    if np.isnan(value).any():
        raise ValueError(
            f"{name} must be a number near the estimate, too, got NaN within a standard error of "
            "it; use method='bootstrap', or a function that is defined there"
        )
    return value


def _refuse_steps(
    function: Callable[[Any], Any],
    theta: np.ndarray,
    unit: np.ndarray,
    errors: np.ndarray,
    limits: tuple[np.ndarray, np.ndarray],
    plain: np.ndarray,
    found: np.ndarray,
    name: str,
) -> None:
    """Raise ValueError if values do not move near the estimate, but do over two standard errors."""
    flat_ = ~found.any(axis=1)
    if not flat_.any():
        return
    low, high = limits
    for k in np.flatnonzero(errors != 0.0):
        for a in (-2.0, 2.0):
            moved = theta.copy()
            moved[k] = np.clip(moved[k] + a * unit[k], low[k], high[k])
            with np.errstate(all="ignore"):
                far = np.asarray(function(moved), dtype=np.float64)
            if np.any(far[flat_] != plain[flat_]):
                raise ValueError(
                    f"{name} moves in steps with the parameters, as quantiles of whole numbers do, "
                    "so that it has no standard error; use method='bootstrap'"
                )

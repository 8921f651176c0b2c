"""What all property checks share: skips with a reason, runs of a list, comparisons of arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


class NotApplicable(Exception):
    """A check does not apply to a component; the message says why. Test runners should skip it."""


def run_checks(checks: Sequence[Callable], *args: Any) -> dict[str, str]:
    """Run checks on one component and report all failures together.

    Parameters
    ----------
    checks : sequence of callable
        Each raises AssertionError, or :class:`NotApplicable`.
    *args
        Arguments of every check.

    Returns
    -------
    dict
        Names of the checks that do not apply, each with the reason.

    Raises
    ------
    AssertionError
        If a check fails; the message has one line for each that does.
    """
    failed, skipped = [], {}
    for check in checks:
        try:
            check(*args)
        except NotApplicable as reason:
            skipped[check.__name__] = str(reason)
        except AssertionError as error:
            failed.append(f"{check.__name__}: {error}")
    if failed:
        raise AssertionError("\n".join(failed))
    return skipped


def require(condition: Any, message: str) -> None:
    """Raise AssertionError with a message unless a condition holds."""
    if not condition:
        raise AssertionError(message)


def close(what: str, got: Any, want: Any, *, rtol: float = 0.0, scale: Any = 1.0) -> None:
    """Require ``|got - want| <= rtol * max(scale, |want|)`` for every element.

    Parameters
    ----------
    what : str
        What is compared, and with what, for the message.
    got, want : array-like
        The numbers found and expected, of equal shape.
    rtol : float
        Relative tolerance.
    scale : array-like
        Magnitude below which the tolerance is absolute.

    Raises
    ------
    AssertionError
        If an element is farther away or NaN, or the shapes differ.
    """
    got, want = np.asarray(got, dtype=float), np.asarray(want, dtype=float)
    require(got.shape == want.shape, f"{what}: shape {got.shape}, expected {want.shape}")
    error = np.abs(got - want) / np.maximum(scale, np.abs(want))
    # A NaN is never within a tolerance.
    if not np.all(error <= rtol):
        where = np.unravel_index(np.argmax(np.where(np.isnan(error), np.inf, error)), error.shape)
        raise AssertionError(
            f"{what}: got {got[where]:.10g}, expected {want[where]:.10g}"
            f"{f' at {tuple(map(int, where))}' if where else ''} (relative tolerance {rtol:g})"
        )


def within_errors(what: str, got: Any, want: Any, error: Any, most: float = 5.0) -> None:
    """Require that estimates lie within a number of their standard errors."""
    got, want, error = (np.asarray(a, dtype=float) for a in (got, want, error))
    z = np.abs(got - want) / np.maximum(error, 1e-12 * (1.0 + np.abs(want)))
    if not np.all(z <= most):
        k = int(np.argmax(np.where(np.isnan(z), np.inf, z)))
        raise AssertionError(
            f"{what}: got {got.flat[k]:.6g}, expected {want.flat[k]:.6g}, "
            f"{z.flat[k]:.1f} standard errors away (at most {most:g})"
        )


def gradient(fun: Callable, x: np.ndarray, step: float = 1e-4, least: float = 1.0) -> np.ndarray:
    """Return the derivative of ``fun`` at x (P,) by fourth-order central differences.

    ``fun`` may return an array; the derivative's last axis is that of x. The step is relative to
    the larger of |x| and ``least``, which is 0 for functions that are singular at zero.

    Returns
    -------
    ndarray of shape (..., P)
        The shape of the value, followed by that of x.
    """
    columns = []
    for p in range(len(x)):
        move = np.zeros_like(x)
        move[p] = h = step * max(least, abs(x[p]))
        near = np.asarray(fun(x + move)) - np.asarray(fun(x - move))
        far = np.asarray(fun(x + 2 * move)) - np.asarray(fun(x - 2 * move))
        columns.append((8.0 * near - far) / (12.0 * h))
    return np.stack(columns, axis=-1)


def refuses(what: str, call: Callable, kinds: tuple = (ValueError,)) -> None:
    """Require that a call raises one of ``kinds`` with a message."""
    try:
        call()
    except kinds as error:
        require(str(error), f"{what} is refused without a message")
        return
    raise AssertionError(f"{what} is accepted, expected {kinds[0].__name__}")

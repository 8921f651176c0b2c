"""Property checks of constraints: round trip, derivatives, limits."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.numerics import autodiff
from natfit.testing._core import NotApplicable, close, gradient, require, run_checks


def check_bijector(bijector: Any) -> dict[str, str]:
    """Run every check of :data:`BIJECTOR_CHECKS` on a constraint.

    Returns
    -------
    dict
        Names of the checks that do not apply, each with the reason.

    Raises
    ------
    AssertionError
        If a check fails; the message has one line for each that does.
    """
    return run_checks(BIJECTOR_CHECKS, bijector)


def _etas(bijector: Any, n: int = 5) -> np.ndarray:
    """Return moderate unconstrained points (n, size) inside the limits."""
    low, high = bijector.limits()
    eta = np.random.default_rng(7).standard_normal((n, bijector.size))
    return np.clip(np.where(low >= 0, low + np.abs(eta) + 0.1, eta), low, high)


def _slopes(fun: Any, eta: np.ndarray) -> np.ndarray:
    """Return differences whose step is relative to eta itself: a map may be singular at zero."""
    return gradient(fun, eta, step=1e-3, least=0.0)


def round_trip(bijector: Any) -> None:
    """eta -> native -> eta returns the start, and the native value satisfies the constraint."""
    eta = _etas(bijector)
    native = bijector.to_native(eta)
    require(native.shape == (len(eta), *bijector.shape), f"native values have {native.shape}")
    close("eta of the native values", bijector.to_eta(native), eta, rtol=1e-9)
    for value in native:
        require(bijector.valid(value), f"the constraint refuses its own value {value}")


def pack_round_trip(bijector: Any) -> None:
    """Native -> free numbers -> native returns the start, with native_size free numbers."""
    for value in bijector.to_native(_etas(bijector)):
        free = bijector.pack(value)
        require(free.shape == (bijector.native_size,), f"pack gives shape {free.shape}")
        close("unpack of pack", bijector.unpack(free[None])[0], value, rtol=1e-12)


def jacobian_is_derivative(bijector: Any) -> None:
    """The Jacobian is d pack(native) / d eta, by central differences."""
    for eta in _etas(bijector):
        want = _slopes(lambda e: bijector.pack(bijector.to_native(e[None])[0]), eta)
        close("jacobian against differences", bijector.jacobian(eta), want, rtol=1e-7)


def second_is_derivative(bijector: Any) -> None:
    """first and second are the elementwise derivatives of the map."""
    if not bijector.elementwise:
        raise NotApplicable("the map is not elementwise")
    for eta in _etas(bijector):
        want = np.diagonal(_slopes(lambda e: bijector.to_native(e[None]).reshape(-1), eta))
        close("first against differences", bijector.first(eta), want, rtol=1e-7)
        want = np.diagonal(_slopes(bijector.first, eta))
        close("second against differences", bijector.second(eta), want, rtol=1e-7)


def differentiable(bijector: Any) -> None:
    """autograd differentiates the map and its inverse."""
    for eta in _etas(bijector, 2):
        want = bijector.jacobian(eta)

        def forward(e: Any) -> Any:
            return bijector.to_native(e[None]).reshape(-1)

        def both(e: Any) -> Any:
            return bijector.to_eta(bijector.to_native(e[None])).reshape(-1)

        packed = np.stack(
            [bijector.pack(c.reshape(bijector.shape)) for c in autodiff.jacobian(forward, eta).T],
            axis=1,
        )
        close("autograd of the map", packed, want, rtol=1e-10)
        close(
            "autograd of map and inverse", autodiff.jacobian(both, eta), np.eye(len(eta)), rtol=1e-8
        )


def limits_are_finite_ground(bijector: Any) -> None:
    """Native values are finite at the limits of eta; limits and steps have the right size."""
    low, high = bijector.limits()
    steps = bijector.steps()
    shapes = {np.shape(a) for a in (low, high, steps)}
    require(shapes == {(bijector.size,)}, f"limits and steps have shapes {shapes}")
    require(np.all(low < high) and np.all(steps > 0), "limits are out of order, or steps are <= 0")
    for end in (low, high):
        eta = np.where(np.isfinite(end), end, 0.0)
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            native = bijector.to_native(eta[None])
        require(np.all(np.isfinite(native)), f"native values at eta = {eta} are {native}")


def refuses_invalid(bijector: Any) -> None:
    """NaN and values outside the domain are not valid."""
    good = bijector.to_native(_etas(bijector, 1))[0]
    require(not bijector.valid(np.full_like(good, np.nan)), "the constraint accepts NaN")
    low, high = bijector.domain
    for value in (low - 1.0, high + 1.0):
        if np.isfinite(value):
            require(not bijector.valid(np.full_like(good, value)), f"it accepts {value}")


#: Every check that :func:`check_bijector` runs, each called with a constraint.
BIJECTOR_CHECKS = [
    round_trip,
    pack_round_trip,
    jacobian_is_derivative,
    second_is_derivative,
    differentiable,
    limits_are_finite_ground,
    refuses_invalid,
]

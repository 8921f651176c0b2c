"""Property checks of coordinates, each called with coordinates, a family and points eta (M, K)."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.models import Constant
from natfit.objectives import Likelihood
from natfit.rows import Memory
from natfit.testing._core import NotApplicable, close, gradient, require, run_checks
from natfit.testing.data import points, some_rows
from natfit.testing.problems import dense


def check_coordinates(coordinates: Any, family: Any) -> dict[str, str]:
    """Run every check of :data:`COORDINATE_CHECKS` on coordinates of a family.

    Returns
    -------
    dict
        Names of the checks that do not apply, each with the reason.

    Raises
    ------
    AssertionError
        If a check fails; the message has one line for each that does.
    """
    return run_checks(COORDINATE_CHECKS, coordinates, family, points(family))


def _bound(coordinates: Any, family: Any, origin: np.ndarray) -> Any:
    try:
        return coordinates.bind(family, origin)
    except ValueError as error:
        require(str(error), "the coordinates refuse the family without a message")
        raise NotApplicable(str(error)) from None


def round_trip_eta(coordinates: Any, family: Any, etas: np.ndarray) -> None:
    """eta -> theta -> eta returns the start; each coordinate has a name; theta is in the domain."""
    bound = _bound(coordinates, family, etas[0])
    require(len(bound.names()) == family.n_params, "names() has another length than K")
    for eta in etas:
        theta = bound.from_eta(eta)
        require(theta.shape == (family.n_params,), f"theta has shape {theta.shape}")
        close("eta of theta", bound.to_eta(theta), eta, rtol=1e-8)
        require(bound.in_domain(theta), f"theta = {theta} is not in the domain")


def jacobian_of_eta(coordinates: Any, family: Any, etas: np.ndarray) -> None:
    """The Jacobian is d eta / d theta, by central differences; None stands for the identity."""
    bound = _bound(coordinates, family, etas[0])
    for eta in etas:
        theta = bound.from_eta(eta)
        want = gradient(bound.to_eta, theta, 1e-5)
        jac = bound.jacobian(theta)
        got = np.eye(len(theta)) if jac is None else jac
        close("jacobian against differences", got, want, rtol=1e-6, scale=np.abs(want).max())


def curvature_of_eta(coordinates: Any, family: Any, etas: np.ndarray) -> None:
    """The curvature is the derivative of J'u; None stands for zero."""
    bound = _bound(coordinates, family, etas[0])
    u = np.linspace(-1.0, 1.0, family.n_params) + 0.3
    for eta in etas:
        theta = bound.from_eta(eta)

        def pulled(t: np.ndarray) -> np.ndarray:
            jac = bound.jacobian(t)
            return u if jac is None else jac.T @ u

        want = gradient(pulled, theta, 1e-5)
        got = bound.curvature(theta, u)
        got = np.zeros_like(want) if got is None else got
        size = 1e-3 + np.abs(want).max()
        close("curvature against differences", got, want, rtol=1e-5, scale=size)


def direction_is_invariant(coordinates: Any, family: Any, etas: np.ndarray) -> None:
    """The natural gradient has the same tangent in eta in all coordinates."""
    if not family.information.exists:
        raise NotApplicable("the family has no exact Fisher information")
    if family.row_ends:
        raise NotApplicable("a family whose support ends at a parameter has no regular information")
    bound = _bound(coordinates, family, etas[0])
    y = some_rows(family, etas[0], 40)
    for eta in etas:
        theta = bound.from_eta(eta)
        objective = Likelihood(family, Constant(bound), Memory(y))
        _, grad = objective.value_and_grad(theta)
        direction = np.linalg.solve(dense(objective.fisher(theta)), grad)
        # The tangent of the path itself, since a wrong Jacobian cancels from J (J'FJ)^-1 J'.
        tangent = gradient(
            lambda t, at=theta, along=direction: bound.to_eta(at + t[0] * along), np.zeros(1)
        )
        score = -family.score(y, eta[None]).mean(axis=0)
        want = np.linalg.solve(family.fisher(eta[None])[0], score)
        close("tangent in eta", tangent[:, 0], want, rtol=1e-6, scale=np.abs(want).max())


def hessian_bends_with_coordinates(coordinates: Any, family: Any, etas: np.ndarray) -> None:
    """The likelihood's Hessian in theta is the derivative of its gradient in theta."""
    bound = _bound(coordinates, family, etas[0])
    for eta in etas[:2]:
        # Rows of another eta may lie outside the support of this one.
        objective = Likelihood(family, Constant(bound), Memory(some_rows(family, eta, 40)))
        theta = bound.from_eta(eta)
        want = gradient(lambda t, f=objective: f.value_and_grad(t)[1], theta, 1e-5)
        size = np.abs(want).max()
        close(
            "hessian against differences",
            objective.hessian(theta).dense(),
            want,
            rtol=1e-6,
            scale=size,
        )


def domain_ends_at_constraints(coordinates: Any, family: Any, etas: np.ndarray) -> None:
    """NaN is outside the domain; limits have the right size and are in order."""
    bound = _bound(coordinates, family, etas[0])
    low, high, steps = bound.limits()
    require(low.shape == high.shape == steps.shape == etas[0].shape, "limits of a wrong shape")
    require(np.all(low < high), "limits are out of order")
    theta = bound.from_eta(etas[0])
    model = Constant(bound)
    for k in range(len(theta)):
        bad = theta.copy()
        bad[k] = np.nan
        require(not model.in_domain(bad), f"NaN in coordinate {k} is in the domain")


#: Every check that :func:`check_coordinates` runs, each called with (coordinates, family, etas).
COORDINATE_CHECKS = [
    round_trip_eta,
    jacobian_of_eta,
    curvature_of_eta,
    direction_is_invariant,
    hessian_bends_with_coordinates,
    domain_ends_at_constraints,
]

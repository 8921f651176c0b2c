"""Property checks of solvers; the oracle is numpy's dense solve."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from natfit.linops import Damped, Dense, LinearOperator
from natfit.testing._core import NotApplicable, close, require, run_checks
from natfit.testing.operators import Factored, Layered

#: Sizes of the random systems.
_SIZES = (1, 2, 5, 20)


def check_solver(solver: Any) -> dict[str, str]:
    """Run every check of :data:`SOLVER_CHECKS` on a solver.

    Returns
    -------
    dict
        Names of the checks that do not apply, each with the reason.

    Raises
    ------
    AssertionError
        If a check fails; the message has one line for each that does.
    """
    return run_checks(SOLVER_CHECKS, solver)


def random_system(size: int, spread: float = 0.0, seed: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Return a root B (P, P) of a well-conditioned matrix, and a right-hand side (P,).

    The diagonal of B B' spreads over ``spread`` decades on each side of one.

    Returns
    -------
    root : ndarray of shape (P, P)
        The root B.
    g : ndarray of shape (P,)
        The right-hand side.
    """
    rng = np.random.default_rng([seed, size])
    root = np.eye(size) + 0.3 * rng.standard_normal((size, size)) / np.sqrt(size)
    units = np.logspace(-spread / 2, spread / 2, size)[rng.permutation(size)] if size > 1 else 1.0
    scale = np.broadcast_to(units, size)
    return root * scale[:, None], scale * rng.standard_normal(size)


def _exact(matrix: np.ndarray, g: np.ndarray) -> np.ndarray:
    """Return the dense solution in the matrix's own units, so that the oracle keeps its digits."""
    scale = 1.0 / np.sqrt(np.diagonal(matrix))
    return scale * np.linalg.solve(matrix * np.outer(scale, scale), scale * g)


def _forms(root: np.ndarray) -> Iterator[tuple[str, LinearOperator]]:
    """Yield the same matrix with and without a factor, and with damping."""
    matrix = root @ root.T
    part = 0.5 * np.diagonal(matrix)
    yield "dense", Dense(matrix)
    yield "factored", Factored(root)
    yield "damped", Damped(Factored(root), part)
    yield "low rank, damped", Damped(Factored(root[:, : max(1, len(root) // 3)]), part)


def _solve(solver: Any, operator: LinearOperator, g: np.ndarray) -> tuple[np.ndarray | None, Any]:
    """Return a solution, or None if the solver refuses a form without a factor or layers."""
    try:
        return solver.anew().solve(operator, g)
    except ValueError:
        flat = solver.needs_layers and operator.kronecker() is None
        if operator.factor() is not None and not flat:
            raise
        return None, None


def _needs_no_layers(solver: Any) -> None:
    if solver.needs_layers:
        raise NotApplicable("the solver needs a model with layers")


def solves_like_numpy(solver: Any) -> None:
    """Solutions of well-conditioned systems of several sizes and forms agree with numpy's."""
    for size in _SIZES:
        root, g = random_system(size)
        for form, operator in _forms(root):
            d, info = _solve(solver, operator, g)
            if d is None:
                continue
            rtol = 1e-6 if info.added is not None else 1e-9
            want = _exact(operator.dense(), g)
            close(f"{form} system of size {size}", d, want, rtol=rtol, scale=np.abs(want).max())


def solves_badly_scaled(solver: Any) -> None:
    """A diagonal that spreads from 1e-8 to 1e8 costs no digits."""
    if not solver.precondition:
        raise NotApplicable("without a preconditioner the stopping rule depends on units")
    for size in _SIZES[1:]:
        root, g = random_system(size, spread=8.0)
        for form, operator in _forms(root):
            d, info = _solve(solver, operator, g)
            if d is None:
                continue
            matrix = operator.dense()
            want, unit = _exact(matrix, g), np.sqrt(np.diagonal(matrix))
            rtol = 1e-6 if info.added is not None else 1e-8
            close(
                f"badly scaled {form} system of size {size}",
                unit * d,
                unit * want,
                rtol=rtol,
                scale=np.abs(unit * want).max(),
            )


def solves_one_layer(solver: Any) -> None:
    """The solution with a Kronecker product of two factors agrees with numpy's."""
    for rows, columns in ((1, 3), (4, 1), (3, 5)):
        left, right = random_system(rows)[0], 100.0 * random_system(columns, seed=12)[0]
        operator, g = Layered(left, right), random_system(rows * columns, seed=13)[1]
        d, info = solver.anew().solve(operator, g)
        rtol = 1e-6 if info.added is not None else 1e-9
        want = _exact(operator.dense(), g)
        what = f"layer of {rows} x {columns}"
        close(what, d, want, rtol=rtol, scale=np.abs(want).max())


def damping_counts(solver: Any) -> None:
    """The direction is that of F + lambda I for every lambda and every rank of F."""
    _needs_no_layers(solver)
    full, g = random_system(6)
    for added in (0.1, 1.0, 100.0):
        for root in (full, full[:, :2]):
            operator = Damped(Factored(root), np.full(6, added))
            want = np.linalg.solve(root @ root.T + added * np.eye(6), g)
            d, _ = solver.solve(operator, g)
            what = f"direction with damping {added:g}, rank {root.shape[1]}"
            close(what, d, want, rtol=1e-8, scale=np.abs(want).max())


def singular_is_recorded(solver: Any) -> None:
    """A singular system is solved where it has a solution; elsewhere the info says so."""
    _needs_no_layers(solver)
    root, g = random_system(5)
    operator = Factored(root[:, :3])
    inside = operator @ g
    d, info = solver.solve(operator, inside)
    require(np.all(np.isfinite(d)), "the direction is not finite")
    close(
        "F d for g in the range of F", operator @ d, inside, rtol=1e-5, scale=np.abs(inside).max()
    )
    require(float(inside @ d) > 0, "the direction does not descend")
    d, info = solver.solve(operator, g)
    require(np.all(np.isfinite(d)), "the direction is not finite for g outside the range")
    require(
        info.fallback is not None or info.residual > 1e-3,
        "a singular system is solved without a record of it",
    )


def unidentified_are_named(solver: Any) -> None:
    """The coordinates that span the null space are named, and no others."""
    _needs_no_layers(solver)
    rng = np.random.default_rng(11)
    # Coordinate 1 has no effect at all; coordinates 3 and 4 have one only through their sum.
    root = rng.standard_normal((5, 8)) * np.array([1e3, 0.0, 1.0, 1e-3, 0.0])[:, None]
    root[4] = root[3]
    operator = Factored(root)
    _, info = solver.solve(operator, operator @ np.ones(5))
    if not info.truncated:
        raise NotApplicable("the solver has no null space to report from")
    names = sorted(int(i) for i in info.unidentified)
    require(names == [1, 3, 4], f"unidentified coordinates are {names}, expected [1, 3, 4]")


def descends_where_indefinite(solver: Any) -> None:
    """With negative curvature the direction has g'd > 0, and the info says so."""
    root, g = random_system(4)
    matrix = root @ np.diag([1.0, 2.0, -1.0, 3.0]) @ root.T
    d, info = _solve(solver, Dense(matrix, positive=False), g)
    if d is None:
        raise NotApplicable("the solver needs a factor or layers, which this matrix does not have")
    require(float(g @ d) > 0, f"g'd is {float(g @ d):.3g} on an indefinite matrix")
    require(info.fallback is not None, "negative curvature is not recorded")


def residual_is_true(solver: Any) -> None:
    """The reported residual is that of the direction, in the scale of diag(F)."""
    root, g = random_system(7)
    for form, operator in _forms(root):
        d, info = _solve(solver, operator, g)
        if d is None:
            continue
        scale = np.sqrt(operator.diag())
        found = np.linalg.norm((operator @ d - g) / scale) / np.linalg.norm(g / scale)
        require(
            found <= 1e-7 + 10.0 * info.residual,
            f"{form}: reported residual {info.residual:.3g}, true {found:.3g}",
        )


def solves_zero_gradient(solver: Any) -> None:
    """The solution for g = 0 is d = 0."""
    root, g = random_system(3)
    layer = Layered(root, np.ones((1, 1)))
    d, _ = solver.solve(Damped(layer, np.ones(3)), 0.0 * g)
    require(not np.any(d), f"the direction for g = 0 is {d}")


def solves_diagonal(solver: Any) -> None:
    """A damped diagonal operator is solved by division."""
    values = np.array([0.25, 1.0, 16.0])
    operator = Layered(np.diag(np.sqrt(values)), np.ones((1, 1)))
    d, _ = solver.anew().solve(Damped(operator, values), values)
    close("direction", d, np.full(3, 0.5), rtol=1e-8)


def leaves_arguments_alone(solver: Any) -> None:
    """A solve modifies neither the operator nor g."""
    root, g = random_system(4)
    factored = Layered(root.copy(), np.ones((1, 1)))
    operator = Damped(factored, np.ones(4))
    kept = g.copy()
    first, _ = solver.solve(operator, g)
    again, _ = solver.solve(operator, g)
    require(np.array_equal(g, kept), "g is changed")
    require(np.array_equal(factored.columns, root), "the operator is changed")
    require(np.array_equal(first, again), "the same solve gives another direction")


#: Every check that :func:`check_solver` runs, each called with a solver.
SOLVER_CHECKS = [
    solves_like_numpy,
    solves_badly_scaled,
    solves_one_layer,
    damping_counts,
    singular_is_recorded,
    unidentified_are_named,
    descends_where_indefinite,
    residual_is_true,
    solves_zero_gradient,
    solves_diagonal,
    leaves_arguments_alone,
]

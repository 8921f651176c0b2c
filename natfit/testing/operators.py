"""Property checks of linear operators, and an operator with a factor to test solvers on."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.linops import Damped, KroneckerFactors, LinearOperator, Restricted
from natfit.testing._core import NotApplicable, close, require, run_checks


class Factored(LinearOperator):
    """F = B B', the form of a Fisher information below full rank.

    Parameters
    ----------
    columns : ndarray of shape (P, R)
        The factor B.
    """

    def __init__(self, columns: np.ndarray):
        self.columns = columns
        self.size = len(columns)

    @property
    def rank_bound(self) -> int:
        """A number that the rank does not exceed: the smaller of P and R."""
        return min(self.columns.shape)

    def __matmul__(self, v: np.ndarray) -> np.ndarray:
        """Return the product B (B' v), (P,)."""
        return self.columns @ (self.columns.T @ v)

    def diag(self) -> np.ndarray:
        """Return the squared norms (P,) of the rows of B."""
        return np.einsum("pr,pr->p", self.columns, self.columns)

    def factor(self) -> np.ndarray:
        """Return the factor B (P, R)."""
        return self.columns


class Layered(Factored):
    """F = A (x) S, the form of a Fisher information of one layer whose rows share C.

    Parameters
    ----------
    left : ndarray of shape (A, A)
        A root of A: A = left left'.
    right : ndarray of shape (H, H)
        A root of S.
    """

    def __init__(self, left: np.ndarray, right: np.ndarray):
        super().__init__(np.kron(left, right))
        self.parts = left, right

    def kronecker(self) -> KroneckerFactors:
        """Return A and S."""
        left, right = self.parts
        return KroneckerFactors([(left @ left.T, right @ right.T)])


def check_operator(operator: LinearOperator) -> dict[str, str]:
    """Run every check of :data:`OPERATOR_CHECKS` on an operator.

    Returns
    -------
    dict
        Names of the checks that do not apply, each with the reason.

    Raises
    ------
    AssertionError
        If a check fails; the message has one line for each that does.
    """
    return run_checks(OPERATOR_CHECKS, operator)


def _matrix(operator: LinearOperator) -> np.ndarray:
    """Return the matrix by products with unit vectors, with which other verbs are compared."""
    return np.stack([operator @ row for row in np.eye(operator.size)], axis=1)


def _size(matrix: np.ndarray) -> Any:
    """Return the size of each entry in the matrix's own units, for tolerances."""
    diag = np.sqrt(np.abs(np.diagonal(matrix)))
    return np.outer(diag, diag) + 1e-12 * np.abs(matrix).max() + np.finfo(float).tiny


def _vector(operator: LinearOperator) -> np.ndarray:
    return np.random.default_rng(8).standard_normal(operator.size)


def dense_is_products(operator: LinearOperator) -> None:
    """dense() holds the products with unit vectors."""
    matrix = _matrix(operator)
    close("dense against products", operator.dense(), matrix, rtol=1e-10, scale=_size(matrix))


def product_is_linear(operator: LinearOperator) -> None:
    """The product is linear: F (a u + b v) = a F u + b F v."""
    u, v = np.random.default_rng(9).standard_normal((2, operator.size))
    got, want = operator @ (2.0 * u - 3.0 * v), 2.0 * (operator @ u) - 3.0 * (operator @ v)
    close("F (2u - 3v)", got, want, rtol=1e-10, scale=1e-300 + np.abs(want).max())


def symmetric(operator: LinearOperator) -> None:
    """The matrix is symmetric: F = F'."""
    matrix = _matrix(operator)
    close("F against F'", matrix, matrix.T, rtol=1e-10, scale=_size(matrix))


def positive_as_declared(operator: LinearOperator) -> None:
    """An operator that declares itself positive has no negative eigenvalue."""
    if not operator.positive:
        raise NotApplicable("the operator does not claim to be positive")
    matrix = _matrix(operator)
    size = np.sqrt(np.abs(np.diagonal(matrix)))
    size = np.where(size > 0, size, 1.0)
    lowest = np.linalg.eigvalsh(matrix / np.outer(size, size))[0] if operator.size else 0.0
    require(lowest > -1e-9, f"positive=True, but an eigenvalue is {lowest:.3g} (scaled)")


def quad_is_form(operator: LinearOperator) -> None:
    """quad(v) is the quadratic form v' F v."""
    v = _vector(operator)
    want = float(v @ _matrix(operator) @ v)
    close(
        "quad",
        operator.quad(v),
        want,
        rtol=1e-10,
        scale=1e-300 + np.abs(v) @ np.abs(_matrix(operator)) @ np.abs(v),
    )


def diag_is_diagonal(operator: LinearOperator) -> None:
    """diag() is the diagonal, and all other entries are zero if is_diagonal is True."""
    matrix = _matrix(operator)
    close(
        "diag",
        operator.diag(),
        np.diagonal(matrix),
        rtol=1e-10,
        scale=1e-300 + np.abs(np.diagonal(matrix)),
    )
    if operator.is_diagonal:
        off = np.abs(matrix - np.diag(np.diagonal(matrix))).max(initial=0.0)
        require(off == 0.0, f"is_diagonal, but an entry off the diagonal is {off:.3g}")


def factor_is_root(operator: LinearOperator) -> None:
    """The factor is a root of F apart from the shift: F = B B' + diag(shift)."""
    factor = operator.factor()
    if factor is None:
        raise NotApplicable("the operator has no factor")
    shift = operator.shift()
    matrix = _matrix(operator)
    found = factor @ factor.T + (0.0 if shift is None else np.diag(shift))
    close("B B' + shift against F", found, matrix, rtol=1e-9, scale=_size(matrix))


def kernel_is_of_factor(operator: LinearOperator) -> None:
    """kernel(), pull(u) and push(v) are B' B, B u and B' v for the B of factor()."""
    factor = operator.factor()
    if factor is None:
        require(operator.kernel() is None, "kernel() of an operator without a factor")
        raise NotApplicable("the operator has no factor")
    size = np.linalg.norm(factor, axis=0)
    size = size + 1e-12 * size.max(initial=0.0) + 1e-150
    outer = np.outer(size, size)
    close("kernel", operator.kernel(), factor.T @ factor, rtol=1e-9, scale=outer)
    rng = np.random.default_rng(14)
    u, v = rng.standard_normal(factor.shape[1:]), rng.standard_normal(operator.size)
    room = np.finfo(float).tiny + np.abs(factor)
    close("pull", operator.pull(u), factor @ u, rtol=1e-10, scale=room @ np.abs(u))
    close("push", operator.push(v), v @ factor, rtol=1e-10, scale=np.abs(v) @ room)


def rank_is_bounded(operator: LinearOperator) -> None:
    """rank_bound is at most P and at least the rank, or that of B B' if there is a shift."""
    matrix, shift = _matrix(operator), operator.shift()
    if shift is not None:
        matrix = matrix - np.diag(shift)
    rank = np.linalg.matrix_rank(matrix, tol=1e-9 * max(np.abs(matrix).max(initial=0.0), 1e-300))
    bound = operator.rank_bound
    require(rank <= bound, f"rank_bound is {bound}, below the rank {rank}")
    require(bound <= operator.size, f"rank_bound is {bound}, above the size {operator.size}")


def damped_adds_diagonal(operator: LinearOperator) -> None:
    """Damped(F, a) is F + diag(a) in every verb."""
    added = np.linspace(0.5, 2.0, operator.size)
    _same(Damped(operator, added), _matrix(operator) + np.diag(added), "Damped")


def restricted_selects_block(operator: LinearOperator) -> None:
    """Restricted(F, mask) is the selected block of F in every verb."""
    free = np.arange(operator.size) % 3 != 1
    _same(Restricted(operator, free), _matrix(operator)[np.ix_(free, free)], "Restricted")


def _same(operator: LinearOperator, want: np.ndarray, name: str) -> None:
    require(operator.size == len(want), f"{name} has size {operator.size}, expected {len(want)}")
    scale = _size(want)
    close(f"{name}.dense", operator.dense(), want, rtol=1e-10, scale=scale)
    close(f"{name} products", _matrix(operator), want, rtol=1e-10, scale=scale)
    close(f"{name}.diag", operator.diag(), np.diagonal(want), rtol=1e-10)
    if operator.factor() is not None:
        factor_is_root(operator)
    rank_is_bounded(operator)


def leaves_input_alone(operator: LinearOperator) -> None:
    """Products modify neither their argument nor the operator."""
    v = _vector(operator)
    kept, first = v.copy(), np.array(operator @ v)
    operator.diag(), operator.factor(), operator.kernel(), operator.dense()
    require(np.array_equal(v, kept), "a product changes its argument")
    require(np.array_equal(operator @ v, first), "the same product gives another result")


def kronecker_has_the_layers(operator: LinearOperator) -> None:
    """kronecker() is positive semidefinite and has F's size, and the trace of F's first layer."""
    found = operator.kronecker()
    if found is None:
        raise NotApplicable("the operator's model has no layers")
    require(found.size == operator.size, f"its layers have {found.size} of {operator.size}")
    for pair in found.pairs:
        for factor in pair:
            close("a factor against its transpose", factor, factor.T, rtol=1e-12)
            low = np.linalg.eigvalsh(factor)[0]
            require(low > -1e-9 * np.trace(factor), f"a factor has an eigenvalue {low:.3g}")


#: Every check that :func:`check_operator` runs, each called with an operator.
OPERATOR_CHECKS = [
    dense_is_products,
    product_is_linear,
    symmetric,
    positive_as_declared,
    quad_is_form,
    diag_is_diagonal,
    factor_is_root,
    kernel_is_of_factor,
    rank_is_bounded,
    damped_adds_diagonal,
    restricted_selects_block,
    kronecker_has_the_layers,
    leaves_input_alone,
]

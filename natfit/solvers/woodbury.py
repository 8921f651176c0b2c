"""Woodbury's identity: an R x R solve when F = D + B B' and B has fewer columns than rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.linalg import lapack

from natfit._validation import check_bool, check_number
from natfit.linops import LinearOperator
from natfit.solvers.base import SolveInfo, Solver, relative_residual

#: Largest factor B (P, R) that is formed, as a count of numbers: 400 MB.
FACTOR_LIMIT = 5e7

#: Residual above which one step of iterative refinement is taken.
_EXACT = 1e-10

#: Residual that is small enough where a few digits suffice.
_ROUGH = 1e-3

#: The product with an inverse matrix.
Inverse = Callable[[np.ndarray], np.ndarray]


class WoodburySolver(Solver):
    """Solve (D + B B') d = g through an R x R kernel: exact, at R^2 P operations, not P^3.

    Used when there are fewer rows (times columns of B) than parameters; F must have a factor B.

    - D = lambda I (``damping='fixed'``): ``d = (g - B (lambda I + B' B)^-1 B' g) / lambda``
      from the operator's kernel B' B and products with B and B'. A model that knows its kernel
      (linear, mlp) never forms B.
    - Another diagonal D: ``d = D^-1 g - D^-1 B (I + B' D^-1 B)^-1 B' D^-1 g`` with B formed,
      as long as P R <= 5e7.

    Without damping F is singular. A small D is then added, and recorded: ``relative_shift`` times
    diag(F) where B may be formed, else ``relative_shift`` times the mean of diag(B' B) in every
    coordinate, which depends on the parameters' units.

    Parameters
    ----------
    relative_shift : float, default=1e-8
        The factor of that small D, > 0.
    rough : bool, default=False
        Whether a few digits of d suffice: a kernel that needs no B is then formed and factorised in
        single precision, unless the residual exceeds 1e-3.
    """

    def __init__(self, relative_shift: float = 1e-8, rough: bool = False):
        self.relative_shift = relative_shift
        self.rough = rough

    def check(self) -> None:
        """Check that relative_shift > 0 and rough is a bool."""
        check_bool(self.rough, "solver__rough")
        check_number(
            self.relative_shift, "solver__relative_shift", low=0.0, closed_low=False, hint="1e-8"
        )

    def solve(self, operator: LinearOperator, g: np.ndarray) -> tuple[np.ndarray, SolveInfo]:
        """Solve F d = g through the kernel.

        Returns
        -------
        direction : ndarray of shape (P,)
            d.
        info : SolveInfo
            How d was found, with the fallback taken, if any.

        Raises
        ------
        ValueError
            If the operator has no factor, or one that is too large to form beside a D that is
            not lambda I.
        """
        self.check()
        shift, small = operator.shift(), factor_fits(operator)
        if self.rough and operator.matrix_free and shift is not None and is_uniform(shift):
            with np.errstate(all="ignore"):
                d, residual = self._roughly(operator, g, float(shift[0]))
            if residual <= _ROUGH:
                return d, SolveInfo("woodbury", residual=residual)
        if is_uniform(shift) or (shift is None and not small):
            inverse, added, note = self._matrix_free(operator, shift)
        elif small:
            inverse, added, note = self._formed(operator, shift)
        else:
            raise ValueError(
                f"the woodbury solver would form a factor of {operator.size} x "
                f"{operator.rank_bound} numbers, more than {FACTOR_LIMIT:g}, for a damping that "
                "differs between parameters; use damping='fixed' (lambda I), which needs none, "
                "or solver='cg'"
            )
        d = inverse(g)
        residual = relative_residual(operator, d, g)
        if residual > _EXACT and added is None:
            # A small D cancels digits: g - B (...) is then a small difference.
            better = d + inverse(g - operator @ d)
            again = relative_residual(operator, better, g)
            if again < residual:
                d, residual = better, again
        return d, SolveInfo("woodbury", residual=residual, added=added, note=note)

    def _roughly(
        self, operator: LinearOperator, g: np.ndarray, strength: float
    ) -> tuple[np.ndarray, float]:
        """Return (lambda I + B B')^-1 g in single precision, and its relative residual.

        With u = (lambda I + B' B)^-1 B' g the residual is B (B' d - u), and B' d = u if u is exact.

        Returns
        -------
        d : ndarray of shape (P,)
        residual : float
            ``|B' d - u| / |u|``; infinite where the kernel has no factor.
        """
        inner, failed = _shifted_inverse(_need(operator.rough_kernel()), strength)
        if failed is not None:
            return g, np.inf
        u = inner(operator.push(g))
        d = (g - operator.pull(u)) / strength
        size = float(np.linalg.norm(u))
        return d, float(np.linalg.norm(operator.push(d) - u)) / size if size > 0.0 else 0.0

    def _matrix_free(
        self, operator: LinearOperator, shift: np.ndarray | None
    ) -> tuple[Inverse, str | None, str | None]:
        """Return (lambda I + B B')^-1 as a function without B, what was added, what went wrong."""
        kernel, added = _need(operator.kernel()), None
        if shift is None:
            mean = float(np.diagonal(kernel).mean())
            strength = self.relative_shift * (mean if mean > 0 else 1.0)
            added = f"{self.relative_shift:g} mean(diag(B'B))"
        else:
            strength = float(shift[0])
        inner, note = _shifted_inverse(kernel, strength)
        return (lambda g: (g - operator.pull(inner(operator.push(g)))) / strength), added, note

    def _formed(
        self, operator: LinearOperator, shift: np.ndarray | None
    ) -> tuple[Inverse, str | None, str | None]:
        """Return (D + B B')^-1 as a function with B formed, what was added, what went wrong."""
        factor, added = _need(operator.factor()), None
        if shift is None or not np.all(shift > 0):
            size = np.einsum("pr,pr->p", factor, factor)
            floor = self.relative_shift * np.where(size > 0, size, max(size.max(), 1.0))
            shift = floor if shift is None else np.maximum(shift, floor)
            added = f"{self.relative_shift:g} diag(F)"
        scaled = factor / shift[:, None]
        inner, note = _shifted_inverse(factor.T @ scaled, 1.0)
        return (lambda g: g / shift - scaled @ inner(scaled.T @ g)), added, note


def _shifted_inverse(kernel: np.ndarray, shift: float) -> tuple[Inverse, str | None]:
    """Return (kernel + shift I)^-1 as a function by Cholesky, and what went wrong."""
    kernel[np.diag_indices_from(kernel)] += shift
    # The transpose is what Fortran stores: no copy in another order.
    factorise, solve = lapack.get_lapack_funcs(("potrf", "potrs"), (kernel,))
    root, failed = factorise(kernel.T, lower=1, clean=0)
    if failed:
        return (
            lambda right: np.linalg.lstsq(kernel, right, rcond=None)[0]
        ), "kernel solved by least squares"
    return (lambda right: np.asarray(solve(root, right, lower=1)[0], dtype=np.float64)), None


def _need(found: np.ndarray | None) -> np.ndarray:
    """Return a factor or a kernel; raise ValueError where the operator has none."""
    if found is None:
        raise ValueError(
            "the woodbury solver needs a metric with a factor F = B B' (exact, monte_carlo, "
            "empirical); this one has none; use solver='cholesky' or 'cg'"
        )
    return found


def is_uniform(shift: np.ndarray | None) -> bool:
    """Whether a shift (P,) is lambda I with lambda > 0."""
    return shift is not None and shift.size > 0 and shift[0] > 0 and bool(np.all(shift == shift[0]))


def factor_fits(operator: LinearOperator) -> bool:
    """Whether the factor B (P, R) is small enough to be formed."""
    return operator.size * operator.rank_bound <= FACTOR_LIMIT

"""The solver that suits the operator's size and rank."""

from __future__ import annotations

import numpy as np

from natfit._validation import check_number
from natfit.linops import LinearOperator
from natfit.solvers.base import SolveInfo, Solver
from natfit.solvers.cg import CGSolver
from natfit.solvers.cholesky import CholeskySolver
from natfit.solvers.woodbury import WoodburySolver, factor_fits, is_uniform

#: Up to here P^3 / 3 operations are a fraction of a second.
DENSE_LIMIT = 2_000

#: Largest kernel for which Woodbury's identity is used without forming B. Measured with networks
#: and one thread: seconds of an exact solve and of ten conjugate-gradient products, by kernel size.
#: 992,501 parameters: 0.48 and 1.48 at 1000, 2.0 and 4.1 at 3000, 7.7 and 10.3 at 6000;
#: 16,801 parameters: 0.05 and 0.03 at 1024, 0.35 and 0.08 at 3000.
#: Ten products are far from a solution: CG took 700 to 1000 of them for ten digits.
KERNEL_LIMIT = 3_000

#: Relative residual from which a sparse operator counts as unsolved.
_UNSOLVED = 1e-6

#: The largest kernel where B (P, R) is formed.
FORMED_LIMIT = 2_000


class AutoSolver(Solver):
    """Choose a solver by size, rank and damping.

    An operator that knows its inverse (:class:`natfit.metrics.SecantFisher`) is asked for it, and
    one that is sparse or has only products (scipy's LinearOperator) is left to conjugate gradients;
    a sparse one that these do not solve is factorised, if it is small enough. Up to
    2000 parameters this is otherwise Woodbury's identity where F is damped and below full rank, and
    Cholesky's factorisation else. Above 2000 it is Woodbury's identity below full rank, and
    conjugate gradients at full rank.

    Woodbury's identity must not cost too much: its kernel is at most 2000 x 2000, and B (P, R) has
    at most 5e7 numbers. Where the operator computes the kernel without B and the damping is
    lambda I or none, the kernel is at most 3000 x 3000, for any P. A larger kernel is left to
    Cholesky's factorisation or conjugate gradients, by the number of parameters.

    Parameters
    ----------
    products : int or None, default=None
        Maximum number of products of conjugate gradients, where they are used; None sets no limit
        but theirs. A limit says that a few digits suffice, of Woodbury's identity too.
    """

    def __init__(self, products: int | None = None):
        self.products = products

    def check(self) -> None:
        """Check that products >= 1."""
        if self.products is not None:
            check_number(self.products, "solver__products", low=1, integer=True, hint="20")

    def solve(self, operator: LinearOperator, g: np.ndarray) -> tuple[np.ndarray, SolveInfo]:
        """Solve F d = g by the solver that :meth:`choose` returns, or by a known inverse."""
        known = operator.solved(g)
        if known is not None:
            d, lost = known
            return d, SolveInfo("kept inverse", unidentified=lost, truncated=bool(lost))
        d, info = self.choose(operator).solve(operator, g)
        if operator.sparse and info.residual > _UNSOLVED and operator.size <= DENSE_LIMIT:
            # It may be singular, which a factorisation says.
            return CholeskySolver().solve(operator, g)
        return d, info

    def choose(self, operator: LinearOperator) -> Solver:
        """Return the solver for this operator."""
        if operator.is_diagonal:
            return CholeskySolver()
        if operator.products_only or operator.sparse:
            return self._iterative(operator)
        if operator.rank_bound >= operator.size:
            return CholeskySolver() if operator.size <= DENSE_LIMIT else self._iterative(operator)
        shift = operator.shift()
        # Undamped and below full rank, F is singular: Cholesky's pseudo-inverse says which
        # parameters are not identified as long as F is small enough to form.
        damped = shift is not None and bool(np.all(shift > 0))
        if operator.size <= DENSE_LIMIT and not damped:
            return CholeskySolver()
        if _kernel_pays(operator, shift):
            return WoodburySolver(rough=self.products is not None)
        return CholeskySolver() if operator.size <= DENSE_LIMIT else self._iterative(operator)

    def _iterative(self, operator: LinearOperator) -> Solver:
        """Return conjugate gradients, to the residual that the operator says suffices."""
        tol = 1e-10 if operator.enough is None else operator.enough
        return CGSolver(tol, self.products)


def _kernel_pays(operator: LinearOperator, shift: np.ndarray | None) -> bool:
    """Tell whether a solve through the kernel costs no more than about ten products."""
    if operator.matrix_free and (shift is None or is_uniform(shift)):
        return operator.rank_bound <= KERNEL_LIMIT
    return operator.rank_bound <= FORMED_LIMIT and factor_fits(operator)

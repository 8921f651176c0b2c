"""Pick a solver by the operator's size and rank."""

from __future__ import annotations

import numpy as np

from natfit.linops import LinearOperator
from natfit.solvers.base import SolveInfo, Solver
from natfit.solvers.cg import CGSolver
from natfit.solvers.cholesky import CholeskySolver
from natfit.solvers.woodbury import WoodburySolver

#: Up to here P^3 / 3 operations are a fraction of a second.
DENSE_LIMIT = 2_000

#: Kernel size up to which Woodbury beats ten conjugate-gradient products (measured at 1e6
#: parameters: 0.13 s against 0.21 s at 1000, 0.82 against 0.52 at 3000; they cross between).
KERNEL_LIMIT = 2_000


class AutoSolver(Solver):
    """Choose by size, rank and damping.

    Woodbury where F is damped and below full rank; else Cholesky up to 2000 parameters; above,
    Woodbury below full rank and conjugate gradients otherwise.
    """

    def solve(self, operator: LinearOperator, g: np.ndarray) -> tuple[np.ndarray, SolveInfo]:
        """Solve by the solver that :meth:`choose` names."""
        return self.choose(operator).solve(operator, g)

    def choose(self, operator: LinearOperator) -> Solver:
        """Return the solver for this operator."""
        if operator.is_diagonal:
            return CholeskySolver()
        # Undamped and below full rank, F is singular: Cholesky's pseudo-inverse says which
        # parameters are not identified as long as F is small enough to form.
        shift = operator.shift() if operator.rank_bound < operator.size else None
        if shift is not None and np.all(shift > 0) and operator.rank_bound <= KERNEL_LIMIT:
            return WoodburySolver()
        if operator.size <= DENSE_LIMIT:
            return CholeskySolver()
        if operator.rank_bound <= KERNEL_LIMIT and operator.rank_bound < operator.size:
            return WoodburySolver()
        return CGSolver()

"""Conjugate gradients by products F v: F is never formed (the paper's last section)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from natfit._validation import check_bool, check_number, check_option
from natfit.linops import LinearOperator
from natfit.solvers.base import SolveInfo, Solver

#: Share of the diagonal that is added to Kronecker factors at least, so that none is singular.
_LEAST = 1e-8


class CGSolver(Solver):
    """Preconditioned conjugate gradients (Hestenes and Stiefel, 1952) for F d = g.

    Stops when ``|F d - g| <= tol |g|`` in the norm of the preconditioner, diag(F)^-1 or what the
    operator has in its place, which makes the rule independent of the parameters' units. A
    direction of non-positive curvature ends the solve with the direction reached so far, and is
    recorded.

    Parameters
    ----------
    tol : float, default=1e-10
        Relative residual, >= 0.
    max_iter : int or None, default=None
        Maximum number of products F v; None means max(10 P, 50). TRPO uses 10.
    precondition : bool or "kronecker", default=True
        Whether to precondition; "kronecker" for the inverse of
        :class:`natfit.solvers.kronecker.KroneckerSolver`, where the model has layers.
    """

    def __init__(self, tol: float = 1e-10, max_iter: int | None = None, precondition: Any = True):
        self.tol = tol
        self.max_iter = max_iter
        self.precondition = precondition

    def check(self) -> None:
        """Check that tol >= 0, max_iter >= 1 and precondition is a bool or "kronecker"."""
        check_number(self.tol, "solver__tol", low=0.0, hint="1e-10")
        if isinstance(self.precondition, str):
            check_option(self.precondition, "solver__precondition", ("kronecker",))
        else:
            check_bool(self.precondition, "solver__precondition")
        if self.max_iter is not None:
            check_number(self.max_iter, "solver__max_iter", low=1, integer=True)

    def solve(self, operator: LinearOperator, g: np.ndarray) -> tuple[np.ndarray, SolveInfo]:
        """Solve F d = g by products alone."""
        self.check()
        most = max(10 * len(g), 50) if self.max_iter is None else self.max_iter
        inverse, note = self._preconditioner(operator)
        d, residual = np.zeros_like(g), g.copy()
        # Vectors of length P are updated in place: ten products allocate nothing else.
        work = np.empty_like(g)
        z = residual if inverse is None else inverse(residual)
        p = z.copy()
        rho = residual @ z
        target = self.tol**2 * rho
        first, done = rho, 0
        while done < most and rho > target and rho > 0:
            product = operator @ p
            curvature = p @ product
            done += 1
            if not curvature > 0:
                note = "non-positive curvature"
                if done == 1:
                    d = z.copy()
                break
            alpha = rho / curvature
            d += np.multiply(p, alpha, out=work)
            residual -= np.multiply(product, alpha, out=work)
            if inverse is not None:
                z = inverse(residual)
            rho, previous = residual @ z, rho
            p *= rho / previous
            p += z
        reached = float(np.sqrt(max(rho, 0.0) / first)) if first > 0 else 0.0
        return d, SolveInfo("cg", done, reached, note=note)

    def _preconditioner(
        self, operator: LinearOperator
    ) -> tuple[Callable[[np.ndarray], np.ndarray] | None, str | None]:
        """Return what the operator has or what was asked for, None for the identity; a remark."""
        if not self.precondition or operator.preconditioner is not None:
            return (operator.preconditioner if self.precondition else None), None
        note = None
        if self.precondition == "kronecker":
            factors = operator.kronecker()
            if factors is not None:
                return factors.inverse(operator.shift(), _LEAST), None
            note = "the model has no layers: preconditioned by the diagonal"
        diag = np.abs(operator.diag())
        diag[~(diag > 0)] = 1.0
        inverse, out = np.divide(1.0, diag, out=diag), np.empty_like(diag)
        return (lambda r: np.multiply(inverse, r, out=out)), note

    @classmethod
    def examples(cls) -> list[Solver]:
        """Return one solver with each preconditioner and one without."""
        return [cls(), cls(precondition=False), cls(precondition="kronecker")]

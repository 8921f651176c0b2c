"""Woodbury's identity: an R x R solve when F = D + B B' and B has fewer columns than rows."""

from __future__ import annotations

import numpy as np
from scipy.linalg import lapack

from natfit._validation import check_number
from natfit.linops import LinearOperator
from natfit.solvers.base import SolveInfo, Solver, relative_residual


class WoodburySolver(Solver):
    """Solve (D + B B') d = g through the R x R kernel I + B' D^-1 B.

    ``d = D^-1 g - D^-1 B (I + B' D^-1 B)^-1 B' D^-1 g``: exact, at the cost of R^2 P instead of
    P^3. Used when there are fewer rows (times columns of B) than parameters. F must have a
    factor. Without damping F is singular there, and a small D relative to diag(F) stands in,
    which is recorded.

    Parameters
    ----------
    relative_shift : float, default=1e-8
        D = relative_shift * diag(F) where no damping was asked for.
    """

    def __init__(self, relative_shift: float = 1e-8):
        self.relative_shift = relative_shift

    def check(self) -> None:
        """relative_shift > 0."""
        check_number(
            self.relative_shift, "solver__relative_shift", low=0.0, closed_low=False, hint="1e-8"
        )

    def solve(self, operator: LinearOperator, g: np.ndarray) -> tuple[np.ndarray, SolveInfo]:
        """Solve through the kernel.

        Raises
        ------
        ValueError
            If the operator has no factor.
        """
        self.check()
        factor = operator.factor()
        if factor is None:
            raise ValueError(
                "the woodbury solver needs a metric with a factor F = B B' (exact, monte_carlo, "
                "empirical); this one has none; use solver='cholesky' or 'cg'"
            )
        shift, fallback = operator.shift(), None
        size = np.einsum("pr,pr->p", factor, factor)
        if shift is None or not np.all(shift > 0):
            floor = self.relative_shift * np.where(size > 0, size, max(size.max(), 1.0))
            shift = floor if shift is None else np.maximum(shift, floor)
            fallback = f"shift of {self.relative_shift:g} diag(F) added"
        scaled = factor / shift[:, None]
        kernel = factor.T @ scaled
        kernel[np.diag_indices_from(kernel)] += 1.0
        root, failed = lapack.dpotrf(kernel, lower=1)
        right = scaled.T @ g
        if failed:
            inner = np.linalg.lstsq(kernel, right, rcond=None)[0]
            fallback = "kernel solved by least squares"
        else:
            inner, _ = lapack.dpotrs(root, right, lower=1)
        d = g / shift - scaled @ inner
        return d, SolveInfo("woodbury", 0, relative_residual(operator, d, g), fallback)

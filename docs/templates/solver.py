# Copy to natfit/solvers/eigen.py.
"""Eigenvalues: a dense solve that never fails."""

from __future__ import annotations

import numpy as np

from natfit._validation import check_number
from natfit.linops import LinearOperator
from natfit.solvers.base import SolveInfo, Solver, relative_residual


class EigenSolver(Solver):
    """d = S V |L|^-1 V' S g, where S F S = V L V' has a unit diagonal.

    Eigenvalues below ``rcond`` of the largest are left out, and negative ones count by their
    absolute value, so that the direction descends. Costs P^3.

    Parameters
    ----------
    rcond : float, default=1e-12
        Relative size of an eigenvalue that counts as zero, > 0.
    """

    def __init__(self, rcond: float = 1e-12):
        self.rcond = rcond

    def check(self) -> None:
        """Check that rcond is a number > 0."""
        check_number(self.rcond, "solver__rcond", low=0.0, closed_low=False, hint="1e-12")

    def solve(self, operator: LinearOperator, g: np.ndarray) -> tuple[np.ndarray, SolveInfo]:
        """Return the direction (P,) and how it was found."""
        self.check()
        unit = np.sqrt(np.abs(operator.diag()))
        unit[unit == 0.0] = 1.0
        values, vectors = np.linalg.eigh(operator.dense() / np.outer(unit, unit))
        keep = np.abs(values) > self.rcond * np.abs(values).max()
        inverse = np.where(keep, 1.0 / np.abs(np.where(keep, values, 1.0)), 0.0)
        d = vectors @ (inverse * (vectors.T @ (g / unit))) / unit
        lost = np.square(vectors[:, ~keep]).sum(axis=1)
        return d, SolveInfo(
            "eigen",
            residual=relative_residual(operator, d, g),
            unidentified=tuple(np.flatnonzero(lost > 1e-6).tolist()),
            truncated=not keep.all(),
            indefinite=bool(np.any(keep & (values < 0.0))),
        )

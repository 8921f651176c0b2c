"""Direct solve by Cholesky's factorisation, with a recorded fallback."""

from __future__ import annotations

import math

import numpy as np
from scipy.linalg import lapack

from natfit._validation import check_number
from natfit.linops import LinearOperator
from natfit.solvers.base import SolveInfo, Solver

#: Share of a null vector's squared length from which a coordinate counts as unidentified.
_PARTICIPATION = 0.05

#: Eigenvalues of a matrix with a unit diagonal that rounding of its entries alone may cause.
_LAST_DIGIT = 5e-16


class CholeskySolver(Solver):
    """Form F, scale it to a unit diagonal, factorise.

    The scaling makes every decision below independent of the parameters' units. A matrix that
    is singular in that scale is inverted only on the eigenvalues above ``rcond``, and the
    coordinates that make up the dropped eigenvectors are reported as unidentified. An
    indefinite matrix (an observed information far from the optimum) has its negative
    eigenvalues replaced by their absolute values, so that the direction descends.

    Parameters
    ----------
    rcond : float, default=1e-12
        Eigenvalues of the scaled matrix below ``rcond`` times the largest count as zero; those
        below 5e-16 of it, if the entries of F are accurate to their last digit and ``rcond`` is
        larger.
    """

    def __init__(self, rcond: float = 1e-12):
        self.rcond = rcond

    def check(self) -> None:
        """Check that 0 <= rcond < 1."""
        check_number(
            self.rcond, "solver__rcond", low=0.0, high=1.0, closed_high=False, hint="1e-12"
        )

    def solve(self, operator: LinearOperator, g: np.ndarray) -> tuple[np.ndarray, SolveInfo]:
        """Solve F d = g as the class describes."""
        self.check()
        if operator.is_diagonal:
            return self._diagonal(operator.diag(), g)
        matrix = operator.dense()
        size = np.abs(np.diagonal(matrix))
        # A zero on the diagonal of an indefinite matrix has no scale of its own.
        scale = 1.0 / np.sqrt(np.where(size > 0, size, size.max(initial=0.0) or 1.0))
        scaled = matrix * scale * scale[:, None]
        right = scale * g
        least = min(self.rcond, _LAST_DIGIT) if operator.exact else self.rcond
        factor, failed = lapack.dpotrf(scaled, lower=1, clean=0)
        if not failed and self._regular(factor, scaled, least):
            d, _ = lapack.dpotrs(factor, right, lower=1)
            return scale * d, SolveInfo("cholesky", residual=_residual(scaled, d, right))
        d, info = self._truncated(scaled, right, least)
        return scale * d, info

    def _regular(self, factor: np.ndarray, scaled: np.ndarray, least: float) -> bool:
        """Tell whether the reciprocal condition number is above ``least``.

        With a unit diagonal the smallest eigenvalue is at least the determinant divided by e,
        because the geometric mean of the others is at most 1 + 1 / (P - 1). If this lower limit is
        above ``least``, no condition number is estimated.

        Returns
        -------
        bool
            False asks for a truncated solve.
        """
        pivots = factor.diagonal()
        if float(np.multiply.reduce(pivots)) ** 2 > 3.0 * len(pivots) * least:
            return True
        rcond, _ = lapack.dpocon(factor, np.abs(scaled).sum(axis=0).max(), uplo="L")
        return rcond > least

    def _diagonal(self, diag: np.ndarray, g: np.ndarray) -> tuple[np.ndarray, SolveInfo]:
        """Solve with a diagonal matrix by division; its zeros are unidentified coordinates."""
        zero = ~(np.abs(diag) > 0)
        d = np.where(zero, 0.0, g / np.where(zero, 1.0, np.abs(diag)))
        if not zero.any():
            return d, SolveInfo("cholesky")
        lost = float(np.linalg.norm(g[zero]) / max(np.linalg.norm(g), np.finfo(float).tiny))
        where = tuple(np.flatnonzero(zero).tolist())
        return d, SolveInfo("cholesky", residual=lost, unidentified=where, truncated=True)

    def _truncated(
        self, scaled: np.ndarray, right: np.ndarray, least: float
    ) -> tuple[np.ndarray, SolveInfo]:
        """Solve on only those eigenvectors that the matrix determines."""
        if not np.isfinite(scaled).all():
            return np.full_like(right, np.nan), SolveInfo("cholesky", note="matrix is not finite")
        values, vectors = np.linalg.eigh(0.5 * (scaled + scaled.T))
        size = np.abs(values)
        keep = size > least * size.max() if size.size else size > 0
        inverse = np.where(keep, 1.0 / np.where(keep, size, 1.0), 0.0)
        d = vectors @ (inverse * (vectors.T @ right))
        null = np.square(vectors[:, ~keep]).sum(axis=1)
        return d, SolveInfo(
            "cholesky",
            residual=_residual(scaled, d, right),
            unidentified=tuple(np.flatnonzero(null > _PARTICIPATION).tolist()),
            truncated=not keep.all(),
            indefinite=bool(np.any(keep & (values < 0))),
        )


def _residual(scaled: np.ndarray, d: np.ndarray, right: np.ndarray) -> float:
    """Return |F d - g| / |g| in the scale of the unit diagonal."""
    # Far from the optimum the square of a gradient may overflow, so that it is scaled first.
    size = float(np.abs(right).max(initial=0.0))
    if not 0.0 < size < np.inf:
        return 0.0
    right, gap = right / size, (scaled @ d - right) / size
    return math.sqrt(float(gap @ gap) / float(right @ right))

"""The negative mean log-likelihood of a regression with Jeffreys' prior (Firth's penalty)."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from scipy.linalg import lapack

from natfit.distributions.base import Distribution
from natfit.linops import Dense, LinearOperator
from natfit.linops.row_curvature import RowCurvature
from natfit.objectives._formula import Formula
from natfit.objectives._leverage import leverages, spreads
from natfit.objectives.base import listed
from natfit.objectives.regression import Regression, _expected
from natfit.rows import Block
from natfit.solvers.cholesky import CholeskySolver

#: Weights of a difference of the sixth order at 1, 2, 3 steps, and the step in eta.
_WEIGHTS = np.array([45.0, -9.0, 1.0]) / 60.0
_STEP = 2e-2

#: Step of the differences of the penalty's gradient, in standard errors.
_SECOND = 1e-3

#: Most coefficients for which the curvature of the penalty is computed.
_MOST = 200


class Jeffreys(Regression):
    """f(theta) = -1/W (sum_i w_i log p(y_i | eta_i) + 1/2 log det I(theta)).

    I is the expected information of all rows (Firth 1993, Biometrika 80:27). In a full exponential
    family with canonical parameters the estimate has no bias of the order 1/N, and it is finite
    where the maximum of the likelihood is not, as where classes are separated (Heinze & Schemper
    2002). With I = J' C J the gradient of log det I is ``sum_i J_i' c_i``, where c_ik is the
    product of dC_i / d eta_k with the leverages ``J_i I^-1 J_i'``.
    """

    #: Whether f has Jeffreys' prior.
    jeffreys = True

    def __init__(self, *terms: Any):
        super().__init__(*terms)
        self.penalised = True
        self._last: tuple[np.ndarray, float, np.ndarray] | None = None

    @property
    def has_observed(self) -> bool:
        """False: standard errors come from I itself, as those of logistf and brglm2 do."""
        return False

    # ------------------------------------------------------------------------ value, gradient

    def value_and_grad(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Return f and its gradient (P,), by four passes over the rows."""
        value, grad = super().value_and_grad(theta)
        if not np.isfinite(value):
            return value, grad
        half, slope = self._log_det(theta)
        return value - half / self.total, grad - slope / self.total

    first_order = value_and_grad

    def log_likelihood(self, theta: np.ndarray, value: float) -> float:
        """Return the log-likelihood of all rows, nats, without the prior."""
        return super().log_likelihood(theta, value + self._log_det(theta)[0] / self.total)

    def _log_det(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Return 1/2 log det I and its gradient (P,); -inf where I is singular."""
        if self._last is not None and np.array_equal(self._last[0], theta):
            return self._last[1], self._last[2]
        nothing = -np.inf, np.full(len(theta), np.nan)
        with np.errstate(all="ignore"):
            matrix = self._information_of_rows(theta).dense() * self.total
            if not np.isfinite(matrix).all():
                return nothing
            unit = np.sqrt(np.maximum(np.diagonal(matrix), 0.0))
            if not (unit > 0).all():
                return nothing
            factor, failed = lapack.dpotrf(matrix / np.outer(unit, unit), lower=1)
            if failed:
                return nothing
            half = float(np.log(np.diagonal(factor) * unit).sum())
            inverse, _ = lapack.dpotri(factor, lower=1)
            inverse = (np.tril(inverse) + np.tril(inverse, -1).T) / np.outer(unit, unit)
            slope = 0.5 * self.rows.sum(_slope_part, self._formula, theta, inverse)
        self._last = theta.copy(), half, slope
        return half, slope

    def refuse_singular(self, theta: np.ndarray) -> None:
        """Raise ValueError that names what the rows do not determine: det I is then zero.

        Parameters
        ----------
        theta : ndarray of shape (P,)
            The start. Which columns are collinear does not depend on it.

        Raises
        ------
        ValueError
            If the information of the rows is singular.
        """
        with np.errstate(all="ignore"):
            matrix = self._information_of_rows(theta).dense()
        _, found = CholeskySolver().solve(Dense(matrix), np.zeros(len(theta)))
        if not found.unidentified:
            return
        lost = listed(self.named(found.unidentified))
        raise ValueError(
            "prior='jeffreys' needs rows that determine all coefficients, because it is half the "
            "log-determinant of their information, which is zero: got columns that are collinear, "
            f"constant or more than the rows, among {lost}"
            "; drop some of these columns, or use alpha > 0 without the prior"
        )

    # ------------------------------------------------------------------------------ curvature

    def _information_of_rows(self, theta: np.ndarray) -> LinearOperator:
        return self.sandwich(theta, partial(_expected, self.distribution))

    def positive_information(self, theta: np.ndarray) -> LinearOperator:
        """Return the expected information."""
        return self.fisher(theta)

    def hessian(self, theta: np.ndarray) -> LinearOperator:
        """Return the Hessian of f, in which that of the prior is by differences of its gradient.

        Returns
        -------
        LinearOperator
            The matrix, which may be indefinite.

        Raises
        ------
        ValueError
            If there are more than 200 coefficients.
        """
        if self.n_params > _MOST:
            raise ValueError(
                f"the curvature of Jeffreys' prior is computed for at most {_MOST} coefficients, "
                f"got {self.n_params}; use metric='exact'"
            )
        found = super().hessian(theta).dense()
        step = _SECOND / np.sqrt(np.maximum(self.total * np.abs(np.diagonal(found)), 1e-300))
        low, high, _ = self.limits()
        out = np.zeros_like(found)
        for k in range(len(theta)):
            up, down = theta.copy(), theta.copy()
            up[k], down[k] = min(theta[k] + step[k], high[k]), max(theta[k] - step[k], low[k])
            change = self._log_det(up)[1] - self._log_det(down)[1]
            out[k] = change / (up[k] - down[k])
        return Dense(found - 0.5 * (out + out.T) / self.total, positive=False)


def _slope_part(
    block: Block, formula: Formula, theta: np.ndarray, inverse: np.ndarray
) -> np.ndarray:
    """Return the gradient (P,) of log det I of a block's rows, whose inverse is given."""
    lin = formula.linearize(theta, block)
    family, n = formula.distribution, len(lin.eta)
    size = family.n_params
    leverage = leverages(lin, *spreads(lin, inverse))
    pull = np.empty((n, size))
    for k in range(size):
        pull[:, k] = _contracted(family, lin.eta, k, leverage)
    if block.weight is not None:
        pull *= block.weight[:, None]
    return lin.vjp(pull)


def _contracted(family: Distribution, eta: np.ndarray, k: int, leverage: np.ndarray) -> np.ndarray:
    """Return the sum over a, b of leverage_ab dC_ab / d eta_k of every row, (n,)."""
    low, high, _ = family.limits
    # No step passes a limit, beyond which there is no distribution.
    room = np.minimum(eta[:, k] - low[k], high[k] - eta[:, k]) / (len(_WEIGHTS) + 1)
    step = np.minimum(room, _STEP)
    out = np.zeros(len(eta))
    for j, weight in enumerate(_WEIGHTS, start=1):
        for sign in (1.0, -1.0):
            moved = eta.copy()
            moved[:, k] += sign * j * step
            out += sign * weight * _against(family.curvature(moved), leverage)
    return np.where(step > 0.0, out / np.where(step > 0.0, step, 1.0), 0.0)


def _against(curvature: RowCurvature, leverage: np.ndarray) -> np.ndarray:
    """Return the sum over a, b of C_ab leverage_ab of every row, (n,)."""
    out = np.zeros(len(leverage))
    for a, b, entry in curvature.items():
        out += (1.0 if a == b else 2.0) * entry * leverage[:, a, b]
    return out

"""The negative mean log-likelihood of a regression with Jeffreys' prior (Firth's penalty)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from scipy.linalg import lapack

from natfit.distributions.base import Distribution
from natfit.linops import Dense, LinearOperator
from natfit.linops.row_curvature import Entries, RowCurvature
from natfit.objectives._formula import Formula
from natfit.objectives._leverage import leverages, spreads
from natfit.objectives.base import listed
from natfit.objectives.regression import Regression, _expected
from natfit.rows import Block
from natfit.solvers.cholesky import CholeskySolver

#: Weights of a difference of the sixth order at 1, 2, 3 steps, and the step in eta.
_WEIGHTS = np.array([45.0, -9.0, 1.0]) / 60.0
_STEP = 2e-2

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
            found = self._factor(theta)
            if found is None:
                return nothing
            factor, unit = found
            half = float(np.log(np.diagonal(factor) * unit).sum())
            inverse, _ = lapack.dpotri(factor, lower=1)
            inverse = (np.tril(inverse) + np.tril(inverse, -1).T) / np.outer(unit, unit)
            slope = 0.5 * self.rows.sum(_slope_part, self._formula, theta, inverse)
        self._last = theta.copy(), half, slope
        return half, slope

    def _factor(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """Return L (P, P) and u (P,), where I = diag(u) L L' diag(u); None if I is singular."""
        matrix = self._information_of_rows(theta).dense() * self.total
        if not np.isfinite(matrix).all():
            return None
        unit = np.sqrt(np.maximum(np.diagonal(matrix), 0.0))
        if not (unit > 0).all():
            return None
        factor, failed = lapack.dpotrf(matrix / np.outer(unit, unit), lower=1)
        return None if failed else (factor, unit)

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
        """Return the Hessian of f, by a matrix of the rows for each coefficient.

        That of 1/2 log det I is ``1/2 (sum_i J_i' A_i J_i - T T')``, where A_ikl is the product of
        d2 C_i / d eta_k d eta_l with the leverages, and the row p of T is R' dI / d theta_p R
        with R R' = I^-1.

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
        matrix = super().hessian(theta).dense()
        with np.errstate(all="ignore"):
            found = self._factor(theta)
            if found is None:
                return Dense(np.full_like(matrix, np.nan), positive=False)
            factor, unit = found
            root = lapack.dtrtri(factor, lower=1)[0].T / unit[:, None]
            bend, turn = self.rows.sum(_curvature_part, self._formula, theta, root)
        return Dense(matrix - 0.5 * (bend - turn @ turn.T) / self.total, positive=False)


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


def _curvature_part(
    block: Block, formula: Formula, theta: np.ndarray, root: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the sum of J_i' A_i J_i of a block's rows, (P, P), and T, (P, P^2)."""
    lin: Any = formula.linearize(theta, block)
    family = formula.distribution
    n, size = lin.eta.shape
    features, spread = spreads(lin, root @ root.T)
    leverage = leverages(lin, features, spread)
    weight = np.ones(n) if block.weight is None else block.weight
    bends = {}
    turn = np.empty((len(root), root.size))
    for k, (z, part) in enumerate(zip(features, lin._model.parts, strict=True)):
        for m in range(k, size):
            of = partial(_contracted, family, k=k, leverage=leverage)
            bends[k, m] = weight * _along(family, lin.eta, m, of)
        change = _along(family, lin.eta, k, lambda eta: family.curvature(eta).dense(len(eta)))
        entries = Entries.of(change).weighted(weight)
        for p, column in zip(range(part.start, part.stop), z.T, strict=True):
            turn[p] = (root.T @ lin.gram(entries.weighted(column)) @ root).ravel()
    return lin.gram(Entries(size, bends)), turn


def _contracted(family: Distribution, eta: np.ndarray, k: int, leverage: np.ndarray) -> np.ndarray:
    """Return the sum over a, b of leverage_ab dC_ab / d eta_k of every row, (n,)."""
    return _along(family, eta, k, lambda moved: _against(family.curvature(moved), leverage))


def _along(
    family: Distribution, eta: np.ndarray, k: int, of: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Return the derivative of a function of eta (n, K) in eta_k, of the function's shape."""
    low, high = family.row_limits
    # No step passes a limit, beyond which there is no distribution.
    room = np.minimum(eta[:, k] - low[k], high[k] - eta[:, k]) / (len(_WEIGHTS) + 1)
    step = np.minimum(room, _STEP)
    out: Any = 0.0
    for j, weight in enumerate(_WEIGHTS, start=1):
        for sign in (1.0, -1.0):
            moved = eta.copy()
            moved[:, k] += sign * j * step
            out = out + sign * weight * of(moved)
    step = step.reshape(-1, *[1] * (out.ndim - 1))
    return np.where(step > 0.0, out / np.where(step > 0.0, step, 1.0), 0.0)


def _against(curvature: RowCurvature, leverage: np.ndarray) -> np.ndarray:
    """Return the sum over a, b of C_ab leverage_ab of every row, (n,)."""
    out = np.zeros(len(leverage))
    for a, b, entry in curvature.items():
        out += (1.0 if a == b else 2.0) * entry * leverage[:, a, b]
    return out

"""How a regression changes when a row is left out, by one step of Newton's method without it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from natfit.inference.estimate import Estimate
from natfit.inference.influence import Influence
from natfit.inference.rowwise import determined, known_objective
from natfit.objectives._formula import Formula
from natfit.objectives._leverage import leverages, spreads
from natfit.rows import Block


@dataclass(frozen=True, repr=False, eq=False)
class Deletion(Influence):
    """Approximate changes of a regression when one repetition of a row is left out.

    With the score s_i and the observed information C_i of row i in its eta, and its J_i, one step
    of Newton's method from the estimate on the other rows is

        delta_i = -V J_i' (1 - C_i J_i V J_i')^-1 s_i

    the one-step estimate of Pregibon (1981, Annals of Statistics 9:705) for generalised linear
    models. Of least squares with a known scale it is exact (DFBETA; Belsley, Kuh & Welsch 1980).

    Attributes
    ----------
    params : dict of ndarray
        Change (N,) of each coefficient, by its name.
    theta : ndarray of shape (N, P)
        Change of the coefficients of the features as they are standardised in the fit.
    distance : ndarray of shape (N,)
        ``1/2 delta_i' V^-1 delta_i``, half of Cook's likelihood displacement, nats.
    leverage : ndarray of shape (N,)
        ``trace(C_i J_i V J_i')``, whose sum is the number of coefficients P: the diagonal of the
        hat matrix in models with one parameter.
    cooks_distance : ndarray of shape (N,)
        ``delta_i' V^-1 delta_i / P`` (Cook 1977), as ``cooks_distance`` of statsmodels' GLM.
    """

    leverage: np.ndarray = None  # type: ignore[assignment]
    cooks_distance: np.ndarray = None  # type: ignore[assignment]


def deletion_of(estimate: Estimate, names: tuple[str, ...], jacobian: np.ndarray) -> Deletion:
    """Return the approximate changes of a regression when a repetition of each row is left out.

    Parameters
    ----------
    estimate : Estimate
        With its objective, whose model is one of linear predictors.
    names : tuple of str
        Names of the coefficients.
    jacobian : ndarray of shape (M, P)
        Their derivatives in theta.

    Returns
    -------
    Deletion

    Raises
    ------
    ValueError
        If the data do not determine the coefficients, or the score of a row is not finite.
    """
    objective: Any = known_objective(estimate)
    matrix, size = determined(estimate, "influence"), len(estimate.theta)
    root = np.linalg.cholesky(_inverse(matrix, estimate.free))
    args = objective._formula, estimate.theta, matrix, root, estimate.free
    with np.errstate(all="ignore"):
        found = objective.rows.map(_deletion_part, *args)
    if not np.isfinite(found).all():
        bad = int(np.argmax(~np.isfinite(found).all(axis=1)))
        raise ValueError(
            f"influence needs a finite score of each row, got another at row {bad}; look at this "
            "row, without which the fit may have no optimum"
        )
    square, leverage, theta = found[:, 0], found[:, 1], found[:, 2:]
    changes = theta @ jacobian.T
    params = dict(zip(names, changes.T, strict=True))
    rows = np.arange(len(found))
    return Deletion(params, theta, 0.5 * square, rows, 1, leverage, square / size)


def _inverse(matrix: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Return the inverse of the covariance of the free coordinates."""
    block = matrix[np.ix_(free, free)]
    scale = np.sqrt(np.diagonal(block))
    return np.linalg.inv(block / np.outer(scale, scale)) / np.outer(scale, scale)


def _deletion_part(
    block: Block,
    formula: Formula,
    theta: np.ndarray,
    matrix: np.ndarray,
    root: np.ndarray,
    free: np.ndarray,
) -> np.ndarray:
    """Return (n, 2 + P): the square of the change in the information, the leverage, the change."""
    lin = formula.linearize(theta, block)
    family, n = formula.distribution, len(lin.eta)
    size = family.n_params
    score = family.score(block.y, lin.eta)
    curvature = family.observed_curvature(block.y, lin.eta).dense(n)
    features, spread = spreads(lin, matrix)
    shares = curvature @ leverages(lin, features, spread)
    pull = np.linalg.solve(np.eye(size) - shares, score[:, :, None])[:, :, 0]
    out = np.zeros((n, 2 + len(theta)))
    change = out[:, 2:]
    for own, column in zip(spread, pull.T, strict=True):
        change -= own * column[:, None]
    out[:, 0] = np.square(change[:, free] @ root).sum(axis=1)
    out[:, 1] = np.einsum("nkk->n", shares)
    return out

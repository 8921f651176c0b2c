"""The covariance matrix of an estimate: the types, and what each of them is computed from."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from scipy.linalg import lapack

from natfit._validation import check_option
from natfit.objectives._formula import Formula
from natfit.objectives.likelihood import Likelihood
from natfit.rows import Block, Pieces

if TYPE_CHECKING:
    from natfit.inference.estimate import Estimate
    from natfit.objectives.regression import Regression

#: The types of covariance matrices; ``cov_type`` of every method is one of them.
COV_TYPES = ("observed", "expected", "opg", "robust", "cluster")

#: Those that are made of the scores of the rows, for which the data must be at hand.
OF_SCORES = ("opg", "robust", "cluster")

#: Multiplications up to which the information of a regression is computed at the end of its fit.
_AT_ONCE = 2e7

#: Eigenvalues of the information below this count as zero, after scaling to a unit diagonal.
_SINGULAR = 1e-12

#: The same where the entries are accurate to their last digit.
_LAST_DIGIT = 5e-16


@dataclass(frozen=True)
class Information:
    """The information per row at an estimate, of eta, or of theta if rows have their own eta.

    Attributes
    ----------
    matrix : ndarray of shape (K, K), or (P, P)
    kind : str
        ``observed`` or ``expected``; ``made positive`` for the observed one of each row with the
        absolute values of its eigenvalues.
    known : tuple of int
        Coordinates that were given and not estimated; their standard error is zero.
    prior : ndarray of shape (K, K) or None
        What a prior adds to an expected information.
    complete : bool
        Whether every row is known exactly; otherwise there is no expected information.
    exact : bool
        Whether the entries of the matrix are accurate to their last digit.
    regular : tuple of ndarray or None
        The information in other coordinates, in which it is well-conditioned, and the derivatives
        of eta in these, (K, K) each.
    left : float
        What is left of a row where rows are partly forgotten, on average over what is left of all:
        the sum of squared weights over the sum of weights. Weights that are repetitions leave 1.
    """

    matrix: np.ndarray
    kind: str
    known: tuple[int, ...] = ()
    prior: np.ndarray | None = None
    complete: bool = True
    exact: bool = False
    regular: tuple[np.ndarray, np.ndarray] | None = None
    left: float = 1.0

    def covariance(self, fixed: tuple[int, ...] = ()) -> np.ndarray:
        """Return the inverse (K, K), times ``left``; coordinates at a limit are ``fixed``."""
        if self.regular is None or fixed:
            return self.of_what_is_left(inverse(self.matrix, fixed, self.known, self.exact))
        matrix, jacobian = self.regular
        return self.of_what_is_left(jacobian @ inverse(matrix, exact=self.exact) @ jacobian.T)

    def of_what_is_left(self, found: np.ndarray) -> np.ndarray:
        """Return I^-1 (a (I - R) + R) I^-1 for I^-1 (K, K), with ``left`` a and ``prior`` R."""
        if self.left == 1.0 or self.prior is None:
            return self.left * found
        return self.left * found + (1.0 - self.left) * _between(found, self.prior)

    def embedded(self, free: np.ndarray, size: int) -> Information:
        """Return this information among ``size`` coordinates, all known except ``free``."""
        at = np.ix_(free, free)
        matrix = np.zeros((size, size))
        matrix[at] = self.matrix
        prior = None
        if self.prior is not None:
            prior = np.zeros((size, size))
            prior[at] = self.prior
        known = tuple(i for i in range(size) if i not in set(free.tolist()))
        return replace(self, matrix=matrix, known=known, prior=prior, regular=None)


def information(
    objective: Likelihood,
    theta: np.ndarray,
    kind: str = "observed",
    at_limit: tuple[int, ...] = (),
) -> Information:
    """Return the information per row at the estimate, in eta for a constant model, else in theta.

    The observed information is the negative Hessian of the mean log-likelihood in eta at the
    data. If it is not positive definite (away from an optimum), the expected information replaces
    it, and ``kind`` says so. In a full exponential family both agree at the optimum, and the
    expected one, which is cheaper, is returned in both cases; they do not agree where a coordinate
    rests at a limit, because its gradient is not zero there. A conditional model has only the
    expected information.

    Parameters
    ----------
    objective : Likelihood
        The objective that was minimised.
    theta : ndarray of shape (P,)
        The estimate.
    kind : {"observed", "expected"}
        The kind that is wanted.
    at_limit : tuple of int
        Coordinates of theta that rest at a limit: the information of the others counts.

    Returns
    -------
    Information
        The information, whose ``kind`` says which of the two it is.
    """
    family = objective.distribution
    if not objective.model.shared:
        return _of_predictors(objective, theta, kind)
    eta = objective.model.eta(theta, None)
    found = partial(
        Information,
        prior=objective.prior_information(eta),
        complete=family.information.complete,
    )
    expected = family.information.measures
    agrees = family.information.agrees and expected and not (objective.penalised or at_limit)
    if kind == "expected" or agrees:
        return found(objective.expected(eta), "expected", exact=family.information.exact)
    matrix = objective.observed(eta)
    free = np.delete(np.arange(len(matrix)), at_limit)
    try:
        with np.errstate(all="ignore"):
            block = matrix[np.ix_(free, free)]
            np.linalg.cholesky(block / _outer_scale(block))
    except np.linalg.LinAlgError:
        if expected:
            # If the expected information is infinite, it cannot replace the observed one.
            with contextlib.suppress(ValueError):
                return found(objective.expected(eta), "expected")
    return found(matrix, "observed")


def at_once(objective: Likelihood) -> bool:
    """Tell whether the information belongs to a fit, or is for the first who asks for it.

    That of many rows and coefficients costs more than all other passes of the fit together. Rows in
    pieces are not there for the first who asks.

    Returns
    -------
    bool
    """
    if objective.model.shared:
        return True
    size = float(objective.n_params)
    affordable = objective.rows.n * size**2 / 2.0 <= _AT_ONCE
    return bool(objective.model.linear and (affordable or isinstance(objective.rows, Pieces)))


def _of_predictors(objective: Likelihood, theta: np.ndarray, kind: str) -> Information:
    """Return the information in theta of a conditional model."""
    regression = cast("Regression", objective) if objective.regresses else None
    found = partial(
        Information,
        prior=None if regression is None else regression.penalty_matrix(),
        complete=objective.distribution.information.complete,
    )
    if kind == "observed" and regression is not None and regression.has_observed:
        matrix = objective.hessian(theta).dense()
        with contextlib.suppress(np.linalg.LinAlgError), np.errstate(all="ignore"):
            np.linalg.cholesky(matrix / _outer_scale(matrix))
            return found(matrix, "observed")
    operator = objective.information(theta)
    if operator is None:
        operator = objective.fisher(theta)
    return found(operator.dense(), "expected" if operator.note is None else "made positive")


def _outer_scale(matrix: np.ndarray) -> np.ndarray:
    size = np.sqrt(np.abs(np.diagonal(matrix)))
    size = np.where(size > 0, size, 1.0)
    return np.outer(size, size)


def inverse(
    matrix: np.ndarray,
    fixed: tuple[int, ...] = (),
    known: tuple[int, ...] = (),
    exact: bool = False,
) -> np.ndarray:
    """Return the inverse of an information matrix.

    Parameters
    ----------
    matrix : ndarray of shape (K, K)
        The information, of all rows or per row.
    fixed : tuple of int
        Coordinates at a limit. They count as known for the others, and their own variance is
        inf.
    known : tuple of int
        Coordinates that were given; their variance is zero.
    exact : bool
        Whether the entries are accurate to their last digit: small eigenvalues then count.

    Returns
    -------
    ndarray of shape (K, K)
        The covariance matrix, to be divided by the number of rows if the information is per row.
        Coordinates that the data do not determine have inf on the diagonal.
    """
    size = len(matrix)
    free = np.ones(size, dtype=bool)
    free[[*fixed, *known]] = False
    out = np.zeros((size, size))
    out[list(fixed), list(fixed)] = np.inf
    block = matrix[np.ix_(free, free)]
    if block.size:
        # Where the range of doubles ends nothing can be said of an estimate's variance.
        with np.errstate(all="ignore"):
            scale = _outer_scale(block)
            out[np.ix_(free, free)] = _scaled_inverse(block / scale, exact) / scale
    return out


def _scaled_inverse(matrix: np.ndarray, exact: bool) -> np.ndarray:
    """Return the inverse of a matrix with unit diagonal; inf on the diagonal if it is singular."""
    if not np.isfinite(matrix).all():
        return np.diag(np.full(len(matrix), np.inf))
    least = _LAST_DIGIT if exact else _SINGULAR
    factor, failed = lapack.dpotrf(matrix, lower=1)
    if not failed and lapack.dpocon(factor, np.abs(matrix).sum(axis=0).max(), uplo="L")[0] > least:
        low, _ = lapack.dpotri(factor, lower=1)
        return np.tril(low) + np.tril(low, -1).T
    values, vectors = np.linalg.eigh(matrix)
    keep = values > least * max(values.max(), 0.0)
    part = (vectors[:, keep] / values[keep]) @ vectors[:, keep].T
    lost = np.flatnonzero(np.square(vectors[:, ~keep]).sum(axis=1) > 0.05)
    part[lost, lost] = np.inf
    return part


def covariance(
    estimate: Estimate, cov_type: str = "observed", groups: np.ndarray | None = None
) -> np.ndarray:
    """Return the covariance matrix of theta, of one of the types in :data:`COV_TYPES`.

    With A the observed information of all rows, I the expected one, s_i the scores and w_i the
    weights, which count repetitions, ::

        observed    A^-1
        expected    I^-1
        opg         (sum_i w_i s_i s_i')^-1
        robust      A^-1 (sum_i w_i s_i s_i') A^-1
        cluster     c A^-1 (sum_g S_g S_g') A^-1        S_g = sum of w_i s_i over the rows of g
                    c = G / (G - 1) * (W - 1) / (W - P)

    ``opg`` is the outer product of gradients of Berndt, Hall, Hall and Hausman (1974). ``robust``
    is Huber's (1967) sandwich, in which each repetition counts, as in R's ``sandwich::sandwich``;
    it has no factor for small samples, as HC0 of statsmodels. The factor c of ``cluster``
    (Liang and Zeger 1986), with G groups, the sum W of weights and P estimated parameters, is the
    default of statsmodels' ``cov_type="cluster"``. In a full exponential family the expected
    information equals the observed one at the optimum and is used for A.

    Parameters
    ----------
    estimate : Estimate
        The estimate; all types but ``observed`` and ``expected`` need its objective.
    cov_type : {"observed", "expected", "opg", "robust", "cluster"}
        The type.
    groups : ndarray of shape (N,), optional
        For ``cluster`` the group of each row, as whole numbers 0, ..., G - 1.

    Returns
    -------
    ndarray of shape (P, P)
        With inf on the diagonal for coordinates that the data do not determine or that rest at a
        limit, and zeros for those that were given.

    Raises
    ------
    ValueError
        If there is no such type, or if the type is not defined for these rows, or lacks data.
    """
    check_option(cov_type, "cov_type", COV_TYPES)
    info = estimate.information
    if cov_type == "observed":
        return estimate.covariance()
    if cov_type == "expected":
        if not info.complete:
            raise ValueError(
                "cov_type='expected' is not defined for censored rows, because it is not known how "
                "the exact rows would have been censored; use cov_type='observed'"
            )
        if info.kind == "expected":
            return estimate.covariance()
        if estimate.conditional:
            # The information of the objective has that of a penalty already.
            return estimate.inverse_of(_known(estimate, cov_type).fisher(estimate.theta).dense())
        return _inverse_with_prior(estimate, estimate.family.fisher(estimate.theta[None])[0])
    _known(estimate, cov_type)
    if cov_type == "opg":
        scores = _outer_product(_known(estimate, cov_type), estimate.theta)
        return _inverse_with_prior(estimate, scores / estimate.total)
    # The scores of the rows are those in theta, and have lost what a well-conditioned
    # information in other coordinates has.
    bread = inverse(info.matrix, estimate.at_limit, info.known, info.exact) / estimate.total
    if cov_type == "robust":
        return info.left * robust(_known(estimate, cov_type), estimate.theta, bread)
    if groups is None:
        raise ValueError("cov_type='cluster' needs groups=, the group of each row, got None")
    return info.left * _clustered(estimate, bread, groups)


def _known(estimate: Estimate, cov_type: str) -> Likelihood:
    """Return the objective of an estimate, or raise ValueError where the data are not at hand."""
    if estimate.objective is None:
        why = "rows of X" if cov_type == "expected" else "scores of the rows"
        raise ValueError(f"cov_type={cov_type!r} needs the {why}; pass the data of the fit as X")
    return estimate.objective


def _inverse_with_prior(estimate: Estimate, matrix: np.ndarray) -> np.ndarray:
    prior = estimate.information.prior
    return estimate.inverse_of(matrix if prior is None else matrix + prior)


def robust(objective: Likelihood, theta: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Return Huber's sandwich V S V in theta, with the model's covariance V, sum S of scores.

    ``S = sum_i w_i s_i s_i'``, in which each repetition counts, as in R's ``sandwich::sandwich``.
    Coordinates that rest at a limit, or that the data do not determine, have inf on the diagonal
    of V. They count as known for the others, and keep their inf.

    Returns
    -------
    ndarray of shape (P, P)
        The covariance matrix of the estimate.
    """
    return _between(covariance, _outer_product(objective, theta))


def _outer_product(objective: Likelihood, theta: np.ndarray) -> np.ndarray:
    """Return the sum of w_i s_i s_i', (P, P), of the likelihood without a prior."""
    with np.errstate(all="ignore"):
        found: np.ndarray = objective.rows.sum(_outer_part, objective._formula, theta)
    return found


def _clustered(estimate: Estimate, bread: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return c V (sum_g S_g S_g') V, from one pass over the rows, which carry their groups."""
    objective: Any = estimate.objective
    n_groups = int(groups.max()) + 1
    if n_groups < 2:
        raise ValueError(
            "groups must name at least 2 groups, got 1, whose scores sum to zero at the optimum; "
            "use cov_type='robust' if rows are independent"
        )
    rows = objective.rows.joined(groups)
    with np.errstate(all="ignore"):
        sums = rows.sum(_group_part, objective._formula, estimate.theta, n_groups)
    if estimate.total <= estimate.n_estimated:
        raise ValueError(
            f"cov_type='cluster' needs more rows than parameters, got {estimate.total:g} rows and "
            f"{estimate.n_estimated} parameters; use cov_type='observed'"
        )
    factor = n_groups / (n_groups - 1.0)
    factor *= (estimate.total - 1.0) / (estimate.total - estimate.n_estimated)
    return _between(bread, factor * (sums.T @ sums))


def scores_of(block: Block, formula: Formula, theta: np.ndarray) -> np.ndarray:
    """Return the scores in theta of a block's rows, (P, n), without their weights."""
    lin = formula.linearize(theta, block)
    return lin.pull_columns(formula.distribution.score(block.y, lin.eta)[:, :, None])


def _outer_part(block: Block, formula: Formula, theta: np.ndarray) -> np.ndarray:
    """Return the weighted sum of s s', (P, P), with the scores s in theta."""
    s = scores_of(block, formula, theta)
    return (s if block.weight is None else s * block.weight) @ s.T


def _group_part(block: Block, formula: Formula, theta: np.ndarray, n_groups: int) -> np.ndarray:
    """Return the weighted sums of the scores in theta of each group, (G, P)."""
    s = scores_of(block, formula, theta)
    s = s if block.weight is None else s * block.weight
    return np.stack([np.bincount(block.extra[-1], row, n_groups) for row in s], axis=1)


def _between(covariance: np.ndarray, meat: np.ndarray) -> np.ndarray:
    """Return V M V, in which coordinates of infinite variance count as known and keep it."""
    unknown = np.isinf(np.diagonal(covariance))
    finite = np.where(unknown[:, None] | unknown[None, :], 0.0, covariance)
    out = finite @ meat @ finite
    out[unknown, unknown] = np.inf
    return out


def native_jacobian(family: Any, eta: np.ndarray) -> np.ndarray:
    """Return d native / d eta of all parameters, (M, K), a block-diagonal matrix."""
    rows = sum(c.native_size for c in family.params.values())
    out, start = np.zeros((rows, family.n_params)), 0
    for name, constraint in family.params.items():
        stop = start + constraint.native_size
        out[start:stop, family.blocks[name]] = constraint.jacobian(eta[family.blocks[name]])
        start = stop
    return out


def to_native(family: Any, eta: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Return the covariance (M, M) of native parameters from that of eta, by the delta method."""
    return mapped(native_jacobian(family, eta), covariance)


def mapped(jac: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Return J V J' (M, M); what depends on a coordinate of infinite variance has inf."""
    unknown = np.isinf(np.diagonal(covariance))
    finite = np.where(unknown[:, None] | unknown[None, :], 0.0, covariance)
    with np.errstate(over="ignore", invalid="ignore"):
        out = jac @ finite @ jac.T
    # A variance beyond the range of doubles counts as unknown.
    out[~np.isfinite(out)] = np.inf
    lost = np.flatnonzero(np.abs(jac[:, unknown]).sum(axis=1) > 0)
    out[lost, lost] = np.inf
    return out


def standard_errors(family: Any, covariance: np.ndarray) -> dict[str, np.ndarray]:
    """Return standard errors by name, in the native shapes, from a native covariance matrix."""
    out, start = {}, 0
    roots = np.sqrt(np.maximum(np.diagonal(covariance), 0.0))
    for name, constraint in family.params.items():
        own = slice(start, start + constraint.native_size)
        start = own.stop
        part = roots[own]
        if constraint.entries is not None:
            row, col = constraint.entries
            full = np.zeros(constraint.shape)
            full[row, col] = part
            if constraint.symmetric:
                full[col, row] = part
            out[name] = full
        elif len(part) < np.prod(constraint.shape):
            out[name] = _dependent_errors(constraint, covariance[own, own])
        else:
            out[name] = part.reshape(constraint.shape)
    return out


def _dependent_errors(constraint: Any, covariance: np.ndarray) -> np.ndarray:
    """Return standard errors of a value that is affine in its free numbers, as a simplex is."""
    free = np.concatenate([np.zeros((1, len(covariance))), np.eye(len(covariance))])
    values = np.asarray(constraint.unpack(free)).reshape(len(free), -1)
    slope = values[1:] - values[0]
    unknown = np.isinf(np.diagonal(covariance))
    finite = np.where(unknown[:, None] | unknown[None, :], 0.0, covariance)
    square = np.sum((finite @ slope) * slope, axis=0)
    square[np.any(slope[unknown] != 0.0, axis=0)] = np.inf
    return np.sqrt(np.maximum(square, 0.0)).reshape(constraint.shape)


def native_names(family: Any) -> list[str]:
    """Return a name for each native number: ``loc``, ``scale[1]``, ``covariance[1,0]``."""
    return [label for n, c in family.params.items() for label in native_names_of(n, c)]


def native_names_of(name: str, constraint: Any) -> list[str]:
    """Return a name for each native number of one parameter."""
    if constraint.entries is not None:
        return [f"{name}[{i},{j}]" for i, j in zip(*constraint.entries, strict=True)]
    if constraint.shape == ():
        return [name]
    return [f"{name}[{i}]" for i in range(constraint.native_size)]

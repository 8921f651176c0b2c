"""How much an estimate would change if a row were left out, without refits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from natfit._validation import answers_keywords, check_number
from natfit.distributions.base import Distribution
from natfit.inference.covariance import native_jacobian
from natfit.inference.estimate import Estimate
from natfit.inference.rowwise import determined, known_objective, refuse_ends
from natfit.objectives._formula import Formula
from natfit.rows import Block

#: Most rows and coordinates with terms of second order: of more rows the relative error of the
#: first order, which falls as 1 / N, is below a thousandth, and second derivatives of each row and
#: third ones of their sum would cost more than all else.
MOST, _COORDINATES = 20_000, 10

#: Step of the differences that give third derivatives, in standard errors.
_STEP = 0.1


@dataclass(frozen=True, repr=False, eq=False)
class Influence:
    """Approximate changes of an estimate when one repetition of a row is left out.

    To first order the maximiser without row i is ``theta + delta_i`` with ``delta_i = -V s_i``,
    where ``s_i`` is the score of the row and ``V = (W I)^-1`` the covariance matrix of the estimate
    (Cook & Weisberg, Residuals and Influence in Regression, 1982, section 5.2; Hampel's influence
    function over N). The error is of the order 1/N relative to the change.

    Of at most 20,000 rows and ten coordinates, the next terms of the series are added, which the
    condition ``sum_{j != i} s_j(theta + delta) = 0`` gives: ``V H_i delta_i + 1/2 V T[delta_i,
    delta_i]``, with the observed information H_i of the row and the third derivatives T of the
    log-likelihood of all rows (by differences of its second ones).

    Attributes
    ----------
    params : dict of ndarray
        Change of each native parameter, (N, *shape), in its unit; (N, D) where D columns were
        fitted separately. Empty for a conditional model, whose rows have their own parameters.
    theta : ndarray of shape (N, P) or (N, D, P)
        Change of the unconstrained coordinates (of eta, where all rows share it). Coordinates that
        were given or rest at a limit do not move.
    distance : ndarray of shape (N,)
        ``1/2 s_i' V s_i = W/2 delta_i' I delta_i``, the log-likelihood of all rows that the
        estimate loses, in nats, by leaving the row out: half of Cook's likelihood displacement
        (Cook, J. R. Statist. Soc. B 48, 1986, equation 2). Columns fitted separately add.
    rows : ndarray of shape (N,)
        The index of each row in the data that were given; rows that do not count are left out.
    order : int
        Order of the approximation, 1 or 2. The distance is of first order.
    """

    params: dict[str, np.ndarray]
    theta: np.ndarray
    distance: np.ndarray
    rows: np.ndarray
    order: int = 1

    @answers_keywords
    def top(self, k: int = 10) -> dict[str, np.ndarray]:
        """Return the k rows of the largest distance as a table, the most influential first.

        Parameters
        ----------
        k : int, default=10
            Number of rows; all of them if there are fewer.

        Returns
        -------
        dict of ndarray
            ``row`` and ``distance`` (k,), then the change of each parameter (k, *shape).

        Raises
        ------
        ValueError, TypeError
            If k is not an integer >= 1.
        """
        size = min(int(check_number(k, "k", low=1, integer=True)), len(self.distance))
        order = np.argsort(-self.distance, kind="stable")[:size]
        table: dict[str, np.ndarray] = {"row": self.rows[order], "distance": self.distance[order]}
        return table | {name: values[order] for name, values in self.params.items()}

    def __repr__(self) -> str:
        """Show the five most influential rows."""
        lines = [f"Influence of {len(self.distance)} rows; the most influential:"]
        table = self.top(5)
        single = [n for n in self.params if table[n].ndim == 1 or table[n].shape[1:] == (1,)]
        names = ["row", "distance", *single]
        lines.append("  ".join(f"{name:>12}" for name in names))
        for i, row in enumerate(table["row"]):
            values = [float(np.ravel(table[name][i])[0]) for name in names[1:]]
            lines.append("  ".join([f"{row:>12}", *(f"{v:>12.4g}" for v in values)]))
        return "\n".join(lines)


def influence_of(estimate: Estimate) -> tuple[Influence, np.ndarray]:
    """Return the approximate changes of an estimate when a repetition of each row is left out.

    Parameters
    ----------
    estimate : Estimate
        With its objective, whose model may be conditional.

    Returns
    -------
    influence : Influence
        Of all rows.
    log_density : ndarray of shape (N,)
        log p of each row, in nats, from the same pass.

    Raises
    ------
    ValueError
        If the data do not determine the parameters, an end of the support lies at a row, or the
        score of a row is not finite where its density is.
    """
    objective, size = known_objective(estimate), len(estimate.theta)
    refuse_ends(estimate, "influence")
    matrix, second = determined(estimate, "influence"), _second_order(estimate)
    family, shared = estimate.family, objective.model.shared
    jacobian = native_jacobian(family, estimate.theta) if shared else np.zeros((0, size))
    args = objective._formula, estimate.theta, matrix, jacobian, second
    with np.errstate(all="ignore"):
        found = objective.rows.map(_influence_part, *args)
    log, distance = found[:, 0], found[:, 1]
    # The sum is finite where all are, and spares a pass.
    if not np.isfinite(distance.sum()) and (bad := np.isfinite(log) & ~np.isfinite(distance)).any():
        raise ValueError(
            "influence needs a finite score of each row, got another at row "
            f"{int(np.argmax(bad))}; look at this row, at which the density of the family has no "
            "derivative"
        )
    theta, free = found[:, 2 : 2 + size], found[:, 2 + size : 2 + size + len(jacobian)]
    if second:
        more = _correction(estimate, matrix, theta, found[:, 2 + size + len(jacobian) :])
        theta, free = theta + more, free + more @ jacobian.T + _bend(family, estimate.theta, theta)
    params = native_changes(family, free) if shared else {}
    rows = np.arange(len(found))
    return Influence(params, theta, distance, rows, 2 if second else 1), log


def _second_order(estimate: Estimate) -> bool:
    """Tell whether terms of second order are known and worth their cost."""
    objective, info = known_objective(estimate), estimate.information
    family = objective.distribution
    if not objective.model.shared or len(family.kinks(estimate.theta)):
        return False
    # An expected information that stands for an observed one is not the curvature of the rows.
    curved = info.kind == "observed" or family.information.agrees
    return curved and objective.rows.n <= MOST and len(estimate.theta) <= _COORDINATES


def _correction(
    estimate: Estimate, matrix: np.ndarray, change: np.ndarray, own: np.ndarray
) -> np.ndarray:
    """Return the terms of second order, (N, P): V H_i delta_i + 1/2 V T[delta_i, delta_i].

    Where they exceed those of first order the series says nothing, and they are left out.

    Returns
    -------
    ndarray of shape (N, P)
        In theta.
    """
    objective, theta = known_objective(estimate), estimate.theta
    family, error = objective.distribution, np.sqrt(np.diagonal(matrix))
    moved = np.flatnonzero(error)
    steps = _STEP * np.diag(error)[moved]
    low, high, _ = family.limits
    points = np.clip(np.concatenate([theta + steps, theta - steps]), low, high)
    with np.errstate(all="ignore"):
        up, down = np.split(objective.rows.sum(_curvature_part, family, points), 2)
        width = np.sum(points[: len(moved)] - points[len(moved) :], axis=1)
        third = np.zeros((len(theta),) * 3)
        third[moved] = -(up - down) / width[:, None, None]
        bent = np.einsum("kab,nk,nb->na", third, change, change)
        more = own + 0.5 * bent @ matrix
        unit = np.where(error > 0, error, 1.0)
        size = np.square(more / unit).sum(axis=1)
        small = size <= np.square(change / unit).sum(axis=1)
    return np.where((small & np.isfinite(size))[:, None], more, 0.0)


def _curvature_part(block: Block, family: Distribution, points: np.ndarray) -> np.ndarray:
    """Return the sums of observed information (m, K, K) of a block's rows at m points."""
    return np.stack([family.sum_observed(block.y, block.weight, p[None]) for p in points])


def _bend(family: Distribution, eta: np.ndarray, change: np.ndarray) -> np.ndarray:
    """Return what the curvature of elementwise constraints adds to native changes, (N, M)."""
    parts = []
    for name, constraint in family.params.items():
        own = family.blocks[name]
        part = np.zeros((len(change), constraint.native_size))
        if constraint.elementwise:
            with np.errstate(all="ignore"):
                bent = 0.5 * constraint.second(eta[own]) * change[:, own] ** 2
            part = np.where(np.isfinite(bent), bent, 0.0)
        parts.append(part)
    return np.concatenate(parts, axis=1)


def _influence_part(
    block: Block,
    formula: Formula,
    theta: np.ndarray,
    matrix: np.ndarray,
    jacobian: np.ndarray,
    second: bool,
) -> np.ndarray:
    """Return (n, 2 + P + M): log p, distance, and changes of theta and of native numbers.

    With ``second`` there are P further columns V H_i delta_i, with the observed information H_i of
    each row.

    Returns
    -------
    ndarray of shape (n, 2 + P + M) or (n, 2 + 2 P + M)
    """
    lin = formula.linearize(theta, block)
    log, score = formula.distribution.log_prob_and_score(block.y, lin.eta)
    size = len(theta)
    # Columns of the rows' numbers lie together, so that products of small matrices are fast.
    out = np.empty((2 + size + len(jacobian), len(log)))
    s, change = lin.pull_columns(score[:, :, None]), out[2 : 2 + size]
    np.matmul(-matrix, s, out=change)
    np.matmul(jacobian, change, out=out[2 + size :])
    out[0] = log
    # The covariance is not negative, but rounding may make a distance so.
    np.maximum(-0.5 * np.einsum("pn,pn->n", s, change), 0.0, out=out[1])
    if not second:
        return out.T
    observed = formula.distribution.observed(block.y, lin.eta)
    own = np.einsum("nab,bn->na", observed, change) @ matrix
    return np.concatenate([out.T, own], axis=1)


def native_changes(family: Distribution, free: np.ndarray) -> dict[str, np.ndarray]:
    """Return changes (N, *shape) of native parameters by name, from those of their free numbers."""
    out, start = {}, 0
    for name, constraint in family.params.items():
        own = free[:, start : start + constraint.native_size]
        start += constraint.native_size
        if constraint.entries is not None:
            row, col = constraint.entries
            full = np.zeros((len(own), *constraint.shape))
            full[:, row, col] = own
            if constraint.symmetric:
                full[:, col, row] = own
            out[name] = full
            continue
        if own.shape[1] < np.prod(constraint.shape):
            # Such values are affine in their free numbers, as the shares of a simplex are.
            size = own.shape[1]
            values = constraint.unpack(np.concatenate([np.zeros((1, size)), np.eye(size)]))
            values = np.reshape(values, (size + 1, -1))
            own = own @ (values[1:] - values[0])
        out[name] = own.reshape(len(own), *constraint.shape)
    return out

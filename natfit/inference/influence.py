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


@dataclass(frozen=True, repr=False, eq=False)
class Influence:
    """Approximate changes of an estimate when one repetition of a row is left out.

    To first order the maximiser without row i is ``theta - V s_i``, where ``s_i`` is the score of
    the row and ``V = (W I)^-1`` the covariance matrix of the estimate (Cook & Weisberg, Residuals
    and Influence in Regression, 1982, section 5.2; Hampel's influence function over N). The error
    is of the order 1/N relative to the change.

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
    """

    params: dict[str, np.ndarray]
    theta: np.ndarray
    distance: np.ndarray
    rows: np.ndarray

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


def influence(estimate: Estimate) -> tuple[Influence, np.ndarray]:
    """Return the first-order changes of an estimate when a repetition of each row is left out.

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
    matrix = determined(estimate, "influence")
    family, shared = estimate.family, objective.model.shared
    jacobian = native_jacobian(family, estimate.theta) if shared else np.zeros((0, size))
    with np.errstate(all="ignore"):
        found = objective.rows.map(
            _influence_part, objective._formula, estimate.theta, matrix, jacobian
        )
    log, distance = found[:, 0], found[:, 1]
    # The sum is finite where all are, and spares a pass.
    if not np.isfinite(distance.sum()) and (bad := np.isfinite(log) & ~np.isfinite(distance)).any():
        raise ValueError(
            "influence needs a finite score of each row, got another at row "
            f"{int(np.argmax(bad))}; look at this row, at which the density of the family has no "
            "derivative"
        )
    theta, free = found[:, 2 : 2 + size], found[:, 2 + size :]
    params = native_changes(family, free) if shared else {}
    return Influence(params, theta, distance, np.arange(len(found))), log


def _influence_part(
    block: Block, formula: Formula, theta: np.ndarray, matrix: np.ndarray, jacobian: np.ndarray
) -> np.ndarray:
    """Return (n, 2 + P + M): log p, distance, and changes of theta and of native numbers."""
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
    return out.T


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

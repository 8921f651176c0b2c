"""What an objective computes on one block of rows: a family and a model, and the parts.

A part is called where the rows are. It gets the :class:`Formula`, one or more theta, and the rows
of its block.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from natfit.distributions.base import Distribution
from natfit.models import Linearization, Model
from natfit.rows import Block


@dataclass(frozen=True)
class Formula:
    """A family and a model, as they are sent to where the rows are.

    Attributes
    ----------
    distribution : Distribution
    model : Model
        The model, bound to the distribution.
    key : int
        The key of the objective, under which blocks keep what belongs to it.
    reuse : bool
        Whether eta may be taken from a linearization that is kept with a block. This is so only
        if all rows are one block in this process, so that results do not depend on what a worker
        has kept.
    moves : bool
        Whether a linearization that is kept with a block may be moved along the line on which its
        derivative was asked for last. This is so only if the rows are in this process.
    refills : bool
        Whether the linearization that is kept with a block may be overwritten by the next one, at
        another theta or after the rows have changed: nobody else holds it.
    """

    distribution: Distribution
    model: Model
    key: int
    reuse: bool
    moves: bool = False
    refills: bool = False

    def linearize(self, theta: np.ndarray, block: Block) -> Linearization:
        """Return the model at theta on a block; it is kept with the block.

        The gradient and the curvature at one theta then share a forward pass.

        Returns
        -------
        Linearization
            The linearization on the rows of the block.
        """
        if self.model.shared:
            return self.model.linearize(theta, block.X)
        found = self.kept(theta, block)
        if found is None:
            found = self._moved(theta, block) if self.moves else None
            if found is None and self.refills and block.offset is None:
                found = self._refilled(theta, block)
                if found is not None:
                    return found
            if found is None:
                found = self.model.linearize(theta, block.X)
                if block.offset is not None:
                    # The linearization is new, and so is its eta; a derivative has no offset.
                    found.eta += _columns(block.offset)
            self.keep(theta, block, found)
        return found

    def keep(self, theta: np.ndarray, block: Block, found: Linearization) -> None:
        """Leave a linearization with a block that keeps what passes leave."""
        if block.kept is not None:
            # Terms at another point, and views of y that a start has asked for, have served.
            for left in ("term", "view"):
                block.kept.pop(left, None)
            block.kept["linearization"] = self.key, theta.copy(), found

    def eta(self, theta: np.ndarray, block: Block) -> np.ndarray:
        """Return eta of a block's rows, (n, K), or (1, K) if all rows share it."""
        kept = self.kept(theta, block) if self.reuse else None
        if kept is not None:
            return kept.eta
        eta = self.model.eta(theta, block.X)
        if block.offset is not None and not self.model.shared:
            eta = eta + _columns(block.offset)
        return eta

    def kept(self, theta: np.ndarray, block: Block) -> Linearization | None:
        """Return the linearization at theta that was left with a block, if there is one."""
        key, at, found = (block.kept or {}).get("linearization", (None, None, None))
        return found if key == self.key and np.array_equal(at, theta) else None

    def _refilled(self, theta: np.ndarray, block: Block) -> Linearization | None:
        """Return the kept linearization with the numbers of this theta and these rows."""
        key, _, found = (block.kept or {}).get("linearization", (None, None, None))
        if key != self.key or not found.refill(theta, block.X):
            return None
        # It is not looked up by theta again.
        block.kept["linearization"] = key, None, found  # type: ignore[index]  # it was there
        return found

    def _moved(self, theta: np.ndarray, block: Block) -> Linearization | None:
        key, at, found = (block.kept or {}).get("linearization", (None, None, None))
        return found.moved(at, theta) if key == self.key else None


def _columns(offset: np.ndarray) -> np.ndarray:
    """Return offsets as columns, (n, 1) or (n, K)."""
    return offset[:, None] if offset.ndim == 1 else offset


def weighted(values: np.ndarray, weight: np.ndarray | None) -> Any:
    """Return the weighted sum of values (n,)."""
    return values.sum() if weight is None else weight @ values


def gradient_part(block: Block, formula: Formula, theta: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the weighted sum of log p and its gradient in theta (P,)."""
    if formula.kept(theta, block) is None and (found := _through(block, formula, theta)):
        return found
    lin = formula.linearize(theta, block)
    if not _inside(lin.eta, *formula.distribution.row_limits):
        # Beyond the limits of eta, as at negative degrees of freedom, there is no density.
        return -np.inf, np.full(len(theta), np.nan)
    value, score = formula.distribution.log_prob_and_score(block.y, lin.eta)
    if block.weight is None:
        return value.sum(), lin.vjp(score)
    return block.weight @ value, lin.vjp(score * block.weight[:, None])


def _inside(eta: np.ndarray, low: np.ndarray, high: np.ndarray) -> bool:
    """Tell whether eta (n, K) is a number within limits (K,) in every row."""
    # NaN is the smallest and the largest of its column, and within no limits.
    return all(
        low[k] <= eta[:, k].min() and eta[:, k].max() <= high[k] for k in range(eta.shape[1])
    )


def _through(block: Block, formula: Formula, theta: np.ndarray) -> tuple[float, np.ndarray] | None:
    """Return :func:`gradient_part` by a single pass over X, if the model offers it."""
    family = formula.distribution
    if any(np.isfinite(limit).any() for limit in family.row_limits):
        return None
    values = []

    def pull(part: slice, eta: np.ndarray) -> np.ndarray:
        if block.offset is not None:
            eta += _columns(block.offset[part])
        value, score = family.log_prob_and_score(block.y[part], eta)
        values.append(weighted(value, None if block.weight is None else block.weight[part]))
        return score if block.weight is None else score * block.weight[part, None]

    found = formula.model.through(theta, block.X, pull)
    if found is None:
        return None
    formula.keep(theta, block, found[0])
    return sum(values), found[1]


def divergence_part(
    block: Block, formula: Formula, theta: np.ndarray, theta2: np.ndarray
) -> np.ndarray:
    """Return the weighted sum of the divergences of the rows from theta to theta2, in nats."""
    return pair_part(block, formula, formula.distribution.kl, theta, theta2)


def pair_part(
    block: Block, formula: Formula, rule: Callable, theta: np.ndarray, theta2: np.ndarray
) -> np.ndarray:
    """Return the weighted sum of ``rule(eta, eta2)``, (n,) for the rows' eta at two theta."""
    pair = formula.eta(theta, block), formula.eta(theta2, block)
    return weighted(rule(*pair), block.weight)


def outer_part(block: Block, family: Distribution, eta: np.ndarray) -> np.ndarray:
    """Return the weighted sum of s s' (K, K), where s is the score of a row at eta (1, K)."""
    s = family.score(block.y, eta)
    return s.T @ s if block.weight is None else (s * block.weight[:, None]).T @ s


def score_part(block: Block, family: Distribution, eta: np.ndarray, total: float) -> np.ndarray:
    """Return scores (n, K) at eta, (1, K) or (n, K), times the square roots of w_i / W."""
    return family.score(block.y, eta) * np.sqrt(share(block, total))[:, None]


def share(block: Block, total: float) -> np.ndarray:
    """Return w_i / W for a block's rows, (n,), with W = ``total``."""
    if block.weight is None:
        return np.full(block.n, 1.0 / total)
    return block.weight / total

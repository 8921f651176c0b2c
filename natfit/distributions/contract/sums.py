"""Sums over rows that share eta, for families that do not write their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import autograd.numpy as anp
import numpy as np

from natfit.numerics import autodiff
from natfit.rows import Block, Rows

if TYPE_CHECKING:
    from natfit.distributions.base import Distribution


def summed_value_and_score(
    family: Distribution, y: Any, weight: np.ndarray | None, eta: np.ndarray
) -> tuple[float, np.ndarray]:
    """Weighted sums over rows of log p and of its score (K,), eta (1, K).

    Where the score is derived by autograd, one backward pass to eta (1, K) gives its sum.

    Returns
    -------
    value : float
        In nats.
    score : ndarray of shape (K,)
        In eta.
    """
    if family._score is None and family.differentiable:
        return autodiff.value_and_grad(
            lambda e: weighted_sum(family._log_prob_eta(y, e[None]), weight), eta[0]
        )
    value, score = family.log_prob_and_score(y, eta)
    if weight is None:
        return value.sum(), score.sum(axis=0)
    return weight @ value, weight @ score


def summed_observed(
    family: Distribution, y: Any, weight: np.ndarray | None, eta: np.ndarray
) -> np.ndarray:
    """Weighted sum over rows of the negative Hessian, (K, K), eta (1, K)."""
    if family._observed is None and family.differentiable:
        return -autodiff.hessian(
            lambda e: weighted_sum(family._log_prob_eta(y, e[None]), weight), eta[0]
        )
    rows = family.observed(y, eta)
    return rows.sum(axis=0) if weight is None else np.tensordot(weight, rows, 1)


def block_sum(block: Block, family: Distribution, name: str, eta: np.ndarray) -> Any:
    """Part of a pass: a sum of the family, such as ``sum_observed``, over one block of rows."""
    return getattr(family, name)(block.y, block.weight, eta)


def sum_over(rows: Rows, family: Distribution, name: str, eta: np.ndarray) -> Any:
    """Return a sum of the family, such as ``sum_terms``, over all rows, which share eta (1, K).

    Rows that the family reduces to a summary are reduced only once.

    Returns
    -------
    What the sum of the family returns.
    """
    summary = family.sufficient(rows)
    if summary is None:
        return rows.sum(block_sum, family, name, eta)
    return getattr(family, name)(summary, np.array([rows.total]), eta)


def weighted_sum(values: Any, weight: np.ndarray | None) -> Any:
    """Sum of values (n,), weighted; differentiable."""
    return anp.sum(values) if weight is None else anp.dot(weight, values)


def tile(eta: np.ndarray, y: Any) -> np.ndarray:
    """Repeat eta (1, K) once for every row, for one backward pass over all rows."""
    n = n_rows(y)
    return eta if len(eta) == n else np.repeat(eta, n, axis=0)


def n_rows(y: Any) -> int:
    """Rows of an array, or of a summary (a tuple of arrays)."""
    return len(y[0]) if isinstance(y, tuple) else len(y)

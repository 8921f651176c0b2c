"""Information and divergence of a family without a closed form, from its expectations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from natfit.distributions.contract.expectation import ACCURACY

if TYPE_CHECKING:
    from natfit.distributions.base import Distribution


def expected_square(family: Distribution, eta: np.ndarray) -> np.ndarray:
    """E[s s'] at each row of eta, (n, K, K).

    Returns
    -------
    ndarray of shape (n, K, K)
        Symmetric, positive semidefinite.

    Raises
    ------
    ValueError
        If the family has no expectation, or the rule does not reach its accuracy.
    """
    out = np.empty((len(eta), family.n_params, family.n_params))
    for i, row in enumerate(eta):
        rule = family.expectation(row)
        with np.errstate(all="ignore"):
            score = family.score(rule.y, row[None])
        # Far in a tail, where the probability is zero, the score may overflow.
        fine = np.isfinite(score).all(axis=1)
        if rule.weight[~fine].sum() > ACCURACY:
            raise ValueError(f"the score of {type(family).__name__} is not finite at {row}")
        score = score[fine]
        out[i] = (score * rule.weight[fine, None]).T @ score
    return out


def expected_log_ratio(family: Distribution, eta: np.ndarray, eta2: np.ndarray) -> np.ndarray:
    """E[log p(y | eta) - log p(y | eta2)] under eta, row by row, (n,) nats."""
    n = max(len(eta), len(eta2))
    out = np.empty(n)
    for i in range(n):
        a, b = eta[i % len(eta)], eta2[i % len(eta2)]
        rule = family.expectation(a)
        gap = family.log_prob(rule.y, a[None]) - family.log_prob(rule.y, b[None])
        out[i] = rule.weight @ gap
    return out

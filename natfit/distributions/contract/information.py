"""Information and divergence of a family without a closed form, from its expectations."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from natfit._component import same
from natfit.distributions.contract.expectation import ACCURACY, Expectation, units

if TYPE_CHECKING:
    from natfit.distributions.base import Distribution

#: Rows from which on they are integrated together, and numbers of one temporary array.
_TOGETHER, _CELLS = 8, 1 << 18

#: Error of the total probability up to which nodes suit a row, and a probability that is nothing.
_AGREES, _NOTHING = 1e-8, 1e-16

#: Nodes up to which a rule is kept for the next call.
_KEPT = 2**14

#: The last rule, with what it belongs to: family, its parameters and eta.
_last: tuple[Any, dict, bytes, Expectation] | None = None


def _rule(family: Distribution, eta: np.ndarray) -> Expectation:
    """The family's expectation at eta (K,).

    A step asks for the information and for divergences from the same eta, in turn: the last rule is
    kept.

    Returns
    -------
    Expectation
        Nodes y and their probabilities.
    """
    global _last
    found, params, at = _last, family.get_params(), eta.tobytes()
    if found is not None and found[0]() is family and found[2] == at:
        # Parameters of a component may be set at any time.
        if found[1].keys() == params.keys() and all(same(found[1][k], params[k]) for k in params):
            return found[3]
    rule = family.expectation(eta)
    if len(rule.y) <= _KEPT:
        _last = weakref.ref(family), params, at, rule
    return rule


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
        rule = _rule(family, row)
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
    """E[log p(y | eta) - log p(y | eta2)] under eta, row by row, (n,) nats.

    Many rows are integrated together where one rule, moved and stretched, suits them.

    Returns
    -------
    ndarray of shape (n,)
        Divergences.

    Raises
    ------
    ValueError
        If the family has no expectation, or the rule does not reach its accuracy.
    """
    n = max(len(eta), len(eta2))
    out, missing = np.empty(n), np.ones(n, dtype=bool)
    if len(eta) == n >= _TOGETHER:
        for part, y, weight, log_prob, fine in moved_rules(family, eta):
            other = eta2[part] if len(eta2) == n else eta2
            with np.errstate(all="ignore"):
                gap = np.where(weight > 0, log_prob - _each(family, y, other), 0.0)
                out[part] = np.einsum("nm,nm->n", weight, gap)
            missing[part] = ~(fine & np.isfinite(out[part]))
    for i in np.flatnonzero(missing):
        a, b = eta[i % len(eta)], eta2[i % len(eta2)]
        rule = _rule(family, a)
        gap = family.log_prob(rule.y, a[None]) - family.log_prob(rule.y, b[None])
        out[i] = rule.weight @ gap
    return out


def moved_rules(family: Distribution, eta: np.ndarray) -> Iterator[tuple]:
    """Yield the rule of one row, moved to every row by its location and scale, in blocks of rows.

    Nodes that suit one distribution suit those that differ in location and scale, and nearly so
    those whose shapes differ a little. The total probability of each row tells whether they do.

    Parameters
    ----------
    family : Distribution
        Univariate and continuous; no rules are found for others.
    eta : ndarray of shape (n, K)
        One distribution per row.

    Yields
    ------
    part : slice
        The m rows of the block.
    y, weight, log_prob : ndarray of shape (m, M)
        Nodes, their probabilities, and log densities, nats.
    fine : ndarray of bool, shape (m,)
        Whether the rule has the accuracy that is asked of it.
    """
    support = family.support
    if support is None or support.integer or family.atoms or family.row_ends:
        return
    middle = eta[len(eta) // 2]
    found = _thinned(family, middle)
    if found is None:
        return
    nodes, steps = found
    loc, scale = units(family, eta)
    base, width = units(family, middle[None])
    if np.isfinite(support.low) or np.isfinite(support.high):
        # An end that all rows share is not moved, and a finite interval not stretched either.
        end = support.low if np.isfinite(support.low) else support.high
        loc, base = np.full(len(eta), end), np.array([end])
        if np.isfinite(support.low) and np.isfinite(support.high):
            scale, width = np.ones(len(eta)), np.ones(1)
    unit = (nodes - base) / width
    size = max(1, _CELLS // len(nodes))
    for start in range(0, len(eta), size):
        part = slice(start, min(start + size, len(eta)))
        stretch = scale[part, None]
        y = loc[part, None] + stretch * unit
        with np.errstate(all="ignore"):
            log_prob = _each(family, y, eta[part])
            weight = np.exp(log_prob) * (steps / width) * stretch
        total = np.where(np.isfinite(weight), weight, np.inf).sum(axis=1)
        yield part, y, weight, log_prob, np.abs(total - 1.0) < _AGREES


def _thinned(family: Distribution, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return few nodes y (M,) of the rule at eta (K,), and the steps dy between them."""
    rule = _rule(family, eta)
    with np.errstate(all="ignore"):
        density = np.exp(family.log_prob(rule.y, eta[None]))
    # The rule is the second of two that agree; the first, every other node, is accurate too.
    for stride in (4, 2, 1):
        total = rule.weight[::stride].sum() * stride
        if abs(total - 1.0) < _AGREES:
            y, p = rule.y[::stride], density[::stride]
            weight = rule.weight[::stride] * stride
            keep = weight > _NOTHING
            return y[keep], weight[keep] / p[keep]
    return None


def _each(family: Distribution, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
    """Return log p of the nodes y (m, M) at eta (m, K) or (1, K), (m, M) nats."""
    rows = eta if len(eta) == 1 else np.repeat(eta, y.shape[1], axis=0)
    return family.log_prob(y.ravel(), rows).reshape(y.shape)

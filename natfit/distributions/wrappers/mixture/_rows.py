"""Log-density, score and observed information of the rows of a mixture, and their sums.

n rows, C components, K coordinates of eta. The terms of a component leave out the rows for which
its responsibility is zero, because its derivatives there may not be finite.
"""

from __future__ import annotations

from typing import Any

import numpy as np

#: A component is evaluated at the rows of all others too: what overflows there has no weight.
_quiet = np.errstate(all="ignore")


def rows_of(family: Any, k: int, y: Any) -> tuple[np.ndarray | None, Any]:
    """Rows in the support of component k (None: all), and y, others replaced by one inside."""
    inside = family.seen(k, y)
    if inside is None:
        return None, y
    own = family.parts[k].support
    if np.isfinite(own.low):
        safe = own.low + (1.0 if own.high - own.low > 1.0 else 0.5 * (own.high - own.low))
    else:
        safe = own.high - 1.0 if np.isfinite(own.high) else 0.0
    return inside, np.where(inside, y, safe)


@_quiet
def log_joint(family: Any, y: Any, eta: np.ndarray) -> np.ndarray:
    """log w_k + log p_k(y), (n, C)."""
    columns = []
    for k, (part, cut) in enumerate(zip(family.parts, family.cuts, strict=True)):
        inside, safe = rows_of(family, k, y)
        value = part.log_prob(safe, eta[:, cut])
        columns.append(value if inside is None else np.where(inside, value, -np.inf))
    # Components are the outer axis in memory: sums over them then add long vectors.
    return np.stack(columns).T + family.log_weights(eta)


def log_total(joint: np.ndarray) -> np.ndarray:
    """Logarithm of the sum of exp over columns, (n,); -inf where all are."""
    top = joint.max(axis=1)
    top = np.where(np.isneginf(top), 0.0, top)
    with np.errstate(divide="ignore"):
        return top + np.log(np.exp(joint - top[:, None]).sum(axis=1))


def shares(joint: np.ndarray, log_p: np.ndarray) -> np.ndarray:
    """Responsibilities (n, C); zero where no component has any density."""
    return np.exp(joint - np.where(np.isneginf(log_p), 0.0, log_p)[:, None])


@_quiet
def terms(family: Any, y: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """log p (n,), responsibilities (n, C), and each component's score, 0 where it has none."""
    values, scores = [], []
    for k, (part, cut) in enumerate(zip(family.parts, family.cuts, strict=True)):
        inside, safe = rows_of(family, k, y)
        value, score = part.log_prob_and_score(safe, eta[:, cut])
        values.append(value if inside is None else np.where(inside, value, -np.inf))
        scores.append(score)
    joint = np.stack(values).T + family.log_weights(eta)
    log_p = log_total(joint)
    share = shares(joint, log_p)
    some = share > 0
    if not some.all():
        scores = [np.where(some[:, k, None], s, 0.0) for k, s in enumerate(scores)]
    return log_p, share, scores


def mean_score(
    family: Any, eta: np.ndarray, share: np.ndarray, scores: list[np.ndarray]
) -> np.ndarray:
    """The score (n, K): responsibilities minus weights, and times the components' scores."""
    out = np.empty((family.n_params, len(share))).T
    weights = np.exp(family.log_weights(eta))
    out[:, : share.shape[1] - 1] = (share - weights)[:, :-1]
    for k, cut in enumerate(family.cuts):
        out[:, cut] = share[:, k, None] * scores[k]
    return out


@_quiet
def observed(family: Any, y: Any, eta: np.ndarray) -> np.ndarray:
    """Negative Hessian of each row, (n, K, K)."""
    _, share, scores = terms(family, y, eta)
    curves = []
    for k, (part, cut) in enumerate(zip(family.parts, family.cuts, strict=True)):
        curve = part.observed(rows_of(family, k, y)[1], eta[:, cut])
        curves.append(np.where(share[:, k, None, None] > 0, curve, 0.0))
    return curvature(family, eta, share, scores, curves)


def curvature(
    family: Any,
    eta: np.ndarray,
    share: np.ndarray,
    scores: list[np.ndarray],
    curves: list[np.ndarray],
) -> np.ndarray:
    """Negative Hessian (n, K, K) from the components' scores and negative Hessians."""
    weights = np.exp(family.log_weights(eta))[:, :-1]
    last = weights.shape[1]
    mean = mean_score(family, eta, share, scores)
    mean[:, :last] += weights
    out = mean[:, :, None] * mean[:, None, :]
    at = np.arange(last)
    out[:, :last, :last] -= weights[:, :, None] * weights[:, None, :]
    out[:, at, at] += weights - share[:, :-1]
    for k, cut in enumerate(family.cuts):
        score = scores[k]
        block = curves[k] - score[:, :, None] * score[:, None, :]
        out[:, cut, cut] += share[:, k, None, None] * block
        if k < last:
            cross = share[:, k, None] * score
            out[:, k, cut] -= cross
            out[:, cut, k] -= cross
    return out


@_quiet
def sums(family: Any, y: Any, weight: np.ndarray | None, eta: np.ndarray) -> tuple:
    """Weighted sums of log p, its score (K,) and its negative Hessian (K, K), for eta (1, K)."""
    log_p, share, scores = terms(family, y, eta)
    total = float(len(log_p)) if weight is None else weight.sum()
    probs = np.exp(family.log_weights(eta))[0, :-1]
    last = len(probs)
    mean = mean_score(family, eta, share, scores)
    score = mean.sum(axis=0) if weight is None else weight @ mean
    mean[:, :last] += probs
    out = (mean if weight is None else mean * weight[:, None]).T @ mean
    counts = share if weight is None else weight[:, None] * share
    at = np.arange(last)
    out[:last, :last] -= total * np.outer(probs, probs)
    out[at, at] += total * probs - counts[:, :-1].sum(axis=0)
    for k, (part, cut) in enumerate(zip(family.parts, family.cuts, strict=True)):
        own, some = counts[:, k], counts[:, k] > 0
        out[cut, cut] -= (scores[k] * own[:, None]).T @ scores[k]
        if k < last:
            cross = own @ scores[k]
            out[k, cut] -= cross
            out[cut, k] -= cross
        if some.all():
            out[cut, cut] += part.sum_observed(y, own, eta[:, cut])
        elif some.any():
            out[cut, cut] += part.sum_observed(y[some], own[some], eta[:, cut])
    return float(log_p.sum() if weight is None else weight @ log_p), score, out

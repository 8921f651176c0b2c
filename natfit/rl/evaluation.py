"""Evaluation: returns of a policy that does not learn while it acts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from natfit.rl.policy import Policy
from natfit.rl.rollout import begin, rollout
from natfit.rl.spaces import Box, Space
from natfit.rl.threads import few_threads
from natfit.rl.vector import VectorEnvironment

#: Relative difference of the limits of two boxes that is taken for rounding in float32.
ROUNDING = 1e-6


@dataclass(frozen=True)
class Evaluation:
    """Undiscounted returns of whole episodes, in the unit of the rewards.

    Attributes
    ----------
    returns : ndarray of shape (n_episodes,)
        Sum of the rewards of each episode, in the order of the seeds.
    lengths : ndarray of shape (n_episodes,)
        Number of steps of each episode.
    """

    returns: np.ndarray
    lengths: np.ndarray

    @property
    def mean(self) -> float:
        """Mean of the returns over the episodes."""
        return float(self.returns.mean())

    @property
    def standard_error(self) -> float:
        """Standard error of the mean, std / sqrt(n); infinite for one episode."""
        n = len(self.returns)
        return float(self.returns.std(ddof=1) / np.sqrt(n)) if n > 1 else np.inf

    def __repr__(self) -> str:
        """Return the mean, its standard error and the number of episodes."""
        return (
            f"Evaluation(mean={self.mean:.6g}, standard_error={self.standard_error:.3g}, "
            f"n_episodes={len(self.returns)})"
        )


def check_spaces(policy: Policy, env: VectorEnvironment) -> None:
    """Raise ValueError unless an environment has a policy's spaces, up to rounding of limits."""
    for what in ("observation_space", "action_space"):
        own, other = getattr(policy, what), getattr(env, what)
        if not alike(own, other):
            raise ValueError(
                f"env must have the spaces that the policy was trained with, but the {what} of "
                f"environment {env.name!r} is {other}, not {own}; wrap it so that they agree"
            )


def alike(a: Space, b: Space) -> bool:
    """Tell whether two spaces are equal, where limits of boxes may be rounded to float32."""
    if not (isinstance(a, Box) and isinstance(b, Box) and a.shape == b.shape):
        return a == b
    pairs = (a.low, b.low), (a.high, b.high)
    return all(np.allclose(x, y, rtol=ROUNDING, atol=0.0) for x, y in pairs)


def evaluate(
    env: VectorEnvironment,
    policy: Policy,
    seeds: Sequence[int],
    *,
    greedy: bool = True,
    longest: int,
    n_jobs: int | None = None,
) -> Evaluation:
    """Play one episode from each seed; the rows take the seeds in turn.

    An environment that resets by itself uses the first seeds only; its later episodes start as it
    chooses.

    Returns
    -------
    Evaluation
        One entry per episode, in the order of the seeds.
    """
    m, n = len(seeds), env.n
    if env.can_seed:
        env.plan = [list(seeds[e::n]) or [seeds[0]] for e in range(n)]
    observation = begin(env, (int(seeds[0]), m))
    quota = np.full(n, m // n)
    quota[: m % n] += 1
    with few_threads(policy.theta.size):
        _, batch = rollout(
            env,
            policy,
            observation,
            (int(seeds[0]), m),
            n_jobs,
            quota=quota,
            greedy=greedy,
            longest=longest,
        )
    returns, lengths = np.empty(m), np.empty(m, dtype=int)
    reward = np.where(batch.valid, batch.reward, 0.0)
    for e in range(n):
        edges = np.flatnonzero(batch.ended[:, e])
        if len(edges):
            played = np.add.reduceat(reward[:, e], [0, *(edges[:-1] + 1)])
            # Entries that are not steps come after the row's last end, or only begin an episode.
            counted = np.add.reduceat(batch.valid[:, e].astype(int), [0, *(edges[:-1] + 1)])
            returns[e::n], lengths[e::n] = played[: quota[e]], counted[: quota[e]]
    return Evaluation(returns, lengths)


def seeds_of(X: Any, name: str = "X") -> np.ndarray:
    """Return the seeds (n,) in an array (n,) or (n, 1); ``name`` is the argument's, for errors.

    Returns
    -------
    ndarray of int, shape (n,)
        The seeds.

    Raises
    ------
    ValueError
        If they are not integers >= 0.
    """
    values = np.asarray(X)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1 or len(values) == 0:
        raise ValueError(
            f"{name} must hold one seed per row, in the shape (n,) or (n, 1), got shape "
            f"{np.shape(X)}; try numpy.arange(n)"
        )
    whole = values.dtype.kind in "iu" and values.min() >= 0
    if not whole or values.max() >= 2**63:
        raise ValueError(
            f"{name} must hold seeds, which are integers >= 0 and below 2**63, got "
            f"{values[:3].tolist()} of type {values.dtype}; try numpy.arange(n)"
        )
    return values.astype(np.int64)

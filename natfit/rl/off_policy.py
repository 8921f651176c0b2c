"""Off-policy evaluation: what episodes of one policy say about the return of another.

With rho_t = pi(a_t | s_t) / b(a_t | s_t) and w_t = rho_0 ... rho_t, the estimates of the policy's
mean return E[sum_t discount^t r_t] are

- ``importance``: the mean over episodes of sum_t discount^t w_t r_t, per-decision importance
  sampling (Precup, Sutton and Singh, 2000), unbiased;
- ``self_normalised``: sum_t discount^t (sum_e w_et r_et) / (sum_e w_et), biased by O(1 / E), and of
  smaller variance; an episode that has ended keeps its last weight, with rewards 0;
- ``doubly_robust``: the mean over episodes of X_0, where X_t = V_t(s_t) + rho_t (r_t + discount
  X_{t+1} - Q_t(s_t, a_t)) (Jiang and Li, 2016; Thomas and Brunskill, 2016), unbiased whatever Q is,
  with V_t(s) = E_pi Q_t(s, a).

Q_t is a regression of r_t + discount V_{t+1}(s_{t+1}) on states and actions, the last step first.
The Q of an episode is fitted to episodes of the other half, so that both are independent. The
standard error is that of a mean of E independent terms, each episode's influence on the estimate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from natfit.rl.baselines.base import Baseline
from natfit.rl.composites import Composite, count
from natfit.rl.logged import Logged
from natfit.rl.policy import Policy
from natfit.rl.spaces import Box, Discrete, Space

METHODS = ("self_normalised", "importance", "doubly_robust")

#: Most actions over which an expectation is a sum, and number of draws that replace it otherwise.
_MOST_ACTIONS, _DRAWS = 64, 16


@dataclass(frozen=True)
class LoggedEvaluation:
    """The estimate of a policy's mean return from episodes that another policy played.

    Attributes
    ----------
    estimate, standard_error : float
        In the unit of the rewards; the standard error is infinite for one episode.
    effective_episodes : float
        (sum_e w_e)^2 / sum_e w_e^2 with the weights of whole episodes (Kong, 1992).
    n_episodes : int
        Number of episodes E.
    method : str
        The estimator.
    """

    estimate: float
    standard_error: float
    effective_episodes: float
    n_episodes: int
    method: str


def off_policy(
    policy: Policy,
    data: Logged,
    method: str,
    discount: float,
    baseline: Baseline,
    rng: np.random.Generator,
) -> LoggedEvaluation:
    """Return an estimate of the mean return of a policy with its standard error.

    Parameters
    ----------
    policy : Policy
        The policy to evaluate.
    data : Logged
        N rows of E episodes.
    method : str
        One of :data:`METHODS`.
    discount : float
        In [0, 1].
    baseline : Baseline
        The regression that ``doubly_robust`` fits.
    rng : numpy.random.Generator
        For random features, and for actions that are drawn.

    Returns
    -------
    LoggedEvaluation

    Raises
    ------
    ValueError
        If weights overflow, or ``doubly_robust`` has fewer than two episodes.
    """
    features = policy.normalised(data.encoded)
    eta = policy.model.eta(policy.theta, features)
    log_ratio = policy.log_prob(data.actions, eta) - data.behaviour_log_prob
    n = int(data.episode[-1]) + 1
    summed = _table(data, log_ratio, 0.0).cumsum(axis=1)
    with np.errstate(over="ignore", invalid="ignore"):
        if method == "doubly_robust":
            influence = _doubly_robust(policy, data, features, log_ratio, discount, baseline, rng)
        elif method == "importance":
            terms = np.exp(summed) * _table(data, data.rewards, 0.0)
            influence = terms @ discount ** np.arange(terms.shape[1])
        else:
            influence = _self_normalised(summed, _table(data, data.rewards, 0.0), discount)
        estimate = float(influence.mean())
        error = float(influence.std(ddof=1) / np.sqrt(n)) if n > 1 else np.inf
    if not (np.isfinite(estimate) and not np.isnan(error)):
        raise ValueError(
            f"the weights of method={method!r} leave the range of doubles: the policy is too far "
            "from the one that played; use method='self_normalised', or shorter episodes"
        )
    whole = np.exp(summed[:, -1] - summed[:, -1].max())
    effective = float(whole.sum() ** 2 / np.square(whole).sum())
    return LoggedEvaluation(estimate, error, effective, n, method)


def _table(data: Logged, values: np.ndarray, missing: float) -> np.ndarray:
    """Return values (N,) as a table (E, T), with what stands after the end of an episode."""
    table = np.full((int(data.episode[-1]) + 1, int(data.time.max()) + 1), missing)
    table[data.episode, data.time] = values
    return table


def _self_normalised(summed: np.ndarray, rewards: np.ndarray, discount: float) -> np.ndarray:
    """Return E numbers with the mean of the estimate and the variance of their influence."""
    # The common factor of a column cancels.
    weight = np.exp(summed - summed.max(axis=0))
    share = weight / weight.mean(axis=0)
    mean = (share * rewards).mean(axis=0)
    powers = discount ** np.arange(len(mean))
    return mean @ powers + (share * (rewards - mean)) @ powers


def _doubly_robust(
    policy: Policy,
    data: Logged,
    features: np.ndarray,
    log_ratio: np.ndarray,
    discount: float,
    baseline: Baseline,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return X_0 of each episode, (E,), with Q fitted to the other half of the episodes."""
    n = int(data.episode[-1]) + 1
    if n < 2:
        raise ValueError(
            "method='doubly_robust' needs at least 2 episodes, one to fit Q to and one to "
            "evaluate, got 1; use method='importance'"
        )
    actions, choices = _action_features(policy, data.actions), _Choices(policy, rng)
    half = rng.permutation(n) % 2
    side, ratio = half[data.episode], np.exp(log_ratio)
    # Values after the last row of an episode are 0; the rows of an episode follow each other.
    value, robust = np.zeros(len(features) + 1), np.zeros(len(features) + 1)
    follows = np.append(data.episode[1:] == data.episode[:-1], False)
    after = np.where(follows, np.arange(1, len(features) + 1), len(features))
    plain = np.zeros((2, len(features) + 1))
    for t in range(int(data.time.max()), -1, -1):
        rows = np.flatnonzero(data.time == t)
        for fold in (0, 1):
            known, mine = rows[side[rows] != fold], rows[side[rows] == fold]
            fitted = None
            if len(known):
                target = data.rewards[known] + discount * plain[fold, after[known]]
                inputs = np.hstack([features[known], actions[known]])
                fitted = baseline.fit(inputs, target, None, rng)
                plain[fold, known] = choices.mean(baseline, fitted, features[known])
            if len(mine):
                value[mine] = choices.mean(baseline, fitted, features[mine])
                q = baseline.predict(fitted, np.hstack([features[mine], actions[mine]]))
                gain = data.rewards[mine] + discount * robust[after[mine]] - q
                robust[mine] = value[mine] + ratio[mine] * gain
    return robust[np.flatnonzero(data.time == 0)]


def _action_features(policy: Policy, y: np.ndarray) -> np.ndarray:
    """Return actions as columns: units of a Box as they are, indicators of discrete ones."""
    space = policy.action_space
    if isinstance(space, Box):
        return y.reshape(len(y), -1)
    if isinstance(space, Composite):
        ends = np.cumsum([count(leaf) for leaf in space.leaves.values()])[:-1]
        pairs = zip(space.leaves.values(), np.split(y, ends, axis=1), strict=True)
        each = [own if isinstance(leaf, Box) else _indicators(leaf, own) for leaf, own in pairs]
        return np.concatenate(each, axis=1)
    return space.encode(space.decode(y))


def _indicators(leaf: Space, y: np.ndarray) -> np.ndarray:
    """Return indicators of the values of a discrete part, of its columns (n, A)."""
    return leaf.encode(leaf.decode(y[:, 0] if leaf.shape == () else y))


class _Choices:
    """Expectations over the actions of a policy in given states."""

    def __init__(self, policy: Policy, rng: np.random.Generator):
        self.policy, self.rng = policy, rng
        space = policy.action_space
        self.few = isinstance(space, Discrete) and space.n <= _MOST_ACTIONS

    def mean(self, baseline: Baseline, fitted: object, x: np.ndarray) -> np.ndarray:
        """Return E_pi Q(s, a), (n,), of features x (n, D): a sum, or the mean of draws."""
        policy, n = self.policy, len(x)
        eta = policy.model.eta(policy.theta, x)
        eta = np.broadcast_to(eta, (n, eta.shape[1]))
        if self.few:
            p = np.asarray(policy.distribution.native(eta)[0])
            every = range(p.shape[1])
            drawn = [np.full(n, a) for a in every]
        else:
            p = np.full((n, _DRAWS), 1.0 / _DRAWS)
            drawn = [policy.distribution.sample(eta, self.rng) for _ in range(_DRAWS)]
        q = [
            baseline.predict(fitted, np.hstack([x, _action_features(policy, y)]))  # type: ignore[arg-type]
            for y in drawn
        ]
        return np.einsum("nk,kn->n", p, np.array(q))

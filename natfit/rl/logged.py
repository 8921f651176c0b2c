"""Learning from episodes that another policy played: per-decision importance sampling.

Let rho_t = pi(a_t | s_t) / b(a_t | s_t) with the behaviour policy b. Row t of an episode has the
weight rho_0 ... rho_t and the return G_t = r_t + discount rho_{t+1} G_{t+1} (Precup, Sutton and
Singh, 2000, Eligibility traces for off-policy policy evaluation, section 3). How much the data say
about pi is measured by the effective number of episodes, (sum_e w_e)^2 / sum_e w_e^2, where w_e is
the product of all ratios of episode e (Kong, 1992).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from natfit.rl.policy import Policy
from natfit.rl.threads import few_threads
from natfit.rl.training import Plan, State, improved, note_of, step_record

#: Largest logarithm of a weight, so that the sum over rows stays in the range of doubles.
_MOST = 600.0


@dataclass(frozen=True)
class Logged:
    """N rows of E episodes, in time order within each.

    Attributes
    ----------
    encoded : ndarray of shape (N, D)
        Encoded observations.
    actions : ndarray of shape (N,) or (N, A)
        Actions, as values y of the distribution.
    rewards, behaviour_log_prob : ndarray of shape (N,)
        Rewards, and log b(a | s) in nats.
    episode, time : ndarray of int, shape (N,)
        Number of each row's episode, and of the step in it.
    """

    encoded: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    behaviour_log_prob: np.ndarray
    episode: np.ndarray
    time: np.ndarray

    @classmethod
    def of(cls, encoded: Any, actions: Any, rewards: Any, ids: Any, log_prob: Any) -> Logged:
        """Return the rows grouped by episode; their order within an episode is kept."""
        _, number = np.unique(ids, return_inverse=True)
        order = np.argsort(number, kind="stable")
        number = number[order]
        first = np.flatnonzero(np.append(True, number[1:] != number[:-1]))
        time = np.arange(len(number)) - first[number]
        return cls(encoded[order], actions[order], rewards[order], log_prob[order], number, time)

    def _by_time(self) -> list[np.ndarray]:
        """Return the rows of every step, in the order of the episodes."""
        order = np.argsort(self.time, kind="stable")
        return np.split(order, np.cumsum(np.bincount(self.time))[:-1])

    def weighed(self, log_prob: np.ndarray, discount: float) -> Weighed:
        """Return weights and returns of the rows for a policy with log pi(a | s), (N,) in nats."""
        summed = log_prob - self.behaviour_log_prob
        ratio = np.exp(np.minimum(summed, _MOST))
        returns, steps = self.rewards.copy(), self._by_time()
        # The rows of an episode follow each other: row i - 1 is the step before row i.
        for rows in steps[1:]:
            summed[rows] += summed[rows - 1]
        with np.errstate(over="ignore", invalid="ignore"):
            for rows in steps[:0:-1]:
                returns[rows - 1] += discount * ratio[rows] * returns[rows]
        ends = np.append(np.flatnonzero(self.time[1:] == 0), len(self.time) - 1)
        # A common factor cancels, and keeps the weights in the range of doubles.
        whole = np.exp(summed[ends] - summed[ends].max())
        undiscounted = np.bincount(self.episode, self.rewards)
        return Weighed(
            np.exp(np.maximum(summed - summed.max(), -_MOST)),
            returns,
            float(whole.sum() ** 2 / np.square(whole).sum()),
            float(whole @ undiscounted / whole.sum()),
        )


@dataclass(frozen=True)
class Weighed:
    """What the logged rows say about one policy.

    Attributes
    ----------
    weight, returns : ndarray of shape (N,)
        rho_0 ... rho_t up to a common factor, and G_t in the unit of the rewards.
    effective : float
        Effective number of episodes.
    mean_return : float
        Estimate of the policy's mean undiscounted return, with normalised weights.
    """

    weight: np.ndarray
    returns: np.ndarray
    effective: float
    mean_return: float


def learn(plan: Plan, state: State, data: Logged, minimum: float) -> Iterator[State]:
    """Yield the start, and the state after every update while the data say enough of its policy.

    ``record["effective_episodes"]`` is that of the state's own policy. The generator ends before
    it would yield a policy with fewer effective episodes than ``minimum``. It also ends if no step
    is found; the last state is then yielded once more, with a note that says why.

    Yields
    ------
    State
        The start, then one state per update.
    """
    # Gains are returns less a baseline, whatever a rollout would have.
    plan = replace(plan, advantage="reward_to_go")
    features = state.policy.normalised(data.encoded)
    weighed = _weigh(state.policy, features, data, plan.discount)
    record = {"effective_episodes": weighed.effective, "estimated_return": weighed.mean_return}
    state = replace(state, record=record)
    yield state
    while weighed.effective >= minimum:
        rng = np.random.default_rng(state.stream(1))
        with few_threads(state.policy.theta.size):
            baseline = plan.baseline.fit(data.encoded, weighed.returns, state.baseline, rng)
            gain = weighed.returns - plan.baseline.predict(baseline, data.encoded)
            args = plan, state.policy, features, data.actions, gain, rng
            surrogate, start, end = improved(*args, weight=weighed.weight, memory=state.memory)
        policy = state.policy.with_theta(end.theta)
        weighed = _weigh(policy, features, data, plan.discount)
        if end.status is not None:
            note = "; ".join(n for n in (state.note, note_of(end)) if n)
            yield replace(state, note=note, trials=end.trials)
            return
        if weighed.effective < minimum:
            return
        record = {
            "effective_episodes": weighed.effective,
            "estimated_return": weighed.mean_return,
            **step_record(surrogate, start, end),
        }
        state = replace(
            state,
            policy=policy,
            n_iter=state.n_iter + 1,
            baseline=baseline,
            record=record,
            memory=end.memory,
            note=note_of(end),
        )
        yield state


def _weigh(policy: Policy, features: np.ndarray, data: Logged, discount: float) -> Weighed:
    """Return weights and returns of the rows for a policy."""
    eta = policy.model.eta(policy.theta, features)
    return data.weighed(policy.log_prob(data.actions, eta), discount)

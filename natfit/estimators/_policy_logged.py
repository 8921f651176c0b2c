"""Fitting a policy to logged episodes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from natfit._validation import answers_keywords, check_number, check_vector
from natfit.estimators._policy_base import PolicyBase
from natfit.estimators._policy_options import checked_plan, first_state, resumable
from natfit.rl.history import LoggedHistory, kept
from natfit.rl.logged import Logged, learn
from natfit.rl.make import release
from natfit.rl.policy import Policy
from natfit.rl.spaces import Box
from natfit.rl.stopping import TrainingStatus
from natfit.rl.training import Plan, State


class LoggedPolicy(PolicyBase):
    """A policy estimator that can also learn from episodes that another policy played."""

    @answers_keywords
    def fit_logged(
        self,
        observations: Any,
        actions: Any,
        rewards: Any,
        episode_ids: Any,
        behaviour_log_prob: Any,
        *,
        min_effective_episodes: float = 10.0,
    ) -> LoggedPolicy:
        """Train on episodes that another policy played, by importance sampling.

        Training ends after ``max_iter`` updates, or before the data would say too little about the
        next policy. ``env`` only says what the spaces are; nothing is played.

        Parameters
        ----------
        observations : array-like of shape (N, *observation_space.shape)
            The observation on which each action was taken.
        actions : array-like of shape (N, *action_space.shape)
            The actions as they were drawn, not clipped.
        rewards : array-like of shape (N,)
            The reward of each action.
        episode_ids : array-like of shape (N,)
            A number or string for each row, equal for the rows of one episode. The rows of an
            episode must be in the order of time.
        behaviour_log_prob : array-like of shape (N,)
            log b(a | s) of each action, in nats, where b is the policy that took it.
        min_effective_episodes : float, default=10
            Smallest effective number of episodes with which training goes on, >= 1.

        Returns
        -------
        self
            The fitted estimator. ``effective_episodes_`` is the effective number of episodes for
            the final policy; ``history_`` has it for every update, with the estimated return.

        Raises
        ------
        ValueError
            If the data are not valid, for instance if the log-probability of a discrete action is
            above 0, or if the effective number of episodes is below the minimum at the start.
        """
        with self._all_or_nothing():
            minimum = check_number(min_effective_episodes, "min_effective_episodes", low=1.0)
            env = self._made(None if hasattr(self.env, "num_envs") else 1)
            try:
                plan, policy = checked_plan(self, env)
            finally:
                release(env)
            data = _checked(policy, observations, actions, rewards, episode_ids, behaviour_log_prob)
            start = self._logged_start(plan, policy, data)
            states: list[State] = []
            status = TrainingStatus.FEW_EFFECTIVE
            for state in learn(plan, start, data, minimum):
                if not states and state.record["effective_episodes"] < minimum:
                    raise ValueError(
                        "the logged episodes say too little about the first policy: their "
                        f"effective number is {state.record['effective_episodes']:.3g} of "
                        f"{data.episode[-1] + 1}, below min_effective_episodes={minimum:g}; log "
                        "more or shorter episodes, or start from a policy near the one that "
                        "played them (warm_start=True, or start_params)"
                    )
                if states and state.n_iter == states[-1].n_iter:
                    # The same policy, with the trials of the search that failed there.
                    states[-1], status = state, TrainingStatus.NO_STEP
                    break
                states.append(state)
                if state.n_iter - states[0].n_iter >= plan.max_iter:
                    status = TrainingStatus.MAX_ITER
                    break
            self._publish_policy(plan, states[-1], status)
            self._records: list[Any] = []
            self.history_ = LoggedHistory.from_records(
                [s.record for s in states],
                [s.note for s in states],
                states[-1].trials,
                [kept(s.policy.theta) for s in states],
            )
            self.effective_episodes_ = states[-1].record["effective_episodes"]
        return self

    def _logged_start(self, plan: Plan, policy: Policy, data: Logged) -> State:
        """Return the first state, which is the last one of the previous fit for a warm start."""
        before = getattr(self, "_state", None) if self.warm_start else None
        if before is not None:
            # The history begins anew, and with it what failed searches have tried.
            return replace(resumable(self, before, plan, policy).without_episodes(), trials=())
        state = first_state(self, plan, policy)
        if state.normalizer is None:
            return state
        normalizer = state.normalizer.update(data.encoded)
        return replace(
            state, normalizer=normalizer, policy=replace(state.policy, normalizer=normalizer)
        )


def _checked(
    policy: Policy, observations: Any, actions: Any, rewards: Any, ids: Any, log_prob: Any
) -> Logged:
    """Return the five arrays, checked, with one row for each action."""
    encoded = policy.encoded(observations)
    n = len(encoded)
    actions = policy.from_space(actions)
    rewards = check_vector(rewards, "rewards", n)
    log_prob = check_vector(log_prob, "behaviour_log_prob", n)
    if not isinstance(policy.action_space, Box) and log_prob.max(initial=0.0) > 1e-9:
        where = int(np.argmax(log_prob))
        raise ValueError(
            f"behaviour_log_prob must be <= 0 for discrete actions, got {log_prob[where]:g} at row "
            f"{where}; pass logarithms of probabilities"
        )
    ids = np.asarray(ids)
    if ids.dtype.kind not in "iufUSb" or (ids.dtype.kind == "f" and np.isnan(ids).any()):
        raise ValueError(
            f"episode_ids must be numbers or strings, none of them missing, got dtype {ids.dtype}"
        )
    if ids.shape != (n,):
        raise ValueError(
            f"episode_ids must have shape ({n},), one for each observation, got shape {ids.shape}"
        )
    if len(actions) != n or n == 0:
        raise ValueError(
            f"actions must have one row for each of the {n} observations, and at least one, got "
            f"{len(actions)} rows"
        )
    return Logged.of(encoded, actions, rewards, ids, log_prob)

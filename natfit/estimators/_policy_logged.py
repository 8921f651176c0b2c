"""Fitting a policy to logged episodes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from natfit._validation import answers_keywords, check_number, check_option, check_vector
from natfit._warnings import warn
from natfit.estimators._policy_base import PolicyBase
from natfit.estimators._policy_options import checked_plan, first_state, resumable
from natfit.rl.composites import is_real
from natfit.rl.history import LoggedHistory, kept
from natfit.rl.logged import Logged, learn
from natfit.rl.make import release
from natfit.rl.off_policy import METHODS, LoggedEvaluation, off_policy
from natfit.rl.policy import Policy
from natfit.rl.stopping import TrainingStatus
from natfit.rl.training import Plan, State
from natfit.rng import bridge_rng

#: Effective number of episodes below which a warning is given.
_FEW = 10.0

_NEVER = (
    "the behaviour took this action, so that its probability is positive; log the probability "
    "with which the action was drawn"
)


class LoggedPolicy(PolicyBase):
    """A policy estimator that can also learn from episodes that another policy played."""

    @answers_keywords
    def fit_logged(
        self,
        observations: Any,
        actions: Any,
        rewards: Any,
        episode_ids: Any,
        behaviour_log_prob: Any = None,
        *,
        behaviour_prob: Any = None,
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
        behaviour_prob : array-like of shape (N,)
            Its propensities b(a | s) > 0 themselves (densities of real actions), which may be
            passed instead.
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
            plan, policy = self._planned()
            log_prob = _log_prob(behaviour_log_prob, behaviour_prob)
            data = _checked(policy, observations, actions, rewards, episode_ids, log_prob)
            start = self._logged_start(plan, policy, data)
            states, status = _learned(plan, start, data, minimum)
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

    @answers_keywords
    def evaluate_logged(
        self,
        observations: Any,
        actions: Any,
        rewards: Any,
        episode_ids: Any,
        behaviour_log_prob: Any = None,
        *,
        behaviour_prob: Any = None,
        method: str = "self_normalised",
        discount: float = 1.0,
        random_state: Any = None,
    ) -> LoggedEvaluation:
        """Estimate the mean return of the fitted policy from episodes that another one played.

        Log other episodes than those that the policy was fitted to: on the latter the estimate is
        too good. :mod:`natfit.rl.off_policy` has the formulas.

        Parameters
        ----------
        observations, actions, rewards, episode_ids, behaviour_log_prob, behaviour_prob
            As in :meth:`fit_logged`.
        method : {"self_normalised", "importance", "doubly_robust"}, default="self_normalised"
            Per-decision importance sampling with normalised weights, without, or with a Q that
            the ``baseline`` of the estimator fits by halves of the episodes.
        discount : float, default=1.0
            The factor by which a reward counts less for each step, in [0, 1]; 1 gives the return
            that :meth:`evaluate` measures, for episodes as long as the logged ones.
        random_state : None, int, RandomState or Generator
            For the halves and the random features of ``doubly_robust``.

        Returns
        -------
        LoggedEvaluation
            ``estimate``, ``standard_error``, ``effective_episodes``, ``n_episodes``.

        Raises
        ------
        NotFittedError
            Before a fit.
        ValueError
            If the data are not valid, as in :meth:`fit_logged`, or the weights leave the range of
            doubles.
        """
        check_is_fitted(self, "policy_")
        check_option(method, "method", METHODS)
        discount = check_number(discount, "discount", low=0.0, high=1.0, hint="1.0")
        log_prob = _log_prob(behaviour_log_prob, behaviour_prob)
        data = _checked(self.policy_, observations, actions, rewards, episode_ids, log_prob)
        options, rng = self.baseline_.options, bridge_rng(random_state)
        found = off_policy(self.policy_, data, method, discount, options, rng)
        if found.effective_episodes < _FEW and found.n_episodes > 1:
            warn(
                f"the effective number of episodes is {found.effective_episodes:.3g} of "
                f"{found.n_episodes}: a few of them decide, and the standard error may be too "
                "small; log more or shorter episodes, or episodes of a policy nearer to this one",
                RuntimeWarning,
            )
        return found

    def _planned(self) -> tuple[Plan, Policy]:
        """Return the checked options and a policy without parameters; nothing is played."""
        env = self._made(None if hasattr(self.env, "num_envs") else 1)
        try:
            return checked_plan(self, env)
        finally:
            release(env)

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


def _log_prob(log_prob: Any, prob: Any) -> Any:
    """Return the log-probabilities of the behaviour from what was passed of the two."""
    if (log_prob is None) == (prob is None):
        raise ValueError(
            "pass either behaviour_log_prob, log b(a | s) of each action, or behaviour_prob, "
            f"b(a | s) itself, got {'neither' if prob is None else 'both'}"
        )
    if prob is None:
        return log_prob
    prob = check_vector(prob, "behaviour_prob")
    if not np.all(prob > 0):
        where = int(np.argmin(prob))
        raise ValueError(
            f"behaviour_prob must be > 0, got {prob[where]:g} at row {where}: {_NEVER}"
        )
    return np.log(prob)


def _check_log_prob(value: Any, n: int, discrete: bool) -> np.ndarray:
    """Return log-probabilities of actions that were taken, (n,)."""
    try:
        least = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        least = np.empty(0)
    if np.any(least == -np.inf):
        where = int(np.flatnonzero(least.ravel() == -np.inf)[0])
        raise ValueError(
            f"behaviour_log_prob must be finite, got -inf at row {where}, which is a propensity of "
            f"0: {_NEVER}"
        )
    log_prob = check_vector(value, "behaviour_log_prob", n)
    if discrete and log_prob.max(initial=0.0) > 1e-9:
        where = int(np.argmax(log_prob))
        raise ValueError(
            f"behaviour_log_prob must be <= 0 for discrete actions, got {log_prob[where]:g} at row "
            f"{where}; pass logarithms of probabilities, or probabilities as behaviour_prob"
        )
    return log_prob


def _learned(
    plan: Plan, start: State, data: Logged, minimum: float
) -> tuple[list[State], TrainingStatus]:
    """Return the states of a fit to logged episodes, the start first, and why it ended.

    Returns
    -------
    states : list of State
    status : TrainingStatus

    Raises
    ------
    ValueError
        If the episodes say too little about the first policy.
    """
    states: list[State] = []
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
            return [*states[:-1], state], TrainingStatus.NO_STEP
        states.append(state)
        if state.n_iter - states[0].n_iter >= plan.max_iter:
            return states, TrainingStatus.MAX_ITER
    return states, TrainingStatus.FEW_EFFECTIVE


def _checked(
    policy: Policy, observations: Any, actions: Any, rewards: Any, ids: Any, log_prob: Any
) -> Logged:
    """Return the five arrays, checked, with one row for each action."""
    if np.ndim(observations) and len(observations) == 0:
        raise ValueError(
            "observations must have at least one logged row, got none; log some episodes"
        )
    encoded = policy.encoded(observations)
    n = len(encoded)
    actions = policy.from_space(actions)
    rewards = check_vector(rewards, "rewards", n)
    log_prob = _check_log_prob(log_prob, n, not is_real(policy.action_space))
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

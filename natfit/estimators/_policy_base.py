"""The methods of a trained policy: it acts, it is scored, and it is stored."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from natfit._component import Component, available, resolve
from natfit._validation import answers_keywords, check_bool, check_number
from natfit.estimators._policy_environments import PlaysEpisodes
from natfit.estimators._policy_presets import default_solver
from natfit.estimators._policy_values import PolicyValues
from natfit.rl.baselines import Baseline
from natfit.rl.composites import is_real, taken
from natfit.rl.environments.base import Environment
from natfit.rl.evaluation import Evaluation, check_spaces, evaluate, seeds_of
from natfit.rl.history import PolicyHistory
from natfit.rl.make import release
from natfit.rl.masks import allows
from natfit.rl.policy import Policy
from natfit.rl.stopping import TrainingStatus
from natfit.rl.training import Plan, State
from natfit.rl.values import FittedBaseline
from natfit.rng import bridge_rng

#: Number of episodes of a score without seeds.
_EPISODES = 20


def attributes_of(plan: Plan, state: State, status: TrainingStatus) -> dict[str, Any]:
    """Return the fitted attributes of a policy after an update, by name."""
    played = state.env_steps > 0
    message = (
        f"{status.value}: training ended after {state.n_iter} updates"
        + (f", {state.env_steps} steps and {state.n_episodes} episodes" if played else "")
        + f"; {status.remedy}"
    )
    return {
        "policy_": state.policy,
        "theta_": state.policy.theta,
        "metric_": plan.engine.metric,
        "solver_": plan.engine.solver,
        "step_": plan.engine.step,
        "damping_": plan.engine.damping,
        "baseline_": FittedBaseline.of(plan.baseline, state),
        "n_features_in_": state.policy.observation_space.width,
        "n_iter_": state.n_iter,
        "n_env_steps_": state.env_steps,
        "status_": status,
        "message_": message,
    }


def _has_probabilities(estimator: Any) -> bool:
    """Return True if actions are discrete or the estimator is not fitted; raise otherwise."""
    policy = getattr(estimator, "policy_", None)
    if policy is None or not is_real(policy.action_space):
        return True
    raise AttributeError(
        "predict_proba needs a discrete action space, but this policy acts in "
        f"{policy.action_space}; log_prob returns the log-densities of real actions"
    )


class PolicyBase(PolicyValues, PlaysEpisodes):
    """Base of policy estimators: methods that act, score and store."""

    solver: Any
    policy_: Policy
    history_: PolicyHistory

    def _kinds(self) -> dict[str, type[Component]]:
        return {**super()._kinds(), "baseline": Baseline}

    def set_params(self, **params: Any) -> PolicyBase:
        """Set parameters; ``solver__...`` and ``env__...`` reach a default and a named object."""
        if self.solver is None and any(k.startswith("solver__") for k in params):
            self.solver = default_solver()
        named = isinstance(self.env, str) and self.env in available(Environment)
        if named and any(k.startswith("env__") for k in params):
            self.env = resolve(self.env, Environment)
        return super().set_params(**params)

    # ------------------------------------------------------------------------------ acting

    @answers_keywords
    def predict(self, observations: Any, action_masks: Any = None) -> np.ndarray:
        """Return the most probable action for each observation, as values of the action space.

        Parameters
        ----------
        observations : array-like of shape (n, *observation_space.shape)
            Values of the observation space. One of them without the axis n gives one action, and
            so it does in all methods that take observations.
        action_masks : array-like of shape (n, M), optional
            For discrete actions, a 1 for each value that may be taken, else 0: n values for
            Discrete, those of all elements side by side for MultiDiscrete, two for each element of
            MultiBinary. :meth:`predict_proba`, :meth:`sample` and :meth:`log_prob` take it too.

        Returns
        -------
        ndarray of shape (n, *action_space.shape)

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        ValueError
            If the observations have another shape or are not finite.
        """
        policy, encoded, rows = self._encoded(observations)
        mask = self._masks(action_masks, len(encoded), rows)
        return taken(policy.to_space(policy.greedy(encoded, mask)), rows)

    @available_if(_has_probabilities)
    def predict_proba(self, observations: Any, action_masks: Any = None) -> np.ndarray:
        """Return the probability of every action for each observation.

        For Discrete actions the shape is (n, n_actions). For MultiDiscrete the classes of all
        elements stand side by side, (n, sum of nvec). For MultiBinary these are the probabilities
        of a 1, (n, A).

        Returns
        -------
        ndarray of shape (n, classes)
            Probabilities in [0, 1].
        """
        policy, encoded, rows = self._encoded(observations)
        mask = self._masks(action_masks, len(encoded), rows)
        native = policy.distribution.native(policy.eta(encoded, mask))
        p = np.concatenate([part.reshape(len(part), -1) for part in native], axis=1)
        return (p if len(p) == len(encoded) else np.repeat(p, len(encoded), axis=0))[rows]

    @answers_keywords
    def sample(
        self, observations: Any, random_state: Any = None, action_masks: Any = None
    ) -> np.ndarray:
        """Return an action drawn for each observation, a value of the action space (n, *shape)."""
        policy, encoded, rows = self._encoded(observations)
        mask = self._masks(action_masks, len(encoded), rows)
        drawn = policy.act(encoded, bridge_rng(random_state), mask)
        return taken(policy.to_space(drawn), rows)

    @answers_keywords
    def log_prob(self, observations: Any, actions: Any, action_masks: Any = None) -> np.ndarray:
        """Return log pi(a | s) of each row; real actions are taken as not clipped.

        Returns
        -------
        ndarray of shape (n,)
            In nats; -inf for an action that a mask does not allow.

        Raises
        ------
        ValueError
            If actions or masks are not valid, or there is not one for each observation.
        """
        policy, encoded, rows = self._encoded(observations)
        y = self._actions(actions, len(encoded), rows)
        mask = self._masks(action_masks, len(encoded), rows)
        found = policy.log_prob(y, policy.eta(encoded, mask))
        if mask is not None:
            found = np.where(allows(policy.action_space, mask, y), found, -np.inf)
        return found[rows]

    def _publish_policy(self, plan: Any, state: Any, status: TrainingStatus) -> None:
        """Set the fitted attributes that fits in an environment and to logged data share."""
        for name, value in attributes_of(plan, state, status).items():
            setattr(self, name, value)
        self._settle(state)

    # ----------------------------------------------------------------------------- scoring

    @answers_keywords
    def evaluate(
        self,
        n_episodes: int = _EPISODES,
        *,
        seeds: Any = None,
        greedy: bool = True,
        random_state: Any = None,
        env: Any = None,
    ) -> Evaluation:
        """Play whole episodes; return their undiscounted returns with a standard error.

        Parameters
        ----------
        n_episodes : int, default=20
            Number of episodes if no seeds are given.
        seeds : array-like of int, optional
            Seeds, from each of which one episode starts.
        greedy : bool, default=True
            Whether to take the most probable action instead of drawing one.
        random_state : None, int, RandomState or Generator
            Draws the seeds if none are given; None means the seeds 0, 1, 2, ...
        env : str, Environment, environment of Gymnasium's form, or callable, optional
            Another environment to play in, as in the constructor; by default that of the
            estimator. What natfit makes of it is closed afterwards.

        Returns
        -------
        Evaluation
            The return and the length of each episode.

        Raises
        ------
        ValueError
            If an argument is not valid, or ``env`` has other spaces than the policy.
        """
        check_is_fitted(self, "policy_")
        check_bool(greedy, "greedy")
        n = int(check_number(n_episodes, "n_episodes", low=1, integer=True))
        if seeds is not None:
            seeds = seeds_of(seeds, "seeds")
        elif random_state is None:
            seeds = np.arange(n)
        else:
            seeds = bridge_rng(random_state).integers(2**31, size=n)
        return self._evaluated(seeds, greedy, env)

    def _evaluated(self, seeds: np.ndarray, greedy: bool, env: Any = None) -> Evaluation:
        """Return the episodes from these seeds, in another ``env`` than the training's if given."""
        episodes, shared = self._evaluation_environment(len(seeds), env)
        try:
            check_spaces(self.policy_, episodes)
            return evaluate(
                episodes,
                self.policy_,
                seeds.tolist(),
                greedy=greedy,
                longest=int(self.max_episode_steps),
                n_jobs=self.n_jobs,
            )
        finally:
            if shared:
                # The training plays its episodes on the same object.
                self._state = self._state.without_episodes()
            release(episodes)

    @answers_keywords
    def score(self, X: Any = None, y: Any = None) -> float:
        """Return the mean undiscounted return of one greedy episode from each seed in X.

        The greedy policy takes the most probable action. Without X the seeds are 0, ..., 19.

        Returns
        -------
        float
            The mean return in the unit of the rewards; higher is better.
        """
        return self.evaluate(seeds=None if X is None else seeds_of(X)).mean

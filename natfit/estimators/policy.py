"""Policies trained by policy gradients: REINFORCE, the natural gradient, TRPO."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.callback import with_callbacks

from natfit._validation import answers_keywords, check_bool
from natfit.estimators._policy_base import attributes_of
from natfit.estimators._policy_demonstrations import DemonstratedPolicy
from natfit.estimators._policy_environments import released_on_error
from natfit.estimators._policy_options import (
    checked_plan,
    first_state,
    resumable,
)
from natfit.estimators._policy_presets import PRESETS
from natfit.rl.evaluation import seeds_of
from natfit.rl.history import PolicyHistory, kept
from natfit.rl.make import release
from natfit.rl.stopping import TrainingStatus
from natfit.rl.training import RECENT, Plan, State, train


class NaturalPolicyEstimator(DemonstratedPolicy):
    """Train a policy pi(a | s) = p(a | eta(theta, s)) by natural policy gradients.

    Each update rolls out the policy, estimates advantages, and takes one step of the engine on
    the importance-ratio surrogate ``-mean(rho A)``: gradient, metric, solver and step are the
    ones of maximum likelihood. With ``metric="euclidean"`` this is REINFORCE, with the Fisher
    metric over visited states the natural policy gradient (Kakade, 2002), with
    ``step="trust_region"`` TRPO (Schulman et al., 2015), the default. :meth:`preset` names them.

    Parameters
    ----------
    env : str, Environment, environment of Gymnasium's form, or callable
        The name of a built-in environment, such as ``"cartpole"``, a Gymnasium id, an environment
        or vector environment, a callable that makes one, or any object with ``reset(seed=)`` and
        ``step(action)``. Ids whose dynamics are built in do not need Gymnasium.
    policy : str or Model, default="mlp"
        The model of the policy: ``linear``, ``mlp``, ``constant``, or an object such as
        ``MLP(hidden=(64, 64))``, or ``Predictor(fun, start)`` with a user-supplied function that
        is written in ``autograd.numpy``.
    env_kwargs : dict, optional
        Keyword arguments for the environment that natfit makes from a name, an id, a class or
        another callable.
    metric, solver, step, damping
        As in :class:`NaturalMLE`. The defaults are ``exact``, at most 10 products of conjugate
        gradients (None), ``trust_region``, and 1e-2 times the identity (``fixed``).
    distribution : str, Distribution or natfit.rl.Squashed, optional
        The distribution of actions; by default the one that fits the action space. For a Box also
        ``beta`` and ``squashed_normal`` (both limits), ``dirichlet`` (shares), and every family on
        the real line with a location and a mode.
    advantage : {"gae", "reward_to_go", "total_return", "enac", "lstd_q"}, default="gae"
        How much better an action turned out than the baseline: by the generalised advantage
        estimate, from the return after the step, from the return of the whole episode, or psi' w
        with the scores psi, by regressing the returns of episodes on them (``enac``) or by LSTD-Q
        with ``gae_lambda`` and the features of the baseline.
    baseline : str or Baseline, default="fourier"
        The estimate of the return that a state promises: ``none``, ``constant``, ``quadratic``,
        ``fourier`` or ``mlp``.
    discount : float, default=0.99
        The factor by which a reward counts less for each step that it lies ahead, in [0, 1].
    gae_lambda : float, default=0.95
        The factor by which the generalised advantage estimate weighs later errors of the
        baseline, in [0, 1]; 1 uses the whole return.
    normalize_advantage : bool, default=True
        Whether advantages are standardised in each batch.
    normalize_observations : bool, default=True
        Whether observations are standardised by their running mean and standard deviation.
    entropy_bonus : float, default=0.0
        The advantage that one nat of the policy's entropy is worth, >= 0; 0 for a squashed one.
    batch_size : int, default=1024
        Number of steps, or of episodes, per update.
    batch_unit : {"steps", "episodes"}, default="steps"
        The unit of ``batch_size``. With ``episodes``, new episodes begin at every update.
    n_envs : int, optional
        Number of episodes that are played side by side; by default 8, or that of a vector
        environment.
    objective : {"surrogate", "clipped"}, default="surrogate"
        What an update improves: the mean of rho A, or PPO's, which gains nothing from ratios rho
        outside of [1 - clip_range, 1 + clip_range].
    clip_range : float, default=0.2
        The range of the clipped objective, in (0, 1).
    n_epochs : int, default=1
        How often an update goes over its batch, >= 1.
    minibatch_size : int, optional
        Number of rows of one step of an update; None takes the whole batch.
    target_kl : float, optional
        Mean divergence KL(old || new) in nats: an update of several steps ends before the step on
        whose minibatch it is estimated, as the mean of rho - 1 - log rho, to exceed 1.5 times this.
    max_iter : int, default=100
        Maximum number of updates, including those before a warm start.
    max_env_steps : int, optional
        Maximum number of steps in the environment, including those before a warm start. An update
        that would exceed it is not begun; an update of whole episodes is finished once it has
        begun.
    target_return : float, optional
        Training stops when the mean return of the last 20 episodes reaches this number.
    max_episode_steps : int, default=10000
        Number of steps after which an episode is taken for one that never ends, which is an
        error.
    info_keys : sequence of str, default=()
        Keys of ``info``, such as ``("is_success",)``, whose numbers at the ends of episodes are
        averaged in the history.
    start_params : dict or "paper", optional
        Native parameters of the first policy by name, in the unit of the actions; by default the
        middle of the action space. ``"paper"`` is the start that the environment declares
        (``drift``: mean 10, deviation 14), which ``std_bounds`` do not exclude.
    start_theta : ndarray of shape (P,) or Policy, optional
        Weights of the first policy, in the order of ``theta_``; or another policy of the same
        kind, ``policy_`` of a fit, whose normaliser of observations is taken as well.
    init_std : float or array-like of the shape of an action, default=1.0
        First standard deviation of real actions: in units of half the width of the elements with
        two limits, and the unit itself of the others.
    std_bounds : (low, high), default=(1e-3, 10.0)
        Limits of the standard deviations in these units, also in native coordinates.
    state_dependent_std : bool, default=False
        Whether the standard deviations of real actions depend on the observation, as their means.
        A smooth curve of their logarithm then keeps them inside ``std_bounds``.
    warm_start : bool, default=False
        Whether to go on from the previous fit, bit for bit as if it had not stopped. If True, the
        environments that natfit made stay open after a fit, until :meth:`close`.
    random_state : None, int, RandomState or Generator
        Seed of all that is random. It is read once per fit, and not again by a warm start.
    n_jobs : int, optional
        Number of processes for environments that are stepped one by one, which are used after the
        first update if that saves time; results do not depend on it.

    Attributes
    ----------
    theta_ : ndarray of shape (P,)
    policy_ : Policy
        The policy after the last update: model, distribution, normaliser and theta.
    baseline_, metric_, solver_, step_, damping_
        The components that were used.
    history_ : PolicyHistory
        Columns of numbers, one row per update.
    status_ : TrainingStatus
        ``max_iter``, ``max_env_steps``, ``target_return``, ``stopped_by_callback``,
        ``interrupted``; after :meth:`fit_logged` also ``few_effective`` or ``no_step``.
    message_ : str
        The status in words.
    n_iter_, n_env_steps_ : int
        Number of updates, and of steps in the environment.

    Examples
    --------
    >>> from natfit import NaturalPolicyEstimator
    >>> agent = NaturalPolicyEstimator("cartpole", max_iter=2, random_state=0).fit()
    >>> agent.predict([[0.0, 0.0, 0.1, 0.0]]).shape
    (1,)
    """

    def __init__(
        self,
        env: Any = "CartPole-v1",
        policy: Any = "mlp",
        *,
        env_kwargs: dict | None = None,
        metric: Any = "exact",
        solver: Any = None,
        step: Any = "trust_region",
        damping: Any = "fixed",
        distribution: Any = None,
        advantage: str = "gae",
        baseline: Any = "fourier",
        discount: float = 0.99,
        gae_lambda: float = 0.95,
        normalize_advantage: bool = True,
        normalize_observations: bool = True,
        entropy_bonus: float = 0.0,
        batch_size: int = 1024,
        batch_unit: str = "steps",
        n_envs: int | None = None,
        objective: str = "surrogate",
        clip_range: float = 0.2,
        n_epochs: int = 1,
        minibatch_size: int | None = None,
        target_kl: float | None = None,
        max_iter: int = 100,
        max_env_steps: int | None = None,
        target_return: float | None = None,
        max_episode_steps: int = 10_000,
        info_keys: Any = (),
        start_params: dict | None = None,
        start_theta: Any = None,
        init_std: float = 1.0,
        std_bounds: tuple[float, float] = (1e-3, 10.0),
        state_dependent_std: bool = False,
        warm_start: bool = False,
        random_state: Any = None,
        n_jobs: int | None = None,
    ):
        self.env = env
        self.policy = policy
        self.env_kwargs = env_kwargs
        self.metric = metric
        self.solver = solver
        self.step = step
        self.damping = damping
        self.distribution = distribution
        self.advantage = advantage
        self.baseline = baseline
        self.discount = discount
        self.gae_lambda = gae_lambda
        self.normalize_advantage = normalize_advantage
        self.normalize_observations = normalize_observations
        self.entropy_bonus = entropy_bonus
        self.batch_size = batch_size
        self.batch_unit = batch_unit
        self.n_envs = n_envs
        self.objective = objective
        self.clip_range = clip_range
        self.n_epochs = n_epochs
        self.minibatch_size = minibatch_size
        self.target_kl = target_kl
        self.max_iter = max_iter
        self.max_env_steps = max_env_steps
        self.target_return = target_return
        self.max_episode_steps = max_episode_steps
        self.info_keys = info_keys
        self.start_params = start_params
        self.start_theta = start_theta
        self.init_std = init_std
        self.std_bounds = std_bounds
        self.state_dependent_std = state_dependent_std
        self.warm_start = warm_start
        self.random_state = random_state
        self.n_jobs = n_jobs

    @classmethod
    def preset(
        cls, name: str, env: Any = "CartPole-v1", policy: Any = "mlp", **options: Any
    ) -> NaturalPolicyEstimator:
        """Return an estimator with the options of a named method; ``options`` replace them.

        ``reinforce`` (Williams, 1992) has the Euclidean metric, a fixed step, returns from each
        step on, and a constant baseline. ``npg`` (Kakade, 2002) has the Fisher metric and steps of
        fixed KL length. ``nac`` (Peters and Schaal, 2008) takes their direction from a regression
        on the scores. ``trpo`` (Schulman et al., 2015) has the Fisher metric, conjugate gradients
        and a trust region. ``wasserstein`` (Zhang et al., 2018) has the same with the Wasserstein
        metric, for real actions: its radius limits how far actions move, whatever their spread.
        ``ppo`` (Schulman et al., 2017) has the clipped objective and ten epochs of Adam's steps on
        minibatches.

        Returns
        -------
        NaturalPolicyEstimator
            The estimator, not fitted.

        Raises
        ------
        ValueError
            If there is no such preset.
        """
        if name not in PRESETS:
            raise ValueError(f"preset must be one of {sorted(PRESETS)}, got {name!r}")
        return cls(env, policy, **{**PRESETS[name](), **options})

    @answers_keywords
    @with_callbacks
    def fit(self, X: Any = None, y: Any = None) -> NaturalPolicyEstimator:
        """Train the policy.

        Parameters
        ----------
        X : array-like of int, shape (n,) or (n, 1), optional
            Seeds from which the episodes start in turn; by default seeds from ``random_state``.
        y : None
            Ignored.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If options or seeds cannot be used; the estimator stays as it was before.
        EnvironmentFailure
            If the environment fails. The estimator keeps the last complete update, as after
            Ctrl-C, and a warm start goes on from it with new episodes.
        """
        with self._all_or_nothing():
            plan, state, records = self._prepared(X)
            # ProgressBar needs this number; max_env_steps or target_return may end the fit earlier.
            with released_on_error(state.env):
                most = plan.max_iter - state.n_iter
                context = self._init_callback_context(max_subtasks=most)
                context.call_on_fit_task_begin(estimator=self, X=X, y=y, metadata=None)
            hook = self._iteration_hook(
                context, X, y, None, lambda s: self._preview(plan, s, records)
            )
        updates, done = train(plan, state), len(records)
        try:
            status = self._caps(plan, state)
            if hook is not None and hook(state, status is not None) and status is None:
                status = TrainingStatus.STOPPED_BY_CALLBACK
            while status is None:
                state = next(updates)
                records.append((state.record, state.note, kept(state.policy.theta)))
                status = self._caps(plan, state)
                if hook is not None and hook(state, status is not None) and status is None:
                    status = TrainingStatus.STOPPED_BY_CALLBACK
        except BaseException:
            # The state of an interrupted environment is not known, so that its episodes begin anew.
            release(state.env)
            if len(records) > done:
                self._publish(plan, state.without_episodes(), records, TrainingStatus.INTERRUPTED)
            elif self.warm_start and hasattr(self, "_state"):
                self._state = self._state.without_episodes()
            raise
        self._publish(plan, state, records, status)
        context.call_on_fit_task_end(
            estimator=self,
            X=X,
            y=y,
            metadata=None,
            reconstruction_attributes=lambda: {},
        )
        return self

    def _prepared(self, X: Any) -> tuple:
        """Return the plan, the state and the records with which to start or to go on."""
        check_bool(self.warm_start, "warm_start")
        # What cannot be stored after the training is refused before it.
        self._as_played()
        seeds = None if X is None else seeds_of(X)
        before: State | None = getattr(self, "_state", None) if self.warm_start else None
        kept = None if before is None else self._kept_environment(seeds)
        env = self._training_environment() if kept is None else kept
        mine = before is not None and env is before.env
        # After a wrong option, the episodes of the fit before still run.
        with nullcontext() if mine else released_on_error(env):
            plan, policy = checked_plan(self, env)
            if before is None:
                state, records = first_state(self, plan, policy), []
            else:
                state, records = resumable(self, before, plan, policy), list(self._records)
            if kept is not None:
                return plan, replace(state, env=kept), records
            if seeds is not None and not env.can_seed:
                raise ValueError(
                    "X must be None, because it holds seeds and the vector environment "
                    f"{env.name!r} cannot start an episode from a seed; call fit() without X, or "
                    "pass the environment's id or a callable that makes single environments as env"
                )
            env.plan = None if seeds is None else [_turn(seeds, e, env.n) for e in range(env.n)]
        return plan, replace(state.without_episodes(), env=env, seeds=seeds), records

    def _preview(self, plan: Plan, state: State, records: list) -> dict:
        """Return the attributes of an estimator as if the fit had stopped here."""
        status = self._caps(plan, state) or TrainingStatus.STOPPED_BY_CALLBACK
        return {
            **attributes_of(plan, state, status),
            "history_": _history(state, records),
            "_state": state,
            "_records": list(records),
            "_played": self._as_played(),
        }

    def _caps(self, plan: Plan, state: State) -> TrainingStatus | None:
        """Return the status with which to stop before the next update, or None to go on."""
        recent = state.recent
        if plan.target is not None and len(recent) == RECENT and np.mean(recent) >= plan.target:
            return TrainingStatus.TARGET_RETURN
        if plan.most_steps is not None and state.env is not None:
            n = state.env.n
            # The length of whole episodes is not known beforehand, so that they are finished.
            ahead = 1 if plan.whole_episodes else -(-plan.batch_size // n) * n
            if state.env_steps + ahead > plan.most_steps:
                return TrainingStatus.MAX_ENV_STEPS
        return TrainingStatus.MAX_ITER if state.n_iter >= plan.max_iter else None

    def _publish(self, plan: Plan, state: State, records: list, status: TrainingStatus) -> None:
        """Set all fitted attributes together."""
        self._records, self.history_ = records, _history(state, records)
        self._publish_policy(plan, state, status)


def _history(state: State, records: list) -> PolicyHistory:
    """The history of the updates so far, with the last search that failed."""
    return PolicyHistory.from_records(
        [r for r, _, _ in records],
        [n for _, n, _ in records],
        state.trials,
        [t for *_, t in records],
    )


def _turn(seeds: np.ndarray, row: int, n: int) -> list[int]:
    """Return the seeds that a row takes in turn."""
    return seeds[row::n].tolist() or [int(seeds[row % len(seeds)])]

"""Training: roll out, estimate advantages, take one step of the engine, fit the baseline.

Training is a generator of frozen states: its consumer decides when to stop, and can continue from
the last state alone. Update k draws from random streams seeded by (root, k). It is therefore a
function of the state before it, whatever was interrupted and wherever it runs.
"""

from __future__ import annotations

import pickle
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from natfit._warnings import warn
from natfit.iterate import Trial
from natfit.objectives import ClippedSurrogate, Likelihood, PolicySurrogate
from natfit.optimize import Engine, Iterate, advance
from natfit.rl._checks import EnvironmentFailure
from natfit.rl.advantages import gae, standardised
from natfit.rl.baselines import Baseline
from natfit.rl.compatible import COMPATIBLE, compatible_advantage
from natfit.rl.epochs import go_over
from natfit.rl.infos import means_of
from natfit.rl.normalizer import RunningNormalizer
from natfit.rl.policy import Policy
from natfit.rl.rollout import Rollout, begin, check_length, jobs_worth, rollout
from natfit.rl.threads import few_threads
from natfit.rl.vector import VectorEnvironment
from natfit.rows import Memory

#: Largest reward or observation, so that sums of squares stay in the range of doubles.
_MOST = 1e120

#: Number of recent episodes whose mean return is compared with the target.
RECENT = 20

# The random streams of one update: the policy's actions, the update, the starts of new episodes.
_ACTIONS, _UPDATE, _STARTS = range(3)


@dataclass(frozen=True)
class Plan:
    """What does not change during a training."""

    engine: Engine
    baseline: Baseline
    advantage: str
    discount: float
    gae_lambda: float
    batch_size: int
    whole_episodes: bool
    normalize_advantage: bool
    normalize_observations: bool
    entropy_bonus: float
    max_episode_steps: int
    limits: tuple[np.ndarray, np.ndarray]
    n_jobs: int | None
    max_iter: int
    most_steps: int | None
    target: float | None
    #: c of the clipped objective; None for the plain one.
    clip: float | None = None
    n_epochs: int = 1
    minibatch_size: int | None = None
    target_kl: float | None = None
    info_keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class Paused:
    """Running episodes of an environment that was closed; nothing is open."""

    n: int
    at: tuple[int, int] | None
    stored: bytes

    def opened(self) -> VectorEnvironment | None:
        """Return the environment with its running episodes, None if it cannot be made again."""
        try:
            return pickle.loads(self.stored)
        except Exception:
            return None


@dataclass(frozen=True)
class State:
    """Everything that one update leaves to the next."""

    policy: Policy
    root: int
    env: VectorEnvironment | Paused | None = None
    seeds: np.ndarray | None = None
    n_iter: int = 0
    env_steps: int = 0
    n_episodes: int = 0
    normalizer: RunningNormalizer | None = None
    baseline: Any = None
    observation: np.ndarray | None = None
    running: np.ndarray | None = None
    recent: tuple[float, ...] = ()
    record: dict[str, float] = field(default_factory=dict)
    damping: float | None = None
    #: What the step rule keeps for its next step.
    memory: Any = None
    note: str = ""
    #: Of the last update that found no step.
    trials: tuple[Trial, ...] = ()

    def without_episodes(self) -> State:
        """Return the state without its episodes, so that new ones begin."""
        return replace(self, env=None, observation=None, running=None)

    @property
    def runs(self) -> bool:
        """Whether its episodes are where this state left them, so that they can be gone on with."""
        return self.env is not None and self.env.at == (self.root, self.n_iter)

    def settled(self) -> State:
        """Return the state, without its episodes if they were played on since."""
        return self if self.runs else self.without_episodes()

    def paused(self) -> State:
        """Return the state with episodes that natfit made as bytes, so that they can be closed.

        Where they cannot be pickled, new episodes will begin.

        Returns
        -------
        State
            The same, or this state if users made the environment.
        """
        if not self.runs:
            return self.without_episodes()
        if not (isinstance(self.env, VectorEnvironment) and self.env.made_here):
            return self
        if not self.env.keeps_episodes:
            return self.without_episodes()
        try:
            return replace(self, env=Paused(self.env.n, self.env.at, pickle.dumps(self.env)))
        except Exception:
            return self.without_episodes()

    def stream(self, purpose: int) -> tuple[int, ...]:
        """Return the seed of a generator for one purpose of the next update."""
        return (self.root, self.n_iter, purpose)


def train(plan: Plan, state: State) -> Iterator[State]:
    """Yield the state after every update, without end.

    A state without observations begins new episodes.

    Yields
    ------
    State
        One per update.
    """
    while True:
        with few_threads(state.policy.theta.size):
            state = _update(plan, state)
        yield state


def _update(plan: Plan, state: State) -> State:
    started = time.perf_counter()
    state, batch, gained, running = _rollout(plan, state)
    rolled = time.perf_counter()
    rng = np.random.default_rng(state.stream(_UPDATE))
    gain, target, value = _advantages(plan, state, batch)
    keep = batch.valid.ravel()
    rows = batch.observation.reshape(len(keep), -1)
    actions = batch.action.reshape(-1, *batch.action.shape[2:])
    mask = None if batch.mask is None else batch.mask.reshape(len(rows), -1)
    if not keep.all():
        rows, actions, mask = rows[keep], actions[keep], None if mask is None else mask[keep]
        gain, target, value = gain[keep], target[keep], value[keep]
    policy, seen = state.policy.with_masks(state.policy.normalised(rows), mask)
    surrogate, start, end = improved(
        plan, policy, seen, actions, gain, rng, state.damping, memory=state.memory
    )
    baseline = plan.baseline.fit(rows, target, state.baseline, rng)
    normalizer = state.normalizer
    if plan.normalize_observations and normalizer is not None:
        normalizer = normalizer.update(rows)
    outside, remark = _outside(state, batch)
    record = {
        **_counts(plan, state, batch, gained, outside),
        **step_record(surrogate, start, end),
        "explained_variance": _explained(value, target),
        "seconds_rollout": rolled - started,
        "seconds_update": time.perf_counter() - rolled,
    }
    return replace(
        state,
        policy=replace(state.policy, theta=end.theta, normalizer=normalizer),
        n_iter=state.n_iter + 1,
        env_steps=int(record["env_steps"]),
        n_episodes=int(record["episodes"]),
        normalizer=normalizer,
        baseline=baseline,
        observation=batch.last,
        running=running,
        recent=(*state.recent, *gained[0].tolist())[-RECENT:],
        record=record,
        damping=end.damping if plan.engine.damping.adaptive else None,
        memory=end.memory,
        note=_joined(note_of(end, _shortfall(plan, surrogate)), remark),
        trials=state.trials if end.status is None else end.trials,
    )


def improved(
    plan: Plan,
    policy: Policy,
    rows: np.ndarray,
    actions: np.ndarray,
    gain: np.ndarray,
    rng: np.random.Generator,
    damping: float | None = None,
    weight: np.ndarray | None = None,
    memory: Any = None,
) -> tuple[PolicySurrogate, Iterate, Iterate]:
    """Take the steps of one update; return the batch's surrogate, and its start and end.

    One step of the engine on the whole batch, or steps on its minibatches; see
    :func:`natfit.rl.epochs.go_over`.

    Returns
    -------
    surrogate : PolicySurrogate
        The objective on the whole batch.
    start, end : Iterate
        ``end`` has a status if no step was found. Its ``n_iter`` is the number of steps.
    """
    args = policy.distribution, policy.model, Memory(actions, rows, weight)
    gain = _scaled(plan, gain)
    options: dict[str, Any] = {"entropy_bonus": plan.entropy_bonus, "limits": plan.limits}
    if plan.clip is None:
        surrogate = PolicySurrogate(*args, gain, policy.theta, **options)
    else:
        surrogate = ClippedSurrogate(*args, gain, policy.theta, clip_range=plan.clip, **options)
    if plan.n_epochs == 1 and plan.minibatch_size is None:
        start, end = advance(surrogate, plan.engine, policy.theta, rng, damping, memory)
    else:
        how = plan.n_epochs, plan.minibatch_size, plan.target_kl
        start, end = go_over(surrogate, plan.engine, policy.theta, rng, how, damping, memory)
    return surrogate, start, end


def _joined(*notes: str) -> str:
    """Return the notes that say something, in one line."""
    return "; ".join(words for words in notes if words)


def _shortfall(plan: Plan, surrogate: PolicySurrogate) -> str:
    """Warn if the metric of a batch is singular whatever was played, and return the words."""
    if plan.advantage in COMPATIBLE:
        # Their gradient lies where the metric is regular.
        return ""
    words = plan.engine.shortfall(surrogate) or ""
    if words:
        warn(words, UserWarning, type(plan.engine.metric))
    return words


def _scaled(plan: Plan, gain: np.ndarray) -> np.ndarray:
    """Return the advantages in the unit in which the surrogate has them."""
    if not plan.normalize_advantage:
        return gain
    # The baseline of a compatible advantage was fitted with it; another one would turn it.
    return standardised(gain, centre=plan.advantage not in COMPATIBLE)


def _outside(state: State, batch: Rollout) -> tuple[int, str]:
    """Return the number of observations outside of their limits, and a note on the first ones."""
    space = state.policy.observation_space
    beyond = space.outside(np.concatenate([batch.observation[batch.valid], batch.final]))
    count = int(beyond.any(axis=1).sum())
    if not count or state.record.get("outside", 0):
        return count, ""
    column = int(beyond.max(axis=0).argmax())
    return count, (
        f"{count} observations outside of observation_space, by up to {beyond.max():.3g} in column "
        f"{column}, are used as they are"
    )


def _counts(
    plan: Plan, state: State, batch: Rollout, gained: np.ndarray, outside: int
) -> dict[str, float]:
    """Return the totals so far, and what is said of the episodes that ended last."""
    returns, lengths = gained
    last = returns if len(returns) else np.array(state.recent)
    return {
        "env_steps": state.env_steps + batch.n_steps,
        "episodes": state.n_episodes + len(returns),
        "episodes_ended": len(returns),
        "outside": state.record.get("outside", 0) + outside,
        "mean_return": last.mean() if len(last) else np.nan,
        "std_return": last.std() if len(last) else np.nan,
        "mean_length": lengths.mean() if len(lengths) else np.nan,
        **means_of(batch.infos, plan.info_keys),
    }


def _check_size(name: str, batch: Rollout) -> None:
    """Raise EnvironmentFailure for numbers whose squares leave the range of doubles."""
    for what, values in (("reward", batch.reward), ("observation", batch.observation)):
        largest = np.abs(values).max()
        if not largest < _MOST:
            raise EnvironmentFailure(
                f"environment {name!r}: every {what} must be below {_MOST:g} in absolute value, "
                f"got {largest:g}; divide {what}s by a constant"
            )


def _rollout(plan: Plan, state: State) -> tuple[State, Rollout, np.ndarray, np.ndarray]:
    """Collect a batch that continues from the state; whole episodes always begin new.

    Returns
    -------
    state : State
        The state with the environment after the rollout.
    batch : Rollout
        The steps taken.
    gained : ndarray of shape (2, M)
        Returns and lengths of the episodes that ended.
    running : ndarray of shape (2, n)
        Return and length so far of the unfinished episodes.

    Raises
    ------
    ValueError
        If the state has no environment.
    EnvironmentFailure
        If an episode does not end, or a number is too large.
    """
    env, observation, running, quota = state.env, state.observation, state.running, None
    if not isinstance(env, VectorEnvironment):
        raise ValueError(f"state.env must be an environment to go on with, got {env!r}")
    # Whoever holds the state before sees that the episodes have gone on, finished or not.
    env.at = None
    if plan.whole_episodes:
        quota = np.full(env.n, plan.batch_size // env.n)
        quota[: plan.batch_size % env.n] += 1
    if observation is None or running is None or quota is not None:
        observation = begin(env, state.stream(_STARTS))
        running = np.zeros((2, env.n))
    env, batch = rollout(
        env,
        state.policy,
        observation,
        state.stream(_ACTIONS),
        jobs_worth(env, plan.n_jobs),
        steps=None if quota is not None else -(-plan.batch_size // env.n),
        quota=quota,
        longest=plan.max_episode_steps,
    )
    gained, running = batch.episodes(running)
    _check_size(env.name, batch)
    # An episode longer than this is assumed never to end.
    check_length(env, plan.max_episode_steps, running[1])
    env.at = (state.root, state.n_iter + 1)
    return replace(state, env=env), batch, gained, running


def _advantages(
    plan: Plan, state: State, batch: Rollout
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return advantages, targets and values (T n,) of a batch.

    The baseline reads observations as they are encoded, and standardises them by the rows of its
    own fit: the policy's normaliser moves with every update, and would carry predictions of the
    next batch away from the states that they were fitted to.

    Returns
    -------
    advantage, target, value : ndarray of shape (T n,)
        In the unit of the rewards.
    """
    steps, n, width = batch.observation.shape
    m = steps * n
    stacked = np.concatenate([batch.observation.reshape(m, width), batch.last, batch.final])
    values = plan.baseline.predict(state.baseline, stacked)
    value = values[:m].reshape(steps, n)
    follow = values[n : m + n].reshape(steps, n).copy()
    ended = batch.ended
    follow[ended] = values[m + n :]
    discount, lam = plan.discount, plan.gae_lambda if plan.advantage == "gae" else 1.0
    args = (ended, batch.terminated, batch.valid, discount, lam)
    advantage, target = gae(batch.reward, value, follow, *args)
    if plan.advantage == "total_return":
        advantage = _whole_return(batch) - value
    elif plan.advantage in COMPATIBLE:
        advantage = _compatible(plan, state, batch, stacked, target)
    return advantage.ravel(), target.ravel(), value.ravel()


def _compatible(
    plan: Plan, state: State, batch: Rollout, stacked: np.ndarray, target: np.ndarray
) -> np.ndarray:
    """Return advantages (T n,) that are linear in the scores; ``stacked`` as in _advantages."""
    steps, n = batch.reward.shape
    m, keep = steps * n, batch.valid.ravel()
    actions = batch.action.reshape(-1, *batch.action.shape[2:])[keep]
    mask = None if batch.mask is None else batch.mask.reshape(m, -1)[keep]
    rows = stacked[:m][keep]
    policy, seen = state.policy.with_masks(state.policy.normalised(rows), mask)
    likelihood = Likelihood(policy.distribution, policy.model, Memory(actions, seen))
    known = {"reward": batch.reward, "ended": batch.ended, "valid": batch.valid, "target": target}
    if plan.advantage == "lstd_q":
        learned, rng = state.baseline, np.random.default_rng(state.stream(_UPDATE))
        if learned is None:
            learned = plan.baseline.fit(rows, target.ravel()[keep], None, rng)
        design = plan.baseline.design(learned, stacked)
        follow = design[n : m + n].reshape(steps, n, -1).copy()
        follow[batch.ended] = design[m + n :]
        follow[batch.terminated] = 0.0
        known.update(state=design[:m].reshape(steps, n, -1), following=follow)
    scores = likelihood.scores_by_row(policy.theta)
    return compatible_advantage(plan.advantage, scores, known, plan.discount, plan.gae_lambda)


def _whole_return(batch: Rollout) -> np.ndarray:
    """Return the undiscounted return of the episode that each step belongs to, (T, n)."""
    out = np.where(batch.valid, batch.reward, 0.0)
    after = np.where(batch.ended, 0.0, 1.0)
    for t in range(len(out) - 2, -1, -1):
        out[t] += after[t] * out[t + 1]
    # out now holds the return of the rest of the episode; at its first step that is the whole.
    for t in range(1, len(out)):
        out[t] = np.where(batch.ended[t - 1], out[t], out[t - 1])
    return out


def step_record(surrogate: PolicySurrogate, start: Iterate, end: Iterate) -> dict[str, float]:
    """Return the history's columns of the update's steps; zeros if no step was found."""
    moved = end.status is None
    return {
        "surrogate_gain": start.value - end.value if moved else 0.0,
        "predicted_kl": end.predicted_kl if moved else 0.0,
        "kl": end.kl if moved else 0.0,
        "divergence_ratio": end.divergence_ratio if moved else 0.0,
        "entropy": surrogate.entropy(end.theta) if surrogate.distribution.has_entropy else np.nan,
        "gradient_norm": start.gradient_norm,
        "solver_iterations": end.solver_iterations,
        "residual": end.residual,
        "step_length": end.step_length if moved else 0.0,
        "backtracks": end.backtracks if moved else 0,
        "n_steps": end.n_iter if moved else 0,
        "clip_fraction": surrogate.clip_fraction(end.theta),
    }


def note_of(end: Iterate, more: str = "") -> str:
    """Return a note: the solver, its fallbacks, and why there was no step."""
    words = [end.solver, *end.notes, more, "" if end.status is None else f"no step: {end.status}"]
    return "; ".join(w for w in words if w)


def _explained(value: np.ndarray, target: np.ndarray) -> float:
    """Return the share of the targets' variance that the values explain, NaN if it is zero."""
    variance = target.var()
    return float(1.0 - (target - value).var() / variance) if variance > 0 else np.nan

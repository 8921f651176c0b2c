"""Rollouts: a policy acts in n episodes side by side; what happened comes back as arrays.

All randomness of the actions comes from one generator that is drawn from for all n episodes
at every step, wherever they run: the policy is evaluated on a matrix of full width and each
process uses its rows. Results therefore do not depend on the number of processes, bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from joblib import effective_n_jobs
from sklearn.utils.parallel import Parallel, delayed

from natfit.rl._checks import EnvironmentFailure
from natfit.rl.policy import Policy
from natfit.rl.vector import VectorEnvironment

#: What is known of every step, under the same name in the log and in the rollout.
_STEPWISE = ("observation", "action", "reward", "terminated", "truncated", "valid")


@runtime_checkable
class Parted(Protocol):
    """Vector environments of which other processes can each take some rows."""

    def part(self, rows: slice) -> VectorEnvironment:
        """The same environments of some rows, with their plan and running episodes."""

    def join(self, parts: Sequence[Any]) -> VectorEnvironment:
        """Put parts together again, in this order."""


@dataclass
class Rollout:
    """T steps of n episodes side by side.

    Attributes
    ----------
    observation : ndarray of shape (T, n, D)
        Encoded, as the environment gave them; not normalised.
    action : ndarray of shape (T, n, ...)
        As the distribution's y, not clipped.
    reward : ndarray of shape (T, n)
    terminated, truncated, valid : ndarray of bool, shape (T, n)
        ``valid`` is False where nothing was decided: a row that only reset, or whose share of
        episodes was done.
    final : ndarray of shape (M, D)
        Last observations of the episodes that ended, in the order of ``numpy.nonzero`` of
        ``terminated | truncated``.
    last : ndarray of shape (n, D)
        Observations after the last step.
    """

    observation: np.ndarray
    action: np.ndarray
    reward: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    valid: np.ndarray
    final: np.ndarray
    last: np.ndarray

    @property
    def ended(self) -> np.ndarray:
        """Where an episode ended, (T, n)."""
        return self.terminated | self.truncated

    @property
    def n_steps(self) -> int:
        """Steps in which something was decided."""
        return int(self.valid.sum())

    def episodes(self, running: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Undiscounted returns of the episodes that ended, by time, and the new ``running``.

        ``running`` (2, n) holds return and length of the episodes under way at the start.

        Returns
        -------
        gained : ndarray of shape (2, M)
            Returns and lengths of the M episodes that ended.
        running : ndarray of shape (2, n)
            Return and length of those under way at the end.
        """
        values = np.where(self.valid, [self.reward, np.ones_like(self.reward)], 0.0)
        row, time = np.nonzero(self.ended.T)
        # Row by row, a piece from one end to the next: sums alone, no difference loses digits.
        steps, n = self.reward.shape
        flat, ends = np.swapaxes(values, 1, 2).reshape(2, -1), row * steps + time
        starts = np.union1d(np.arange(n) * steps, ends + 1)
        starts = starts[starts < n * steps]
        sums = np.add.reduceat(flat, starts, axis=1)
        owner = starts // steps
        sums[:, np.flatnonzero(np.append(True, owner[1:] != owner[:-1]))] += running
        ending = np.searchsorted(starts, ends, side="right") - 1
        gained = sums[:, ending][:, np.argsort(time, kind="stable")]
        left, under_way = np.zeros_like(running), np.setdiff1d(np.arange(len(starts)), ending)
        left[:, owner[under_way]] = sums[:, under_way]
        return gained, left


@dataclass
class _Log:
    """Lists that grow by one entry a step."""

    observation: list = field(default_factory=list)
    action: list = field(default_factory=list)
    reward: list = field(default_factory=list)
    terminated: list = field(default_factory=list)
    truncated: list = field(default_factory=list)
    valid: list = field(default_factory=list)
    final: list = field(default_factory=list)


def collect(
    env: VectorEnvironment,
    policy: Policy,
    observation: np.ndarray,
    rng: np.random.Generator,
    *,
    columns: slice,
    width: int,
    steps: int | None = None,
    quota: np.ndarray | None = None,
    greedy: bool = False,
    longest: int,
) -> Rollout:
    """Act for ``steps`` steps, or until row e has ended ``quota[e]`` episodes.

    Rows whose quota is met wait where the environment lets them (``can_wait``). Others are
    stepped on with the rest: such steps are not valid, count nowhere, and cost their time.

    Parameters
    ----------
    env : VectorEnvironment
        n episodes.
    policy : Policy
        What acts.
    observation : ndarray of shape (n, D)
        Where the episodes stand.
    rng : numpy.random.Generator
        What actions are drawn from.
    columns : slice
        Which n of the episodes these are.
    width : int
        Number of episodes in all.
    steps : int, optional
        Number of steps; by default the quota decides.
    quota : ndarray of int, shape (n,), optional
        Episodes asked of each row.
    greedy : bool, default=False
        Whether the most probable action is taken instead of one that is drawn.
    longest : int
        Steps of an episode after which, with a quota, it is given up; calls that only reset
        are no steps.

    Returns
    -------
    Rollout
        T is ``steps``, or as many as the quota took.
    """
    n, log = env.n, _Log()
    whole = np.zeros((width, observation.shape[1]))
    alone = n == width
    done, length, always = np.zeros(n, dtype=int), np.zeros(n, dtype=int), np.ones(n, dtype=bool)
    place = None if quota is None or env.plan is None else np.array(env._position)
    while len(log.reward) < steps if steps is not None else np.any(done < quota):
        if alone:
            action = policy.greedy(observation) if greedy else policy.act(observation, rng)
        else:
            whole[columns] = observation
            action = policy.greedy(whole) if greedy else policy.act(whole, rng)
            action = action[columns]
        if quota is None or not env.can_wait:
            step = env.step(policy.clipped(action))
        else:
            # can_wait says that step takes a mask.
            step = env.step(policy.clipped(action), done < quota)  # type: ignore[call-arg]
        valid = always if step.valid is None else step.valid
        terminated, truncated = step.terminated, step.truncated
        if quota is not None:
            open_ = done < quota
            valid, terminated, truncated = valid & open_, terminated & open_, truncated & open_
            ended = terminated | truncated
            done += ended
            length = np.where(ended, 0, length + valid)
            check_length(env, longest, length)
        log.observation.append(observation)
        log.action.append(action)
        log.reward.append(step.reward)
        log.terminated.append(terminated)
        log.truncated.append(truncated)
        log.valid.append(valid)
        if step.final is not None:
            log.final.append(step.final[(terminated | truncated)])
        observation = step.observation
    if place is not None:
        # Seeds of episodes that nobody asked for, begun while other rows played, are still due.
        env._position = (place + quota - 1).tolist()
    return _packed(log, observation)


def check_length(env: VectorEnvironment, longest: int, length: np.ndarray) -> None:
    """Give up an episode that does not end."""
    if length.max() >= longest:
        row = int(length.argmax())
        raise EnvironmentFailure(
            f"environment {env.name!r}, row {env.first_row + row}: the episode has not ended after "
            f"{int(length[row])} steps (max_episode_steps={longest}); give the environment a time "
            "limit, e.g. with gymnasium.wrappers.TimeLimit, or raise max_episode_steps"
        )


def _packed(log: _Log, last: np.ndarray) -> Rollout:
    """Arrays of the lists."""
    final = np.concatenate(log.final) if log.final else np.empty((0, last.shape[1]))
    stacked = {name: np.array(getattr(log, name)) for name in _STEPWISE}
    return Rollout(**stacked, final=final, last=last)


def rollout(
    env: VectorEnvironment,
    policy: Policy,
    observation: np.ndarray,
    stream: tuple[int, ...],
    n_jobs: int | None,
    **options: Any,
) -> tuple[VectorEnvironment, Rollout]:
    """Collect in this process, or in several where the environment can be parted.

    ``stream`` seeds the generator of the actions; options are those of :func:`collect`. The
    environment comes back as it then is: from other processes, another object.

    Returns
    -------
    env : VectorEnvironment
        As it then is.
    batch : Rollout
        All rows side by side.
    """
    parted = env if isinstance(env, Parted) else None
    jobs = 1 if parted is None else min(effective_n_jobs(n_jobs), env.n)
    edges = np.linspace(0, env.n, jobs + 1).astype(int)
    parts = [slice(a, b) for a, b in zip(edges[:-1], edges[1:], strict=True)]
    quota = options.get("quota")
    # So few episodes that a part would have none are not worth another process.
    few = quota is not None and not all(quota[part].any() for part in parts)
    if parted is None or jobs == 1 or few:
        rng = np.random.default_rng(stream)
        columns = slice(None)
        return env, collect(env, policy, observation, rng, columns=columns, width=env.n, **options)
    options.pop("quota", None)
    found = Parallel(n_jobs=jobs)(
        delayed(_elsewhere)(
            parted.part(part),
            policy,
            observation[part],
            stream,
            columns=part,
            width=env.n,
            quota=None if quota is None else quota[part],
            **options,
        )
        for part in parts
    )
    return parted.join([e for e, _ in found]), _side_by_side([r for _, r in found])


def begin(env: VectorEnvironment, stream: tuple[int, ...]) -> np.ndarray:
    """Begin n episodes: from the next seeds of the plan, else from seeds that are drawn."""
    if env.plan is not None:
        return env.reset([env._next_seed(row) for row in range(env.n)])
    return env.reset(np.random.default_rng(stream).integers(2**31, size=env.n).tolist())


def _elsewhere(
    env: VectorEnvironment, policy: Policy, observation: np.ndarray, stream: tuple, **options: Any
) -> tuple[VectorEnvironment, Rollout]:
    """Collect in another process; the environments come back as they then are."""
    rng = np.random.default_rng(stream)
    return env, collect(env, policy, observation, rng, **options)


def _side_by_side(parts: list[Rollout]) -> Rollout:
    """One rollout of all rows; parts that ended earlier are filled up with rows not valid."""
    most = max(len(p.reward) for p in parts)
    finals = {}
    for start, p in zip(np.cumsum([0, *(p.reward.shape[1] for p in parts)]), parts, strict=False):
        for k, (t, e) in enumerate(np.argwhere(p.ended)):
            finals[t, start + e] = p.final[k]
    joined = {
        name: np.concatenate([_filled(getattr(p, name), most) for p in parts], axis=1)
        for name in _STEPWISE
    }
    width = parts[0].last.shape[1]
    final = np.array([finals[key] for key in sorted(finals)]).reshape(-1, width)
    return Rollout(**joined, final=final, last=np.concatenate([p.last for p in parts]))


def _filled(array: np.ndarray, steps: int) -> np.ndarray:
    """The array with zeros (False) after its last step."""
    missing = steps - len(array)
    if not missing:
        return array
    return np.concatenate([array, np.zeros((missing, *array.shape[1:]), dtype=array.dtype)])

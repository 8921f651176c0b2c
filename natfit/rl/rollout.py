"""Rollouts: a policy acts in n episodes side by side, and the results are arrays.

All actions are drawn from one generator, at every step for all n episodes, in whichever process
they run: each process evaluates the policy on a matrix of all n rows and uses its own. Results are
therefore the same bit for bit for any number of processes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Protocol, runtime_checkable

import numpy as np
from joblib import effective_n_jobs
from sklearn.utils.parallel import Parallel, delayed

from natfit.rl._checks import EnvironmentFailure
from natfit.rl.infos import numbers_of
from natfit.rl.policy import Policy
from natfit.rl.vector import VectorEnvironment

#: What is recorded of every step, under the same name in the log and in the rollout.
_STEPWISE = ("observation", "action", "reward", "terminated", "truncated", "valid")


#: Seconds that several processes must save in a rollout: sending environments to them and back
#: takes about this long.
_WORTH = 0.3


@runtime_checkable
class Parted(Protocol):
    """Vector environments that can be split, so that each process takes some rows."""

    def part(self, rows: slice) -> VectorEnvironment:
        """Return the environments of some rows, with their plan and running episodes."""

    def join(self, parts: Sequence[Any]) -> VectorEnvironment:
        """Return the environments of all parts as one, in this order."""


@dataclass
class Rollout:
    """T steps of n episodes side by side.

    Attributes
    ----------
    observation : ndarray of shape (T, n, D)
        Encoded observations, not normalised.
    action : ndarray of shape (T, n, ...)
        Actions, as the distribution's y, not clipped.
    reward : ndarray of shape (T, n)
        Rewards, in the environment's unit.
    terminated, truncated, valid : ndarray of bool, shape (T, n)
        ``valid`` is False where no action was taken: the row was only reset, or its quota of
        episodes was met.
    final : ndarray of shape (M, D)
        Last observations of the episodes that ended, in the order of ``numpy.nonzero`` of
        ``terminated | truncated``.
    last : ndarray of shape (n, D)
        Observations after the last step.
    mask : ndarray of bool, shape (T, n, M), or None
        Which actions were allowed; None if all were.
    infos : list of dict
        Numbers in the ``info`` of the last step of each of the M episodes, in any order;
        empty if the environment gives none.
    """

    observation: np.ndarray
    action: np.ndarray
    reward: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    valid: np.ndarray
    final: np.ndarray
    last: np.ndarray
    mask: np.ndarray | None = None
    infos: list[dict[str, float]] = field(default_factory=list)

    @property
    def ended(self) -> np.ndarray:
        """Whether an episode ended with each step, (T, n) bool."""
        return self.terminated | self.truncated

    @property
    def n_steps(self) -> int:
        """Number of valid steps, in which an action was taken."""
        return int(self.valid.sum())

    def episodes(self, running: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return undiscounted returns of the episodes that ended, and the new ``running``.

        ``running`` (2, n) holds return and length so far of the episodes that are unfinished.

        Returns
        -------
        gained : ndarray of shape (2, M)
            Returns and lengths of the M episodes that ended, in the order of time.
        running : ndarray of shape (2, n)
            Return and length so far of the episodes that are unfinished at the end.
        """
        values = np.where(self.valid, [self.reward, np.ones_like(self.reward)], 0.0)
        row, time = np.nonzero(self.ended.T)
        # Each piece between two ends is summed by itself: no difference of sums loses digits.
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
    """Lists that grow by one entry per step."""

    observation: list = field(default_factory=list)
    action: list = field(default_factory=list)
    reward: list = field(default_factory=list)
    terminated: list = field(default_factory=list)
    truncated: list = field(default_factory=list)
    valid: list = field(default_factory=list)
    final: list = field(default_factory=list)
    mask: list = field(default_factory=list)
    infos: list = field(default_factory=list)


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
    """Act for ``steps`` steps, or until each row e has ended ``quota[e]`` episodes.

    Rows whose quota is met wait if the environment allows it (``can_wait``). Otherwise they are
    stepped with the others; such steps are not valid and count nowhere, but take time.

    Parameters
    ----------
    env : VectorEnvironment
        n episodes.
    policy : Policy
        The policy that acts.
    observation : ndarray of shape (n, D)
        The current encoded observation of each episode.
    rng : numpy.random.Generator
        The generator of the actions.
    columns : slice
        Which of all episodes these n are.
    width : int
        Number of all episodes.
    steps : int, optional
        Number of steps; by default as many as the quota needs.
    quota : ndarray of int, shape (n,), optional
        Number of episodes that each row shall end.
    greedy : bool, default=False
        Whether to take the most probable action instead of drawing one.
    longest : int
        Number of steps after which, with a quota, an episode is given up; calls that only
        reset do not count.

    Returns
    -------
    Rollout
        The T steps taken; T is ``steps``, or as many as the quota needed.
    """
    n, log, spent = env.n, _Log(), 0.0
    whole = np.zeros((width, observation.shape[1]))
    alone = n == width
    done, length, always = np.zeros(n, dtype=int), np.zeros(n, dtype=int), np.ones(n, dtype=bool)
    place = None if quota is None or env.plan is None else np.array(env._position)
    while len(log.reward) < steps if steps is not None else np.any(done < quota):
        log.mask.append(env.mask)
        if alone:
            action = _chosen(policy, observation, rng, greedy, env.mask)
        else:
            whole[columns] = observation
            mask = _among(env.mask, width, columns)
            action = _chosen(policy, whole, rng, greedy, mask)[columns]
        given, before = policy.clipped(action), perf_counter()
        if quota is None or not env.can_wait:
            step = env.step(given)
        else:
            # can_wait says that step accepts a mask.
            step = env.step(given, done < quota)  # type: ignore[call-arg]
        spent += perf_counter() - before
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
        log.infos += _ended(step.infos, terminated | truncated)
        observation = step.observation
    if place is not None:
        # Episodes beyond the quota, begun while other rows played, give their seeds back.
        env._position = (place + quota - 1).tolist()
    env.spent = spent
    return _packed(log, observation)


def _chosen(
    policy: Policy,
    observation: np.ndarray,
    rng: np.random.Generator,
    greedy: bool,
    mask: np.ndarray | None,
) -> np.ndarray:
    """Return the most probable actions, or drawn ones, among those that masks (n, M) allow."""
    return policy.greedy(observation, mask) if greedy else policy.act(observation, rng, mask)


def _among(mask: np.ndarray | None, width: int, columns: slice) -> np.ndarray | None:
    """Return masks (width, M) of all episodes, of which these are some; all else is allowed."""
    if mask is None:
        return None
    out = np.ones((width, mask.shape[1]), dtype=bool)
    out[columns] = mask
    return out


def _masks(masks: Sequence[np.ndarray | None], n: int) -> np.ndarray | None:
    """Return the masks of T steps as one array (T, n, M); None if all actions were allowed."""
    one = next((mask for mask in masks if mask is not None), None)
    if one is None:
        return None
    free = np.ones((n, one.shape[1]), dtype=bool)
    return np.stack([free if mask is None else mask for mask in masks])


def _ended(infos: Sequence[Any] | None, ended: np.ndarray) -> list[dict[str, float]]:
    """Return the numbers in the infos of the rows whose episode ended."""
    return [] if infos is None else [numbers_of(infos[row]) for row in ended.nonzero()[0].tolist()]


def check_length(env: VectorEnvironment, longest: int, length: np.ndarray) -> None:
    """Raise EnvironmentFailure if an episode has gone on for too many steps."""
    if length.max() >= longest:
        row = int(length.argmax())
        raise EnvironmentFailure(
            f"environment {env.name!r}, row {env.first_row + row}: the episode has not ended after "
            f"{int(length[row])} steps (max_episode_steps={longest}); give the environment a time "
            "limit, e.g. with gymnasium.wrappers.TimeLimit, or raise max_episode_steps"
        )


def _packed(log: _Log, last: np.ndarray) -> Rollout:
    """Return the rollout whose arrays are those lists."""
    final = np.concatenate(log.final) if log.final else np.empty((0, last.shape[1]))
    stacked = {name: np.array(getattr(log, name)) for name in _STEPWISE}
    return Rollout(
        **stacked, final=final, last=last, infos=log.infos, mask=_masks(log.mask, len(last))
    )


def rollout(
    env: VectorEnvironment,
    policy: Policy,
    observation: np.ndarray,
    stream: tuple[int, ...],
    n_jobs: int | None,
    **options: Any,
) -> tuple[VectorEnvironment, Rollout]:
    """Collect in this process, or in several if the environment can be split.

    ``stream`` seeds the generator of the actions; options are those of :func:`collect`. Other
    processes return another environment object, which replaces the one given.

    Returns
    -------
    env : VectorEnvironment
        The environment after the rollout.
    batch : Rollout
        All rows side by side.
    """
    parted = env if isinstance(env, Parted) else None
    jobs = 1 if parted is None else min(effective_n_jobs(n_jobs), env.n)
    edges = np.linspace(0, env.n, jobs + 1).astype(int)
    parts = [slice(a, b) for a, b in zip(edges[:-1], edges[1:], strict=True)]
    quota = options.get("quota")
    # If there are so few episodes that a part would have none, one process is enough.
    few = quota is not None and not all(quota[part].any() for part in parts)
    # Episodes that a pickle ends cannot go on in another process.
    stays = quota is None and jobs > 1 and not env.keeps_episodes
    if parted is None or jobs == 1 or few or stays:
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
    joined = parted.join([e for e, _ in found])
    joined.spent = env.spent
    return joined, _side_by_side([r for _, r in found])


def jobs_worth(env: VectorEnvironment, n_jobs: int | None) -> int | None:
    """Return ``n_jobs`` if that many processes save time in rollouts like the last one, else 1.

    The first rollout takes place in this process, and its time in the environment is measured.
    Rollouts are the same for any number of processes.

    Parameters
    ----------
    env : VectorEnvironment
        With the seconds that its steps took in the last rollout in one process, ``spent``.
    n_jobs : int or None
        As in joblib.

    Returns
    -------
    int or None
        The number of processes to use.
    """
    jobs = min(effective_n_jobs(n_jobs), env.n)
    if jobs == 1:
        return n_jobs
    saved = 0.0 if env.spent is None else env.spent * (1.0 - 1.0 / jobs)
    return n_jobs if saved > _WORTH else 1


def begin(env: VectorEnvironment, stream: tuple[int, ...]) -> np.ndarray:
    """Begin n episodes, from the next seeds of the plan or else from seeds that are drawn."""
    if env.plan is not None:
        return env.reset([env._next_seed(row) for row in range(env.n)])
    return env.reset(np.random.default_rng(stream).integers(2**31, size=env.n).tolist())


def _elsewhere(
    env: VectorEnvironment, policy: Policy, observation: np.ndarray, stream: tuple, **options: Any
) -> tuple[VectorEnvironment, Rollout]:
    """Collect in another process, and return the environments after the rollout with it."""
    rng = np.random.default_rng(stream)
    return env, collect(env, policy, observation, rng, **options)


def _side_by_side(parts: list[Rollout]) -> Rollout:
    """Return one rollout of all rows; parts that ended earlier are padded with invalid steps."""
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
    last = np.concatenate([p.last for p in parts])
    found = [p.mask for p in parts]
    if any(mask is not None for mask in found):
        count = next(mask.shape[2] for mask in found if mask is not None)
        free = [np.ones((*p.reward.shape, count), dtype=bool) for p in parts]
        each = [f if m is None else m for m, f in zip(found, free, strict=True)]
        # Steps that only fill up a part are not valid, but must allow an action.
        joined["mask"] = np.concatenate([_filled(m, most, True) for m in each], axis=1)
    # Means over episodes do not depend on their order.
    infos = [info for p in parts for info in p.infos]
    return Rollout(**joined, final=final, last=last, infos=infos)


def _filled(array: np.ndarray, steps: int, value: Any = 0) -> np.ndarray:
    """Return the array padded with zeros (False), or another value, to this number of steps."""
    missing = steps - len(array)
    if not missing:
        return array
    return np.concatenate([array, np.full((missing, *array.shape[1:]), value, array.dtype)])

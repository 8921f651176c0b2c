"""The peer: sb3-contrib's TRPO or stable-baselines3's PPO, driven in pieces."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from importlib.metadata import version

import gymnasium
import numpy as np
import torch
from sb3_contrib import TRPO
from settings import BATCH, ENVS, EPISODES, PEER
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import VecNormalize

torch.set_num_threads(1)

VERSIONS = {
    name: version(name)
    for name in ("sb3-contrib", "stable-baselines3", "torch", "gymnasium", "numpy")
}


class Linear:
    """The RL zoo's "lin_" schedule over a budget, whichever pieces the training comes in."""

    def __init__(self, start: float, budget: int):
        self.start, self.budget = start, budget
        self.model: PPO | None = None

    def __call__(self, progress: float) -> float:
        """The value now; the progress of the present piece is not asked."""
        done = 0 if self.model is None else self.model.num_timesteps
        return self.start * max(1.0 - done / self.budget, 0.0)


def build(env: str, settings: dict, seed: int) -> TRPO | PPO:
    """The learner, its environments made and wrapped as the RL zoo does."""
    keywords = dict(settings)
    budget = keywords.pop("n_timesteps", None)
    schedules = {
        name: Linear(float(value[4:]), budget)
        for name, value in keywords.items()
        if isinstance(value, str) and value.startswith("lin_")
    }
    keywords |= schedules
    vector = make_vec_env(env, n_envs=keywords.pop("n_envs"), seed=seed)
    if keywords.pop("normalize", False):
        vector = VecNormalize(vector, gamma=keywords.get("gamma", 0.99))
    learner = TRPO if budget is None else PPO
    model = learner("MlpPolicy", vector, seed=seed, device="cpu", **keywords)
    for schedule in schedules.values():
        schedule.model = model
    return model


def start(env: str, settings: dict, seed: int) -> tuple[Callable, Callable]:
    """(advance, evaluate) of a fresh run.

    ``advance(total)`` trains until at least ``total`` steps, whole batches, and returns the steps
    taken since the start. ``evaluate(first)`` is the mean return of greedy episodes that start
    from the seeds first, first + 1, ...
    """
    warm_up()
    model = build(env, settings, seed)

    def advance(total: int) -> int:
        # Nothing is reset between the calls: the episodes under way go on.
        model.learn(total - model.num_timesteps, reset_num_timesteps=False)
        return model.num_timesteps

    return advance, functools.partial(greedy_return, model, env)


@functools.cache
def warm_up() -> None:
    """Pay for what torch sets up in its first calls, before anything is timed."""
    for more in ({}, {"n_timesteps": 512}):
        build("CartPole-v1", {"n_envs": 2, "n_steps": 128, **more}, 0).learn(512)


def greedy_return(model: TRPO | PPO, env: str, first: int) -> float:
    """Mean return of one greedy episode from each seed, in environments of their own."""
    environments = _environments(env)
    normalizer = model.get_vec_normalize_env()
    observations = np.stack(
        [e.reset(seed=first + k)[0] for k, e in enumerate(environments)], dtype=np.float32
    )
    returns, running = np.zeros(len(environments)), set(range(len(environments)))
    while running:
        seen = observations if normalizer is None else normalizer.normalize_obs(observations)
        actions, _ = model.predict(seen, deterministic=True)
        for k in sorted(running):
            observations[k], reward, terminated, truncated, _ = environments[k].step(actions[k])
            returns[k] += reward
            if terminated or truncated:
                running.remove(k)
    return float(returns.mean())


@functools.cache
def _environments(env: str) -> list[gymnasium.Env]:
    """Those that evaluations run in."""
    return [gymnasium.make(env) for _ in range(EPISODES)]


def rate(hidden: tuple[int, ...], updates: int) -> float:
    """Steps/s of sampling and learning together, CartPole-v1, policy and critic of these layers."""
    warm_up()
    settings = {
        **PEER["CartPole-v1"],
        "n_envs": ENVS,
        "n_steps": BATCH // ENVS,
        "policy_kwargs": {"net_arch": list(hidden)},
    }
    model = build("CartPole-v1", settings, 0)
    model.learn(BATCH)
    begin = time.perf_counter()
    model.learn(updates * BATCH, reset_num_timesteps=False)
    return updates * BATCH / (time.perf_counter() - begin)

"""natfit's side: NaturalPolicyEstimator, driven in pieces."""

from __future__ import annotations

import functools
import hashlib
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
from settings import BATCH, CG_ITERATIONS, ENVS, EPISODES, NATFIT

import natfit
from natfit import NaturalPolicyEstimator, optimize
from natfit._component import resolve
from natfit.distributions.base import Distribution
from natfit.models import MLP
from natfit.objectives.surrogate import PolicySurrogate
from natfit.optimize.engine import resolve_engine
from natfit.rows import Memory
from natfit.solvers.cg import CGSolver
from natfit.steps.trust_region import TrustRegionStep


def _digest() -> str:
    """Of natfit's source: runs of different code are not to be mixed."""
    files = sorted(Path(natfit.__file__).parent.rglob("*.py"))
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()[:12]


VERSIONS = {name: version(name) for name in ("numpy", "scipy", "gymnasium")}
VERSIONS["natfit"] = f"{natfit.__version__} {_digest()}"


def start(env: str, settings: dict, seed: int) -> tuple[Callable, Callable]:
    """(advance, evaluate) of a fresh run, as :func:`peer.start`."""
    warm_up()
    estimator = build(env, settings, seed)
    return functools.partial(advance, estimator), functools.partial(greedy_return, estimator)


def build(env: str, settings: dict, seed: int) -> NaturalPolicyEstimator:
    """An estimator whose fits go on where the last one stopped."""
    name = settings.get("preset", "trpo")
    options = {key: value for key, value in settings.items() if key != "preset"}
    made = NaturalPolicyEstimator.preset(
        name, env, random_state=seed, warm_start=True, max_iter=10**6
    )
    return made.set_params(**options)


def advance(estimator: NaturalPolicyEstimator, total: int) -> int:
    """Train until at least ``total`` steps since the start, whole batches; the steps taken."""
    # An update that would pass max_env_steps is not begun; the peer's last one passes the mark.
    estimator.set_params(max_env_steps=total + estimator.batch_size - 1).fit()
    return int(estimator.history_["env_steps"][-1])


def greedy_return(estimator: NaturalPolicyEstimator, first: int) -> float:
    """Mean return of fresh greedy episodes."""
    return float(estimator.evaluate(n_episodes=EPISODES, random_state=first).mean)


@functools.cache
def warm_up() -> None:
    """Pay for first calls, before anything is timed."""
    advance(build("CartPole-v1", NATFIT["CartPole-v1"], 0), 1)


def network(hidden: tuple[int, ...]) -> dict:
    """Arguments of a policy of these layers."""
    return {"policy": MLP(hidden=hidden) if hidden else "linear"}


def rate(hidden: tuple[int, ...], updates: int, env: str = "CartPole-v1", n_envs: int = ENVS):
    """Steps/s of sampling and learning together, as :func:`peer.rate`."""
    settings = {
        **NATFIT["CartPole-v1"],
        **network(hidden),
        "n_envs": n_envs,
        "batch_size": BATCH,
    }
    estimator = build(env, settings, 0)
    before = advance(estimator, BATCH)
    begin = time.perf_counter()
    after = advance(estimator, before + updates * BATCH)
    return (after - before) / (time.perf_counter() - begin)


def update_ms(repeats: int = 20) -> float:
    """Milliseconds of one update at 64x64 on a batch of CartPole's shape: the median."""
    rng = np.random.default_rng(0)
    states, actions = rng.normal(size=(BATCH, 4)), rng.integers(2, size=BATCH).astype(float)
    family = resolve("categorical", Distribution).bind(Memory(actions))
    model = MLP(hidden=(64, 64)).bind(4, family)
    theta = model.init(rng, np.zeros(family.n_params))
    # tol 0: every one of the iterations is made.
    solver = CGSolver(tol=0.0, max_iter=CG_ITERATIONS)
    engine = resolve_engine("exact", solver, TrustRegionStep(0.01), 1e-3, 0.0, 1)
    times = []
    for _ in range(repeats + 1):
        objective = PolicySurrogate(
            family, model, Memory(actions, states), rng.normal(size=BATCH), theta
        )
        begin = time.perf_counter()
        optimize.advance(objective, engine, theta, rng)
        times.append(time.perf_counter() - begin)
    return 1e3 * float(np.median(times[1:]))

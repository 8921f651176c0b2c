"""Environments for tests: bandits on every space, recorders, ones that fail."""

from __future__ import annotations

import numpy as np

from natfit.rl import Box, Discrete, Environment, MultiBinary, MultiDiscrete
from natfit.rl.environments import LQR

# ------------------------------------------------------------------- built-in in form


class Bandit(Environment):
    """Episodes of one step: the action that matches the observed context has the reward 1.

    Parameters
    ----------
    see : {"discrete", "binary", "box"}
        Form of the observation; the context is one of two.
    act : {"discrete", "multi", "binary", "box", "matrix"}
        Form of the action.
    """

    name = "bandit"
    time_limit = 1

    def __init__(self, see="discrete", act="discrete"):
        self.see = see
        self.act = act

    @property
    def observation_space(self):
        return {
            "discrete": Discrete(2, start=5),
            "binary": MultiBinary(3),
            "box": Box(-np.ones((1, 2)), np.ones((1, 2))),
        }[self.see]

    @property
    def action_space(self):
        return {
            "discrete": Discrete(3, start=-4),
            "multi": MultiDiscrete([2, 3]),
            "binary": MultiBinary(2),
            "box": Box([-1.0], [1.0]),
            "matrix": Box(-np.ones((2, 1)), np.ones((2, 1))),
        }[self.act]

    def start(self, rng, n):
        return rng.integers(2, size=(n, 1)).astype(float)

    def best(self, context):
        """The action that is worth most for contexts (n,)."""
        n, c = len(context), context.astype(int)
        return {
            "discrete": c * 2 - 4,
            "multi": np.column_stack([c, 2 - c]),
            "binary": np.column_stack([c, 1 - c]),
            "box": (c - 0.5)[:, None],
            "matrix": ((c - 0.5)[:, None] * [1.0, -1.0]).reshape(n, 2, 1),
        }[self.act]

    def worth(self, action, context):
        """Reward of each row."""
        gap = (action - self.best(context)).reshape(len(context), -1)
        if self.act in ("box", "matrix"):
            return 1.0 - np.mean(np.abs(gap), axis=1)
        return np.mean(gap == 0, axis=1)

    def step(self, state, action):
        assert self.action_space.contains(action).all()
        ends = np.ones(len(state), dtype=bool)
        return state.copy(), self.worth(action, state[:, 0]), ends

    def observe(self, state):
        c = state[:, 0].astype(int)
        if self.see == "discrete":
            return c + 5
        if self.see == "binary":
            return np.column_stack([c, 1 - c, np.ones_like(c)])
        return np.column_stack([c - 0.5, 0.5 - c]).reshape(len(c), 1, 2)


class Forever(Environment):
    """Reward 1 for every action; an episode terminates or is truncated after ``length`` steps."""

    name = "forever"
    observation_space = Box([0.0], [1.0])
    action_space = Discrete(2)

    def __init__(self, length=10, terminal=False, reward=1.0):
        self.length = length
        self.terminal = terminal
        self.reward = reward

    @property
    def time_limit(self):
        return None if self.terminal else self.length

    def start(self, rng, n):
        return np.column_stack([rng.random(n), np.zeros(n)])

    def step(self, state, action):
        new = state + [0.0, 1.0]
        ends = new[:, 1] >= self.length if self.terminal else np.zeros(len(new), dtype=bool)
        return new, np.full(len(new), float(self.reward)), ends

    def observe(self, state):
        return state[:, :1].copy()


class Walk(Environment):
    """Observes (steps, place), and the place is the reward; truncated after 4 steps, ends at 3.

    The last observation of an episode is far from the next one's first, so that the two are
    not mistaken for one another.
    """

    name = "walk"
    time_limit = 4
    observation_space = Box([0.0, -9.0], [9.0, 9.0])
    action_space = Discrete(2)

    def start(self, rng, n):
        return np.column_stack([np.zeros(n), rng.integers(0, 3, n).astype(float)])

    def step(self, state, action):
        new = state + np.column_stack([np.ones(len(state)), 2.0 * action - 1.0])
        return new, new[:, 1].copy(), new[:, 1] >= 3.0


class Rescaled(Environment):
    """Another environment whose observations are multiplied by an invertible matrix."""

    name = "rescaled"

    def __init__(self, inner, matrix):
        self.inner = inner
        self.matrix = matrix

    @property
    def observation_space(self):
        bound = np.full(self.inner.observation_space.shape, np.inf)
        return Box(-bound, bound)

    @property
    def action_space(self):
        return self.inner.action_space

    @property
    def time_limit(self):
        return self.inner.time_limit

    def start(self, rng, n):
        return self.inner.start(rng, n)

    def step(self, state, action):
        return self.inner.step(state, action)

    def observe(self, state):
        return self.inner.observe(state) @ np.asarray(self.matrix).T


class Quiet(LQR):
    """Rewards fall with the size of the action, so that the best standard deviation is 0."""

    name = "quiet"

    def step(self, state, action):
        new, _, ends = super().step(state, np.zeros_like(action))
        return new, -np.abs(action).sum(axis=1), ends


# ------------------------------------------------------------- of Gymnasium's form


class Single:
    """A built-in environment with Gymnasium's interface, which records and fails on demand.

    Parameters
    ----------
    environment : Environment
        The dynamics.
    log : list, optional
        Where ("reset", seed) and ("step", action) are recorded.
    fail_at : int, optional
        Number of the step, over all episodes of this object, in which ``error`` is raised.
    """

    def __init__(self, environment, log=None, fail_at=None, error=None):
        self.environment = environment
        self.observation_space = environment.observation_space
        self.action_space = environment.action_space
        self.log = log
        self.fail_at = fail_at
        self.error = ZeroDivisionError("broken") if error is None else error
        self.calls = 0
        self.rng = np.random.default_rng(0)

    def reset(self, seed=None):
        if self.log is not None:
            self.log.append(("reset", seed))
        if seed is not None:
            self.rng = np.random.default_rng(seed)
        self.state, self.steps = self.environment.start(self.rng, 1), 0
        return self.environment.observe(self.state)[0], {}

    def step(self, action):
        if self.log is not None:
            self.log.append(("step", action))
        self.calls += 1
        if self.calls == self.fail_at:
            raise self.error
        self.steps += 1
        state, reward, ends = self.environment.step(self.state, np.asarray(action)[None])
        self.state = state
        cut = self.environment.time_limit is not None and self.steps >= self.environment.time_limit
        return self.environment.observe(state)[0], reward[0], bool(ends[0]), bool(cut), {}


class Vector:
    """A vector environment of Gymnasium's form with two rows, that returns what it is told to.

    Parameters
    ----------
    mode : object, optional
        Its autoreset mode; left out if not given.
    out : dict
        What ``first`` (the reset's observations), ``observation``, ``reward``, ``terminated``
        and ``truncated`` are, where they are not as they should be.
    """

    num_envs = 2
    single_observation_space = Box([0.0], [9.0])
    single_action_space = Discrete(2)

    def __init__(self, *mode, **out):
        self.metadata = {"autoreset_mode": mode[0]} if mode else {}
        no = np.zeros(2, dtype=bool)
        fine = {"first": np.zeros((2, 1)), "observation": np.zeros((2, 1)), "reward": np.zeros(2)}
        self.out = {**fine, "terminated": no, "truncated": no, **out}

    def reset(self, seed=None, options=None):
        return self.out["first"], {}

    def step(self, actions):
        names = ("observation", "reward", "terminated", "truncated")
        return *(self.out[name] for name in names), {}


class Factory:
    """Makes :class:`Single` environments; the one of number ``row`` fails."""

    def __init__(self, environment, row=None, fail_at=None, error=None):
        self.environment, self.row, self.fail_at = environment, row, fail_at
        self.error, self.made, self.log = error, 0, []

    def __call__(self):
        at = self.fail_at if self.made == self.row else None
        self.made += 1
        return Single(self.environment, self.log, at, self.error)

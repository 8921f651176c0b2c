"""Environments that natfit made are closed, each once; those of users stay open."""

import functools
import gc
import pickle

import joblib
import numpy as np
import pytest
from joblib import parallel_config
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from natfit import NaturalPolicyEstimator
from natfit.rl import EnvironmentFailure, OneByOne
from natfit.rl.environments import LQR, CartPole
from tests.estimators.test_policy_resume import Callback, same
from tests.rl.worlds import Single


class Counted(Single):
    """Counts what is opened and closed; a copy that was made by pickle or copy is the same one."""

    opened, closed = 0, []

    def __init__(self, length=500, fail_at=None, error=None, spaces=True):
        super().__init__(CartPole(), fail_at=fail_at, error=error)
        Counted.opened += 1
        self.number, self.shut = Counted.opened, False
        if not spaces:
            del self.action_space

    def step(self, action):
        assert not self.shut
        return super().step(action)

    def close(self):
        assert not self.shut
        self.shut = True
        Counted.closed.append(self.number)


class Rows:
    """A vector environment that is counted as one."""

    num_envs = 2
    metadata = {"autoreset_mode": "Disabled"}

    def __init__(self):
        self.inner = OneByOne([Single(CartPole()) for _ in range(2)])
        self.single_observation_space = self.inner.observation_space
        self.single_action_space = self.inner.action_space
        Counted.opened += 1
        self.number, self.shut = Counted.opened, False
        self.rows = [Single(CartPole()) for _ in range(2)]

    close = Counted.close

    def reset(self, seed=None, options=None):
        mask = (options or {}).get("reset_mask", np.ones(2, dtype=bool))
        self.seen = [
            e.reset(seed=seed)[0] if begin else seen
            for e, begin, seen in zip(
                self.rows, mask, getattr(self, "seen", [None] * 2), strict=True
            )
        ]
        return np.array(self.seen), {}

    def step(self, actions):
        assert not self.shut
        outs = [e.step(a) for e, a in zip(self.rows, actions, strict=True)]
        self.seen = [out[0] for out in outs]
        return *(np.array(part) for part in list(zip(*outs, strict=True))[:4]), {}


def own_rows():
    """Made by a factory from parts of natfit's, which do not say who owns them."""
    return OneByOne([Counted() for _ in range(3)])


#: What makes environments: each is given as ``env``.
MADE = {
    "class": {"env": Counted, "n_envs": 3},
    "factory": {"env": functools.partial(Counted, 100), "n_envs": 3},
    "options": {"env": Counted, "env_kwargs": {"length": 50}, "n_envs": 2},
    "lambda": {"env": lambda: Counted(), "n_envs": 2},
    "vector": {"env": Rows},
    "rows": {"env": own_rows},
}


@pytest.fixture(autouse=True)
def count():
    Counted.opened, Counted.closed = 0, []


def agent(kind="class", **options):
    fixed = {"policy": "linear", "max_iter": 3, "batch_size": 60, "random_state": 5}
    return NaturalPolicyEstimator(**{**fixed, **(MADE[kind] if kind else {}), **options})


def assert_closed():
    """Assert that all that was opened is closed, once."""
    assert Counted.opened > 0
    assert sorted(Counted.closed) == list(range(1, Counted.opened + 1))


@pytest.mark.parametrize("kind", MADE)
def test_after_a_fit_a_score_and_another_fit(kind):
    model = agent(kind).fit()
    assert_closed()
    model.score([1])
    assert_closed()
    model.evaluate(3, greedy=False)
    model.fit()
    assert_closed()


@pytest.mark.parametrize("kind", MADE)
@pytest.mark.parametrize("end", ["close", "with", "garbage", "fit", "cold", "seeds"])
def test_a_warm_start_holds_them_until_its_end(kind, end):
    model = agent(kind, warm_start=True).fit()
    assert Counted.closed == []
    opened = Counted.opened
    model.set_params(max_iter=4).fit()
    assert (Counted.opened, Counted.closed) == (opened, [])
    model.set_params(max_iter=5)
    if end == "close":
        model.close()
        model.close()
    elif end == "with":
        with model as same_model:
            assert same_model is model
    elif end == "garbage":
        del model
    elif end == "seeds" and kind not in ("vector",):
        model.fit([1, 2])
        assert sorted(Counted.closed) == list(range(1, opened + 1))
        model.close()
    else:
        model.set_params(warm_start=False).fit()
    assert_closed()


@pytest.mark.parametrize("kind", MADE)
def test_after_close(kind):
    model = agent(kind, warm_start=True).fit()
    theta = model.theta_.copy()
    model.close()
    assert model.predict(np.zeros((2, 4))).shape == (2,)
    assert np.isfinite(model.score([1]))
    model.set_params(max_iter=4).fit()
    assert model.n_iter_ == len(model.history_["kl"]) == 4
    assert not np.array_equal(model.theta_, theta)
    model.close()
    assert_closed()


@pytest.mark.parametrize("warm", [True, False])
def test_closing_does_not_change_what_follows(warm):
    whole = agent(max_iter=5).fit()
    model = agent(warm_start=warm).fit()
    same(model.set_params(warm_start=True, max_iter=5).fit(), whole)


@pytest.mark.parametrize("warm", [True, False])
@pytest.mark.parametrize("error", [ZeroDivisionError("broken"), KeyboardInterrupt()])
@pytest.mark.parametrize("at", [3, 50])
def test_after_an_error_in_an_environment(warm, error, at):
    """In the first update, or in a later one."""
    model = agent(env_kwargs={"fail_at": at, "error": error}, warm_start=warm)
    with pytest.raises((EnvironmentFailure, KeyboardInterrupt)):
        model.fit()
    assert_closed()
    if at == 50:
        model.set_params(env_kwargs={"fail_at": 3, "error": error})
        with pytest.raises((EnvironmentFailure, KeyboardInterrupt)):
            model.score([1])
        assert_closed()


@pytest.mark.parametrize("warm", [True, False])
@pytest.mark.parametrize("when", ["setup", "update"])
def test_after_an_error_in_a_callback(warm, when):
    callback = Callback(KeyboardInterrupt(), at=2)
    if when == "setup":
        callback.setup = callback.on_fit_task_end = lambda *args, **kwargs: 1 / 0
    model = agent(warm_start=warm).set_callbacks(callback)
    with pytest.raises((KeyboardInterrupt, ZeroDivisionError)):
        model.fit()
    assert_closed()


@pytest.mark.parametrize(
    "options",
    [
        {"discount": 2.0},
        {"policy": "unknown"},
        {"env_kwargs": {"spaces": False}},
        {"env": lambda: Counted(spaces=Counted.opened < 1)},
    ],
)
def test_after_a_wrong_option(options):
    with pytest.raises((ValueError, TypeError)):
        agent(**options).fit()
    assert_closed()


def test_after_a_factory_that_fails():
    def factory():
        if Counted.opened == 2:
            raise OSError("no third")
        return Counted()

    model = agent(env=factory, n_envs=3)
    with pytest.raises(OSError, match="no third"):
        model.fit()
    assert_closed()


def test_a_wrong_option_closes_nothing_of_the_fit_before():
    model = agent(warm_start=True).fit()
    with pytest.raises(ValueError, match="discount"):
        model.set_params(discount=2.0, max_iter=5).fit()
    assert Counted.closed == []
    same(model.set_params(discount=0.99).fit(), agent(max_iter=5).fit())
    model.close()
    assert_closed()


@pytest.mark.parametrize("kind", ["class", "factory", "vector"])
def test_logged_episodes_need_only_the_spaces(kind):
    model = agent(kind)
    n, rng = 40, np.random.default_rng(0)
    observations, actions = rng.normal(size=(n, 4)), rng.integers(2, size=n)
    model.fit_logged(observations, actions, rng.normal(size=n), np.arange(n), np.full(n, -0.7))
    assert_closed()


@pytest.mark.parametrize("kind", ["class", "vector", "rows"])
def test_copies_and_clones(kind):
    model = agent(kind, warm_start=True).fit()
    other = pickle.loads(pickle.dumps(model))
    clone(model).close()
    del other
    # What was stored is not open, so that nothing but the model itself closes anything.
    assert Counted.closed == []
    model.close()
    assert_closed()


@pytest.mark.parametrize("backend", ["threading", pytest.param("loky", marks=pytest.mark.slow)])
def test_with_several_jobs(backend):
    with parallel_config(backend):
        model = agent(n_jobs=2).fit()
        assert_closed()
        model.set_params(warm_start=True, max_iter=4).fit()
        model.score([1, 2, 3])
        model.close()
    if backend == "threading":
        same(model, agent(max_iter=4).fit())


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("warm", [True, False])
def test_in_a_grid_search(n_jobs, warm):
    model = agent("factory", warm_start=warm, max_iter=1)
    grid = {"env_kwargs": [{"length": 10}, {"length": 20}], "env": [Counted]}
    with parallel_config("threading"):
        search = GridSearchCV(model, grid, cv=2, n_jobs=n_jobs).fit(np.arange(4))
    assert search.best_estimator_.env_kwargs in grid["env_kwargs"]
    search.best_estimator_.close()
    gc.collect()
    assert_closed()


# ------------------------------------------------------------------------ of users


GIVEN = {
    "object": lambda: {"env": Counted(), "n_envs": 1},
    "vector": lambda: {"env": Rows()},
    "rows": lambda: {"env": OneByOne([Counted() for _ in range(2)])},
    "owned rows": lambda: {"env": OneByOne([Counted() for _ in range(2)], owned=True)},
}


@pytest.mark.parametrize("warm", [True, False])
@pytest.mark.parametrize("kind", GIVEN)
def test_objects_of_users_are_never_closed(kind, warm):
    options = GIVEN[kind]()
    with agent(None, **options, warm_start=warm) as model:
        model.fit()
        model.score([1])
        model.set_params(warm_start=True, max_iter=4).fit().set_params(warm_start=False).fit()
    with pytest.raises(ValueError, match="discount"):
        model.set_params(discount=2.0).fit()
    model.set_params(discount=0.9).set_callbacks(Callback(KeyboardInterrupt(), at=1))
    with pytest.raises(KeyboardInterrupt):
        model.fit()
    del model
    assert Counted.closed == []


def test_the_original_of_copies_is_not_closed():
    env = Counted()
    model = agent(None, env=env, n_envs=3).fit()
    model.score([1])
    assert not env.shut
    # Three copies of a training, and two of an evaluation.
    assert Counted.closed == [1] * 5


# ------------------------------------------------------------------------ env_kwargs


def test_env_kwargs_reach_what_is_made():
    pytest.importorskip("gymnasium")
    options = {"policy": "linear", "max_iter": 1, "batch_size": 40, "random_state": 0}
    for env, name, of in (
        ("lqr", "time_limit", lambda e: e.environment.time_limit),
        (LQR, "time_limit", lambda e: e.environment.time_limit),
        ("gymnasium:CartPole-v1", "max_episode_steps", lambda e: e.environments[0].spec.max_episode_steps),
        ("Pendulum-v1", "g", lambda e: e.environments[0].unwrapped.g),
    ):  # fmt: skip
        model = NaturalPolicyEstimator(env, env_kwargs={name: 17}, warm_start=True, **options)
        with model.fit():
            assert of(model._state.env) == 17
            assert of(model._evaluation_environment(2)[0]) == 17


def test_other_env_kwargs_begin_new_episodes():
    model = agent("options", warm_start=True).fit()
    model.set_params(env_kwargs={"length": 49}, max_iter=4).fit()
    assert sorted(Counted.closed) == [1, 2]
    model.close()
    same_value = agent("options", warm_start=True).fit()
    opened = Counted.opened
    same_value.set_params(env_kwargs={"length": 50}, max_iter=4).fit()
    assert Counted.opened == opened
    same_value.close()


@pytest.mark.parametrize(
    ("env", "kwargs", "error", "match"),
    [
        ("lqr", {"time_limits": 3}, TypeError, "did you mean 'time_limit'.*'noise'"),
        ("cartpole", {"length": 3}, TypeError, "'length'.*'cartpole'.*no keyword arguments"),
        (LQR, {"x": 3}, TypeError, "'x'.*'lqr' does not take.*'time_limit'"),
        (Counted, {"lenght": 3}, TypeError, "did you mean 'length'.*'fail_at'"),
        (lambda: Counted(), {"length": 3}, TypeError, "no keyword arguments"),
        ("gymnasium:CartPole-v1", {"gravity": 3}, TypeError, "'gravity'.*'render_mode'"),
        ("CartPole-v1", {"gravity": 3}, TypeError, "'gravity'.*'render_mode'"),
        (Single(CartPole()), {"x": 3}, ValueError, "env_kwargs must be None.*made already"),
        (LQR(), {"noise": 3}, ValueError, "env_kwargs must be None.*'lqr'"),
        (OneByOne([Single(CartPole())]), {"x": 3}, ValueError, "env_kwargs must be None"),
        ("lqr", [("noise", 3)], TypeError, "env_kwargs must be None or a dict"),
        ("lqr", {3: 3}, TypeError, "env_kwargs must be None or a dict"),
    ],
)
def test_env_kwargs_that_cannot_be_used(env, kwargs, error, match):
    if isinstance(env, str) and "CartPole" in env:
        pytest.importorskip("gymnasium")
    model = NaturalPolicyEstimator(env, "linear", env_kwargs=kwargs, max_iter=1)
    before = dict(vars(model))
    with pytest.raises(error, match=match):
        model.fit()
    assert vars(model) == before


# ------------------------------------------------------------------------ factories, stored


@pytest.mark.parametrize(
    "options",
    [
        {"env": lambda: Counted()},
        {"env_kwargs": {"error": lambda: None}},
        {"env": Single(CartPole(), log=(i for i in range(3))), "n_envs": 1},
    ],
    ids=["factory", "env_kwargs", "object"],
)
@pytest.mark.parametrize("fitted", [True, False])
@pytest.mark.parametrize("store", [pickle.dumps, joblib.hash, "dump"])
def test_what_cannot_be_pickled_says_what_to_do(options, fitted, store, tmp_path):
    model = agent(**options)
    if fitted:
        model.env = Counted
        model.fit()
        model.env = options.get("env", Counted)
    with pytest.raises(pickle.PicklingError, match="module-level function.*functools.partial.*id"):
        joblib.dump(model, tmp_path / "x") if store == "dump" else store(model)
    if not isinstance(model.env, Single):
        clone(model)


def test_a_factory_in_processes_of_multiprocessing_says_what_to_do():
    model = agent("lambda", max_iter=1)
    with (
        parallel_config("multiprocessing"),
        pytest.raises(pickle.PicklingError, match="module-level function.*functools.partial"),
    ):
        GridSearchCV(model, {"discount": [0.9, 0.99]}, cv=2, n_jobs=2).fit(np.arange(4))


@pytest.mark.slow
def test_processes_that_send_code_take_a_lambda():
    model = NaturalPolicyEstimator(
        lambda: LQR(time_limit=5), "linear", max_iter=1, batch_size=20, random_state=0
    )
    search = GridSearchCV(model, {"discount": [0.9, 0.99]}, cv=2, n_jobs=2).fit(np.arange(4))
    assert np.isfinite(search.best_score_)

"""A fit that was stored, resumed or interrupted has the same bits as one that was not."""

import io
import pickle

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from natfit import NaturalPolicyEstimator
from natfit.rl import EnvironmentFailure, make_environment
from natfit.rl.environments import CartPole, Pendulum
from tests.rl.worlds import Factory, Single, Walk

TIMES = ("seconds_rollout", "seconds_update")


def agent(env="cartpole", **options):
    return NaturalPolicyEstimator(
        env, **{"policy": "linear", "max_iter": 4, "batch_size": 120, "random_state": 5, **options}
    )


def same(a, b):
    """Assert that two fits are equal bit for bit, except for wall times."""
    assert a.theta_.tobytes() == b.theta_.tobytes()
    assert set(a.history_) == set(b.history_)
    for name in set(a.history_) - set(TIMES):
        assert_array_equal(a.history_[name], b.history_[name], err_msg=name)
    assert list(a.history_.notes) == list(b.history_.notes)
    assert (a.n_iter_, a.n_env_steps_, a.status_) == (b.n_iter_, b.n_env_steps_, b.status_)


class Callback:
    """Raises or stops after some updates."""

    def __init__(self, error=None, at=1):
        self.error, self.at, self.count = error, at, 0

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(
        self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None
    ):
        if context.parent is None:
            return False
        self.count += 1
        if self.count == self.at and self.error is not None:
            raise self.error
        return self.count == self.at


# --------------------------------------------------------------------------- same seeds


@pytest.mark.parametrize("policy", ["linear", "mlp"])
@pytest.mark.parametrize("unit", ["steps", "episodes"])
def test_the_same_seed_twice(policy, unit):
    options = {"policy": policy, "batch_unit": unit, "batch_size": 120 if unit == "steps" else 6}
    first, second = (agent(**options).fit() for _ in range(2))
    same(first, second)
    again = clone(first).fit()
    same(first, again)
    other = agent(random_state=6, **options).fit()
    assert not np.array_equal(other.theta_, first.theta_)


@pytest.mark.parametrize("seed", [np.random.RandomState, np.random.default_rng])
def test_generators_are_seeds_too(seed):
    same(agent(random_state=seed(3)).fit(), agent(random_state=seed(3)).fit())
    one = seed(3)
    first, second = agent(random_state=one).fit(), agent(random_state=one).fit()
    assert not np.array_equal(first.theta_, second.theta_)


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["steps", "episodes"])
@pytest.mark.parametrize("X", [None, np.arange(7)])
def test_processes_do_not_matter(unit, X):
    pytest.importorskip("gymnasium")
    options = {
        "n_envs": 4, "batch_unit": unit, "batch_size": 120 if unit == "steps" else 7, "max_iter": 3,
    }  # fmt: skip
    one, two = (agent("gymnasium:CartPole-v1", n_jobs=j, **options).fit(X) for j in (1, 2))
    same(one, two)


# ---------------------------------------------------------------------- stored, gone on


def by_pickle(model):
    return pickle.loads(pickle.dumps(model))


def by_joblib(model):
    file = io.BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    return joblib.load(file)


def in_memory(model):
    return model


ENVS = ["cartpole", "pendulum", "two_state", "gymnasium:CartPole-v1"]


@pytest.mark.parametrize("store", [by_pickle, by_joblib, in_memory])
@pytest.mark.parametrize("env", ENVS)
@pytest.mark.parametrize("normalize", [True, False])
def test_a_fit_that_is_gone_on_is_one_that_never_stopped(store, env, normalize):
    options = {"normalize_observations": normalize}
    whole = agent(env, max_iter=6, **options).fit()
    part = store(agent(env, max_iter=3, **options).fit())
    # The seed is not read again.
    part.set_params(max_iter=6, warm_start=True, random_state=None)
    same(part.fit(), whole)


@pytest.mark.parametrize("env", ["cartpole", "gymnasium:CartPole-v1"])
@pytest.mark.parametrize("unit", ["steps", "episodes"])
@pytest.mark.parametrize("X", [None, [3, 1, 4], np.arange(40)], ids=["none", "few", "many"])
@pytest.mark.parametrize("options", [{}, {"policy": "mlp", "baseline": "mlp"}], ids=["a", "b"])
def test_with_seeds_and_whole_episodes(env, unit, X, options):
    options = options | {"batch_unit": unit, "batch_size": 120 if unit == "steps" else 9}
    whole = agent(env, **options).fit(X)
    part = by_pickle(agent(env, max_iter=2, **options).fit(X))
    # A score in between changes nothing.
    part.score(range(3))
    same(part.set_params(max_iter=4, warm_start=True).fit(X), whole)


def test_other_seeds_begin_new_episodes():
    log = []
    model = agent(lambda: Single(CartPole(), log), n_envs=2, max_iter=2).fit([1, 2])
    log.clear()
    model.set_params(warm_start=True, max_iter=4).fit([8, 9])
    assert model.n_iter_ == 4
    assert {seed for what, seed in log if what == "reset"} == {8, 9}


def test_a_warm_start_that_has_nothing_to_do():
    model = agent().fit()
    theta = model.theta_.copy()
    model.set_params(warm_start=True).fit()
    assert_array_equal(model.theta_, theta)
    assert (model.n_iter_, model.status_) == (4, "max_iter")


def test_a_warm_start_of_nothing_is_a_cold_one():
    same(agent(warm_start=True).fit(), agent().fit())


def test_a_cold_start_forgets():
    model = agent().fit()
    kept = by_pickle(model)
    same(model.fit(), kept)


@pytest.mark.parametrize(
    "change", [{"policy": "mlp"}, {"env": "pendulum"}, {"env": "two_state"}, {"policy": "constant"}]
)
def test_a_warm_start_of_something_else_is_refused(change):
    model = agent().fit()
    theta, history = model.theta_.copy(), model.history_
    model.set_params(warm_start=True, max_iter=6, **change)
    with pytest.raises(ValueError, match="warm_start=True needs"):
        model.fit()
    assert_array_equal(model.theta_, theta)
    assert model.history_ is history
    assert (model.n_iter_, model.status_) == (4, "max_iter")


def test_another_environment_of_the_same_spaces_is_played():
    """The policy goes on, in the environment that is given."""
    log = []
    model = agent(CartPole()).fit()
    model.set_params(env=lambda: Single(CartPole(), log), warm_start=True, max_iter=5).fit()
    assert model.n_iter_ == 5
    assert log


def test_environments_that_do_not_pickle_begin_anew():
    class Local(Single):
        pass

    model = agent(lambda: Local(CartPole())).fit()
    model.env = "cartpole"
    again = pickle.loads(pickle.dumps(model))
    assert_array_equal(again.theta_, model.theta_)
    again.set_params(warm_start=True, max_iter=5).fit()
    assert again.n_iter_ == 5


# ------------------------------------------------------------------------ interruptions


@pytest.mark.parametrize("error", [ZeroDivisionError("broken"), KeyboardInterrupt()])
def test_an_environment_that_raises_in_a_later_update(error):
    """In the third update of 30 steps in each of 4 rows."""
    factory = Factory(CartPole(), row=2, fail_at=75, error=error)
    model = agent(factory, n_envs=4)
    if isinstance(error, KeyboardInterrupt):
        with pytest.raises(KeyboardInterrupt):
            model.fit()
    else:
        with pytest.raises(EnvironmentFailure, match="row 2.*ZeroDivisionError: broken") as info:
            model.fit()
        assert info.value.__cause__ is error
    assert (model.status_, model.n_iter_, model.n_env_steps_) == ("interrupted", 2, 240)
    assert "warm_start" in model.message_
    assert len(model.history_["kl"]) == 2
    assert model.predict(np.zeros((3, 4))).shape == (3,)
    whole = agent(Factory(CartPole()), n_envs=4, max_iter=2).fit()
    assert_array_equal(model.theta_, whole.theta_)
    # The factory makes ones that work from now on.
    model.set_params(warm_start=True).fit()
    assert (model.status_, model.n_iter_) == ("max_iter", 4)
    assert_array_equal(model.history_["env_steps"], [120, 240, 360, 480])


@pytest.mark.parametrize("error", [ZeroDivisionError("broken"), KeyboardInterrupt()])
def test_a_failure_in_the_first_update_leaves_nothing(error):
    model = agent(Factory(CartPole(), row=0, fail_at=3, error=error), n_envs=2)
    with pytest.raises((EnvironmentFailure, KeyboardInterrupt)):
        model.fit()
    with pytest.raises(NotFittedError):
        check_is_fitted(model)
    with pytest.raises(NotFittedError):
        model.predict(np.zeros((1, 4)))
    assert not [name for name in vars(model) if name.endswith("_")]
    assert model.fit().status_ == "max_iter"


@pytest.mark.parametrize("error", [ZeroDivisionError("broken"), KeyboardInterrupt()])
def test_a_failure_in_the_first_update_of_a_second_fit(error):
    """The first fit stays complete: it can be used, and a warm start can go on from it."""
    factory = Factory(CartPole())
    model = agent(factory, n_envs=2).fit()
    theta, times = model.theta_.copy(), model.history_["seconds_update"]
    factory.row, factory.fail_at, factory.error = factory.made, 3, error
    with pytest.raises((EnvironmentFailure, KeyboardInterrupt)):
        model.fit()
    assert_array_equal(model.theta_, theta)
    assert model.predict(np.zeros((1, 4))).shape == (1,)
    assert len(model.history_["kl"]) == model.n_iter_ == 4
    model.set_params(warm_start=True, max_iter=5).fit()
    assert model.n_iter_ == 5
    assert_array_equal(model.history_["seconds_update"][:4], times)
    model.score([1, 2])


def test_a_failure_in_a_warm_start_keeps_what_was_fitted():
    factory = Factory(CartPole())
    model = agent(factory, n_envs=2, warm_start=True).fit()
    theta = model.theta_.copy()
    model._state.env.environments[1].fail_at = model._state.env.environments[1].calls + 5
    model.set_params(max_iter=6)
    with pytest.raises(EnvironmentFailure, match="row 1"):
        model.fit()
    assert_array_equal(model.theta_, theta)
    assert model.n_iter_ == len(model.history_["kl"]) == 4
    model.fit()
    assert (model.status_, model.n_iter_) == ("max_iter", 6)
    assert_array_equal(np.diff(model.history_["env_steps"]), 120)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("no more")])
def test_a_callback_that_raises(error):
    model = agent()
    model.set_callbacks(Callback(error, at=2))
    with pytest.raises(type(error)):
        model.fit()
    assert model.status_ == "interrupted"
    assert model.n_iter_ == len(model.history_["kl"]) == 2
    assert_array_equal(model.theta_, agent(max_iter=2).fit().theta_)
    model.set_callbacks()
    model.set_params(warm_start=True).fit()
    assert (model.status_, model.n_iter_) == ("max_iter", 4)


def test_an_environment_that_cannot_be_made():
    def broken():
        raise OSError("no screen")

    model = agent(broken)
    before = dict(vars(model))
    with pytest.raises(OSError, match="no screen"):
        model.fit()
    assert vars(model) == before


def test_a_bad_option_after_a_fit_leaves_the_fit():
    model = agent().fit()
    theta = model.theta_
    with pytest.raises(ValueError, match="discount"):
        model.set_params(discount=2.0).fit()
    assert model.theta_ is theta
    with pytest.raises(ValueError, match="X must"):
        model.set_params(discount=0.9).fit([1.5])
    assert model.theta_ is theta
    model.set_params(warm_start=True, max_iter=5).fit()
    assert model.n_iter_ == 5


def test_scores_do_not_disturb_a_training_in_the_same_object():
    """One environment object is trained in and scored in: the training begins new episodes."""
    env = make_environment(lambda: Single(Walk()), 3)
    model = agent(env).fit()
    model.score([1, 2, 3, 4])
    model.set_params(warm_start=True, max_iter=6).fit()
    assert model.n_iter_ == 6
    one = Single(Pendulum())
    model = agent(one, n_envs=1, batch_size=300).fit()
    model.score([1])
    model.set_params(warm_start=True, max_iter=5).fit()
    assert model.n_iter_ == 5

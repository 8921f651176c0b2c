"""The estimator that callbacks see is whole: it goes on bit for bit, and it is evaluated."""

import copy
import functools
import gc
import pickle

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone

from natfit import NaturalPolicyEstimator
from natfit.estimators._policy_presets import PRESETS
from natfit.rl import Checkpoint, EvaluateEvery, OneByOne, restore
from natfit.rl.environments import LQR, CartPole
from tests.estimators.test_policy_resume import same
from tests.rl.worlds import Single


class Look:
    """Does something with the estimator after some update."""

    def __init__(self, see, at=2):
        self.see, self.at, self.seen = see, at, []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        if context.task_name == "iteration" and fitted_estimator.n_iter_ == self.at:
            self.seen.append(self.see(fitted_estimator))


def make(length=50):
    return Single(LQR(time_limit=length))


def pole():
    return Single(CartPole())


def single():
    return {"env": pole(), "n_envs": 1}


def vector():
    return {"env": OneByOne([pole() for _ in range(3)])}


def sync():
    gymnasium = pytest.importorskip("gymnasium")
    one = functools.partial(gymnasium.make, "CartPole-v1")
    return {"env": gymnasium.vector.SyncVectorEnv([one, one])}


def by_id():
    pytest.importorskip("gymnasium")
    return {"env": "gymnasium:CartPole-v1", "n_envs": 3}


#: Each returns the options of an environment, a new object each time.
KINDS = {
    "name": lambda: {"env": "cartpole"},
    "built in": lambda: {"env": LQR(time_limit=20)},
    "name, options": lambda: {"env": "lqr", "env_kwargs": {"time_limit": 20}},
    "id": by_id,
    "object": single,
    "copies": lambda: {"env": pole(), "n_envs": 3},
    "rows": vector,
    "vector": sync,
    "factory": lambda: {"env": pole, "n_envs": 2},
    "factory, options": lambda: {"env": make, "env_kwargs": {"length": 20}, "n_envs": 2},
}
PLAYED_ITSELF = ("object", "rows", "vector")


def agent(kind, preset="trpo", **options):
    fixed = {"policy": "linear", "max_iter": 4, "batch_size": 60, "random_state": 5}
    return NaturalPolicyEstimator.preset(preset, **{**fixed, **KINDS[kind](), **options})


def seen_at(model, see, at=2):
    """What a callback makes of the estimator after an update, and the fit itself."""
    look = Look(see, at)
    model.set_callbacks(look).fit()
    return look.seen[0]


def stored(model):
    return pickle.loads(pickle.dumps(model))


# ----------------------------------------------------------------------------- goes on


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("store", [stored, copy.deepcopy], ids=["pickle", "deepcopy"])
def test_a_copy_made_in_a_callback_goes_on_bit_for_bit(kind, store):
    whole = agent(kind).fit()
    part = seen_at(agent(kind), store)
    assert part.n_iter_ == 2
    same(part.set_params(warm_start=True).fit(), whole)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("unit", ["steps", "episodes"])
@pytest.mark.parametrize("X", [None, [3, 1, 4]], ids=["none", "seeds"])
def test_with_presets_seeds_and_whole_episodes(preset, unit, X):
    options = {"batch_unit": unit, "batch_size": 128 if unit == "steps" else 5}
    whole = agent("factory, options", preset, **options).fit(X)
    look = Look(pickle.dumps)
    watched = agent("factory, options", preset, **options).set_callbacks(look).fit(X)
    same(watched, whole)
    part = pickle.loads(look.seen[0]).set_params(warm_start=True, random_state=None)
    same(part.fit(X), whole)


@pytest.mark.parametrize("kind", ["name", "id", "copies"])
def test_the_fit_itself_may_be_one_that_goes_on(kind):
    whole = agent(kind, max_iter=6).fit()
    model = agent(kind, max_iter=2, warm_start=True).fit()
    part = seen_at(model.set_params(max_iter=6), stored, at=4)
    same(model, whole)
    same(part.fit(), whole)


def test_an_estimator_that_a_callback_only_kept_begins_new_episodes():
    """Its episodes were played on; what it has learnt is that of its update."""
    kept = seen_at(agent("id"), lambda fitted: fitted)
    assert_array_equal(kept.theta_, agent("id", max_iter=2).fit().theta_)
    kept.set_params(warm_start=True).fit()
    assert (kept.n_iter_, len(kept.history_["kl"])) == (4, 4)


def test_the_last_estimator_of_a_callback_goes_on_without_the_training():
    whole = agent("id", max_iter=6).fit()
    model = agent("id", warm_start=True)
    last = seen_at(model, lambda fitted: fitted, at=4)
    last.set_params(max_iter=6).fit()
    same(last, whole)
    same(model.set_callbacks().set_params(max_iter=6).fit(), whole)


def test_what_is_stored_holds_no_callbacks():
    """Else each would hold those stored before it."""
    sizes = []

    class Local(Look):
        def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
            self.seen.append(pickle.dumps(fitted_estimator))
            self.seen.append(pickle.dumps(estimator))
            sizes.append(len(self.seen[-2]))

    agent("name", max_iter=6).set_callbacks(Local(None)).fit()
    assert sizes[-1] < 1.5 * sizes[0]


# --------------------------------------------------------------------------- is whole


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_callback_sees_is_a_fitted_estimator(kind):
    def see(fitted):
        names = {name for name in vars(fitted) if name.endswith("_") and name[0] != "_"}
        return (
            names,
            fitted.n_iter_,
            fitted.n_env_steps_,
            len(fitted.history_["kl"]),
            fitted.status_,
        )

    model = agent(kind)
    names, n_iter, steps, rows, status = seen_at(model, see)
    assert names == {name for name in vars(model) if name.endswith("_") and name[0] != "_"}
    assert (n_iter, steps, rows) == (2, model.history_["env_steps"][1], 2)
    assert status == "stopped_by_callback"


@pytest.mark.parametrize("kind", KINDS)
def test_evaluations_in_a_callback_do_not_disturb(kind):
    def see(fitted):
        fitted.predict(np.zeros((1, fitted.n_features_in_)))
        return fitted.score([3]), fitted.evaluate(2, greedy=False).mean

    whole = agent(kind).fit()
    watched = agent(kind)
    scores = seen_at(watched, see)
    assert np.isfinite(scores).all()
    same(watched, whole)
    # As a fit that ended there, whatever object it plays in.
    assert scores == see(agent(kind, max_iter=2).fit()) or kind == "vector"


@pytest.mark.parametrize("kind", PLAYED_ITSELF)
def test_an_object_that_cannot_be_copied_is_not_disturbed(kind):
    class Bound(Single):
        def __reduce_ex__(self, protocol):
            raise RuntimeError("bound to a port")

    whole = agent(kind).fit()
    options = KINDS[kind]()
    if kind == "object":
        options["env"] = Bound(CartPole())
    elif kind == "rows":
        options["env"] = OneByOne([Bound(CartPole()) for _ in range(3)])
    else:
        options["env"].__class__.__reduce_ex__ = Bound.__reduce_ex__
    try:
        model = agent(kind, **options)

        def see(fitted):
            with pytest.raises(ValueError, match="bound to a port.*pass another one as env="):
                fitted.score([1])
            return True

        assert seen_at(model, see)
        same(model, whole)
        other = agent(kind, **options).set_callbacks(EvaluateEvery(1, env="cartpole", seeds=[1]))
        same(other.fit(), whole)
    finally:
        if kind == "vector":
            del options["env"].__class__.__reduce_ex__


def test_processes_of_a_vector_environment_survive_an_evaluation():
    """A copy of some of its parts would close the pipes of the training."""
    gymnasium = pytest.importorskip("gymnasium")
    one = functools.partial(gymnasium.make, "CartPole-v1")
    env = gymnasium.vector.AsyncVectorEnv([one, one])

    def see(fitted):
        with pytest.raises(ValueError, match="pass another one as env="):
            fitted.score([1])
        for store in (copy.deepcopy, pickle.dumps):
            with pytest.raises((ValueError, pickle.PicklingError)):
                store(fitted)
        gc.collect()
        return True

    try:
        model = agent("name", env=env)
        assert seen_at(model, see)
        same(model, agent("vector").fit())
    finally:
        env.close()


@pytest.mark.parametrize("kind", KINDS)
def test_the_estimator_of_a_warm_start_is_evaluated_without_harm(kind):
    """In a callback, the estimator that is fitted still has the results of the fit before."""

    class Self(Look):
        def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
            self.seen.append(estimator.score([1]) if context.task_name == "iteration" else 0)

    whole = agent(kind).fit()
    part = agent(kind, max_iter=2, warm_start=True).fit()
    same(part.set_params(max_iter=4).set_callbacks(Self(None)).fit(), whole)


class Anew:
    """What gymnasium.utils.EzPickle does: made anew from its arguments when it is read."""

    def __init__(self, *args):
        self._ezpickle_args = args

    def __getstate__(self):
        return {"_ezpickle_args": self._ezpickle_args}

    def __setstate__(self, state):
        self.__dict__.update(type(self)(*state["_ezpickle_args"]).__dict__)


class Simulator(Anew, Single):
    def __init__(self):
        Single.__init__(self, CartPole())
        Anew.__init__(self)


class Wrapped:
    """A wrapper of Gymnasium's form."""

    def __init__(self):
        self.env = Simulator()
        self.observation_space, self.action_space = (
            CartPole.observation_space,
            CartPole.action_space,
        )

    def reset(self, seed=None):
        return self.env.reset(seed=seed)

    def step(self, action):
        return self.env.step(action)


ANEW = {
    "class": lambda: {"env": Wrapped, "n_envs": 3},
    "copies": lambda: {"env": Wrapped(), "n_envs": 3},
    "object": lambda: {"env": Simulator(), "n_envs": 1},
    "rows": lambda: {"env": OneByOne([Wrapped() for _ in range(3)])},
}


@pytest.mark.parametrize("kind", ANEW)
@pytest.mark.parametrize("store", [stored, copy.deepcopy], ids=["pickle", "deepcopy"])
def test_environments_that_a_pickle_makes_anew_begin_new_episodes(kind, store):
    """They would step on from a state that no observation has shown."""
    fixed = {"policy": "linear", "batch_size": 60, "random_state": 5}
    model = NaturalPolicyEstimator(**fixed, **ANEW[kind](), max_iter=4)
    part = seen_at(model, store)
    assert part._state.env is None
    assert part.set_params(warm_start=True).fit().n_iter_ == 4


@pytest.mark.slow
def test_episodes_that_a_pickle_ends_stay_in_one_process():
    fixed = {"policy": "linear", "batch_size": 60, "random_state": 5, "max_iter": 3}
    one, two = (NaturalPolicyEstimator(Wrapped, n_jobs=j, **fixed).fit() for j in (1, 2))
    same(one, two)


# ------------------------------------------------------------------------ checkpoints


@pytest.mark.parametrize("kind", KINDS)
def test_a_checkpoint_goes_on_bit_for_bit(kind, tmp_path):
    whole = agent(kind).fit()
    file = tmp_path / "runs" / "agent.pkl"
    agent(kind, max_iter=3).set_callbacks(Checkpoint(file, every=2, keep_last=2)).fit()
    newest = restore(file)
    assert newest.n_iter_ == 3 and newest.warm_start
    same(newest.set_params(max_iter=4).fit(), whole)
    same(restore(tmp_path / "runs" / "agent-00000002.pkl").set_params(max_iter=4).fit(), whole)


def test_an_interrupted_training_goes_on_from_its_checkpoint(tmp_path):
    file = str(tmp_path / "agent.pkl")

    def stop(fitted):
        raise KeyboardInterrupt

    model = agent("id", max_iter=6).set_callbacks(Checkpoint(file, every=2), Look(stop, at=3))
    with pytest.raises(KeyboardInterrupt):
        model.fit()
    same(restore(file).fit(), agent("id", max_iter=6).fit())


@pytest.mark.parametrize("env", ["two_state", "pendulum", "lqr"])
def test_a_checkpoint_of_another_environment(env, tmp_path):
    agent("name").set_callbacks(Checkpoint(tmp_path / "a.pkl")).fit()
    other = restore(tmp_path / "a.pkl").set_params(env=env, max_iter=5)
    with pytest.raises(ValueError, match="checkpoint.*env have changed .*_space was .* and is"):
        other.fit()
    assert other.n_iter_ == 4


@pytest.mark.parametrize("store", [pickle.dumps, copy.copy, clone], ids=["pickle", "copy", "clone"])
def test_other_copies_still_work(store, tmp_path):
    model = agent("id", warm_start=True).fit()
    other = store(model)
    if store is clone:
        assert not hasattr(other, "theta_")
        return
    other = pickle.loads(other) if store is pickle.dumps else other
    whole = agent("id", max_iter=6).fit()
    same(other.set_params(max_iter=6).fit(), whole)
    same(model.set_params(max_iter=6).fit(), whole)
    joblib.dump(model, tmp_path / "model")
    assert joblib.load(tmp_path / "model").n_iter_ == 6

"""Callbacks of trainings: evaluation, the best estimator, an early end, checkpoints."""

import os
import pickle

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.model_selection import GridSearchCV

import natfit
from natfit import NaturalMLE, NaturalPolicyEstimator
from natfit.rl import (
    Checkpoint,
    EvaluateEvery,
    KeepBest,
    StopOnNoImprovement,
    restore,
)
from tests.estimators.test_policy_resume import same
from tests.rl.worlds import Single, Walk


def agent(env="cartpole", **options):
    fixed = {"policy": "linear", "max_iter": 6, "batch_size": 60, "random_state": 5}
    return NaturalPolicyEstimator(env, **{**fixed, **options})


# ------------------------------------------------------------------------- evaluations


@pytest.mark.parametrize("greedy", [True, False])
def test_results_are_those_of_fits_that_ended_there(greedy):
    watch = EvaluateEvery(2, seeds=[3, 1, 4], greedy=greedy)
    model = agent(max_iter=5).set_callbacks(watch).fit()
    same(model, agent(max_iter=5).fit())
    assert [row["n_iter"] for row in watch.results] == [2, 4]
    for row in watch.results:
        short = agent(max_iter=row["n_iter"]).fit()
        found = short.evaluate(seeds=[3, 1, 4], greedy=greedy)
        assert row == {
            "n_iter": short.n_iter_,
            "n_env_steps": short.n_env_steps_,
            "mean": found.mean,
            "std": found.returns.std(),
            "standard_error": found.standard_error,
            "n_episodes": 3,
        }


def test_another_environment_is_played():
    log = []
    watch = EvaluateEvery(3, env=lambda: Single(Walk(), log), n_episodes=4)
    model = agent(Walk()).set_callbacks(watch).fit()
    assert {seed for what, seed in log if what == "reset" and seed is not None} == {0, 1, 2, 3}
    assert watch.results[-1]["mean"] == model.evaluate(4).mean


@pytest.mark.parametrize("n_envs", [1, 2])
def test_the_object_of_the_training_is_given_again(n_envs):
    env = Single(Walk())
    watch = EvaluateEvery(1, env=env, n_episodes=2)
    watched = agent(env, n_envs=n_envs).set_callbacks(watch).fit()
    same(watched, agent(Single(Walk()), n_envs=n_envs).fit())
    assert len(watch.results) == 6


def test_every_fit_has_its_results_and_a_warm_start_goes_on():
    watch = EvaluateEvery(2, n_episodes=1)
    model = agent(warm_start=True, max_iter=4).set_callbacks(watch).fit()
    model.set_params(max_iter=6).fit()
    assert [row["n_iter"] for row in watch.results] == [2, 4, 6]
    model.set_params(warm_start=False).fit()
    assert [[row["n_iter"] for row in rows] for rows in watch.all_results] == [
        [2, 4], [2, 4, 6], [2, 4, 6],
    ]  # fmt: skip


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_one_callback_in_a_grid_search(n_jobs, tmp_path):
    watch = EvaluateEvery(1, n_episodes=1)
    best = KeepBest(watch)
    store = Checkpoint(tmp_path / "agent.pkl", every=2)
    model = agent(max_iter=2).set_callbacks(watch, best, store)
    with parallel_config("threading"):
        search = GridSearchCV(model, {"discount": [0.9, 0.99]}, cv=2, n_jobs=n_jobs)
        search.fit(np.arange(4))
    assert [len(rows) for rows in watch.all_results] == [2] * 5
    assert best.best_n_iter in (1, 2)
    files = sorted(os.listdir(tmp_path))
    assert len(files) == 5 and all(f.startswith("agent.") for f in files)
    # The last fit is that of the best parameters on all seeds.
    same(restore(tmp_path / files[-1]), search.best_estimator_)


# ---------------------------------------------------------------- the best, an early end


class Scripted(EvaluateEvery):
    """Evaluations that return what they are told to, in turn."""

    def evaluated(self, estimator, context, fitted):
        rows, n = self._run(estimator, context), fitted.n_iter_
        if not rows or rows[-1]["n_iter"] != n:
            rows.append({"n_iter": n, "mean": self.told[n - 1]})
        return rows[-1]


def scripted(*told):
    found = Scripted(1)
    found.told = told
    return found


def test_the_best_is_kept():
    best = KeepBest(scripted(1.0, 3.0, 2.0, 3.0, -1.0, 0.0))
    assert best.best_estimator is None
    model = agent().set_callbacks(best).fit()
    assert (best.best_score, best.best_n_iter) == (3.0, 2)
    short = agent(max_iter=2).fit()
    assert best.best_estimator.theta_.tobytes() == short.theta_.tobytes()
    assert best.best_estimator.score([1, 2]) == short.score([1, 2])
    going_on = best.best_estimator.set_params(warm_start=True, max_iter=3).fit()
    assert going_on.n_iter_ == 3
    same(model, agent().fit())


@pytest.mark.parametrize(
    ("told", "patience", "delta", "end"),
    [
        ((1, 2, 2, 2, 2, 2), 2, 0.0, 4),
        ((1, 2, 3, 4, 5, 6), 2, 0.0, None),
        ((1, 2, 3, 4, 5, 6), 2, 1.5, None),
        ((1, 2, 3, 4, 5, 6), 2, 3.0, 3),
        ((3, 2, 1, 4, 3, 2), 2, 0.0, 3),
        ((3, 2, 4, 3, 2, 1), 2, 0.0, 5),
        ((0, 0, 0, 0, 0, 0), 1, 0.0, 2),
    ],
)
def test_a_training_ends_when_nothing_rises(told, patience, delta, end):
    stop = StopOnNoImprovement(scripted(*told), patience=patience, min_delta=delta)
    model = agent().set_callbacks(stop).fit()
    assert model.n_iter_ == (6 if end is None else end)
    assert model.status_ == ("max_iter" if end is None else "stopped_by_callback")


@pytest.mark.parametrize("first", [True, False])
def test_one_evaluation_serves_several_callbacks(first, monkeypatch):
    calls = []
    played = NaturalPolicyEstimator._evaluated

    def counted(self, *args):
        calls.append(self.n_iter_)
        return played(self, *args)

    monkeypatch.setattr(NaturalPolicyEstimator, "_evaluated", counted)
    watch = EvaluateEvery(2, n_episodes=1)
    others = [KeepBest(watch), StopOnNoImprovement(watch)]
    agent().set_callbacks(*([watch, *others] if first else [*others, watch])).fit()
    assert calls == [2, 4, 6]


# ------------------------------------------------------------------------- checkpoints


@pytest.mark.parametrize("keep", [1, 2, 9])
def test_the_newest_are_kept(keep, tmp_path):
    store = Checkpoint(tmp_path / "a.pkl", every=2, keep_last=keep)
    agent(max_iter=7).set_callbacks(store).fit()
    numbered = [f"a-{n:08d}.pkl" for n in (2, 4, 6, 7)][-keep:] if keep > 1 else []
    assert sorted(os.listdir(tmp_path)) == sorted([*numbered, "a.pkl"])
    assert [p.name for p in store.paths] == (numbered or ["a.pkl"])
    assert restore(str(tmp_path / "a.pkl")).n_iter_ == 7


def test_a_write_that_fails_leaves_the_checkpoint_before(tmp_path, monkeypatch):
    store = Checkpoint(tmp_path / "a.pkl", every=2)

    def full(file):
        raise OSError("no space left")

    model = agent(max_iter=2, warm_start=True).set_callbacks(store).fit()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        model.set_params(max_iter=6).fit()
    assert os.listdir(tmp_path) == ["a.pkl"]
    assert restore(tmp_path / "a.pkl").n_iter_ == 2


def test_files_that_are_no_checkpoints(tmp_path, monkeypatch):
    file = tmp_path / "a.pkl"
    with pytest.raises(FileNotFoundError):
        restore(file)
    model = agent(max_iter=2).set_callbacks(Checkpoint(file)).fit()
    content = file.read_bytes()
    other = tmp_path / "b.pkl"
    for wrong in (b"", b"text", pickle.dumps(model.set_callbacks()), b"natfit checkpoint\n"):
        other.write_bytes(wrong)
        with pytest.raises(ValueError, match="natfit.rl.Checkpoint has written.*b.pkl"):
            restore(other)
    flipped = content[:-9] + bytes([content[-9] ^ 1]) + content[-8:]
    for damaged in (content[:-1], content + b"x", flipped, b"natfit checkpoint\n[]\nx"):
        other.write_bytes(damaged)
        with pytest.raises(ValueError, match="b.pkl.* is damaged"):
            restore(other)
    monkeypatch.setattr(natfit, "__version__", "9.0")
    with pytest.raises(ValueError, match=r"natfit 0.*this is natfit 9\.0"):
        restore(file)


class Elsewhere(Walk):
    """An environment that another program may not have."""


def test_classes_that_cannot_be_imported(tmp_path, monkeypatch):
    agent(Elsewhere(), max_iter=1).set_callbacks(Checkpoint(tmp_path / "a.pkl")).fit()
    monkeypatch.delattr(f"{__name__}.Elsewhere")
    with pytest.raises(ValueError, match="needs what cannot be imported here .*Elsewhere"):
        restore(tmp_path / "a.pkl")


def test_what_cannot_be_stored_is_refused_before_the_training(tmp_path):
    log = []
    model = agent(lambda: Single(Walk(), log)).set_callbacks(Checkpoint(tmp_path / "a.pkl"))
    with pytest.raises(pickle.PicklingError, match="functools.partial"):
        model.fit()
    assert not hasattr(model, "theta_") and not log
    with pytest.raises(ValueError, match="path must be a file, got the folder"):
        agent().set_callbacks(Checkpoint(tmp_path)).fit()


# ----------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: EvaluateEvery(0), ValueError, "every must be"),
        (lambda: EvaluateEvery(1.5), TypeError, "every must be an integer"),
        (lambda: EvaluateEvery(n_episodes=0), ValueError, "n_episodes must be"),
        (lambda: EvaluateEvery(seeds=[-1]), ValueError, "seeds must hold seeds"),
        (lambda: EvaluateEvery(seeds=[]), ValueError, "seeds must hold one seed"),
        (lambda: EvaluateEvery(greedy="yes"), ValueError, "greedy must be True or False"),
        (lambda: EvaluateEvery(episodes=3), TypeError, "did you mean 'n_episodes'"),
        (lambda: KeepBest(3), TypeError, r"evaluation must be an EvaluateEvery .*EvaluateEvery\(10"),
        (lambda: KeepBest(EvaluateEvery), TypeError, "evaluation must be an EvaluateEvery"),
        (lambda: StopOnNoImprovement(patience=0), ValueError, "patience must be"),
        (lambda: StopOnNoImprovement(min_delta=-1), ValueError, "min_delta must be"),
        (lambda: StopOnNoImprovement(min_delta=np.nan), ValueError, "min_delta must be"),
        (lambda: Checkpoint(3), TypeError, "path must be the name of a file"),
        (lambda: Checkpoint(""), TypeError, "path must be the name of a file"),
        (lambda: Checkpoint("a", every=-1), ValueError, "every must be"),
        (lambda: Checkpoint("a", keep_last=0), ValueError, "keep_last must be"),
    ],
)  # fmt: skip
def test_wrong_options(make, error, match):
    with pytest.raises(error, match=match):
        make()


@pytest.mark.parametrize("callback", [EvaluateEvery(), KeepBest(), Checkpoint("a")])
def test_other_estimators_are_refused(callback):
    with pytest.raises(TypeError, match="is a callback of NaturalPolicyEstimator, got NaturalMLE"):
        NaturalMLE("normal").set_callbacks(callback).fit([[1.0], [2.0]])

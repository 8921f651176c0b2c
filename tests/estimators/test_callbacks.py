"""scikit-learn's callbacks: progress bars, monitoring, early stopping."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from estimator_data import assert_params, quiet, sample
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from natfit import Censored, NaturalGaussianMLE, NaturalMLE
from natfit.metrics import MonteCarloFisher


class Recorder:
    """Records what it is told; asks for a stop after ``stop_after`` iterations."""

    def __init__(self, stop_after=None, fail_at=None):
        self.stop_after, self.fail_at = stop_after, fail_at
        self.events, self.fitted, self.ended = [], [], 0

    def setup(self, estimator, context):
        self.events.append(("setup", context.task_name))

    def teardown(self, estimator, context):
        self.events.append(("teardown", context.task_name))

    def on_fit_task_begin(self, estimator, context):
        self.events.append(("begin", *path(context)))

    def on_fit_task_end(
        self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None
    ):
        self.events.append(("end", *path(context)))
        if context.parent is None:
            return False
        self.ended += 1
        self.fitted.append(fitted_estimator)
        self.metadata = metadata
        if self.ended == self.fail_at:
            raise KeyboardInterrupt
        return self.ended == self.stop_after


def path(context):
    names = []
    while context is not None:
        names.append((context.task_name, context.task_id))
        context = context.parent
    return tuple(reversed(names))


def fit_with(callback, model=None, X=None, **options):
    model = NaturalMLE("student_t") if model is None else model
    model.set_callbacks(callback)
    return model.fit(sample("student_t", 200, 30) if X is None else X, **options)


@pytest.mark.parametrize("columns", [1, 2])
def test_every_task_that_begins_ends(columns):
    recorder = Recorder()
    fit_with(recorder, X=sample("student_t", 200, 30, columns))
    begun = [e[1:] for e in recorder.events if e[0] == "begin"]
    ended = [e[1:] for e in recorder.events if e[0] == "end"]
    assert sorted(begun) == sorted(ended)
    assert len(set(begun)) == len(begun)
    # The task of the whole fit is the first to begin and the last to end.
    assert begun[0] == ended[-1] == (("fit", 0),)
    assert recorder.events[0][0] == "setup" and recorder.events[-1][0] == "teardown"


def test_one_task_an_iteration_with_an_estimator_that_can_score():
    recorder = Recorder()
    x = sample("student_t", 200, 30)
    model = fit_with(recorder)
    assert model.n_iter_ >= 3
    fitted = [f for f in recorder.fitted if f is not None]
    scores = [f.score(x) for f in fitted]
    # Iterates 1 .. n of the history.
    np.testing.assert_allclose(scores[: model.n_iter_], -model.history_["objective"][1:], rtol=1e-9)
    assert len(scores) in (model.n_iter_, model.n_iter_ + 1)


@pytest.mark.parametrize("name", ["normal", "gamma", "student_t"])
def test_callbacks_do_not_change_the_fit(name):
    x = sample(name, 200, 31)
    plain = NaturalMLE(name).fit(x)
    watched = fit_with(Recorder(), NaturalMLE(name), x)
    assert watched.history_.theta.tobytes() == plain.history_.theta.tobytes()


def test_a_callback_that_stops():
    x = sample("student_t", 200, 30)
    recorder = Recorder(stop_after=2)
    model = fit_with(recorder)
    assert model.status_ == "stopped_by_callback"
    assert model.n_iter_ == 2
    assert "callback" in model.message_ and "warm_start" in model.message_
    # The estimator is usable, and goes on when asked to.
    assert np.isfinite(model.score(x))
    assert model.sample(3).shape == (3, 1)
    model.set_callbacks()
    model.set_params(warm_start=True).fit(x)
    assert model.status_ == "converged"
    assert_params(model.params_, NaturalMLE("student_t").fit(x).params_, rtol=1e-5)


def test_early_stopping_with_several_columns_keeps_the_worst_status():
    x = sample("student_t", 200, 30, columns=3)
    model = fit_with(Recorder(stop_after=1), X=x)
    assert model.status_ == "stopped_by_callback"
    assert model.params_["loc"].shape == (3,)
    assert np.isfinite(model.score(x))


def test_a_callback_that_interrupts_leaves_nothing():
    model = NaturalMLE("student_t")
    with pytest.raises(KeyboardInterrupt):
        fit_with(Recorder(fail_at=2), model)
    model.set_callbacks()
    assert vars(model) == vars(NaturalMLE("student_t"))
    model.fit(sample("student_t", 200, 30))


def test_metadata_are_the_weights():
    recorder = Recorder()
    w = np.arange(1.0, 201.0)
    fit_with(recorder, sample_weight=w)
    np.testing.assert_array_equal(recorder.metadata["sample_weight"], w)


def loglik(estimator, X, y=None, sample_weight=None):
    return {"score": estimator.score(X, sample_weight=sample_weight)}


def test_scoring_monitor_logs_the_likelihood():
    x = sample("student_t", 200, 32)
    # scoring=None does not work with any estimator in scikit-learn 1.9.
    monitor = ScoringMonitor(scoring=loglik)
    model = fit_with(monitor, X=x)
    rows = [row for row in monitor.get_logs().data if "score" in row]
    scores = [row["score"] for row in rows if row["task_name"] != "fit"]
    assert len(scores) >= model.n_iter_
    np.testing.assert_allclose(scores[: model.n_iter_], -model.history_["objective"][1:], rtol=1e-9)
    assert scores == sorted(scores)


def test_scoring_monitor_passes_weights():
    x, w = sample("student_t", 200, 32), np.arange(1.0, 201.0)
    monitor = ScoringMonitor(scoring=loglik)
    model = fit_with(monitor, X=x, sample_weight=w)
    scores = [row["score"] for row in monitor.get_logs().data if "score" in row]
    np.testing.assert_allclose(scores[-1], model.score(x, sample_weight=w), rtol=1e-9)


def test_progress_bar(capsys):
    model = fit_with(ProgressBar(), X=sample("student_t", 200, 33))
    assert model.status_ == "converged"
    out = capsys.readouterr().out
    assert "NaturalMLE" in out
    assert "100%" in out


@pytest.mark.parametrize("estimator", [NaturalGaussianMLE(), NaturalMLE("student_t")], ids=repr)
def test_progress_bar_of_several_columns(estimator, capsys):
    estimator.set_callbacks(ProgressBar())
    estimator.fit(sample("student_t", 100, 33, columns=3))
    assert "100%" in capsys.readouterr().out


def test_progress_bar_through_meta_estimators(capsys):
    x = sample("student_t", 100, 34)
    pipe = make_pipeline(StandardScaler(), NaturalMLE("student_t"))
    pipe.set_callbacks(ProgressBar(max_propagation_depth=None))
    pipe.fit(x)
    assert "NaturalMLE" in capsys.readouterr().out
    search = GridSearchCV(NaturalMLE("student_t"), {"tol": [1e-3, 1e-5]}, cv=2)
    search.set_callbacks(ProgressBar(max_propagation_depth=None))
    search.fit(x)
    assert "GridSearchCV" in capsys.readouterr().out


def test_a_failed_fit_tears_callbacks_down():
    recorder = Recorder()
    model = NaturalMLE("gamma")
    with pytest.raises(ValueError):
        fit_with(recorder, model, np.array([[1.0], [-1.0]]))
    model.set_callbacks()
    assert vars(model) == vars(NaturalMLE("gamma"))


def test_max_iter_with_a_callback():
    recorder = Recorder()
    with quiet():
        model = fit_with(recorder, NaturalMLE("student_t", max_iter=2))
    assert model.status_ == "max_iter"
    begun = [e for e in recorder.events if e[0] == "begin"]
    ended = [e for e in recorder.events if e[0] == "end"]
    assert len(begun) == len(ended)


def test_a_random_metric_draws_the_same_with_callbacks():
    x = sample("gamma", 100, 35)
    options = {"metric": MonteCarloFisher(100), "random_state": 0}
    plain = NaturalMLE("gamma", **options).fit(x)
    watched = fit_with(Recorder(), NaturalMLE("gamma", **options), x)
    assert watched.history_.theta.tobytes() == plain.history_.theta.tobytes()


class Scores:
    """Scores the data that it is shown at each iteration."""

    def setup(self, estimator, context):
        self.scores = []

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, X=None, fitted_estimator=None):
        if context.task_name == "iteration":
            self.scores.append(fitted_estimator.score(X))


X = sample("gamma", 100, 31)
ENTRY = np.minimum(np.random.default_rng(0).uniform(0.0, 2.0, 100), 0.9 * X[:, 0])
GAPS = np.where(np.arange(100)[:, None] % 9 == 0, np.nan, X)

SHOWN = {
    "frame": (pd.DataFrame(X, columns=["rain"]), {}),
    "two columns": (pd.DataFrame(np.hstack([X, X]), columns=["rain", "wind"]), {}),
    "polars": (pl.DataFrame({"rain": X[:, 0], "wind": X[:, 0]}), {}),
    "missing": (pd.DataFrame(GAPS, columns=["rain"]), {"missing": "drop"}),
    "censored": (Censored.right(X[:, 0], X[:, 0] < 4.0), {}),
    "late": (Censored.right(X[:, 0], X[:, 0] < 4.0, truncation=(ENTRY, None)), {}),
    "windows": (X, {"truncation": (ENTRY, None)}),
    "windows, missing": (GAPS, {"truncation": (ENTRY, None), "missing": "drop"}),
}


@pytest.mark.parametrize("name", SHOWN)
def test_the_data_that_callbacks_see_can_be_scored(name):
    rows, options = SHOWN[name]
    scores = Scores()
    model = NaturalMLE("gamma", **options).set_callbacks(scores).fit(rows)
    assert scores.scores[-1] == pytest.approx(model.score(rows), rel=1e-9)

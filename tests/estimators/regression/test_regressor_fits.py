"""Fits of regressions: starts, callbacks, processes, copies, the null model, published numbers."""

import copy
import pickle

import numpy as np
import pytest
import statsmodels.api as sm
from sklearn.base import clone
from sklearn.callback import ScoringMonitor

from natfit import Censored, NaturalClassifier, NaturalRegressor
from natfit.models import MLP


def rows(n=300, d=3, seed=6):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * 10.0 ** np.arange(d) + 5.0
    y = X @ 0.1 ** np.arange(d) + np.exp(0.3 * X[:, 0] - 2.0) * rng.normal(size=n)
    return X, y, np.array(["a", "b", "c"])[np.digitize(y, np.quantile(y, [0.3, 0.7]))]


class Recorder:
    """Records what it is told; asks for a stop after some iterations."""

    def __init__(self, stop_after=None, fail_at=None):
        self.stop_after, self.fail_at = stop_after, fail_at
        self.begun, self.ended, self.fitted, self.told = 0, 0, [], []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        self.begun += 1

    def on_fit_task_end(
        self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None
    ):
        self.ended += 1
        self.told.append((X, y, metadata))
        self.fitted.append(fitted_estimator)
        if self.ended == self.fail_at:
            raise KeyboardInterrupt
        return self.ended == self.stop_after


MODELS = [
    NaturalRegressor(features_for="all"),
    NaturalClassifier(),
    NaturalClassifier(alpha=0.1),
]
NETWORKS = [
    NaturalClassifier(predictor=MLP((3,))),
    NaturalRegressor(predictor=MLP((3,)), batch_size=20, max_iter=4),
]


def target(model, y, labels):
    return labels if isinstance(model, NaturalClassifier) else y


@pytest.mark.filterwarnings("ignore:.*max_iter. 4 passes over all batches were made")
@pytest.mark.parametrize("model", [*MODELS, *NETWORKS], ids=repr)
def test_callbacks_see_estimators_that_predict(model):
    X, y, labels = rows()
    y = target(model, y, labels)
    recorder = Recorder()
    model = clone(model).set_callbacks(recorder).fit(X, y)
    assert recorder.begun == recorder.ended == model.n_iter_ + 1
    scores = [fitted.score(X, y) for fitted in recorder.fitted if fitted is not None]
    assert len(scores) >= 3
    assert scores[-1] == model.score(X, y)
    last = recorder.fitted[-1]
    np.testing.assert_array_equal(last.predict(X), model.predict(X))
    if isinstance(model, NaturalRegressor) and model.predictor == "linear":
        np.testing.assert_array_equal(last.coef_["loc"], model.coef_["loc"])


def test_callbacks_see_the_rows_that_count():
    X, y, _ = rows()
    weight, offset = np.ones(len(y)), 0.1 * X[:, 0]
    weight[:10] = 0.0
    recorder = Recorder()
    model = NaturalRegressor().set_callbacks(recorder)
    model.fit(X, Censored.right(y, np.ones(len(y))), weight, offset=offset)
    seen_X, seen_y, metadata = recorder.told[-1]
    assert len(seen_X) == len(seen_y) == len(metadata["offset"]) == 290
    assert set(metadata) == {"sample_weight", "offset"}


def test_a_callback_of_sklearn_scores_iterations():
    X, y, _ = rows()
    monitor = ScoringMonitor(scoring="r2")
    model = NaturalRegressor().set_callbacks(monitor).fit(X, y)
    assert model.status_ == "converged"


def test_a_callback_stops_a_fit():
    X, y, _ = rows()
    model = NaturalRegressor(features_for="all").set_callbacks(Recorder(stop_after=2)).fit(X, y)
    assert model.n_iter_ == 2
    assert model.status_ == "stopped_by_callback" and np.isfinite(model.predict(X)).all()


def test_more_features_than_rows_are_seen_as_features():
    """The fit is made to as many rotated features as rows, and callbacks see coefficients of x."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 50)), rng.poisson(3.0, 30)
    recorder = Recorder()
    model = NaturalRegressor("poisson", alpha=1.0).set_callbacks(recorder).fit(X, y)
    seen = [f.coef_["rate"].shape for f in recorder.fitted if f is not None]
    assert seen and set(seen) == {(50,)} and model.status_ == "converged"
    np.testing.assert_allclose(recorder.fitted[-1].predict(X), model.predict(X))


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_a_fit_that_fails_leaves_the_estimator_as_it_was(model):
    X, y, labels = rows()
    y = target(model, y, labels)
    model = clone(model).fit(X, y)
    before = copy.copy(model.__dict__)
    with pytest.raises(ValueError):
        model.fit(X[:, :2], y[:-1])
    assert model.__dict__.keys() == before.keys()
    assert model.n_features_in_ == 3
    model.set_callbacks(Recorder(fail_at=2))
    with pytest.raises(KeyboardInterrupt):
        model.fit(X[:, :2], y)
    assert model.n_features_in_ == 3
    assert np.isfinite(model.score(X, y))


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_a_warm_start_begins_where_the_last_fit_ended(model):
    X, y, labels = rows()
    y = target(model, y, labels)
    model = clone(model).set_params(warm_start=True, tol=1e-6).fit(X, y)
    cold = model.n_iter_
    assert cold >= 3
    # Standardising the coefficients again may round.
    assert model.fit(X, y).n_iter_ <= 1
    # A few rows more, in other units of mean and spread: the coefficients are those of x.
    assert model.fit(X[:-5], y[:-5]).n_iter_ < cold
    # Another set of features has no such start.
    assert model.fit(X[:, :2], y).coef_ is not None
    again = clone(model).set_params(warm_start=False).fit(X[:, :2], y)
    assert model.score(X[:, :2], y) == pytest.approx(again.score(X[:, :2], y), rel=1e-9)


def test_a_warm_start_of_other_classes_is_none():
    X, _, labels = rows()
    model = NaturalClassifier(warm_start=True).fit(X, labels)
    cold = NaturalClassifier().fit(X, np.where(labels == "a", "z", labels))
    assert model.fit(X, np.where(labels == "a", "z", labels)).n_iter_ == cold.n_iter_


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_copies_predict_the_same(model):
    X, y, labels = rows()
    model = clone(model).fit(X, target(model, y, labels))
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), copy.copy(model)):
        np.testing.assert_array_equal(other.predict(X), model.predict(X))
        assert other.null_log_likelihood_ == model.null_log_likelihood_
        assert other.get_params().keys() == model.get_params().keys()


def test_a_pickle_holds_no_rows():
    X, y, _ = rows(20_000)
    model = NaturalRegressor().fit(X, y)
    assert len(pickle.dumps(model)) < 200_000


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_processes_give_the_same_bits(model):
    X, y, labels = rows(40_000)
    y = target(model, y, labels)
    offset = None if isinstance(model, NaturalClassifier) else 0.1 * X[:, 0]
    one = clone(model).fit(X, y, offset=offset)
    two = clone(model).set_params(n_jobs=2).fit(X, y, offset=offset)
    np.testing.assert_array_equal(one._theta, two._theta)
    assert one.loglik_ == two.loglik_


def test_without_a_seed_fits_are_the_same():
    X, y, _ = rows()
    one, two = (NaturalRegressor(metric="monte_carlo").fit(X, y) for _ in range(2))
    np.testing.assert_array_equal(one.coef_["loc"], two.coef_["loc"])
    other = NaturalRegressor(metric="monte_carlo", random_state=3).fit(X, y)
    np.testing.assert_allclose(one.coef_["loc"], other.coef_["loc"], rtol=1e-3)


# --------------------------------------------------------------------------- the null model


def test_the_null_model_of_classes_and_counts():
    X, _, labels = rows()
    model = NaturalClassifier().fit(X, labels)
    counts = np.unique(labels, return_counts=True)[1]
    expected = (counts * np.log(counts / counts.sum())).sum()
    assert model.null_log_likelihood_ == pytest.approx(expected, rel=1e-12)
    data = sm.datasets.spector.load_pandas()
    other = sm.Logit(data.endog, sm.add_constant(data.exog)).fit(disp=0)
    model = NaturalClassifier().fit(data.exog, data.endog)
    assert model.null_log_likelihood_ == pytest.approx(other.llnull, rel=1e-10)


def test_the_null_model_has_no_penalty_and_every_parameter():
    X, y, _ = rows()
    model = NaturalRegressor(features_for="all", alpha=0.5, fit_intercept={"loc": False}).fit(X, y)
    n = len(y)
    expected = -0.5 * n * (np.log(2.0 * np.pi * y.var()) + 1.0)
    assert model.null_log_likelihood_ == pytest.approx(expected, rel=1e-12)


def test_the_null_model_of_a_family_without_statistics():
    X, y, _ = rows()
    model = NaturalRegressor("student_t").fit(X, y)
    alone = NaturalRegressor("student_t", features_for={}).fit(X, y)
    assert model.null_log_likelihood_ == pytest.approx(alone.loglik_, rel=1e-9)
    assert model.loglik_ > model.null_log_likelihood_


# ---------------------------------------------------------------------------- what is there


def test_attributes_of_a_fit():
    X, y, _ = rows()
    model = NaturalRegressor()
    for name in ("features_for_", "null_log_likelihood_", "coef_"):
        assert not hasattr(model, name)
    model.fit(X, y)
    assert model.features_for_ == {"loc": ("x0", "x1", "x2"), "scale": ()}
    assert model.status_ == "converged" and "converged" in model.message_
    assert model.history_.theta is not None and model.n_iter_ >= 1
    assert model.n_features_in_ == 3 and not hasattr(model, "feature_names_in_")
    assert model.n_obs_ == len(y)
    assert repr(model.distribution_) == "Normal()"
    for name in ("metric_", "solver_", "step_", "damping_"):
        assert getattr(model, name) is not None
    fitted = X @ model.coef_["loc"] + model.intercept_["loc"]
    np.testing.assert_allclose(model.predict(X), fitted, rtol=1e-12)

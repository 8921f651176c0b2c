"""scikit-learn's requirements of an estimator, on data that each family accepts unchanged."""

import inspect
import pickle

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from estimator_data import FAMILIES, assert_params, sample
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from natfit import NaturalGaussianMLE, NaturalMLE

ESTIMATORS = {name: (lambda name=name: NaturalMLE(name)) for name in FAMILIES} | {
    "multivariate": NaturalGaussianMLE,
    "diag": lambda: NaturalGaussianMLE("diag"),
    "spherical": lambda: NaturalGaussianMLE("spherical"),
}


class Case:
    """An estimator and valid data, 200 rows of two columns."""

    def __init__(self, name):
        self.name = name
        self.X = sample(name if name in FAMILIES else "normal", 200, seed=3, columns=2)

    def new(self):
        return ESTIMATORS[self.name]()

    def fitted(self, X=None, **options):
        return self.new().fit(self.X if X is None else X, **options)


def assert_same(a, b, rtol=0.0):
    assert_params(a.params_, b.params_, rtol=rtol)


def clones(case):
    model = case.fitted()
    again = clone(model)
    assert again.get_params() == case.new().get_params()
    assert not [a for a in vars(again) if a.endswith("_") and not a.startswith("_")]


def params_round_trip(case):
    model = case.new()
    model.set_params(tol=1e-3, max_iter=7)
    assert model.get_params()["tol"] == 1e-3
    assert type(model)(**model.get_params(deep=False)).get_params() == model.get_params()


def init_sets_its_arguments_alone(case):
    model = case.new()
    names = set(inspect.signature(type(model).__init__).parameters) - {"self"}
    assert set(vars(model)) == names
    for name, parameter in inspect.signature(type(model)).parameters.items():
        assert isinstance(parameter.default, str | float | int | bool | None), name


def repr_is_short_and_evaluates(case):
    assert eval(repr(case.new())).get_params() == case.new().get_params()


def fit_returns_self(case):
    model = case.new()
    assert model.fit(case.X) is model


def fit_is_idempotent(case):
    model = case.fitted()
    params, scores = model.params_, model.score_samples(case.X)
    model.fit(case.X)
    assert_params(model.params_, params, rtol=0.0)
    assert_array_equal(model.score_samples(case.X), scores)


def arguments_are_not_changed(case):
    model, X, w = case.new(), case.X.copy(), np.ones(200)
    before = dict(model.get_params())
    model.fit(X, sample_weight=w)
    assert model.get_params() == before
    assert_array_equal(X, case.X)
    assert_array_equal(w, np.ones(200))


def y_is_ignored(case):
    with pytest.warns(UserWarning, match="fit ignores y: a density is fitted to X alone") as said:
        model = case.new().fit(case.X, np.arange(200))
    assert len(said) == 1
    assert_same(model, case.fitted())


def float32_is_computed_in_double(case):
    X = case.X.astype(np.float32)
    model = case.fitted(X)
    assert_same(model, case.fitted(X.astype(np.float64)))
    assert all(v.dtype == np.float64 for v in model.params_.values())
    assert model.score_samples(X).dtype == np.float64


def integers(case):
    # Rounded up, so that gamma gets none that is zero.
    X = np.ceil(case.X).astype(np.int32)
    assert_same(case.fitted(X), case.fitted(X.astype(float)))


def lists(case):
    assert_same(case.fitted(case.X.tolist()), case.fitted())


def fortran_order(case):
    assert_same(case.fitted(np.asfortranarray(case.X)), case.fitted(), rtol=1e-12)


def readonly_memmap(case, tmp_path):
    np.save(tmp_path / "X.npy", case.X)
    X = np.load(tmp_path / "X.npy", mmap_mode="r")
    model = case.fitted(X, sample_weight=joblib_readonly(np.full(200, 2.0)))
    assert_same(model, case.fitted(), rtol=1e-9)
    model.score(X)


def joblib_readonly(array):
    array.setflags(write=False)
    return array


def n_features_in(case):
    model = case.fitted()
    assert model.n_features_in_ == 2
    with pytest.raises(ValueError, match="expecting 2 features"):
        model.score_samples(case.X[:, :1])


def pandas_names(case):
    frame = pd.DataFrame(case.X, columns=["a", "b"])
    model = case.fitted(frame)
    assert_array_equal(model.feature_names_in_, ["a", "b"])
    assert_same(model, case.fitted(), rtol=1e-12)
    model.score(frame)
    with pytest.raises(ValueError, match="feature names should match"):
        model.score(frame[["b", "a"]])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.score(case.X)


def polars_names(case):
    frame = pl.DataFrame({"a": case.X[:, 0], "b": case.X[:, 1]})
    model = case.fitted(frame)
    assert_array_equal(model.feature_names_in_, ["a", "b"])
    assert_same(model, case.fitted(), rtol=1e-12)
    model.score(frame)


def pickles(case):
    model = case.fitted()
    again = pickle.loads(pickle.dumps(model))
    assert_same(model, again)
    assert_array_equal(again.score_samples(case.X), model.score_samples(case.X))
    assert again.status_ is model.status_
    assert str(again.history_) == str(model.history_)
    for name, value in model.standard_errors_.items():
        assert_array_equal(again.standard_errors_[name], value)


def joblib_dump(case, tmp_path):
    model = case.fitted()
    joblib.dump(model, tmp_path / "model.joblib")
    assert_same(joblib.load(tmp_path / "model.joblib"), model)


def threads(case):
    models = joblib.Parallel(2, backend="threading")(
        joblib.delayed(case.fitted)(case.X[k:]) for k in (0, 50, 100, 0)
    )
    for model, k in zip(models, (0, 50, 100, 0), strict=True):
        assert_same(model, case.fitted(case.X[k:]))


def not_fitted(case):
    model = case.new()
    with pytest.raises(NotFittedError):
        check_is_fitted(model)
    calls = [
        lambda: model.score(case.X),
        lambda: model.score_samples(case.X),
        lambda: model.sample(3),
        lambda: model.cov_params(),
        lambda: model.standard_errors_,
        lambda: model.param_names_,
    ]
    for call in calls:
        with pytest.raises(NotFittedError):
            call()


def weight_forms(case):
    plain, w = case.fitted(), np.ones(200)
    for weight in (w, w.tolist(), pd.Series(w), w.astype(np.float32), w.astype(int), 1.0):
        assert_same(case.fitted(sample_weight=weight), plain, rtol=1e-9)


def weight_is_repetition(case):
    w = np.random.default_rng(1).integers(0, 4, 200)
    weighted = case.fitted(sample_weight=w)
    repeated = case.fitted(np.repeat(case.X, w, axis=0))
    assert_params(weighted.params_, repeated.params_, rtol=1e-6)
    assert weighted.n_obs_ == repeated.n_obs_ == w.sum()
    for name, value in repeated.standard_errors_.items():
        np.testing.assert_allclose(weighted.standard_errors_[name], value, rtol=1e-6)
    np.testing.assert_allclose(
        weighted.score(case.X, sample_weight=w), weighted.score(np.repeat(case.X, w, axis=0))
    )


def rows_may_come_in_any_order(case):
    order = np.random.default_rng(2).permutation(200)
    assert_params(case.fitted(case.X[order]).params_, case.fitted().params_, rtol=1e-6)
    model = case.fitted()
    assert_array_equal(model.score_samples(case.X[order]), model.score_samples(case.X)[order])


def scores_do_not_depend_on_other_rows(case):
    model = case.fitted()
    whole = model.score_samples(case.X)
    parts = [model.score_samples(case.X[k : k + 20]) for k in range(0, 200, 20)]
    np.testing.assert_allclose(np.concatenate(parts), whole, rtol=1e-13)
    np.testing.assert_allclose(model.score_samples(case.X[:1]), whole[:1], rtol=1e-13)


def one_dimension_is_refused(case):
    with pytest.raises(ValueError, match="Expected 2D array, got 1D array"):
        case.new().fit(case.X[:, 0])
    with pytest.raises(ValueError, match="Expected 2D array, got 1D array"):
        case.fitted().score_samples(case.X[:, 0])


def sparse_is_refused(case):
    with pytest.raises(TypeError, match="[Ss]parse"):
        case.new().fit(scipy.sparse.csr_array(case.X))


def complex_is_refused(case):
    with pytest.raises(ValueError, match="Complex data not supported"):
        case.new().fit(case.X + 1j)


def objects_are_converted_or_refused(case):
    assert_same(case.fitted(case.X.astype(object)), case.fitted(), rtol=1e-12)
    with pytest.raises((TypeError, ValueError), match="string|float"):
        case.new().fit(np.array([["a", "b"], ["c", "d"]], dtype=object))


CHECKS = [
    value
    for value in list(globals().values())
    if inspect.isfunction(value) and next(iter(inspect.signature(value).parameters), None) == "case"
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", ESTIMATORS)
def test_contract(name, check, tmp_path):
    needs_path = "tmp_path" in inspect.signature(check).parameters
    check(Case(name), *([tmp_path] if needs_path else []))


def test_number_of_checks():
    assert len(CHECKS) == 28
    assert len(ESTIMATORS) == 9

"""A univariate family given several columns; ``natfit.fit``; the fitted attributes."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from estimator_data import FAMILIES, assert_params, quiet, sample
from sklearn.exceptions import ConvergenceWarning

import natfit
from natfit import NaturalGaussianMLE, NaturalMLE, Status


def assert_same(actual, desired):
    """Equal up to the order in which a strided and a contiguous column are summed."""
    np.testing.assert_allclose(actual, desired, rtol=1e-12)


@pytest.mark.parametrize("name", FAMILIES)
def test_columns_are_fitted_independently(name):
    x = sample(name, 120, 40, columns=3)
    model = NaturalMLE(name).fit(x)
    alone = [NaturalMLE(name).fit(x[:, [j]]) for j in range(3)]
    for key in model.params_:
        assert model.params_[key].shape == (3,)
        assert model.standard_errors_[key].shape == (3,)
        assert_same(model.params_[key], [m.params_[key][0] for m in alone])
        assert_same(model.standard_errors_[key], [m.standard_errors_[key][0] for m in alone])
    assert_same(model.theta_, np.concatenate([m.theta_ for m in alone]))
    assert model.n_iter_ == max(m.n_iter_ for m in alone)
    assert model.statuses_ == [m.status_ for m in alone]
    np.testing.assert_allclose(model.score(x), sum(m.score(x[:, [j]]) for j, m in enumerate(alone)))


def test_one_column_keeps_its_axis():
    model = NaturalMLE("gamma").fit(sample("gamma", 50))
    assert model.params_["shape"].shape == model.standard_errors_["shape"].shape == (1,)
    assert model.theta_.shape == (2,)


def test_history_tells_columns_apart():
    x = sample("student_t", 120, 41, columns=2)
    model = NaturalMLE("student_t").fit(x)
    history, column = model.history_, model.history_["column"]
    assert set(column) == {0, 1}
    for j in range(2):
        alone = NaturalMLE("student_t").fit(x[:, [j]]).history_
        np.testing.assert_array_equal(history["objective"][column == j], alone["objective"])
        np.testing.assert_array_equal(history.theta[column == j], alone.theta)
    assert list(history.to_frame()["column"]) == list(column)
    assert "column" in str(history)


def test_the_worst_status_is_the_fits():
    good = sample("student_t", 100, 42)
    flat = np.random.default_rng(0).uniform(-1, 1, size=(100, 1))
    with pytest.warns(ConvergenceWarning, match="column 1: boundary: df -> .*normal"):
        model = NaturalMLE("student_t").fit(np.hstack([good, flat, good]))
    assert model.status_ is Status.BOUNDARY
    assert model.statuses_ == [Status.CONVERGED, Status.BOUNDARY, Status.CONVERGED]
    assert np.isinf(model.standard_errors_["df"]).tolist() == [False, True, False]


def test_an_error_names_the_row_of_a_column():
    x = sample("gamma", 50, 43, columns=2)
    x[7, 1] = -3.0
    with pytest.raises(ValueError, match="-3.0 at row 7"):
        NaturalMLE("gamma").fit(x)


def test_starts_for_every_column():
    x = sample("normal", 100, 44, columns=2)
    both = NaturalMLE(start_params={"loc": [0.0, 5.0], "scale": 1.0}).fit(x)
    start = both.history_.theta[np.flatnonzero(np.diff(both.history_["column"], prepend=-1))]
    np.testing.assert_array_equal(start, [[0.0, 0.0], [5.0, 0.0]])
    NaturalMLE(start_params=np.zeros(2)).fit(x)
    NaturalMLE(start_params=np.zeros(4)).fit(x)
    with pytest.raises(ValueError, match="start_params must be .*2 finite .*shape \\(3,\\)"):
        NaturalMLE(start_params=np.zeros(3)).fit(x)


# --------------------------------------------------------------------------------- natfit.fit

VECTORS = [
    lambda x: x,
    lambda x: x.tolist(),
    lambda x: tuple(x.tolist()),
    lambda x: pd.Series(x, name="rain"),
    lambda x: pl.Series("rain", x),
    lambda x: x[:, None],
    lambda x: pd.DataFrame({"rain": x}),
    lambda x: np.asfortranarray(x[:, None]),
]


@pytest.mark.parametrize("form", range(len(VECTORS)))
def test_fit_takes_vectors_and_frames(form):
    x = sample("gamma", 100, 45)[:, 0]
    model = natfit.fit("gamma", VECTORS[form](x))
    assert isinstance(model, NaturalMLE)
    assert_params(model.params_, NaturalMLE("gamma").fit(x[:, None]).params_, rtol=1e-12)


def test_fit_takes_options_and_weights():
    x, w = sample("gamma", 100, 45)[:, 0], np.arange(1.0, 101.0)
    model = natfit.fit("gamma", x, sample_weight=w, metric="observed", tol=1e-8)
    assert model.metric == "observed" and model.tol == 1e-8
    assert model.n_obs_ == w.sum()
    with pytest.raises(TypeError, match="tolerance"):
        natfit.fit("gamma", x, tolerance=1e-3)


def test_fit_takes_objects_and_many_columns():
    from natfit.distributions import MultivariateNormal, Normal

    x = sample("normal", 100, 46, columns=2)
    assert natfit.fit(Normal(), x).params_["loc"].shape == (2,)
    assert natfit.fit(Normal, x[:, 0]).params_["loc"].shape == (1,)
    model = natfit.fit(MultivariateNormal(), x)
    np.testing.assert_allclose(model.params_["covariance"], np.cov(x.T, bias=True), rtol=1e-6)
    model = natfit.fit("multivariate_normal", x)
    np.testing.assert_allclose(model.params_["loc"], x.mean(axis=0), rtol=1e-8)


# ------------------------------------------------------------------------- fitted attributes


@pytest.mark.parametrize("name", FAMILIES)
def test_every_fit_publishes(name):
    model = NaturalMLE(name).fit(sample(name, 80, 47))
    assert isinstance(model.status_, Status) and model.status_ == "converged"
    assert isinstance(model.message_, str) and model.message_.startswith("converged: the distance")
    assert model.n_obs_ == 80.0
    assert isinstance(model.n_iter_, int) and model.n_iter_ >= 1
    history = model.history_
    assert len(history["objective"]) == len(history.theta)
    np.testing.assert_array_equal(history.theta[-1], model.theta_)
    assert history["distance"][-1] <= model.tol
    for column, values in history.items():
        assert not np.all(np.isnan(values)) or history.reasons[column], column
    assert np.all(np.diff(history["objective"]) <= 1e-12)
    assert np.all(history["seconds"] >= 0)


def test_no_descent_is_needed_at_the_optimum():
    x = sample("normal", 80, 48)
    start = {"loc": x.mean(), "scale": x.std()}
    model = NaturalMLE(start_params=start).fit(x)
    assert model.n_iter_ == 1 and model.status_ == "converged"


def test_gaussian_is_a_natural_mle():
    assert issubclass(NaturalGaussianMLE, NaturalMLE)
    x = sample("normal", 80, 49)
    gaussian, plain = NaturalGaussianMLE().fit(x), NaturalMLE().fit(x)
    assert_params(gaussian.params_, plain.params_, rtol=0.0)
    assert gaussian.covariance_[0, 0] == pytest.approx(plain.params_["scale"][0] ** 2)


def test_more_columns_than_rows_ends_at_the_boundary():
    X = np.random.default_rng(50).normal(size=(5, 10))
    with pytest.warns(ConvergenceWarning, match="covariance is singular"):
        model = NaturalGaussianMLE().fit(X)
    assert model.status_ == "boundary"
    assert np.isfinite(model.score(X))
    with quiet():
        assert np.linalg.eigvalsh(NaturalGaussianMLE().fit(X).covariance_)[0] > 0
    for kind in ("diag", "spherical"):
        assert NaturalGaussianMLE(kind).fit(X).status_ == "converged"


def test_dependent_columns_are_named():
    X = np.random.default_rng(51).normal(size=(50, 3))
    X = np.column_stack([X, X[:, 0] + X[:, 2]])
    with pytest.warns(ConvergenceWarning, match=r"combination of the columns \[0, 2, 3\]"):
        NaturalGaussianMLE().fit(X)

"""Forgetting: the estimate is that of weights, and its errors are those of a weighted estimate."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from sklearn.exceptions import ConvergenceWarning

from natfit import NaturalClassifier, NaturalMLE, NaturalRegressor, from_json

SHARE, BATCHES, ROWS = 0.7, 12, 150
#: What is left of each row in the end.
LEFT = np.repeat(SHARE ** np.arange(BATCHES)[::-1], ROWS)


def go_on(model, *data, **options):
    for part in zip(*(np.split(each, BATCHES) for each in data), strict=True):
        model.partial_fit(*part, forgetting=SHARE, **options)
    return model


def mean_of(model):
    """The mean and its standard error, of a family in which a parameter is the mean or its inverse."""
    name = next(key for key in ("loc", "scale", "rate") if key in model.params_)
    value, error = np.ravel(model.params_[name]), np.ravel(model.standard_errors_[name])
    if model.distribution == "exponential":
        return 1.0 / value, error / value**2
    return value, error


@pytest.mark.parametrize("name", ["normal", "exponential", "poisson"])
def test_the_error_of_a_mean_is_that_of_a_weighted_mean(name):
    rng = np.random.default_rng(3)
    draw = {"normal": rng.normal, "exponential": rng.exponential, "poisson": rng.poisson}[name]
    y = draw(2.0, size=BATCHES * ROWS).astype(float)
    model = go_on(NaturalMLE(name), y[:, None])
    found, error = mean_of(model)
    mean = np.average(y, weights=LEFT)
    variances = {"exponential": mean**2, "poisson": mean}
    variance = variances.get(name, np.average((y - mean) ** 2, weights=LEFT))
    # The variance of sum w y / sum w.
    want = np.sqrt(variance * np.sum(LEFT**2)) / np.sum(LEFT)
    assert_allclose(found, mean, rtol=1e-6)
    assert_allclose(error, want, rtol=1e-6)
    assert model.n_obs_ == pytest.approx(LEFT.sum())


@pytest.mark.parametrize("name", ["poisson", "logistic"])
@pytest.mark.parametrize("rows", [ROWS, ROWS // 3])
def test_the_errors_of_a_regression_are_those_of_a_weighted_one(name, rows):
    """With the same features in each batch; few rows are still held and fitted together."""
    rng = np.random.default_rng(4)
    X = np.tile(rng.normal(size=(rows, 2)), (BATCHES, 1))
    left = np.repeat(SHARE ** np.arange(BATCHES)[::-1], rows)
    eta = 0.3 + X @ [0.4, -0.3]
    if name == "poisson":
        model = go_on(NaturalRegressor("poisson"), X, rng.poisson(np.exp(eta)).astype(float))
    else:
        y = (rng.random(len(X)) < 1.0 / (1.0 + np.exp(-eta))).astype(int)
        model = go_on(NaturalClassifier(), X, y, classes=[0, 1])
    eta = np.c_[X, np.ones(len(X))] @ list(model.coefficients_.values())
    spread = np.exp(eta) if name == "poisson" else 1.0 / (2.0 + 2.0 * np.cosh(eta))
    form = np.c_[X, np.ones(len(X))]
    bread = np.linalg.inv(form.T @ (form * (left * spread)[:, None]))
    want = bread @ (form.T @ (form * (left**2 * spread)[:, None])) @ bread
    # The quadratic of past rows has their information at earlier estimates.
    assert_allclose(np.sqrt(np.diag(model.cov_params())), np.sqrt(np.diag(want)), rtol=0.05)
    if rows < ROWS:
        assert len(model.drift_["batch"]) == 0
        assert_allclose(model.cov_params(), want, rtol=1e-4)


def test_p_values_of_drift_count_what_is_left():
    """The mean of a batch against the weighted mean of rows before, with a known variance."""
    rng = np.random.default_rng(6)
    y = rng.normal(size=BATCHES * ROWS)
    model = go_on(NaturalMLE("normal", fixed={"scale": 1.0}), y[:, None])
    before, now = y[:-ROWS], y[-ROWS:]
    left = LEFT[:-ROWS]
    gap = now.mean() - np.average(before, weights=left)
    variance = 1.0 / ROWS + np.sum(left**2) / np.sum(left) ** 2
    assert_allclose(model.drift_["statistic"][-1], gap**2 / variance, rtol=1e-6)


@pytest.mark.parametrize("rows", [40, 600])
def test_fits_that_have_forgotten_are_merged_with_their_errors(rows):
    """Whether the rows are held or a quadratic; beside the same joined as summaries."""
    rng = np.random.default_rng(8)
    parts = [rng.exponential(size=(rows, 1)) for _ in range(6)]

    def merged(name, **options):
        one, two = NaturalMLE(name, **options), NaturalMLE(name, **options)
        for k, part in enumerate(parts):
            (one if k < 3 else two).partial_fit(part, forgetting=0.5)
        return one.merge(two)

    found, want = merged("weibull", fixed={"shape": 1.0}), merged("exponential")
    (value, error), (expected, its_error) = mean_of(found), mean_of(want)
    assert_allclose(value, expected, rtol=0.01)
    assert_allclose(error, its_error, rtol=0.02)
    assert found.n_obs_ == want.n_obs_ == pytest.approx(3.5 * rows)


def test_the_state_is_kept_in_json():
    y = np.random.default_rng(9).normal(size=(BATCHES * ROWS, 1))
    model = go_on(NaturalMLE("normal"), y)
    again = from_json(model.to_json())
    assert_allclose(again.standard_errors_["loc"], model.standard_errors_["loc"])


@pytest.mark.parametrize("name", ["normal", "gamma", "poisson"])
@pytest.mark.parametrize("share, batches", [(0.5, 1_200), (1e-50, 30)])
def test_rows_of_which_nothing_is_left_are_dropped(name, share, batches):
    rng = np.random.default_rng(10)
    draw = {"normal": rng.normal, "gamma": rng.gamma, "poisson": rng.poisson}[name]
    parts = [draw(2.0, size=(20, 1)).astype(float) for _ in range(batches)]
    model = NaturalMLE(name)
    for part in parts:
        model.partial_fit(part, forgetting=share)
    rows, weight = np.concatenate(parts[-20:]), np.repeat(share ** np.arange(20)[::-1], 20)
    want = NaturalMLE(name).fit(rows, sample_weight=weight)
    for key, value in want.params_.items():
        assert_allclose(model.params_[key], value, rtol=1e-5)
    assert np.isfinite(model.drift_["p_value"]).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gamma", "weibull", "poisson"])
def test_merges_count_what_is_left(name):
    found = []
    for seed in range(60):
        rng, both = np.random.default_rng(seed), []
        for _ in range(2):
            model = NaturalRegressor(name) if name == "poisson" else NaturalMLE(name)
            for _ in range(6):
                X = rng.normal(size=(300, 2))
                y = rng.gamma(2.0, 1.0, (300, 1)) if name == "gamma" else rng.weibull(2.0, (300, 1))
                data = (X, rng.poisson(np.exp(X @ [0.3, -0.2]))) if name == "poisson" else (y,)
                model.partial_fit(*data, forgetting=0.5)
            both.append(model)
        found.append(both[0].merge(both[1]).merge_p_value_)
    assert stats.kstest(found, "uniform").pvalue > 1e-3


@pytest.mark.parametrize("name", ["weibull", "cauchy", "student_t"])
def test_tiny_shares_and_batches_do_not_warn(name):
    rng = np.random.default_rng(11)
    rows = rng.weibull(2.0, (1_300, 1)) + (
        0.0 if name == "weibull" else rng.normal(size=(1_300, 1))
    )
    model = NaturalMLE(name).partial_fit(rows[:1_100])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        for start in range(1_100, 1_112, 2):
            try:
                model.partial_fit(rows[start : start + 2], forgetting=1e-20)
            except ValueError as error:
                assert "standard errors away" in str(error) or "finite" in str(error)

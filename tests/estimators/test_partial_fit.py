"""Fits that go on: exact for families with a summary, near the fit elsewhere, tests of drift."""

import pickle

import numpy as np
import pandas as pd
import pytest
from estimator_data import quiet
from numpy.testing import assert_allclose
from scipy import stats
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import estimator_checks

import natfit
from natfit import Censored, NaturalClassifier, NaturalGaussianMLE, NaturalMLE, NaturalRegressor

RNG = np.random.default_rng(15)
N = 600
DRAWS = {
    "normal": RNG.normal(3.0, 2.0, (N, 2)),
    "gamma": RNG.gamma(2.0, 3.0, (N, 1)),
    "inverse_gamma": 1.0 / RNG.gamma(3.0, 0.5, (N, 1)),
    "inverse_gaussian": RNG.wald(2.0, 3.0, (N, 1)),
    "lognormal": RNG.lognormal(1.0, 0.5, (N, 1)),
    "exponential": RNG.exponential(2.0, (N, 1)),
    "beta": RNG.beta(2.0, 3.0, (N, 1)),
    "von_mises": RNG.vonmises(0.5, 2.0, (N, 1)),
    "laplace": RNG.laplace(1.0, 2.0, (N, 1)),
    "poisson": RNG.poisson(3.0, (N, 1)).astype(float),
    "geometric": RNG.geometric(0.3, (N, 1)).astype(float),
    "negative_binomial": RNG.negative_binomial(3, 0.4, (N, 1)).astype(float),
    "multivariate_normal": RNG.normal(size=(N, 3)) @ np.triu(np.ones((3, 3))),
    "dirichlet": RNG.dirichlet([1.0, 2.0, 3.0], N),
    "zero_inflated": RNG.poisson(2.0, (N, 1)) * (RNG.random((N, 1)) < 0.7),
}


def in_batches(model, X, sizes, weight=None):
    ends = np.cumsum([0, *sizes])
    for a, b in zip(ends[:-1], ends[1:], strict=True):
        model.partial_fit(X[a:b], sample_weight=None if weight is None else weight[a:b])
    return model


@pytest.mark.parametrize("name", DRAWS)
def test_any_batches_in_any_order_give_the_fit_to_all_rows(name):
    X = DRAWS[name]
    weight = np.linspace(0.5, 2.0, N)
    want = NaturalMLE(name).fit(X, sample_weight=weight)
    order = np.random.default_rng(0).permutation(N)
    found = NaturalMLE(name)
    in_batches(found, X[order], [1, 7, 200, 100, 292], weight[order])
    assert found.n_obs_ == pytest.approx(want.n_obs_, rel=1e-13)
    assert found.loglik_ == pytest.approx(want.loglik_, rel=1e-10)
    for key, value in want.params_.items():
        assert_allclose(found.params_[key], value, rtol=1e-10, atol=1e-10, err_msg=key)
        error = want.standard_errors_[key]
        assert_allclose(found.standard_errors_[key], error, rtol=1e-8, err_msg=key)


def test_digits_are_kept_far_from_zero():
    X = 1e8 + np.random.default_rng(1).normal(0.0, 1e-3, (1000, 1))
    found = in_batches(NaturalMLE("normal"), X, [100] * 10)
    assert_allclose(found.params_["loc"], X.mean(), rtol=1e-15)
    assert_allclose(found.params_["scale"], X.std(), rtol=1e-4)
    assert_allclose(found.params_["scale"], NaturalMLE("normal").fit(X).params_["scale"], rtol=1e-6)


def test_a_gaussian_goes_on_after_its_fit():
    X = DRAWS["multivariate_normal"]
    found = NaturalGaussianMLE().fit(X[:300])
    found.partial_fit(X[300:400]).partial_fit(X[400:])
    assert_allclose(found.mean_, X.mean(axis=0), rtol=1e-10)
    assert_allclose(found.covariance_, np.cov(X.T, bias=True), rtol=1e-6)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_options_are_those_of_the_fit():
    X = DRAWS["gamma"]
    for options in (
        {"fixed": {"scale": 3.0}},
        {"bounds": {"shape": (None, 1.5)}},
        {"prior": {"shape": stats.gamma(2.0, scale=1.0)}},
        {"truncation": (0.01, 80.0)},
        {"coordinates": "native"},
    ):
        want = NaturalMLE("gamma", tol=1e-9, **options).fit(X)
        found = in_batches(NaturalMLE("gamma", tol=1e-9, **options), X, [200] * 3)
        assert found.status_ == want.status_
        for key, value in want.params_.items():
            assert_allclose(found.params_[key], value, rtol=1e-9, err_msg=str(options))


@pytest.mark.parametrize("name", ["weibull", "student_t", "gumbel", "logistic"])
def test_others_are_within_a_part_of_a_standard_error(name):
    family = {"weibull": stats.weibull_min(1.5), "student_t": stats.t(5)}
    family |= {"gumbel": stats.gumbel_r(), "logistic": stats.logistic()}
    X = family[name].rvs((20_000, 1), random_state=np.random.default_rng(2))
    want = NaturalMLE(name).fit(X)
    found = in_batches(NaturalMLE(name), X, [1000] * 20)
    assert found.n_obs_ == 20_000
    for key, value in want.params_.items():
        error = want.standard_errors_[key]
        assert np.all(np.abs(found.params_[key] - value) < 0.15 * error), key
        assert_allclose(found.standard_errors_[key], error, rtol=0.03)
    assert found.loglik_ == pytest.approx(want.loglik_, abs=0.5)
    assert found.drift_["batch"].tolist() == list(range(2, 21))


def test_censored_rows_go_on():
    rng = np.random.default_rng(3)
    time, limit = rng.weibull(1.5, 4000), rng.uniform(0.5, 2.0, 4000)
    rows = Censored.right(np.minimum(time, limit), time <= limit)
    want = NaturalMLE("weibull").fit(rows)
    found = NaturalMLE("weibull")
    for k in range(4):
        part = slice(1000 * k, 1000 * (k + 1))
        found.partial_fit(Censored.of_rows(rows.rows[part]))
    for key, value in want.params_.items():
        assert np.all(np.abs(found.params_[key] - value) < 0.1 * want.standard_errors_[key])
    with pytest.raises(ValueError, match="kind of the first batch"):
        found.partial_fit(time[:5, None])


def test_standard_errors_of_a_recursion_cover():
    """A small version of tests/benchmarks/running_coverage.py."""
    rng, hits = np.random.default_rng(4), 0
    for _ in range(60):
        X = rng.normal(size=(2000, 1))
        y = rng.poisson(np.exp(0.3 + 0.5 * X[:, 0]))
        model = NaturalRegressor("poisson")
        for k in range(0, 2000, 500):
            model.partial_fit(X[k : k + 500], y[k : k + 500])
        z = (model.coef_["rate"][0] - 0.5) / np.sqrt(model.cov_params()[0, 0])
        hits += abs(z) < 1.959964
    # 57 are expected; fewer than 51 in one of a thousand.
    assert 51 <= hits <= 60


def test_p_values_are_uniform_without_drift():
    rng = np.random.default_rng(5)
    exact = in_batches(NaturalMLE("gamma"), rng.gamma(2.0, 3.0, (30_000, 1)), [100] * 300)
    moved = in_batches(NaturalMLE("logistic"), rng.logistic(size=(40_000, 1)), [200] * 200)
    for model in (exact, moved):
        p = model.drift_["p_value"]
        assert len(p) >= 195 and stats.kstest(p, "uniform").pvalue > 1e-3


def test_drift_is_seen_in_the_batch_in_which_it_comes():
    rng = np.random.default_rng(6)
    model = NaturalMLE("poisson")
    for k in range(12):
        model.partial_fit(rng.poisson(3.0 if k < 9 else 3.6, (500, 1)).astype(float))
    drift = model.drift_
    assert drift["p_value"][:8].min() > 1e-3 and drift["p_value"][8] < 1e-6
    assert_allclose(drift["nats"], drift["statistic"] / 2)
    assert drift["df"].tolist() == [1.0] * 11


BATCH = np.random.default_rng(2).normal(size=(40, 2)), np.arange(40) % 2


@pytest.mark.parametrize(
    "model", [NaturalMLE("normal"), NaturalRegressor("poisson"), NaturalClassifier(alpha=1.0)]
)
@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize(
    "X, words",
    [
        (natfit.Stream(lambda: iter([BATCH])), "X must be in memory in partial_fit, .*got Stream"),
        ((row for row in BATCH[0]), "X must be an array or a frame, got generator; use list"),
        (None, "X must be an array, a sequence or a frame of numbers, got None"),
    ],
)
def test_batches_that_are_not_in_memory_are_refused(model, begun, X, words):
    model, options = clone(model), {}
    if isinstance(model, NaturalClassifier):
        options["classes"] = [0, 1]
    if begun:
        model.partial_fit(*BATCH, **options)
    with pytest.raises((TypeError, ValueError), match=words):
        model.partial_fit(X, BATCH[1], **options)
    assert hasattr(model, "n_features_in_") is begun


def test_forgetting_is_a_weight_of_past_rows():
    X = DRAWS["gamma"]
    model = NaturalMLE("gamma", tol=1e-9)
    for k in range(3):
        model.partial_fit(X[200 * k : 200 * (k + 1)], forgetting=0.5)
    weight = np.repeat([0.25, 0.5, 1.0], 200)
    want = NaturalMLE("gamma", tol=1e-9).fit(X, sample_weight=weight)
    assert_allclose(model.params_["shape"], want.params_["shape"], rtol=1e-10)
    assert model.n_obs_ == pytest.approx(350.0)
    with pytest.raises(ValueError, match="forgetting"):
        model.partial_fit(X, forgetting=0.0)


def test_merged_summaries_are_the_fit():
    X = DRAWS["negative_binomial"]
    want = NaturalMLE("negative_binomial", tol=1e-9).fit(X)
    one, two = (NaturalMLE("negative_binomial", tol=1e-9).fit(part) for part in (X[:200], X[200:]))
    assert one.merge(two) is one
    for key, value in want.params_.items():
        assert_allclose(one.params_[key], value, rtol=1e-9)
    assert one.merge_loss_ >= 0.0 and 0.0 <= one.merge_p_value_ <= 1.0
    assert two.n_obs_ == 400.0


def test_regressions_go_on_and_merge():
    rng = np.random.default_rng(7)
    X = rng.normal(size=(6000, 2)) * [1.0, 30.0] + [0.0, 500.0]
    y = rng.poisson(np.exp(0.4 * X[:, 0] + 0.01 * X[:, 1] - 5.0), 6000).astype(float)
    want = NaturalRegressor("poisson").fit(X, y)
    error = np.sqrt(np.diag(want.cov_params()))
    target = np.array(list(want.coefficients_.values()))
    found, one = NaturalRegressor("poisson"), NaturalRegressor("poisson").fit(X[:2500], y[:2500])
    for k in range(6):
        found.partial_fit(X[1000 * k : 1000 * (k + 1)], y[1000 * k : 1000 * (k + 1)])
    one.merge(NaturalRegressor("poisson").fit(X[2500:], y[2500:]))
    for model in (found, one):
        assert np.all(np.abs(np.array(list(model.coefficients_.values())) - target) < 0.1 * error)
        assert_allclose(np.sqrt(np.diag(model.cov_params())), error, rtol=0.02)
        assert model.n_obs_ == 6000.0
        assert model.loglik_ == pytest.approx(want.loglik_, abs=0.1)
    assert len(found.drift_["p_value"]) == 5 and one.merge_p_value_ > 1e-3
    assert pickle.loads(pickle.dumps(found)).partial_fit(X[:9], y[:9]).n_obs_ == 6009.0
    assert natfit.from_json(found.to_json()).n_obs_ == 6000.0


def of_parts(make, *sizes):
    """Return fits that go on, each to rows of its own."""
    ends = np.cumsum([0, *sizes])
    return [make(slice(a, b)) for a, b in zip(ends[:-1], ends[1:], strict=True)]


def test_merged_fits_that_hold_rows_are_the_fit():
    rng = np.random.default_rng(10)
    X = rng.normal(size=(3000, 2))
    y = rng.poisson(np.exp(0.3 + 0.4 * X[:, 0])).astype(float)

    def regression(rows):
        return NaturalRegressor("poisson").partial_fit(X[rows], y[rows])

    def density(rows):
        return NaturalMLE("logistic").partial_fit(X[rows])

    def of(fit):
        return fit.theta_ if isinstance(fit, NaturalMLE) else fit._theta

    whole = NaturalMLE("logistic").fit(X[:500]), NaturalRegressor("poisson").fit(X[:500], y[:500])
    for make, want in zip((density, regression), whole, strict=True):
        one, two = of_parts(make, 200, 300)
        with pytest.raises(AttributeError, match="merge, which has not been called"):
            _ = one.merge_loss_
        apart = one.loglik_ + two.loglik_
        one.merge(two)
        assert_allclose(of(one), of(want), rtol=1e-6)
        assert one.merge_loss_ == pytest.approx(apart - want.loglik_, abs=1e-6)
        assert 0.0 < one.merge_p_value_ < 1.0
        # Rows that one of them holds are a batch of the other, whichever it is.
        few, many = of_parts(make, 300, 2000)
        more, fewer = make(slice(300, 2300)), make(slice(0, 300))
        few.merge(many)
        more.merge(fewer)
        assert few.n_obs_ == more.n_obs_ == 2300.0 and many.n_obs_ == 2000.0
        assert_allclose(of(few), of(more), rtol=1e-9)
        assert few.merge_p_value_ == pytest.approx(more.merge_p_value_, rel=1e-9)


def test_what_needs_rows_that_are_gone_says_so():
    rng = np.random.default_rng(11)
    X = rng.normal(size=(2000, 1))
    model = NaturalRegressor().fit(X, X[:, 0] + rng.normal(size=2000))
    model.partial_fit(X[:50], X[:50, 0])
    for each in (model, natfit.from_json(model.to_json())):
        with pytest.raises(AttributeError, match="those of 2 batches are not kept"):
            _ = each.null_log_likelihood_
    assert "without features" not in str(model.summary())
    parts = [NaturalMLE("normal").partial_fit(X[k : k + 1]) for k in range(2)]
    merged = parts[0].merge(parts[1])
    assert_allclose(merged.params_["loc"], X[:2].mean())
    with pytest.raises(AttributeError, match="no maximum"):
        _ = merged.merge_p_value_


def test_rows_that_wait_are_checked_and_copied():
    with pytest.raises(ValueError, match="NaN at row 0"):
        NaturalClassifier().partial_fit([[np.nan]], [0], classes=[0, 1])
    buffer, X = np.empty((100, 1)), DRAWS["normal"][:300, :1]
    found = NaturalMLE("logistic")
    for k in range(3):
        buffer[:] = X[100 * k : 100 * (k + 1)]
        found.partial_fit(buffer)
    assert_allclose(found.theta_, NaturalMLE("logistic").fit(X).theta_, rtol=1e-6)


def test_offsets_and_few_rows_at_a_time():
    rng = np.random.default_rng(8)
    X, exposure = rng.normal(size=(300, 1)), rng.uniform(1.0, 5.0, 300)
    y = rng.poisson(exposure * np.exp(0.3 * X[:, 0])).astype(float)
    want = NaturalRegressor("poisson").fit(X, y, exposure=exposure)
    found = NaturalRegressor("poisson")
    for k in range(0, 300, 60):
        part = slice(k, k + 60)
        found.partial_fit(X[part], y[part], exposure=exposure[part])
    assert_allclose(found.coef_["rate"], want.coef_["rate"], rtol=1e-8)


def test_classes_are_named_at_the_first_call():
    rng = np.random.default_rng(9)
    X = rng.normal(size=(4000, 2))
    y = np.array(["a", "b", "c"])[
        np.argmax(X @ rng.normal(size=(2, 3)) + rng.gumbel(size=(4000, 3)), 1)
    ]
    want = NaturalClassifier().fit(X, y)
    model = NaturalClassifier()
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        model.partial_fit(X[:10], y[:10])
    only = np.flatnonzero(y[:300] != "c")
    model.partial_fit(X[only], y[only], classes=["c", "a", "b"])
    with pytest.raises(NotFittedError):
        model.predict(X)
    rest = np.setdiff1d(np.arange(4000), only)
    for part in np.array_split(rest, 4):
        model.partial_fit(X[part], y[part])
    model.partial_fit(X[only][:0], y[:0])
    assert model.classes_.tolist() == ["a", "b", "c"]
    assert_allclose(model.coef_, want.coef_, atol=0.02)
    with pytest.raises(ValueError, match=r"new label\(s\) \['d'\]"):
        model.partial_fit(X[:2], ["a", "d"])
    with pytest.raises(ValueError, match="not the same as on the last call"):
        want.partial_fit(X[:2], ["a", "b"], classes=["a", "b"])
    assert want.partial_fit(X[:2], ["a", "b"]).n_obs_ == 4002.0


def test_networks_and_jeffreys_prior_are_refused_with_the_remedy():
    X, y = np.zeros((3, 1)), np.zeros(3)
    with pytest.raises(ValueError, match="batch_size"):
        NaturalRegressor(predictor="mlp").partial_fit(X, y)
    with pytest.raises(ValueError, match="no sum over rows"):
        NaturalRegressor("poisson", prior="jeffreys").partial_fit(X, y)


def test_a_batch_that_is_refused_changes_nothing():
    X = DRAWS["gamma"]
    model = in_batches(NaturalMLE("gamma"), X, [300, 300])
    before = model.params_["shape"].copy()
    for bad, words in (
        (np.array([[1.0], [np.nan]]), "contains NaN at row 1"),
        (np.array([[1.0], [-2.0]]), "finite numbers > 0"),
        (np.ones((2, 3)), "X has 3 features, but NaturalMLE is expecting 1 features"),
    ):
        with pytest.raises(ValueError, match=words):
            model.partial_fit(bad)
        assert model.n_obs_ == 600.0 and np.array_equal(model.params_["shape"], before)
    model.partial_fit(np.empty((0, 1))).partial_fit(X[:3], sample_weight=np.zeros(3))
    assert model.n_obs_ == 600.0
    y = DRAWS["poisson"][:, 0]
    regressor = NaturalRegressor("poisson").fit(X, y)
    theta = regressor._theta.copy()
    with pytest.raises(ValueError, match="NaN"):
        regressor.partial_fit([[1.0], [np.nan]], [1.0, 2.0])
    with pytest.raises(ValueError, match="X has 2 features"):
        regressor.partial_fit(np.ones((2, 2)), [1.0, 2.0])
    assert np.array_equal(regressor._theta, theta) and regressor.n_obs_ == 600.0


def test_names_of_columns_must_stay():
    frame = pd.DataFrame(DRAWS["normal"], columns=["a", "b"])
    model = NaturalMLE("normal").partial_fit(frame[:300])
    with pytest.raises(ValueError, match="feature names should match"):
        model.partial_fit(frame[["b", "a"]])
    assert model.partial_fit(frame[300:]).n_obs_ == 600.0


def test_rows_that_determine_nothing_yet():
    model = NaturalMLE("normal").partial_fit(np.array([[2.0]]))
    with pytest.raises(NotFittedError, match="do not determine"):
        _ = model.params_
    with pytest.raises(NotFittedError):
        model.score(np.array([[2.0]]))
    assert not hasattr(model, "params_")
    assert_allclose(model.partial_fit(np.array([[4.0]])).params_["loc"], 3.0)


def test_what_cannot_go_on_says_why():
    with pytest.raises(ValueError, match="an end of its support is estimated"):
        NaturalMLE("uniform").partial_fit(np.arange(5.0)[:, None])
    with pytest.raises(ValueError, match="fit it again"):
        text = NaturalMLE("normal").fit(DRAWS["normal"]).to_json()
        natfit.from_json(text).partial_fit(DRAWS["normal"])
    one = NaturalMLE("gamma").fit(DRAWS["gamma"])
    for other, error, words in (
        (NaturalMLE("lognormal").fit(DRAWS["gamma"]), ValueError, "same distribution"),
        (NaturalMLE("gamma").fit(np.hstack([DRAWS["gamma"]] * 2)), ValueError, "same columns"),
        (NaturalRegressor(), TypeError, "another NaturalMLE"),
        (NaturalMLE("gamma"), ValueError, "not fitted"),
        (one, ValueError, "itself"),
    ):
        with pytest.raises(error, match=words):
            one.merge(other)


def test_pickles_copies_and_clones():
    X = DRAWS["gamma"]
    model = in_batches(NaturalMLE("gamma"), X, [300, 200])
    again = pickle.loads(pickle.dumps(model))
    assert again.partial_fit(X[500:]).n_obs_ == 600.0 and model.n_obs_ == 500.0
    assert not hasattr(clone(model), "n_features_in_")
    assert natfit.from_json(model.to_json()).n_obs_ == 500.0
    assert model.fit(X).n_obs_ == 600.0 and model.drift_.n_rows == 0


@pytest.mark.parametrize(
    "model",
    [NaturalMLE("normal"), NaturalMLE("student_t"), NaturalRegressor(), NaturalClassifier()],
)
def test_scikit_learns_checks(model):
    name = type(model).__name__
    # Their rows are not those of the families.
    with quiet():
        estimator_checks.check_estimators_partial_fit_n_features(name, clone(model))
        estimator_checks.check_n_features_in_after_fitting(name, clone(model))


def test_offsets_of_parameters_come_in_small_batches():
    rng = np.random.default_rng(3)
    X, y = rng.standard_normal((90, 1)), rng.standard_normal(90)
    own, log = 0.3 * rng.standard_normal(90), 0.1 * rng.standard_normal(90)
    whole = natfit.NaturalRegressor("normal").fit(X, y, offset={"loc": own, "scale": log})
    part = natfit.NaturalRegressor("normal")
    buffer = np.empty(15)
    for start in range(0, 90, 15):
        cut = slice(start, start + 15)
        buffer[:] = own[cut]
        part.partial_fit(X[cut], y[cut], offset={"loc": buffer, "scale": log[cut]})
    np.testing.assert_allclose(part.coef_["loc"], whole.coef_["loc"], rtol=1e-8)

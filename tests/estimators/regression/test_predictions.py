"""Predictions of a regression against scipy's distributions at the parameters by hand."""

import numpy as np
import pytest
from scipy import special, stats

from natfit import Censored, NaturalRegressor
from natfit.distributions.contract.frozen import Frozen
from natfit.inference.quantile_residuals import quantile_residuals

RNG = np.random.default_rng(11)
X = RNG.normal(size=(400, 2))
NEW = RNG.normal(size=(7, 2))
LOG = 0.4 + 0.3 * X[:, 0]
Y = {
    "normal": 1.0 + X @ [0.5, -1.0] + RNG.normal(size=400),
    "gamma": RNG.gamma(2.0, np.exp(LOG)),
    "weibull": np.exp(LOG) * RNG.weibull(1.7, size=400),
    "poisson": RNG.poisson(np.exp(LOG)).astype(float),
}
SCIPY = {
    "normal": lambda p: stats.norm(p["loc"], p["scale"]),
    "gamma": lambda p: stats.gamma(p["shape"], scale=p["scale"]),
    "weibull": lambda p: stats.weibull_min(p["shape"], scale=p["scale"]),
    "poisson": lambda p: stats.poisson(p["rate"]),
}


@pytest.fixture(scope="module", params=list(Y))
def fitted(request):
    return request.param, NaturalRegressor(request.param).fit(X, Y[request.param])


def test_predictions_are_those_of_scipy(fitted):
    name, model = fitted
    params = model.predict_params(NEW)
    assert all(v.shape == (7,) for v in params.values())
    dist = SCIPY[name](params)
    np.testing.assert_allclose(model.predict(NEW), dist.mean(), rtol=1e-12)
    np.testing.assert_allclose(model.predict_dist(NEW).var(), dist.var(), rtol=1e-11)
    np.testing.assert_allclose(model.predict_quantile(NEW), dist.median(), rtol=1e-9)
    levels = np.array([0.01, 0.3, 0.99])
    found = model.predict_quantile(NEW, levels)
    assert found.shape == (7, 3)
    np.testing.assert_allclose(found, dist.ppf(levels[:, None]).T, rtol=1e-9)
    low, high = dist.interval(0.8)
    np.testing.assert_allclose(
        model.predict_interval(NEW, 0.8), np.stack([low, high], 1), rtol=1e-9
    )


def test_scores_are_log_densities(fitted):
    name, model = fitted
    dist = SCIPY[name](model.predict_params(X))
    log = (dist.logpmf if name == "poisson" else dist.logpdf)(Y[name])
    np.testing.assert_allclose(model.score_samples(X, Y[name]), log, rtol=1e-9, atol=1e-11)
    assert model.score(X, Y[name]) == pytest.approx(log.mean(), rel=1e-12)
    assert model.score(X, Y[name]) == pytest.approx(model.loglik_ / 400, rel=1e-12)
    weight = np.arange(400) % 4
    assert model.score(X, Y[name], weight) == pytest.approx(np.average(log, weights=weight))
    repeated = np.repeat(np.arange(400), weight)
    assert model.score(X, Y[name], sample_weight=weight) == pytest.approx(
        model.score(X[repeated], Y[name][repeated]), rel=1e-12
    )


def test_the_linear_predictor_is_the_one_of_the_coefficients(fitted):
    _, model = fitted
    for name, value in model.linear_predictor(NEW).items():
        want = NEW @ model.coef_[name] if len(model.coef_[name]) else np.zeros(7)
        np.testing.assert_allclose(value, want + model.intercept_[name], rtol=1e-10)


def test_residuals_of_densities_are_normal_quantiles_of_the_distribution_function(fitted):
    name, model = fitted
    r = model.quantile_residuals(X, Y[name], random_state=3)
    dist = SCIPY[name](model.predict_params(X))
    if name == "poisson":
        low, high = dist.cdf(Y[name] - 1), dist.cdf(Y[name])
        assert np.all((special.ndtr(r) > low) & (special.ndtr(r) < high))
        np.testing.assert_array_equal(r, model.quantile_residuals(X, Y[name], random_state=3))
    else:
        np.testing.assert_allclose(special.ndtr(r), dist.cdf(Y[name]), atol=1e-12)
    assert stats.kstest(r, "norm").pvalue > 1e-3


def test_far_residuals_keep_their_digits():
    eta = np.array([[0.0, 0.0], [0.0, 0.0], [1.0, 1.0]])
    family = NaturalRegressor("normal").fit(X, Y["normal"]).distribution_
    y = np.array([-30.0, 30.0, 1.0 + 20.0 * np.e])
    r = quantile_residuals(family, y, eta, np.random.default_rng(0))
    np.testing.assert_allclose(r, [-30.0, 30.0, 20.0], rtol=1e-12)


@pytest.fixture(scope="module")
def times():
    scale = np.exp(1.0 + 0.5 * X[:, 0])
    y = scale * np.random.default_rng(4).weibull(1.5, 400)
    end = np.random.default_rng(5).uniform(0.5, 9.0, 400)
    return Censored.right(np.minimum(y, end), y <= end)


def test_a_regression_on_censored_rows_predicts_y_itself(times):
    model = NaturalRegressor("weibull").fit(X, times)
    params = model.predict_params(NEW)
    dist = stats.weibull_min(params["shape"], scale=params["scale"])
    np.testing.assert_allclose(model.predict(NEW), dist.mean(), rtol=1e-12)
    np.testing.assert_allclose(model.predict_quantile(NEW, 0.9), dist.ppf(0.9), rtol=1e-9)
    own = model.predict_params(X)
    dist = stats.weibull_min(own["shape"], scale=own["scale"])
    seen = times.lower == times.upper
    log = np.where(seen, dist.logpdf(times.lower), dist.logsf(times.lower))
    np.testing.assert_allclose(model.score_samples(X, times), log, rtol=1e-9)
    # Complete rows are scored by their density, whatever the fit has seen.
    np.testing.assert_allclose(model.score_samples(X, times.lower), dist.logpdf(times.lower))
    r = model.quantile_residuals(X, times, random_state=0)
    u = dist.cdf(times.lower)
    np.testing.assert_allclose(special.ndtr(r[seen]), u[seen], atol=1e-12)
    assert np.all(special.ndtr(r[~seen]) > u[~seen])
    assert stats.kstest(r, "norm").pvalue > 1e-3


def test_censored_rows_are_scored_by_a_regression_on_complete_ones(times):
    model = NaturalRegressor("weibull").fit(X, times.lower)
    own = model.predict_params(X)
    dist = stats.weibull_min(own["shape"], scale=own["scale"])
    seen = times.lower == times.upper
    log = np.where(seen, dist.logpdf(times.lower), dist.logsf(times.lower))
    np.testing.assert_allclose(model.score_samples(X, times), log, rtol=1e-9)


def test_residuals_in_windows_are_uniform_within_them():
    rng = np.random.default_rng(6)
    family = NaturalRegressor("normal").fit(X, Y["normal"]).distribution_
    n = 3000
    eta = np.stack([rng.normal(size=n), 0.3 * rng.normal(size=n)], axis=1)
    low = eta[:, 0] + rng.normal(size=n)
    y = stats.truncnorm.rvs(
        (low - eta[:, 0]) / np.exp(eta[:, 1]), np.inf, eta[:, 0], np.exp(eta[:, 1]), random_state=1
    )
    rows = np.stack([y, y, low, np.full(n, np.inf)], axis=1)
    r = quantile_residuals(family, rows, eta, rng)
    assert stats.kstest(r, "norm").pvalue > 1e-3


def test_offsets_and_exposure_move_predictions_and_scores():
    exposure = np.random.default_rng(8).uniform(0.5, 3.0, 400)
    y = np.random.default_rng(9).poisson(exposure * np.exp(LOG)).astype(float)
    model = NaturalRegressor("poisson").fit(X, y, exposure=exposure)
    mean = exposure * np.exp(X @ model.coef_["rate"] + model.intercept_["rate"])
    np.testing.assert_allclose(model.predict(X, exposure=exposure), mean, rtol=1e-12)
    np.testing.assert_allclose(model.predict(X, offset=np.log(exposure)), mean, rtol=1e-12)
    log = stats.poisson.logpmf(y, mean)
    assert model.score(X, y, exposure=exposure) == pytest.approx(log.mean(), rel=1e-12)
    low, high = stats.poisson(mean).interval(0.9)
    np.testing.assert_array_equal(
        model.predict_interval(X, exposure=exposure), np.stack([low, high], 1)
    )


def test_one_row_keeps_its_axis(fitted):
    name, model = fitted
    assert model.predict(NEW[:1]).shape == (1,)
    assert model.predict_quantile(NEW[:1], 0.2).shape == (1,)
    assert model.predict_quantile(NEW[:1], [0.2, 0.3]).shape == (1, 2)
    assert model.predict_interval(NEW[:1]).shape == (1, 2)
    assert all(v.shape == (1,) for v in model.predict_params(NEW[:1]).values())
    frozen = model.predict_dist(NEW[:1])
    assert frozen.rvs(random_state=0).shape == (1,) and frozen.rvs(3, random_state=0).shape == (
        3,
        1,
    )
    assert frozen.entropy().shape == frozen.mode().shape == frozen.std().shape == (1,)


def test_rows_are_drawn_each_from_its_own(fitted):
    name, model = fitted
    draws = model.predict_dist(NEW).rvs(4000, random_state=0)
    assert draws.shape == (4000, 7)
    dist = SCIPY[name](model.predict_params(NEW))
    error = (draws.mean(axis=0) - dist.mean()) / (dist.std() / np.sqrt(4000))
    assert np.abs(error).max() < 4.5


def test_entropy_and_mode_of_rows_are_those_of_each(fitted):
    _, model = fitted
    frozen = model.predict_dist(NEW)
    each = [Frozen(frozen.family, e[None]) for e in frozen.eta]
    np.testing.assert_allclose(frozen.entropy(), [f.entropy() for f in each], rtol=1e-9)
    np.testing.assert_allclose(frozen.mode(), [f.mode() for f in each], rtol=1e-9)


def test_bad_arguments_are_named(fitted):
    name, model = fitted
    with pytest.raises(ValueError, match=r"q must be probabilities in \[0, 1\], got 5"):
        model.predict_quantile(NEW, [0.5, 5.0])
    with pytest.raises(ValueError, match="q must be a number or a vector"):
        model.predict_quantile(NEW, [[0.5]])
    with pytest.raises(ValueError, match="coverage must be > 0 and < 1, got 90"):
        model.predict_interval(NEW, 90)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.score(X, Y[name][:-1])
    with pytest.raises(ValueError, match="(finite|NaN|infinity)"):
        model.score(X, np.where(np.arange(400) == 3, np.nan, Y[name]))
    with pytest.raises(ValueError, match="sample_weight"):
        model.score(X, Y[name], -np.ones(400))


def test_the_mean_of_a_family_without_one_is_refused():
    model = NaturalRegressor("cauchy").fit(X, Y["normal"])
    with pytest.raises(ValueError, match="does not exist"):
        model.predict(NEW)
    params = model.predict_params(NEW)
    np.testing.assert_allclose(model.predict_quantile(NEW), params["loc"], rtol=1e-9)

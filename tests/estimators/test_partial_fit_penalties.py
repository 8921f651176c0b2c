"""Fits that go on with penalties and with other options; rows that determine nothing."""

import numpy as np
import pytest
from scipy import optimize, stats

from natfit import NaturalClassifier, NaturalMLE, NaturalRegressor


def drawn(family, rng, X, alpha):
    mean = np.exp(X @ [0.3, -0.2])
    if family == "poisson":
        return rng.poisson(mean).astype(float)
    if family == "negative_binomial":
        return rng.negative_binomial(3, 3.0 / (3.0 + mean)).astype(float)
    return np.log(mean) + rng.normal(size=len(mean))


@pytest.mark.slow
@pytest.mark.parametrize(
    "family, alpha",
    [("poisson", 0.0), ("poisson", 1.0), ("normal", 0.1), ("negative_binomial", 0.0)],
)
def test_p_values_are_uniform_without_drift(family, alpha):
    found = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        model = NaturalRegressor(family, alpha=alpha)
        for n in (1_500, *[600] * 10):
            X = rng.normal(size=(n, 2))
            model.partial_fit(X, drawn(family, rng, X, alpha))
        found.extend(model.drift_["p_value"][-10:])
    assert stats.kstest(found, "uniform").pvalue > 1e-3
    assert np.mean(np.array(found) < 0.05) < 0.12


@pytest.mark.parametrize("alpha", [0.0, 0.1, 1.0])
def test_the_likelihood_is_that_of_the_rows_without_the_penalty(alpha):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(10_000, 3))
    y = rng.poisson(np.exp(X @ [0.3, -0.2, 0.1])).astype(float)
    model = NaturalRegressor("poisson", alpha=alpha)
    for start in range(0, len(y), 1_000):
        model.partial_fit(X[start : start + 1_000], y[start : start + 1_000])
    assert model.loglik_ == pytest.approx(model.score(X, y) * len(y), abs=0.1)


CHANGES = [{"fixed": {"scale": 3.0}}, {"distribution": "gamma"}, {"coordinates": "native"}]


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize("change", CHANGES, ids=lambda c: next(iter(c)))
@pytest.mark.parametrize("n", [300, 3_000])
def test_options_must_stay(change, n, fitted):
    y = np.random.default_rng(0).weibull(2.0, (n, 1))
    model = NaturalMLE("weibull")
    model = model.fit(y) if fitted else model.partial_fit(y)
    model.set_params(**change)
    with pytest.raises(ValueError, match=f"{next(iter(change))} must stay as it was"):
        model.partial_fit(y)
    model.fit(y)
    model.partial_fit(y)


@pytest.mark.parametrize(
    "change", [{"alpha": 1.0}, {"fit_intercept": False}, {"distribution": "geometric"}], ids=str
)
def test_options_of_regressions_must_stay(change):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(2_000, 2)), rng.poisson(1.0, 2_000)
    model = NaturalRegressor("poisson").partial_fit(X, y)
    model.set_params(**change)
    with pytest.raises(ValueError, match=f"{next(iter(change))} must stay as it was"):
        model.partial_fit(X, y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_rows_that_determine_nothing_are_not_held_without_end(monkeypatch):
    monkeypatch.setattr("natfit.estimators.regression._partial.HELD", 4_000)
    rng = np.random.default_rng(0)
    model = NaturalRegressor("poisson")
    levels = rng.integers(0, 4, 1_500)
    for _ in range(2):
        model.partial_fit(np.eye(4)[levels], rng.poisson(1.0 + levels).astype(float))
    with pytest.raises(ValueError, match="4,500 rows that do not: .*alpha > 0"):
        model.partial_fit(np.eye(4)[levels], rng.poisson(1.0 + levels).astype(float))
    classes = NaturalClassifier()
    X, y = rng.normal(size=(3_000, 2)), rng.choice(["a", "b"], 3_000)
    classes.partial_fit(X, y, classes=["a", "b", "c"])
    with pytest.raises(ValueError, match="classes have not come"):
        classes.partial_fit(X, y, classes=["a", "b", "c"])


def weighted_posterior(y, weight, prior):
    """The mode of a Weibull likelihood times a prior of the shape, by scipy."""

    def value(eta):
        shape, scale = np.exp(eta)
        log = weight @ stats.weibull_min(shape, scale=scale).logpdf(y)
        return -(log + prior.logpdf(shape)) / weight.sum()

    return np.exp(optimize.minimize(value, [0.5, 0.0], method="Nelder-Mead", tol=1e-12).x)


@pytest.mark.parametrize("share", [0.8, 1.0])
@pytest.mark.parametrize(
    "prior", [stats.norm(1.5, 0.05), stats.norm(2.0, 0.02)], ids=["far", "near"]
)
def test_a_prior_counts_once_whatever_is_forgotten(prior, share):
    y = np.random.default_rng(0).weibull(2.0, 8_000)
    model = NaturalMLE("weibull", prior={"shape": prior})
    for k in range(16):
        model.partial_fit(y[500 * k : 500 * (k + 1), None], forgetting=share)
    weight = np.repeat(share ** np.arange(16)[::-1], 500)
    shape, scale = weighted_posterior(y, weight, prior)
    error = np.ravel(model.standard_errors_["shape"])[0]
    assert np.ravel(model.params_["shape"])[0] == pytest.approx(shape, abs=0.3 * error)
    if share == 1.0:
        want = NaturalMLE("weibull", prior={"shape": prior}).fit(y[:, None])
        assert error == pytest.approx(np.ravel(want.standard_errors_["shape"])[0], rel=0.05)
    # That of the rows alone, without the prior.
    own = stats.weibull_min(model.params_["shape"], scale=model.params_["scale"])
    assert model.loglik_ == pytest.approx(float(weight @ own.logpdf(y)), abs=1.0)


@pytest.mark.slow
@pytest.mark.parametrize("width", [0.05, 0.2])
def test_p_values_are_uniform_with_a_prior(width):
    found = []
    for seed in range(40):
        y = np.random.default_rng(seed).weibull(2.0, (6_000, 1))
        model = NaturalMLE("weibull", prior={"shape": stats.norm(1.9, width)})
        for start in range(0, 6_000, 1_000):
            model.partial_fit(y[start : start + 1_000])
        found.extend(model.drift_["p_value"])
    assert stats.kstest(found, "uniform").pvalue > 1e-3

"""score, score_samples and sample against scipy."""

import numpy as np
import pytest
from estimator_data import FAMILIES, sample, scalars
from scipy import stats

from natfit import NaturalGaussianMLE, NaturalMLE


def scipys(name, params):
    frozen = FAMILIES[name].frozen(scalars(params))
    return getattr(frozen, "logpdf", None) or frozen.logpmf


@pytest.mark.parametrize("name", FAMILIES)
def test_log_densities_of_rows(name):
    model = NaturalMLE(name).fit(sample(name, 200, 60))
    x = sample(name, 50, 61)
    got = model.score_samples(x)
    assert got.shape == (50,) and got.dtype == np.float64
    want = scipys(name, model.params_)(x[:, 0])
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-12)
    assert isinstance(model.score(x), float)
    assert model.score(x) == pytest.approx(want.mean(), rel=1e-10)


@pytest.mark.parametrize("name", FAMILIES)
def test_columns_add(name):
    x = sample(name, 400, 63, columns=2)
    model = NaturalMLE(name).fit(x)
    parts = [{k: v[j] for k, v in model.params_.items()} for j in range(2)]
    want = sum(scipys(name, p)(x[:, j]) for j, p in enumerate(parts))
    np.testing.assert_allclose(model.score_samples(x), want, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", ["full", "diag", "spherical"])
def test_several_dimensions(kind):
    rng = np.random.default_rng(63)
    X = rng.normal(size=(100, 3)) @ rng.normal(size=(3, 3))
    model = NaturalGaussianMLE(kind).fit(X)
    want = stats.multivariate_normal(model.mean_, model.covariance_).logpdf(X)
    np.testing.assert_allclose(model.score_samples(X), want, rtol=1e-9)
    assert model.score(X) == pytest.approx(want.mean(), rel=1e-10)


OUTSIDE = {
    "exponential": [-1.0, -1e-300],
    "gamma": [-1.0, 0.0],
    "poisson": [-1.0, 0.5],
    "bernoulli": [-1.0, 0.5, 2.0],
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_outside_the_support_the_log_density_is_minus_infinity(name):
    model = NaturalMLE(name).fit(sample(name, 100, 64))
    x = np.array([[v] for v in OUTSIDE[name]] + [[1.0]])
    got = model.score_samples(x)
    assert np.all(got[:-1] == -np.inf) and np.isfinite(got[-1])
    assert model.score(x) == -np.inf
    # A row of weight zero does not count, whatever its density.
    weight = np.zeros(len(x))
    weight[-1] = 2.0
    assert model.score(x, sample_weight=weight) == pytest.approx(got[-1])
    # One column outside is enough.
    both = NaturalMLE(name).fit(sample(name, 100, 64, columns=2))
    assert both.score_samples([[1.0, OUTSIDE[name][0]]]) == [-np.inf]


def test_edges_of_the_support():
    assert np.isfinite(NaturalMLE("exponential").fit(sample("exponential", 50)).score([[0.0]]))
    model = NaturalMLE("gamma").fit(sample("gamma", 50))
    assert np.isfinite(model.score([[1e-300]]))
    for name in ("normal", "student_t"):
        assert np.isfinite(NaturalMLE(name).fit(sample(name, 200, 60)).score([[1e150]]))


@pytest.mark.parametrize("name", FAMILIES)
def test_weighted_score(name):
    x, w = sample(name, 80, 65), np.random.default_rng(65).uniform(0, 3, 80)
    model = NaturalMLE(name).fit(x)
    want = np.average(model.score_samples(x), weights=w)
    assert model.score(x, sample_weight=w) == pytest.approx(want, rel=1e-12)
    assert model.score(x, None, w) == model.score(x, sample_weight=w)


def test_weights_of_a_score_are_checked():
    x = sample("normal", 20)
    model = NaturalMLE().fit(x)
    for weight, words in (
        (-np.ones(20), ">= 0"),
        (np.ones(19), "expected"),
        (np.zeros(20), "zeros"),
    ):
        with pytest.raises(ValueError, match=f"sample_weight.*{words}"):
            model.score(x, sample_weight=weight)


def test_nan_is_refused_in_scoring():
    model = NaturalMLE().fit(sample("normal", 20))
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match="NaN|infinity"):
            model.score_samples([[1.0], [bad]])


def test_higher_is_better():
    x = sample("student_t", 300, 66)
    right, wrong = NaturalMLE("student_t").fit(x), NaturalMLE("normal").fit(x)
    assert right.score(x) > wrong.score(x)


# ---------------------------------------------------------------------------------- sampling


@pytest.mark.parametrize("name", FAMILIES)
def test_samples_have_the_models_distribution(name):
    model = NaturalMLE(name).fit(sample(name, 200, 67, columns=2))
    draws = model.sample(20_000, random_state=0)
    assert draws.shape == (20_000, 2)
    for j in range(2):
        frozen = FAMILIES[name].frozen({k: float(v[j]) for k, v in model.params_.items()})
        error = frozen.std() / np.sqrt(20_000)
        assert abs(draws[:, j].mean() - frozen.mean()) < 5 * error
        # Quantiles exist where moments do not; the sampling error of a share is at most .5/sqrt(n).
        for q in (0.1, 0.5, 0.9):
            share = (draws[:, j] <= frozen.ppf(q)).mean()
            assert abs(share - frozen.cdf(frozen.ppf(q))) < 5 * 0.5 / np.sqrt(20_000)
    assert abs(np.corrcoef(draws.T)[0, 1]) < 5 / np.sqrt(20_000)
    assert np.all(np.isfinite(model.score_samples(draws)))


@pytest.mark.parametrize("kind", ["full", "diag", "spherical"])
def test_samples_in_several_dimensions(kind):
    rng = np.random.default_rng(68)
    X = rng.normal(size=(100, 3)) @ rng.normal(size=(3, 3)) + 1.0
    model = NaturalGaussianMLE(kind).fit(X)
    draws = model.sample(50_000, random_state=0)
    S, d = model.covariance_, np.diagonal(model.covariance_)
    error = np.sqrt(np.outer(d, d) + S**2) / np.sqrt(50_000)
    assert np.all(np.abs(draws.mean(axis=0) - model.mean_) < 5 * np.sqrt(d / 50_000))
    assert np.all(np.abs(np.cov(draws.T, bias=True) - S) < 5 * error)


def test_sample_sizes():
    model = NaturalMLE().fit(sample("normal", 50))
    assert model.sample().shape == (1, 1)
    assert model.sample(np.int64(4)).shape == (4, 1)
    for bad, error in ((0, ValueError), (-1, ValueError), (2.5, TypeError), (True, TypeError)):
        with pytest.raises(error, match="n_samples must be an integer|n_samples must be >= 1"):
            model.sample(bad)


def test_sample_without_a_sampler():
    import autograd.numpy as anp

    from natfit.distributions import Positive, from_log_prob

    family = from_log_prob(
        lambda y, rate: anp.log(rate) - rate * y, {"rate": Positive()}, support="non_negative"
    )
    model = NaturalMLE(family).fit(sample("exponential", 50))
    with pytest.raises(ValueError, match="no sampler; pass sample="):
        model.sample()
